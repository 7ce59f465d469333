//! L47: field rules and constraints that depend on the order of entries. Source: policy-semantics
//! 3.3, 3.4, R.1.

use std::collections::HashMap;

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::{EntryView, FilterView};
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L47",
    slug: "order-dependent-rules",
    category: Category::Constraints,
    level: Severity::Warning,
    summary: "field rules or constraints differ between entries that can match the same resource",
    why: "\
Grants add up, so their order means nothing. Hidden fields, read-only fields and write constraints do not \
add up: only those of the *first* entry that matches count. Where a resource matches two entries with \
different rules, whoever sorts the list changes what is hidden.

Make the criteria exclude each other, or write the same rules on both entries.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two ways to a patient",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" },
    {
      "resourceType": "Patient",
      "criteria": "Patient?active=true",
      "interaction": ["search", "read"],
      "hiddenFields": ["telecom"]
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "two ways to a patient",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?general-practitioner=%profile" },
    {
      "resourceType": "Patient",
      "criteria": "Patient?general-practitioner:not=%profile",
      "interaction": ["search", "read"],
      "hiddenFields": ["telecom"]
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// Entries of one type that are compared with one another; a policy with more has other troubles.
const MAX_COMPARED: usize = 50;

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let mut by_type: HashMap<&str, Vec<&EntryView>> = HashMap::new();
        for entry in &policy.entries {
            let list = by_type.entry(&entry.resource_type).or_default();
            if list.len() < MAX_COMPARED {
                list.push(entry);
            }
        }
        for entry in &policy.entries {
            let list = by_type.get(entry.resource_type.as_str());
            let earlier = list
                .into_iter()
                .flatten()
                .take_while(|other| other.number < entry.number)
                .find(|other| clash(other, entry));
            if let Some(earlier) = earlier {
                report
                    .find(
                        entry.place(),
                        "these rules",
                        format!(
                            "a `{}` that matches this entry and entry {} has the rules of whichever stands first",
                            entry.resource_type, earlier.number
                        ),
                    )
                    .also(earlier.place(), "or these")
                    .help("make their criteria exclude each other, or write the same rules on both");
            }
        }
    }
}

/// Whether two entries with criteria can match the same resource and treat it differently. Without
/// criteria the earlier one shadows the later, which is another rule's matter.
fn clash(earlier: &EntryView, later: &EntryView) -> bool {
    let both_restrict = !earlier.is_unrestricted() && !later.is_unrestricted();
    let same_criteria = match (&earlier.criteria, &later.criteria) {
        (Some(first), Some(second)) => first.text.text == second.text.text,
        _ => true,
    };
    both_restrict
        && !same_criteria
        && differ_where_both_allow(earlier, later)
        && !exclude_each_other(earlier, later)
}

/// Hidden fields count for whatever is answered, the other rules for what is written.
fn differ_where_both_allow(first: &EntryView, second: &EntryView) -> bool {
    let rule = |entry: &EntryView, name| entry.node.value().get(name).cloned();
    let differ = |name| rule(first, name) != rule(second, name);
    let both = |interaction| first.allows(interaction) && second.allows(interaction);
    let common = Interaction::POLICY_CODES
        .iter()
        .filter_map(|code| code.parse().ok())
        .any(both);
    let written = both(Interaction::Create) || both(Interaction::Update);
    (common && differ("hiddenFields"))
        || (written && (differ("readonlyFields") || differ("writeConstraint")))
}

/// Whether a filter of one is the complement of a filter of the other, or both ask one single-valued
/// element for different codes.
fn exclude_each_other(first: &EntryView, second: &EntryView) -> bool {
    first
        .filters()
        .any(|a| second.filters().any(|b| opposite(a, b)))
}

fn opposite(a: &FilterView, b: &FilterView) -> bool {
    if a.code() != b.code() {
        return false;
    }
    let same_value = values(a) == values(b);
    let modifiers = (a.modifier(), b.modifier());
    match modifiers {
        (None, Some("not")) | (Some("not"), None) => same_value,
        (Some("missing"), Some("missing")) => !same_value,
        (Some("missing"), None) => a.literals().any(|(text, _)| text == "true"),
        (None, Some("missing")) => b.literals().any(|(text, _)| text == "true"),
        (None, None) => {
            const SINGLE: [&str; 6] = ["status", "gender", "active", "intent", "priority", "_id"];
            let codes = |filter: &FilterView| -> Vec<String> {
                filter.literals().map(|(text, _)| text.to_owned()).collect()
            };
            let (first, second) = (codes(a), codes(b));
            SINGLE.contains(&a.code())
                && first.len() == a.pair.alternatives.len()
                && second.len() == b.pair.alternatives.len()
                && first.iter().all(|code| !second.contains(code))
        }
        _ => false,
    }
}

/// The alternatives without their places, so that two filters can be compared.
fn values(filter: &FilterView) -> Vec<Vec<String>> {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Pipe => "|".to_owned(),
        Piece::Dollar => "$".to_owned(),
        Piece::Variable(variable) if variable.id => format!("%{}.id", variable.name),
        Piece::Variable(variable) => format!("%{}", variable.name),
    };
    let alternatives = filter.pair.alternatives.iter();
    alternatives
        .map(|alternative| alternative.pieces.iter().map(piece).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::may_overlap("Observation?category=a", "Observation?code=b", 1)]
    #[case::complements("Observation?category=a", "Observation?category:not=a", 0)]
    #[case::other_status("Observation?status=final", "Observation?status=preliminary", 0)]
    #[case::shared_status("Observation?status=final,amended", "Observation?status=amended", 1)]
    #[case::several_categories("Observation?category=a", "Observation?category=b", 1)]
    #[case::there_or_not(
        "Observation?subject:missing=true",
        "Observation?subject:missing=false",
        0
    )]
    fn by_criteria(#[case] first: &str, #[case] second: &str, #[case] expected: usize) {
        let json = policy(&format!(
            r#"{{"resourceType": "Observation", "criteria": "{first}"}},
               {{"resourceType": "Observation", "criteria": "{second}", "hiddenFields": ["note"]}}"#
        ));
        assert_eq!(found("L47", &json).len(), expected);
    }

    #[test]
    fn the_same_rules_do_not_depend_on_order() {
        let json = policy(
            r#"{"resourceType": "Observation", "criteria": "Observation?category=a", "hiddenFields": ["note"]},
               {"resourceType": "Observation", "criteria": "Observation?code=b", "hiddenFields": ["note"]}"#,
        );
        assert!(found("L47", &json).is_empty());
    }

    const MINE: &str = r#"{"resourceType": "Communication", "criteria": "Communication?sender=%profile",
        "interaction": ["read", "search", "update"],
        "writeConstraint": [{"language": "text/fhirpath", "expression": "%before.status != 'completed'"}]}"#;

    #[rstest]
    #[case::read_only(r#"["read", "search"]"#, 0)]
    #[case::written_too(r#"["read", "update"]"#, 1)]
    fn rules_about_writing_matter_where_both_write(
        #[case] interactions: &str,
        #[case] expected: usize,
    ) {
        let json = policy(&format!(
            r#"{MINE}, {{"resourceType": "Communication", "criteria": "Communication?recipient=%profile", "interaction": {interactions}}}"#
        ));
        assert_eq!(found("L47", &json).len(), expected);
    }
}
