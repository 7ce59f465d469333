//! What a reference says about the type of its target.

use serde_json::Value;

use crate::program::member;

/// The resource type that a `Reference` points at, by its text alone.
///
/// `Patient/1`, `https://host/fhir/Patient/1` and both with `/_history/2` say `Patient`. Where the
/// text says nothing (`#contained`, `urn:uuid:…`, only an identifier), `Reference.type` does.
///
/// ```
/// use serde_json::json;
///
/// let absolute = json!({ "reference": "https://host/fhir/Patient/1/_history/2" });
/// assert_eq!(fhirward_spec::reference_type(&absolute), Some("Patient"));
///
/// let logical = json!({ "type": "Patient", "identifier": { "value": "12" } });
/// assert_eq!(fhirward_spec::reference_type(&logical), Some("Patient"));
/// ```
pub fn reference_type(reference: &Value) -> Option<&str> {
    member(reference, "reference")
        .and_then(Value::as_str)
        .and_then(literal_type)
        .or_else(|| member(reference, "type").and_then(Value::as_str))
}

fn literal_type(text: &str) -> Option<&str> {
    let text = match text.split_once("/_history/") {
        Some((before, _)) => before,
        None => text,
    };
    let (rest, id) = text.rsplit_once('/')?;
    let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
    let is_type_name = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    let is_id = !id.is_empty() && !id.contains(['?', '#']);
    (is_type_name && is_id).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::literal_type;

    #[test]
    fn types_of_literals() {
        assert_eq!(literal_type("Patient/1"), Some("Patient"));
        assert_eq!(literal_type("http://h/Patient/1"), Some("Patient"));
        assert_eq!(literal_type("Patient/1/_history/3"), Some("Patient"));
        assert_eq!(literal_type("#p"), None);
        assert_eq!(
            literal_type("urn:uuid:00000000-0000-0000-0000-000000000000"),
            None
        );
        assert_eq!(literal_type("Patient?identifier=a/b"), None);
        assert_eq!(literal_type("Patient/"), None);
        assert_eq!(literal_type("Patient"), None);
    }
}
