//! L17: fields that an update erases instead of keeping. Source: policy-semantics 3.3, cases 43–45.

use fhirward_spec::{TypeDef, spec};

use crate::diagnostic::Severity;
use crate::lint::view::{EntryView, FieldView};
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::policy::Interaction;
use crate::policy::fields::FieldPath;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L17",
    slug: "erased-field",
    category: Category::Fields,
    level: Severity::Warning,
    summary: "a hidden or read-only field that every update erases",
    why: "\
On update the server takes hidden and read-only fields out of the input and puts the stored values back, but \
only for a plain name at the top of the resource, and only where the stored value is truthy. A path with a \
dot, a `[x]`, a stored `false` and a stored `0` are not put back: any update by such a user, even one that \
does not touch them, loses the value. Where the lost element was required, the update fails with 400.

Name the whole element, or `valueString` and its like one by one; do not let such users update.",
    versions: "Every Medplum version. The reference semantics keeps the stored value, whatever it is.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "who is active is not theirs to say",
  "resource": [{ "resourceType": "Patient", "interaction": ["read", "update"], "readonlyFields": ["active"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "who is active is not theirs to say",
  "resource": [{ "resourceType": "Patient", "interaction": ["read"] }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no names in references",
  "resource": [{ "resourceType": "Task", "interaction": ["read", "update"], "hiddenFields": ["owner.display"] }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no names in references",
  "resource": [{ "resourceType": "Task", "interaction": ["read", "update"], "hiddenFields": ["owner"] }]
}"#,
        )
        .titled("a path with a dot"),
    ],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (_, entry) in context.entries() {
        if !entry.allows(Interaction::Update) {
            continue;
        }
        for (fields, hidden) in [
            (&entry.hidden_fields, true),
            (&entry.readonly_fields, false),
        ] {
            for field in fields {
                // A path that is no field has a finding of its own.
                if FieldPath::parse(field.path(), &entry.resource_type, hidden).is_ok() {
                    look_at(entry, field, report);
                }
            }
        }
    }
}

fn look_at(entry: &EntryView, field: &FieldView, report: &mut Report<'_>) {
    let path = field.path();
    let (label, message, help) = if path.contains('.') {
        let first = path.split('.').next().unwrap_or_default();
        (
            "not put back",
            format!("every update on Medplum erases `{path}`: only fields at the top are put back"),
            format!("name the whole element, `{first}`"),
        )
    } else if path.ends_with("[x]") {
        let name = path.trim_end_matches("[x]");
        (
            "not put back",
            format!("every update on Medplum erases `{path}`: only plain names are put back"),
            format!(
                "name the types one by one, such as `{name}{}`",
                first_type(entry, name)
            ),
        )
    } else if let Some(falsy) = falsy(entry, path) {
        (
            "not always put back",
            format!("an update on Medplum erases `{path}` where it is `{falsy}`"),
            "do not let such users update, or leave the field out of the list".to_owned(),
        )
    } else {
        return;
    };
    report.find(field.place(), label, message).help(help);
}

fn first_type(entry: &EntryView, name: &str) -> String {
    let element = spec()
        .resource(&entry.resource_type)
        .and_then(|def| def.element_named(name));
    let named = element.and_then(|element| element.json_names().next());
    named
        .and_then(|(json, _)| json.strip_prefix(name).map(str::to_owned))
        .unwrap_or_else(|| "String".to_owned())
}

/// The value of the field that JavaScript takes for nothing.
fn falsy(entry: &EntryView, path: &str) -> Option<&'static str> {
    let def: &TypeDef = spec().resource(&entry.resource_type)?;
    let (element, kind) = def.element(path)?;
    if element.is_list() {
        return None;
    }
    match &*kind.code {
        "boolean" => Some("false"),
        "integer" | "unsignedInt" | "decimal" => Some("0"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::boolean("Patient", "readonlyFields", "active", true)]
    #[case::number("Patient", "hiddenFields", "multipleBirthInteger", true)]
    #[case::nested("Observation", "hiddenFields", "subject.display", true)]
    #[case::choice("Observation", "hiddenFields", "value[x]", true)]
    #[case::plain("Patient", "readonlyFields", "birthDate", false)]
    #[case::one_of_a_choice("Observation", "hiddenFields", "valueString", false)]
    #[case::list("Patient", "hiddenFields", "name", false)]
    #[case::no_field("Patient", "hiddenFields", "nam.given", false)]
    fn cases_43_to_45(
        #[case] kind: &str,
        #[case] list: &str,
        #[case] field: &str,
        #[case] expected: bool,
    ) {
        let json = policy(&format!(
            r#"{{"resourceType": "{kind}", "{list}": ["{field}"]}}"#
        ));
        let findings = found("L17", &json);
        assert_eq!(
            findings,
            if expected {
                vec![format!("warning: {field}")]
            } else {
                vec![]
            }
        );
    }

    #[test]
    fn reading_erases_nothing() {
        let json =
            policy(r#"{"resourceType": "Patient", "readonly": true, "hiddenFields": ["active"]}"#);
        assert!(found("L17", &json).is_empty());
    }
}
