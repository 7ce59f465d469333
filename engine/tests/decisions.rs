//! R.1 to R.4 and R.7 to R.9, case by case.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::policy::{
    Access, Assembled, Interaction, Membership, Options, Parameter, ParameterValue, PolicyDocument,
    Request, Verdict, assemble,
};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use rstest::rstest;
use serde_json::{Value, json};

const ALICE: &str = "Practitioner/alice";

fn with(entries: &Value, membership: &Membership) -> Assembled {
    let policy =
        json!({"resourceType": "AccessPolicy", "id": "p", "name": "policy", "resource": entries});
    let (document, _) = PolicyDocument::from_value(&policy);
    let all = BTreeMap::from([("AccessPolicy/p".to_owned(), Arc::new(document))]);
    let options = Options {
        base_url: Some("https://h/fhir/R4/".to_owned()),
    };
    assemble(membership, &|name| all.get(name).cloned(), &options)
}

fn alice(entries: Value) -> Assembled {
    with(&entries, &Membership::of(ALICE, &["AccessPolicy/p"]))
}

fn thread(extra: Value) -> Value {
    let mut resource = json!({"resourceType": "Communication", "id": "t", "status": "in-progress"});
    for (key, value) in extra.as_object().unwrap() {
        resource[key] = value.clone();
    }
    resource
}

fn to(people: &[&str]) -> Value {
    thread(json!({"recipient": people.iter().map(|p| json!({"reference": p})).collect::<Vec<_>>()}))
}

fn participant() -> Value {
    json!([
        {"resourceType": "Communication", "criteria": "Communication?recipient=%profile"},
        {"resourceType": "Communication", "criteria": "Communication?sender=%profile"},
    ])
}

fn request(interaction: Interaction, before: &Value, after: &Value, policy: &Assembled) -> Verdict {
    let (resource, other) = match interaction {
        Interaction::Create => (after, None),
        _ => (before, Some(after)),
    };
    let request = Request::about(interaction, resource, other);
    policy.policy.decide(&request).verdict
}

#[rstest]
#[case::recipient(to(&[ALICE]), Verdict::Allowed)]
#[case::one_of_many(to(&["Practitioner/house", ALICE]), Verdict::Allowed)]
#[case::sender(thread(json!({"sender": {"reference": ALICE}})), Verdict::Allowed)]
#[case::stored_absolute(to(&["https://h/fhir/R4/Practitioner/alice"]), Verdict::Allowed)]
#[case::nobody(thread(json!({})), Verdict::Hidden)]
#[case::someone_else(to(&["Practitioner/house"]), Verdict::Hidden)]
#[case::subject_is_no_participant(thread(json!({"subject": {"reference": ALICE}})), Verdict::Hidden)]
#[case::display_only(thread(json!({"recipient": [{"display": ALICE}]})), Verdict::Hidden)]
fn r1_participant_policy_is_a_union(#[case] resource: Value, #[case] expected: Verdict) {
    let policy = alice(participant());
    for interaction in [Interaction::Read, Interaction::Search] {
        assert_eq!(
            request(interaction, &resource, &resource, &policy),
            expected
        );
    }
}

const ALL: Verdict = Verdict::Allowed;
const NOT: Verdict = Verdict::Forbidden;

/// Each row: the entry, and the verdicts of read, search, vread, create, update, delete.
#[rstest]
#[case::everything(json!({}), [ALL, ALL, ALL, ALL, ALL, ALL])]
#[case::readonly(json!({"readonly": true}), [ALL, ALL, ALL, NOT, NOT, NOT])]
#[case::interaction_wins_over_readonly(json!({"readonly": true, "interaction": ["read", "update"]}), [ALL, NOT, NOT, NOT, ALL, NOT])]
#[case::create_read(json!({"interaction": ["create", "read"]}), [ALL, NOT, NOT, ALL, NOT, NOT])]
#[case::update_alone_is_useless(json!({"interaction": ["update"]}), [NOT, NOT, NOT, NOT, NOT, NOT])]
#[case::delete_alone_is_useless(json!({"interaction": ["delete"]}), [NOT, NOT, NOT, NOT, NOT, NOT])]
#[case::search_alone(json!({"interaction": ["search"]}), [NOT, ALL, NOT, NOT, NOT, NOT])]
#[case::empty_list(json!({"interaction": []}), [NOT, NOT, NOT, NOT, NOT, NOT])]
fn r2_interactions(#[case] extra: Value, #[case] expected: [Verdict; 6]) {
    let mut entry = json!({"resourceType": "Communication"});
    for (key, value) in extra.as_object().unwrap() {
        entry[key] = value.clone();
    }
    let policy = alice(json!([entry]));
    let resource = to(&[ALICE]);
    let kinds = [
        Interaction::Read,
        Interaction::Search,
        Interaction::Vread,
        Interaction::Create,
        Interaction::Update,
        Interaction::Delete,
    ];
    for (interaction, expected) in kinds.into_iter().zip(expected) {
        let verdict = request(interaction, &resource, &resource, &policy);
        assert_eq!(verdict, expected, "{interaction}");
    }
}

#[rstest]
#[case::wildcard("*", "Patient", true)]
#[case::wildcard_no_project("*", "Project", false)]
#[case::wildcard_no_membership("*", "ProjectMembership", false)]
#[case::wildcard_no_login("*", "Login", false)]
#[case::wildcard_of_a_type_unknown_here("*", "Novelty", true)]
#[case::wildcard_no_type("*", "", false)]
#[case::wildcard_no_name_of_a_type("*", "patient record", false)]
#[case::own_entry_for_admin_type("User", "User", false)]
#[case::default_type("Patient", "StructureDefinition", true)]
#[case::other_type("Patient", "Observation", false)]
fn r2_types(#[case] entry: &str, #[case] kind: &str, #[case] granted: bool) {
    let policy = alice(json!([{"resourceType": entry}]));
    assert_eq!(policy.policy.grants_type(kind, Interaction::Read), granted);
}

#[test]
fn r2_wildcard_criteria_work_on_every_path() {
    let policy = alice(json!([{"resourceType": "*", "criteria": "*?_compartment=Patient/homer"}]));
    let inside = thread(json!({"subject": {"reference": "Patient/homer"}}));
    let outside = thread(json!({"subject": {"reference": "Patient/bart"}}));
    for interaction in [
        Interaction::Read,
        Interaction::Search,
        Interaction::Create,
        Interaction::Update,
    ] {
        assert_eq!(
            request(interaction, &inside, &inside, &policy),
            Verdict::Allowed
        );
        assert!(request(interaction, &outside, &outside, &policy) != Verdict::Allowed);
    }
    let without_parameter = alice(json!([{"resourceType": "*", "criteria": "*?sender=%profile"}]));
    assert!(
        !without_parameter
            .policy
            .grants_type("Observation", Interaction::Read)
    );
    assert!(
        without_parameter
            .policy
            .grants_type("Communication", Interaction::Read)
    );
}

#[rstest]
#[case::hidden_before("Practitioner/house", ALICE, Verdict::Hidden)]
#[case::leaves_by_the_write(ALICE, "Practitioner/house", Verdict::Forbidden)]
#[case::stays(ALICE, ALICE, Verdict::Allowed)]
fn r3_writes_are_checked_on_both_sides(
    #[case] before: &str,
    #[case] after: &str,
    #[case] expected: Verdict,
) {
    let policy = alice(participant());
    for interaction in [Interaction::Update, Interaction::Patch] {
        assert_eq!(
            request(interaction, &to(&[before]), &to(&[after]), &policy),
            expected
        );
    }
}

#[rstest]
#[case::old_version_outside("Practitioner/house", Verdict::Hidden)]
#[case::old_version_inside(ALICE, Verdict::Allowed)]
fn r3_old_versions_must_match_too(#[case] version: &str, #[case] expected: Verdict) {
    let policy = alice(participant());
    for interaction in [Interaction::Vread, Interaction::History] {
        assert_eq!(
            request(interaction, &to(&[ALICE]), &to(&[version]), &policy),
            expected
        );
    }
}

#[test]
fn r4_type_gate_comes_before_the_resource() {
    let policy = alice(
        json!([{"resourceType": "Communication", "readonly": true, "criteria": "Communication?recipient=%profile"}]),
    );
    let other = to(&["Practitioner/house"]);
    assert_eq!(
        request(Interaction::Delete, &other, &other, &policy),
        Verdict::Forbidden
    );
    let patient = json!({"resourceType": "Patient", "id": "p"});
    assert_eq!(
        request(Interaction::Read, &patient, &patient, &policy),
        Verdict::Forbidden
    );
}

#[rstest]
#[case::unknown_parameter("Communication?recipent=%profile")]
#[case::no_filter("Communication?")]
#[case::unresolved_under_not("Communication?sender:not=%nobody")]
#[case::wrong_type("Task?owner=%profile")]
#[case::trailing_ampersand("Communication?recipient=%profile&")]
#[case::one_good_one_bad("Communication?recipient=%profile&foo=bar")]
fn r5_broken_criteria_grant_nothing(#[case] criteria: &str) {
    let assembled = alice(json!([{"resourceType": "Communication", "criteria": criteria}]));
    assert!(assembled.diagnostics.iter().any(|d| d.is_error()));
    let resource = to(&[ALICE]);
    assert_eq!(
        request(Interaction::Read, &resource, &resource, &assembled),
        Verdict::Forbidden
    );
    assert_eq!(
        request(Interaction::Create, &resource, &resource, &assembled),
        Verdict::Forbidden
    );
}

#[test]
fn r5_a_broken_entry_does_not_touch_the_others() {
    let mut entries = participant();
    entries
        .as_array_mut()
        .unwrap()
        .push(json!({"resourceType": "Communication", "criteria": "Communication?foo=bar"}));
    let policy = alice(entries);
    assert_eq!(
        request(Interaction::Read, &to(&[ALICE]), &to(&[ALICE]), &policy),
        Verdict::Allowed
    );
    assert_eq!(
        request(
            Interaction::Read,
            &to(&["Patient/x"]),
            &to(&["Patient/x"]),
            &policy
        ),
        Verdict::Hidden
    );
}

#[rstest]
#[case::not_absent("Communication?sender:not=Practitioner/alice", json!({}), true)]
#[case::not_other("Communication?sender:not=Practitioner/alice", json!({"sender": {"reference": "Practitioner/house"}}), true)]
#[case::not_same("Communication?sender:not=Practitioner/alice", json!({"sender": {"reference": ALICE}}), false)]
#[case::not_one_of_many("Communication?recipient:not=Practitioner/alice", json!({"recipient": [{"reference": ALICE}, {"reference": "Patient/x"}]}), false)]
#[case::not_list("Communication?status:not=completed,in-progress", json!({}), false)]
#[case::missing("Communication?part-of:missing=true", json!({}), true)]
#[case::display_is_not_missing("Communication?part-of:missing=true", json!({"partOf": [{"display": "x"}]}), false)]
#[case::there("Communication?part-of:missing=false", json!({"partOf": [{"reference": "Communication/x"}]}), true)]
#[case::and("Communication?status=in-progress&sender=%profile", json!({}), false)]
#[case::or("Communication?status=completed,in-progress", json!({}), true)]
fn r6_sets_of_values(#[case] criteria: &str, #[case] extra: Value, #[case] expected: bool) {
    let policy = alice(json!([{"resourceType": "Communication", "criteria": criteria}]));
    let resource = thread(extra);
    assert_eq!(
        request(Interaction::Read, &resource, &resource, &policy) == Verdict::Allowed,
        expected
    );
}

fn parameters(criteria: &str, given: &[(&str, ParameterValue)]) -> Assembled {
    let membership = Membership {
        access: vec![Access {
            policy: "AccessPolicy/p".to_owned(),
            parameters: given
                .iter()
                .map(|(name, value)| Parameter {
                    name: (*name).to_owned(),
                    value: value.clone(),
                })
                .collect(),
        }],
        ..Membership::of(ALICE, &[])
    };
    with(
        &json!([{"resourceType": "Communication", "criteria": criteria}]),
        &membership,
    )
}

fn text(value: &str) -> ParameterValue {
    ParameterValue::String(value.to_owned())
}

fn reference(value: &str) -> ParameterValue {
    ParameterValue::Reference(value.to_owned())
}

#[rstest]
#[case::own_parameter("Communication?recipient=%who", &[("who", reference("Patient/x"))], "Patient/x", true)]
#[case::id_of_a_reference("Communication?recipient=Patient/%who.id", &[("who", reference("Patient/x"))], "Patient/x", true)]
#[case::longest_name("Communication?recipient=%who_else", &[("who", reference("Patient/x")), ("who_else", reference("Patient/y"))], "Patient/y", true)]
#[case::longest_name_not_the_short_one("Communication?recipient=%who_else", &[("who", reference("Patient/x")), ("who_else", reference("Patient/y"))], "Patient/x", false)]
#[case::patient_is_the_profile("Communication?recipient=%patient", &[], ALICE, true)]
#[case::own_patient("Communication?recipient=%patient", &[("patient", reference("Patient/x"))], "Patient/x", true)]
#[case::own_patient_replaces_the_profile("Communication?recipient=%patient", &[("patient", reference("Patient/x"))], ALICE, false)]
#[case::a_value_adds_no_filter("Communication?recipient:not=%who", &[("who", text("Patient/x&sender=Patient/y"))], "Patient/z", false)]
#[case::a_value_adds_no_alternative("Communication?recipient=%who", &[("who", text("Patient/x,Patient/z"))], "Patient/z", false)]
#[case::a_name_that_looks_like_an_escape("Communication?recipient=%dept", &[("dept", reference("Organization/d"))], "Organization/d", true)]
#[case::given_twice("Communication?recipient=%who", &[("who", reference("Patient/x")), ("who", reference("Patient/y"))], "Patient/y", false)]
fn r7_variables_are_values(
    #[case] criteria: &str,
    #[case] given: &[(&str, ParameterValue)],
    #[case] recipient: &str,
    #[case] expected: bool,
) {
    let policy = parameters(criteria, given);
    let resource = to(&[recipient]);
    assert_eq!(
        request(Interaction::Read, &resource, &resource, &policy) == Verdict::Allowed,
        expected
    );
}

#[test]
fn r7_a_quote_in_a_value_injects_nothing() {
    let policy = parameters(
        "Communication?recipient=%who",
        &[("who", text("a\"},{\"resourceType\":\"*"))],
    );
    assert!(!policy.policy.grants_type("Patient", Interaction::Read));
}

#[test]
fn r8_no_policy_is_full_access_and_says_so() {
    let assembled = with(&json!([]), &Membership::of(ALICE, &[]));
    assert!(assembled.policy.grants_type("Patient", Interaction::Delete));
    assert!(!assembled.policy.grants_type("Login", Interaction::Read));
    assert_eq!(assembled.diagnostics[0].code, "membership/full-access");
}

#[test]
fn r8_a_missing_policy_grants_nothing() {
    let assembled = with(
        &participant(),
        &Membership::of(ALICE, &["AccessPolicy/p", "AccessPolicy/gone"]),
    );
    assert!(
        !assembled
            .policy
            .grants_type("Communication", Interaction::Read)
    );
    assert_eq!(
        assembled.diagnostics.last().unwrap().code,
        "membership/no-such-policy"
    );
}

#[test]
fn r8_an_admin_sees_the_own_project_only() {
    let membership = Membership {
        admin: true,
        project: Some("Project/one".to_owned()),
        ..Membership::of(ALICE, &["AccessPolicy/p"])
    };
    let policy = with(&json!([]), &membership);
    let own = json!({"resourceType": "Project", "id": "one"});
    let other = json!({"resourceType": "Project", "id": "two"});
    assert_eq!(
        request(Interaction::Read, &own, &own, &policy),
        Verdict::Allowed
    );
    assert_eq!(
        request(Interaction::Read, &other, &other, &policy),
        Verdict::Hidden
    );
}

#[test]
fn r9_field_rules_come_from_the_first_entry_that_allows() {
    let resource = to(&[ALICE]);
    let hides = json!({"resourceType": "Communication", "hiddenFields": ["recipient"]});
    let free = json!({"resourceType": "Communication"});
    let hidden_first = alice(json!([hides, free]))
        .policy
        .mask(Interaction::Read, &resource);
    assert!(hidden_first.get("recipient").is_none());
    let free_first = alice(json!([free, hides]))
        .policy
        .mask(Interaction::Read, &resource);
    assert!(free_first.get("recipient").is_some());
}

#[test]
fn r9_hidden_fields_are_no_oracle() {
    let policy = alice(json!([{"resourceType": "Patient", "hiddenFields": ["birthDate"]}])).policy;
    assert!(!policy.may_filter_by("Patient", "birthdate"));
    assert!(policy.may_filter_by("Patient", "gender"));
}

#[test]
fn r9_a_create_drops_and_an_update_keeps() {
    let policy = alice(json!([{"resourceType": "Patient", "readonlyFields": ["active"], "hiddenFields": ["gender"]}])).policy;
    let input =
        json!({"resourceType": "Patient", "active": true, "gender": "male", "birthDate": "1990"});
    let created = policy.merge_write(None, input.clone());
    assert_eq!(
        created,
        json!({"resourceType": "Patient", "birthDate": "1990"})
    );
    let stored = json!({"resourceType": "Patient", "active": false, "gender": "female"});
    let updated = policy.merge_write(Some(&stored), input);
    assert_eq!(
        updated,
        json!({"resourceType": "Patient", "birthDate": "1990", "active": false, "gender": "female"})
    );
}

#[test]
fn r9_what_is_hidden_from_reading_survives_a_write_through_another_entry() {
    let policy = alice(json!([
        {"resourceType": "Patient", "interaction": ["read"], "hiddenFields": ["gender"]},
        {"resourceType": "Patient", "interaction": ["read", "update"]},
    ]))
    .policy;
    let stored = json!({"resourceType": "Patient", "gender": "female", "active": true});
    let input = json!({"resourceType": "Patient", "active": false});
    assert_eq!(
        policy.merge_write(Some(&stored), input),
        json!({"resourceType": "Patient", "active": false, "gender": "female"})
    );
}

#[test]
fn r9_a_create_loses_the_fields_of_each_entry_that_comes_to_allow_it() {
    let policy = alice(json!([
        {"resourceType": "Patient", "criteria": "Patient?gender=female", "readonlyFields": ["gender"]},
        {"resourceType": "Patient", "readonlyFields": ["active"]},
    ]))
    .policy;
    let input = json!({"resourceType": "Patient", "gender": "female", "active": true});
    assert_eq!(
        policy.merge_write(None, input),
        json!({"resourceType": "Patient"})
    );
}

fn constrained(expression: &str) -> Assembled {
    alice(json!([{
        "resourceType": "Communication",
        "writeConstraint": [{"language": "text/fhirpath", "expression": expression}],
    }]))
}

#[rstest]
#[case::no_fhirpath("status = ")]
#[case::unknown_variable("%nobody.exists()")]
#[case::nothing("payload.contentString.first()")]
#[case::false_("status = 'completed'")]
#[case::before_is_absent_on_create("%before.status != 'completed'")]
fn r10_what_is_not_exactly_true_denies_writes_only(#[case] expression: &str) {
    let policy = constrained(expression);
    let resource = to(&[ALICE]);
    let told = policy.policy.explain(&Request::Create(&resource));
    assert_eq!(told.verdict, Verdict::Forbidden);
    if policy
        .policy
        .grants_type("Communication", Interaction::Read)
    {
        assert_eq!(
            request(Interaction::Read, &resource, &resource, &policy),
            Verdict::Allowed
        );
        assert!(told.reason.contains(expression), "{}", told.reason);
    }
}

#[cfg(not(feature = "fhirpath"))]
#[test]
fn r10_what_this_build_cannot_evaluate_denies_and_says_so() {
    let policy = constrained("status != 'completed'");
    let resource = to(&[ALICE]);
    let told = policy.policy.explain(&Request::Create(&resource));
    assert_eq!(told.verdict, Verdict::Forbidden);
    assert!(
        told.reason.contains("feature `fhirpath`"),
        "{}",
        told.reason
    );
}

#[cfg(feature = "fhirpath")]
#[rstest]
#[case::after("status = 'in-progress'", true, true)]
#[case::implies("%before.exists() implies %before.status = %after.status", true, true)]
#[case::before("%before.status = 'in-progress'", false, true)]
#[case::other("%after.status = 'completed'", false, false)]
fn r10_all_constraints_must_be_true(
    #[case] expression: &str,
    #[case] create: bool,
    #[case] update: bool,
) {
    let policy = constrained(expression);
    let resource = to(&[ALICE]);
    let allowed = |i| request(i, &resource, &resource, &policy) == Verdict::Allowed;
    assert_eq!(allowed(Interaction::Create), create);
    assert_eq!(allowed(Interaction::Update), update);
    assert_eq!(allowed(Interaction::Patch), update);
    assert!(allowed(Interaction::Delete));
}

#[test]
fn r11_binary_is_decided_by_type_and_interaction() {
    let policy = alice(json!([{"resourceType": "Binary", "readonly": true}]));
    let binary = json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain"});
    assert_eq!(
        request(Interaction::Read, &binary, &binary, &policy),
        Verdict::Allowed
    );
    assert_eq!(
        request(Interaction::Update, &binary, &binary, &policy),
        Verdict::Forbidden
    );
}

#[test]
fn r6_an_absolute_reference_on_this_server_counts_for_compartments() {
    let policy = alice(json!([
        {"resourceType": "Communication", "criteria": "Communication?_compartment:not=Patient/h"},
    ]));
    let subject = |reference: &str| thread(json!({"subject": {"reference": reference}}));
    for reference in ["Patient/h", "https://h/fhir/R4/Patient/h"] {
        let resource = subject(reference);
        let verdict = request(Interaction::Read, &resource, &resource, &policy);
        assert_eq!(verdict, Verdict::Hidden, "{reference}");
    }
}

#[rstest]
#[case::several("Organization/a,Patient/a")]
#[case::another_filter("Patient/a&_id:not=zz")]
#[case::no_type("a")]
fn an_entry_compartment_is_one_reference(#[case] compartment: &str) {
    let policy = alice(json!([
        {"resourceType": "Patient", "compartment": {"reference": compartment}},
    ]));
    assert!(!policy.policy.grants_type("Patient", Interaction::Read));
}

#[rstest]
#[case::typed("Binary", "Binary?_id:not=zz")]
#[case::wildcard("*", "*?_tag:not=internal")]
fn r11_no_criteria_grants_a_binary(#[case] kind: &str, #[case] criteria: &str) {
    let policy = alice(json!([{"resourceType": kind, "criteria": criteria}]));
    assert!(!policy.policy.grants_type("Binary", Interaction::Read));
}

#[test]
fn r7_a_prefix_in_a_value_is_no_prefix() {
    let membership = Membership {
        access: vec![Access {
            policy: "AccessPolicy/p".to_owned(),
            parameters: vec![Parameter {
                name: "d".to_owned(),
                value: text("ne1800"),
            }],
        }],
        ..Membership::of(ALICE, &[])
    };
    let entries = json!([{"resourceType": "Patient", "criteria": "Patient?birthdate=%d"}]);
    let policy = with(&entries, &membership);
    assert!(!policy.policy.grants_type("Patient", Interaction::Read));
}

#[rstest]
#[case::subject("Communication", "subject")]
#[case::recipient("Communication", "recipient")]
#[case::accounts("Patient", "meta.accounts")]
fn r9_a_hidden_field_is_not_told_by_the_compartment(#[case] kind: &str, #[case] field: &str) {
    let policy = alice(json!([{"resourceType": kind, "hiddenFields": [field]}])).policy;
    assert!(!policy.may_filter_by(kind, "_compartment"));
}

#[test]
fn r9_a_wildcard_hides_no_required_element() {
    let policy = alice(json!([{"resourceType": "*", "hiddenFields": ["status"]}]));
    assert!(policy.policy.entries()[0].broken().is_some());
}

#[test]
fn r3_an_update_stays_the_same_resource() {
    let policy = alice(json!([{"resourceType": "*"}]));
    let before = json!({"resourceType": "Patient", "id": "a"});
    let after = json!({"resourceType": "Observation", "id": "a"});
    assert_eq!(
        request(Interaction::Update, &before, &after, &policy),
        Verdict::Forbidden
    );
}

#[test]
fn r8_too_many_entries_grant_nothing() {
    let entries: Vec<Value> = vec![json!({"resourceType": "Patient"}); 6_000];
    let twice = ["AccessPolicy/p", "AccessPolicy/p"];
    let assembled = with(&json!(entries), &Membership::of(ALICE, &twice));
    assert!(!assembled.policy.grants_type("Patient", Interaction::Read));
    assert_eq!(assembled.diagnostics[0].code, "membership/too-many-entries");
}

/// Each entry on `*` is compiled for every type: 10,000 of them would take gigabytes.
#[rstest]
#[case::as_many_as_may_be(200, "Patient/a", 1, true)]
#[case::one_more(201, "Patient/a", 1, false)]
#[case::together(101, "Patient/a", 2, false)]
#[case::long_ones(9, &"Patient/a,".repeat(200), 1, false)]
fn r8_too_many_wildcards_grant_nothing(
    #[case] count: usize,
    #[case] values: &str,
    #[case] times: usize,
    #[case] grants: bool,
) {
    let criteria = format!("*?_compartment={}", values.trim_end_matches(','));
    let entries = vec![json!({"resourceType": "*", "criteria": criteria}); count];
    let policies = vec!["AccessPolicy/p"; times];
    let assembled = with(&json!(entries), &Membership::of(ALICE, &policies));
    assert_eq!(
        assembled.policy.grants_type("Patient", Interaction::Read),
        grants
    );
    let codes: Vec<&str> = assembled.diagnostics.iter().map(|one| one.code).collect();
    assert_eq!(
        codes.contains(&"membership/too-many-wildcards"),
        !grants,
        "{codes:?}"
    );
}

/// Readers disagree on which of two keys counts: what holds one grants nothing.
#[rstest]
#[case::interaction(r#"{"resource": [{"resourceType": "Task", "interaction": ["read"], "interaction": ["read", "delete"]}, {"resourceType": "Patient"}]}"#, false, true)]
#[case::hidden_fields(r#"{"resource": [{"resourceType": "Task", "hiddenFields": ["note"], "hiddenFields": ["owner"]}, {"resourceType": "Patient"}]}"#, false, true)]
#[case::criteria(r#"{"resource": [{"resourceType": "Task", "criteria": "Task?status=x", "criteria": "Task?_id=a"}, {"resourceType": "Patient"}]}"#, false, true)]
#[case::deep(r#"{"resource": [{"resourceType": "Task", "writeConstraint": [{"language": "text/fhirpath", "expression": "false", "expression": "true"}]}, {"resourceType": "Patient"}]}"#, false, true)]
#[case::around_the_entries(
    r#"{"resource": [{"resourceType": "Task"}], "resource": [{"resourceType": "Patient"}]}"#,
    false,
    false
)]
#[case::beside_the_entries(r#"{"name": "a", "name": "b", "resource": [{"resourceType": "Task"}, {"resourceType": "Patient"}]}"#, false, false)]
#[case::in_an_address_rule(r#"{"ipAccessRule": [{"value": "*", "action": "block", "action": "allow"}], "resource": [{"resourceType": "Task"}, {"resourceType": "Patient"}]}"#, true, true)]
#[case::nowhere(
    r#"{"resource": [{"resourceType": "Task"}, {"resourceType": "Patient"}]}"#,
    true,
    true
)]
fn a_key_that_stands_twice_grants_nothing(
    #[case] policy: &str,
    #[case] tasks: bool,
    #[case] patients: bool,
) {
    let text = format!(
        r#"[{{"resourceType": "AccessPolicy", "id": "other"}}, {{"resourceType": "AccessPolicy", "id": "p", {}]"#,
        policy.trim_start_matches('{')
    );
    let source = Source::new("p.json", text);
    let document = Document::parse(&source).unwrap();
    let (documents, _, findings) = PolicyDocument::from_json(&document);
    assert_eq!(
        findings
            .iter()
            .any(|finding| finding.code == "json/repeated-key"),
        !(tasks && patients) || policy.contains("ipAccessRule"),
        "{findings:#?}"
    );
    let documents: Vec<_> = documents.into_iter().map(Arc::new).collect();
    let member = Membership::of(ALICE, &["AccessPolicy/p"]);
    let assembled = assemble(&member, &|_| documents.get(1).cloned(), &Options::default());
    let reads = |kind: &str| {
        let resource = json!({"resourceType": kind, "id": "a"});
        assembled
            .policy
            .decide(&Request::Read(&resource))
            .is_allowed()
    };
    assert_eq!((reads("Task"), reads("Patient")), (tasks, patients));
    if policy.contains("ipAccessRule") {
        assert!(!assembled.policy.admits(Some("10.0.0.1")).admitted);
    }
}

#[test]
fn a_membership_with_a_key_that_stands_twice_is_nobodys() {
    let text = r#"{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/a"},
        "accessPolicy": {"reference": "AccessPolicy/a"}, "accessPolicy": {"reference": "AccessPolicy/b"}}"#;
    let document = Document::parse(&Source::new("m.json", text)).unwrap();
    let (_, memberships, findings) = PolicyDocument::from_json(&document);
    assert_eq!((memberships.len(), findings.len()), (0, 1), "{findings:#?}");
}

/// R.6: `_compartment` takes a bare id too, and then any compartment with that id will do, whatever
/// its type (case 32).
#[rstest]
#[case::account("o", json!({"meta": {"account": {"reference": "Organization/o"}}}), true)]
#[case::patient("o", json!({"id": "o"}), true)]
#[case::another_id("o", json!({"meta": {"account": {"reference": "Organization/p"}}}), false)]
#[case::longer_id("o", json!({"meta": {"account": {"reference": "Organization/oo"}}}), false)]
#[case::whole_reference("Organization/o", json!({"id": "o"}), false)]
fn r6_a_compartment_by_its_id(#[case] wanted: &str, #[case] patient: Value, #[case] allowed: bool) {
    let mut patient = patient;
    patient["resourceType"] = json!("Patient");
    let entries = json!([
        {"resourceType": "Patient", "criteria": format!("Patient?_compartment={wanted}")},
    ]);
    let decision = alice(entries).policy.decide(&Request::Read(&patient));
    assert_eq!(decision.is_allowed(), allowed);
}

#[rstest]
#[case::resource(r#"{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}, "resource": @}]}"#)]
#[case::entries(r#"{"resourceType": "Bundle", "entry": [], "entry": [{"resource": @}]}"#)]
fn a_key_that_stands_twice_around_policies_grants_nothing(#[case] bundle: &str) {
    let policy =
        r#"{"resourceType": "AccessPolicy", "id": "p", "resource": [{"resourceType": "Task"}]}"#;
    let member = r#"{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/a"}}"#;
    let read = |resource: &str| {
        let text = bundle.replace('@', resource);
        let document = Document::parse(&Source::new("b.json", text)).unwrap();
        PolicyDocument::from_json(&document)
    };
    let (policies, _, findings) = read(policy);
    assert!(policies[0].entries()[0].broken.is_some(), "{findings:#?}");
    assert!(read(member).1.is_empty());
}
