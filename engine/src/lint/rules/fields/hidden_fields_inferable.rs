//! L19: hidden values that can be found out. Source: policy-semantics 3.3, case 51, D53.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;
use crate::policy::fields::FieldPath;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L19",
    slug: "hidden-fields-inferable",
    category: Category::Fields,
    level: Severity::Warning,
    summary: "what is hidden can be found out by search, by patch, or from old versions",
    why: "\
Hidden fields leave the answers, and nothing else. Whoever may search can filter and sort by them, and learn \
a value by asking. A JSON Patch works on the whole resource: `test` compares a hidden field, `copy` moves it \
into one that is shown. Which fields of an old version are hidden is decided by that version's content, so \
criteria that it does not match hide nothing of it.

Keep what must not be known in a resource of its own.",
    versions: "\
Every Medplum version. The reference semantics refuses to search, sort and patch by hidden fields, and shows \
an old version only where it matches too.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "no birthdays",
  "resource": [{ "resourceType": "Patient", "readonly": true, "hiddenFields": ["birthDate"] }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "no birthdays",
  "resource": [{ "resourceType": "Patient", "interaction": ["read"], "hiddenFields": ["birthDate"] }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        let mut hidden = entry.hidden_fields.iter();
        let Some(first) = hidden.find(|field| field.exists(&entry.resource_type)) else {
            continue;
        };
        let mut ways = Vec::new();
        let mut place = first;
        if entry.allows(Interaction::Search)
            && let Some((field, code)) = searched(entry)
        {
            place = field;
            ways.push(format!("searches by `{code}`"));
        }
        if entry.allows(Interaction::Update) {
            ways.push("a patch with `test` or `copy`".to_owned());
        }
        let old = entry.allows(Interaction::Vread) || entry.allows(Interaction::History);
        if old
            && entry
                .criteria
                .as_ref()
                .is_some_and(|criteria| criteria.restricts())
        {
            ways.push("old versions that the criteria does not match".to_owned());
        }
        if ways.is_empty() {
            continue;
        }
        report
            .find(
                place.place(),
                "can be found out",
                format!(
                    "on Medplum the value of `{}` can be found out by {}",
                    place.path(),
                    ways.join(", by ")
                ),
            )
            .help("keep what must not be known in a resource of its own, or allow only `read`");
    }
}

/// The first hidden field that a search parameter reads.
fn searched(entry: &EntryView) -> Option<(&crate::lint::view::FieldView, &'static str)> {
    entry.hidden_fields.iter().find_map(|field| {
        let path = FieldPath::parse(field.path(), &entry.resource_type, true).ok()?;
        let mut params = spec().search_params(&entry.resource_type);
        let param = params.find(|param| path.is_read_by(param, None))?;
        Some((field, &*param.code))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, lint, policy};

    #[rstest]
    #[case::search(r#""readonly": true, "hiddenFields": ["photo", "birthDate"]"#, &["warning: birthDate"])]
    #[case::patch(r#""interaction": ["read", "update"], "hiddenFields": ["photo"]"#, &["warning: photo"])]
    #[case::versions(r#""interaction": ["read", "history"], "criteria": "Patient?gender=male", "hiddenFields": ["photo"]"#, &["warning: photo"])]
    #[case::all_versions_match(r#""interaction": ["read", "history"], "hiddenFields": ["photo"]"#, &[])]
    #[case::nothing_searches_it(r#""interaction": ["read", "search"], "hiddenFields": ["photo"]"#, &[])]
    #[case::read_alone(r#""interaction": ["read"], "hiddenFields": ["birthDate"]"#, &[])]
    #[case::no_such_field(r#""readonly": true, "hiddenFields": ["birthDay"]"#, &[])]
    #[case::readonly_is_no_secret(r#""readonlyFields": ["birthDate"]"#, &[])]
    fn ways_to_know(#[case] entry: &str, #[case] expected: &[&str]) {
        let json = policy(&format!(r#"{{"resourceType": "Patient", {entry}}}"#));
        assert_eq!(found("L19", &json), expected);
    }

    #[test]
    fn every_way_is_named() {
        let json = policy(
            r#"{"resourceType": "Patient", "criteria": "Patient?gender=male", "hiddenFields": ["birthDate"]}"#,
        );
        let finding = lint(&json, "")
            .into_iter()
            .find(|f| f.id() == "L19")
            .unwrap();
        assert_eq!(
            finding.diagnostic.message,
            "on Medplum the value of `birthDate` can be found out by searches by `birthdate`, by a patch \
             with `test` or `copy`, by old versions that the criteria does not match"
        );
    }
}
