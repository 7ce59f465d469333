//! The arranged entries of a type answer as a walk over all of them does.

use std::sync::Arc;

use fhirward_engine::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};
use fhirward_engine::policy::{
    Interaction, Membership, Options, Policy, PolicyDocument, Request, assemble,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

const BASE: &str = "https://h/fhir/R4";

fn policy(entries: &[Value]) -> Policy {
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    let mut options = Options::default();
    options.base_url.get_or_insert(BASE.to_owned());
    assemble(&member, &|_| Some(Arc::clone(&document)), &options).policy
}

/// One filter of each kind, those with a constant and those without.
fn filter() -> impl Strategy<Value = String> {
    let person = prop_oneof![
        (0..6_u8).prop_map(|n| format!("Patient/{n}")),
        (0..3_u8).prop_map(|n| format!("Patient/{n},Patient/{n}")),
        (0..3_u8).prop_map(|n| format!("{BASE}/Patient/{n}")),
        Just("https://elsewhere/Patient/1".to_owned()),
        Just("%profile".to_owned()),
    ];
    let param = prop_oneof![
        Just("recipient"),
        Just("sender"),
        Just("subject"),
        Just("part-of"),
        Just("recipient:not"),
        Just("sender:not"),
    ];
    prop_oneof![
        4 => (param, person).prop_map(|(param, person)| format!("{param}={person}")),
        1 => (0..4_u8).prop_map(|n| format!("category=s|{n},{n}")),
        1 => (0..4_u8).prop_map(|n| format!("category={n}")),
        1 => Just("category=s|".to_owned()),
        1 => Just("status=completed,stopped".to_owned()),
        1 => Just("status:not=completed".to_owned()),
        1 => (1..5_u8).prop_map(|n| format!("sent=ge2024-0{n}")),
        1 => (9..12_u8).prop_map(|n| format!("sent=lt2024-03-{n:02},2024-03-{n:02}T10:00")),
        1 => Just("sent=sa2024-03-10T10:00:00Z,eb2024-03-10".to_owned()),
        1 => any::<bool>().prop_map(|there| format!("sent:missing={there}")),
        1 => any::<bool>().prop_map(|there| format!("sender:missing={there}")),
        1 => any::<bool>().prop_map(|there| format!("category:missing={there}")),
        1 => (0..4_u8).prop_map(|n| format!("_id=m{n}")),
        1 => (0..4_u8).prop_map(|n| format!("_tag=t{n}")),
        1 => (0..4_u8).prop_map(|n| format!("_compartment=Patient/{n}")),
        1 => (0..4_u8).prop_map(|n| format!("_compartment=Organization/{n}")),
    ]
}

fn entry() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![6 => Just("Communication"), 1 => Just("*"), 1 => Just("Patient")];
    let interactions = proptest::sample::subsequence(
        vec!["create", "read", "update", "delete", "search", "vread"],
        1..=6,
    );
    let filters = proptest::collection::vec(filter(), 0..4);
    (kind, filters, interactions).prop_map(|(kind, filters, interactions)| {
        let mut entry = json!({"resourceType": kind, "interaction": interactions});
        if let (Some(object), false) = (entry.as_object_mut(), filters.is_empty()) {
            object.insert(
                "criteria".to_owned(),
                json!(format!("{kind}?{}", filters.join("&"))),
            );
        }
        entry
    })
}

fn reference() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..6_u8).prop_map(|n| json!({"reference": format!("Patient/{n}")})),
        (0..6_u8).prop_map(|n| json!({"reference": format!("{BASE}/Patient/{n}/_history/2")})),
        Just(json!({"reference": "Practitioner/a"})),
        Just(json!({"reference": "https://elsewhere/Patient/1"})),
        Just(json!({"display": "nobody"})),
        Just(json!(null)),
        Just(json!("Patient/1")),
    ]
}

fn resource() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![8 => Just("Communication"), 1 => Just("Patient"), 1 => Just("Media")];
    let concept = (0..4_u8, any::<bool>()).prop_map(|(n, system)| match system {
        true => json!({"coding": [{"code": "z"}, {"system": "s", "code": n.to_string()}]}),
        false => json!({"coding": [{"code": n.to_string()}]}),
    });
    let few_or_many = prop_oneof![8 => 0..4_usize, 1 => 60..70_usize];
    let recipients = few_or_many.prop_flat_map(|n| proptest::collection::vec(reference(), n));
    let accounts = (0..20_usize, 0..4_u8).prop_map(|(count, n)| -> Vec<Value> {
        (0..count)
            .map(|at| json!({"reference": format!("Organization/{}", at + usize::from(n))}))
            .collect()
    });
    let sent = prop_oneof![
        Just(json!({})),
        Just(json!({"sent": "2024-03-10T10:00:00Z"})),
        Just(json!({"_sent": {"extension": []}})),
    ];
    (
        kind,
        0..4_u8,
        recipients,
        (
            proptest::option::of(reference()),
            proptest::option::of(reference()),
        ),
        proptest::collection::vec(concept, 0..3),
        prop_oneof![Just("completed"), Just("in-progress")],
        (accounts, sent),
    )
        .prop_map(
            |(kind, id, recipients, (sender, subject), category, status, (accounts, sent))| {
                let mut resource = json!({
                    "resourceType": kind,
                    "id": format!("m{id}"),
                    "status": status,
                    "recipient": recipients,
                    "category": category,
                    "meta": {"accounts": accounts, "tag": [{"code": format!("t{id}")}]},
                });
                if let Some(object) = resource.as_object_mut() {
                    object.extend(sender.map(|sender| ("sender".to_owned(), sender)));
                    object.extend(subject.map(|subject| ("subject".to_owned(), subject)));
                    object.extend(
                        sent.as_object()
                            .into_iter()
                            .flatten()
                            .map(|(k, v)| (k.clone(), v.clone())),
                    );
                }
                resource
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arranged_entries_answer_as_a_walk(
        entries in proptest::collection::vec(entry(), 0..16),
        resource in resource(),
    ) {
        let policy = policy(&entries);
        for interaction in Interaction::ALL {
            prop_assert_eq!(
                policy.first_entry(interaction, &resource),
                policy.first_entry_by_walking(interaction, &resource),
                "{}", interaction
            );
        }
    }

    /// A decision looks at two states of a resource, and each is read for itself.
    #[test]
    fn each_state_of_a_resource_is_read_for_itself(
        entries in proptest::collection::vec(entry(), 0..16),
        existing in resource(),
        result in resource(),
    ) {
        let policy = policy(&entries);
        let may = |interaction, resource| policy.first_entry_by_walking(interaction, resource).is_some();
        let same = ["resourceType", "id"].iter().all(|name| existing.get(name) == result.get(name));
        let expected = same
            && may(Interaction::Read, &existing)
            && may(Interaction::Update, &existing)
            && may(Interaction::Update, &result);
        let request = Request::Update { existing: &existing, result: &result };
        prop_assert_eq!(policy.decide(&request).is_allowed(), expected);
    }
}

/// The generated cases above must not all be denials: of a policy with an entry for each patient,
/// the one that is the recipient's decides.
#[test]
fn the_filed_entry_is_found() {
    let entries: Vec<Value> = (0..50)
        .map(|n| {
            json!({
                "resourceType": "Communication",
                "criteria": format!("Communication?status=completed&recipient=Patient/{n}"),
            })
        })
        .collect();
    let policy = policy(&entries);
    let message = |n: usize, status: &str| {
        json!({
            "resourceType": "Communication",
            "status": status,
            "recipient": [{"reference": "Group/g"}, {"reference": format!("Patient/{n}")}],
        })
    };
    for n in 0..50 {
        let found = policy.first_entry(Interaction::Read, &message(n, "completed"));
        assert_eq!(found, Some(n));
        assert_eq!(
            policy.first_entry(Interaction::Read, &message(n, "stopped")),
            None
        );
    }
    assert_eq!(
        policy.first_entry(Interaction::Read, &message(50, "completed")),
        None
    );
}

/// Types that no entry names share what entries on `*` ask, and each is still read by its own
/// elements. `Communication` has an entry of its own beside.
#[rstest]
#[case::its_own_patient(json!({"resourceType": "Patient", "id": "1"}), Some(0))]
#[case::another_patient(json!({"resourceType": "Patient", "id": "2"}), None)]
#[case::subject(json!({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}), Some(0))]
#[case::patient(json!({"resourceType": "Immunization", "patient": {"reference": "Patient/1"}}), Some(0))]
#[case::group_of_another(json!({"resourceType": "Group", "member": [{"entity": {"reference": "Patient/3"}}]}), None)]
#[case::tag(json!({"resourceType": "Media", "meta": {"tag": [{"system": "s", "code": "t"}]}}), Some(1))]
#[case::tag_of_another_system(json!({"resourceType": "Media", "meta": {"tag": [{"code": "t"}]}}), None)]
#[case::not_every_type_has_a_status(json!({"resourceType": "Patient", "status": "final"}), None)]
#[case::status(json!({"resourceType": "Observation", "status": "final"}), Some(2))]
#[case::named(json!({"resourceType": "Communication", "id": "c"}), Some(3))]
#[case::named_and_tagged(json!({"resourceType": "Communication", "id": "c", "meta": {"tag": [{"system": "s", "code": "t"}]}}), Some(1))]
#[case::binary(json!({"resourceType": "Binary", "meta": {"tag": [{"system": "s", "code": "t"}]}}), None)]
#[case::reserved(json!({"resourceType": "Project", "meta": {"tag": [{"system": "s", "code": "t"}]}}), None)]
#[case::unknown(json!({"resourceType": "Nonsense", "meta": {"tag": [{"system": "s", "code": "t"}]}}), None)]
fn entries_on_every_type_are_arranged(#[case] resource: Value, #[case] expected: Option<usize>) {
    let entries = [
        json!({"resourceType": "*", "criteria": "*?_compartment=Patient/1"}),
        json!({"resourceType": "*", "criteria": "*?_tag=s|t"}),
        json!({"resourceType": "*", "criteria": "*?status=final"}),
        json!({"resourceType": "Communication", "criteria": "Communication?_id=c"}),
    ];
    let policy = policy(&entries);
    let read = Interaction::Read;
    assert_eq!(policy.first_entry(read, &resource), expected);
    assert_eq!(policy.first_entry_by_walking(read, &resource), expected);
}

/// Few types are compared, many are hashed; both find the same entry, and neither another type.
#[rstest]
fn a_type_is_found_among_few_and_many(#[values(1, 15, 16, 17, 60)] count: usize) {
    let kinds: Vec<&str> = fhirward_spec::spec()
        .resource_types()
        .filter(|kind| !["Communication", "Binary"].contains(kind))
        .filter(|kind| !ADMIN_TYPES.contains(kind) && !PROTECTED_TYPES.contains(kind))
        .take(count)
        .collect();
    assert_eq!(kinds.len(), count);
    let entries: Vec<Value> = kinds
        .iter()
        .map(|kind| json!({"resourceType": kind, "criteria": format!("{kind}?_id=x")}))
        .collect();
    let policy = policy(&entries);
    for (at, kind) in kinds.iter().enumerate() {
        let found =
            |id| policy.first_entry(Interaction::Read, &json!({"resourceType": kind, "id": id}));
        assert_eq!((found("x"), found("y")), (Some(at), None), "{kind}");
    }
    for other in ["Communication", "Project", "Nonsense", ""] {
        let resource = json!({"resourceType": other, "id": "x"});
        assert!(!policy.grants_type(other, Interaction::Read));
        assert_eq!(policy.first_entry(Interaction::Read, &resource), None);
    }
}
