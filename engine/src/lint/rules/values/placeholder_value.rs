//! W02: a value that somebody wanted to fill in later. Source: policies in public repositories.

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use fhirward_spec::ParamType;

/// The rule.
pub static RULE: Rule = Rule {
    id: "W02",
    slug: "placeholder-value",
    category: Category::Values,
    level: Severity::Error,
    summary: "a value is a placeholder that was never filled in",
    why: "\
`Patient?_id=ALLOWED_IDS`, `<id>`, `TODO`, `YOUR_ORG` and `${orgId}` come from templates and from code that \
was meant to put a value there. A server compares with the text itself: the entry grants nothing, and under \
`:not` everything.

What differs between members belongs into a parameter of the membership: `Patient?_id=%patient.id`, with \
`patient` given by each membership.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "some patients",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_id=ALLOWED_IDS" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "some patients",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_id=%patient.id" }]
}"#,
    )],
    adopts: &[Adopts::at_its_findings("criteria/value")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        if site.filter.is_missing() {
            continue;
        }
        let is_id =
            site.filter.code() == "_id" || site.filter.param_type() == Some(ParamType::Reference);
        for alternative in &site.filter.pair.alternatives {
            let text: String = alternative
                .pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Pipe => "|",
                    Piece::Dollar => "$",
                    Piece::Variable(_) => "%",
                })
                .collect();
            let variable = meant(site.criteria.text.slice(alternative.span), is_id);
            if !is_placeholder(&text, is_id) && variable.is_none() {
                continue;
            }
            let effect = if site.filter.is_negated() {
                "every resource is different from it, and is granted"
            } else {
                "no resource has it, and nothing is granted"
            };
            report
                .find(
                    site.criteria.at(alternative.span),
                    "never filled in",
                    format!(
                        "`{}` is a placeholder: {effect}",
                        site.criteria
                            .text
                            .slice(alternative.span)
                            .replace('`', "'")
                    ),
                )
                .level(if site.filter.is_negated() {
                    Severity::Critical
                } else {
                    Severity::Error
                })
                .help(match variable {
                    Some(name) => format!("write `%{name}`: so variables stand in a criteria"),
                    None => "write the value, or a variable that the membership gives as a parameter: `%name`"
                        .to_owned(),
                });
        }
    }
    for membership in context.memberships() {
        for parameter in membership
            .access
            .iter()
            .flat_map(|access| &access.parameters)
        {
            let value = parameter.string.as_ref().or(parameter.reference.as_ref());
            let Some(value) =
                value.filter(|v| is_placeholder(&v.text, parameter.reference.is_some()))
            else {
                continue;
            };
            report
                .find(
                    value.place(),
                    "never filled in",
                    format!(
                        "`{}` is a placeholder for the parameter `{}`",
                        value.text.replace('`', "'"),
                        parameter.name.text.replace('`', "'")
                    ),
                )
                .help("write the value that this member has");
        }
    }
}

/// The variable that is meant by `$profile`, `{{profile}}`, `{{%profile}}`, `${profile.id}` or
/// `%25profile`, the notations of other languages.
pub(super) fn meant(value: &str, is_id: bool) -> Option<&str> {
    let escaped = value.strip_prefix("%25").unwrap_or(value);
    let name = escaped.trim_matches(|c: char| "{}<>$@%".contains(c));
    let known = ["profile", "profile.id", "patient", "patient.id"].contains(&name);
    // `patient` without a sign may be a code.
    let right = value.strip_prefix('%') == Some(name) || (!is_id && value == name);
    (known && !right).then_some(name)
}

/// Whether a value was meant to be filled in. In an id also a constant's name is one; among codes
/// there are real ones that look the same.
pub(super) fn is_placeholder(value: &str, is_id: bool) -> bool {
    let text = value.rsplit('/').next().unwrap_or(value).trim();
    let wrapped = |open: &str, close: &str| {
        text.len() > open.len() + close.len()
            && value.contains(open)
            && text.ends_with(close)
            && text.contains(open)
    };
    if wrapped("<", ">")
        || wrapped("{{", "}}")
        || wrapped("${", "}")
        || (is_id && wrapped("{", "}"))
    {
        return true;
    }
    let upper = text.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(['-', '_', ' ', '.']).collect();
    if ["TODO", "TBD", "FIXME", "CHANGEME", "PLACEHOLDER"].contains(&upper.as_str())
        || matches!(
            words.as_slice(),
            ["YOUR", _, ..]
                | ["REPLACE" | "INSERT", "ME" | "WITH" | "HERE" | "ID", ..]
                | ["CHANGE", "ME", ..]
        )
    {
        return true;
    }
    // `XXX` is the code of no currency.
    let most = if is_id { 3 } else { 4 };
    let crosses = upper.len() >= most && upper.bytes().all(|b| b == b'X');
    let constant = text.contains('_')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_uppercase());
    crosses || (is_id && constant)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{is_placeholder, meant};
    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::constant("ALLOWED_IDS", true)]
    #[case::angles("<id>", true)]
    #[case::reference("Organization/<org-id>", true)]
    #[case::template("${orgId}", true)]
    #[case::mustache("{{orgId}}", true)]
    #[case::braces("{orgId}", true)]
    #[case::todo("TODO", true)]
    #[case::crosses("xxx", true)]
    #[case::your("YOUR_ORG", true)]
    #[case::your_lower("your-org-id", true)]
    #[case::replace("REPLACE_ME", true)]
    #[case::uuid("2b1c1a0e-8f0b-4f2e-9a51-0c2f6b6f7a11", false)]
    #[case::word("house", false)]
    #[case::younger("younger", false)]
    fn ids(#[case] value: &str, #[case] expected: bool) {
        assert_eq!(is_placeholder(value, true), expected);
    }

    #[rstest]
    #[case::a_code_of_a_code_system("ACT_CODE", false)]
    #[case::todo("TODO", true)]
    #[case::no_currency("XXX", false)]
    #[case::crosses("xxxx", true)]
    #[case::comparison("final", false)]
    fn codes(#[case] value: &str, #[case] expected: bool) {
        assert_eq!(is_placeholder(value, false), expected);
    }

    #[rstest]
    #[case::dollar("$profile", Some("profile"))]
    #[case::mustache("{{%profile}}", Some("profile"))]
    #[case::template("${patient.id}", Some("patient.id"))]
    #[case::escaped("%25profile", Some("profile"))]
    #[case::without_a_sign("profile", Some("profile"))]
    #[case::right("%profile", None)]
    #[case::right_id("%patient.id", None)]
    #[case::another("{{clinic}}", None)]
    fn variables_in_other_notations(#[case] value: &str, #[case] expected: Option<&str>) {
        assert_eq!(meant(value, true), expected);
    }

    #[test]
    fn a_code_may_be_called_patient() {
        assert!(
            found(
                "W02",
                &criteria("Communication", "Communication?category=patient")
            )
            .is_empty()
        );
    }

    #[test]
    fn under_not_it_grants_everything() {
        let json = criteria("Task", "Task?code:not=TODO");
        assert_eq!(found("W02", &json), ["critical: TODO"]);
    }

    #[test]
    fn each_alternative_is_looked_at() {
        let json = criteria("Patient", "Patient?_id=<a>,<b>");
        assert_eq!(found("W02", &json).len(), 2);
    }

    #[test]
    fn in_a_membership() {
        let json = r#"{"resourceType": "ProjectMembership", "profile": {"reference": "Patient/1"}, "access": [
            {"policy": {"reference": "AccessPolicy/p"}, "parameter": [{"name": "org", "valueReference": {"reference": "Organization/YOUR_ORG"}}]}]}"#;
        assert_eq!(found("W02", json), ["error: Organization/YOUR_ORG"]);
    }
}
