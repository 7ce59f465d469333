//! R.5 to R.7: what a criteria may say, and how a wrong one is reported.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case fails"
)]

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::policy::PolicyDocument;
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use rstest::rstest;
use serde_json::json;

/// The findings of a policy with one entry on Communication.
fn check(criteria: &str) -> Vec<Diagnostic> {
    check_on("Communication", criteria)
}

fn check_on(resource_type: &str, criteria: &str) -> Vec<Diagnostic> {
    let policy = json!({
        "resourceType": "AccessPolicy",
        "resource": [{"resourceType": resource_type, "criteria": criteria}],
    });
    let source = Source::new("policy.json", policy.to_string());
    let json = Document::parse(&source).unwrap();
    PolicyDocument::from_json(&json).2
}

#[rstest]
#[case::reference("Communication?recipient=%profile")]
#[case::two_filters("Communication?recipient=%profile&status:not=entered-in-error")]
#[case::missing("Communication?part-of:missing=true")]
#[case::alternatives("Communication?status=in-progress,completed")]
#[case::universal("Communication?_tag=http://x|y")]
#[case::id("Communication?_id=abc")]
#[case::compartment("Communication?_compartment=%patient")]
#[case::date("Communication?sent=ge2024-01-01")]
#[case::id_of_variable("Communication?subject=Patient/%patient.id")]
fn r5_allows(#[case] criteria: &str) {
    assert_eq!(check(criteria), []);
}

#[rstest]
#[case::contains(
    "Communication?status:contains=pro",
    "criteria/modifier",
    ":contains",
    "criteria know only `:not` and `:missing`; plain `status=pro` compares whole values, or beginnings for strings"
)]
#[case::chain(
    "Communication?sender.name=Alice",
    "criteria/chain",
    "sender.name",
    "a filter sees only the resource itself; name the other resource by its reference"
)]
#[case::typed_chain(
    "Communication?sender:Practitioner.name=Alice",
    "criteria/chain",
    "sender:Practitioner.name",
    "a filter sees only the resource itself; name the other resource by its reference"
)]
#[case::reverse_chain(
    "Communication?_has:Task:focus:status=requested",
    "criteria/chain",
    "_has:Task:focus:status",
    "a filter sees only the resource itself; `_compartment` or a reference on the resource can say the same"
)]
#[case::unknown_parameter(
    "Communication?recipent=%profile",
    "criteria/unknown-parameter",
    "recipent",
    "did you mean `recipient`?"
)]
#[case::element_without_parameter(
    "Communication?payload=x",
    "criteria/unknown-parameter",
    "payload",
    "`payload` is an element of Communication, but R4 defines no search parameter for it"
)]
#[case::wrong_case(
    "Communication?Recipient=%profile",
    "criteria/unknown-parameter",
    "Recipient",
    "did you mean `recipient`?"
)]
#[case::no_question_mark(
    "Communication",
    "criteria/no-question-mark",
    "Communication",
    "leave `criteria` out to grant the whole type on purpose"
)]
#[case::no_type(
    "recipient=%profile",
    "criteria/no-question-mark",
    "recipient=%profile",
    "the type is missing"
)]
#[case::other_type(
    "Task?owner=%profile",
    "criteria/wrong-type",
    "Task",
    "begin with `Communication?`"
)]
#[case::leading_slash(
    "/Communication?recipient=%profile",
    "criteria/wrong-type",
    "/Communication",
    "begin with `Communication?`"
)]
#[case::star("*?_id=1", "criteria/wrong-type", "*", "begin with `Communication?`")]
#[case::user_reference(
    "Communication?recipient=%user.reference",
    "criteria/unresolved-variable",
    "%user.reference",
    "the acting person is `%profile`"
)]
#[case::profile_reference(
    "Communication?recipient=%profile.reference",
    "criteria/unresolved-variable",
    "%profile.reference",
    "`%profile` already is the reference"
)]
#[case::result_parameter(
    "Communication?_count=1",
    "criteria/result-parameter",
    "_count",
    "delete it; alone it would leave the entry without any filter"
)]
#[case::filter(
    "Communication?_filter=x",
    "criteria/unsupported-parameter",
    "_filter",
    "use the search parameters of the type"
)]
#[case::bad_date(
    "Communication?sent=yesterday",
    "criteria/value",
    "yesterday",
    "write `2024`"
)]
#[case::bad_missing(
    "Communication?part-of:missing=yes",
    "criteria/value",
    "yes",
    "`part-of:missing=true` is true where the element is absent"
)]
#[case::doubled_type(
    "Communication?recipient=Practitioner/Practitioner/1",
    "criteria/value",
    "Practitioner/Practitioner/1",
    "write `Practitioner/1`"
)]
#[case::bare_id("Communication?recipient=1234", "criteria/value", "1234", "write `")]
#[case::type_modifier(
    "Communication?recipient:Patient=1",
    "criteria/modifier",
    ":Patient",
    "the type belongs into the value: `recipient=Patient/1`"
)]
#[case::three_pipes(
    "Communication?category=a|b|c",
    "criteria/value",
    "a|b|c",
    "write `code` or `system|code`"
)]
#[case::system_of_a_code(
    "Communication?status:not=http://hl7.org/fhir/event-status|completed",
    "criteria/value",
    "http://hl7.org/fhir/event-status|completed",
    "write `completed`"
)]
#[case::second_question_mark(
    "Communication?status=a?&sender=%profile",
    "criteria/second-question-mark",
    "?&sender=%profile",
    "filters are joined by `&`"
)]
fn r5_reports_with_place_and_advice(
    #[case] criteria: &str,
    #[case] code: &str,
    #[case] underlined: &str,
    #[case] help: &str,
) {
    let findings = check(criteria);
    let found: Vec<_> = findings.iter().map(|f| (f.code, &f.message)).collect();
    let finding = findings
        .iter()
        .find(|f| f.code == code)
        .unwrap_or_else(|| panic!("{found:?}"));
    assert!(finding.is_error());
    let source = finding.source.as_ref().unwrap();
    assert_eq!(source.slice(finding.labels[0].span), underlined);
    let advice = finding.help.clone().unwrap_or_default();
    assert!(advice.starts_with(help), "{advice}");
}

#[rstest]
#[case::composite(
    "Observation",
    "Observation?code-value-quantity=1$2",
    "criteria/unsupported-parameter"
)]
#[case::special("Location", "Location?near=1|2", "criteria/unsupported-parameter")]
#[case::binary("Binary", "Binary?name=x", "criteria/unknown-parameter")]
#[case::unknown_everywhere("*", "*?nonsense=1", "criteria/unknown-parameter")]
#[case::never_together("*", "*?recipient=Patient/1&birthdate=1990", "criteria/no-such-type")]
fn r5_reports_on_other_types(#[case] kind: &str, #[case] criteria: &str, #[case] code: &str) {
    let codes: Vec<_> = check_on(kind, criteria).iter().map(|f| f.code).collect();
    assert!(codes.contains(&code), "{codes:?}");
}

/// A type on which the value is none grants nothing, and is not passed over in silence.
#[test]
fn r5_a_wildcard_says_where_it_cannot_be_asked() {
    let findings = check_on("*", "*?code=http://loinc.org|1");
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert_eq!(finding.code, "criteria/not-every-type");
    assert!(!finding.is_error());
    assert!(
        finding.message.contains("CodeSystem for one"),
        "{}",
        finding.message
    );
    assert_eq!(check_on("*", "*?_tag=http://x|y"), []);
}

#[test]
fn all_errors_of_a_criteria_are_reported() {
    let findings = check("Communication?recipent=%profile&status:contains=x&sent=never&part-of=");
    let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
    assert_eq!(
        codes,
        [
            "criteria/empty-value",
            "criteria/unknown-parameter",
            "criteria/modifier",
            "criteria/value"
        ]
    );
}

#[test]
fn a_place_is_right_behind_json_escapes() {
    let text = "{\"resourceType\": \"AccessPolicy\",\n \"resource\": [{\"resourceType\": \"Communication\",\n  \"criteria\": \"Communication?\\u0073ender=%profile&recip\\u0065nt=%profile\"}]}";
    let json = Document::parse(&Source::new("p.json", text)).unwrap();
    let findings = PolicyDocument::from_json(&json).2;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line_column(), Some((3, 51)));
    let source = findings[0].source.as_ref().unwrap();
    assert_eq!(source.slice(findings[0].labels[0].span), "recip\\u0065nt");
}

#[rstest]
#[case::unknown_key(json!({"resourceType": "Patient", "critera": "Patient?gender=female"}), "policy/unknown-key", "did you mean `criteria`?")]
#[case::unknown_type(json!({"resourceType": "Comunication"}), "policy/unknown-type", "did you mean `Communication`?")]
#[case::no_type(json!({"criteria": "Patient?gender=female"}), "policy/shape", "name a resource type, or `*`")]
#[case::interaction(json!({"resourceType": "Patient", "interaction": ["patch"]}), "policy/unknown-interaction", "`update` covers patch")]
#[case::no_interaction(json!({"resourceType": "Patient", "interaction": []}), "policy/no-interaction", "leave it out")]
#[case::unknown_field(json!({"resourceType": "Patient", "hiddenFields": ["brithDate"]}), "policy/field", "did you mean `birthDate`?")]
fn broken_entries_are_errors(
    #[case] entry: serde_json::Value,
    #[case] code: &str,
    #[case] help: &str,
) {
    let policy = json!({"resourceType": "AccessPolicy", "resource": [entry]});
    let (policy, findings) = PolicyDocument::from_value(&policy);
    let finding = findings.iter().find(|f| f.code == code).unwrap();
    assert!(finding.is_error());
    assert!(
        finding
            .help
            .as_deref()
            .unwrap_or_default()
            .starts_with(help),
        "{finding:?}"
    );
    assert!(policy.entries()[0].broken.is_some());
}

/// R.5, R.7: what a value with a variable can never be is an error before any membership is known.
#[rstest]
#[case::id_of_several_types(
    "Communication",
    "sender=%profile.id",
    "is an id without a type, and the parameter has several target types"
)]
#[case::id_of_a_parameter(
    "Communication",
    "sender=%boss.id",
    "is an id without a type, and the parameter has several target types"
)]
#[case::pipe(
    "Communication",
    "sender=%profile|recipient=%profile",
    "is no reference"
)]
#[case::semicolon("Task", "focus=%profile;", "is no reference")]
#[case::path("Task", "focus=%profile / x", "is no reference")]
#[case::date("Communication", "sent=%profile", "is no date")]
#[case::date_of_id("Encounter", "date=%profile.id", "is no date")]
#[case::quantity("Observation", "value-quantity=[%profile]", "is no number")]
#[case::compartment(
    "Patient",
    "_compartment=urn:uuid:%profile.id",
    "is no compartment of this server"
)]
#[case::system_of_a_code(
    "Location",
    "status=x|%profile",
    "names a system, and the element is a plain code without one"
)]
#[case::system_of_a_code_by_a_parameter(
    "Location",
    "status=x|%wanted",
    "names a system, and the element is a plain code without one"
)]
#[case::quotes_around_a_parameter("Communication", "sent='%from'", "is no date")]
fn r5_what_no_member_makes_right(#[case] kind: &str, #[case] filter: &str, #[case] message: &str) {
    let found = check_on(kind, &format!("{kind}?{filter}"));
    let value = filter.split_once('=').unwrap().1;
    let errors: Vec<&str> = found
        .iter()
        .filter(|finding| finding.is_error())
        .map(|finding| finding.message.as_str())
        .collect();
    let [error] = errors.as_slice() else {
        panic!("{found:#?}");
    };
    assert!(
        error.starts_with(&format!("`{value}` {message}")),
        "{error}"
    );
    // Nobody is asked to write an id that only stands for another.
    assert!(!format!("{found:?}").contains("0000"), "{found:#?}");
}

/// What a parameter of some membership makes right is no error.
#[rstest]
#[case::reference_or_id("Observation", "subject=Patient/%patient")]
#[case::type_before_an_id("Observation", "subject=Patient/%profile.id")]
#[case::one_target("Patient", "organization=%profile.id")]
#[case::date("Communication", "sent=ge%from")]
#[case::quantity("Observation", "value-quantity=gt%least|%system|%code")]
#[case::url("Task", "focus=https://example.com/fhir/R4/%profile")]
#[case::several("Observation", "code=%system|%code,%other")]
fn r7_what_a_parameter_may_make_right(#[case] kind: &str, #[case] filter: &str) {
    let found = check_on(kind, &format!("{kind}?{filter}"));
    assert!(!found.iter().any(Diagnostic::is_error), "{found:#?}");
}
