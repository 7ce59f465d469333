//! Repairs of resources as edits of their text.

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::Span;
use fhirward_engine::thread::Repair;

use super::found::Found;

/// The finding with the edit that mends it, where the text allows one.
pub fn with_fix(finding: Diagnostic, found: &Found<'_>, repair: &Repair) -> Diagnostic {
    match repair {
        Repair::Remove { pointer } => match removal(found, pointer) {
            Some(span) => finding.with_fix(span, ""),
            None => finding,
        },
        Repair::AddReference { element, reference } => {
            match end_of_array(found, &format!("/{element}")) {
                Some(span) => {
                    let text = format!(", {{ \"reference\": \"{reference}\" }}");
                    finding.with_fix(span, text)
                }
                None => finding,
            }
        }
    }
}

/// The bytes of a member or an item with one comma. `None` for the only one: what is left would be
/// empty, which FHIR does not allow.
fn removal(found: &Found<'_>, pointer: &str) -> Option<Span> {
    let whole = format!("{}{pointer}", found.pointer);
    let document = &found.part.document;
    let value = document.span_of(&whole)?;
    let start = document
        .key_span_of(&whole)
        .map_or(value.start, |key| key.start);
    let text = &document.source().text;
    let (before, after) = (text.get(..start)?, text.get(value.end..)?);
    let blank = after.len() - after.trim_start().len();
    let span = if after.trim_start().starts_with(',') {
        let rest = after.get(blank + 1..)?;
        let next = rest.len() - rest.trim_start().len();
        Span::new(start, value.end + blank + 1 + next)
    } else {
        let before = before.trim_end().strip_suffix(',')?;
        Span::new(before.len(), value.end)
    };
    Some(span.shifted(found.part.offset))
}

/// Behind the last item of an array that has one.
fn end_of_array(found: &Found<'_>, pointer: &str) -> Option<Span> {
    let last = found
        .value
        .pointer(pointer)?
        .as_array()?
        .len()
        .checked_sub(1)?;
    let item = format!("{}{pointer}/{last}", found.pointer);
    let end = found.part.document.span_of(&item)?.end;
    Some(Span::new(end, end).shifted(found.part.offset))
}

#[cfg(test)]
mod tests {
    use fhirward_engine::diagnostic::Diagnostic;
    use fhirward_engine::source::Source;
    use fhirward_engine::thread::Repair;

    use super::super::found::{self, Found, Item};
    use super::with_fix;
    use crate::input;

    /// The text after the repair.
    fn repaired(text: &str, repair: &Repair) -> Option<String> {
        let (parts, _) = input::one(&Source::new("a.json", text));
        let mut fixed = None;
        found::each(parts[0].document.value(), &mut |item| {
            if let Item::Resource(pointer, value) = item {
                let part = &parts[0];
                let found = Found {
                    part,
                    pointer,
                    value,
                };
                let finding = Diagnostic::error("x", "x");
                fixed = with_fix(finding, &found, repair).fix.map(|fix| {
                    let mut text = text.to_owned();
                    text.replace_range(fix.span.start..fix.span.end, &fix.replacement);
                    text
                });
            }
        });
        fixed
    }

    fn remove(pointer: &str) -> Repair {
        Repair::Remove {
            pointer: pointer.to_owned(),
        }
    }

    #[test]
    fn members_and_items_go_with_one_comma() {
        let text = r#"{"resourceType": "Communication", "sent": "x", "recipient": [1, 2]}"#;
        assert_eq!(
            repaired(text, &remove("/sent")).as_deref(),
            Some(r#"{"resourceType": "Communication", "recipient": [1, 2]}"#)
        );
        assert_eq!(
            repaired(text, &remove("/recipient")).as_deref(),
            Some(r#"{"resourceType": "Communication", "sent": "x"}"#)
        );
        assert_eq!(
            repaired(text, &remove("/recipient/1")).as_deref(),
            Some(r#"{"resourceType": "Communication", "sent": "x", "recipient": [1]}"#)
        );
    }

    #[test]
    fn the_only_item_stays() {
        let text = r#"{"resourceType": "Communication", "recipient": [1]}"#;
        assert_eq!(repaired(text, &remove("/recipient/0")), None);
    }

    #[test]
    fn a_reference_is_added_behind_the_last() {
        let repair = Repair::AddReference {
            element: "recipient",
            reference: "Patient/homer".to_owned(),
        };
        let text = r#"{"resourceType": "Communication", "recipient": [{"reference": "Practitioner/alice"}]}"#;
        assert_eq!(
            repaired(text, &repair).as_deref(),
            Some(
                r#"{"resourceType": "Communication", "recipient": [{"reference": "Practitioner/alice"}, { "reference": "Patient/homer" }]}"#
            )
        );
        assert_eq!(
            repaired(r#"{"resourceType": "Communication"}"#, &repair),
            None
        );
    }
}
