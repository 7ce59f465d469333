//! One question under several semantics: the answers, what is unknown, and the names of departures.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use fhirward_engine::policy::Interaction;
use fhirward_engine::semantics::{DEPARTURES, Path, Question, Semantics, Verdict};
use rstest::rstest;
use serde_json::{Value, json};

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "homer", "gender": "female", "birthDate": "1990-06-15",
        "name": [{ "given": ["Alice"], "family": "Smith" }],
        "identifier": [{ "system": "http://s", "value": "MRN1",
            "type": { "coding": [{ "system": "http://t", "code": "MR" }] } }],
        "managingOrganization": { "reference": "Organization/north" },
        "generalPractitioner": [{ "reference": "Practitioner/house" },
            { "identifier": { "system": "http://npi", "value": "7" } }],
    })
}

fn observation() -> Value {
    json!({
        "resourceType": "Observation", "id": "o", "status": "final",
        "code": { "text": "Heart Rate", "coding": [{ "system": "http://loinc.org", "code": "8867-4" }] },
        "subject": { "reference": "Patient/homer" },
        "effectiveDateTime": "2024-03-10T15:30:00Z",
        "valueQuantity": { "value": 80, "unit": "bpm" },
    })
}

fn question(entry: Value, interaction: Interaction, resource: &Value) -> Question {
    let policy = json!({ "resourceType": "AccessPolicy", "id": "p", "resource": [entry] });
    let membership = json!({
        "resourceType": "ProjectMembership",
        "profile": { "reference": "Practitioner/house" },
        "accessPolicy": { "reference": "AccessPolicy/p" },
    });
    Question::new(&membership, vec![policy], interaction, resource)
}

fn criteria(text: &str) -> Question {
    let kind = text.split('?').next().unwrap();
    let resource = if kind == "Patient" {
        patient()
    } else {
        observation()
    };
    let entry = json!({ "resourceType": resource.get("resourceType"), "criteria": text });
    question(entry, Interaction::Read, &resource)
}

fn on(question: &Question, semantics: &str, path: Path) -> Verdict {
    let answers = question.answers(semantics.parse().unwrap());
    answers.iter().find(|(p, _)| *p == path).unwrap().1.verdict
}

use Verdict::{Allowed, Error, Forbidden, Hidden, Unknown};

/// R4 and the documented semantics, on a read.
#[rstest]
#[case::exact_code("Patient?gender=female", Allowed, Allowed)]
#[case::codes_of_fhir_have_a_case("Patient?gender=FEMALE", Hidden, Hidden)]
#[case::other_codes_may_not("Patient?identifier=mrn1", Hidden, Unknown)]
#[case::not_is_for_tokens("Patient?gender:not=male", Allowed, Allowed)]
#[case::not_on_absent("Patient?active:not=true", Allowed, Allowed)]
#[case::not_on_a_reference("Patient?organization:not=Organization/x", Allowed, Error)]
#[case::missing("Patient?deceased:missing=false", Allowed, Allowed)]
#[case::bare_id_of_one_type("Patient?organization=north", Allowed, Allowed)]
#[case::bare_id_of_any_type("Patient?general-practitioner=house", Forbidden, Allowed)]
#[case::typed_modifier("Patient?general-practitioner:Practitioner=house", Forbidden, Allowed)]
#[case::another_type("Patient?general-practitioner:Organization=house", Forbidden, Hidden)]
#[case::reference_identifier(
    "Patient?general-practitioner:identifier=http://npi|7",
    Forbidden,
    Allowed
)]
#[case::of_type("Patient?identifier:of-type=http://t|MR|MRN1", Forbidden, Allowed)]
#[case::string_begins("Patient?name=ali", Allowed, Allowed)]
#[case::string_middle("Patient?name=lic", Hidden, Hidden)]
#[case::contains("Patient?name:contains=LIC", Forbidden, Allowed)]
#[case::contains_without_accents("Patient?name:contains=MÍTH", Forbidden, Allowed)]
#[case::system_of_a_plain_code(
    "Patient?gender=http://hl7.org/fhir/administrative-gender|female",
    Forbidden,
    Unknown
)]
#[case::system_of_another_plain_code(
    "Patient?gender=http://hl7.org/fhir/administrative-gender|male",
    Forbidden,
    Hidden
)]
#[case::exact("Patient?name:exact=Alice", Forbidden, Allowed)]
#[case::exact_has_a_case("Patient?name:exact=alice", Forbidden, Hidden)]
#[case::approximately_the_same("Patient?birthdate=ap1990-06-15", Allowed, Allowed)]
#[case::approximately_near("Patient?birthdate=ap1990-06-20", Hidden, Unknown)]
#[case::result_parameter("Patient?_count=1", Forbidden, Allowed)]
#[case::unknown_parameter("Patient?foo=bar", Forbidden, Unknown)]
#[case::unknown_modifier("Patient?gender:foo=female", Forbidden, Error)]
#[case::code_text("Observation?code:text=heart", Forbidden, Allowed)]
#[case::value_set("Observation?code:in=http://vs", Forbidden, Unknown)]
#[case::chain("Observation?subject:Patient.name=Alice", Forbidden, Unknown)]
#[case::has("Patient?_has:Observation:subject:status=final", Forbidden, Unknown)]
#[case::filter("Patient?_filter=gender eq female", Forbidden, Unknown)]
#[case::composite("Observation?code-value-quantity=8867-4$80", Forbidden, Allowed)]
#[case::number_range("Observation?value-quantity=80", Allowed, Allowed)]
#[case::number_precision("Observation?value-quantity=8e1", Allowed, Allowed)]
#[case::date_interval("Observation?date=2024-03-10", Allowed, Allowed)]
fn r4_parts_from_the_documented_semantics(
    #[case] text: &str,
    #[case] documented: Verdict,
    #[case] r4: Verdict,
) {
    let question = criteria(text);
    assert_eq!(
        on(&question, "documented", Path::CachedRead),
        documented,
        "documented"
    );
    assert_eq!(on(&question, "r4", Path::CachedRead), r4, "r4");
}

/// Chains, `_has` and `_filter` need what the question does not have: unknown, not a guess.
#[rstest]
#[case("Observation?subject:Patient.name=Alice")]
#[case("Patient?_has:Observation:subject:status=final")]
#[case("Patient?_filter=gender eq female")]
fn s10_what_a_server_would_look_up_is_unknown(#[case] text: &str) {
    let question = criteria(text);
    for semantics in Semantics::all() {
        if matches!(semantics, Semantics::Medplum(_)) {
            let name = semantics.to_string();
            assert_eq!(on(&question, &name, Path::DatabaseRead), Unknown, "{name}");
            assert_eq!(on(&question, &name, Path::Reference), Hidden, "{name}");
        }
    }
}

/// Rows of the table of divergences, each with its departure.
#[rstest]
#[case::d4("Patient?gender=FEMALE", Path::CachedRead, Allowed, "token-case")]
#[case::d12("Observation?code=heart rate", Path::CachedRead, Allowed, "token-case")]
#[case::d14("Patient?name=lic", Path::Reference, Allowed, "string-anywhere")]
#[case::d20("Patient?deceased:missing=true", Path::CachedRead, Hidden, "")]
#[case::d22("Observation?patient=homer", Path::Reference, Hidden, "reference-form")]
#[case::d24("Patient?birthdate=1990", Path::DatabaseRead, Error, "partial-date")]
#[case::d27(
    "Patient?birthdate:not=1990-06-15",
    Path::CachedRead,
    Allowed,
    "date-not"
)]
#[case::d28(
    "Observation?date=2024-03-10",
    Path::DatabaseRead,
    Hidden,
    "date-by-start"
)]
#[case::d32(
    "Observation?value-quantity=80",
    Path::Reference,
    Hidden,
    "number-in-memory"
)]
#[case::d35("Patient?foo=bar", Path::DatabaseRead, Error, "unknown-parameter")]
#[case::d38(
    "/Patient?gender=male",
    Path::DatabaseRead,
    Allowed,
    "sql-drops-filter"
)]
#[case::d40("Patient?_count=1", Path::CachedRead, Allowed, "no-filter")]
#[case::d41(
    "Patient?gender=female?&_id=x",
    Path::CachedRead,
    Allowed,
    "second-question-mark"
)]
#[case::d48("Patient?birthdate=zzz", Path::CachedRead, Error, "criteria-throws")]
#[case::d9(
    "Patient?gender:not-in=female",
    Path::CachedRead,
    Allowed,
    "not-in-is-equality"
)]
#[case::d10(
    "Patient?gender:foo=female",
    Path::CachedRead,
    Allowed,
    "modifier-ignored"
)]
#[case::d50("Patient?gender:not=%nope", Path::CachedRead, Allowed, "open-variable")]
fn s5_3_departures_have_names(
    #[case] text: &str,
    #[case] path: Path,
    #[case] expected: Verdict,
    #[case] id: &str,
) {
    let resource = if text.contains("Patient?") {
        patient()
    } else {
        observation()
    };
    let entry = json!({ "resourceType": resource.get("resourceType"), "criteria": text });
    let question = question(entry, Interaction::Read, &resource);
    assert_eq!(on(&question, "medplum-5.0", path), expected);
    let departed = question.departures("medplum-5.0".parse().unwrap());
    let here = departed.iter().find(|departed| departed.path == path);
    match id {
        "" => assert!(here.is_none()),
        id => {
            let causes: Vec<&str> = here.unwrap().causes.iter().map(|cause| cause.id).collect();
            assert_eq!(causes, [format!("departure/{id}")]);
        }
    }
}

#[rstest]
#[case::d36_wildcard(json!({"resourceType": "*", "criteria": "*?_id=homer"}), Interaction::Update, "wildcard-in-memory")]
#[case::d45_compartment(json!({"resourceType": "Patient", "criteria": "Patient?gender=male", "compartment": {"reference": "Patient/homer"}}), Interaction::Read, "sql-ignores-criteria")]
#[case::d42_interaction(json!({"resourceType": "Patient", "interaction": ["create", "read"]}), Interaction::Search, "")]
fn s5_3_departures_of_entries(
    #[case] entry: Value,
    #[case] interaction: Interaction,
    #[case] id: &str,
) {
    let question = question(entry, interaction, &patient());
    let departed = question.departures("medplum-5.0".parse().unwrap());
    let ids: Vec<&str> = departed
        .iter()
        .flat_map(|departed| &departed.causes)
        .map(|cause| cause.id)
        .collect();
    match id {
        "" => assert!(
            departed.iter().all(|d| d.path == Path::Revinclude),
            "{ids:?}"
        ),
        id => assert!(ids.contains(&format!("departure/{id}").as_str()), "{ids:?}"),
    }
}

#[test]
fn a_plain_policy_means_the_same_everywhere() {
    for interaction in [
        Interaction::Read,
        Interaction::Search,
        Interaction::Update,
        Interaction::Patch,
        Interaction::Delete,
        Interaction::Create,
        Interaction::Vread,
        Interaction::History,
    ] {
        for gender in ["female", "male"] {
            let text = format!("Patient?gender={gender}");
            let entry = json!({ "resourceType": "Patient", "criteria": text });
            let question = question(entry, interaction, &patient());
            for semantics in Semantics::all() {
                let departed = question.departures(semantics);
                assert!(
                    departed.is_empty(),
                    "{semantics} {interaction} {gender}: {departed:?}"
                );
            }
        }
    }
}

#[test]
fn every_departure_is_described() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/semantics.md");
    let page = std::fs::read_to_string(page).unwrap();
    for departure in DEPARTURES {
        assert!(page.contains(departure.id), "{}", departure.id);
    }
}
