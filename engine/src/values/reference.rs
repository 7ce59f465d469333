//! References: which resource an element points at.

use fhirward_spec::{Extracted, member};
use serde_json::Value;

use super::{BadValue, base};

/// Characters that an id may have.
pub(crate) const MAX_ID: usize = 64;

/// What stands before the version that a reference is to.
const VERSION: &str = "/_history/";

/// What a filter asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferencePattern {
    /// `Type/id`, the only form without doubt.
    Literal(Box<str>),
    /// An absolute URL of another server, or a canonical.
    Absolute(Box<str>),
}

impl ReferencePattern {
    /// Reads `Type/id`, an absolute URL, or, where the parameter has one target type, a bare id.
    /// `base` is the FHIR base of this server.
    ///
    /// # Errors
    /// A text of another form, with the forms that are allowed.
    pub fn parse(text: &str, targets: &[Box<str>], base: Option<&str>) -> Result<Self, BadValue> {
        if let Some(local) = local(text, base) {
            return Ok(Self::Literal(local.into()));
        }
        if text.contains(':') {
            return Ok(Self::Absolute(text.into()));
        }
        let slashes = text.matches('/').count();
        if slashes == 0 {
            return match targets {
                [only] => Ok(Self::Literal(format!("{only}/{text}").into())),
                _ => Err(BadValue::new(
                    "is an id without a type, and the parameter has several target types",
                    match targets.first() {
                        Some(first) => format!("write `{first}/{text}`, or another of its types"),
                        None => format!("write `Type/{text}`"),
                    },
                )),
            };
        }
        let help = match text.rsplitn(3, '/').collect::<Vec<_>>().as_slice() {
            [id, kind, ..] if fhirward_spec::spec().resource(kind).is_some() => {
                format!("write `{kind}/{id}`")
            }
            _ => "a reference is `Type/id`".to_owned(),
        };
        Err(BadValue::new("is no reference", help))
    }

    /// Whether an element points there. A reference with only a display or an identifier points
    /// nowhere.
    #[inline]
    pub fn matches(&self, element: Extracted<'_>, base: Option<&str>) -> bool {
        let Some(stored) = target(element.value) else {
            return false;
        };
        match self {
            Self::Literal(wanted) => is_to(stored, wanted, base) && is_local(wanted),
            Self::Absolute(wanted) => {
                let unversioned = || stored.split_once('|').map(|(url, _)| url);
                stored == &**wanted
                    || (!wanted.contains('|')
                        && element.data_type == "canonical"
                        && unversioned() == Some(wanted))
            }
        }
    }
}

/// Whether a reference as it is written points at `local`, which [`is_local`].
#[inline]
pub(crate) fn is_to(stored: &str, local: &str, base: Option<&str>) -> bool {
    let relative = relative(stored, base);
    if relative.len() == local.len() {
        return relative == local;
    }
    // Nothing but its version may follow.
    relative.len() >= local.len() + VERSION.len()
        && relative.starts_with(local)
        && self::local(relative, None) == Some(local)
}

/// Whether a text is `Type/id`, and nothing else.
pub(crate) fn is_local(text: &str) -> bool {
    local(text, None) == Some(text)
}

/// Where a reference or canonical points, as it is written. `None` for a reference without
/// target.
#[inline]
pub(crate) fn target(element: &Value) -> Option<&str> {
    match element {
        Value::String(text) => Some(text),
        value => member(value, "reference").and_then(Value::as_str),
    }
}

/// The `Type/id` of a reference to a resource of this server, whatever form it has: relative,
/// absolute on `base`, with or without `/_history/version`.
pub fn local<'t>(text: &'t str, base: Option<&str>) -> Option<&'t str> {
    let relative = relative(text, base);
    let bytes = relative.as_bytes();
    let slash = bytes.iter().position(|b| !is_of_type(*b))?;
    let is_type = bytes.first().is_some_and(u8::is_ascii_uppercase);
    if !is_type || bytes.get(slash) != Some(&b'/') {
        return None;
    }
    let after = bytes.get(slash + 1..)?;
    let length = after
        .iter()
        .position(|b| !is_of_id(*b))
        .unwrap_or(after.len());
    if !(1..=MAX_ID).contains(&length) {
        return None;
    }
    let end = slash + 1 + length;
    let rest = relative.get(end..)?;
    // `Type/_history/…` is the history of a type, not a version of a resource.
    let is_version = rest.starts_with(VERSION) && after.get(..length) != Some(b"_history");
    (rest.is_empty() || is_version)
        .then(|| relative.get(..end))
        .flatten()
}

/// A reference without the base of this server, if it has it.
#[inline]
fn relative<'t>(text: &'t str, base: Option<&str>) -> &'t str {
    match base {
        Some(base) => base::below(text, base).unwrap_or(text),
        None => text,
    }
}

/// Whether the text can be the id of a resource. Medplum's ids may have an underscore.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_of_id)
}

#[inline]
fn is_of_type(byte: u8) -> bool {
    USES.get(usize::from(byte)) == Some(&Use::TypeOrId)
}

#[inline]
fn is_of_id(byte: u8) -> bool {
    USES.get(usize::from(byte)) != Some(&Use::Neither)
}

/// What of a reference a byte can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Neither,
    Id,
    TypeOrId,
}

/// Looked up, because every byte of every reference is asked for.
const USES: [Use; 256] = {
    let mut uses = [Use::Neither; 256];
    let mut rest: &mut [Use] = &mut uses;
    let mut byte = 0_u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Use::TypeOrId,
            b'-' | b'.' | b'_' => Use::Id,
            _ => Use::Neither,
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    uses
};

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const BASE: Option<&str> = Some("https://h/fhir/R4/");

    #[rstest]
    #[case::same("Patient/a", json!({"reference": "Patient/a"}), true)]
    #[case::other("Patient/a", json!({"reference": "Patient/b"}), false)]
    #[case::case_counts("Patient/a", json!({"reference": "patient/a"}), false)]
    #[case::stored_absolute("Patient/a", json!({"reference": "https://h/fhir/R4/Patient/a"}), true)]
    #[case::stored_elsewhere("Patient/a", json!({"reference": "https://x/fhir/R4/Patient/a"}), false)]
    #[case::stored_version("Patient/a", json!({"reference": "Patient/a/_history/3"}), true)]
    #[case::asked_absolute("https://h/fhir/R4/Patient/a", json!({"reference": "Patient/a"}), true)]
    #[case::display_only("Patient/a", json!({"display": "Patient/a"}), false)]
    #[case::identifier_only("Patient/a", json!({"identifier": {"value": "Patient/a"}}), false)]
    #[case::longer_id("Patient/a", json!({"reference": "Patient/ab"}), false)]
    #[case::elsewhere("https://x/Patient/a", json!({"reference": "https://x/Patient/a"}), true)]
    fn r6_reference(#[case] asked: &str, #[case] stored: Value, #[case] expected: bool) {
        let pattern = ReferencePattern::parse(asked, &[], BASE).unwrap();
        let element = Extracted {
            value: &stored,
            data_type: "Reference",
        };
        assert_eq!(pattern.matches(element, BASE), expected);
    }

    #[test]
    fn a_bare_id_needs_one_target_type() {
        let one: [Box<str>; 1] = ["Patient".into()];
        let two: [Box<str>; 2] = ["Patient".into(), "Group".into()];
        assert_eq!(
            ReferencePattern::parse("a", &one, None),
            Ok(ReferencePattern::Literal("Patient/a".into()))
        );
        assert!(ReferencePattern::parse("a", &two, None).is_err());
    }

    /// The same as [`local`], a rule at a time.
    fn local_by_rules(text: &str) -> Option<&str> {
        let text = match text.find("/_history/") {
            Some(at) => text.get(..at)?,
            None => text,
        };
        let (kind, id) = text.split_once('/')?;
        let is_type = kind.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.chars().all(|c| c.is_ascii_alphanumeric());
        let is_id = (1..=64).contains(&id.len())
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        (is_type && is_id).then_some(text)
    }

    proptest::proptest! {
        #[test]
        fn local_follows_its_rules(
            text in "([A-Za-z1é]{0,3}/?(_history|[a-z.é-]{0,2}|i{63,66})/?){0,3}(/_history/[1/]?)?"
        ) {
            proptest::prop_assert_eq!(local(&text, None), local_by_rules(&text));
        }

        /// The quick question is answered as by taking the reference apart.
        #[test]
        fn is_to_follows_local(
            wanted in "P/[ab]{1,2}",
            before in "(https://h/fhir/R4/)?",
            after in "([ab/]|/_history/|/_history)?[a1]?",
            other in "(P/[ab]{1,3})?",
        ) {
            for stored in [format!("{before}{wanted}{after}"), format!("{before}{other}{after}")] {
                for base in [None, BASE] {
                    let expected = local(&stored, base) == Some(&wanted);
                    proptest::prop_assert_eq!(is_to(&stored, &wanted, base), expected, "{}", stored);
                }
            }
        }
    }

    #[test]
    fn canonicals_match_with_any_version() {
        let pattern = ReferencePattern::parse("http://x/q", &[], None).unwrap();
        let stored = json!("http://x/q|1.0");
        let element = |data_type| Extracted {
            value: &stored,
            data_type,
        };
        assert!(pattern.matches(element("canonical"), None));
        assert!(!pattern.matches(element("uri"), None));
    }
}
