//! A resource with fewer elements, and the tag that says so.
//! Source: <http://hl7.org/fhir/R4/search.html#summary>.

use std::collections::HashMap;
use std::sync::LazyLock;

use fhirward_spec::{TypeDef, spec};
use serde_json::{Map, Value, json};

/// Which elements are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subset {
    /// Those that R4 marks as summary, at every level.
    Summary,
    /// `text`, `id`, `meta` and what is mandatory.
    Text,
    /// All but `text`.
    Data,
    /// These of the top level, and what is mandatory.
    Elements(Vec<String>),
}

/// What every version of a resource has.
const ALWAYS: [&str; 4] = ["resourceType", "id", "meta", "implicitRules"];

/// The summary elements by type. Source: the file says.
static SUMMARY: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let rows = include_str!("summary.txt").lines();
    rows.filter(|row| !row.starts_with('#'))
        .filter_map(|row| row.split_once(':'))
        .map(|(name, elements)| (name, elements.split_whitespace().collect()))
        .collect()
});

/// Leaves the elements of the subset, and tags the resource as `SUBSETTED`, so that nobody takes
/// it for the whole. A resource of which nothing is known stays as it is.
pub(crate) fn apply(subset: &Subset, resource: &mut Value) {
    let Some(of_type) = spec().type_of(resource) else {
        return;
    };
    let Value::Object(members) = resource else {
        return;
    };
    match subset {
        Subset::Data => {
            members.shift_remove("text");
        }
        Subset::Text => keep(members, of_type, |name| name == "text"),
        Subset::Elements(names) => keep(members, of_type, |name| {
            let element = of_type.element(name).map(|(element, _)| &*element.name);
            names
                .iter()
                .any(|asked| asked == name || Some(&**asked) == element)
        }),
        Subset::Summary => summarize(members, of_type),
    }
    tag(members);
}

/// The element that a JSON name belongs to: `_status` goes with `status`.
fn plain(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

fn is_mandatory(of_type: &TypeDef, name: &str) -> bool {
    of_type
        .element(name)
        .is_some_and(|(element, _)| element.min > 0)
}

fn keep(members: &mut Map<String, Value>, of_type: &TypeDef, wanted: impl Fn(&str) -> bool) {
    members.retain(|name, _| {
        let name = plain(name);
        ALWAYS.contains(&name) || wanted(name) || is_mandatory(of_type, name)
    });
}

/// Leaves the summary elements of an object and, inside them, of its elements.
fn summarize(members: &mut Map<String, Value>, of_type: &'static TypeDef) {
    if let Some(listed) = SUMMARY.get(&*of_type.name) {
        members.retain(|name, _| {
            let name = plain(name);
            let element = of_type.element(name).map(|(element, _)| &*element.name);
            ALWAYS.contains(&name)
                || matches!(name, "extension" | "modifierExtension")
                    && of_type.kind != fhirward_spec::TypeKind::Resource
                || name == "modifierExtension"
                || element.is_some_and(|element| listed.contains(&element))
                || is_mandatory(of_type, name)
        });
    } else if of_type.kind == fhirward_spec::TypeKind::Resource {
        // R4 marks nothing in a type that is not R4's own: what is there is the summary.
        members.shift_remove("text");
        return;
    }
    for (name, value) in members.iter_mut() {
        let Some((_, element_type)) = of_type.element(name) else {
            continue;
        };
        let Some(inner) = spec().type_def(&element_type.code) else {
            continue;
        };
        if inner.kind == fhirward_spec::TypeKind::Primitive {
            continue;
        }
        match value {
            Value::Object(members) => summarize(members, inner),
            Value::Array(items) => {
                for item in items.iter_mut().filter_map(Value::as_object_mut) {
                    summarize(item, inner);
                }
            }
            _ => {}
        }
    }
}

const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
const CODE: &str = "SUBSETTED";

/// Whether a resource says of itself that it is a part only.
pub(crate) fn is_tagged(members: &Map<String, Value>) -> bool {
    let tags = members.get("meta").and_then(|meta| meta.get("tag"));
    let mut listed = tags.and_then(Value::as_array).into_iter().flatten();
    let is = |tag: &Value, name: &str, text: &str| tag.get(name).is_some_and(|t| t == text);
    listed.any(|tag| is(tag, "system", SYSTEM) && is(tag, "code", CODE))
}

fn tag(members: &mut Map<String, Value>) {
    let tag = json!({ "system": SYSTEM, "code": CODE });
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    let Some(meta) = meta.as_object_mut() else {
        return;
    };
    match meta.entry("tag").or_insert_with(|| json!([])) {
        Value::Array(tags) if !tags.contains(&tag) => tags.push(tag),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn communication() -> Value {
        json!({
            "resourceType": "Communication", "id": "a",
            "meta": {"versionId": "1"},
            "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">t</div>"},
            "identifier": [{"system": "urn:s", "value": "v", "extension": [{"url": "urn:x", "valueCode": "y"}]}],
            "status": "completed",
            "_status": {"id": "s"},
            "sender": {"reference": "Practitioner/p"},
            "payload": [{"contentString": "words"}],
        })
    }

    #[rstest]
    #[case::summary(Subset::Summary, &["resourceType", "id", "meta", "identifier", "status", "_status"])]
    #[case::text(Subset::Text, &["resourceType", "id", "meta", "text", "status", "_status"])]
    #[case::data(Subset::Data, &["resourceType", "id", "meta", "identifier", "status", "_status", "sender", "payload"])]
    #[case::elements(Subset::Elements(vec!["sender".into()]), &["resourceType", "id", "meta", "status", "_status", "sender"])]
    fn what_is_left(#[case] subset: Subset, #[case] names: &[&str]) {
        let mut resource = communication();
        apply(&subset, &mut resource);
        let left: Vec<_> = resource
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(left, names);
        assert_eq!(resource["meta"]["versionId"], "1");
        assert_eq!(resource["meta"]["tag"][0]["code"], "SUBSETTED");
        let once = resource.clone();
        apply(&subset, &mut resource);
        assert_eq!(resource, once, "again changes nothing");
    }

    #[test]
    fn a_choice_is_asked_for_by_its_name_with_and_without_the_type() {
        for name in ["value", "valueString"] {
            let mut resource = json!({
                "resourceType": "Observation", "status": "final", "code": {"text": "c"},
                "valueString": "v", "issued": "2026-01-01T00:00:00Z",
            });
            apply(&Subset::Elements(vec![name.into()]), &mut resource);
            assert_eq!(resource["valueString"], "v", "{name}");
            assert!(resource.get("issued").is_none());
            assert!(resource["code"].is_object(), "mandatory");
        }
    }

    #[test]
    fn a_summary_goes_into_the_elements() {
        let mut resource = json!({
            "resourceType": "Observation", "status": "final", "code": {"text": "c"},
            "component": [{"code": {"text": "d"}, "valueString": "v", "interpretation": [{"text": "i"}]}],
        });
        apply(&Subset::Summary, &mut resource);
        assert_eq!(
            resource["component"],
            json!([{"code": {"text": "d"}, "valueString": "v"}])
        );
    }

    /// Every name of the table is one of R4's, so that none is kept in vain.
    #[test]
    fn the_table_names_elements_that_there_are() {
        assert!(SUMMARY.len() > 300);
        for (name, elements) in SUMMARY.iter() {
            let of_type = spec()
                .type_def(name)
                .unwrap_or_else(|| panic!("no type {name}"));
            for element in elements {
                assert!(of_type.element_named(element).is_some(), "{name}.{element}");
            }
        }
    }
}
