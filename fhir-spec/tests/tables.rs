//! The element tables, compartments and lists, spot-checked against the published pages of R4.

use fhirward_spec::{Element, ElementType, Origin, ParamType, Spec, TypeKind, spec};
use rstest::rstest;

#[expect(clippy::unwrap_used, clippy::panic, reason = "only called by tests")]
fn find(type_name: &str, json_name: &str) -> (&'static Element, &'static ElementType) {
    let found = spec().type_def(type_name).unwrap().element(json_name);
    found.unwrap_or_else(|| panic!("no {type_name}.{json_name}"))
}

#[test]
fn the_embedded_data_is_good() {
    Spec::verify().unwrap();
}

#[test]
fn counts() {
    let of = |origin| {
        let named = spec().resource_types().map(|n| spec().resource(n).unwrap());
        named.filter(|t| t.origin == origin).count()
    };
    assert_eq!(of(Origin::R4), 146);
    assert_eq!(of(Origin::Medplum), 10);
    let types = |kind| spec().type_defs().filter(|t| t.kind == kind).count();
    assert_eq!(types(TypeKind::Primitive), 20);
    assert_eq!(spec().compartments().count(), 5);
}

/// Every parameter of R4's concrete types, once for each type that has it.
#[test]
fn parameters_per_type() {
    let mut r4 = 0;
    for name in spec().resource_types() {
        let own = spec()
            .search_params(name)
            .filter(|p| p.origin == Origin::R4);
        r4 += own.filter(|p| !p.code.starts_with('_')).count();
    }
    assert_eq!(r4, 1697);
}

#[rstest]
#[case("Resource")]
#[case("DomainResource")]
fn abstract_types_are_types_but_no_resources(#[case] name: &str) {
    assert!(spec().type_def(name).unwrap().is_abstract);
    assert!(spec().resource(name).is_none());
    assert!(spec().resource_types().all(|n| n != name));
    assert!(spec().search_param(name, "_id").is_none());
}

#[rstest]
#[case("Communication", "status", 1, Some(1), "code")]
#[case("Communication", "id", 0, Some(1), "id")]
#[case("Communication", "payload", 0, None, "Communication.payload")]
#[case("Communication", "partOf", 0, None, "Reference")]
#[case("Communication", "sent", 0, Some(1), "dateTime")]
#[case("Communication", "text", 0, Some(1), "Narrative")]
#[case("Communication", "contained", 0, None, "Resource")]
#[case("Communication.payload", "contentString", 1, Some(1), "string")]
#[case("Communication.payload", "contentReference", 1, Some(1), "Reference")]
#[case("Communication.payload", "modifierExtension", 0, None, "Extension")]
#[case(
    "Observation.component",
    "referenceRange",
    0,
    None,
    "Observation.referenceRange"
)]
#[case("Bundle", "type", 1, Some(1), "code")]
#[case("Bundle.entry", "resource", 0, Some(1), "Resource")]
#[case("Timing.repeat", "boundsPeriod", 0, Some(1), "Period")]
#[case("Age", "value", 0, Some(1), "decimal")]
#[case("code", "extension", 0, None, "Extension")]
#[case("Extension", "valueUuid", 0, Some(1), "uuid")]
#[case("Extension", "id", 0, Some(1), "string")]
#[case("AccessPolicy", "resource", 0, None, "AccessPolicy.resource")]
#[case("AccessPolicy", "basedOn", 0, None, "Reference")]
#[case("AccessPolicy", "text", 0, Some(1), "Narrative")]
#[case("AccessPolicy.resource", "writeConstraint", 0, None, "Expression")]
#[case("AccessPolicy.resource", "resourceType", 1, Some(1), "string")]
#[case(
    "ProjectMembership.access.parameter",
    "valueReference",
    1,
    Some(1),
    "Reference"
)]
#[case("Meta", "compartment", 0, None, "Reference")]
fn elements(
    #[case] type_name: &str,
    #[case] json_name: &str,
    #[case] min: u32,
    #[case] max: Option<u32>,
    #[case] code: &str,
) {
    let (element, element_type) = find(type_name, json_name);
    assert_eq!(
        (element.min, element.max, &*element_type.code),
        (min, max, code)
    );
}

#[rstest]
#[case("Communication", "_status")]
#[case("Communication", "resourceType")]
#[case("Communication.payload", "content")]
#[case("Communication.payload", "contentInteger")]
#[case("Observation", "valuestring")]
fn no_elements(#[case] type_name: &str, #[case] json_name: &str) {
    assert!(
        spec()
            .type_def(type_name)
            .unwrap()
            .element(json_name)
            .is_none()
    );
}

#[test]
fn a_choice_has_its_types() {
    let (content, _) = find("Communication.payload", "contentString");
    let names: Vec<String> = content.json_names().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["contentString", "contentAttachment", "contentReference"]
    );
}

#[test]
fn targets_of_a_recipient() {
    let (_, reference) = find("Communication", "recipient");
    let targets: Vec<&str> = reference.targets.iter().map(|t| &**t).collect();
    let expected = [
        "Device",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "RelatedPerson",
        "Group",
        "CareTeam",
        "HealthcareService",
    ];
    assert_eq!(targets, expected);
}

#[rstest]
#[case("Communication", "status", &["preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"])]
#[case("Identifier", "use", &["usual", "official", "temp", "secondary", "old"])]
#[case("Subscription.channel", "type", &["rest-hook", "websocket", "email", "sms", "message"])]
#[case("AccessPolicy.resource", "interaction", &["create", "read", "update", "delete", "search", "history", "vread"])]
fn required_codes(#[case] type_name: &str, #[case] name: &str, #[case] expected: &[&str]) {
    let codes = find(type_name, name).0.required_codes.unwrap();
    assert_eq!(codes.iter().map(|c| &**c).collect::<Vec<_>>(), expected);
}

#[rstest]
#[case("Communication", "category")]
#[case("Attachment", "contentType")]
#[case("Communication", "language")]
fn open_codes(#[case] type_name: &str, #[case] name: &str) {
    assert!(find(type_name, name).0.required_codes.is_none());
}

#[rstest]
#[case("Binary", "url")]
#[case("DeviceDefinition", "bodySite")]
#[case("DeviceDefinition", "classification")]
#[case("Meta", "project")]
#[case("Meta", "author")]
#[case("ObservationDefinition", "publisher")]
fn additions_are_marked(#[case] type_name: &str, #[case] name: &str) {
    assert_eq!(find(type_name, name).0.origin, Origin::Medplum);
    let marked = |t: &str| {
        let elements = &spec().type_def(t).unwrap().elements;
        elements
            .iter()
            .filter(|e| e.origin == Origin::Medplum)
            .count()
    };
    assert_eq!(marked("Patient"), 0);
}

#[rstest]
#[case("_id", ParamType::Token)]
#[case("_lastUpdated", ParamType::Date)]
#[case("_tag", ParamType::Token)]
#[case("_security", ParamType::Token)]
#[case("_profile", ParamType::Uri)]
#[case("_source", ParamType::Uri)]
#[case("_compartment", ParamType::Reference)]
#[case("_content", ParamType::Special)]
fn universal_parameters(#[case] code: &str, #[case] param_type: ParamType) {
    for name in ["Communication", "Binary", "AccessPolicy", "Bundle"] {
        let param = spec().search_param(name, code).unwrap();
        assert_eq!(param.param_type, param_type);
    }
}

#[rstest]
#[case("Patient", &["subject", "sender", "recipient"])]
#[case("Practitioner", &["sender", "recipient"])]
#[case("RelatedPerson", &["sender", "recipient"])]
#[case("Device", &["sender", "recipient"])]
#[case("Encounter", &["encounter"])]
fn compartments_of_communication(#[case] name: &str, #[case] expected: &[&str]) {
    let params = spec().compartment(name).unwrap().params("Communication");
    assert_eq!(params.iter().map(|p| &**p).collect::<Vec<_>>(), expected);
}

#[test]
fn a_compartment_names_known_parameters() {
    for compartment in spec().compartments() {
        assert!(compartment.params("Location").is_empty() || &*compartment.name != "Patient");
        for resource_type in compartment.resource_types() {
            for code in compartment.params(resource_type) {
                let known = spec().search_param(resource_type, code).is_some();
                assert!(known, "{} {resource_type}?{code}", compartment.name);
            }
        }
    }
}
