//! L18: fields that cannot be hidden or kept. Source: policy-semantics 3.3, R.9.

use fhirward_spec::spec;

use crate::diagnostic::Severity;
use crate::lint::cover::Cover;
use crate::lint::view::{EntryView, FieldView};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::policy::Interaction;

use super::fields_accepted_on_create::set_by_server;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L18",
    slug: "misplaced-field",
    category: Category::Fields,
    level: Severity::Error,
    summary: "a field that the type has not, that nobody can do without, or that makes creating impossible",
    why: "\
A name that the type has not is accepted and does nothing: hiding `value` hides no `valueString`. Hiding `id` \
and `resourceType` works and breaks clients; hiding `meta` takes the version and the time of the last update \
from them. A required element that is hidden makes resources that are not valid; one that is read-only is \
taken out of every create, which then fails with 400.",
    versions: "\
Every Medplum version; hiding `meta` breaks the server's own answers before 5.0.10. The reference semantics: \
an entry with a field that cannot be grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no values",
  "resource": [{ "resourceType": "Observation", "interaction": ["read"], "hiddenFields": ["value"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no values",
  "resource": [{ "resourceType": "Observation", "interaction": ["read"], "hiddenFields": ["value[x]"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the status is not theirs",
  "resource": [{ "resourceType": "Communication", "interaction": ["create", "read"], "readonlyFields": ["status"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "the status is not theirs",
  "resource": [
    { "resourceType": "Communication", "interaction": ["create"], "criteria": "Communication?status=preparation" },
    { "resourceType": "Communication", "interaction": ["read"] }
  ]
}"#,
        )
        .titled("a required field that nobody can create"),
    ],
    adopts: &[Adopts::all("policy/field")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        let cover = Cover::of(policy);
        for entry in &policy.entries {
            for field in entry
                .hidden_fields
                .iter()
                .filter(|field| field.path() == "meta")
            {
                meta(context, field, report);
            }
            if !entry.allows(Interaction::Create) || set_by_server(entry).is_some() {
                continue;
            }
            for field in entry
                .readonly_fields
                .iter()
                .filter(|field| is_required(entry, field.path()))
            {
                // An earlier entry without the rule takes the create.
                let free = cover.broader(entry).into_iter().any(|other| {
                    other.number < entry.number
                        && other.allows(Interaction::Create)
                        && other
                            .readonly_fields
                            .iter()
                            .all(|own| own.path() != field.path())
                });
                if !free {
                    required(entry, field, report);
                }
            }
        }
    }
}

fn meta(context: &Context<'_>, field: &FieldView, report: &mut Report<'_>) {
    let old = context.server().is_before(5, 0, 10);
    let effect = if old {
        "Medplum before 5.0.10 cannot answer without it"
    } else {
        "clients lose the version and the time of the last update"
    };
    report
        .find(
            field.place(),
            "version and time",
            format!("`meta` is hidden: {effect}"),
        )
        .level(Severity::Warning)
        .help("hide what is meant inside it, such as `meta.tag`");
}

fn is_required(entry: &EntryView, path: &str) -> bool {
    let element = spec()
        .resource(&entry.resource_type)
        .and_then(|def| def.element(path));
    element.is_some_and(|(element, _)| element.min > 0)
}

fn required(entry: &EntryView, field: &FieldView, report: &mut Report<'_>) {
    let (path, kind) = (field.path(), &entry.resource_type);
    report
        .find(
            field.place(),
            "required",
            format!("`{path}` is required on {kind} and taken out of every create: creating fails with 400 on Medplum"),
        )
        .level(Severity::Warning)
        .help("let an entry without this rule allow `create`, with criteria or a write constraint about the field");
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::unknown(r#""hiddenFields": ["brithDate"]"#, &["error: \"brithDate\""])]
    #[case::id(r#""hiddenFields": ["id"]"#, &["error: \"id\""])]
    #[case::type_(r#""hiddenFields": ["resourceType"]"#, &["error: \"resourceType\""])]
    #[case::meta(r#""hiddenFields": ["meta"]"#, &["warning: meta"])]
    #[case::choice(r#""hiddenFields": ["deceased"]"#, &["error: \"deceased\""])]
    #[case::plain(r#""hiddenFields": ["birthDate"], "readonlyFields": ["name"]"#, &[])]
    fn fields_of_a_patient(#[case] fields: &str, #[case] expected: &[&str]) {
        let json = policy(&format!(r#"{{"resourceType": "Patient", {fields}}}"#));
        assert_eq!(found("L18", &json), expected);
    }

    const KEPT: &str = r#"{"resourceType": "Task", "readonlyFields": ["status"]}"#;
    const CREATE: &str = r#"{"resourceType": "Task", "interaction": ["create"]}"#;
    const UPDATE: &str = r#"{"resourceType": "Task", "interaction": ["read", "update"], "readonlyFields": ["status"]}"#;

    #[rstest]
    #[case::alone(&[KEPT], &["warning: status"])]
    #[case::created_by_another(&[CREATE, KEPT], &[])]
    #[case::no_create(&[UPDATE], &[])]
    fn required_fields(#[case] entries: &[&str], #[case] expected: &[&str]) {
        assert_eq!(found("L18", &policy(&entries.join(", "))), expected);
    }
}
