//! `Attachment.url`: stored as `Binary/{id}`, shown as a URL that opens.

use fhirward_spec::{TypeDef, spec};
use serde_json::Value;

/// Replaces the URLs of the attachments of a resource, wherever one stands in it: in its own
/// elements, in extensions, in contained resources, in the entries of a Bundle. No other element
/// is touched, whatever text it has.
pub(crate) fn rewrite(resource: &mut Value, new: &mut dyn FnMut(&str) -> Option<String>) {
    // Nearly no resource has one, and to look for the name is much cheaper than for the type.
    if has_url(resource) {
        in_resource(resource, new);
    }
}

fn has_url(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| match member {
            Value::String(_) => name == "url",
            member => has_url(member),
        }),
        Value::Array(items) => items.iter().any(has_url),
        _ => false,
    }
}

fn in_resource(value: &mut Value, new: &mut dyn FnMut(&str) -> Option<String>) {
    let definition = value
        .get("resourceType")
        .and_then(Value::as_str)
        .and_then(|name| spec().resource(name));
    if let Some(definition) = definition {
        in_type(value, definition, new);
    }
}

fn in_type(value: &mut Value, definition: &TypeDef, new: &mut dyn FnMut(&str) -> Option<String>) {
    let Some(members) = value.as_object_mut() else {
        return;
    };
    for (name, member) in members.iter_mut() {
        // The sibling of a primitive holds its extensions.
        let code = match name.strip_prefix('_') {
            Some(_) => "Element",
            None => match definition.element(name) {
                Some((_, element_type)) => &*element_type.code,
                None => continue,
            },
        };
        match member {
            Value::Array(items) => {
                for item in items {
                    in_element(item, code, new);
                }
            }
            member => in_element(member, code, new),
        }
    }
}

fn in_element(value: &mut Value, code: &str, new: &mut dyn FnMut(&str) -> Option<String>) {
    if !value.is_object() {
        return;
    }
    if code == "Attachment"
        && let Some(Value::String(url)) = value.get_mut("url")
        && let Some(changed) = new(url)
    {
        *url = changed;
    }
    if code == "Resource" {
        in_resource(value, new);
    } else if let Some(definition) = spec().type_def(code) {
        in_type(value, definition, new);
    }
}

/// The id of the Binary that a URL leads to: `Binary/{id}`, the same on this server's FHIR base,
/// or a URL of this server's storage. `fhir_base` and `storage` end with a slash.
pub(crate) fn binary_id<'u>(url: &'u str, fhir_base: &str, storage: &str) -> Option<&'u str> {
    let id = if let Some(rest) = url.strip_prefix(storage) {
        let (id, rest) = rest.split_once('/')?;
        // The version and the signature follow.
        let version = rest.split('?').next().unwrap_or_default();
        (!version.is_empty() && !version.contains('/')).then_some(id)?
    } else {
        url.strip_prefix(fhir_base)
            .unwrap_or(url)
            .strip_prefix("Binary/")?
    };
    crate::app::is_id(id).then_some(id)
}

/// How an attachment of a stored Binary is stored, however it was written.
pub(crate) fn normal(url: &str, fhir_base: &str, storage: &str) -> Option<String> {
    binary_id(url, fhir_base, storage)
        .map(|id| format!("Binary/{id}"))
        .filter(|normal| normal != url)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const FHIR: &str = "http://h/fhir/R4/";
    const STORAGE: &str = "http://h/storage/";

    #[rstest]
    #[case::relative("Binary/a", Some("a"))]
    #[case::absolute("http://h/fhir/R4/Binary/a", Some("a"))]
    #[case::signed("http://h/storage/a/v?Expires=1&Signature=x", Some("a"))]
    #[case::signed_without_version("http://h/storage/a", None)]
    #[case::other_path("http://h/storage/a/v/w", None)]
    #[case::other_server("http://elsewhere/fhir/R4/Binary/a", None)]
    #[case::other_type("Patient/a", None)]
    #[case::version("Binary/a/_history/1", None)]
    #[case::no_id("Binary/", None)]
    #[case::odd_id("Binary/a b", None)]
    fn urls(#[case] url: &str, #[case] expected: Option<&str>) {
        assert_eq!(binary_id(url, FHIR, STORAGE), expected);
    }

    /// Every place of an attachment, and some of other URLs with the same text.
    #[test]
    fn attachments_are_rewritten_and_nothing_else_is() {
        let url = "Binary/a";
        let mut resource = json!({
            "resourceType": "Bundle",
            "entry": [{
                "request": { "method": "GET", "url": url },
                "resource": {
                    "resourceType": "Communication",
                    "status": "completed",
                    "_status": { "extension": [{ "url": url, "valueAttachment": { "url": url } }] },
                    "contained": [{
                        "resourceType": "DocumentReference",
                        "content": [{ "attachment": { "url": url } }],
                    }],
                    "payload": [
                        { "contentString": url },
                        { "contentAttachment": { "url": url, "title": url } },
                    ],
                },
            }],
        });
        let before = resource.clone();
        rewrite(&mut resource, &mut |url| Some(format!("new {url}")));
        let entry = &resource["entry"][0]["resource"];
        for place in [
            "/_status/extension/0/valueAttachment/url",
            "/contained/0/content/0/attachment/url",
            "/payload/1/contentAttachment/url",
        ] {
            assert_eq!(
                entry.pointer(place),
                Some(&json!("new Binary/a")),
                "{place}"
            );
        }
        rewrite(&mut resource, &mut |url| {
            url.strip_prefix("new ").map(str::to_owned)
        });
        assert_eq!(resource, before);
    }
}
