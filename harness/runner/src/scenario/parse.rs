//! From the tree of a file to actors and steps, and to the list of names that they use.

use std::path::Path;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};
use serde_json_path::JsonPath;

use super::body;
use super::node::{Kind, Node};
use super::plan::{
    Access, Action, Actor, Assertion, Claim, Expect, ExpectedStatus, ProfileType, Step,
};
use super::read::{Fields, Findings, known_names, listing};
use super::template::{Field, is_name};
use super::types;
use super::{ADMIN, GIVEN};

const SCENARIO_KEYS: [&str; 7] = [
    "scenario", "title", "page", "about", "given", "actors", "steps",
];
const STATE_KEYS: [&str; 5] = ["state", "about", "given", "actors", "steps"];
const ACTOR_KEYS: [&str; 4] = ["profile", "name", "policy", "patient"];
const ACCESS_KEYS: [&str; 2] = ["policy", "parameters"];
const EXPECT_KEYS: [&str; 5] = ["status", "outcome", "body", "matches", "order"];
const STEP_KEYS: [&str; 8] = [
    "step", "title", "as", "body", "capture", "if-match", "expect", "see",
];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Scenario,
    State,
}

/// A name that must exist where it is used.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) wanted: Wanted,
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What the name must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Somebody who acts: an actor or the admin.
    Acting,
    /// A row of the matrix.
    Actor,
    /// A captured resource.
    Capture,
    /// An actor or a captured resource, and one of its texts.
    Reference(Field),
    /// A policy file.
    Policy,
}

/// A step, with the names that it uses.
#[derive(Debug, Clone)]
pub(crate) struct ParsedStep {
    pub(crate) step: Step,
    pub(crate) id_span: Span,
    pub(crate) capture_span: Option<Span>,
    /// Used before the step's own capture exists.
    pub(crate) before: Vec<Use>,
    /// Used after it exists.
    pub(crate) after: Vec<Use>,
}

/// An actor, with the names that it uses.
#[derive(Debug, Clone)]
pub(crate) struct ParsedActor {
    pub(crate) actor: Actor,
    pub(crate) uses: Vec<Use>,
}

/// A file by itself: names are not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) source: Arc<Source>,
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) page: String,
    pub(crate) about: String,
    pub(crate) given: Option<(String, Span)>,
    pub(crate) actors: Vec<ParsedActor>,
    pub(crate) steps: Vec<ParsedStep>,
}

/// Reads a scenario or a state.
pub(crate) fn parse(source: &Arc<Source>, kind: FileKind) -> (Option<Parsed>, Vec<Diagnostic>) {
    let node = match Node::parse(source) {
        Ok(node) => node,
        Err(error) => return (None, vec![error]),
    };
    let mut findings = Findings::new(source);
    let parsed = file(&node, kind, &mut findings);
    (parsed, findings.list)
}

fn file(node: &Node, kind: FileKind, findings: &mut Findings) -> Option<Parsed> {
    let (what, id_key, keys): (_, _, &[&str]) = match kind {
        FileKind::Scenario => ("a scenario", "scenario", &SCENARIO_KEYS),
        FileKind::State => ("a state", "state", &STATE_KEYS),
    };
    let fields = Fields::read(node, what, keys, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    let id = fields.require_text(id_key, findings);
    if let (Some(id), Some(entry)) = (&id, fields.entry(id_key)) {
        same_as_stem(id, entry.value.span, id_key, findings);
    }
    let (title, page) = if kind == FileKind::Scenario {
        let title = fields.require_text("title", findings);
        (title, fields.require_text("page", findings))
    } else {
        (None, None)
    };
    let about = fields.optional_text("about", findings);
    let given = fields.get("given").and_then(|node| {
        let name = findings.text(node, "`given`")?;
        Some((name, node.span))
    });
    let mut actors = Vec::new();
    if let Some(node) = fields.get("actors") {
        for entry in findings.map(node, "`actors`") {
            if entry.key == ADMIN {
                findings.error(
                    "scenario/name",
                    "`admin` is always there and cannot be declared",
                    entry.key_span,
                    "the project admin",
                    "give the actor another name",
                );
            } else if is_valid_name(&entry.key, entry.key_span, "an actor", findings)
                && let Some(parsed) = actor(&entry.key, entry.key_span, &entry.value, findings)
            {
                actors.push(parsed);
            }
        }
    }
    let default_actor = (kind == FileKind::State).then_some(ADMIN);
    let mut steps = Vec::new();
    let list = if kind == FileKind::Scenario {
        fields.require("steps", findings)
    } else {
        fields.get("steps")
    };
    if let Some(node) = list {
        for item in findings.list(node, "`steps`") {
            steps.extend(step(item, default_actor, findings));
        }
    }
    Some(Parsed {
        source: Arc::clone(&findings.source),
        id: id.unwrap_or_default(),
        title: title.unwrap_or_default(),
        page: page.unwrap_or_default(),
        about: about.unwrap_or_default().trim().to_owned(),
        given,
        actors,
        steps,
    })
}

fn same_as_stem(id: &str, span: Span, key: &str, findings: &mut Findings) {
    let stem = Path::new(&findings.source.name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
        .to_owned();
    if stem != id {
        findings.error(
            "scenario/name",
            format!("`{key}: {id}` stands in a file called `{stem}`"),
            span,
            "not the file's name",
            format!("write `{key}: {stem}`, or rename the file"),
        );
    }
}

fn is_valid_name(name: &str, span: Span, what: &str, findings: &mut Findings) -> bool {
    if is_name(name) {
        return true;
    }
    findings.error(
        "scenario/name",
        format!("`{name}` cannot name {what}"),
        span,
        "not a name",
        "a name is letters, digits, `-` and `_`, and starts with a letter",
    );
    false
}

fn actor(name: &str, span: Span, node: &Node, findings: &mut Findings) -> Option<ParsedActor> {
    let fields = Fields::read(node, "an actor", &ACTOR_KEYS, findings);
    let mut uses = Vec::new();
    let profile = fields
        .require("profile", findings)
        .and_then(|node| profile(node, findings));
    let display = fields.require_text("name", findings);
    let access = fields
        .require("policy", findings)
        .map(|node| access(node, findings, &mut uses));
    let patient = fields.get("patient").and_then(|node| {
        let patient = findings.text(node, "`patient`")?;
        uses.push(Use {
            wanted: Wanted::Actor,
            name: patient.clone(),
            span: node.span,
        });
        Some(patient)
    });
    if profile == Some(ProfileType::RelatedPerson) && patient.is_none() {
        findings.error(
            "scenario/missing-key",
            "a RelatedPerson has no `patient`",
            fields.start(),
            "`patient` is missing here",
            "name the actor whose relative this is: `patient: homer`",
        );
    }
    Some(ParsedActor {
        actor: Actor {
            name: name.to_owned(),
            profile: profile?,
            display: display?,
            access: access?,
            patient,
            span,
            source: Arc::clone(&findings.source),
        },
        uses,
    })
}

fn profile(node: &Node, findings: &mut Findings) -> Option<ProfileType> {
    let text = findings.text(node, "`profile`")?;
    let found = ProfileType::ALL
        .into_iter()
        .find(|profile| profile.name() == text);
    if found.is_none() {
        findings.error(
            "scenario/value",
            format!("`{text}` is no kind of actor"),
            node.span,
            "not a profile",
            known_names(&text, ProfileType::ALL.map(ProfileType::name)),
        );
    }
    found
}

/// `policy: participant`, a list of such, or `{policy, parameters}`.
fn access(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Vec<Access> {
    match &node.kind {
        Kind::List(items) if items.is_empty() => {
            findings.error(
                "scenario/value",
                "an actor must have a policy",
                node.span,
                "grants everything: a membership without a policy has full access",
                "name a file in `policies/`",
            );
            Vec::new()
        }
        Kind::List(items) => items
            .iter()
            .flat_map(|item| one_access(item, findings, uses))
            .collect(),
        _ => one_access(node, findings, uses).into_iter().collect(),
    }
}

fn one_access(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Access> {
    let (name_node, parameters) = if let Kind::Map(_) = &node.kind {
        let fields = Fields::read(node, "a policy", &ACCESS_KEYS, findings);
        let mut parameters = Vec::new();
        if let Some(node) = fields.get("parameters") {
            for entry in findings.map(node, "`parameters`") {
                let what = format!("the parameter `{}`", entry.key);
                if let Some(text) = findings.text(&entry.value, &what)
                    && let Some(template) = body::template(&text, &entry.value, findings, uses)
                {
                    parameters.push((entry.key.clone(), template));
                }
            }
        }
        (fields.require("policy", findings)?, parameters)
    } else {
        (node, Vec::new())
    };
    let policy = findings.text(name_node, "`policy`")?;
    uses.push(Use {
        wanted: Wanted::Policy,
        name: policy.clone(),
        span: name_node.span,
    });
    Some(Access { policy, parameters })
}

fn step(node: &Node, default_actor: Option<&str>, findings: &mut Findings) -> Option<ParsedStep> {
    let allowed: Vec<&str> = STEP_KEYS.into_iter().chain(Action::VERBS).collect();
    let fields = Fields::read(node, "a step", &allowed, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let id_span = fields.get("step").map_or(fields.start(), |node| node.span);
    let id = fields.require_text("step", findings).filter(|id| {
        if id == GIVEN {
            findings.error(
                "scenario/name",
                "no step can be called `given`",
                id_span,
                "the name of the state before the first step",
                "",
            );
        }
        is_valid_name(id, id_span, "a step", findings)
    });
    let title = fields.optional_text("title", findings);
    let acting = match (fields.get("as"), default_actor) {
        (None, Some(actor)) => Some(actor.to_owned()),
        (None, None) => fields.require_text("as", findings),
        (Some(node), _) => {
            let name = findings.text(node, "`as`");
            if let Some(name) = &name {
                before.push(Use {
                    wanted: Wanted::Acting,
                    name: name.clone(),
                    span: node.span,
                });
            }
            name
        }
    };
    let action = action(&fields, findings, &mut before);
    let if_match = fields.get("if-match").and_then(|node| {
        let text = findings.text(node, "`if-match`")?;
        body::template(&text, node, findings, &mut before)
    });
    let capture = fields.optional_text("capture", findings);
    let capture_span = fields.get("capture").map(|node| node.span);
    if let (Some(name), Some(span)) = (&capture, capture_span) {
        is_valid_name(name, span, "a resource", findings);
    }
    let expect = expect(fields.get("expect"), findings, &mut after);
    let see = fields
        .get("see")
        .map(|node| see(node, findings, &mut after))
        .unwrap_or_default();
    let action = action?;
    fitting(&fields, &action, &expect, acting.as_deref(), findings);
    Some(ParsedStep {
        step: Step {
            id: id?,
            title,
            actor: acting?,
            action,
            if_match,
            capture,
            expect,
            see,
            span: node.span,
            source: Arc::clone(&findings.source),
        },
        id_span,
        capture_span,
        before,
        after,
    })
}

fn action(fields: &Fields<'_>, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Action> {
    let verbs: Vec<_> = Action::VERBS
        .into_iter()
        .filter_map(|verb| Some((verb, fields.entry(verb)?)))
        .collect();
    let (verb, entry) = match verbs.as_slice() {
        [one] => *one,
        [] => {
            findings.error(
                "scenario/verb",
                "a step does nothing",
                fields.start(),
                "this step has no verb",
                format!("add one of {}", listing(Action::VERBS)),
            );
            return None;
        }
        [(first, _), (second, entry), ..] => {
            findings.error(
                "scenario/verb",
                format!("a step does two things: `{first}` and `{second}`"),
                entry.key_span,
                "the second verb",
                "make two steps of it",
            );
            return None;
        }
    };
    let node = &entry.value;
    if verb == "grant" {
        return grant(node, findings, uses);
    }
    let text = findings.text(node, &format!("`{verb}`"))?;
    let target = body::template(&text, node, findings, uses);
    let mut body = || {
        let node = fields.require("body", findings)?;
        Some(body::value(node, findings, uses))
    };
    Some(match verb {
        "create" => {
            let body = body()?;
            resource_type_of(&body, &text, node.span, findings);
            if let Some(node) = fields.get("body") {
                types::check(node, &text, findings);
            }
            Action::Create {
                resource_type: text,
                body,
            }
        }
        "update" => {
            let body = body()?;
            let kind = body.get("resourceType").and_then(|value| value.as_str());
            if let (Some(kind), Some(node)) = (kind, fields.get("body")) {
                types::check(node, kind, findings);
            }
            Action::Update {
                body,
                target: target?,
            }
        }
        "patch" => {
            let body = body()?;
            if !body.is_array() {
                findings.error(
                    "scenario/value",
                    "the `body` of a patch must be a list of operations",
                    fields.get("body").map_or(node.span, |body| body.span),
                    "not a list",
                    "write `- { op: replace, path: /status, value: completed }`",
                );
            }
            Action::Patch {
                body,
                target: target?,
            }
        }
        "read" => Action::Read(target?),
        "vread" => Action::Vread(target?),
        "history" => Action::History(target?),
        "delete" => Action::Delete(target?),
        _ => Action::Search(target?),
    })
}

/// `create: Communication` with a Patient in its body is a slip of the pen.
fn resource_type_of(body: &serde_json::Value, named: &str, span: Span, findings: &mut Findings) {
    let inside = body.get("resourceType").and_then(|value| value.as_str());
    if let Some(inside) = inside
        && inside != named
    {
        findings.error(
            "scenario/value",
            format!("`create: {named}` has a body of type `{inside}`"),
            span,
            "another type than the body",
            "",
        );
    }
}

fn grant(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Option<Action> {
    let fields = Fields::read(
        node,
        "`grant`",
        &["actor", "policy", "parameters"],
        findings,
    );
    let actor_node = fields.require("actor", findings)?;
    let actor = findings.text(actor_node, "`actor`")?;
    uses.push(Use {
        wanted: Wanted::Actor,
        name: actor.clone(),
        span: actor_node.span,
    });
    let policy = fields.require("policy", findings)?;
    let access = if fields.get("parameters").is_some() {
        // The short form `{actor, policy, parameters}` is one policy with its parameters.
        let mut short = node.clone();
        if let Kind::Map(entries) = &mut short.kind {
            entries.retain(|entry| entry.key != "actor");
        }
        one_access(&short, findings, uses).into_iter().collect()
    } else {
        access(policy, findings, uses)
    };
    Some(Action::Grant { actor, access })
}

/// Keys that a verb does not take, and expectations that it cannot meet.
fn fitting(
    fields: &Fields<'_>,
    action: &Action,
    expect: &Expect,
    acting: Option<&str>,
    findings: &mut Findings,
) {
    let verb = action.verb();
    let takes_body = matches!(verb, "create" | "update" | "patch");
    let takes_version = matches!(verb, "update" | "patch" | "delete");
    let can_capture = matches!(verb, "create" | "read" | "update" | "patch");
    for (key, fits, verbs) in [
        ("body", takes_body, "create, update and patch"),
        ("if-match", takes_version, "update, patch and delete"),
        ("capture", can_capture, "create, read, update and patch"),
    ] {
        if let Some(entry) = fields.entry(key)
            && !fits
        {
            findings.error(
                "scenario/value",
                format!("`{verb}` takes no `{key}`"),
                entry.key_span,
                format!("goes with {verbs}"),
                "",
            );
        }
    }
    if verb == "grant"
        && acting.is_some_and(|actor| actor != ADMIN)
        && let Some(node) = fields.get("as")
    {
        findings.error(
            "scenario/value",
            "only the admin grants",
            node.span,
            "not the admin",
            "write `as: admin`",
        );
    }
    let Some(node) = fields.get("expect") else {
        return;
    };
    let search_only = expect.matches.is_some() || expect.order;
    if search_only && verb != "search" {
        findings.error(
            "scenario/value",
            format!("`{verb}` finds nothing that `matches` could be compared with"),
            node.span,
            "goes with search",
            "",
        );
    } else if expect.order && expect.matches.is_none() {
        findings.error(
            "scenario/value",
            "`order: true` without `matches`",
            node.span,
            "there is nothing to be in order",
            "",
        );
    }
    if verb == "grant" {
        findings.error(
            "scenario/value",
            "`grant` expects nothing: it is done by the harness, and must succeed",
            node.span,
            "remove this",
            "say in `see` what changes by it",
        );
    }
}

fn expect(node: Option<&Node>, findings: &mut Findings, uses: &mut Vec<Use>) -> Expect {
    let mut expect = Expect {
        status: ExpectedStatus::Success,
        outcome: None,
        body: Vec::new(),
        matches: None,
        order: false,
    };
    let Some(node) = node else {
        return expect;
    };
    if let Kind::Text(word) = &node.kind {
        if let Some(status) = status_word(word, node.span, findings) {
            expect.status = status;
        }
        return expect;
    }
    let fields = Fields::read(node, "`expect`", &EXPECT_KEYS, findings);
    if let Some(node) = fields.get("status")
        && let Some(status) = status(node, findings)
    {
        expect.status = status;
    }
    expect.outcome = fields.optional_text("outcome", findings);
    if let Some(node) = fields.get("body") {
        for entry in findings.map(node, "`body`") {
            let expected = body::value(&entry.value, findings, uses);
            match JsonPath::parse(&entry.key) {
                Ok(path) => expect.body.push(Assertion {
                    text: entry.key.clone(),
                    path,
                    expected,
                }),
                Err(error) => findings.error(
                    "scenario/jsonpath",
                    format!("`{}` is not a JSONPath: {}", entry.key, error.message()),
                    entry.key_span,
                    "not a JSONPath",
                    "a path starts with `$`, as in \"$.recipient[*].reference\" (RFC 9535)",
                ),
            }
        }
    }
    expect.matches = fields.get("matches").map(|node| {
        let mut names = Vec::new();
        for item in findings.list(node, "`matches`") {
            if let Some(name) = findings.text(item, "a name in `matches`") {
                uses.push(Use {
                    wanted: Wanted::Reference(Field::Reference),
                    name: name.clone(),
                    span: item.span,
                });
                names.push(name);
            }
        }
        names
    });
    if let Some(node) = fields.get("order") {
        match node.kind {
            Kind::Bool(order) => expect.order = order,
            _ => findings.wrong_kind(node, "`order`", "`true` or `false`"),
        }
    }
    expect
}

fn status(node: &Node, findings: &mut Findings) -> Option<ExpectedStatus> {
    if let Kind::Text(word) = &node.kind {
        return status_word(word, node.span, findings);
    }
    let number = match &node.kind {
        Kind::Number(number) => number.as_str().parse::<u16>().ok(),
        _ => None,
    };
    let found = number.filter(|status| (200..600).contains(status));
    if found.is_none() {
        findings.wrong_kind(node, "`status`", "an HTTP status from 200 to 599");
    }
    found.map(ExpectedStatus::Exactly)
}

fn status_word(word: &str, span: Span, findings: &mut Findings) -> Option<ExpectedStatus> {
    match word {
        "hidden" => Some(ExpectedStatus::Hidden),
        "denied" => Some(ExpectedStatus::Denied),
        _ => {
            findings.error(
                "scenario/value",
                format!("`{word}` is nothing that can be expected"),
                span,
                "not an expectation",
                format!(
                    "{}; or write `{{ status: 404 }}`",
                    known_names(word, ["hidden", "denied"])
                ),
            );
            None
        }
    }
}

fn see(node: &Node, findings: &mut Findings, uses: &mut Vec<Use>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for actor in findings.map(node, "`see`") {
        uses.push(Use {
            wanted: Wanted::Actor,
            name: actor.key.clone(),
            span: actor.key_span,
        });
        for cell in findings.map(&actor.value, &format!("what `{}` sees", actor.key)) {
            uses.push(Use {
                wanted: Wanted::Capture,
                name: cell.key.clone(),
                span: cell.key_span,
            });
            let what = format!("what `{}` sees of `{}`", actor.key, cell.key);
            let Some(word) = findings.text(&cell.value, &what) else {
                continue;
            };
            let visible = match word.as_str() {
                "visible" => true,
                "hidden" => false,
                _ => {
                    findings.error(
                        "scenario/value",
                        format!("`{word}` is neither visible nor hidden"),
                        cell.value.span,
                        "not a claim",
                        known_names(&word, ["visible", "hidden"]),
                    );
                    continue;
                }
            };
            claims.push(Claim {
                actor: actor.key.clone(),
                resource: cell.key.clone(),
                visible,
            });
        }
    }
    claims
}
