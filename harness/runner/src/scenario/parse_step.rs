//! Steps: who does what.

use fhirward_engine::words::{listed, nearest};
use std::sync::Arc;
use std::time::Duration;

use fhirward_engine::source::Span;
use fhirward_spec::spec;

use super::expectation::Expect;
use super::json_patch::operations;
use super::node::{Kind, Node};
use super::parse::{Made, MadeKind, ParsedStep, Use, Wanted, is_valid_name};
use super::parse_expect::{expect, see};
use super::parse_verb::{action, extras};
use super::path::Path;
use super::read::{Fields, Findings, known_names};
use super::step::{Action, Capture, Patience, Racer, Step};
use super::vocabulary::{self, STEP};
use super::{ADMIN, GIVEN, HARNESS};
use crate::client::Need;
use crate::expect::{NOISE, PROFILE, WIDENING};

/// How long a step may wait.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long to wait between two looks, where nobody says so.
const EVERY: Duration = Duration::from_millis(200);

pub(super) fn step(
    node: &Node,
    default_actor: Option<&str>,
    findings: &mut Findings,
) -> Option<ParsedStep> {
    let fields = Fields::read(node, &STEP, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let id_span = fields.get("step").map_or(fields.start(), |node| node.span);
    let id = fields
        .require_text("step", findings)
        .filter(|id| is_free(id, id_span, findings));
    let title = fields.optional_text("title", findings);
    let needs = needs(&fields, findings);
    let probe = fields.flag("probe", findings);
    let mut made = Vec::new();
    let action = action(&fields, &STEP, findings, &mut before, &mut made);
    let acting = acting(
        &fields,
        action.as_ref(),
        default_actor,
        findings,
        &mut before,
    );
    let extras = extras(&fields, findings, &mut before);
    let patience = patience(&fields, findings);
    let expect = expect(
        fields.get("expect"),
        &vocabulary::EXPECT,
        findings,
        &mut after,
    );
    let captures = captures(&fields, action.as_ref(), &expect, &mut made, findings);
    let see = fields
        .get("see")
        .map(|node| see(node, findings, &mut after))
        .unwrap_or_default();
    let (Some(action), Some(id), Some(acting)) = (action, id, acting) else {
        let names = made.iter().map(|made| made.name.clone());
        findings.lost.names.extend(names);
        let used = before.iter().chain(&after).map(|usage| usage.name.clone());
        findings.lost.used.extend(used);
        return None;
    };
    if let (Action::Patch { .. }, true, false) = (&action, expect.status.wants_success(), probe)
        && let Some(node) = fields.get("body")
    {
        operations(node, findings);
    }
    fitting(&fields, &action, &expect, Some(&acting), findings);
    let verb = STEP.key(action.verb()).and_then(|key| fields.named(key));
    Some(ParsedStep {
        verb_span: verb.map_or(id_span, |entry| entry.key_span),
        step: Step {
            id,
            title,
            actor: acting,
            action,
            extras,
            captures,
            needs,
            probe,
            patience,
            expect,
            see,
            span: node.span,
            source: Arc::clone(&findings.source),
        },
        id_span,
        made,
        before,
        after,
    })
}

/// Whether a step can have this name.
fn is_free(id: &str, span: Span, findings: &mut Findings) -> bool {
    let taken = match id {
        GIVEN => "the name of the state before the first step",
        WIDENING => "the name of the accepted widenings in a snapshot",
        NOISE => "the name of what a snapshot does not compare",
        PROFILE => "the name of the server profile in a snapshot",
        _ => "",
    };
    if !taken.is_empty() {
        let message = format!("no step can be called `{id}`");
        findings.error("scenario/name", message, span, taken, "");
    }
    is_valid_name(id, span, "a step", findings)
}

/// Who does it. A race says so for each part, and waiting is nobody's doing.
fn acting(
    fields: &Fields<'_>,
    action: Option<&Action>,
    default_actor: Option<&str>,
    findings: &mut Findings,
    uses: &mut Vec<Use>,
) -> Option<String> {
    let own = match action {
        Some(Action::Await(_)) => Some(HARNESS.to_owned()),
        Some(Action::Race(racers)) => {
            let names: Vec<&str> = racers.iter().map(|racer| racer.actor.as_str()).collect();
            Some(names.join(", "))
        }
        _ => None,
    };
    if let (Some(own), Some(action)) = (own, action) {
        if let Some(entry) = fields.entry("as") {
            findings.error(
                "scenario/value",
                format!("`{}` takes no `as`", action.verb()),
                entry.key_span,
                match action {
                    Action::Race(_) => "each part of a race has its own",
                    _ => "the harness waits, and no actor",
                },
                "",
            );
        }
        return Some(own);
    }
    let Some(node) = fields.get("as") else {
        if let Some(actor) = default_actor {
            return Some(actor.to_owned());
        }
        if fields.entry("grant").is_some() {
            findings.error(
                "scenario/missing-key",
                "a `grant` has no `as`",
                fields.start(),
                "`as` is missing here",
                "only the admin grants: write `as: admin`",
            );
            return None;
        }
        // What is wrong with a verb that takes no actor has been said.
        if fields.entry("await").is_some() || fields.entry("race").is_some() {
            return None;
        }
        return fields.require_text("as", findings);
    };
    let name = findings.text(node, "`as`")?;
    uses.push(Use {
        wanted: Wanted::Acting,
        name: name.clone(),
        span: node.span,
    });
    Some(name)
}

/// `needs: [transaction, …]`.
pub(super) fn needs(fields: &Fields<'_>, findings: &mut Findings) -> Vec<Need> {
    let mut needs = Vec::new();
    let Some(node) = fields.get("needs") else {
        return needs;
    };
    for item in findings.list(node, "`needs`") {
        let Some(word) = findings.text(item, "a word of `needs`") else {
            continue;
        };
        match word.parse::<Need>() {
            Ok(need) => {
                known_to_fhir(&need, item, findings);
                needs.push(need);
            }
            Err(unknown) => findings.error(
                "scenario/value",
                format!("`{word}` is nothing that a server could offer"),
                item.span,
                "not a capability",
                unknown.help,
            ),
        }
    }
    needs
}

/// Parameters of every search that are no search parameters of a type. Source: R4 search.html,
/// search result parameters.
const OF_RESULTS: [&str; 11] = [
    "_sort",
    "_count",
    "_include",
    "_revinclude",
    "_summary",
    "_total",
    "_elements",
    "_contained",
    "_containedType",
    "_has",
    "_list",
];

/// A type or a search parameter that there is none of would skip its step on every server.
fn known_to_fhir(need: &Need, node: &Node, findings: &mut Findings) {
    let (resource_type, parameter) = match need {
        Need::Type(name) => (name, None),
        Need::Search {
            resource_type,
            parameter,
        } => (resource_type, Some(parameter)),
        Need::Plain(_) | Need::Operation(_) => return,
    };
    if spec().resource(resource_type).is_none() {
        let help = match nearest(resource_type, spec().resource_types()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "known are the types of R4 and those of Medplum".to_owned(),
        };
        findings.error(
            "scenario/value",
            format!("`{resource_type}` is no resource type, and no server offers it"),
            node.span,
            "not a type of R4 or Medplum",
            help,
        );
        return;
    }
    let Some(parameter) = parameter else { return };
    let is_known = spec().search_param(resource_type, parameter).is_some()
        || OF_RESULTS.contains(&parameter.as_str());
    if is_known {
        return;
    }
    let own = spec().search_params(resource_type);
    let known: Vec<&str> = own.map(|param| &*param.code).chain(OF_RESULTS).collect();
    findings.error(
        "scenario/value",
        format!("`{parameter}` is no search parameter of {resource_type}"),
        node.span,
        "not a parameter of R4 or Medplum",
        known_names(parameter, known.iter().copied()),
    );
}

fn patience(fields: &Fields<'_>, findings: &mut Findings) -> Patience {
    if let (Some(_), Some(entry)) = (fields.entry("eventually"), fields.entry("throughout")) {
        findings.error(
            "scenario/value",
            "`eventually` and `throughout` in one step",
            entry.key_span,
            "the second",
            "make two steps of it: first until it is so, then that it stays so",
        );
    }
    let mut read = |key, object, longest: &str| {
        let node = fields.get(key)?;
        let inner = Fields::read(node, object, findings);
        let longest = inner
            .require(longest, findings)
            .and_then(|node| time(node, &format!("`{longest}`"), findings))?;
        let every = inner
            .get("every")
            .map_or(Some(EVERY), |node| time(node, "`every`", findings))?;
        Some((longest, every))
    };
    if let Some((within, every)) = read("eventually", &vocabulary::EVENTUALLY, "within") {
        return Patience::Eventually { within, every };
    }
    match read("throughout", &vocabulary::THROUGHOUT, "for") {
        Some((window, every)) => Patience::Throughout { window, every },
        None => Patience::None,
    }
}

/// `500ms`, `5s`, `2m`.
pub(super) fn time(node: &Node, what: &str, findings: &mut Findings) -> Option<Duration> {
    let found = match &node.kind {
        Kind::Text(text) => {
            let at = text.find(|c: char| !c.is_ascii_digit());
            let (number, unit) = text.split_at(at.unwrap_or(text.len()));
            let number = number.parse::<u64>().ok().filter(|number| *number > 0);
            match (number, unit) {
                (Some(number), "ms") => Some(Duration::from_millis(number)),
                (Some(number), "s") => Some(Duration::from_secs(number)),
                (Some(number), "m") => number.checked_mul(60).map(Duration::from_secs),
                _ => None,
            }
        }
        _ => None,
    };
    match found {
        None => findings.wrong_kind(node, what, "a time like `500ms`, `5s` or `1m`"),
        Some(time) if time > LONGEST => {
            findings.error(
                "scenario/value",
                format!("{what} is longer than {} minutes", LONGEST.as_secs() / 60),
                node.span,
                "a run would stand still",
                "",
            );
            return None;
        }
        Some(_) => {}
    }
    found
}

fn captures(
    fields: &Fields<'_>,
    action: Option<&Action>,
    expect: &Expect,
    made: &mut Vec<Made>,
    findings: &mut Findings,
) -> Vec<Capture> {
    let Some(entry) = fields.entry("capture") else {
        return Vec::new();
    };
    let whole = |name: String, span| {
        let watched = action.is_some_and(is_watched);
        let kind = if watched {
            MadeKind::Watched
        } else {
            MadeKind::Resource
        };
        (
            Capture {
                name: name.clone(),
                path: None,
            },
            Made { name, span, kind },
        )
    };
    let mut captures = Vec::new();
    match &entry.value.kind {
        Kind::Map(_) => {
            for part in findings.map(&entry.value, "`capture`") {
                let what = format!("the path of `{}`", part.key);
                let Some(text) = findings.text(&part.value, &what) else {
                    continue;
                };
                let (capture, name) = if text == "$" {
                    whole(part.key.clone(), part.key_span)
                } else {
                    match Path::parse(&text) {
                        Ok(path) => (
                            Capture {
                                name: part.key.clone(),
                                path: Some(path),
                            },
                            Made {
                                name: part.key.clone(),
                                span: part.key_span,
                                kind: MadeKind::Value,
                            },
                        ),
                        Err(message) => {
                            findings.error(
                                "scenario/path",
                                message,
                                part.value.span,
                                "not a path",
                                "a JSONPath starts with `$` (RFC 9535); anything else is FHIRPath; `$` alone is the resource",
                            );
                            continue;
                        }
                    }
                };
                captures.push(capture);
                made.push(name);
            }
        }
        _ => {
            // A whole Bundle is refused below, and need not be complained about as unused too.
            let bundle = matches!(
                action,
                Some(Action::Search(_) | Action::History(_) | Action::Bundle { .. })
            );
            if let Some(name) = findings.text(&entry.value, "`capture`")
                && !bundle
            {
                let (capture, name) = whole(name, entry.value.span);
                captures.push(capture);
                made.push(name);
            }
        }
    }
    for name in made.iter() {
        is_valid_name(&name.name, name.span, "a resource", findings);
    }
    let refused = expect
        .outcome
        .as_ref()
        .filter(|code| *code != "informational");
    if !expect.status.wants_success() || refused.is_some() {
        let expected = match refused {
            Some(code) => format!("the issue code `{code}`"),
            None => expect.status.to_string(),
        };
        findings.error(
            "scenario/unreachable",
            format!("nothing comes back that could be captured: the step expects {expected}"),
            entry.key_span,
            "never filled",
            "remove `capture`, and the steps that use it",
        );
    }
    captures
}

/// Whether everybody looks at what a success of it brings about. A Binary cannot be searched for.
pub(super) fn is_watched(action: &Action) -> bool {
    action.creates() && action.resource_type() != Some("Binary")
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
    for (key, verbs) in [
        (
            "body",
            &[
                "create",
                "update",
                "upsert",
                "patch",
                "operation",
                "request",
            ][..],
        ),
        ("base64", &["create", "request"]),
        ("content-type", &["create", "request"]),
        ("if-match", &["update", "patch", "delete"]),
        ("if-none-exist", &["create"]),
        (
            "headers",
            &[
                "create",
                "read",
                "vread",
                "update",
                "upsert",
                "patch",
                "delete",
                "batch",
                "transaction",
                "operation",
                "request",
            ],
        ),
        (
            "capture",
            &[
                "create",
                "read",
                "vread",
                "update",
                "upsert",
                "patch",
                "operation",
                "request",
                "race",
                "await",
                "search",
                "history",
                "batch",
                "transaction",
            ],
        ),
        ("parameters", &["operation"]),
        ("into", &["subscribe"]),
        (
            "eventually",
            &["read", "vread", "history", "search", "operation", "request"],
        ),
        (
            "throughout",
            &["read", "vread", "history", "search", "operation", "request"],
        ),
    ] {
        if let Some(entry) = fields.entry(key)
            && !verbs.contains(&verb)
        {
            findings.error(
                "scenario/value",
                format!("`{verb}` takes no `{key}`"),
                entry.key_span,
                format!("goes with {}", listed(verbs.iter().copied())),
                "",
            );
        }
    }
    if let Some(entry) = fields.entry("capture")
        && matches!(verb, "search" | "history" | "batch" | "transaction")
        && !matches!(entry.value.kind, Kind::Map(_))
    {
        findings.error(
            "scenario/value",
            format!("`{verb}` takes no `capture` of the whole answer"),
            entry.key_span,
            "a Bundle is no resource to go on with",
            match verb {
                "search" | "history" => {
                    "capture a part of it: `{ first: \"$.entry[0].resource.id\" }`"
                }
                _ => "put `capture` into the entry that it is about",
            },
        );
    }
    for key in ["eventually", "throughout"] {
        if let Some(entry) = fields.entry(key)
            && matches!(verb, "operation" | "request")
            && action.changes()
        {
            findings.error(
                "scenario/value",
                format!("`{verb}` changes something, and `{key}` would do so again and again"),
                entry.key_span,
                "goes with looks only",
                "look in a step of its own",
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
    if let (Some(_), Some(entry)) = (fields.entry("probe"), fields.entry("see")) {
        findings.error(
            "scenario/value",
            "a `probe` claims nothing about who sees what",
            entry.key_span,
            "would be a failure if it is not so",
            "put `see` on a step that is no probe",
        );
    }
    if verb == "subscribe" {
        fields.require("into", findings);
    }
    if let Action::Race(racers) = action
        && expect.winners.is_none()
        && racers.iter().any(|racer| racer.expect.is_none())
    {
        let place = fields.entry("expect").or_else(|| fields.entry("race"));
        findings.error(
            "scenario/value",
            "a race expects `winners`: how many succeed",
            place.map_or_else(|| fields.start(), |entry| entry.key_span),
            "nothing is said about them",
            "write `expect: { winners: 1, losers: [409, 412] }`, or `expect` in each part",
        );
    }
    if let Some(node) = fields.get("expect") {
        meetable(node, action, expect, findings);
    }
}

fn meetable(node: &Node, action: &Action, expect: &Expect, findings: &mut Findings) {
    let verb = action.verb();
    let mut wrong = |message: String, label: &str, help: &str| {
        findings.error("scenario/value", message, node.span, label, help);
    };
    let finds = expect.matches.is_some() || expect.includes.is_some() || expect.order;
    if finds && verb != "search" {
        let key = if expect.includes.is_some() {
            "includes"
        } else {
            "matches"
        };
        wrong(
            format!("`{verb}` finds nothing that `{key}` could be compared with"),
            "goes with search",
            "",
        );
    } else if expect.order && expect.matches.is_none() {
        wrong(
            "`order: true` without `matches`".into(),
            "there is nothing to be in order",
            "",
        );
    }
    let race = expect.winners.is_some() || expect.losers.is_some();
    if race && verb != "race" {
        wrong(
            format!("`{verb}` is done by one actor, who neither wins nor loses"),
            "goes with race",
            "",
        );
    }
    let competing = |racers: &[Racer]| racers.iter().filter(|r| r.competes()).count();
    if let (Some(winners), Action::Race(racers)) = (&expect.winners, action)
        && winners.count.at_least > competing(racers)
    {
        wrong(
            format!(
                "{} of {} parts can never win",
                winners.count.at_least,
                competing(racers)
            ),
            "more than there are",
            "",
        );
    }
    if matches!(verb, "grant" | "subscribe") {
        wrong(
            format!("`{verb}` expects nothing: it is done by the harness, and must succeed"),
            "remove this",
            "say in `see` what changes by it",
        );
    }
}
