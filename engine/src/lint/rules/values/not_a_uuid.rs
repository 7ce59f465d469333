//! L32: ids that no stored resource has. Source: policy-semantics 2.6, 5.2.

use fhirward_spec::{ParamType, spec};

use super::placeholder_value;
use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L32",
    slug: "not-a-uuid",
    category: Category::Values,
    level: Severity::Warning,
    summary: "an id that is no UUID is the id of no stored resource",
    why: "\
Medplum gives every resource a UUID as its id, and keeps ids and compartments in columns of UUIDs. Another \
text in `_id` or `_compartment` matches nothing that is stored; in a reference it matches only what was \
written with that text, which is no resource of the server.

Often it is a name, an identifier or a placeholder that nobody replaced.",
    versions: "Every Medplum version. The reference semantics takes ids as FHIR does, of any form.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "our clinic",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_compartment=Organization/our-clinic" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "our clinic",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_compartment=Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let filter = site.filter;
        if !matches!(filter.modifier(), None | Some("not")) {
            continue;
        }
        let code = filter.code();
        let is_id = code == "_id";
        if !is_id && filter.param_type() != Some(ParamType::Reference) {
            continue;
        }
        for (text, span) in filter.literals() {
            let id = match text.split_once('/') {
                // `_id=Type/id` and ids without a type are matters of `reference-form`.
                Some((kind, id)) if !is_id && spec().resource(kind).is_some() => id,
                None if is_id => text,
                _ => continue,
            };
            if id.is_empty() || id.contains('/') || is_uuid(id) || is_placeholder(id) {
                continue;
            }
            let start = span.end.saturating_sub(id.len()).max(span.start);
            let (level, effect) = if is_id || code == "_compartment" {
                let effect = if filter.is_negated() {
                    "excludes nothing"
                } else {
                    "matches nothing"
                };
                (
                    Severity::Warning,
                    format!("`{code}={text}` {effect} on Medplum"),
                )
            } else {
                (
                    Severity::Info,
                    "no resource on Medplum has such an id".to_owned(),
                )
            };
            report
                .find(
                    site.criteria.at(crate::source::Span::new(start, span.end)),
                    "no UUID",
                    format!("`{id}` is no UUID: {effect}"),
                )
                .level(level)
                .help("write the id that the server has given the resource");
        }
    }
}

fn is_uuid(id: &str) -> bool {
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Not replaced yet, or a variable that is written wrongly: another mistake.
fn is_placeholder(id: &str) -> bool {
    placeholder_value::is_placeholder(id, true)
        || placeholder_value::meant(id, true).is_some()
        || id.contains(['<', '>', '{', '}', '$', '[', ']', '*'])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::id("Patient?_id=homer", &["warning: homer"])]
    #[case::in_a_list("Patient?_id=homer,1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11", &["warning: homer"])]
    #[case::compartment("Patient?_compartment=Organization/123", &["warning: 123"])]
    #[case::reference("Task?owner=Practitioner/alice", &["info: alice"])]
    #[case::uuid("Task?owner=Practitioner/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11", &[])]
    #[case::variable("Patient?_id=%patient.id", &[])]
    #[case::composed("Patient?_compartment=Patient/%patient.id", &[])]
    #[case::token("Patient?identifier=homer", &[])]
    #[case::placeholder("Patient?_id=ALLOWED_IDS", &[])]
    #[case::canonical("Task?instantiates-canonical=http://x/plan", &[])]
    fn s5_2(#[case] text: &str, #[case] expected: &[&str]) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L32", &criteria(kind, text)), expected);
    }
}
