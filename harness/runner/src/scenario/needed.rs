//! What a step asks for that not every server has: where the file does not say so with `needs`, such
//! a server fails the step instead of skipping it.

use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::Source;
use serde_json::Value;

use super::parse::ParsedStep;
use super::step::{Action, Extras, Step};
use super::template::Template;
use crate::client::{Need, Plain};

/// The needs of a step that neither it nor anything around it declares.
pub(super) fn undeclared(
    parsed: &ParsedStep,
    declared: &[Need],
    source: &Arc<Source>,
) -> Option<Diagnostic> {
    let step = &parsed.step;
    let mut missing: Vec<String> = Vec::new();
    for need in needed(step) {
        let word = need.to_string();
        if !declared.contains(&need) && !step.needs.contains(&need) && !missing.contains(&word) {
            missing.push(word);
        }
    }
    if missing.is_empty() {
        return None;
    }
    let words = missing.join(", ");
    let message = format!("the step needs `{words}` and does not say so");
    Some(
        Diagnostic::new(Severity::Info, "scenario/undeclared-need", message)
            .with_label(parsed.verb_span, "not every server offers it")
            .with_help(format!(
                "write `needs: [{words}]` on the scenario or the step: a server without it is \
                 skipped with the reason, and does not fail"
            ))
            .with_source(source),
    )
}

/// What a step cannot do without. A probe finds out, and whoever is to be refused needs nothing:
/// a server that cannot do it refuses as well. A version that a patch is guarded with is no
/// capability either: a server that passes over it writes, and that has to show.
fn needed(step: &Step) -> Vec<Need> {
    let mut needs = Vec::new();
    if step.probe || !step.expect.status.wants_success() {
        return needs;
    }
    of_action(&step.action, &step.extras, &mut needs);
    needs
}

fn of_action(action: &Action, extras: &Extras, needs: &mut Vec<Need>) {
    let mut add = |plain: Plain| needs.push(Need::Plain(plain));
    let is_search = |target: &Template| target.text().contains('?');
    match action {
        Action::Create {
            resource_type,
            body,
        } => {
            of_resource(resource_type, body, &mut add);
            if extras.if_none_exist.is_some() {
                add(Plain::ConditionalCreate);
            }
        }
        Action::Upload { .. } => add(Plain::BinaryRaw),
        Action::Update { target, body } => {
            of_resource("", body, &mut add);
            if is_search(target) {
                add(Plain::ConditionalUpdate);
            }
            if extras.if_match.is_some() {
                add(Plain::VersionedUpdate);
            }
        }
        Action::Upsert { body, .. } => {
            of_resource("", body, &mut add);
            add(Plain::ConditionalUpdate);
        }
        Action::Patch { target, .. } => {
            add(Plain::Patch);
            if is_search(target) {
                add(Plain::ConditionalPatch);
            }
        }
        Action::Delete(target) => {
            if is_search(target) {
                add(Plain::ConditionalDelete);
            }
            if extras.if_match.is_some() {
                add(Plain::VersionedUpdate);
            }
        }
        Action::Vread(_) => add(Plain::Vread),
        Action::History(_) => add(Plain::History),
        Action::Search(target) => {
            let query = target.text().split_once('?').map_or("", |(_, query)| query);
            for name in query
                .split('&')
                .filter_map(|part| part.split(['=', ':']).next())
            {
                match name {
                    "_include" => add(Plain::Include),
                    "_revinclude" => add(Plain::Revinclude),
                    _ => {}
                }
            }
        }
        Action::Bundle {
            transaction,
            entries,
        } => {
            add(match transaction {
                true => Plain::Transaction,
                false => Plain::Batch,
            });
            for entry in entries {
                of_action(&entry.action, &entry.extras, needs);
            }
        }
        Action::Operation { target, .. } => {
            if let Some((_, name)) = target.text().rsplit_once('$') {
                let name = name.split(['?', '/']).next().unwrap_or_default();
                needs.push(Need::Operation(name.to_owned()));
            }
        }
        Action::Race(racers) => {
            for racer in racers {
                of_action(&racer.action, &racer.extras, needs);
            }
        }
        Action::Subscribe { .. } => add(Plain::Websocket),
        // A raw request is how one asks whether a server can do something.
        Action::Raw { .. } | Action::Read(_) | Action::Grant { .. } | Action::Await(_) => {}
    }
}

fn of_resource(resource_type: &str, body: &Value, add: &mut impl FnMut(Plain)) {
    if resource_type == "Binary" {
        add(Plain::Binary);
    }
    if resource_type == "Subscription" {
        match body.pointer("/channel/type").and_then(Value::as_str) {
            Some("rest-hook") => add(Plain::Subscriptions),
            Some("websocket") => add(Plain::Websocket),
            _ => {}
        }
    }
    if refers_by_search(body) {
        add(Plain::ConditionalReference);
    }
}

/// Whether a reference of the resource is a search: `Patient?identifier=1`.
fn refers_by_search(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| match member {
            Value::String(text) => name == "reference" && text.contains('?'),
            other => refers_by_search(other),
        }),
        Value::Array(items) => items.iter().any(refers_by_search),
        _ => false,
    }
}
