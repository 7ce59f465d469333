//! What a constraint comes to where the FHIRPath library is known to be wrong: R.10 lets nothing be
//! true by a fault, and a right constraint still be true.

#![cfg(feature = "fhirpath")]

use fhirward_engine::fhirpath::{Truth, truth};
use rstest::rstest;
use serde_json::{Value, json};

#[derive(Debug, PartialEq)]
enum Told {
    Yes,
    No,
    /// It cannot be evaluated, which denies.
    Refused,
}
use Told::{No, Refused, Yes};

#[expect(
    clippy::panic,
    reason = "an expression of this table that cannot be read is a fault of the table"
)]
fn ask(expression: &str, before: Option<&Value>, after: &Value) -> Told {
    match truth(expression, before, after) {
        Truth::Holds => Yes,
        Truth::Fails => No,
        Truth::Unknown(reason) => {
            assert!(!reason.is_empty());
            Refused
        }
        Truth::Unreadable(error) => panic!("{expression}: {error}"),
    }
}

fn message() -> Value {
    json!({
        "resourceType": "Communication", "id": "m",
        "meta": {"lastUpdated": "2024-01-01T23:00:00Z"},
        "statusReason": {"text": "because"},
        "reasonCode": [{"text": "why"}],
        "subject": {"reference": "Patient/p"},
        "sent": "2024-01-02T00:30:00+02:00", "received": "2024-01-01T23:00:00Z",
        "payload": [{"contentString": "hello"}, {"contentReference": {"reference": "Binary/b"}}],
        "extension": [
            {"url": "http://x/flag", "valueBoolean": false},
            {"url": "http://x/code/longer", "valueCode": "a"},
        ],
    })
}

#[rstest]
#[case::absent_is_absent("%after.status.exists()", No)]
#[case::absent_is_empty("status.empty()", Yes)]
#[case::absent_text("%after.status.text = 'because'", No)]
#[case::absent_in_where("%after.where(status.exists()).exists()", No)]
#[case::no_choice_with_a_types_name("reason.exists()", No)]
#[case::the_element_itself("statusReason.text = 'because'", Yes)]
#[case::an_ordinary_one("%after.subject.reference = 'Patient/p'", Yes)]
#[case::a_choice("payload.content.exists()", Yes)]
#[case::a_choice_of_each("payload.all(content.exists())", Yes)]
#[case::a_choices_value("payload.first().content = 'hello'", Yes)]
#[case::a_choices_inside("payload.content.reference = 'Binary/b'", Yes)]
#[case::children("%after.children().count() > 5", Yes)]
#[case::children_with_a_name_added("status.empty() and children().count() > 5", Refused)]
fn r10_an_absent_element_is_no_other(#[case] expression: &str, #[case] expected: Told) {
    assert_eq!(ask(expression, None, &message()), expected);
}

#[rstest]
#[case::task("performer.exists()", json!({"resourceType": "Task", "performerType": [{"text": "x"}]}), No)]
#[case::login("user.exists()", json!({"resourceType": "AuditEvent", "agent": [{"userName": "x"}]}), No)]
#[case::deeper("agent.user.exists()", json!({"resourceType": "AuditEvent", "agent": [{"userName": "x"}]}), No)]
#[case::contained("contained.status.exists()", json!({"resourceType": "Patient", "contained": [message()]}), No)]
#[case::twice("value.exists()", json!({"resourceType": "Observation", "valueString": "x", "valueInteger": 1}), Refused)]
#[case::unknown_element("strange.status.exists()", json!({"resourceType": "Patient", "strange": {"statusReason": "x"}}), Refused)]
#[case::before("%before.status.exists()", json!({"resourceType": "Communication"}), No)]
fn r10_on_any_resource(#[case] expression: &str, #[case] after: Value, #[case] expected: Told) {
    assert_eq!(ask(expression, Some(&message()), &after), expected);
}

#[rstest]
#[case::zone_before_text("%after.sent < %after.received", Yes)]
#[case::zone_not_after("%after.sent > %after.received", No)]
#[case::nested("%after.sent < %after.meta.lastUpdated", Yes)]
#[case::same_moment("%after.sent = @2024-01-01T22:30:00Z", Yes)]
#[case::same_moment_is_not_unlike("%after.sent != @2024-01-01T22:30:00Z", No)]
#[case::literal_with_a_zone("%after.received <= @2024-01-02T01:00:00+02:00", Yes)]
#[case::now("%after.sent < now()", Yes)]
#[case::not_after_now("%after.sent > now()", No)]
#[case::a_day_in_it("%after.sent = @2024-01-01", Refused)]
#[case::unlike_a_day_in_it("(%after.sent != @2024-01-01).not()", Refused)]
#[case::no_seconds("%after.sent = @2024-01-01T22:30Z", Refused)]
#[case::as_text("%after.sent.toString().startsWith('2024-01-02')", Refused)]
#[case::as_text_in_utc("%after.received.toString().startsWith('2024-01-01')", Refused)]
fn r10_dates_are_compared_as_moments(#[case] expression: &str, #[case] expected: Told) {
    assert_eq!(ask(expression, None, &message()), expected);
}

#[rstest]
#[case::days("birthDate < @2000-01-01", Yes)]
#[case::today("birthDate <= today()", Yes)]
#[case::a_day_in_a_year("birthDate > @1990", Refused)]
#[case::not_of_a_stored_false("active.not()", Yes)]
#[case::not_of_a_stored_true("deceased.not()", No)]
#[case::not_of_nothing("multipleBirth.not()", No)]
#[case::a_boolean_choice("deceased", Yes)]
fn r10_of_a_patient(#[case] expression: &str, #[case] expected: Told) {
    let patient = json!({
        "resourceType": "Patient", "active": false, "deceasedBoolean": true,
        "birthDate": "1990-06-15",
    });
    assert_eq!(ask(expression, None, &patient), expected);
}

/// Several values are no boolean, wherever one is asked for.
#[rstest]
#[case::and("payload and true", Refused)]
#[case::and_behind("true and payload", Refused)]
#[case::or("payload or false", Refused)]
#[case::xor("payload xor false", Refused)]
#[case::implies("payload implies true", Refused)]
#[case::not("payload.not() = false", Refused)]
#[case::iif("iif(payload, true, false)", Refused)]
#[case::a_union("(status | id | reasonCode.text) and true", Refused)]
#[case::in_where("where(payload).exists()", Refused)]
#[case::in_all("%after.all(payload)", Refused)]
#[case::in_exists("%after.exists(payload)", Refused)]
#[case::one_is_true("id and true", Yes)]
#[case::one_in_a_list("reasonCode and true", Yes)]
#[case::none_is_unknown("(note and true).exists()", No)]
#[case::none_of_a_where("payload.where(content = 'x') or true", Yes)]
#[case::none_of_a_list("note.text or true", Yes)]
#[case::no_absent_state("%before.payload or true", Yes)]
#[case::functions_answer_once("payload.exists() and payload.count() > 1", Yes)]
fn r10_several_values_are_no_boolean(#[case] expression: &str, #[case] expected: Told) {
    assert_eq!(ask(expression, None, &message()), expected);
}

/// What the library answers with nothing for one stored value would make its negation true.
#[rstest]
#[case::any_true("active.anyTrue().not()")]
#[case::all_true("active.allTrue().not()")]
#[case::any_false("active.anyFalse().not()")]
#[case::all_false("active.allFalse().not()")]
#[case::of_no_booleans("name.family.anyTrue().not()")]
#[case::as_text("iif(gender.toString() = 'male', false, true)")]
#[case::as_a_number("iif(gender.toInteger() = 1, false, true)")]
#[case::whether_a_number("gender.convertsToInteger().not()")]
fn r10_functions_that_answer_nothing_are_not_evaluated(#[case] expression: &str) {
    let patient = json!({
        "resourceType": "Patient", "active": true, "gender": "male", "name": [{"family": "A"}],
    });
    assert_eq!(ask(expression, None, &patient), Refused);
}

/// `'REQUESTED' ~ 'requested'`, and `5 ~ 5.4`, in FHIRPath.
#[rstest]
#[case::equivalent("id ~ 'M'")]
#[case::not_equivalent("id !~ 'M'")]
#[case::of_numbers("5 !~ 5.4")]
#[case::inside("payload.where(contentString !~ 'HELLO').exists()")]
fn r10_equivalence_is_not_evaluated(#[case] expression: &str) {
    assert_eq!(ask(expression, None, &message()), Refused);
}

#[rstest]
#[case::nested_type("payload.content.ofType(Reference).reference = 'Binary/b'", Yes)]
#[case::nested_type_is_there("payload.content.ofType(Reference).empty()", No)]
#[case::nested_string("payload.content.ofType(string) = 'hello'", Yes)]
#[case::as_operator("(payload.first().content as string) = 'hello'", Yes)]
#[case::nested_other_type("payload.content.ofType(Attachment).exists()", No)]
#[case::no_choice("subject.ofType(Reference).empty()", Refused)]
#[case::is("payload.first().content is Reference", Refused)]
#[case::is_not("(payload.last().content is Reference).not()", Refused)]
#[case::resource("%after is Communication", Yes)]
#[case::other_resource("%after is Patient", No)]
#[case::extension("extension('http://x/flag').value = false", Yes)]
#[case::extension_that_begins_so("extension('http://x/code').exists()", No)]
#[case::resolve("subject.resolve().exists()", Refused)]
#[case::resolve_not("subject.resolve().empty()", Refused)]
#[case::resolve_or("true or subject.resolve().exists()", Refused)]
#[case::conforms(
    "conformsTo('http://hl7.org/fhir/StructureDefinition/Communication')",
    Refused
)]
#[case::abstract_root("Resource.id.empty()", Refused)]
fn r10_types_extensions_and_other_resources(#[case] expression: &str, #[case] expected: Told) {
    assert_eq!(ask(expression, None, &message()), expected);
}

#[rstest]
#[case::more("value > 5 'mg'", Yes)]
#[case::typed("value.ofType(Quantity) > 5 'mg'", Yes)]
#[case::value("value.value > 5", Yes)]
#[case::unit("value.unit = 'mg'", Yes)]
#[case::system("value.system = 'http://unitsofmeasure.org'", Yes)]
#[case::code_is_there("value.code.empty()", No)]
#[case::code_beside_a_quantity("value.code.empty() or value > 5 'mg'", Refused)]
#[case::same_decimal("value.value != 5.4", Refused)]
#[case::another_decimal("value.value != 5.5", Yes)]
#[case::typed_value("value.ofType(Quantity).code = 'mg'", Yes)]
fn r10_quantities(#[case] expression: &str, #[case] expected: Told) {
    let observation = json!({
        "resourceType": "Observation", "status": "final",
        "valueQuantity": {
            "value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg",
        },
    });
    assert_eq!(ask(expression, None, &observation), expected);
}

#[rstest]
#[case::extensions_of_primitives("birthDate.extension('http://x').exists()")]
#[case::none_of_them("birthDate.extension('http://x').empty()")]
fn r10_extensions_of_primitives_are_not_read(#[case] expression: &str) {
    let patient = json!({
        "resourceType": "Patient", "birthDate": "1990-06-15",
        "_birthDate": {"extension": [{"url": "http://x", "valueString": "y"}]},
    });
    assert_eq!(ask(expression, None, &patient), Refused);
}

#[rstest]
#[case::kept("%before.status = %after.status", "final", Yes)]
#[case::changed("%before.status = %after.status", "amended", No)]
#[case::allowed_step(
    "%before.status = 'final' implies %after.status in ('final' | 'amended')",
    "amended",
    Yes
)]
#[case::other_step(
    "%before.status = 'final' implies %after.status in ('final' | 'amended')",
    "unknown",
    No
)]
#[case::objects("%before.code = %after.code", "final", Yes)]
#[case::count("%before.category.count() <= %after.category.count()", "final", Yes)]
#[case::matches("status.matches('^(final|amended)$')", "final", Yes)]
#[case::coding(
    "code.coding.where(system = 'http://s' and code = 'c').exists()",
    "final",
    Yes
)]
fn r10_right_constraints_hold(
    #[case] expression: &str,
    #[case] status: &str,
    #[case] expected: Told,
) {
    let with = |status: &str| {
        json!({
            "resourceType": "Observation", "status": status, "category": [{"text": "x"}],
            "code": {"coding": [{"system": "http://s", "code": "c"}], "text": "C"},
            "effectiveDateTime": "2024-01-01T10:00:00+02:00",
        })
    };
    assert_eq!(
        ask(expression, Some(&with("final")), &with(status)),
        expected
    );
}
