//! The text of references.

use fhirward_spec::spec;

use super::primitive::is_id;

/// What the text of a reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Literal<'r> {
    /// `Type/id`, perhaps after a base URL and before a version.
    Resource {
        /// The target's type.
        type_name: &'r str,
        /// The target's id.
        id: &'r str,
    },
    /// `#id`: a contained resource; `#` alone: the container.
    Fragment(&'r str),
    /// `Type?query`: to be resolved when it is written.
    Conditional(&'r str),
    /// `urn:uuid:…` or `urn:oid:…`.
    Urn,
    /// An absolute URL that does not end in `Type/id`.
    OtherUrl,
    /// None of these.
    Malformed,
}

/// Reads the text of a `Reference.reference`.
pub(crate) fn literal(text: &str) -> Literal<'_> {
    // What nearly all are. Neither part may hold what the other forms begin with or contain.
    if let Some((type_name, id)) = text.split_once('/')
        && is_type_name(type_name)
        && is_id(id)
    {
        return Literal::Resource { type_name, id };
    }
    if let Some(id) = text.strip_prefix('#') {
        return if id.is_empty() || is_id(id) {
            Literal::Fragment(id)
        } else {
            Literal::Malformed
        };
    }
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Literal::Malformed;
    }
    if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
        return Literal::Urn;
    }
    if let Some((type_name, _)) = text.split_once('?') {
        return if is_type_name(type_name) {
            Literal::Conditional(type_name)
        } else {
            absolute_or_malformed(text)
        };
    }
    let current = match text.split_once("/_history/") {
        Some((current, version)) if is_id(version) => current,
        Some(_) => return Literal::Malformed,
        None => text,
    };
    let mut segments = current.rsplit('/');
    let (id, type_name) = (segments.next(), segments.next());
    let is_relative = segments.next().is_none();
    match (type_name, id) {
        (Some(type_name), Some(id)) if is_type_name(type_name) && is_id(id) => {
            if is_relative || is_absolute(text) {
                Literal::Resource { type_name, id }
            } else {
                Literal::Malformed
            }
        }
        _ => absolute_or_malformed(text),
    }
}

fn absolute_or_malformed(text: &str) -> Literal<'_> {
    if is_absolute(text) {
        Literal::OtherUrl
    } else {
        Literal::Malformed
    }
}

fn is_absolute(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty()
    })
}

/// A name in the form of a type's, known or not.
fn is_type_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether there is a resource type of this name.
pub(super) fn is_known_type(name: &str) -> bool {
    spec().resource(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Literal, literal};
    use rstest::rstest;

    const PATIENT: Literal<'_> = Literal::Resource {
        type_name: "Patient",
        id: "1",
    };

    #[rstest]
    #[case("Patient/1", PATIENT)]
    #[case("Patient/1/_history/2", PATIENT)]
    #[case("https://host/fhir/R4/Patient/1", PATIENT)]
    #[case("#p1", Literal::Fragment("p1"))]
    #[case("#", Literal::Fragment(""))]
    #[case("Patient?identifier=a|b", Literal::Conditional("Patient"))]
    #[case("urn:uuid:x", Literal::Urn)]
    #[case("https://host/page", Literal::OtherUrl)]
    #[case("https://host/page?x=1", Literal::OtherUrl)]
    #[case("Patient", Literal::Malformed)]
    #[case("Patient/", Literal::Malformed)]
    #[case("patient/1", Literal::Malformed)]
    #[case("/Patient/1", Literal::Malformed)]
    #[case("fhir/Patient/1", Literal::Malformed)]
    #[case("Patient/a_b", Literal::Malformed)]
    #[case("Patient/1/_history/", Literal::Malformed)]
    #[case("Patient/1 ", Literal::Malformed)]
    #[case("", Literal::Malformed)]
    fn literals(#[case] text: &str, #[case] expected: Literal<'_>) {
        assert_eq!(literal(text), expected);
    }
}
