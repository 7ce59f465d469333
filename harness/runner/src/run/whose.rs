//! Whose a delivery is. Scenarios are played at the same time, and a subscription takes whatever its
//! criteria say: also what another scenario writes, or another run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::sink::Delivered;
use crate::client::{reference_of, run_of, text_at};
use crate::expect::Aliases;

/// What the scenarios of a run created: `Type/id` to the scenario. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<BTreeMap<String, String>>>);

impl Ledger {
    pub(super) fn add(&self, reference: &str, scenario: &str) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(reference.to_owned(), scenario.to_owned());
    }

    fn is_of_another(&self, reference: &str, scenario: &str) -> bool {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(reference).is_some_and(|by| by != scenario)
    }
}

/// Who waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting<'w> {
    pub(super) scenario: &'w str,
    pub(super) ledger: &'w Ledger,
    pub(super) aliases: &'w Aliases,
}

impl Waiting<'_> {
    /// Whether a delivery counts: not if everything that it is about is known to be another's. What
    /// the server itself brought about, and what tells nothing of a resource, counts.
    pub(super) fn counts(&self, delivered: &Delivered) -> bool {
        let subjects = subjects_of(delivered);
        subjects.is_empty() || subjects.iter().any(|subject| !self.is_anothers(subject))
    }

    fn is_anothers(&self, subject: &Subject<'_>) -> bool {
        if let Some(reference) = &subject.reference {
            if self.aliases.known(reference).is_some() {
                return false;
            }
            if self.ledger.is_of_another(reference, self.scenario) {
                return true;
            }
        }
        // Everything that a scenario creates has an alias by now, and so this is no scenario's here;
        // its tag is there before the answer to whoever creates it.
        subject.resource.and_then(run_of).is_some()
    }

    /// What a delivery is about, in names that mean something to people and tell nothing of
    /// anybody's data.
    pub(super) fn name(&self, delivered: &Delivered) -> String {
        let names: BTreeSet<String> = subjects_of(delivered)
            .iter()
            .map(|subject| self.name_of(subject))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        let body = delivered.body.as_ref();
        match body.map(|body| text_at(body, "/resourceType")) {
            _ if !names.is_empty() => names.join(" and "),
            Some(Some(kind)) => plain(kind),
            Some(None) => "what is no resource".to_owned(),
            None => "what is no JSON".to_owned(),
        }
    }

    fn name_of(&self, subject: &Subject<'_>) -> String {
        let reference = subject.reference.as_deref();
        let kind = subject
            .resource
            .and_then(|resource| text_at(resource, "/resourceType"))
            .or_else(|| reference?.split('/').next())
            .unwrap_or_default();
        match reference.and_then(|reference| self.aliases.known(reference)) {
            Some(alias) if alias.starts_with(kind) => alias.to_owned(),
            Some(alias) => format!("{} {alias}", plain(kind)),
            None => plain(kind),
        }
    }
}

/// A type's name, and nothing else that stands in its place.
fn plain(kind: &str) -> String {
    let is_type = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match is_type && kind.len() < 64 {
        true => kind.to_owned(),
        false => "what is no resource".to_owned(),
    }
}

/// A resource that a delivery is about.
#[derive(Debug)]
struct Subject<'v> {
    /// `Type/id`.
    reference: Option<String>,
    resource: Option<&'v Value>,
}

/// Medplum's header for what is gone; there is nothing left to put into the body.
const DELETED: &str = "x-medplum-deleted-resource";

fn subjects_of(delivered: &Delivered) -> Vec<Subject<'_>> {
    let header = delivered.headers.get(DELETED);
    let deleted = header.and_then(|value| relative(value.to_str().ok()?));
    match (deleted, &delivered.body) {
        (Some(reference), _) => vec![Subject {
            reference: Some(reference),
            resource: None,
        }],
        (None, Some(body)) => subjects(body),
        (None, None) => Vec::new(),
    }
}

/// What a delivery is about. Of a notification neither the status nor the Subscription. Source: R4
/// subscription.html; subscriptions-r5-backport, notifications.
fn subjects(body: &Value) -> Vec<Subject<'_>> {
    if text_at(body, "/resourceType") != Some("Bundle") {
        let Some(reference) = reference_of(body) else {
            return Vec::new();
        };
        return vec![Subject {
            reference: Some(reference),
            resource: Some(body),
        }];
    }
    let mut subjects = Vec::new();
    for entry in list(body, "entry") {
        match entry.get("resource") {
            Some(status) if is_status(status) => {
                subjects.extend(foci(status).into_iter().map(|reference| Subject {
                    reference: Some(reference),
                    resource: None,
                }));
            }
            Some(resource) => subjects.push(Subject {
                reference: reference_of(resource),
                resource: Some(resource),
            }),
            None => {
                let reference = text_at(entry, "/fullUrl").and_then(relative);
                subjects.extend(reference.map(|reference| Subject {
                    reference: Some(reference),
                    resource: None,
                }));
            }
        }
    }
    // What is there with its resource need not be judged by its reference alone.
    let whole: Vec<String> = subjects
        .iter()
        .filter(|subject| subject.resource.is_some())
        .filter_map(|subject| subject.reference.clone())
        .collect();
    subjects.retain(|subject| {
        let known = subject
            .reference
            .as_ref()
            .is_some_and(|r| whole.contains(r));
        subject.resource.is_some() || !known
    });
    subjects
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn is_status(resource: &Value) -> bool {
    match text_at(resource, "/resourceType") {
        Some("SubscriptionStatus") => true,
        // In R4 the status is a Parameters resource.
        Some("Parameters") => list(resource, "parameter").any(|p| is_named(p, "subscription")),
        _ => false,
    }
}

fn is_named(parameter: &Value, name: &str) -> bool {
    text_at(parameter, "/name") == Some(name)
}

/// What the events of a status are about.
fn foci(status: &Value) -> Vec<String> {
    let events = list(status, "notificationEvent");
    let named = events.filter_map(|event| text_at(event, "/focus/reference"));
    let parts = list(status, "parameter")
        .filter(|parameter| is_named(parameter, "notification-event"))
        .flat_map(|parameter| list(parameter, "part"))
        .filter(|part| is_named(part, "focus"))
        .filter_map(|part| text_at(part, "/valueReference/reference"));
    named.chain(parts).filter_map(relative).collect()
}

/// `Type/id` of a reference that may be absolute or of a version.
fn relative(reference: &str) -> Option<String> {
    let whole = reference.split("/_history").next()?;
    let mut parts = whole.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    let is_type = kind.starts_with(|c: char| c.is_ascii_uppercase());
    (is_type && !id.is_empty()).then(|| format!("{kind}/{id}"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::client::RUN_TAG_SYSTEM;

    fn tagged(id: &str) -> Value {
        json!({ "resourceType": "Task", "id": id, "description": "Homer's knee",
            "meta": { "tag": [{ "system": RUN_TAG_SYSTEM, "code": "any" }] } })
    }

    fn notification(focus: &str, resource: Option<Value>) -> Value {
        let mut entries = vec![json!({ "resource": {
            "resourceType": "SubscriptionStatus", "type": "event-notification",
            "subscription": { "reference": "Subscription/own" },
            "notificationEvent": [{ "focus": { "reference": focus } }],
        } })];
        entries.extend(resource.map(|resource| json!({ "resource": resource })));
        json!({ "resourceType": "Bundle", "type": "history", "entry": entries })
    }

    #[rstest]
    #[case::own(tagged("own"), true, "Task task")]
    #[case::own_notified(notification("Task/own", Some(tagged("own"))), true, "Task task")]
    #[case::own_by_id_only(
        notification("http://x/fhir/Task/own/_history/2", None),
        true,
        "Task task"
    )]
    #[case::known_to_be_anothers(json!({ "resourceType": "Task", "id": "theirs" }), false, "Task")]
    #[case::anothers_by_id_only(notification("Task/theirs", None), false, "Task")]
    #[case::not_answered_yet(tagged("new"), false, "Task")]
    #[case::not_answered_yet_notified(notification("Task/new", Some(tagged("new"))), false, "Task")]
    #[case::own_among_others(
        json!({ "resourceType": "Bundle", "entry": [{ "resource": tagged("new") }, { "resource": tagged("own") }] }),
        true, "Task and Task task"
    )]
    #[case::made_by_the_server(json!({ "resourceType": "AuditEvent", "id": "1" }), true, "AuditEvent")]
    #[case::of_nothing(json!({ "hello": "Homer" }), true, "what is no resource")]
    #[case::in_r4(
        json!({ "resourceType": "Bundle", "entry": [{ "resource": { "resourceType": "Parameters", "parameter": [
            { "name": "subscription" },
            { "name": "notification-event", "part": [{ "name": "focus", "valueReference": { "reference": "Task/theirs" } }] },
        ] } }] }),
        false, "Task"
    )]
    fn whose_it_is(#[case] body: Value, #[case] counts: bool, #[case] name: &str) {
        let mut aliases = Aliases::default();
        aliases.name("Task/own", "task");
        aliases.name("Subscription/own", "subscription");
        let ledger = Ledger::default();
        ledger.add("Task/theirs", "other");
        ledger.add("Task/own", "this");
        let waiting = Waiting {
            scenario: "this",
            ledger: &ledger,
            aliases: &aliases,
        };
        let delivered = delivered(Some(body), &[]);
        assert_eq!(waiting.counts(&delivered), counts);
        assert_eq!(waiting.name(&delivered), name);
    }

    fn delivered(body: Option<Value>, headers: &[(&'static str, &str)]) -> Delivered {
        Delivered {
            headers: headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
            text: String::new(),
            body,
        }
    }

    #[test]
    fn what_names_nothing_counts_and_what_anothers_deletion_names_does_not() {
        let (aliases, ledger) = (Aliases::default(), Ledger::default());
        let waiting = Waiting {
            scenario: "this",
            ledger: &ledger,
            aliases: &aliases,
        };
        let text = delivered(None, &[]);
        assert!(waiting.counts(&text));
        assert_eq!(waiting.name(&text), "what is no JSON");
        ledger.add("Task/theirs", "other");
        let deleted = delivered(Some(json!({})), &[(DELETED, "Task/theirs")]);
        assert!(!waiting.counts(&deleted));
        assert_eq!(waiting.name(&deleted), "Task");
    }
}
