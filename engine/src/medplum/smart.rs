//! SMART scopes: a sign-in of an application narrows the entries of the member. Source:
//! policy-semantics 2.4.
//!
//! What 5.0.10 leaves open stands as it is: scopes that cannot be read count as none, letters other
//! than `r` and `s` limit nothing, and a scope's criteria for `*` lands on a typed entry, where the
//! database drops the whole condition.

use super::policy::{Entry, NoPolicy};
use super::version::Features;

/// Entries that scopes may expand to.
const MAX_ENTRIES: usize = 100_000;

/// The scopes of a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes {
    /// Separated by spaces, as granted.
    pub granted: String,
    /// The patient in context, `Patient/id`.
    pub patient: Option<String>,
}

/// One scope that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope<'s> {
    /// `patient`, `user` or `system`.
    of_patient: bool,
    resource_type: &'s str,
    /// Of `cruds`.
    letters: String,
    criteria: Option<&'s str>,
}

impl<'s> Scope<'s> {
    fn read(text: &'s str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        if !matches!(context, "patient" | "user" | "system") {
            return None;
        }
        let (rest, criteria) = match rest.split_once('?') {
            Some((rest, criteria)) => (rest, Some(criteria)),
            None => (rest, None),
        };
        let (resource_type, access) = rest.split_once('.')?;
        let named = resource_type == "*"
            || (!resource_type.is_empty()
                && resource_type.bytes().all(|b| b.is_ascii_alphanumeric()));
        let letters = match access {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            letters if in_order(letters) => letters,
            _ => return None,
        };
        named.then(|| Self {
            of_patient: context == "patient",
            resource_type,
            letters: letters.to_owned(),
            criteria: criteria.filter(|c| !c.is_empty()),
        })
    }

    fn reads_only(&self) -> bool {
        !self.letters.is_empty() && self.letters.chars().all(|c| matches!(c, 'r' | 's'))
    }

    fn allows(&self, interaction: &str) -> bool {
        let letter = match interaction {
            "create" => 'c',
            "read" | "vread" | "history" => 'r',
            "update" => 'u',
            "delete" => 'd',
            "search" => 's',
            _ => return false,
        };
        self.letters.contains(letter)
    }
}

/// `c?r?u?d?s?`, which nothing satisfies as well.
fn in_order(letters: &str) -> bool {
    let mut rest = "cruds".chars();
    letters
        .chars()
        .all(|letter| rest.by_ref().any(|known| known == letter))
}

/// The entries that are left.
///
/// # Errors
/// A `patient/` scope without a patient where the server asks for one; criteria that cannot be put
/// together by the rules here.
pub(super) fn narrow(
    entries: Vec<Entry>,
    scopes: &Scopes,
    features: &Features,
) -> Result<Vec<Entry>, NoPolicy> {
    let read: Vec<Scope<'_>> = scopes
        .granted
        .split_whitespace()
        .filter_map(Scope::read)
        .collect();
    if read.is_empty() {
        return Ok(entries);
    }
    if features.smart_context_required
        && scopes.patient.is_none()
        && read.iter().any(|scope| scope.of_patient)
    {
        return Err(NoPolicy::SignInFails(
            "a `patient/` scope needs a patient in context".to_owned(),
        ));
    }
    let mut narrowed = Vec::new();
    for entry in entries {
        for scope in for_entry(&entry, &read, features) {
            if narrowed.len() >= MAX_ENTRIES {
                return Err(NoPolicy::Unknown(format!(
                    "the scopes make more than {MAX_ENTRIES} entries"
                )));
            }
            narrowed.push(restrict(
                &entry,
                scope,
                scopes.patient.as_deref(),
                features,
            )?);
        }
    }
    Ok(narrowed)
}

/// The scopes that an entry is kept for.
fn for_entry<'s>(entry: &Entry, read: &'s [Scope<'s>], features: &Features) -> Vec<&'s Scope<'s>> {
    let exact = |scope: &&Scope<'_>| scope.resource_type == entry.resource_type;
    let wildcard = |scope: &&Scope<'_>| scope.resource_type == "*";
    if features.smart_intersect {
        let any = entry.resource_type == "*";
        return read
            .iter()
            .filter(|scope| any || exact(scope) || wildcard(scope))
            .collect();
    }
    let first = read
        .iter()
        .find(exact)
        .or_else(|| read.iter().find(wildcard));
    match first {
        Some(scope) => vec![scope],
        None if entry.resource_type == "*" => read.iter().collect(),
        None => Vec::new(),
    }
}

fn restrict(
    entry: &Entry,
    scope: &Scope<'_>,
    patient: Option<&str>,
    features: &Features,
) -> Result<Entry, NoPolicy> {
    let mut narrowed = entry.clone();
    if entry.resource_type == "*" {
        scope.resource_type.clone_into(&mut narrowed.resource_type);
    }
    let moved = narrowed.resource_type != entry.resource_type;
    if moved && entry.criteria.is_some() {
        return Err(NoPolicy::Unknown(format!(
            "how the scope for {} narrows the criteria of an entry for `*` is not known",
            scope.resource_type
        )));
    }
    if features.smart_intersect {
        let all = [
            "create", "read", "vread", "history", "update", "delete", "search",
        ];
        let both = all
            .into_iter()
            .filter(|word| entry.allows_word(word) && scope.allows(word))
            .map(str::to_owned)
            .collect();
        narrowed.interactions = Some(both);
    } else if scope.reads_only() {
        narrowed.readonly = true;
    }
    if let Some(criteria) = scope.criteria {
        narrowed.criteria = Some(match narrowed.criteria.take() {
            Some(own) => format!("{own}&{criteria}"),
            // Before all scopes counted, the scope's own type stood before the question mark.
            None if features.smart_intersect => format!("{}?{criteria}", narrowed.resource_type),
            None => format!("{}?{criteria}", scope.resource_type),
        });
    }
    if let Some(patient) =
        patient.filter(|_| features.smart_patient_compartment && scope.of_patient)
    {
        narrowed.criteria = Some(match narrowed.criteria.take() {
            Some(own) => format!("{own}&_compartment={patient}"),
            None => format!("{}?_compartment={patient}", narrowed.resource_type),
        });
    }
    Ok(narrowed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::version::Version;
    use super::*;

    fn entry(resource_type: &str, criteria: Option<&str>, interactions: Option<&[&str]>) -> Entry {
        Entry {
            resource_type: resource_type.to_owned(),
            criteria: criteria.map(str::to_owned),
            interactions: interactions.map(|list| list.iter().map(|i| (*i).to_owned()).collect()),
            ..Entry::default()
        }
    }

    fn shown(entries: &[Entry]) -> String {
        let one = |entry: &Entry| {
            let criteria = entry.criteria.as_deref().unwrap_or("all");
            let words = match (&entry.interactions, entry.readonly) {
                (Some(list), _) => list.join("+"),
                (None, true) => "readonly".to_owned(),
                (None, false) => "every".to_owned(),
            };
            format!("{} {criteria} {words}", entry.resource_type)
        };
        entries.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    fn narrowed(
        version: Version,
        granted: &str,
        patient: Option<&str>,
        entries: Vec<Entry>,
    ) -> String {
        let scopes = Scopes {
            granted: granted.to_owned(),
            patient: patient.map(str::to_owned),
        };
        match narrow(entries, &scopes, &version.features()) {
            Ok(entries) => shown(&entries),
            Err(NoPolicy::SignInFails(_)) => "no sign-in".to_owned(),
            Err(NoPolicy::Unknown(_)) => "unknown".to_owned(),
        }
    }

    #[rstest]
    #[case::c69_read_only(
        "patient/Patient.rs",
        entry("Patient", None, None),
        "Patient all readonly"
    )]
    #[case::c70_create_limits_nothing(
        "patient/Observation.c",
        entry("Observation", None, None),
        "Observation all every"
    )]
    #[case::c70_wrong_order(
        "patient/Observation.sr",
        entry("Observation", None, None),
        "Observation all every"
    )]
    #[case::c71_criteria(
        "patient/Observation.rs?category=lab",
        entry("Observation", Some("Observation?status=final"), None),
        "Observation Observation?status=final&category=lab readonly"
    )]
    #[case::c72_criteria_on_wildcard(
        "patient/*.rs?status=final",
        entry("Observation", None, None),
        "Observation *?status=final readonly"
    )]
    #[case::no_letters(
        "patient/Observation.",
        entry("Observation", None, None),
        "Observation all every"
    )]
    #[case::v1(
        "user/Patient.read",
        entry("Patient", None, None),
        "Patient all readonly"
    )]
    #[case::v1_write(
        "user/Patient.write",
        entry("Patient", None, None),
        "Patient all every"
    )]
    #[case::other_type("user/Patient.read", entry("Task", None, None), "")]
    #[case::wildcard_expands(
        "user/Patient.read user/Task.cruds",
        entry("*", None, None),
        "Patient all readonly; Task all every"
    )]
    #[case::wildcard_scope_wins(
        "patient/Observation.r patient/*.cruds",
        entry("*", None, None),
        "* all every"
    )]
    #[case::first_exact_only(
        "user/Task.r user/Task.u",
        entry("Task", None, None),
        "Task all readonly"
    )]
    #[case::malformed_only("launch openid", entry("Task", None, None), "Task all every")]
    #[case::wildcard_with_criteria("user/Task.r", entry("*", Some("*?_tag=x"), None), "unknown")]
    fn s2_4_scopes_of_5_0_10(#[case] granted: &str, #[case] entry: Entry, #[case] expected: &str) {
        assert_eq!(
            narrowed(Version::V5_0, granted, None, vec![entry]),
            expected
        );
    }

    #[rstest]
    #[case::before_5_1_12("5.1.11", Some("Patient/p"), "Task all readonly")]
    #[case::from_5_1_12(
        "5.1.12",
        Some("Patient/p"),
        "Task Task?_compartment=Patient/p readonly"
    )]
    #[case::without_context("5.1.12", None, "Task all readonly")]
    #[case::from_5_1_23("5.1.23", None, "Task all read+vread+history; Task all update")]
    #[case::context_required("5.2", None, "no sign-in")]
    #[case::with_context(
        "5.2",
        Some("Patient/p"),
        "Task Task?_compartment=Patient/p read+vread+history; Task all update"
    )]
    fn s2_4_scopes_by_version(
        #[case] version: &str,
        #[case] patient: Option<&str>,
        #[case] expected: &str,
    ) {
        let version = version.parse().unwrap();
        let entries = vec![entry("Task", None, None)];
        assert_eq!(
            narrowed(version, "patient/Task.r user/Task.u", patient, entries),
            expected
        );
    }

    #[test]
    fn c69_an_interaction_list_is_not_touched_before_all_scopes_count() {
        let listed = || vec![entry("Patient", None, Some(&["read", "update"]))];
        let at = |version| narrowed(version, "user/Patient.rs", None, listed());
        assert_eq!(at(Version::V5_0), "Patient all read+update");
        assert_eq!(at(Version::V5_1), "Patient all read");
    }
}
