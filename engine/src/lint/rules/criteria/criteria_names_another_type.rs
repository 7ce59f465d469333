//! L01: a criteria must begin with its entry's type. Source: policy-semantics 5.1, D38, D39.

use crate::diagnostic::Severity;
use crate::lint::view::CriteriaView;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::source::Span;
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L01",
    slug: "criteria-names-another-type",
    category: Category::Criteria,
    level: Severity::Critical,
    summary: "a criteria does not begin with its entry's type and a question mark",
    why: "\
A server finds the entries for a request by `resourceType`, and only then reads their criteria. A \
criteria that begins with anything but exactly `<resourceType>?` cannot be a filter of that type, and \
Medplum's search then drops the policy's filter for the type altogether, that of *other, valid* \
entries included. Whoever holds the policy finds and reads every resource of the type in the project.

Write `Type?param=value` with the very type of the entry: no leading `/`, no base URL, the same case, \
and `*?…` only on a `*` entry.",
    versions: "\
Every Medplum version: search and uncached reads are unrestricted, writes and references are denied. \
New policies of this form are refused since 3.2.9; those stored earlier, or written by other means, \
stay as they are. The reference semantics: such an entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no type",
  "resource": [{ "resourceType": "Communication", "criteria": "recipient=%profile" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "no type",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?recipient=%profile" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "another type",
  "resource": [{ "resourceType": "Patient", "criteria": "Observation?status=final" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "another type",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?status=final" }]
}"#,
        )
        .titled("criteria copied from another entry"),
    ],
    adopts: &[
        Adopts::all("criteria/wrong-type"),
        Adopts::at_its_findings("criteria/no-question-mark"),
    ],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        let wanted = entry.resource_type.as_str();
        let text = &*criteria.text.text;
        let written = criteria.parsed.resource_type.text.as_str();
        if wanted.is_empty() {
            // The entry is what lacks a type; the reader says so.
            report.answer(criteria.at(criteria.parsed.resource_type.span));
            continue;
        }
        // A type alone, and no text at all, are `criteria-without-filter`.
        if written == wanted || text.is_empty() {
            continue;
        }
        let (message, place) = if !text.contains('?') {
            let message = if text.starts_with(wanted) {
                "the criteria has no `?` after its resource type"
            } else {
                "the criteria names no resource type"
            };
            (message.to_owned(), criteria.place())
        } else if written.is_empty() {
            (
                "the criteria names no resource type before `?`".to_owned(),
                criteria.at(Span::new(0, 1)),
            )
        } else {
            (
                format!("the criteria is about `{written}`, its entry about `{wanted}`"),
                criteria.at(criteria.parsed.resource_type.span),
            )
        };
        let all = if wanted == "*" {
            "every resource of every type"
        } else {
            "every resource of the type"
        };
        let draft = report
            .find(
                place,
                format!("must be `{wanted}?…`"),
                format!("{message}: search and uncached reads on Medplum drop the filter and return {all}"),
            )
            .help(format!("begin the criteria with `{wanted}?`"));
        match repair(criteria, wanted, written) {
            Some((span, replacement)) => draft.fix_text(criteria.at(span), replacement),
            None => draft,
        };
    }
}

/// What to put where, if the type of the entry is surely what was meant.
fn repair(criteria: &CriteriaView, wanted: &str, written: &str) -> Option<(Span, String)> {
    let text = &*criteria.text.text;
    if !text.contains('?') {
        return without_question_mark(text, wanted);
    }
    let last = written.trim_end_matches('/').rsplit('/').next()?;
    let same = written.is_empty()
        || last == wanted
        || nearest(last, [wanted]).is_some_and(|_| {
            // Another type's name is no slip of the finger, however near it is.
            fhirward_spec::spec().resource(last).is_none()
        });
    same.then(|| (criteria.parsed.resource_type.span, wanted.to_owned()))
}

/// `recipient=%profile` and `Communication&recipient=%profile`: the parameter tells what is missing.
fn without_question_mark(text: &str, wanted: &str) -> Option<(Span, String)> {
    let after = text.strip_prefix(wanted);
    let (start, rest) = match after {
        Some(rest) if rest.starts_with(['&', '/', ':', ' ', '#']) => (wanted.len(), rest.get(1..)?),
        _ => (0, text),
    };
    let code = rest.split(['=', ':']).next()?;
    let known = fhirward_spec::spec().search_param(wanted, code).is_some();
    if !known || !rest.contains('=') {
        return None;
    }
    Some(if start == 0 {
        (Span::new(0, 0), format!("{wanted}?"))
    } else {
        (Span::new(start, start + 1), "?".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::apply_fixes;
    use crate::lint::testing::{criteria, found, lint};

    #[rstest]
    #[case::other_type("Patient", "Observation?status=final", "Observation")]
    #[case::no_type("Patient", "identifier=123", "identifier=123")]
    #[case::no_type_but_a_question_mark("Patient", "?gender=male", "?")]
    #[case::leading_slash("Patient", "/Patient?gender=male", "/Patient")]
    #[case::base_url(
        "Patient",
        "https://x/fhir/R4/Patient?gender=male",
        "https://x/fhir/R4/Patient"
    )]
    #[case::lower_case("Patient", "patient?gender=male", "patient")]
    #[case::wildcard_on_a_type("Patient", "*?_id=1", "*")]
    #[case::type_on_the_wildcard("*", "Patient?gender=male", "Patient")]
    #[case::another_word("Patient", "Patients", "Patients")]
    fn d38_d39(#[case] kind: &str, #[case] text: &str, #[case] underlined: &str) {
        let json = criteria(kind, text);
        assert_eq!(found("L01", &json), [format!("critical: {underlined}")]);
    }

    #[rstest]
    #[case::right("Patient", "Patient?gender=male")]
    #[case::wildcard("*", "*?_compartment=Organization/1")]
    #[case::filterless_is_another_rule("Patient", "Patient")]
    #[case::filterless_is_another_rule_too("Patient", "Patient?")]
    #[case::empty_is_another_rule("Patient", "")]
    fn is_silent(#[case] kind: &str, #[case] text: &str) {
        assert!(found("L01", &criteria(kind, text)).is_empty());
    }

    #[rstest]
    #[case::missing("Patient", "gender=male", Some("Patient?gender=male"))]
    #[case::ampersand("Patient", "Patient&gender=male", Some("Patient?gender=male"))]
    #[case::blank("Patient", "Patient gender=male", Some("Patient?gender=male"))]
    #[case::slash("Patient", "/Patient?gender=male", Some("Patient?gender=male"))]
    #[case::url(
        "Patient",
        "https://x/Patient?gender=male",
        Some("Patient?gender=male")
    )]
    #[case::case("Patient", "patient?gender=male", Some("Patient?gender=male"))]
    #[case::slip(
        "Communication",
        "Comunication?sent=2024-01-01",
        Some("Communication?sent=2024-01-01")
    )]
    #[case::other_type("Patient", "Observation?status=final", None)]
    #[case::near_type("Medication", "MedicationRequest?status=active", None)]
    #[case::unknown_parameter("Patient", "nonsense", None)]
    fn repairs_what_is_beyond_doubt(
        #[case] kind: &str,
        #[case] text: &str,
        #[case] repaired: Option<&str>,
    ) {
        let json = criteria(kind, text);
        let fixes: Vec<_> = lint(&json, "")
            .into_iter()
            .filter(|f| f.id() == "L01")
            .filter_map(|f| f.diagnostic.fix)
            .collect();
        let expected = repaired
            .map(|text| criteria(kind, text))
            .unwrap_or(json.clone());
        assert_eq!(apply_fixes(&json, &fixes), expected);
    }
}
