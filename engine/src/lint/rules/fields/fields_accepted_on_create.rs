//! L14: fields that a create accepts all the same. Source: policy-semantics 3.3, D51.

use crate::diagnostic::Severity;
use crate::lint::view::{EntryView, FilterView};
use crate::lint::{Category, Context, Example, Place, Report, Rule};
use crate::policy::Interaction;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L14",
    slug: "fields-accepted-on-create",
    category: Category::Fields,
    level: Severity::Critical,
    summary: "the criteria asks for what the server sets on create, so hidden and read-only fields are accepted",
    why: "\
On create, hidden and read-only fields are taken out of the input by the first entry that matches the \
*input*. Compartments and the time of the last update are set after that: criteria about them do not \
match the input, no entry does, and the fields are stored as they were sent.

Give creating an entry of its own whose criteria match the input, with the same field rules.",
    versions: "\
Every Medplum version. The reference semantics drops the fields whatever the criteria ask for.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "patients of a clinic",
  "compartment": { "reference": "Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
  "resource": [{
    "resourceType": "Patient",
    "interaction": ["create", "read"],
    "criteria": "Patient?_compartment=Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11",
    "readonlyFields": ["birthDate"]
  }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "patients of a clinic",
  "compartment": { "reference": "Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11" },
  "resource": [
    { "resourceType": "Patient", "interaction": ["create"], "readonlyFields": ["birthDate"] },
    {
      "resourceType": "Patient",
      "interaction": ["read"],
      "criteria": "Patient?_compartment=Organization/1f4f06a8-0b43-4b9f-8f0d-0c1b6a3f2d11"
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let mut fields = entry.readonly_fields.iter().chain(&entry.hidden_fields);
        let field = fields.find(|field| field.exists(&entry.resource_type));
        let Some(field) = field.filter(|_| entry.allows(Interaction::Create)) else {
            continue;
        };
        // With `_id` in the criteria nothing can be created at all.
        let Some((place, what)) = set_by_server(entry).filter(|(_, what)| *what != "_id") else {
            continue;
        };
        report
            .find(
                place,
                "set after the fields are taken out",
                format!("no input of a create has `{what}` yet: Medplum stores `{}` as it is sent", field.path()),
            )
            .also(field.place(), "accepted on create")
            .help("give creating an entry of its own, with the field rules and criteria that match the input");
    }
}

/// The part of the entry's filters that no input can match.
pub(super) fn set_by_server(entry: &EntryView) -> Option<(Place<'_>, &str)> {
    if let Some(compartment) = &entry.compartment {
        return Some((compartment.place(), "compartment"));
    }
    let computed = |filter: &&FilterView| {
        let computed = matches!(
            filter.code(),
            "_compartment" | "_project" | "_id" | "_lastUpdated"
        );
        // What is not there yet is not something: a negation matches the input.
        computed && !filter.is_negated() && !filter.is_missing()
    };
    let filter = entry.filters().find(computed)?;
    let criteria = entry.criteria.as_ref()?;
    Some((criteria.at(filter.pair.span), filter.code()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::compartment("_compartment=%patient", &["critical: _compartment=%patient"])]
    #[case::time("_lastUpdated=gt2024-01-01T00:00:00Z", &["critical: _lastUpdated=gt2024-01-01T00:00:00Z"])]
    #[case::creates_nothing("gender=male&_id=%patient.id", &[])]
    #[case::negated("_compartment:not=Organization/1", &[])]
    #[case::input("gender=male", &[])]
    fn d51(#[case] query: &str, #[case] expected: &[&str]) {
        let json = policy(&format!(
            r#"{{"resourceType": "Patient", "criteria": "Patient?{query}", "readonlyFields": ["birthDate"]}}"#
        ));
        assert_eq!(found("L14", &json), expected);
    }

    #[rstest]
    #[case::no_create(r#"{"resourceType": "Patient", "interaction": ["read", "update"], "criteria": "Patient?_compartment=%patient", "hiddenFields": ["name"]}"#)]
    #[case::no_such_field(r#"{"resourceType": "Patient", "criteria": "Patient?_compartment=%patient", "hiddenFields": ["nam"]}"#)]
    #[case::no_fields(
        r#"{"resourceType": "Patient", "criteria": "Patient?_compartment=%patient"}"#
    )]
    fn is_silent(#[case] entry: &str) {
        assert!(found("L14", &policy(entry)).is_empty());
    }
}
