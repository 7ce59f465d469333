//! What references point at.

use std::borrow::Cow;

use serde_json::Value;

use crate::resource::{Literal, literal};

/// What R4 allows as sender or recipient of a Communication.
const PARTICIPANTS: [&str; 9] = [
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
    "Organization",
    "CareTeam",
    "Group",
    "Device",
    "HealthcareService",
];

/// The text under which the target of a reference is known: `Type/id` without base URL and version.
///
/// Two servers with the same id in one input count as one; a thread does not span servers.
pub(super) fn target(text: &str) -> Option<Cow<'_, str>> {
    match literal(text) {
        Literal::Resource { type_name, id } => {
            let length = type_name.len() + 1 + id.len();
            Some(if text.len() == length {
                Cow::Borrowed(text)
            } else {
                Cow::Owned(format!("{type_name}/{id}"))
            })
        }
        _ => None,
    }
}

/// The type that a reference points at.
pub(super) fn target_type(text: &str) -> Option<&str> {
    match literal(text) {
        Literal::Resource { type_name, .. } => Some(type_name),
        _ => None,
    }
}

/// Whether what a reference names can take part in a conversation. What R4 does not allow there is
/// an error of the structure, and nobody.
pub(super) fn is_participant(target: &str) -> bool {
    let kind = target.split_once('/').map_or(target, |(kind, _)| kind);
    PARTICIPANTS.contains(&kind)
}

/// The items of a member; one value that is no array counts as an item, `null` as none.
pub(super) fn items<'r>(resource: &'r Value, name: &str) -> &'r [Value] {
    match resource.get(name) {
        Some(Value::Array(items)) => items,
        Some(Value::Null) | None => &[],
        Some(value) => std::slice::from_ref(value),
    }
}

/// The texts of the references in a member, with their places.
pub(super) fn references<'r>(
    resource: &'r Value,
    name: &str,
) -> impl Iterator<Item = (usize, &'r str)> + use<'r> {
    items(resource, name)
        .iter()
        .enumerate()
        .filter_map(|(at, item)| Some((at, item.get("reference")?.as_str()?)))
}

/// Whether two references say the same target. A version says nothing about the target; a base URL
/// does, where both have one.
pub(super) fn same_target(a: &str, b: &str) -> bool {
    let (a, b) = (unversioned(a), unversioned(b));
    if a == b {
        return true;
    }
    match (a.contains("://"), b.contains("://")) {
        (true, false) => ends_in(a, b),
        (false, true) => ends_in(b, a),
        _ => false,
    }
}

fn unversioned(text: &str) -> &str {
    text.split_once("/_history/")
        .map_or(text, |(before, _)| before)
}

fn ends_in(absolute: &str, relative: &str) -> bool {
    absolute
        .strip_suffix(relative)
        .is_some_and(|base| base.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::{PARTICIPANTS, same_target, target};
    use fhirward_spec::spec;
    use std::collections::BTreeSet;

    #[test]
    fn participants_are_those_of_r4() {
        let communication = spec().resource("Communication").unwrap();
        let of = |name| &communication.element(name).unwrap().1.targets;
        let allowed: BTreeSet<&str> = of("sender")
            .iter()
            .chain(of("recipient"))
            .map(|t| &**t)
            .collect();
        assert_eq!(allowed, BTreeSet::from(PARTICIPANTS));
    }

    #[test]
    fn same_targets() {
        assert!(same_target("Patient/1", "Patient/1/_history/2"));
        assert!(same_target("https://h/fhir/Patient/1", "Patient/1"));
        assert!(!same_target(
            "https://h/Patient/1",
            "https://other/Patient/1"
        ));
        assert!(!same_target("https://h/MyPatient/1", "Patient/1"));
        assert!(!same_target("Patient/1", "Practitioner/1"));
    }

    #[test]
    fn targets() {
        assert_eq!(target("Patient/1").as_deref(), Some("Patient/1"));
        assert_eq!(target("Patient/1/_history/2").as_deref(), Some("Patient/1"));
        assert_eq!(
            target("https://h/r4/Patient/1").as_deref(),
            Some("Patient/1")
        );
        assert_eq!(target("Patient?phone=1"), None);
        assert_eq!(target("#p"), None);
    }
}
