//! Requests of more than one part: conditional interactions, batches, searches and includes,
//! Binaries with a security context. R.3, R.4, R.9, R.11; policy-semantics 3.2, 3.5.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::borrow::Cow;
use std::sync::Arc;

use fhirward_engine::policy::{
    Conditional, Interaction, Match, Membership, Options, Policy, PolicyDocument, Reason, Request,
    SearchRefusal, Side, Verdict, assemble,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn policy(entries: &Value) -> Policy {
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "name": "policy", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    assemble(&member, &|_| Some(document.clone()), &Options::default()).policy
}

fn may(interactions: &[&str]) -> Policy {
    policy(
        &json!([{"resourceType": "Communication", "interaction": interactions,
        "criteria": "Communication?recipient=%profile"}]),
    )
}

/// A message to somebody.
fn to(id: &str, who: &str) -> Value {
    json!({"resourceType": "Communication", "id": id, "recipient": [{"reference": who}]})
}

const MINE: &str = "Practitioner/a";
const NOT_MINE: &str = "Practitioner/b";

/// What a conditional interaction needs of the type, whatever is found.
#[rstest]
#[case::read(Conditional::Read, &["search", "read"])]
#[case::create(Conditional::Create, &["search", "create"])]
#[case::update(Conditional::Update, &["search", "read", "update"])]
#[case::upsert(Conditional::Upsert, &["search", "create", "read", "update"])]
#[case::patch(Conditional::Patch, &["search", "read", "update"])]
#[case::delete(Conditional::Delete, &["search", "read", "delete"])]
fn r3_conditional_interactions_need_search_as_well(
    #[case] conditional: Conditional,
    #[case] needed: &[&str],
) {
    let stored = to("1", MINE);
    let decide = |interactions: &[&str]| {
        may(interactions)
            .decide_conditional(conditional, "Communication", [], [&stored], |_| {
                stored.clone()
            })
            .decision
            .verdict
    };
    assert_eq!(decide(needed), Verdict::Allowed);
    for without in needed {
        let fewer: Vec<&str> = needed
            .iter()
            .filter(|one| *one != without)
            .copied()
            .collect();
        assert_eq!(decide(&fewer), Verdict::Forbidden, "without {without}");
    }
}

const NOTHING: &[(&str, &str)] = &[];
const ONE: &[(&str, &str)] = &[("1", MINE)];
const HIDDEN: &[(&str, &str)] = &[("1", NOT_MINE)];
const ONE_VISIBLE: &[(&str, &str)] = &[("1", NOT_MINE), ("2", MINE), ("3", NOT_MINE)];
const TWO: &[(&str, &str)] = &[("1", MINE), ("2", MINE)];

#[rstest]
#[case::create_new(
    Conditional::Create,
    NOTHING,
    MINE,
    Some(Interaction::Create),
    Verdict::Allowed
)]
#[case::create_outside(
    Conditional::Create,
    NOTHING,
    NOT_MINE,
    Some(Interaction::Create),
    Verdict::Forbidden
)]
#[case::create_there(Conditional::Create, ONE, MINE, None, Verdict::Allowed)]
#[case::create_hidden_is_new(
    Conditional::Create,
    HIDDEN,
    MINE,
    Some(Interaction::Create),
    Verdict::Allowed
)]
#[case::update_one(
    Conditional::Update,
    ONE,
    MINE,
    Some(Interaction::Update),
    Verdict::Allowed
)]
#[case::update_leaves(
    Conditional::Update,
    ONE,
    NOT_MINE,
    Some(Interaction::Update),
    Verdict::Forbidden
)]
#[case::update_none(Conditional::Update, NOTHING, MINE, None, Verdict::Hidden)]
#[case::update_hidden_is_none(Conditional::Update, HIDDEN, MINE, None, Verdict::Hidden)]
#[case::update_one_visible(
    Conditional::Update,
    ONE_VISIBLE,
    MINE,
    Some(Interaction::Update),
    Verdict::Allowed
)]
#[case::update_several(Conditional::Update, TWO, MINE, None, Verdict::Allowed)]
#[case::upsert_none(
    Conditional::Upsert,
    NOTHING,
    MINE,
    Some(Interaction::Create),
    Verdict::Allowed
)]
#[case::upsert_one(
    Conditional::Upsert,
    ONE,
    MINE,
    Some(Interaction::Update),
    Verdict::Allowed
)]
#[case::patch_one(
    Conditional::Patch,
    ONE,
    MINE,
    Some(Interaction::Patch),
    Verdict::Allowed
)]
#[case::delete_one(
    Conditional::Delete,
    ONE,
    MINE,
    Some(Interaction::Delete),
    Verdict::Allowed
)]
#[case::delete_none(Conditional::Delete, NOTHING, MINE, None, Verdict::Hidden)]
#[case::read_one(
    Conditional::Read,
    ONE_VISIBLE,
    MINE,
    Some(Interaction::Read),
    Verdict::Allowed
)]
fn r3_conditional_interactions_see_what_a_search_sees(
    #[case] conditional: Conditional,
    #[case] matching: &[(&str, &str)],
    #[case] result: &str,
    #[case] interaction: Option<Interaction>,
    #[case] verdict: Verdict,
) {
    let policy = policy(
        &json!([{"resourceType": "Communication", "criteria": "Communication?recipient=%profile"}]),
    );
    let stored: Vec<Value> = matching.iter().map(|(id, who)| to(id, who)).collect();
    let write = |existing: Option<&Value>| {
        let id = existing.and_then(|one| one["id"].as_str()).unwrap_or("new");
        to(id, result)
    };
    let decided = policy.decide_conditional(conditional, "Communication", [], &stored, write);
    assert_eq!(decided.interaction, interaction);
    assert_eq!(decided.decision.verdict, verdict);
    if matching == TWO {
        assert_eq!(decided.found, Some(Match::Several));
    }
}

#[test]
fn r9_conditional_writes_keep_what_is_read_only() {
    let policy = policy(&json!([{"resourceType": "Patient", "readonlyFields": ["active"]}]));
    let stored = json!({"resourceType": "Patient", "id": "p", "active": false});
    let input = json!({"resourceType": "Patient", "id": "p", "active": true});
    let upsert = |matching: &[Value]| {
        policy
            .decide_conditional(Conditional::Upsert, "Patient", [], matching, |_| {
                input.clone()
            })
            .result
    };
    assert_eq!(upsert(std::slice::from_ref(&stored)), Some(stored.clone()));
    assert_eq!(
        upsert(&[]),
        Some(json!({"resourceType": "Patient", "id": "p"}))
    );
}

#[test]
fn r3_a_conditional_create_makes_the_type_of_its_path() {
    let policy = policy(&json!([{"resourceType": "Patient"}, {"resourceType": "Task"}]));
    let decided = policy.decide_conditional(
        Conditional::Create,
        "Patient",
        [],
        [],
        |_| json!({"resourceType": "Task"}),
    );
    assert_eq!(decided.decision.reason, Reason::AnotherResource);
}

#[test]
fn s3_2_batch_entries_stand_alone_and_transactions_do_not() {
    let policy = may(&["read", "create"]);
    let (mine, other) = (to("1", MINE), to("2", NOT_MINE));
    let requests = [
        Request::Create(&mine),
        Request::Read(&other),
        Request::Read(&mine),
    ];
    let verdicts: Vec<Verdict> = policy
        .decide_batch(&requests)
        .iter()
        .map(|d| d.verdict)
        .collect();
    assert_eq!(
        verdicts,
        [Verdict::Allowed, Verdict::Hidden, Verdict::Allowed]
    );
    let refused = policy
        .decide_transaction(&requests)
        .map_err(|(at, d)| (at, d.verdict));
    assert_eq!(refused, Err((1, Verdict::Hidden)));
    assert_eq!(policy.decide_transaction(&requests[..1]), Ok(()));
}

#[rstest]
#[case::reading(Interaction::Read, 1)]
#[case::not_granted(Interaction::Delete, 0)]
fn r2_filter_many_keeps_order_and_leaves_out(
    #[case] interaction: Interaction,
    #[case] mine: usize,
) {
    let policy = may(&["read", "search"]);
    let all = [
        to("1", NOT_MINE),
        to("2", MINE),
        json!({"resourceType": "Patient"}),
        json!(7),
    ];
    let kept: Vec<&Value> = policy.filter_many(interaction, &all).collect();
    assert_eq!(kept.len(), mine);
    assert!(kept.iter().all(|one| one["id"] == "2"));
}

/// What an include shows is what a search would find: a type that is not granted never leaks.
#[test]
fn r2_includes_show_only_what_a_search_finds() {
    let policy = policy(&json!([
        {"resourceType": "Communication"},
        {"resourceType": "Patient", "criteria": "Patient?active=true"},
        {"resourceType": "Practitioner", "interaction": ["read"]},
    ]));
    assert_eq!(policy.may_include("Communication", "subject"), Ok(()));
    let included = [
        json!({"resourceType": "Patient", "id": "visible", "active": true}),
        json!({"resourceType": "Patient", "id": "hidden", "active": false}),
        json!({"resourceType": "Practitioner", "id": "no-search"}),
        json!({"resourceType": "Group", "id": "not-granted"}),
    ];
    let shown: Vec<&Value> = policy.filter_many(Interaction::Search, &included).collect();
    assert_eq!(shown, [&included[0]]);
}

#[rstest]
#[case::granted("Communication", &["status"], Ok(()))]
#[case::type_not_granted("Task", &["status"], Err(SearchRefusal::TypeNotGranted("Task".to_owned())))]
#[case::hidden("Communication", &["status", "sender"], Err(hidden("sender")))]
#[case::hidden_below_a_sort("Communication", &["sender:not"], Err(hidden("sender")))]
#[case::only_the_display_is_hidden("Communication", &["subject"], Ok(()))]
#[case::only_the_display_is_hidden_not("Communication", &["subject:not"], Ok(()))]
#[case::missing_sees_a_display("Communication", &["subject:missing"], Err(hidden("subject")))]
#[case::compartment_search("Communication", &["_compartment"], Err(hidden("_compartment")))]
fn r9_searches_by_what_is_hidden(
    #[case] kind: &str,
    #[case] names: &[&str],
    #[case] expected: Result<(), SearchRefusal>,
) {
    let policy = policy(&json!([
        {"resourceType": "Communication", "hiddenFields": ["sender", "subject.display"]},
    ]));
    assert_eq!(policy.may_search(kind, names.iter().copied()), expected);
}

fn hidden(code: &str) -> SearchRefusal {
    SearchRefusal::HiddenField {
        resource_type: "Communication".to_owned(),
        code: code.to_owned(),
    }
}

#[test]
fn r9_no_include_by_a_hidden_reference() {
    let policy = policy(&json!([{"resourceType": "Communication", "hiddenFields": ["sender"]}]));
    assert_eq!(
        policy.may_include("Communication", "sender"),
        Err(hidden("sender"))
    );
}

fn binary(context: Option<&str>) -> Value {
    let mut binary = json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain"});
    if let Some(context) = context {
        binary["securityContext"] = json!({"reference": context});
    }
    binary
}

#[rstest]
#[case::none(None, Verdict::Allowed)]
#[case::readable(Some("Communication/mine"), Verdict::Allowed)]
#[case::readable_on_this_server(Some("https://h/fhir/R4/Communication/mine"), Verdict::Allowed)]
#[case::hidden(Some("Communication/other"), Verdict::Hidden)]
#[case::type_not_granted(Some("Patient/p"), Verdict::Hidden)]
#[case::nowhere(Some("Communication/gone"), Verdict::Hidden)]
#[case::elsewhere(Some("https://else/Communication/mine"), Verdict::Hidden)]
#[case::through_another_binary(Some("Binary/of-mine"), Verdict::Allowed)]
#[case::through_a_hidden_one(Some("Binary/of-other"), Verdict::Hidden)]
#[case::in_a_circle(Some("Binary/circle"), Verdict::Hidden)]
fn r11_a_binary_needs_its_security_context(
    #[case] context: Option<&str>,
    #[case] expected: Verdict,
) {
    let policy = policy(&json!([
        {"resourceType": "Binary"},
        {"resourceType": "Communication", "criteria": "Communication?recipient=%profile"},
    ]));
    let resolve = |reference: &str| {
        Some(Cow::Owned(match reference {
            "Communication/mine" => to("mine", MINE),
            "Communication/other" => to("other", NOT_MINE),
            "Patient/p" => json!({"resourceType": "Patient", "id": "p"}),
            "Binary/of-mine" => binary(Some("Communication/mine")),
            "Binary/of-other" => binary(Some("Communication/other")),
            "Binary/circle" => binary(Some("Binary/circle")),
            _ => return None,
        }))
    };
    let base = Some("https://h/fhir/R4/");
    let (stored, free) = (binary(context), binary(None));
    let decide = |request: Request<'_>| policy.decide_with(&request, base, &resolve).verdict;
    assert_eq!(decide(Request::Read(&stored)), expected);
    assert_eq!(decide(Request::Delete(&stored)), expected);
    let update = |existing, result| decide(Request::Update { existing, result });
    assert_eq!(update(&stored, &free), expected);
    // What would be stored must be readable as well: nobody hides a Binary from themselves.
    let result = match expected {
        Verdict::Hidden => Verdict::Forbidden,
        other => other,
    };
    assert_eq!(decide(Request::Create(&stored)), result);
    assert_eq!(update(&free, &stored), result);
}

#[test]
fn r11_explains_the_security_context() {
    let policy = policy(&json!([{"resourceType": "Binary"}]));
    let stored = binary(Some("Patient/p"));
    let decision = policy.decide_with(&Request::Read(&stored), None, &|_| None);
    assert_eq!(decision.reason, Reason::SecurityContext(Side::Stored));
    let told = policy.explain_with(&Request::Read(&stored), None, &|_| None);
    assert_eq!(told.verdict, Verdict::Hidden);
    assert_eq!(told.granted_by, None);
    assert_eq!(
        told.reason,
        "the securityContext of the Binary cannot be read"
    );
}

/// R.11: a question that brings no way to the context is not answered as if there were none.
#[test]
fn r11_without_its_security_context_a_binary_is_nobodys() {
    let policy = policy(&json!([{"resourceType": "*"}]));
    let (closed, free) = (binary(Some("Patient/p")), binary(None));
    assert_eq!(
        policy.decide(&Request::Read(&closed)).verdict,
        Verdict::Hidden
    );
    assert_eq!(
        policy.explain(&Request::Read(&closed)).verdict,
        Verdict::Hidden
    );
    assert!(policy.decide(&Request::Read(&free)).is_allowed());
    let create = policy.decide(&Request::Create(&closed));
    assert_eq!(create.reason, Reason::SecurityContext(Side::Result));
    let all = [closed, free.clone()];
    let shown: Vec<&Value> = policy.filter_many(Interaction::Search, &all).collect();
    assert_eq!(shown, [&free]);
    let whole = Policy::full_access();
    assert_eq!(whole.filter_many(Interaction::Search, &all).count(), 2);
}

/// What the actor is not granted is not shown, whoever asks for it: tags and accounts are content.
#[test]
fn r4_nothing_but_its_name_is_left_of_what_is_not_granted() {
    let stored = json!({"resourceType": "Patient", "id": "p", "active": true, "meta": {
        "versionId": "3", "lastUpdated": "2024-01-01T00:00:00Z",
        "tag": [{"code": "vip"}], "accounts": [{"reference": "Organization/o"}]}});
    assert_eq!(
        may(&["read"]).mask(Interaction::Read, &stored),
        json!({"resourceType": "Patient", "id": "p",
            "meta": {"versionId": "3", "lastUpdated": "2024-01-01T00:00:00Z"}})
    );
}

/// A match by a hidden field would tell it, as a search by it would.
#[rstest]
#[case::visible("recipient", true)]
#[case::hidden("sender", false)]
#[case::with_modifier("sender:missing", false)]
fn r9_no_conditional_interaction_by_a_hidden_field(#[case] name: &str, #[case] allowed: bool) {
    let policy = policy(&json!([{"resourceType": "Communication", "hiddenFields": ["sender"]}]));
    let stored = to("1", MINE);
    for conditional in Conditional::ALL {
        let decided =
            policy.decide_conditional(conditional, "Communication", [name], [&stored], |_| {
                stored.clone()
            });
        assert_eq!(decided.decision.is_allowed(), allowed, "{conditional:?}");
        assert_eq!(decided.found.is_some(), allowed, "{conditional:?}");
    }
}

fn interactions() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(
        vec![
            "create", "read", "update", "delete", "search", "history", "vread",
        ],
        1..=7,
    )
}

proptest! {
    /// A conditional interaction grants nothing that its parts do not.
    #[test]
    fn conditional_interactions_grant_no_more_than_their_parts(
        interactions in interactions(),
        who in proptest::collection::vec(prop_oneof![Just(MINE), Just(NOT_MINE)], 0..3),
        result in prop_oneof![Just(MINE), Just(NOT_MINE)],
    ) {
        let policy = may(&interactions);
        let stored: Vec<Value> =
            who.iter().enumerate().map(|(at, who)| to(&at.to_string(), who)).collect();
        for conditional in Conditional::ALL {
            let write = |existing: Option<&Value>| {
                let id = existing.and_then(|one| one["id"].as_str()).unwrap_or("new");
                to(id, result)
            };
            let decided = policy.decide_conditional(conditional, "Communication", [], &stored, write);
            if !decided.decision.is_allowed() {
                continue;
            }
            prop_assert!(policy.grants_type("Communication", Interaction::Search));
            for gate in conditional.gates() {
                prop_assert!(policy.grants_type("Communication", *gate));
            }
            let Some(Match::One(one)) = decided.found else {
                if decided.interaction == Some(Interaction::Create) {
                    let made = to("new", result);
                    prop_assert!(policy.decide(&Request::Create(&made)).is_allowed());
                }
                continue;
            };
            prop_assert!(policy.decide(&Request::Search(one)).is_allowed());
            let after = write(Some(one));
            let plain = match decided.interaction {
                None => continue,
                Some(Interaction::Read) => Request::Read(one),
                Some(Interaction::Delete) => Request::Delete(one),
                Some(Interaction::Patch) => Request::Patch { existing: one, result: &after },
                _ => Request::Update { existing: one, result: &after },
            };
            prop_assert!(policy.decide(&plain).is_allowed());
        }
    }
}
