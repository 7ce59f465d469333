//! L34: characters that mean something else in a URL. Source: policy-semantics 1.1, 1.3.

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::source::Span;

/// The rule.
pub static RULE: Rule = Rule {
    id: "L34",
    slug: "encoded-value",
    category: Category::Values,
    level: Severity::Info,
    summary: "`+`, `#`, an escaped separator or a stray `&` is not read as it looks",
    why: "\
A criteria is read as the query of a URL, once: `+` is a space, so a phone number needs `%2B`; `%2C`, `%7C` \
and `%24` are `,`, `|` and `$` *before* the value is split, so they separate like the characters themselves, \
and a comma inside a value is `\\,`; `#` is an ordinary character and cuts nothing off. A `&` with nothing on \
one side is skipped by servers and refused by the reference semantics.",
    versions: "Every Medplum version. The reference semantics reads `+` and escapes alike.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a phone number",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?phone=+15551234" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a phone number",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?phone=%2B15551234" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a stray ampersand",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile&" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "a stray ampersand",
  "resource": [{ "resourceType": "Task", "criteria": "Task?owner=%profile" }]
}"#,
        )
        .titled("a stray `&`"),
    ],
    adopts: &[Adopts::all_as("criteria/empty-pair", Severity::Error)],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let Some(value) = site.filter.pair.value else {
            continue;
        };
        let text = site.criteria.text.slice(value);
        for (at, c) in text.char_indices() {
            let start = value.start + at;
            match c {
                '+' => plus(&site, text.get(at + 1..).unwrap_or_default(), start, report),
                '#' => {
                    report
                        .find(
                            site.criteria.at(Span::new(start, start + 1)),
                            "an ordinary character",
                            "`#` begins no fragment here: it belongs to the value",
                        )
                        .help("write `%23` to make that plain");
                }
                '%' => separator(
                    &site,
                    text.get(at..at + 3).unwrap_or_default(),
                    start,
                    report,
                ),
                _ => {}
            }
        }
    }
}

fn plus(site: &Site<'_>, rest: &str, start: usize, report: &mut Report<'_>) {
    let place = site.criteria.at(Span::new(start, start + 1));
    // Before a digit it is a phone number or a time zone.
    if rest.starts_with(|c: char| c.is_ascii_digit()) {
        report
            .find(
                place,
                "a space",
                "`+` is read as a space: no phone number and no time zone has one there",
            )
            .level(Severity::Warning)
            .help("write `%2B`")
            .fix_text(place, "%2B");
    } else {
        report
            .find(place, "a space", "`+` is read as a space")
            .help("write a space, or `%2B` for a plus");
    }
}

fn separator(site: &Site<'_>, escape: &str, start: usize, report: &mut Report<'_>) {
    let c = match escape.to_ascii_uppercase().as_str() {
        "%2C" => ',',
        "%7C" => '|',
        "%24" => '$',
        _ => return,
    };
    let inside = |variable: &crate::criteria::syntax::Variable| {
        variable.span.start <= start && start < variable.span.end
    };
    if site.filter.variables().any(inside) {
        return;
    }
    report
        .find(
            site.criteria.at(Span::new(start, start + 3)),
            format!("`{c}`"),
            format!("`{escape}` is `{c}` before the value is split: it separates"),
        )
        .help(format!("write `{c}` to separate, or `\\{c}` for the character itself, which only the reference semantics knows for `|` and `$`"));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, repaired};

    #[rstest]
    #[case::phone("Patient?phone=+1555", &["warning: +"])]
    #[case::zone("Patient?_lastUpdated=gt2024-01-01T00:00:00+01:00", &["warning: +"])]
    #[case::words("Patient?name=Alice+Smith", &["info: +"])]
    #[case::fragment("Patient?identifier=a#b", &["info: #"])]
    #[case::comma("Patient?identifier=a%2Cb", &["info: %2C"])]
    #[case::ampersand("Patient?gender=male&", &["error: &"])]
    #[case::letters("Patient?name=Al%69ce", &[])]
    #[case::plain("Patient?name=Alice Smith", &[])]
    fn s1_1(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("L34", &criteria("Patient", text)), expected);
    }

    #[rstest]
    #[case::phone("Patient?phone=+1555", "Patient?phone=%2B1555")]
    #[case::ampersand("Patient?gender=male&", "Patient?gender=male")]
    fn repairs(#[case] text: &str, #[case] expected: &str) {
        let repaired = repaired("L34", &criteria("Patient", text));
        assert_eq!(repaired, Some(criteria("Patient", expected)));
    }
}
