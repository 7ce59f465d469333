//! L28: codes that no resource has as they are written. Source: policy-semantics D4–D7.

use fhirward_spec::ParamType;

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::server::{fixed_codes, has_display, is_boolean, is_plain_code};
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::words::nearest;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L28",
    slug: "token-value",
    category: Category::Values,
    level: Severity::Warning,
    summary: "a code in the wrong case, of no code system, or with a system that it cannot have",
    why: "\
Codes are case-sensitive. In memory they are compared without regard to case, in the database with it: \
`status=FINAL` can be written and read from the cache, and is never found. A boolean other than `true` and \
`false` makes search answer 400. A code with more than one `|` is cut in memory and not in the database. \
`|code` on an element that is a plain code matches in memory alone. The text and the displays of a concept \
count as codes without a system.

A code that FHIR does not know for the element matches nothing, and under `:not` everything.",
    versions: "Every Medplum version. The reference semantics compares codes exactly.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "final results",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?status=Final" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "final results",
  "resource": [{ "resourceType": "Observation", "criteria": "Observation?status=final" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "not the mistakes",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?status:not=entered-in-eror" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "not the mistakes",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?status:not=entered-in-error" }]
}"#,
        )
        .titled("a code that does not exist"),
    ],
    adopts: &[Adopts::at_its_findings("criteria/value")],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let Some(param) = site
            .filter
            .param()
            .filter(|p| p.param_type == ParamType::Token)
        else {
            continue;
        };
        if !matches!(site.filter.modifier(), None | Some("not")) {
            continue;
        }
        pipes(&site, report);
        if is_boolean(param) {
            if site.filter.pair.alternatives.len() > 1 {
                boolean_list(&site, report);
                continue;
            }
            codes(
                &site,
                &["true", "false"],
                "search on Medplum answers 400",
                report,
            );
            continue;
        }
        if !is_plain_code(param) {
            if has_display(param) {
                displays(&site, report);
            }
            continue;
        }
        let known = fixed_codes(&site.entry.resource_type, param);
        if !known.is_empty() {
            codes(&site, &known, "search on Medplum finds nothing", report);
        }
    }
}

fn boolean_list(site: &Site<'_>, report: &mut Report<'_>) {
    let code = site.filter.code();
    report
        .find(
            site.criteria.at(site.filter.value_span()),
            "a list",
            format!("`{code}` takes one of `true` and `false`: with a list search on Medplum answers 400"),
        )
        .level(Severity::Error)
        .help(format!("leave the filter out, or write `{code}:missing=false`"));
}

/// Texts and displays of a concept are codes to Medplum, in the database too.
fn displays(site: &Site<'_>, report: &mut Report<'_>) {
    let code = site.filter.code();
    for (text, span) in site.filter.literals() {
        if text.trim().contains(' ') && !text.contains('?') {
            report
                .find(
                    site.criteria.at(span),
                    "a display",
                    format!("`{text}` looks like a display: Medplum compares the text and the displays of `{code}` as well, which anybody who writes the resource chooses"),
                )
                .help("write the code with its system: `system|code`");
        }
    }
}

fn codes(site: &Site<'_>, known: &[&'static str], in_search: &str, report: &mut Report<'_>) {
    let code = site.filter.code();
    for (text, span) in site.filter.literals() {
        // What follows a second `?` is another rule's matter.
        if text.is_empty() || known.contains(&text) || text.contains('?') {
            continue;
        }
        let place = site.criteria.at(span);
        if let Some(right) = known.iter().find(|code| code.eq_ignore_ascii_case(text)) {
            report
                .find(
                    place,
                    "wrong case",
                    format!("`{code}` is never `{text}`: {in_search}, while writes and cached reads match `{right}`"),
                )
                .help(format!("write `{right}`"))
                .fix_text(place, *right);
            continue;
        }
        let effect = if site.filter.is_negated() {
            "every resource matches"
        } else if in_search.contains("400") {
            in_search
        } else {
            "nothing matches"
        };
        let draft = report.find(
            place,
            "no such code",
            format!("`{text}` is no value of `{code}`: {effect}"),
        );
        match nearest(text, known.iter().copied()) {
            Some(near) => draft
                .help(format!("did you mean `{near}`?"))
                .fix_text(place, near),
            None => {
                let shown: Vec<&str> = known.iter().copied().take(20).collect();
                let more = if known.len() > shown.len() {
                    ", …"
                } else {
                    ""
                };
                draft.help(format!("its values are {}{more}", shown.join(", ")))
            }
        };
    }
}

fn pipes(site: &Site<'_>, report: &mut Report<'_>) {
    let code = site.filter.code();
    for alternative in &site.filter.pair.alternatives {
        let place = site.criteria.at(alternative.span);
        let count = alternative
            .pieces
            .iter()
            .filter(|p| **p == Piece::Pipe)
            .count();
        if count > 1 {
            report
                .find(
                    place,
                    "more than one pipe",
                    "a code has one `|` at most: Medplum ignores the rest in memory and finds nothing in search",
                )
                .level(Severity::Error)
                .help("write `code` or `system|code`");
        } else if count == 1
            && alternative.pieces.first() == Some(&Piece::Pipe)
            && site.filter.param().is_some_and(is_plain_code)
            && alternative.pieces.len() > 1
        {
            let value = site.criteria.text.slice(alternative.span);
            let plain = value.trim_start_matches('|');
            report
                .find(
                    place,
                    "no system to be without",
                    format!("`{code}` is a plain code: search on Medplum never finds `{value}`, writes and cached reads match"),
                )
                .help(format!("write `{plain}`"))
                .fix_text(place, plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::d4(
        "Patient?gender=FEMALE",
        "warning: FEMALE",
        Some("Patient?gender=female")
    )]
    #[case::d5(
        "Patient?gender=|female",
        "warning: |female",
        Some("Patient?gender=female")
    )]
    #[case::d6("Patient?identifier=http://s|MRN1|x", "error: http://s|MRN1|x", None)]
    #[case::d7("Patient?active=TRUE", "warning: TRUE", Some("Patient?active=true"))]
    #[case::no_boolean("Patient?active=yes", "warning: yes", None)]
    #[case::in_a_list(
        "Observation?status=final,Amended",
        "warning: Amended",
        Some("Observation?status=final,amended")
    )]
    #[case::boolean_list("Patient?active=true,false", "error: true,false", None)]
    #[case::display("Observation?code=Heart Rate", "warning: Heart Rate", None)]
    #[case::typo(
        "Observation?status=finl",
        "warning: finl",
        Some("Observation?status=final")
    )]
    #[case::no_code("Observation?status=done", "warning: done", None)]
    #[case::negated(
        "Task?status:not=Draft",
        "warning: Draft",
        Some("Task?status:not=draft")
    )]
    fn d4_to_d7(#[case] text: &str, #[case] expected: &str, #[case] fixed: Option<&str>) {
        let kind = text.split('?').next().unwrap();
        let json = criteria(kind, text);
        assert_eq!(found("L28", &json), [expected]);
        assert_eq!(
            repaired("L28", &json),
            fixed.map(|text| criteria(kind, text))
        );
    }

    #[rstest]
    #[case::right("Observation?status=final,amended")]
    #[case::open_codes("Observation?code=8867-4")]
    #[case::system("Observation?code=http://loinc.org|8867-4")]
    #[case::no_system("Patient?identifier=|MRN1")]
    #[case::boolean("Patient?active=true")]
    #[case::concept("Condition?clinical-status=Active")]
    #[case::nested("Subscription?type=websocket")]
    #[case::variable("Task?status=%status")]
    fn is_silent(#[case] text: &str) {
        let kind = text.split('?').next().unwrap();
        assert!(found("L28", &criteria(kind, text)).is_empty());
    }
}
