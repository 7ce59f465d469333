//! From memberships and policies to one policy: R.2, R.7, R.8, R.10; policy-semantics 2.1 to 2.6.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set up its case fails"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_engine::policy::compiled::{ADMIN_TYPES, PROTECTED_TYPES};
use fhirward_engine::policy::{
    Assembled, Interaction, Membership, Options, Policy, PolicyDocument, Request, Verdict, assemble,
};
use rstest::rstest;
use serde_json::{Value, json};

const ALICE: &str = "Practitioner/alice";

/// `policies` by id; the membership as a resource.
fn assembled(policies: &Value, membership: &Value) -> Assembled {
    let all: BTreeMap<String, Arc<PolicyDocument>> = policies
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, policy)| {
            let mut policy = policy.clone();
            policy["resourceType"] = json!("AccessPolicy");
            policy["id"] = json!(id);
            let (document, _) = PolicyDocument::from_value(&policy);
            (format!("AccessPolicy/{id}"), Arc::new(document))
        })
        .collect();
    let mut resource = json!({
        "resourceType": "ProjectMembership",
        "project": {"reference": "Project/one"},
        "profile": {"reference": ALICE},
    });
    for (key, value) in membership.as_object().unwrap() {
        resource[key] = value.clone();
    }
    let membership = Membership::from_value(&resource).unwrap();
    assemble(
        &membership,
        &|name| all.get(name).cloned(),
        &Options::default(),
    )
}

fn codes(assembled: &Assembled) -> Vec<&str> {
    assembled.diagnostics.iter().map(|d| d.code).collect()
}

fn grants(policy: &Policy, kind: &str, interaction: Interaction) -> bool {
    policy.grants_type(kind, interaction)
}

#[test]
fn r8_access_policy_comes_first_and_each_access_has_its_own_parameters() {
    let policies = json!({
        "own": {"name": "Own", "resource": [{"resourceType": "Task", "criteria": "Task?owner=%profile"}]},
        "clinic": {"name": "Clinic", "resource": [
            {"resourceType": "Patient", "criteria": "Patient?organization=%clinic"},
        ]},
    });
    let clinic = |name: &str| {
        json!({
            "policy": {"reference": "AccessPolicy/clinic"},
            "parameter": [{"name": "clinic", "valueReference": {"reference": name}}],
        })
    };
    let assembled = assembled(
        &policies,
        &json!({
            "accessPolicy": {"reference": "AccessPolicy/own"},
            "access": [clinic("Organization/north"), clinic("Organization/south")],
        }),
    );
    assert!(
        assembled.diagnostics.is_empty(),
        "{:?}",
        assembled.diagnostics
    );
    let policy = &assembled.policy;
    let origins: Vec<String> = policy
        .entries()
        .iter()
        .map(|e| e.origin.to_string())
        .collect();
    assert_eq!(
        origins,
        [
            "Own #1",
            "Clinic #1 (access[0])",
            "Clinic #1 (access[1])",
            "default",
            "default"
        ]
    );
    for (clinic, verdict) in [
        ("Organization/north", Verdict::Allowed),
        ("Organization/south", Verdict::Allowed),
        ("Organization/west", Verdict::Hidden),
    ] {
        let patient =
            json!({"resourceType": "Patient", "managingOrganization": {"reference": clinic}});
        assert_eq!(
            policy.decide(&Request::Read(&patient)).verdict,
            verdict,
            "{clinic}"
        );
    }
    let places: Vec<&str> = policy.accesses().iter().map(|a| a.place.as_str()).collect();
    assert_eq!(places, ["accessPolicy", "access[0]", "access[1]"]);
}

#[test]
fn r8_an_empty_access_list_is_no_policy_at_all() {
    let assembled = assembled(&json!({}), &json!({"access": []}));
    assert_eq!(codes(&assembled), ["membership/full-access"]);
    assert!(grants(&assembled.policy, "Patient", Interaction::Delete));
}

#[rstest]
#[case::empty_list(json!({"resource": []}))]
#[case::no_list(json!({}))]
fn r8_a_policy_without_entries_leaves_the_defaults(#[case] policy: Value) {
    let assembled = assembled(
        &json!({"p": policy}),
        &json!({"accessPolicy": {"reference": "AccessPolicy/p"}}),
    );
    for kind in ["SearchParameter", "StructureDefinition"] {
        assert!(grants(&assembled.policy, kind, Interaction::Read));
        assert!(!grants(&assembled.policy, kind, Interaction::Create));
    }
    assert!(!grants(&assembled.policy, "Patient", Interaction::Read));
}

#[rstest]
#[case::own_entry_replaces(json!([{"resourceType": "StructureDefinition", "interaction": ["search"]}]), false)]
#[case::wildcard_does_not(json!([{"resourceType": "*", "interaction": ["search"]}]), true)]
fn r8_an_own_entry_replaces_a_default(#[case] entries: Value, #[case] readable: bool) {
    let assembled = assembled(
        &json!({"p": {"resource": entries}}),
        &json!({"accessPolicy": {"reference": "AccessPolicy/p"}}),
    );
    assert_eq!(
        grants(&assembled.policy, "StructureDefinition", Interaction::Read),
        readable
    );
}

/// R.2: since 5.2 AccessPolicy, Cron and the packages are admin types as well.
#[test]
fn r2_no_policy_grants_an_admin_or_protected_type() {
    for kind in ADMIN_TYPES.into_iter().chain(PROTECTED_TYPES) {
        let assembled = assembled(
            &json!({"p": {"resource": [{"resourceType": "*"}, {"resourceType": kind}]}}),
            &json!({"accessPolicy": {"reference": "AccessPolicy/p"}}),
        );
        for interaction in Interaction::ALL {
            assert!(
                !grants(&assembled.policy, kind, interaction),
                "{interaction} {kind}"
            );
        }
        assert_eq!(codes(&assembled), ["policy/admin-type"], "{kind}");
    }
}

#[rstest]
#[case::policies("AccessPolicy", "read search create update delete")]
#[case::cron("Cron", "read search create update delete")]
#[case::packages("Package", "read search")]
#[case::package_releases("PackageRelease", "read search")]
#[case::installed_packages("PackageInstallation", "read search")]
#[case::own_project_is_not_deleted("Project", "read search create update")]
#[case::members("ProjectMembership", "read search create update delete")]
#[case::users("User", "read search create update delete")]
#[case::security_requests("UserSecurityRequest", "read search")]
#[case::protected("Login", "")]
fn s2_5_what_an_administrator_may_do(#[case] kind: &str, #[case] expected: &str) {
    // What the policy itself says about these types does not count.
    let assembled = assembled(
        &json!({"p": {"resource": [{"resourceType": kind, "interaction": ["history"]}]}}),
        &json!({"admin": true, "accessPolicy": {"reference": "AccessPolicy/p"}}),
    );
    let kinds = [
        Interaction::Read,
        Interaction::Search,
        Interaction::Create,
        Interaction::Update,
        Interaction::Delete,
    ];
    let granted: Vec<&str> = kinds
        .into_iter()
        .filter(|i| grants(&assembled.policy, kind, *i))
        .map(Interaction::as_str)
        .collect();
    assert_eq!(granted.join(" "), expected);
}

#[test]
fn s2_5_an_administrator_sees_members_and_users_of_the_own_project() {
    let assembled = assembled(&json!({}), &json!({"admin": true}));
    let policy = assembled.policy;
    for (kind, project, verdict) in [
        ("ProjectMembership", "Project/one", Verdict::Allowed),
        ("ProjectMembership", "Project/two", Verdict::Hidden),
        ("User", "Project/one", Verdict::Allowed),
        ("User", "Project/two", Verdict::Hidden),
    ] {
        let resource = json!({"resourceType": kind, "id": "x", "project": {"reference": project}});
        assert_eq!(
            policy.decide(&Request::Read(&resource)).verdict,
            verdict,
            "{kind} {project}"
        );
    }
}

#[test]
fn s2_5_an_administrator_of_no_project_has_nothing_of_one() {
    let (document, _) = PolicyDocument::from_value(&json!({"resourceType": "AccessPolicy"}));
    let document = Arc::new(document);
    let membership = Membership {
        admin: true,
        ..Membership::of(ALICE, &["AccessPolicy/p"])
    };
    let assembled = assemble(
        &membership,
        &|_| Some(document.clone()),
        &Options::default(),
    );
    assert_eq!(codes(&assembled), ["membership/no-project"]);
    for kind in ["Project", "ProjectMembership", "User"] {
        assert!(!grants(&assembled.policy, kind, Interaction::Read));
    }
    assert!(grants(
        &assembled.policy,
        "AccessPolicy",
        Interaction::Update
    ));
}

const ORG: &str = "Organization/north";

/// A policy with a `compartment`, and the parameters of the membership.
fn with_account(compartment: Value, parameters: Value) -> Assembled {
    assembled(
        &json!({"p": {
            "compartment": compartment,
            "resource": [{"resourceType": "Patient", "criteria": "Patient?_compartment=%org"}],
        }}),
        &json!({"access": [{"policy": {"reference": "AccessPolicy/p"}, "parameter": parameters}]}),
    )
}

#[rstest]
#[case::written_out("Organization/north", Some(ORG))]
#[case::reference("%org", Some(ORG))]
#[case::id("Organization/%org.id", Some(ORG))]
#[case::profile("%profile", Some(ALICE))]
#[case::a_project_is_no_account("Project/one", None)]
#[case::no_value("%organization", None)]
#[case::no_reference("north", None)]
fn s2_6_the_account_of_what_is_created(#[case] text: &str, #[case] expected: Option<&str>) {
    let assembled = with_account(
        json!({"reference": text}),
        json!([{"name": "org", "valueReference": {"reference": ORG}}]),
    );
    assert_eq!(assembled.policy.account(), expected);
    let told = codes(&assembled).contains(&"policy/compartment");
    assert_eq!(told, expected.is_none(), "{:?}", assembled.diagnostics);
}

#[test]
fn s2_6_a_compartment_without_reference_is_an_error_of_the_policy() {
    let (document, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "compartment": {"display": "x"}, "resource": []}),
    );
    assert_eq!(document.compartment(), None);
    assert_eq!(findings[0].message, "`compartment` has no `reference`");
}

#[rstest]
#[case::one(&["Organization/a"], Some("Organization/a"), false)]
#[case::the_same_twice(&["Organization/a", "Organization/a"], Some("Organization/a"), false)]
#[case::two(&["Organization/a", "Organization/b"], None, true)]
#[case::one_that_cannot_be_told(&["Organization/a", "%nope"], None, false)]
fn s2_1_policies_that_disagree_set_no_account(
    #[case] compartments: &[&str],
    #[case] expected: Option<&str>,
    #[case] warned: bool,
) {
    let mut policies = json!({"none": {"resource": []}});
    let mut access = vec![json!({"policy": {"reference": "AccessPolicy/none"}})];
    for (at, compartment) in compartments.iter().enumerate() {
        let id = format!("p{at}");
        policies[&id] = json!({"compartment": {"reference": compartment}, "resource": []});
        access.push(json!({"policy": {"reference": format!("AccessPolicy/{id}")}}));
    }
    let assembled = assembled(&policies, &json!({"access": access}));
    assert_eq!(assembled.policy.account(), expected);
    assert_eq!(
        codes(&assembled).contains(&"membership/several-accounts"),
        warned
    );
}

#[rstest]
#[case::in_the_compartment("Organization/north", Verdict::Allowed)]
#[case::in_another("Organization/south", Verdict::Forbidden)]
fn s2_6_criteria_on_accounts(#[case] account: &str, #[case] expected: Verdict) {
    let assembled = with_account(
        json!({"reference": "%org"}),
        json!([{"name": "org", "valueReference": {"reference": ORG}}]),
    );
    let patient =
        json!({"resourceType": "Patient", "meta": {"accounts": [{"reference": account}]}});
    assert_eq!(
        assembled.policy.decide(&Request::Create(&patient)).verdict,
        expected
    );
}

/// The deprecated `compartment` of an entry takes variables as well.
#[rstest]
#[case::value("%patient", "Patient/homer", Verdict::Allowed)]
#[case::other("%patient", "Patient/bart", Verdict::Hidden)]
#[case::no_value("%nobody", "Patient/homer", Verdict::Forbidden)]
fn r7_variables_in_the_compartment_of_an_entry(
    #[case] compartment: &str,
    #[case] subject: &str,
    #[case] expected: Verdict,
) {
    let assembled = assembled(
        &json!({"p": {"resource": [
            {"resourceType": "Communication", "compartment": {"reference": compartment}},
        ]}}),
        &json!({"access": [{
            "policy": {"reference": "AccessPolicy/p"},
            "parameter": [{"name": "patient", "valueReference": {"reference": "Patient/homer"}}],
        }]}),
    );
    let resource = json!({"resourceType": "Communication", "subject": {"reference": subject}});
    assert_eq!(
        assembled.policy.decide(&Request::Read(&resource)).verdict,
        expected
    );
}

#[rstest]
#[case::empty_text(json!([{"name": "who", "valueString": ""}]))]
#[case::none(json!([]))]
#[case::twice(json!([{"name": "who", "valueString": "Patient/a"}, {"name": "who", "valueString": "Patient/a"}]))]
fn r7_a_variable_without_a_value_grants_nothing(#[case] parameters: Value) {
    for entry in [
        json!({"resourceType": "Communication", "criteria": "Communication?recipient:not=%who"}),
        json!({"resourceType": "Communication", "writeConstraint": [{"expression": "subject.reference != %who"}]}),
    ] {
        let assembled = assembled(
            &json!({"p": {"resource": [entry]}}),
            &json!({"access": [{"policy": {"reference": "AccessPolicy/p"}, "parameter": parameters}]}),
        );
        assert!(!grants(
            &assembled.policy,
            "Communication",
            Interaction::Read
        ));
        assert!(assembled.diagnostics.iter().any(|d| d.is_error()));
    }
}

#[test]
fn r7_no_parameter_replaces_who_acts() {
    let assembled = assembled(
        &json!({"p": {"resource": [{"resourceType": "Task", "criteria": "Task?owner=%profile"}]}}),
        &json!({"access": [{
            "policy": {"reference": "AccessPolicy/p"},
            "parameter": [{"name": "profile", "valueReference": {"reference": "Practitioner/boss"}}],
        }]}),
    );
    assert!(codes(&assembled).contains(&"membership/reserved-parameter"));
    assert!(!grants(&assembled.policy, "Task", Interaction::Read));
}

#[rstest]
#[case::known_in_every_membership("sender.reference = %profile", None)]
#[case::in_quotes("sender.reference = '%profile'", None)]
#[case::a_parameter("sender.reference = %supervisor", Some(false))]
#[case::fhirpath_has_it("%context.exists()", Some(true))]
#[case::no_parameter_name("sender.reference = %user", Some(true))]
fn r10_variables_of_a_constraint_are_checked_without_a_membership(
    #[case] expression: &str,
    #[case] error: Option<bool>,
) {
    let (_, findings) = PolicyDocument::from_value(&json!({
        "resourceType": "AccessPolicy",
        "resource": [{"resourceType": "Communication", "writeConstraint": [{"expression": expression}]}],
    }));
    let found: Vec<bool> = findings
        .iter()
        .filter(|finding| finding.code != "policy/constraint-not-evaluated")
        .map(|finding| finding.is_error())
        .collect();
    assert_eq!(found, error.into_iter().collect::<Vec<_>>(), "{findings:?}");
}

#[test]
fn r10_a_constraint_in_another_language_grants_nothing() {
    let assembled = assembled(
        &json!({"p": {"resource": [{"resourceType": "Communication", "writeConstraint": [
            {"language": "text/cql", "expression": "true"},
        ]}]}}),
        &json!({"accessPolicy": {"reference": "AccessPolicy/p"}}),
    );
    assert_eq!(
        assembled.policy.entries()[0].broken(),
        Some("a write constraint in \"text/cql\" cannot be evaluated")
    );
}

#[cfg(feature = "fhirpath")]
#[rstest]
#[case::value("sender.reference = %profile", ALICE, true)]
#[case::other_value("sender.reference = %profile", "Practitioner/house", false)]
#[case::in_quotes("sender.reference = '%profile'", ALICE, true)]
#[case::id("sender.reference.endsWith(%profile.id)", ALICE, true)]
#[case::parameter("status = %allowed", ALICE, true)]
#[case::a_value_is_no_expression("status = %trick", ALICE, false)]
#[case::a_value_in_quotes_is_none_either("status = '%trick'", ALICE, false)]
fn r10_parameters_of_a_constraint_are_values(
    #[case] expression: &str,
    #[case] sender: &str,
    #[case] allowed: bool,
) {
    let assembled = assembled(
        &json!({"p": {"resource": [
            {"resourceType": "Communication", "writeConstraint": [{"expression": expression}]},
        ]}}),
        &json!({"access": [{"policy": {"reference": "AccessPolicy/p"}, "parameter": [
            {"name": "allowed", "valueString": "in-progress"},
            {"name": "trick", "valueString": "x' or 'a' = 'a"},
        ]}]}),
    );
    let resource = json!({
        "resourceType": "Communication", "status": "in-progress", "sender": {"reference": sender},
    });
    let decision = assembled.policy.decide(&Request::Create(&resource));
    assert_eq!(decision.is_allowed(), allowed);
}

#[test]
fn s2_3_ip_rules_of_all_policies_in_order() {
    let rule = |value: &str, action: &str| json!({"value": value, "action": action});
    let assembled = assembled(
        &json!({
            "a": {"name": "A", "resource": [], "ipAccessRule": [rule("10.1", "allow")]},
            "b": {"name": "B", "resource": [], "ipAccessRule": [rule("10", "allow"), rule("*", "block")]},
        }),
        &json!({"access": [
            {"policy": {"reference": "AccessPolicy/a"}},
            {"policy": {"reference": "AccessPolicy/b"}},
        ]}),
    );
    let told = |address| assembled.policy.admits(address).reason;
    assert_eq!(
        told(Some("10.1.0.1")),
        "A ipAccessRule #1 (allow 10.1) allows it"
    );
    assert_eq!(
        told(Some("10.2.0.1")),
        "B ipAccessRule #1 (allow 10) allows it"
    );
    assert_eq!(
        told(Some("8.8.8.8")),
        "B ipAccessRule #2 (block *) blocks it"
    );
    assert!(!assembled.policy.admits(None).admitted);
}

#[rstest]
#[case::cidr(json!([{"value": "10.1.0.0/16", "action": "allow"}]), "`10.1.0.0/16` is no address and no beginning of one", "10.1.0.0/16")]
#[case::action(json!([{"value": "*", "action": "deny"}]), "`deny` is no action of an ipAccessRule", "deny")]
#[case::no_action(json!([{"value": "*"}]), "the ipAccessRule has no `action`", "value")]
#[case::no_value(json!([{"action": "block"}]), "the ipAccessRule has no `value`", "action")]
#[case::unknown_key(json!([{"value": "*", "action": "allow", "valeu": 1}]), "`valeu` is no element of an ipAccessRule", "valeu")]
#[case::no_list(json!({"value": "*"}), "`ipAccessRule` is no array", "value")]
fn s2_3_a_broken_rule_admits_nobody_and_has_its_place(
    #[case] rules: Value,
    #[case] message: &str,
    #[case] place: &str,
) {
    let mut list = rules.clone();
    if let Some(list) = list.as_array_mut() {
        list.push(json!({"value": "*", "action": "block"}));
    }
    let (document, findings) = PolicyDocument::from_value(
        &json!({"resourceType": "AccessPolicy", "id": "p", "resource": [], "ipAccessRule": list}),
    );
    assert_eq!(findings[0].message, message);
    let source = findings[0].source.as_ref().unwrap();
    let marked = source.slice(findings[0].labels[0].span);
    assert!(marked.contains(place), "{marked}");
    let document = Arc::new(document);
    let member = Membership::of(ALICE, &["AccessPolicy/p"]);
    let policy = assemble(&member, &|_| Some(document.clone()), &Options::default()).policy;
    assert!(!policy.admits(Some("10.1.0.1")).admitted);
}

#[test]
fn the_resolved_policy_tells_where_everything_comes_from() {
    let policies = json!({
        "team": {
            "name": "Team",
            "compartment": {"reference": "%clinic"},
            "ipAccessRule": [
                {"name": "office", "value": "10.1", "action": "allow"},
                {"value": "*", "action": "block"},
            ],
            "resource": [
                {"resourceType": "Communication", "criteria": "Communication?recipient=%profile",
                 "interaction": ["read", "search"], "hiddenFields": ["note"]},
                {"resourceType": "Patient", "criteria": "Patient?organization=%clinic",
                 "readonlyFields": ["name"], "writeConstraint": [{"expression": "managingOrganization.reference = %clinic"}]},
                {"resourceType": "*", "criteria": "*?_compartment=Patient/homer", "readonly": true},
                {"resourceType": "Task", "criteria": "Task?ownr=%profile"},
                {"resourceType": "User"},
            ],
        },
    });
    let assembled = assembled(
        &policies,
        &json!({"admin": true, "access": [{
            "policy": {"reference": "AccessPolicy/team"},
            "parameter": [{"name": "clinic", "valueReference": {"reference": ORG}}],
        }]}),
    );
    let (scopes, _) = fhirward_engine::policy::Scopes::parse(
        "openid user/Communication.rs user/Patient.read user/X.r",
    );
    let limited = assembled.policy.within(&scopes, None, &Options::default());
    insta::assert_snapshot!("resolved", limited.policy.resolved());
    let data = serde_json::to_value(limited.policy.resolved()).unwrap();
    assert_eq!(
        data["entries"][0]["filters"],
        json!([format!("recipient={ALICE}")])
    );
    assert_eq!(
        data["accesses"][0]["parameters"][0]["valueReference"],
        json!(ORG)
    );
    assert_eq!(
        data["entries"][3]["grants_nothing"].as_str().unwrap(),
        "`ownr` is not a search parameter of Task"
    );
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Policy>();
    shared::<Assembled>();
    shared::<PolicyDocument>();
}

/// R.7: the project of a membership is a value, and no part of criteria.
#[rstest]
#[case::list("Project/a,b")]
#[case::list_of_references("Project/a,Project%2Fb")]
#[case::another_type("Organization/a")]
fn r7_a_project_that_is_no_reference_grants_nothing(#[case] project: &str) {
    let membership = Membership {
        admin: true,
        project: Some(project.to_owned()),
        ..Membership::of("Practitioner/a", &[])
    };
    let assembled = assemble(&membership, &|_| None, &Options::default());
    for kind in ["Project", "ProjectMembership", "User"] {
        assert!(
            !assembled.policy.grants_type(kind, Interaction::Read),
            "{kind}"
        );
    }
    assert!(
        assembled
            .diagnostics
            .iter()
            .any(|d| d.code == "membership/no-project" && d.is_error())
    );
}

#[rstest]
#[case("0:0:0:0:0:ffff:", "10.1.2.3", false)]
#[case("0:0:0:0:0:ffff:a01:", "10.1.2.3", false)]
#[case("0:0:0:0:0:ffff:a02:", "10.1.2.3", true)]
#[case("0:0:0:0:", "10.1.2.3", true)]
fn s2_3_an_ipv4_address_is_blocked_as_an_ipv6_one_too(
    #[case] value: &str,
    #[case] address: &str,
    #[case] admitted: bool,
) {
    let document = std::sync::Arc::new(
        PolicyDocument::from_value(&json!({"resourceType": "AccessPolicy", "id": "p",
            "ipAccessRule": [{"value": value, "action": "block"}]}))
        .0,
    );
    let membership = Membership::of("Practitioner/a", &["AccessPolicy/p"]);
    let policy = assemble(
        &membership,
        &|_| Some(document.clone()),
        &Options::default(),
    )
    .policy;
    assert_eq!(policy.admits(Some(address)).admitted, admitted);
}
