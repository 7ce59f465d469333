//! Steps: who does what.

use std::sync::Arc;

use fhirward_engine::source::Span;

use super::node::{Kind, Node};
use super::parse::{ParsedStep, Use, Wanted, is_valid_name};
use super::parse_actor::{access, one_access};
use super::parse_expect::{expect, see};
use super::plan::{Action, Expect, Step};
use super::read::{Fields, Findings, listing};
use super::{ADMIN, GIVEN, body, types};
use crate::expect::WIDENING;

const STEP_KEYS: [&str; 8] = [
    "step", "title", "as", "body", "capture", "if-match", "expect", "see",
];

pub(super) fn step(
    node: &Node,
    default_actor: Option<&str>,
    findings: &mut Findings,
) -> Option<ParsedStep> {
    let allowed: Vec<&str> = STEP_KEYS.into_iter().chain(Action::VERBS).collect();
    let fields = Fields::read(node, "a step", &allowed, findings);
    if !matches!(node.kind, Kind::Map(_)) {
        return None;
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let id_span = fields.get("step").map_or(fields.start(), |node| node.span);
    let id = fields.require_text("step", findings).filter(|id| {
        let taken = match id.as_str() {
            GIVEN => "the name of the state before the first step",
            WIDENING => "the name of the accepted widenings in a snapshot",
            _ => "",
        };
        if !taken.is_empty() {
            let message = format!("no step can be called `{id}`");
            findings.error("scenario/name", message, id_span, taken, "");
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
