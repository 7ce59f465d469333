//! W01: the words OR and AND in a criteria. Source: policy-semantics 1.1, R.5.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::view::CriteriaView;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule, Site};
use crate::source::Span;

/// The rule.
pub static RULE: Rule = Rule {
    id: "W01",
    slug: "word-between-filters",
    category: Category::Criteria,
    level: Severity::Error,
    summary: "a criteria joins filters by a word or a sign that means nothing in a search",
    why: "\
A criteria is a FHIR search: filters are joined by `&`, which means *and*. There is no `OR`, `AND`, `||`, \
`|`, `&&`, `;` or `==`. A word between two searches becomes a part of the value before it, so the filter compares with \
`a OR Patient`, and everything after the second question mark is dropped.

For *or* between values of one parameter write a comma, for *or* between anything else two entries: \
entries add up.",
    versions: "\
Every Medplum version: saved without complaint, matches nothing or, where the first value still matches, \
less than half of what is written. The reference semantics: the entry grants nothing.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "either",
  "resource": [
    {
      "resourceType": "Communication",
      "criteria": "Communication?sender=%profile OR Communication?recipient=%profile"
    }
  ]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "either",
  "resource": [
    { "resourceType": "Communication", "criteria": "Communication?sender=%profile" },
    { "resourceType": "Communication", "criteria": "Communication?recipient=%profile" }
  ]
}"#,
        )
        .also(ALSO_OR),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "both",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=ready AND owner=%profile" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "both",
  "resource": [{ "resourceType": "Task", "criteria": "Task?status=ready&owner=%profile" }]
}"#,
        )
        .titled("and"),
    ],
    adopts: &[Adopts::at_its_findings("criteria/value")],
    check,
};

/// What else is rightly said about the first example.
const ALSO_OR: &[&str] = &["L03"];

/// What people write between filters, and whether it means *and*.
const WORDS: [(&str, bool); 8] = [
    // `&` as HTML writes it.
    ("&amp;", true),
    (" or ", false),
    ("+or+", false),
    ("||", false),
    (" and ", true),
    ("+and+", true),
    ("&&", true),
    (";", true),
];

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let Some(value) = site.filter.pair.value else {
            continue;
        };
        // The first `=` ends the name, so the second belongs to the value.
        if site.criteria.text.slice(value).starts_with('=') {
            let place = site.criteria.at(Span::new(value.start, value.start + 1));
            report
                .find(
                    place,
                    "part of the value",
                    "`==` compares nothing in a search: the value begins with `=`",
                )
                .help("write `=`")
                .fix(place, "");
        }
        if let Some(pipe) = lone_pipe(&site) {
            joins_nothing(site.criteria, pipe, "|", report);
        }
    }
    for (entry, criteria) in context.criteria() {
        let Some((word, and)) = between(criteria, &entry.resource_type) else {
            continue;
        };
        let text = criteria
            .text
            .slice(word)
            .trim_matches(['+', ' '])
            .to_owned();
        let place = criteria.at(word);
        let after = criteria
            .text
            .text
            .get(word.end..)
            .unwrap_or_default()
            .trim_start();
        let again = format!("{}?", entry.resource_type);
        if and {
            let repeated = if after.starts_with(&again) {
                again.len()
            } else {
                0
            };
            let end = criteria.text.text.len() - after.len() + repeated;
            let cut = criteria.at(Span::new(word.start, end));
            report
                .find(
                    place,
                    "part of the value",
                    format!("`{text}` joins nothing in a search: filters are joined by `&`"),
                )
                .help("write `&`")
                .fix(cut, "&");
        } else {
            joins_nothing(criteria, word, &text, report);
        }
    }
}

fn joins_nothing(criteria: &CriteriaView, place: Span, text: &str, report: &mut Report<'_>) {
    report
        .find(
            criteria.at(place),
            "part of the value",
            format!("`{text}` joins nothing in a search: it and what follows become part of the value before, or are dropped"),
        )
        .help("write two entries, one for each side: entries add up; for several values of one parameter write commas");
}

/// `sender=%profile|recipient=%profile`: a pipe before another filter, in a value that has none.
fn lone_pipe(site: &Site<'_>) -> Option<Span> {
    let kind = site.filter.param_type()?;
    if !matches!(
        kind,
        ParamType::Reference | ParamType::Date | ParamType::Number
    ) {
        return None;
    }
    let value = site.filter.pair.value?;
    let text = site.criteria.text.slice(value);
    let (before, after) = text.split_once('|')?;
    let next = after.split(['&', '|', ',']).next().unwrap_or_default();
    let at = value.start + before.len();
    // A canonical has its version there.
    (is_filter(next.trim()) && !after.starts_with('|')).then(|| Span::new(at, at + 1))
}

/// The place of a word that stands between filters: what follows looks like a filter or a search.
fn between(criteria: &CriteriaView, kind: &str) -> Option<(Span, bool)> {
    let text = criteria.text.text.to_ascii_lowercase();
    let kind = kind.to_ascii_lowercase();
    WORDS
        .iter()
        .flat_map(|(word, and)| {
            text.match_indices(word)
                .map(move |(at, found)| (Span::new(at, at + found.len()), *and))
        })
        .filter(|(span, _)| {
            let rest = text.get(span.end..).unwrap_or_default().trim_start();
            let end = rest.find([' ', '&', '?', '|']).unwrap_or(rest.len());
            let next = rest.get(..end).unwrap_or_default();
            // `&&` is followed by a filter in any case; a word is only what something like one
            // follows, because names have words in them.
            rest.starts_with(&format!("{kind}?")) || is_filter(next)
        })
        .min_by_key(|(span, _)| span.start)
}

fn is_filter(text: &str) -> bool {
    let Some((key, value)) = text.split_once('=') else {
        return false;
    };
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    !key.is_empty() && !value.is_empty() && key.chars().all(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found, lint, repaired};

    /// A repair leaves a criteria with which nothing is wrong.
    #[rstest]
    #[case::html("Patient?name=a&amp;gender=male", "Patient?name=a&gender=male")]
    #[case::semicolon("Patient?name=a;gender=male", "Patient?name=a&gender=male")]
    #[case::whole_search("Patient?name=a AND Patient?gender=male", "Patient?name=a&gender=male")]
    fn repairs(#[case] text: &str, #[case] expected: &str) {
        let fixed = repaired("W01", &criteria("Patient", text)).unwrap();
        assert_eq!(fixed, criteria("Patient", expected));
        let left = lint(&fixed, "");
        assert!(
            !left.iter().any(|finding| finding.diagnostic.is_error()),
            "{left:?}"
        );
    }

    #[rstest]
    #[case::html("Patient?name=a&amp;gender=male", &["error: &amp;"])]
    #[case::searches("Patient?gender=male OR Patient?gender=female", &["error:  OR "])]
    #[case::filters("Patient?gender=male or active=true", &["error:  or "])]
    #[case::and("Patient?gender=male AND active=true", &["error:  AND "])]
    #[case::plus("Patient?gender=male+OR+active=true", &["error: +OR+"])]
    #[case::pipes("Patient?gender=male||active=true", &["error: ||"])]
    #[case::one_pipe("Patient?organization=Organization/1|active=true", &["error: |"])]
    #[case::pipe_in_an_identifier("Patient?identifier=http://x|a=b", &[])]
    #[case::two_ampersands("Patient?gender=male&&active=true", &["error: &&"])]
    #[case::semicolon("Patient?gender=male;active=true", &["error: ;"])]
    #[case::two_equals("Patient?gender==male", &["error: ="])]
    #[case::a_name("Patient?name=Alice or Bob", &[])]
    #[case::words_in_words("Patient?name=Nor And&active=true", &[])]
    #[case::right("Patient?gender=male&active=true", &[])]
    fn finds(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(found("W01", &criteria("Patient", text)), expected);
    }
}
