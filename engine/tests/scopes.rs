//! SMART scopes on a policy: policy-semantics 2.4 without its fail-open cases.

use std::sync::Arc;

use fhirward_engine::policy::{
    Interaction, Meaning, Membership, Options, Policy, PolicyDocument, Request, Scopes, Verdict,
    assemble,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

fn policy(entries: &Value, admin: bool) -> Policy {
    let (document, _) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "name": "policy", "resource": entries}),
    );
    let document = Arc::new(document);
    let member = Membership {
        admin,
        project: Some("Project/one".to_owned()),
        ..Membership::of("Practitioner/a", &["AccessPolicy/p"])
    };
    assemble(&member, &|_| Some(document.clone()), &Options::default()).policy
}

fn within(policy: Policy, scopes: &str, patient: Option<&str>) -> Policy {
    let (scopes, _) = Scopes::parse(scopes);
    policy.within(&scopes, patient, &Options::default()).policy
}

fn everything() -> Policy {
    policy(&json!([{"resourceType": "*"}]), false)
}

/// The interactions that are left on a type, as letters of a scope; `v` and `h` for vread and
/// history.
fn left(policy: &Policy, kind: &str) -> String {
    let letters = [
        ('c', Interaction::Create),
        ('r', Interaction::Read),
        ('v', Interaction::Vread),
        ('h', Interaction::History),
        ('u', Interaction::Update),
        ('d', Interaction::Delete),
        ('s', Interaction::Search),
    ];
    letters
        .into_iter()
        .filter(|(_, interaction)| policy.grants_type(kind, *interaction))
        .map(|(letter, _)| letter)
        .collect()
}

#[rstest]
#[case::v1_read("user/Patient.read", "rvhs")]
#[case::v1_write("user/Patient.write", "cud")]
#[case::v1_all("user/Patient.*", "crvhuds")]
#[case::v2_all("user/Patient.cruds", "crvhuds")]
#[case::v2_read_only_one("user/Patient.r", "rvh")]
#[case::v2_search_only("user/Patient.s", "s")]
#[case::create_alone("user/Patient.c", "c")]
#[case::system("system/Patient.rs", "rvhs")]
#[case::every_type("user/*.rs", "rvhs")]
#[case::two_of_one_type_add_up("user/Patient.r user/Patient.u", "rvhu")]
#[case::exact_and_wildcard_add_up("user/Patient.r user/*.s", "rvhs")]
#[case::other_type("user/Observation.cruds", "")]
#[case::wrong_order("user/Patient.sr", "")]
#[case::repeated("user/Patient.rr", "")]
#[case::unknown_letter("user/Patient.zz", "")]
#[case::no_letters("user/Patient.", "")]
#[case::no_dot("user/Patient", "")]
#[case::unknown_type("user/Pateint.r", "")]
#[case::unknown_context("users/Patient.r", "")]
#[case::unknown_word("everything", "")]
#[case::upper_case("user/Patient.RS", "")]
#[case::beside_a_broken_one("user/Patient.zz user/Patient.r", "rvh")]
#[case::empty_criteria("user/Patient.r?", "")]
#[case::broken_criteria("user/Patient.r?nonsense=1", "")]
#[case::variable_in_criteria("user/Patient.r?general-practitioner=%profile", "")]
#[case::patient_without_launch("patient/Patient.rs", "")]
#[case::sign_in_only("openid fhirUser launch/patient launch offline_access", "crvhuds")]
#[case::none("", "crvhuds")]
#[case::spaces("   ", "crvhuds")]
fn s2_4_scopes_only_take_away(#[case] scopes: &str, #[case] expected: &str) {
    assert_eq!(
        left(&within(everything(), scopes, None), "Patient"),
        expected
    );
}

/// The fail-open cases that are measured on Medplum 5.0.10.
#[rstest]
#[case::entry_with_interactions(json!([{"resourceType": "Patient", "interaction": ["read", "search", "create", "update", "delete"]}]), "user/Patient.rs", "rs")]
#[case::create_scope(json!([{"resourceType": "Patient"}]), "user/Patient.c", "c")]
#[case::readonly_entry(json!([{"resourceType": "Patient", "readonly": true}]), "user/Patient.cruds", "rvhs")]
#[case::exact_scope_and_wildcard_entry(json!([{"resourceType": "*"}]), "user/Patient.r user/Observation.cruds", "rvh")]
fn s2_4_entry_and_scope_intersect(
    #[case] entries: Value,
    #[case] scopes: &str,
    #[case] expected: &str,
) {
    assert_eq!(
        left(&within(policy(&entries, false), scopes, None), "Patient"),
        expected
    );
}

#[rstest]
#[case::typed_entry_and_wildcard_criteria("user/*.rs?status=final", "final", Verdict::Allowed)]
#[case::criteria_do_not_fit("user/*.rs?status=final", "preliminary", Verdict::Hidden)]
#[case::own_criteria(
    "user/Observation.rs?status=final,amended",
    "amended",
    Verdict::Allowed
)]
#[case::several_add_up(
    "user/Observation.r?status=final user/Observation.r?status=amended",
    "amended",
    Verdict::Allowed
)]
fn s2_4_criteria_of_scopes(#[case] scopes: &str, #[case] status: &str, #[case] expected: Verdict) {
    let policy = within(
        policy(&json!([{"resourceType": "Observation"}]), false),
        scopes,
        None,
    );
    let resource = json!({"resourceType": "Observation", "id": "o", "status": status});
    assert_eq!(policy.decide(&Request::Read(&resource)).verdict, expected);
}

#[test]
fn s2_4_a_type_without_the_parameter_is_not_covered() {
    let policy = within(everything(), "user/*.rs?status=final", None);
    assert_eq!(left(&policy, "Patient"), "");
}

#[rstest]
#[case::own("Patient/homer", Some("Patient/homer"), Verdict::Allowed)]
#[case::other("Patient/bart", Some("Patient/homer"), Verdict::Hidden)]
#[case::unknown("Patient/homer", None, Verdict::Forbidden)]
#[case::no_patient("Patient/homer", Some("Practitioner/homer"), Verdict::Forbidden)]
#[case::nonsense("Patient/homer", Some("homer&_id:not=x"), Verdict::Forbidden)]
fn s2_4_patient_scopes_are_for_one_compartment(
    #[case] subject: &str,
    #[case] patient: Option<&str>,
    #[case] expected: Verdict,
) {
    let policy = within(everything(), "launch/patient patient/*.rs", patient);
    let resource =
        json!({"resourceType": "Observation", "id": "o", "subject": {"reference": subject}});
    for request in [Request::Read(&resource), Request::Search(&resource)] {
        assert_eq!(policy.decide(&request).verdict, expected);
    }
    let practitioner = json!({"resourceType": "Practitioner", "id": "p"});
    assert!(!policy.decide(&Request::Read(&practitioner)).is_allowed());
}

#[test]
fn s2_4_writes_are_covered_on_both_sides() {
    let policy = within(
        everything(),
        "patient/Observation.cruds",
        Some("Patient/homer"),
    );
    let of = |subject: &str| json!({"resourceType": "Observation", "id": "o", "subject": {"reference": subject}});
    let (inside, outside) = (of("Patient/homer"), of("Patient/bart"));
    let update = |existing, result| policy.decide(&Request::Update { existing, result }).verdict;
    assert_eq!(update(&inside, &inside), Verdict::Allowed);
    assert_eq!(update(&inside, &outside), Verdict::Forbidden);
    assert_eq!(update(&outside, &inside), Verdict::Hidden);
    assert_eq!(
        policy.decide(&Request::Create(&outside)).verdict,
        Verdict::Forbidden
    );
}

#[rstest]
#[case::limited("user/Patient.rs", "AccessPolicy", "")]
#[case::named("user/AccessPolicy.rs", "AccessPolicy", "rvhs")]
#[case::all("user/*.rs", "Project", "rvhs")]
#[case::defaults_too("user/Patient.rs", "StructureDefinition", "")]
fn s2_4_scopes_limit_admin_rules_and_defaults(
    #[case] scopes: &str,
    #[case] kind: &str,
    #[case] expected: &str,
) {
    let admin = policy(&json!([{"resourceType": "Patient"}]), true);
    assert_eq!(left(&within(admin, scopes, None), kind), expected);
}

#[test]
fn s2_4_a_wildcard_scope_gives_no_admin_type() {
    assert_eq!(
        left(&within(everything(), "user/*.cruds", None), "User"),
        ""
    );
}

#[test]
fn s2_4_full_access_can_be_limited() {
    let root = within(Policy::full_access(), "system/Login.rs", None);
    assert!(!root.is_full_access());
    assert_eq!(left(&root, "Login"), "rvhs");
    assert_eq!(left(&root, "Patient"), "");
}

#[test]
fn s2_4_scopes_on_scopes_only_take_away() {
    let policy = within(
        within(everything(), "user/Patient.r", None),
        "user/*.cruds",
        None,
    );
    assert_eq!(left(&policy, "Patient"), "rvh");
}

#[test]
fn r9_field_rules_are_the_same_with_scopes() {
    let policy = within(
        policy(
            &json!([
                {"resourceType": "Patient", "criteria": "Patient?active=true", "hiddenFields": ["name"]},
                {"resourceType": "Patient"},
            ]),
            false,
        ),
        "user/Patient.s user/Patient.r",
        None,
    );
    let resource = json!({"resourceType": "Patient", "active": true, "name": [{"family": "S"}]});
    assert_eq!(
        policy.mask(Interaction::Read, &resource),
        json!({"resourceType": "Patient", "active": true})
    );
}

#[rstest]
#[case::letters("openid user/Patient.sr", "`sr` is no set of interactions", "sr")]
#[case::type_name("user/Pateint.rs", "`Pateint` is no resource type", "Pateint")]
#[case::context("patients/Patient.rs", "`patients/` begins no scope", "patients")]
#[case::word("openid foo", "`foo` is no scope", "foo")]
#[case::no_interactions(
    "user/Patient",
    "`user/Patient` does not say what may be done",
    "user/Patient"
)]
#[case::criteria(
    "openid user/Patient.rs?gendr=male",
    "`gendr` is not a search parameter of Patient",
    "gendr"
)]
#[case::value(
    "user/Observation.rs?status=final&date=soon",
    "`soon` is no date",
    "soon"
)]
fn s2_4_what_is_not_understood_is_an_error_at_its_place(
    #[case] text: &str,
    #[case] message: &str,
    #[case] place: &str,
) {
    let (scopes, findings) = Scopes::parse(text);
    assert!(scopes.limit());
    assert!(findings[0].is_error());
    assert_eq!(findings[0].message, message);
    let source = findings[0].source.as_ref().unwrap();
    assert_eq!(source.slice(findings[0].labels[0].span), place);
    let last = scopes.all().last().unwrap();
    assert!(matches!(last.meaning, Meaning::Nothing(_)));
}

#[test]
fn s2_4_a_patient_scope_without_patient_is_an_error() {
    let (scopes, findings) = Scopes::parse("openid patient/*.rs");
    assert!(findings.is_empty());
    assert!(scopes.need_patient());
    let limited = everything().within(&scopes, None, &Options::default());
    assert_eq!(
        limited.diagnostics[0].message,
        "`patient/*.rs` covers nothing: the patient of the launch is not known"
    );
}

#[rstest]
#[case::count("a ".repeat(1_001))]
#[case::bytes("a".repeat(70_000))]
fn too_many_scopes_cover_nothing(#[case] text: String) {
    let (scopes, findings) = Scopes::parse(&text);
    assert_eq!(findings[0].code, "scope/too-many");
    let policy = everything()
        .within(&scopes, None, &Options::default())
        .policy;
    assert_eq!(left(&policy, "Patient"), "");
}

#[test]
fn explain_names_the_scopes() {
    let policy = within(everything(), "user/Patient.rs?active=true", None);
    let resource = json!({"resourceType": "Patient", "id": "p", "active": false});
    insta::assert_snapshot!("explain_scopes", policy.explain(&Request::Read(&resource)));
    let other = json!({"resourceType": "Task", "id": "t"});
    let told = policy.explain(&Request::Read(&other));
    assert_eq!(told.reason, "no scope of the token covers read on Task");
}

fn scope() -> impl Strategy<Value = String> {
    let context = prop_oneof![
        Just("user"),
        Just("patient"),
        Just("system"),
        Just("nobody")
    ];
    let kind = prop_oneof![Just("Communication"), Just("*"), Just("Patient")];
    let may = prop_oneof![
        Just("read"),
        Just("write"),
        Just("*"),
        Just("rs"),
        Just("cruds"),
        Just("u"),
        Just("sr"),
        Just("")
    ];
    let criteria = prop_oneof![Just(""), Just("?status=completed"), Just("?foo=1")];
    (context, kind, may, criteria)
        .prop_map(|(context, kind, may, criteria)| format!("{context}/{kind}.{may}{criteria}"))
}

proptest! {
    /// Whatever the scopes, they grant nothing that the policy does not; and one more never takes
    /// anything away from those that limit.
    #[test]
    fn scopes_never_grant(
        scopes in proptest::collection::vec(scope(), 1..4),
        readonly in any::<bool>(),
        completed in any::<bool>(),
        inside in any::<bool>(),
    ) {
        let entries = json!([{"resourceType": "Communication", "readonly": readonly}]);
        let status = if completed { "completed" } else { "in-progress" };
        let subject = if inside { "Patient/homer" } else { "Patient/bart" };
        let resource = json!({
            "resourceType": "Communication", "id": "x", "status": status,
            "subject": {"reference": subject},
        });
        let whole = policy(&entries, false);
        let all = within(whole.clone(), &scopes.join(" "), Some("Patient/homer"));
        let fewer = within(whole.clone(), &scopes[1..].join(" "), Some("Patient/homer"));
        for interaction in Interaction::ALL {
            let before = whole.first_entry(interaction, &resource).is_some();
            let after = all.first_entry(interaction, &resource).is_some();
            prop_assert!(before || !after);
            prop_assert_eq!(all.first_entry_by_walking(interaction, &resource).is_some(), after);
            if after {
                prop_assert!(all.grants_type("Communication", interaction));
            }
            if scopes.len() > 1 && fewer.first_entry(interaction, &resource).is_some() {
                prop_assert!(after);
            }
        }
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,60}") {
        let (scopes, findings) = Scopes::parse(&text);
        let broken = scopes.all().iter().filter(|s| matches!(s.meaning, Meaning::Nothing(_))).count();
        prop_assert!(broken == 0 || findings.iter().any(|f| f.is_error()));
    }
}
