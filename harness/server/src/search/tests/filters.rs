//! What each search type, modifier and prefix finds. The cases are named by the sections of
//! hl7.org/fhir/R4/search.html.

use fhirward_engine::policy::Policy;
use rstest::rstest;
use serde_json::{Value, json};

use super::{filters, put, scope, store};
use crate::search::plan;

/// A few resources that point at each other.
fn story() -> Vec<Value> {
    let coded = |system: &str, code: &str, display: &str| json!({ "coding": [{ "system": system, "code": code, "display": display }] });
    vec![
        json!({ "resourceType": "Organization", "id": "clinic", "name": "Springfield Clinic",
            "identifier": [{ "system": "http://npi", "value": "1" }] }),
        json!({ "resourceType": "Patient", "id": "homer", "gender": "male", "birthDate": "1956-05-12",
            "name": [{ "family": "Simpson", "given": ["Homer", "Jay"] }], "active": true,
            "telecom": [{ "system": "phone", "value": "+15551234567" }, { "system": "email", "value": "homer@example.com" }],
            "identifier": [{ "type": { "coding": [{ "system": "http://types", "code": "MR" }], "text": "Record number" }, "system": "http://mrn", "value": "123" }],
            "managingOrganization": { "reference": "Organization/clinic" } }),
        json!({ "resourceType": "Patient", "id": "zoe", "gender": "female", "birthDate": "1990",
            "name": [{ "family": "Müller", "given": ["Zoë"] }], "address": [{ "city": "São Paulo", "postalCode": "01000" }],
            "identifier": [{ "system": "http://other", "value": "123" }] }),
        json!({ "resourceType": "Patient", "id": "nobody" }),
        json!({ "resourceType": "Practitioner", "id": "alice", "name": [{ "family": "Smith" }] }),
        json!({ "resourceType": "Observation", "id": "weight", "status": "final", "code": coded("http://loinc.org", "29463-7", "Body weight"),
            "subject": { "reference": "Patient/homer" }, "performer": [{ "reference": "Practitioner/alice" }],
            "effectiveDateTime": "2024-03-10T15:30:00Z",
            "valueQuantity": { "value": 110.4, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" } }),
        json!({ "resourceType": "Observation", "id": "pressure", "status": "amended", "code": coded("http://loinc.org", "85354-9", "Blood pressure"),
            "subject": { "reference": "http://localhost:8103/fhir/R4/Patient/zoe" },
            "effectivePeriod": { "start": "2024-03-01", "end": "2024-03-20" },
            "component": [
                { "code": coded("http://loinc.org", "8480-6", "Systolic"), "valueQuantity": { "value": 140, "code": "mm[Hg]" } },
                { "code": coded("http://loinc.org", "8462-4", "Diastolic"), "valueQuantity": { "value": 60, "code": "mm[Hg]" } },
            ] }),
        json!({ "resourceType": "Observation", "id": "note", "status": "final", "code": { "text": "Body note" },
            "subject": { "display": "somebody", "identifier": { "system": "http://mrn", "value": "999" } },
            "valueString": "a, b|c$d\\e" }),
        json!({ "resourceType": "RiskAssessment", "id": "risk", "status": "final", "subject": { "reference": "Patient/homer" },
            "prediction": [{ "probabilityDecimal": 0.8 }] }),
        json!({ "resourceType": "ValueSet", "id": "final", "status": "active", "url": "http://sets/loinc/final", "version": "2",
            "compose": { "include": [{ "system": "http://loinc.org", "concept": [{ "code": "29463-7" }] }] } }),
        json!({ "resourceType": "ValueSet", "id": "loinc", "status": "active", "url": "http://sets/loinc",
            "compose": { "include": [{ "system": "http://loinc.org" }], "exclude": [{ "system": "http://loinc.org", "concept": [{ "code": "85354-9" }] }] } }),
        json!({ "resourceType": "ValueSet", "id": "expanded", "status": "active", "url": "http://sets/status",
            "expansion": { "timestamp": "2024", "contains": [{ "abstract": true, "code": "x", "contains": [{ "system": "http://s", "code": "final" }] }] } }),
        json!({ "resourceType": "ValueSet", "id": "filtered", "status": "active", "url": "http://sets/filtered",
            "compose": { "include": [{ "system": "http://loinc.org", "filter": [{ "property": "p", "op": "=", "value": "v" }] }] } }),
        json!({ "resourceType": "List", "id": "current", "status": "current", "mode": "working", "entry": [
            { "item": { "reference": "Patient/homer" } }, { "deleted": true, "item": { "reference": "Patient/zoe" } },
        ] }),
        json!({ "resourceType": "Group", "id": "family", "type": "person", "actual": true, "member": [{ "entity": { "reference": "Patient/homer" } }],
            "characteristic": [
                { "code": coded("http://c", "gender", ""), "valueCodeableConcept": coded("http://v", "mixed", ""), "exclude": false },
                { "code": coded("http://c", "owner", ""), "valueCodeableConcept": coded("http://v", "john", ""), "exclude": false },
            ] }),
    ]
}

#[rstest]
// 3.1.1.4.10 token
#[case::token_code("Patient", "gender=male", "homer")]
#[case::token_or("Patient", "gender=male,female", "homer zoe")]
#[case::token_and("Patient", "gender=male&active=true", "homer")]
#[case::token_any_system("Patient", "identifier=123", "homer zoe")]
#[case::token_system("Patient", "identifier=http://mrn|123", "homer")]
#[case::token_system_alone("Patient", "identifier=http://mrn|", "homer")]
#[case::token_no_system("Patient", "identifier=|123", "")]
#[case::token_case_counts("Patient", "gender=Male", "")]
#[case::token_telecom("Patient", "phone=%2B15551234567", "homer")]
#[case::token_telecom_system("Patient", "telecom=email|homer@example.com", "homer")]
#[case::token_condition("Patient", "deceased=false", "homer nobody zoe")]
#[case::token_id("Patient", "_id=homer,zoe", "homer zoe")]
#[case::token_not("Patient", "gender:not=male", "nobody zoe")]
#[case::token_not_of_several("Patient", "gender:not=male,female", "nobody")]
#[case::token_text("Observation", "code:text=body", "note weight")]
#[case::token_text_of_identifier("Patient", "identifier:text=record", "homer")]
#[case::token_of_type("Patient", "identifier:of-type=http://types|MR|123", "homer")]
#[case::token_of_other_type("Patient", "identifier:of-type=http://types|DL|123", "")]
#[case::token_in("Observation", "code:in=http://sets/loinc/final", "weight")]
#[case::token_in_version("Observation", "code:in=http://sets/loinc/final|2", "weight")]
#[case::token_in_by_id("Observation", "code:in=ValueSet/final", "weight")]
#[case::token_in_a_system("Observation", "code:in=http://sets/loinc", "weight")]
#[case::token_in_expansion("Observation", "status:in=http://sets/status", "note weight")]
#[case::token_not_in("Observation", "code:not-in=http://sets/loinc/final", "note pressure")]
// 3.1.1.4.8 string
#[case::string_start("Patient", "name=simp", "homer")]
#[case::string_second_given("Patient", "given=jay", "homer")]
#[case::string_not_the_middle("Patient", "name=impson", "")]
#[case::string_accents("Patient", "family=muller", "zoe")]
#[case::string_accents_asked("Patient", "family=M%C3%BCL", "zoe")]
#[case::string_one_letter("Patient", "family=s", "homer")]
#[case::string_contains("Patient", "name:contains=MPS", "homer")]
#[case::string_contains_accents("Patient", "address:contains=paulo", "zoe")]
#[case::string_contains_accents_asked("Patient", "address-city:contains=SAO", "zoe")]
#[case::string_exact("Patient", "family:exact=Simpson", "homer")]
#[case::string_exact_case("Patient", "family:exact=simpson", "")]
#[case::string_exact_accents("Patient", "family:exact=Muller", "")]
#[case::string_escapes("Observation", r"value-string=a\,%20b\|c\$d\\e", "note")]
#[case::string_escaped_comma_is_no_or("Observation", r"value-string=a\,x", "")]
// 3.1.1.4.12 reference
#[case::reference("Observation", "subject=Patient/homer", "weight")]
#[case::reference_stored_absolute("Observation", "subject=Patient/zoe", "pressure")]
#[case::reference_asked_absolute(
    "Observation",
    "subject=http://localhost:8103/fhir/R4/Patient/homer",
    "weight"
)]
#[case::reference_id("Observation", "subject=homer", "weight")]
#[case::reference_type("Observation", "subject:Patient=homer", "weight")]
#[case::reference_type_of_another("Observation", "subject:Group=homer", "")]
#[case::reference_identifier("Observation", "subject:identifier=http://mrn|999", "note")]
#[case::reference_version("Observation", "subject=Patient/homer/_history/1", "weight")]
#[case::reference_by_type_of_parameter("Observation", "patient=homer", "weight")]
// 3.1.1.4.7 date
#[case::date("Observation", "date=2024-03-10", "weight")]
#[case::date_month("Observation", "date=2024-03", "pressure weight")]
#[case::date_ne("Observation", "date=ne2024-03-10", "pressure")]
#[case::date_gt("Observation", "date=gt2024-03-10", "pressure")]
#[case::date_ge("Observation", "date=ge2024-03-10", "pressure weight")]
#[case::date_lt("Observation", "date=lt2024-03-10", "pressure")]
#[case::date_le("Observation", "date=le2024-03-10", "pressure weight")]
#[case::date_sa("Observation", "date=sa2024-03-09", "weight")]
#[case::date_eb("Observation", "date=eb2024-03-11", "weight")]
#[case::date_ap("Observation", "date=ap2024-03-05", "pressure")]
#[case::date_between(
    "Observation",
    "date=ge2024-03-05&date=lt2024-03-11",
    "pressure weight"
)]
#[case::date_zone("Observation", "date=2024-03-10T10:30:00-05:00", "weight")]
#[case::date_year_of_birth("Patient", "birthdate=1990", "zoe")]
#[case::date_day_of_a_year("Patient", "birthdate=1990-01-01", "")]
#[case::date_last_updated("Patient", "_lastUpdated=gt2020", "homer nobody zoe")]
#[case::date_last_updated_before("Patient", "_lastUpdated=lt2020", "")]
// 3.1.1.4.6 number
#[case::number("RiskAssessment", "probability=0.8", "risk")]
#[case::number_precision("RiskAssessment", "probability=0.80", "risk")]
#[case::number_coarse("RiskAssessment", "probability=1", "risk")]
#[case::number_gt("RiskAssessment", "probability=gt0.8", "")]
#[case::number_ge("RiskAssessment", "probability=ge0.8", "risk")]
#[case::number_ne("RiskAssessment", "probability=ne0.8", "")]
// 3.1.1.4.13 quantity
#[case::quantity("Observation", "value-quantity=110", "weight")]
#[case::quantity_unit(
    "Observation",
    "value-quantity=110.4|http://unitsofmeasure.org|kg",
    "weight"
)]
#[case::quantity_unit_alone("Observation", "value-quantity=gt100||kg", "weight")]
#[case::quantity_other_unit("Observation", "value-quantity=110.4||lb", "")]
#[case::quantity_ap("Observation", "value-quantity=ap115||kg", "weight")]
#[case::quantity_lt("Observation", "value-quantity=lt110.4", "")]
// 3.1.1.4.14 uri
#[case::uri("ValueSet", "url=http://sets/loinc", "loinc")]
#[case::uri_below("ValueSet", "url:below=http://sets/loinc", "final loinc")]
#[case::uri_above(
    "ValueSet",
    "url:above=http://sets/loinc/final/_history/5",
    "final loinc"
)]
// 3.1.1.4.15 composite
#[case::composite(
    "Observation",
    "code-value-quantity=http://loinc.org|29463-7$gt100||kg",
    "weight"
)]
#[case::composite_within_one_element(
    "Observation",
    "component-code-value-quantity=8480-6$140",
    "pressure"
)]
#[case::composite_across_elements("Observation", "component-code-value-quantity=8480-6$60", "")]
#[case::composite_of_tokens("Group", "characteristic-value=gender$mixed", "family")]
#[case::composite_of_tokens_across("Group", "characteristic-value=gender$john", "")]
// 3.1.1.3.4 :missing
#[case::missing("Patient", "gender:missing=true", "nobody")]
#[case::there("Patient", "gender:missing=false", "homer zoe")]
#[case::missing_reference_without_target("Observation", "subject:missing=true", "")]
#[case::missing_date("Observation", "date:missing=true", "note")]
#[case::missing_quantity("Observation", "value-quantity:missing=true", "note pressure")]
// 3.1.1.4.4 chains
#[case::chain("Observation", "subject:Patient.name=simpson", "weight")]
#[case::chain_of_one_type("Observation", "patient.gender=female", "pressure")]
#[case::chain_untyped("Observation", "subject.gender=male", "weight")]
#[case::chain_long("Observation", "patient.organization.name=spring", "weight")]
#[case::chain_long_typed(
    "Observation",
    "subject:Patient.organization.identifier=http://npi|1",
    "weight"
)]
#[case::chain_that_leads_on_from_one_type_only(
    "Observation",
    "subject.organization.name=spring",
    "weight"
)]
#[case::chain_not("Observation", "patient.gender:not=male", "pressure")]
#[case::chain_id("Observation", "patient._id=homer", "weight")]
#[case::chain_or("Observation", "patient.gender=male,female", "pressure weight")]
#[case::chain_to_has(
    "Observation",
    "patient._has:RiskAssessment:patient:risk:missing=true",
    "weight"
)]
#[case::chain_and_another_target("Observation", "performer:Practitioner.name=smith", "weight")]
// 3.1.1.4.5 _has
#[case::has("Patient", "_has:Observation:patient:code=29463-7", "homer")]
#[case::has_several(
    "Patient",
    "_has:Observation:patient:status=final,amended",
    "homer zoe"
)]
#[case::has_nested(
    "Organization",
    "_has:Patient:organization:_has:Observation:patient:code=29463-7",
    "clinic"
)]
#[case::has_chain("Patient", "_has:Observation:patient:performer.name=smith", "homer")]
#[case::has_none("Patient", "_has:Observation:patient:code=1", "")]
// 3.1.1.5.5 _list, compartments
#[case::list("Patient", "_list=current", "homer")]
#[case::list_of_nothing("Patient", "_list=unknown", "")]
#[case::compartment("Observation", "_compartment=Patient/homer", "weight")]
#[case::compartment_id("Observation", "_compartment=homer", "weight")]
#[case::compartment_not("Observation", "_compartment:not=Patient/homer", "note pressure")]
#[case::compartment_missing("Observation", "_compartment:missing=true", "note")]
fn r4_finds(#[case] kind: &str, #[case] query: &str, #[case] expected: &str) {
    let store = store();
    put(&store, &story());
    let policy = Policy::full_access();
    let scope = scope(&store, &policy);
    let filters = filters(&scope, kind, query).unwrap();
    let mut found: Vec<String> = plan::matching(&scope, kind, &filters)
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    found.sort_unstable();
    let expected: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case::unknown("gendre=male", "did you mean `gender`?")]
#[case::element("communication=x", "R4 defines no search parameter for it")]
#[case::nothing("gender=", "`gender:missing`")]
#[case::empty_alternative("gender=male,", "empty alternative")]
#[case::lone_backslash(r"gender=a\b", "escapes")]
#[case::modifier("gender:exactly=male", "takes `:missing`")]
#[case::near_modifier("name:exakt=x", "did you mean `:exact`?")]
#[case::string_modifier_of_token("gender:contains=m", "a token parameter takes")]
#[case::system_of_a_code("gender:not=http://s|male", "without one")]
#[case::above("gender:above=male", "terminology server")]
#[case::missing("gender:missing=maybe", "`true` or `false`")]
#[case::date("birthdate=soon", "is no date")]
#[case::reference("organization=Organization/a/b", "is no reference")]
#[case::target("organization:Patient=a", "does not lead to a Patient")]
#[case::no_type("organization:Foo.name=a", "there is no resource type `Foo`")]
#[case::type_and_reference("organization:Organization=Patient/a", "another type")]
#[case::chain_over_no_reference("gender.name=a", "is no reference")]
#[case::chain_to_nothing("organization.nam=a", "did you mean `name`?")]
#[case::chain_of_nothing("general-practitioner.foo=a", "none of the types")]
#[case::has("_has:Observation:patient", "_has:Type:reference:parameter")]
#[case::has_no_type("_has:Observatoin:patient:code=x", "did you mean `Observation`?")]
#[case::has_no_reference("_has:Observation:code:code=x", "no reference parameter")]
#[case::has_of_another("_has:Encounter:location:status=x", "does not lead to a Patient")]
#[case::has_unknown("_has:Observation:patient:cod=x", "did you mean `code`?")]
#[case::value_set("gender:in=http://unknown", "there is no ValueSet")]
#[case::value_set_filter("gender:in=http://sets/filtered", "terminology server")]
#[case::value_set_of_a_system("gender:not-in=http://sets/loinc", "lists its codes")]
#[case::text("_text=x", "full-text")]
#[case::filter("_filter=x", "write the filters as parameters")]
#[case::functional_list("_list=$current-problems", "functional lists")]
#[case::of_type("identifier:of-type=MR|123", "system|code|value")]
#[case::two_pipes("identifier=a|b|c", "more than one")]
#[case::urn("_profile:below=urn:oid:1.2", "URN")]
#[case::endless(
    "link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.name=x",
    "more than 8 steps"
)]
fn what_is_not_understood_is_refused(#[case] query: &str, #[case] reason: &str) {
    let store = store();
    put(&store, &story());
    let policy = Policy::full_access();
    let scope = scope(&store, &policy);
    let failure = filters(&scope, "Patient", query).unwrap_err();
    assert_eq!(failure.status(), 400);
    let told = format!("{failure:?}");
    assert!(told.contains(reason), "{told}");
}

/// Each step of an untyped chain multiplies the types.
#[test]
fn a_chain_leads_to_so_many_types() {
    let store = store();
    let policy = Policy::full_access();
    let scope = scope(&store, &policy);
    let chain = format!("{}status=x", "subject.".repeat(7));
    let failure = filters(&scope, "Composition", &chain).unwrap_err();
    assert!(format!("{failure:?}").contains("name the type at each step"));
    let typed = format!("{}status=x", "subject:Composition.".repeat(7));
    assert!(filters(&scope, "Composition", &typed).is_ok());
}

#[rstest]
#[case::near("Location", "near=42|-83")]
#[case::composite_parts("Observation", "code-value-quantity=a")]
#[case::quantity("Observation", "value-quantity=heavy")]
#[case::number("RiskAssessment", "probability=high")]
fn more_that_is_refused(#[case] kind: &str, #[case] query: &str) {
    let store = store();
    let policy = Policy::full_access();
    let scope = scope(&store, &policy);
    assert_eq!(filters(&scope, kind, query).unwrap_err().status(), 400);
}
