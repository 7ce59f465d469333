//! What compiled search expressions read, shape by shape.

use std::ops::ControlFlow;

use fhirward_spec::{Origin, ParamType, spec};
use rstest::rstest;
use serde_json::{Value, json};

/// What a parameter reads, as `type: value` lines.
#[expect(clippy::unwrap_used, reason = "only called by tests")]
fn read(resource: &Value, code: &str) -> Vec<String> {
    let resource_type = resource["resourceType"].as_str().unwrap();
    let param = spec().search_param(resource_type, code).unwrap();
    let extracted = param.program.collect(resource);
    let line = |e: &fhirward_spec::Extracted<'_>| format!("{}: {}", e.data_type, e.value);
    extracted.iter().map(line).collect()
}

#[rstest]
#[case::member(json!({"resourceType": "Communication", "status": "completed"}), "status", &["code: \"completed\""])]
#[case::id(json!({"resourceType": "Communication", "id": "a"}), "_id", &["id: \"a\""])]
#[case::nested_lists(
    json!({"resourceType": "Patient", "name": [{"given": ["A", "B"]}, {"given": ["C", null]}]}),
    "given",
    &["string: \"A\"", "string: \"B\"", "string: \"C\""]
)]
#[case::union_of_one_type(
    json!({"resourceType": "Organization", "name": "N", "alias": ["M"]}),
    "name",
    &["string: \"N\"", "string: \"M\""]
)]
#[case::bare_choice(
    json!({"resourceType": "Observation", "effectivePeriod": {"start": "2024"}}),
    "date",
    &["Period: {\"start\":\"2024\"}"]
)]
#[case::cast(
    json!({"resourceType": "Observation", "valueQuantity": {"value": 1.5}}),
    "value-quantity",
    &["Quantity: {\"value\":1.5}"]
)]
#[case::cast_of_another_type(json!({"resourceType": "Observation", "valueString": "x"}), "value-quantity", &[])]
#[case::cast_of_a_derived_type(
    json!({"resourceType": "ConceptMap", "sourceCanonical": "http://x"}),
    "source-uri",
    &["canonical: \"http://x\""]
)]
#[case::member_of_a_cast(
    json!({"resourceType": "Observation", "valueCodeableConcept": {"text": "t"}}),
    "value-string",
    &["string: \"t\""]
)]
#[case::as_function(
    json!({"resourceType": "Condition", "onsetAge": {"value": 4}}),
    "onset-age",
    &["Age: {\"value\":4}"]
)]
#[case::cast_to_a_primitive(
    json!({"resourceType": "Goal", "startDate": "2024-01-01"}),
    "start-date",
    &["date: \"2024-01-01\""]
)]
#[case::where_equals(
    json!({"resourceType": "Patient", "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}]}),
    "email",
    &["ContactPoint: {\"system\":\"email\",\"value\":\"2\"}"]
)]
#[case::where_then_member(
    json!({"resourceType": "Library", "relatedArtifact": [
        {"type": "depends-on", "resource": "http://x"}, {"type": "successor", "resource": "http://y"}]}),
    "depends-on",
    &["canonical: \"http://x\""]
)]
#[case::index(
    json!({"resourceType": "Bundle", "entry": [{"resource": {"id": "1"}}, {"resource": {"id": "2"}}]}),
    "composition",
    &["Resource: {\"id\":\"1\"}"]
)]
#[case::content_reference(
    json!({"resourceType": "Questionnaire", "item": [{"code": [{"code": "c"}]}]}),
    "code",
    &["Coding: {\"code\":\"c\"}"]
)]
#[case::both_parts_of_a_choice(
    json!({"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/1"}}),
    "medication",
    &["Reference: {\"reference\":\"Medication/1\"}"]
)]
#[case::not_of_the_other_part(
    json!({"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/1"}}),
    "code",
    &[]
)]
#[case::meta(
    json!({"resourceType": "Patient", "meta": {"tag": [{"code": "t"}], "compartment": [{"reference": "Patient/1"}]}}),
    "_compartment",
    &["Reference: {\"reference\":\"Patient/1\"}"]
)]
#[case::null(json!({"resourceType": "Communication", "sent": null}), "sent", &[])]
fn shapes(#[case] resource: Value, #[case] code: &str, #[case] expected: &[&str]) {
    assert_eq!(read(&resource, code), expected);
}

#[rstest]
#[case::relative(json!({"reference": "Patient/1"}), true)]
#[case::versioned(json!({"reference": "Patient/1/_history/2"}), true)]
#[case::absolute(json!({"reference": "https://h/fhir/Patient/1"}), true)]
#[case::typed(json!({"type": "Patient", "identifier": {"value": "1"}}), true)]
#[case::other_type(json!({"reference": "Group/1"}), false)]
#[case::other_type_by_text(json!({"reference": "Group/1", "type": "Patient"}), false)]
#[case::contained(json!({"reference": "#p"}), false)]
#[case::nothing(json!({}), false)]
fn resolve_is(#[case] subject: Value, #[case] expected: bool) {
    let message = json!({"resourceType": "Communication", "subject": subject});
    assert_eq!(!read(&message, "patient").is_empty(), expected);
    assert_eq!(read(&message, "subject").len(), 1);
}

/// R.6: an element that is there but holds nothing searchable is not missing.
#[rstest]
#[case::display_only(json!({"display": "Homer"}), false)]
#[case::identifier_only(json!({"identifier": {"value": "1"}}), false)]
#[case::contained(json!({"reference": "#p"}), false)]
#[case::bundle_local(json!({"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}), false)]
#[case::typed(json!({"type": "Patient", "display": "Homer"}), false)]
#[case::this(json!({"reference": "Patient/1"}), false)]
#[case::of_another_type(json!({"reference": "Group/1"}), true)]
#[case::of_another_type_by_word(json!({"type": "Group", "display": "Simpsons"}), true)]
#[case::null(json!(null), true)]
fn emptiness_of_a_reference_that_must_resolve(#[case] subject: Value, #[case] expected: bool) {
    let message = json!({"resourceType": "Communication", "subject": subject});
    let program = &spec()
        .search_param("Communication", "patient")
        .unwrap()
        .program;
    assert_eq!(program.is_empty_on(&message), expected);
}

#[rstest]
#[case(json!({"deceasedBoolean": true}), true)]
#[case(json!({"deceasedBoolean": false}), false)]
#[case(json!({"deceasedDateTime": "2024"}), true)]
#[case(json!({}), false)]
fn a_condition_is_a_boolean(#[case] mut patient: Value, #[case] expected: bool) {
    patient["resourceType"] = json!("Patient");
    assert_eq!(read(&patient, "deceased"), [format!("boolean: {expected}")]);
    let program = &spec().search_param("Patient", "deceased").unwrap().program;
    assert!(!program.is_empty_on(&patient));
}

#[rstest]
#[case(json!({"sent": "2024"}), false)]
#[case(json!({"_sent": {"extension": [{"url": "http://x"}]}}), false)]
#[case(json!({"_sent": {}}), true)]
#[case(json!({"sent": null}), true)]
#[case(json!({}), true)]
fn emptiness_of_a_primitive(#[case] message: Value, #[case] expected: bool) {
    let program = &spec()
        .search_param("Communication", "sent")
        .unwrap()
        .program;
    assert_eq!(program.is_empty_on(&message), expected);
}

#[test]
fn emptiness_of_a_list_of_primitives() {
    let program = &spec().search_param("Patient", "given").unwrap().program;
    let only_extension = json!({"name": [{"_given": [null, {"id": "x"}]}]});
    assert!(!program.is_empty_on(&only_extension));
    assert!(program.is_empty_on(&json!({"name": [{"family": "F"}]})));
}

#[test]
fn composites_have_components() {
    let param = spec()
        .search_param("Observation", "component-code-value-quantity")
        .unwrap();
    let observation = json!({"resourceType": "Observation", "component": [
        {"code": {"text": "a"}, "valueQuantity": {"value": 1}},
        {"code": {"text": "b"}, "valueString": "x"},
    ]});
    let within = param.program.collect(&observation);
    assert_eq!(within.len(), 2);
    let [code, value] = &*param.components else {
        panic!("two components")
    };
    assert_eq!(
        (&*code.code, code.param_type),
        ("component-code", ParamType::Token)
    );
    assert_eq!(
        (&*value.code, value.param_type),
        ("component-value-quantity", ParamType::Quantity)
    );
    assert_eq!(code.program.collect(within[1].value)[0].value["text"], "b");
    assert!(value.program.is_empty_on(within[1].value));
    assert_eq!(
        value.program.collect(within[0].value)[0].data_type,
        "Quantity"
    );
}

#[test]
fn composites_over_two_elements_and_over_the_resource() {
    let combo = spec()
        .search_param("Observation", "combo-code-value-quantity")
        .unwrap();
    let observation = json!({"resourceType": "Observation", "component": [{}]});
    let types: Vec<_> = combo
        .program
        .collect(&observation)
        .iter()
        .map(|e| e.data_type)
        .collect();
    assert_eq!(types, ["Observation", "Observation.component"]);

    let sequence = spec()
        .search_param("MolecularSequence", "chromosome-variant-coordinate")
        .unwrap();
    let from_resource: Vec<_> = sequence
        .components
        .iter()
        .map(|c| c.from_resource)
        .collect();
    assert_eq!(from_resource, [true, false, false]);

    let relation = spec()
        .search_param("DocumentReference", "relationship")
        .unwrap();
    let types: Vec<_> = relation.components.iter().map(|c| c.param_type).collect();
    assert_eq!(types, [ParamType::Token, ParamType::Reference]);
}

#[test]
fn every_expression_is_compiled() {
    for resource_type in spec().resource_types() {
        for param in spec().search_params(resource_type) {
            let name = format!("{resource_type}?{}", param.code);
            let selects = !param.program.member_paths().is_empty();
            assert_eq!(selects, !param.expression.is_empty(), "{name}");
            let composite = param.param_type == ParamType::Composite;
            assert_eq!(composite, param.components.len() >= 2, "{name}");
        }
    }
}

/// The value types of each parameter type: a matcher that handles these handles all of R4.
#[test]
fn parameter_types_read_these_data_types() {
    let mut seen = std::collections::BTreeMap::<&str, std::collections::BTreeSet<&str>>::new();
    for resource_type in spec().resource_types() {
        for param in spec().search_params(resource_type) {
            if param.origin == Origin::R4 && param.param_type != ParamType::Composite {
                let types = seen.entry(param.param_type.code()).or_default();
                types.extend(param.program.data_types());
            }
        }
    }
    let line = |(code, types): (&&str, &std::collections::BTreeSet<&str>)| {
        let types: Vec<&str> = types.iter().copied().collect();
        format!("{code}: {}", types.join(" "))
    };
    let found: Vec<String> = seen.iter().map(line).collect();
    let expected = [
        "date: Age Period Range Timing date dateTime instant string",
        "number: Range decimal integer",
        "quantity: Age Duration Money Quantity Range SampledData",
        "reference: Attachment Reference Resource canonical uri",
        "special: Location.position",
        "string: Address HumanName markdown string",
        "token: CodeableConcept Coding ContactPoint Identifier boolean code id string uri",
        "uri: canonical uri url",
    ];
    assert_eq!(found, expected);
}

#[test]
fn visiting_stops_when_told_to() {
    let param = spec().search_param("Communication", "recipient").unwrap();
    let message = json!({"recipient": [{}, {}, {}]});
    let mut visited = 0;
    let flow = param.program.each(&message, &mut |_| {
        visited += 1;
        if visited == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(flow.is_break());
    assert_eq!(visited, 2);
}

#[test]
fn member_paths_name_what_is_read() {
    let param = spec().search_param("Patient", "given").unwrap();
    assert_eq!(param.program.member_paths(), [["name", "given"]]);
    let deceased = spec().search_param("Patient", "deceased").unwrap();
    let first: Vec<_> = deceased
        .program
        .member_paths()
        .into_iter()
        .map(|p| p[0])
        .collect();
    assert!(first.contains(&"deceasedBoolean") && first.contains(&"deceasedDateTime"));
}

/// However many members an object has: the first, those in between and the last, and no other.
#[rstest]
fn a_member_is_found_among_few_and_many(#[values(0, 1, 2, 31, 32, 33, 100)] count: usize) {
    let object: serde_json::Map<String, Value> =
        (0..count).map(|n| (format!("m{n}"), json!(n))).collect();
    let object = Value::Object(object);
    for n in 0..count {
        assert_eq!(
            fhirward_spec::member(&object, &format!("m{n}")),
            Some(&json!(n))
        );
    }
    assert_eq!(fhirward_spec::member(&object, "m"), None);
    assert_eq!(fhirward_spec::member(&json!(["m0"]), "m0"), None);
}

/// What a program that is one member selects are the items of that member.
#[test]
fn a_program_of_one_member_selects_its_items() {
    let message = json!({
        "recipient": [{"reference": "Patient/1"}, null, [{"reference": "Patient/2"}]],
        "status": "completed",
        "sender": null,
    });
    for param in spec().search_params("Communication") {
        let Some((name, data_type)) = param.program.as_member() else {
            continue;
        };
        assert_eq!(param.program.member_paths(), [[name]]);
        assert_eq!(param.program.data_types(), [data_type]);
        let items = fhirward_spec::items(&message, name).iter();
        let read = param.program.collect(&message);
        assert!(
            items
                .filter(|item| !item.is_null())
                .eq(read.iter().map(|read| read.value))
        );
    }
    let member = |code| {
        spec()
            .search_param("Communication", code)
            .unwrap()
            .program
            .as_member()
    };
    assert_eq!(member("recipient"), Some(("recipient", "Reference")));
    assert_eq!(member("_id"), Some(("id", "id")));
    // Only references to patients, and a path of two members.
    assert_eq!((member("patient"), member("_tag")), (None, None));
}
