//! L25: dates that a server refuses. Source: policy-semantics 1.3, 5.2, D24, D25, D48.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Adopts, Category, Context, Example, Report, Rule};
use crate::source::Span;
use crate::values::{Prefix, date};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L25",
    slug: "date-value",
    category: Category::Values,
    level: Severity::Error,
    summary: "a date that a server answers with 400",
    why: "\
A date in criteria can fail at two points. What is no date, and any list of dates with commas, throws while \
the criteria is read: every request on the type answers 400, even where another entry would allow it. A \
year, a year and month, and the prefix `ap` are read, but the database refuses them: search and reads that \
miss the cache answer 400, writes work.

Write whole days, or moments with seconds and a zone, and one date in a filter; a range is two filters.",
    versions: "\
Every Medplum version. A time without seconds is refused up to 5.1; 5.2 accepts it and then matches \
nothing. 5.2 also refuses days that no calendar has. The reference semantics reads dates as R4 does.",
    examples: &[
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "born in 1990",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthdate=1990" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "born in 1990",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthdate=ge1990-01-01&birthdate=lt1991-01-01" }]
}"#,
        ),
        Example::new(
            r#"{
  "resourceType": "AccessPolicy",
  "name": "two days",
  "resource": [{ "resourceType": "Patient", "criteria": "Patient?birthdate=1990-06-15,1991-06-15" }]
}"#,
            r#"{
  "resourceType": "AccessPolicy",
  "name": "two days",
  "resource": [
    { "resourceType": "Patient", "criteria": "Patient?birthdate=1990-06-15" },
    { "resourceType": "Patient", "criteria": "Patient?birthdate=1991-06-15" }
  ]
}"#,
        )
        .titled("a list of dates"),
    ],
    adopts: &[Adopts::at_its_findings("criteria/value")],
    check,
};

const EVERYTHING: &str = "Medplum answers 400 to every request on the type";
const SEARCHES: &str = "search and uncached reads on Medplum answer 400";

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let filter = site.filter;
        if filter.param_type() != Some(ParamType::Date) || filter.is_missing() {
            continue;
        }
        if filter.pair.alternatives.len() > 1 {
            report
                .find(
                    site.criteria.at(filter.value_span()),
                    "a list",
                    format!("dates cannot be listed: {EVERYTHING}"),
                )
                .help("write one entry for each date, or a range with `ge` and `lt`");
            continue;
        }
        for (text, span) in filter.literals() {
            let (prefix, day) = Prefix::split(text);
            let place = site.criteria.at(span);
            if date::interval(day).is_none() {
                report.find(
                    place,
                    "no date",
                    format!("`{text}` is no date: {EVERYTHING}"),
                );
            } else if day.len() < "2024-03-10".len() {
                report
                    .find(
                        place,
                        "not a whole day",
                        format!("`{text}` is no whole day: {SEARCHES}"),
                    )
                    .help("write a range of days: `ge` the first and `lt` the day after the last");
            } else if prefix == Prefix::Approximately {
                report
                    .find(
                        site.criteria.at(Span::new(span.start, span.start + 2)),
                        "not in the database",
                        format!("`ap` cannot be asked of the database: {SEARCHES}"),
                    )
                    .help("write a range with `ge` and `lt`");
            } else if lacks_seconds(day) {
                let effect = if !context.server().features().search_date_regex {
                    format!(
                        "Medplum before 5.2 {}",
                        EVERYTHING.trim_start_matches("Medplum ")
                    )
                } else {
                    "Medplum from 5.2 matches nothing with it, older versions answer 400".to_owned()
                };
                report
                    .find(
                        place,
                        "no seconds",
                        format!("`{text}` has no seconds: {effect}"),
                    )
                    .help("write seconds: `T10:00:00Z`");
            }
        }
    }
}

fn lacks_seconds(day: &str) -> bool {
    day.split_once('T').is_some_and(|(_, time)| {
        let clock = time.split(['Z', '+', '-']).next().unwrap_or_default();
        clock.matches(':').count() < 2
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::year("Patient?birthdate=1990", "error: 1990")]
    #[case::month("Patient?birthdate=1990-06", "error: 1990-06")]
    #[case::year_with_prefix("Patient?_lastUpdated=ge2020", "error: ge2020")]
    #[case::list(
        "Patient?birthdate=1990-06-15,1991-01-01",
        "error: 1990-06-15,1991-01-01"
    )]
    #[case::nonsense("Patient?birthdate=zzz", "error: zzz")]
    #[case::no_calendar("Patient?birthdate=1990-02-30", "error: 1990-02-30")]
    #[case::unknown_prefix("Patient?birthdate=sw1990-01-01", "error: sw1990-01-01")]
    #[case::approximately("Patient?birthdate=ap1990-06-15", "error: ap")]
    #[case::no_seconds(
        "Patient?_lastUpdated=gt2024-03-10T10:00Z",
        "error: gt2024-03-10T10:00Z"
    )]
    #[case::wildcard("*?_lastUpdated=2024", "error: 2024")]
    fn d24_d25_d48(#[case] text: &str, #[case] expected: &str) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L25", &criteria(kind, text)), [expected]);
    }

    #[rstest]
    #[case::day("Patient?birthdate=1990-06-15")]
    #[case::prefix("Patient?birthdate=ge1990-06-15")]
    #[case::moment("Patient?_lastUpdated=gt2024-03-10T10:00:00Z")]
    #[case::zone("Patient?_lastUpdated=gt2024-03-10T10:00:00%2B02:00")]
    #[case::missing("Patient?birthdate:missing=true")]
    #[case::variable("Patient?birthdate=%when")]
    fn is_silent(#[case] text: &str) {
        assert!(found("L25", &criteria("Patient", text)).is_empty());
    }
}
