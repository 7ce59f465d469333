//! L29: strings and URLs that match more than they say. Source: policy-semantics D14, D15, D16, D18.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::server::has_word_table;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L29",
    slug: "text-value",
    category: Category::Values,
    level: Severity::Warning,
    summary: "a text matches every value that contains it, in any case, on writes and cached reads",
    why: "\
In memory a string or URL matches when the stored value *contains* the text, whatever the case: `name=li` \
matches Alice, and `url=http://example.com` matches every URL below it. In the database a name or address \
is searched by the beginnings of its words, in any order, any other string by its beginning, and a URL must \
be equal. A text without a letter or digit has no word, and search then matches every name.

Names and addresses are no keys. Let an identifier, a reference, a tag or a code decide.",
    versions: "Every Medplum version. The reference semantics: strings by their beginning, URLs exactly.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "California",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?address-state=CA" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "California",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?_tag=http://example.com/region|CA" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "anybody",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?name=*" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "anybody",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?active=true" }]
}"#,
        )
        .titled("no word"),
    ],
    adopts: &[Adopts::at_its_findings("criteria/empty-value")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        // Other modifiers have a rule of their own.
        if !matches!(site.filter.modifier(), None | Some("not")) {
            continue;
        }
        match site.filter.param_type() {
            Some(ParamType::String) => string(&site, report),
            Some(ParamType::Uri) => uri(&site, report),
            _ => {}
        }
    }
}

fn string(site: &Site<'_>, report: &mut Report<'_>) {
    let code = site.filter.code();
    let words = has_word_table(&site.entry.resource_type, code);
    if site.filter.pair.value.is_some_and(|value| value.is_empty()) {
        report
            .find(
                site.criteria.at(site.filter.pair.span),
                "no text",
                format!("every `{code}` contains the empty text: Medplum grants every resource that has one"),
            )
            .level(Severity::Critical)
            .help(format!("to ask whether the element is there, write `{code}:missing=false`"));
        return;
    }
    for (text, span) in site.filter.literals() {
        let place = site.criteria.at(span);
        let help = "let an identifier, a reference, a tag or a code decide";
        if words && !text.chars().any(char::is_alphanumeric) {
            report
                .find(
                    place,
                    "no word",
                    format!(
                        "`{text}` has no letter or digit: search on Medplum matches every `{code}`"
                    ),
                )
                .level(Severity::Critical)
                .help(help);
        } else if words && text.split_whitespace().count() > 1 {
            report
                .find(
                    place,
                    "several words",
                    format!("search on Medplum finds the words of `{text}` in any order, writes and cached reads want them in this one"),
                )
                .help(help);
        } else {
            report
                .find(
                    place,
                    "also inside other texts",
                    format!("writes and cached reads on Medplum match every `{code}` that contains `{text}`, search only those that begin with it"),
                )
                .help(help);
        }
    }
}

fn uri(site: &Site<'_>, report: &mut Report<'_>) {
    for (text, span) in site.filter.literals() {
        report
            .find(
                site.criteria.at(span),
                "also inside other URLs",
                format!("writes and cached reads on Medplum match every URL that contains `{text}`, search this one alone"),
            )
            .help("name the resource by `_id`, or let a tag or an identifier decide");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::d14("Patient?name=lic", "warning: lic")]
    #[case::d14_state("Patient?address-state=A", "warning: A")]
    #[case::longer("Patient?name=Alice", "warning: Alice")]
    #[case::d15("Patient?name=Smith Alice", "warning: Smith Alice")]
    #[case::d16("Patient?name=%", "critical: %")]
    #[case::empty("Patient?name=", "critical: name=")]
    #[case::d18("Questionnaire?url=http://example.com", "warning: http://example.com")]
    #[case::whole_url(
        "Questionnaire?url=http://example.com/q1",
        "warning: http://example.com/q1"
    )]
    #[case::plain_column("Questionnaire?title=Intake form", "warning: Intake form")]
    fn d14_to_d18(#[case] text: &str, #[case] expected: &str) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L29", &criteria(kind, text)), [expected]);
    }

    #[rstest]
    #[case::missing("Patient?name:missing=true")]
    #[case::token("Patient?gender=male")]
    #[case::variable("Patient?name=%name")]
    #[case::modifier_is_another_rule("Patient?name:exact=li")]
    fn is_silent(#[case] text: &str) {
        assert!(found("L29", &criteria("Patient", text)).is_empty());
    }
}
