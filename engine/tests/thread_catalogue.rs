//! Every rule of the catalogue against its own examples.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhirward_engine::policy::{Membership, Options, Policy, PolicyDocument, assemble};
use fhirward_engine::thread::{
    Actor, ELSEWHERE, Kind, Rule, ThreadFinding, check_with_policies, rows, rule, rules,
};
use serde_json::Value;

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
            assert!(resource.pointer(&finding.pointer).is_some(), "{finding:#?}");
        }
    }
}

#[test]
fn the_order_of_the_resources_does_not_matter() {
    for rule in rules() {
        let mut resources = rule.failing();
        // Without these, the order of the input is the order of the resources.
        let is_timed = |r: &Value| r.get("meta").is_some() || r.get("sent").is_some();
        if !resources.iter().all(is_timed) && rule.kind == Kind::Cross {
            continue;
        }
        let count = |resources: &[Value]| findings(rule, resources).len();
        let before = count(&resources);
        resources.reverse();
        assert_eq!(count(&resources), before, "{}", rule.id);
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
