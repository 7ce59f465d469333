//! Laws that hold for every policy.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::sync::Arc;

use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn policy(entries: &[Value]) -> Policy {
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    assemble(
        &member,
        &|_| Some(Arc::clone(&document)),
        &Options::default(),
    )
    .policy
}

fn entry() -> impl Strategy<Value = Value> {
    let criteria = prop_oneof![
        Just(None),
        Just(Some("Communication?recipient=%profile")),
        Just(Some("Communication?sender=%profile")),
        Just(Some("Communication?status:not=completed")),
        Just(Some(
            "Communication?part-of:missing=true&status=in-progress"
        )),
        Just(Some("Communication?nonsense=1")),
        Just(Some("Communication?recipient=%nobody")),
    ];
    let interaction = proptest::option::of(proptest::sample::subsequence(
        vec![
            "create", "read", "update", "delete", "search", "history", "vread",
        ],
        0..=7,
    ));
    (criteria, interaction, any::<bool>()).prop_map(|(criteria, interaction, readonly)| {
        let mut entry = json!({"resourceType": "Communication", "readonly": readonly});
        if let Some(criteria) = criteria {
            entry["criteria"] = json!(criteria);
        }
        if let Some(interaction) = interaction {
            entry["interaction"] = json!(interaction);
        }
        entry
    })
}

/// Entries of the kinds that an index files and does not file.
fn filed_entry() -> impl Strategy<Value = Value> {
    let person = prop_oneof![
        Just("Practitioner/a"),
        Just("Practitioner/b,Patient/c"),
        Just("Patient/d"),
        Just("http://elsewhere/Patient/c"),
    ];
    let token = prop_oneof![
        Just("in-progress"),
        Just("completed,stopped"),
        Just("|completed")
    ];
    let criteria = prop_oneof![
        person.clone().prop_map(|p| format!("recipient={p}")),
        person
            .clone()
            .prop_map(|p| format!("sender={p}&part-of:missing=true")),
        person.prop_map(|p| format!("sender:not={p}")),
        token.clone().prop_map(|t| format!("status={t}")),
        token.prop_map(|t| format!("part-of:missing=false&status={t}")),
        Just("sender:missing=true".to_owned()),
    ];
    let interaction = proptest::sample::select(vec!["read", "search", "create", "update"]);
    (criteria, interaction).prop_map(|(criteria, interaction)| {
        json!({
            "resourceType": "Communication",
            "criteria": format!("Communication?{criteria}"),
            "interaction": [interaction],
        })
    })
}

fn communication() -> impl Strategy<Value = Value> {
    let person = prop_oneof![
        Just("Practitioner/a"),
        Just("Practitioner/b"),
        Just("Patient/c")
    ];
    let people = proptest::collection::vec(person.clone(), 0..3);
    let status = prop_oneof![Just("in-progress"), Just("completed")];
    (proptest::option::of(person), people, status, any::<bool>()).prop_map(
        |(sender, recipients, status, message)| {
            let mut resource =
                json!({"resourceType": "Communication", "id": "x", "status": status});
            if let Some(sender) = sender {
                resource["sender"] = json!({"reference": sender});
            }
            if !recipients.is_empty() {
                resource["recipient"] =
                    recipients.iter().map(|r| json!({"reference": r})).collect();
            }
            if message {
                resource["partOf"] = json!([{"reference": "Communication/h"}]);
            }
            resource
        },
    )
}

fn answers(policy: &Policy, before: &Value, after: &Value) -> Vec<bool> {
    [
        Request::Read(before),
        Request::Search(before),
        Request::Vread {
            current: before,
            version: after,
        },
        Request::History {
            current: before,
            version: after,
        },
        Request::Create(after),
        Request::Update {
            existing: before,
            result: after,
        },
        Request::Patch {
            existing: before,
            result: after,
        },
        Request::Delete(before),
    ]
    .iter()
    .map(|request| policy.decide(request).is_allowed())
    .collect()
}

proptest! {
    #[test]
    fn adding_an_entry_never_removes_a_grant(
        entries in proptest::collection::vec(entry(), 0..4),
        more in entry(),
        before in communication(),
        after in communication(),
    ) {
        let few = answers(&policy(&entries), &before, &after);
        let mut longer = entries;
        longer.push(more);
        let many = answers(&policy(&longer), &before, &after);
        for (few, many) in few.iter().zip(&many) {
            prop_assert!(!few || *many);
        }
    }

    #[test]
    fn the_order_of_entries_never_changes_a_grant(
        entries in proptest::collection::vec(entry(), 0..5),
        before in communication(),
        after in communication(),
    ) {
        let mut backwards = entries.clone();
        backwards.reverse();
        prop_assert_eq!(
            answers(&policy(&entries), &before, &after),
            answers(&policy(&backwards), &before, &after)
        );
    }

    #[test]
    fn explain_and_decide_give_the_same_verdict(
        entries in proptest::collection::vec(entry(), 0..4),
        before in communication(),
        after in communication(),
    ) {
        let policy = policy(&entries);
        for request in [
            Request::Read(&before),
            Request::Create(&after),
            Request::Update { existing: &before, result: &after },
            Request::Delete(&before),
        ] {
            let told = policy.explain(&request);
            let decision = policy.decide(&request);
            prop_assert_eq!(told.verdict, decision.verdict);
            prop_assert_eq!(told.granted_by.is_some(), decision.is_allowed());
            prop_assert_eq!(told.checks.last().map(|c| c.passed), Some(decision.is_allowed()));
        }
    }

    #[test]
    fn the_index_finds_what_a_walk_finds(
        entries in proptest::collection::vec(filed_entry(), 0..60),
        resource in communication(),
    ) {
        let policy = policy(&entries);
        for interaction in Interaction::ALL {
            prop_assert_eq!(
                policy.first_entry(interaction, &resource),
                policy.first_entry_by_walking(interaction, &resource)
            );
        }
    }

    #[test]
    fn any_json_is_a_policy_or_a_finding(text in "\\PC{0,80}") {
        let source = fhirward_engine::source::Source::new("x", text);
        if let Ok(json) = fhirward_engine::source::json::Document::parse(&source) {
            let (policies, memberships, findings) = PolicyDocument::from_json(&json);
            prop_assert!(!policies.is_empty() || !memberships.is_empty() || !findings.is_empty() || json.value() == &json!([]));
        }
    }

    #[test]
    fn any_criteria_is_understood_or_grants_nothing(tail in "[a-zA-Z_:.%=&?|,\\\\0-9-]{0,40}") {
        let entries = [json!({"resourceType": "Communication", "criteria": format!("Communication?{tail}")})];
        let (_, findings) = PolicyDocument::from_value(&json!({"resourceType": "AccessPolicy", "resource": entries}));
        let granted = policy(&entries).grants_type("Communication", Interaction::Read);
        let broken = findings.iter().any(fhirward_engine::diagnostic::Diagnostic::is_error);
        prop_assert!(!(broken && granted));
    }
}
