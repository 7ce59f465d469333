//! Laws of hidden and read-only fields (R.9), and of names that mean nothing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::sync::Arc;

use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// Paths of every kind: top, nested, in lists, a choice, a primitive with extensions.
const PATHS: [&str; 11] = [
    "payload",
    "note.time",
    "note.author[x]",
    "sender.display",
    "subject.identifier",
    "recipient.display",
    "sent",
    "meta.tag",
    "category.coding.display",
    "extension",
    "identifier.type.text",
];

fn policy(entries: &[Value]) -> Policy {
    let (document, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    assert!(
        findings.iter().all(|finding| !finding.is_error()),
        "{findings:?}"
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
    let criteria = select(vec![
        None,
        Some("Communication?status=completed"),
        Some("Communication?sender:missing=false"),
    ]);
    let hidden = subsequence(PATHS.to_vec(), 0..4);
    // A required element cannot be hidden; it may be read-only.
    let readonly = [&PATHS[..], &["payload.content[x]", "status"]].concat();
    (criteria, hidden, subsequence(readonly, 0..4)).prop_map(|(criteria, hidden, readonly)| {
        let mut entry = json!({"resourceType": "Communication", "hiddenFields": hidden, "readonlyFields": readonly});
        if let Some(criteria) = criteria {
            entry["criteria"] = json!(criteria);
        }
        entry
    })
}

/// A valid Communication with elements at the paths, falsy values and extensions included.
fn communication() -> impl Strategy<Value = Value> {
    let elements = vec![
        ("status", json!("completed")),
        (
            "payload",
            json!([{"contentString": "x"}, {"id": "1", "contentReference": {"reference": "Patient/p"}}]),
        ),
        (
            "note",
            json!([{"text": "n", "time": "2024", "authorString": ""}, {"text": "m"}]),
        ),
        (
            "sender",
            json!({"reference": "Practitioner/a", "display": "A"}),
        ),
        ("subject", json!({"identifier": {"value": "0"}})),
        (
            "recipient",
            json!([{"display": "x"}, {"reference": "Patient/p", "display": "y"}]),
        ),
        ("sent", json!("2024-03-10")),
        (
            "_sent",
            json!({"extension": [{"url": "u", "valueBoolean": false}]}),
        ),
        ("meta", json!({"tag": [{"code": "t"}], "versionId": "1"})),
        (
            "category",
            json!([{"coding": [{"code": "c", "display": "C"}, {"code": "d"}]}]),
        ),
        ("extension", json!([{"url": "u", "valueInteger": 0}])),
        ("identifier", json!([{"value": "1", "type": {"text": "T"}}])),
    ];
    subsequence(elements, 0..=12).prop_map(|elements| {
        let mut all = serde_json::Map::new();
        all.insert("resourceType".into(), json!("Communication"));
        all.insert("id".into(), json!("x"));
        all.extend(
            elements
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Value::Object(all)
    })
}

/// Whether anything stands at a path; a name with `[x]` stands for all that begin so.
fn stands(value: &Value, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        Value::Array(items) => items.iter().any(|item| stands(item, path)),
        Value::Object(object) => object.iter().any(|(key, inner)| {
            let key = key.trim_start_matches('_');
            let covered = match first.strip_suffix("[x]") {
                Some(choice) => key.starts_with(choice) && key != choice,
                None => key == first,
            };
            covered && (rest.is_empty() || stands(inner, rest))
        }),
        _ => false,
    }
}

fn strings(value: &Value, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| value[*name].as_array().cloned().unwrap_or_default())
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_hidden_is_shown_and_nothing_else_is_taken(entry in entry(), resource in communication()) {
        let policy = policy(std::slice::from_ref(&entry));
        let hidden = strings(&entry, &["hiddenFields"]);
        for interaction in [Interaction::Read, Interaction::Search, Interaction::History, Interaction::Vread] {
            let shown = policy.mask(interaction, &resource);
            if policy.first_entry(interaction, &resource).is_none() {
                prop_assert!(shown.as_object().unwrap().keys().all(|key| ["resourceType", "id", "meta"].contains(&key.as_str())));
                continue;
            }
            for path in &hidden {
                prop_assert!(!stands(&shown, path), "{} in {}", path, shown);
            }
            for (name, value) in resource.as_object().unwrap() {
                let touched = hidden.iter().any(|path| path.split('.').next().unwrap().trim_end_matches("[x]") == name.trim_start_matches('_'));
                prop_assert!(touched || shown.get(name) == Some(value), "{} of {}", name, shown);
            }
        }
    }

    #[test]
    fn masking_twice_is_masking_once(paths in subsequence(PATHS.to_vec(), 0..6), resource in communication()) {
        let policy = policy(&[json!({"resourceType": "Communication", "hiddenFields": paths})]);
        let shown = policy.mask(Interaction::Read, &resource);
        prop_assert_eq!(policy.mask(Interaction::Read, &shown), shown);
    }

    #[test]
    fn writing_what_is_stored_changes_nothing(entries in proptest::collection::vec(entry(), 1..4), resource in communication()) {
        prop_assert_eq!(policy(&entries).merge_write(Some(&resource), resource.clone()), resource);
    }

    #[test]
    fn writing_what_was_shown_loses_nothing(entries in proptest::collection::vec(entry(), 1..4), resource in communication()) {
        let policy = policy(&entries);
        prop_assume!(policy.first_entry(Interaction::Read, &resource).is_some());
        let shown = policy.mask(Interaction::Read, &resource);
        prop_assert_eq!(policy.merge_write(Some(&resource), shown), resource);
    }

    /// What may not be written is as it was, and merging twice is merging once.
    #[test]
    fn what_is_kept_is_kept(entry in entry(), stored in communication(), input in communication()) {
        let policy = policy(std::slice::from_ref(&entry));
        let merged = policy.merge_write(Some(&stored), input.clone());
        prop_assert_eq!(policy.merge_write(Some(&stored), merged.clone()), merged.clone());
        if policy.first_entry(Interaction::Update, &stored).is_some() {
            for path in strings(&entry, &["hiddenFields", "readonlyFields"]) {
                if !path.contains('.') {
                    for key in [path.clone(), format!("_{path}")] {
                        prop_assert_eq!(merged.get(&key), stored.get(&key), "{}", path);
                    }
                } else if !stands(&stored, &path) {
                    prop_assert!(!stands(&merged, &path), "{} came into {}", path, merged);
                }
            }
        }
        let made = policy.merge_write(None, input);
        if policy.first_entry(Interaction::Create, &made).is_some() {
            for path in strings(&entry, &["hiddenFields", "readonlyFields"]) {
                prop_assert!(!stands(&made, &path), "{} in {}", path, made);
            }
        }
    }

    /// Ids are names: other names, the same answers.
    #[test]
    fn renaming_ids_changes_nothing(
        criteria in select(vec![
            "recipient=%profile", "sender=Practitioner/a,Patient/c", "subject=Patient/%patient.id", "recipient:not=Patient/c",
            "_compartment=Patient/c", "_id=m", "sender=https://h/fhir/Patient/c", "part-of=Communication/m",
        ]),
        people in proptest::collection::vec(select(vec!["Practitioner/a", "Practitioner/b", "Patient/c", "https://h/fhir/Patient/c/_history/1"]), 0..4),
    ) {
        let resource = json!({
            "resourceType": "Communication", "id": "m", "status": "completed",
            "recipient": people.iter().map(|p| json!({"reference": p})).collect::<Vec<_>>(),
            "sender": people.first().map(|p| json!({"reference": p})).unwrap_or_default(),
            "subject": people.last().map(|p| json!({"reference": p})).unwrap_or_default(),
            "partOf": [{"reference": "Communication/m"}],
        });
        let answers = |rename: &dyn Fn(&str) -> String| {
            let document = json!({"resourceType": "AccessPolicy", "id": "p", "resource": [
                {"resourceType": "Communication", "criteria": format!("Communication?{criteria}")}]});
            let renamed = |value: &Value| -> Value { serde_json::from_str(&rename(&value.to_string())).unwrap() };
            let (document, _) = PolicyDocument::from_value(&renamed(&document));
            let document = Arc::new(document);
            let member = Membership::of(&rename("Practitioner/a"), &["AccessPolicy/p"]);
let policy = assemble(&member, &|_| Some(Arc::clone(&document)), &Options::default()).policy;
            let resource = renamed(&resource);
            [Request::Read(&resource), Request::Search(&resource), Request::Create(&resource), Request::Delete(&resource)]
                .map(|request| policy.decide(&request).verdict)
        };
        let renamed = |text: &str| {
            [("Practitioner/a", "Practitioner/0f2e-9.Z"), ("Practitioner/b", "Practitioner/a"), ("Patient/c", "Patient/c.c"), ("Communication/m", "Communication/n"),
             ("_id=m", "_id=n"), ("\"id\":\"m\"", "\"id\":\"n\"")]
                .iter()
                .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        prop_assert_eq!(answers(&str::to_owned), answers(&renamed));
    }
}
