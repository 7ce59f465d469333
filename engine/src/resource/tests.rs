use super::{MAX_FINDINGS, validate};
use rstest::rstest;
use serde_json::{Value, json};

/// A valid Communication with more members.
fn communication(more: Value) -> Value {
    let mut resource = json!({"resourceType": "Communication", "status": "completed"});
    if let (Value::Object(resource), Value::Object(more)) = (&mut resource, more) {
        resource.extend(more);
    }
    resource
}

/// `code expression` of each finding.
fn found(resource: &Value) -> Vec<String> {
    let line = |f: super::Finding| format!("{} {}", f.code, f.expression);
    validate(resource).into_iter().map(line).collect()
}

#[rstest]
#[case::minimal(json!({}))]
#[case::header(json!({
    "meta": {"versionId": "1", "lastUpdated": "2024-04-10T09:00:00Z", "project": "p", "compartment": [{"reference": "Patient/1"}]},
    "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
    "topic": {"text": "t"}, "subject": {"reference": "Patient/homer"},
    "sender": {"reference": "https://h/fhir/Practitioner/alice"}, "recipient": [{"reference": "Patient/homer"}],
    "medium": [{"coding": [{"system": "http://x", "code": "SMSWRIT"}]}]
}))]
#[case::payloads(json!({"payload": [
    {"contentString": "a"}, {"contentAttachment": {"url": "Binary/1", "size": 3}}, {"contentReference": {"reference": "DocumentReference/1"}}]}))]
#[case::sibling(json!({"_sent": {"extension": [{"url": "http://x", "valueBoolean": true}]}}))]
#[case::required_by_sibling(json!({"payload": [{"_contentString": {"extension": [{"url": "http://x", "valueCode": "unknown"}]}}]}))]
#[case::null_with_sibling(json!({"instantiatesUri": [null, "http://a"], "_instantiatesUri": [{"id": "x", "extension": [{"url": "http://x", "valueCode": "unknown"}]}, null]}))]
#[case::contained(json!({"contained": [{"resourceType": "Patient", "id": "p", "generalPractitioner": [{"reference": "#"}]}], "subject": {"reference": "#p"}}))]
#[case::logical(json!({"sender": {"type": "Practitioner", "identifier": {"value": "1"}}}))]
#[case::nested_extension(json!({"extension": [{"url": "http://x", "extension": [{"url": "y", "valueReference": {"reference": "Communication/1"}}]}]}))]
fn valid(#[case] more: Value) {
    assert_eq!(found(&communication(more)), Vec::<String>::new());
}

#[rstest]
#[case::unknown(json!({"payloads": []}), "unknown-element Communication.payloads")]
#[case::unknown_inside(json!({"topic": {"txt": "x"}}), "unknown-element Communication.topic.txt")]
#[case::code(json!({"status": "sent"}), "unknown-code Communication.status")]
#[case::not_array(json!({"recipient": {"reference": "Patient/1"}}), "array-expected Communication.recipient")]
#[case::array(json!({"sender": [{"reference": "Patient/1"}]}), "array-not-allowed Communication.sender")]
#[case::empty_array(json!({"recipient": []}), "empty-array Communication.recipient")]
#[case::empty_object(json!({"topic": {}}), "empty-object Communication.topic")]
#[case::empty_string(json!({"topic": {"text": ""}}), "empty-string Communication.topic.text")]
#[case::null(json!({"topic": null}), "null-value Communication.topic")]
#[case::null_item(json!({"recipient": [null]}), "null-value Communication.recipient[0]")]
#[case::kind(json!({"sent": 1}), "wrong-json-type Communication.sent")]
#[case::object_kind(json!({"topic": "x"}), "not-an-object Communication.topic")]
#[case::format(json!({"sent": "2024-02-30"}), "invalid-format Communication.sent")]
#[case::id(json!({"id": "a b"}), "invalid-format Communication.id")]
#[case::missing(json!({"payload": [{"modifierExtension": [{"url": "http://x", "valueString": "x"}]}]}), "missing-element Communication.payload[0].content")]
#[case::choice(json!({"payload": [{"contentString": "a", "contentReference": {"reference": "Patient/1"}}]}), "choice-twice Communication.payload[0]")]
#[case::bare_choice(json!({"payload": [{"content": "a", "contentString": "a"}]}), "unknown-element Communication.payload[0].content")]
#[case::target(json!({"partOf": [{"reference": "Patient/1"}], "subject": {"reference": "Practitioner/1"}}), "wrong-target-type Communication.subject.reference")]
#[case::malformed(json!({"subject": {"reference": "homer"}}), "malformed-reference Communication.subject.reference")]
#[case::unknown_target(json!({"subject": {"reference": "Patiens/1"}}), "unknown-target-type Communication.subject.reference")]
#[case::mismatch(json!({"subject": {"reference": "Patient/1", "type": "Group"}}), "type-mismatch Communication.subject.reference")]
#[case::fragment(json!({"subject": {"reference": "#p"}}), "ref-1 Communication.subject.reference")]
#[case::sibling_of_complex(json!({"_topic": {"id": "x"}}), "unknown-element Communication.topic")]
#[case::sibling_kind(json!({"_sent": "x"}), "not-an-object Communication.sent")]
#[case::sibling_array(json!({"_instantiatesUri": {"id": "x"}}), "array-expected Communication.instantiatesUri")]
#[case::extension_without_url(json!({"extension": [{"valueString": "x"}]}), "missing-element Communication.extension[0].url")]
#[case::extension_without_value(json!({"extension": [{"url": "http://x"}]}), "ext-1 Communication.extension[0]")]
#[case::extension_with_both(json!({"extension": [{"url": "http://x", "valueString": "x", "extension": [{"url": "y", "valueString": "z"}]}]}), "ext-1 Communication.extension[0]")]
#[case::contained_type(json!({"contained": [{"resourceType": "Patience", "id": "p"}], "subject": {"reference": "#p"}}), "unknown-resource-type Communication.contained[0].resourceType")]
#[case::nested_contained(json!({"contained": [{"resourceType": "Patient", "id": "p", "contained": [{"resourceType": "Patient", "id": "q"}]}], "subject": {"reference": "#p"}}), "dom-2 Communication.contained[0]")]
fn invalid(#[case] more: Value, #[case] expected: &str) {
    let found = found(&communication(more));
    let [only, ..] = &*found else {
        panic!("nothing found, expected {expected}")
    };
    assert!(
        found.iter().any(|f| f == expected),
        "{expected} not in {found:?}"
    );
    assert!(
        found.len() == 1 || only.contains("wrong-target"),
        "{found:?}"
    );
}

#[rstest]
#[case(json!("x"), "not-an-object ")]
#[case(json!({}), "missing-resource-type ")]
#[case(json!({"resourceType": 1}), "missing-resource-type ")]
#[case(json!({"resourceType": "Resource"}), "unknown-resource-type Resource.resourceType")]
#[case(json!({"resourceType": "Communication"}), "missing-element Communication.status")]
fn not_a_resource(#[case] resource: Value, #[case] expected: &str) {
    assert_eq!(found(&resource), [expected]);
}

#[test]
fn places_and_advice() {
    let findings = validate(&communication(json!({"a/b~c": 1, "recipent": 2})));
    let [pointer, near] = &*findings else {
        panic!("{findings:?}")
    };
    assert_eq!(pointer.pointer, "/a~1b~0c");
    assert_eq!(pointer.expression, "Communication.`a/b~c`");
    assert_eq!(near.help.as_deref(), Some("did you mean `recipient`?"));

    let findings = validate(&communication(json!({"payload": [{"content": "x"}]})));
    let help = findings.first().and_then(|f| f.help.as_deref());
    let expected =
        "the name ends in the type: `contentString`, `contentAttachment`, `contentReference`";
    assert_eq!(help, Some(expected));
}

#[test]
fn entries_of_a_bundle_are_resources() {
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [{"resource": {"resourceType": "Communication"}}]});
    assert_eq!(
        found(&bundle),
        ["missing-element Bundle.entry[0].resource.status"]
    );
}

#[test]
fn medplum_types_are_known() {
    let policy = json!({"resourceType": "AccessPolicy", "name": "p", "basedOn": [{"reference": "AccessPolicy/1"}],
        "resource": [{"resourceType": "Communication", "interaction": ["read", "patch"], "criteria": "Communication?x=y"}]});
    assert_eq!(
        found(&policy),
        ["unknown-code AccessPolicy.resource[0].interaction[1]"]
    );
}

#[test]
fn depth_and_number_of_findings_are_limited() {
    let mut item = json!({"linkId": "x", "type": "string"});
    for n in 0..100 {
        item = json!({"linkId": format!("x{n}"), "type": "group", "item": [item]});
    }
    let deep = json!({"resourceType": "Questionnaire", "status": "draft", "item": [item]});
    let codes: Vec<_> = validate(&deep).into_iter().map(|f| f.code).collect();
    assert_eq!(codes, ["too-deep"]);

    let many = vec![json!({"reference": "x"}); MAX_FINDINGS + 7];
    let findings = validate(&communication(json!({"recipient": many})));
    assert_eq!(findings.len(), MAX_FINDINGS + 1);
    let last = findings.last().map(|f| &*f.message);
    assert_eq!(last, Some("7 more findings are not listed"));
}
