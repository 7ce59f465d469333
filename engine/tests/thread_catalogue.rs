//! Every rule of the catalogue against its own examples.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, assemble};
use fhirward_engine::thread::{
    Actor, ELSEWHERE, Rule, ThreadFinding, ThreadIndex, check_with_policies, rows, rule, rules,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn policies(rule: &Rule) -> Vec<Policy> {
    let compile = |(profile, value): (&str, Value)| {
        let (document, findings) = PolicyDocument::from_value(&value);
        assert_eq!(findings, [], "{}", rule.id);
        let document = Arc::new(document);
        let member = Membership::of(profile, &["AccessPolicy/p"]);
        assemble(&member, &|_| Some(document.clone()), &Options::default()).policy
    };
    rule.example_policies().map(compile).collect()
}

fn findings(rule: &Rule, resources: &[Value]) -> Vec<ThreadFinding> {
    let policies = policies(rule);
    let actors: Vec<Actor<'_>> = policies.iter().map(Actor::of).collect();
    let resources: Vec<&Value> = resources.iter().collect();
    check_with_policies(&resources, &actors)
}

#[test]
fn what_fails_breaks_exactly_this_rule() {
    for rule in rules() {
        let found = findings(rule, &rule.failing());
        let ids: BTreeSet<&str> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(ids, BTreeSet::from([rule.id]), "{found:#?}");
    }
}

#[test]
fn what_passes_keeps_the_rule() {
    for rule in rules() {
        let found = findings(rule, &rule.passing());
        let found: Vec<_> = found.iter().filter(|f| f.rule == rule.id).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}

proptest! {
    /// An input that is indexed in parts is the same input: numbers, threads, versions and findings.
    #[test]
    fn parts_of_an_index_are_one_index(
        picked in prop::collection::vec((0..rules().len(), any::<bool>()), 1..8),
        cuts in prop::collection::vec(0_usize..60, 0..4),
        deleted in any::<bool>(),
    ) {
        let mut resources = vec![json!({"id": "no type"})];
        for (at, fails) in picked {
            let rule = &rules()[at];
            resources.extend(if fails { rule.failing() } else { rule.passing() });
        }
        let mut one = ThreadIndex::new();
        let mut parts = ThreadIndex::new();
        let mut part = ThreadIndex::new();
        for (number, resource) in resources.iter().enumerate() {
            if cuts.contains(&number) {
                parts.append(&part);
                part = ThreadIndex::new();
            }
            one.add(resource);
            part.add(resource);
            if deleted && number % 3 == 0 {
                one.delete("Communication/h");
                part.delete("Communication/h");
            }
        }
        parts.append(&part);
        prop_assert_eq!(one.len(), parts.len());
        let (one, parts) = (one.seal(), parts.seal());
        prop_assert_eq!(one.summary(), parts.summary());
        for (number, resource) in resources.iter().enumerate() {
            prop_assert_eq!(one.thread_of(number), parts.thread_of(number));
            prop_assert_eq!(one.duplicate_of(number), parts.duplicate_of(number));
            prop_assert_eq!(one.messages_of(number), parts.messages_of(number));
            let found = one.check(number, resource, &[]);
            prop_assert_eq!(found, parts.check(number, resource, &[]));
        }
    }
}

#[test]
fn examples_are_resources_and_findings_point_into_them() {
    for rule in rules() {
        let (failing, passing) = (rule.failing(), rule.passing());
        assert!(!failing.is_empty() && !passing.is_empty(), "{}", rule.id);
        for resource in failing.iter().chain(&passing) {
            assert!(resource.is_object(), "{}", rule.id);
        }
        for finding in findings(rule, &failing) {
            let resource = failing.get(finding.resource).unwrap();
            // Of what is missing, the place where it would be.
            let around = finding
                .pointer
                .rsplit_once('/')
                .map_or("", |(around, _)| around);
            assert!(resource.pointer(around).is_some(), "{finding:#?}");
        }
    }
}

#[test]
fn the_text_of_messages_is_in_no_finding() {
    for rule in rules() {
        for finding in findings(rule, &rule.failing()) {
            for secret in ["Hello", "Goodbye", "Knee", "Shoulder", "See this"] {
                assert!(!finding.message.contains(secret), "{finding:#?}");
            }
        }
    }
}

#[test]
fn ids_and_names_are_unique_and_are_found() {
    let ids: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
    let slugs: BTreeSet<&str> = rules().iter().map(|rule| rule.slug).collect();
    assert_eq!((ids.len(), slugs.len()), (rules().len(), rules().len()));
    assert!(ELSEWHERE.iter().all(|point| !ids.contains(point.id)));
    for known in rules() {
        assert_eq!(rule(known.id).map(|rule| rule.slug), Some(known.slug));
        assert_eq!(rule(known.slug).map(|rule| rule.id), Some(known.id));
    }
    assert!(rule("H-99").is_none());
}

#[test]
fn no_point_of_the_documentation_is_forgotten() {
    let rows: Vec<_> = rows().collect();
    assert_eq!(rows.len(), 91);
    let counted = rows.iter().filter(|(_, became)| became.is_ok()).count();
    assert_eq!(counted, rules().len());
}

/// A place in a value, chosen by numbers.
fn spoil(value: &mut Value, picks: &[usize], with: &Value) {
    let Some((pick, rest)) = picks.split_first() else {
        *value = with.clone();
        return;
    };
    let length = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    let inner = match value {
        Value::Array(items) => items.get_mut(pick % length.max(1)),
        Value::Object(members) => members.values_mut().nth(pick % length.max(1)),
        _ => None,
    };
    match inner {
        Some(inner) => spoil(inner, rest, with),
        None => *value = with.clone(),
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 1, "x", {}])),
        Just(json!({"reference": "Communication/h"})),
        Just(json!([{"reference": "Communication/m"}, {"reference": 1}])),
        Just(json!([{"coding": [{"code": "correction"}, 7, {"system": "s", "code": "SMSWRIT"}]}])),
        Just(json!("entered-in-error")),
        Just(json!("preparation")),
        Just(json!("2024-04-10T10:00:00Z")),
        Just(json!("9999999-99-99T99:99:99+99:99")),
        Just(json!(-1.5e300)),
        any::<bool>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    /// Whatever stands in a resource, the rules answer, twice the same, and about a given resource.
    #[test]
    fn the_rules_are_total(
        at in 0..rules().len(),
        spoils in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(0usize..20, 0..5), anything()), 1..4),
    ) {
        let rule = &rules()[at];
        let mut resources = [rule.failing(), rule.passing()].concat();
        for (which, picks, with) in &spoils {
            let which = which.index(resources.len());
            spoil(&mut resources[which], picks, with);
        }
        let found = findings(rule, &resources);
        prop_assert_eq!(&findings(rule, &resources), &found);
        prop_assert!(found.iter().all(|finding| finding.resource < resources.len()));
    }

    /// The order of the input says nothing: the same resources break the same rules. Of two that
    /// exclude each other the first stays and the second is reported, so findings are counted.
    #[test]
    fn the_order_of_the_input_says_nothing(at in 0..rules().len(), seed in any::<u64>()) {
        let rule = &rules()[at];
        let mut resources = rule.failing();
        let before = findings(rule, &resources).len();
        let length = resources.len();
        for n in 0..length {
            let other = usize::try_from(seed >> (n * 7) & 127).unwrap() % length;
            resources.swap(n, other);
        }
        prop_assert_eq!(findings(rule, &resources).len(), before);
    }
}

/// A Communication that is neither header nor message by its form still is one of both, and has
/// other faults as well.
#[rstest::rstest]
#[case::message_without_payload(
    json!({}),
    json!({"payload": null, "sent": null, "topic": {"text": "Other"}}),
    &["M-01", "M-07", "M-12"]
)]
#[case::header_with_payload(
    json!({"payload": [{"contentString": "x"}], "status": "on-hold"}),
    json!({"subject": {"reference": "Patient/bart"}}),
    &["H-01", "H-05", "M-13"]
)]
#[case::header_with_part_of(
    json!({"partOf": [{"reference": "Communication/z"}], "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}, {"reference": "Practitioner/alice"}]}),
    json!({"payload": null}),
    &["H-02", "H-11", "M-01"]
)]
#[case::header_with_payload_and_messages_of_others(
    json!({"payload": [{"contentString": "x"}]}),
    json!({"topic": {"text": "Other"}, "sender": {"reference": "Practitioner/wilson"},
        "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}]}),
    &["H-01", "H-10", "M-12"]
)]
#[case::message_of_no_thread(
    json!({}),
    json!({"partOf": null, "sender": null, "sent": null}),
    &["M-02", "M-03", "M-07"]
)]
fn the_other_rules_go_on(#[case] header: Value, #[case] message: Value, #[case] wanted: &[&str]) {
    let with = |mut base: Value, more: Value| {
        for (name, value) in more.as_object().unwrap() {
            base[name] = value.clone();
        }
        base.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        base
    };
    let header = with(
        json!({"resourceType": "Communication", "id": "h", "status": "in-progress", "topic": {"text": "Knee"},
            "subject": {"reference": "Patient/homer"}, "sender": {"reference": "Practitioner/alice"},
            "recipient": [{"reference": "Patient/homer"}, {"reference": "Practitioner/alice"}]}),
        header,
    );
    let message = with(
        json!({"resourceType": "Communication", "id": "m", "status": "in-progress",
            "partOf": [{"reference": "Communication/h"}], "topic": {"text": "Knee"},
            "subject": {"reference": "Patient/homer"}, "sender": {"reference": "Practitioner/alice"},
            "recipient": [{"reference": "Patient/homer"}], "sent": "2024-04-10T10:00:00Z",
            "payload": [{"contentString": "x"}]}),
        message,
    );
    let found = check_with_policies(&[&header, &message], &[]);
    let ids: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(ids, wanted, "{found:#?}");
}

/// A subject who reads without taking part is told the other way round: their policy says too much.
#[test]
fn a_subject_who_reads_has_advice_of_their_own() {
    let (document, _) = PolicyDocument::from_value(&json!({
        "resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Communication"}],
    }));
    let document = Arc::new(document);
    let member = Membership::of("Patient/homer", &["AccessPolicy/p"]);
    let policy = assemble(&member, &|_| Some(document.clone()), &Options::default()).policy;
    let header = json!({"resourceType": "Communication", "id": "h", "status": "in-progress",
        "topic": {"text": "Knee"}, "subject": {"reference": "Patient/homer"},
        "sender": {"reference": "Practitioner/alice"}, "recipient": [{"reference": "Practitioner/alice"}]});
    let found = check_with_policies(&[&header], &[Actor::of(&policy)]);
    let found = found.iter().find(|finding| finding.rule == "A-01").unwrap();
    assert!(
        found.help.starts_with("if they shall not read it"),
        "{found:#?}"
    );
}
