//! L26: days compared with moments and periods. Source: policy-semantics 5.2, D28–D31.

use fhirward_spec::ParamType;

use crate::diagnostic::Severity;
use crate::lint::{Category, Context, Example, Report, Rule, Site};
use crate::source::Span;
use crate::values::{Prefix, date};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L26",
    slug: "imprecise-date",
    category: Category::Values,
    level: Severity::Warning,
    summary: "search compares the start of what is stored with the first moment of the day",
    why: "\
The database keeps one moment of a date or period, its start, and compares it with one moment, the start of \
the day that is asked for. In memory stretches of time are compared. So on an element with a time of day, \
`=`, `ne`, `le`, `gt` and `sa` with a whole day answer differently on the two paths, and on a period nearly \
every comparison does.

Write `ge` a day and `lt` the next one, or a moment with seconds; ask of a period what is said of its start.",
    versions: "Every Medplum version. The reference semantics compares stretches of time, on every path.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "that day",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sent=2024-03-10" }]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "that day",
  "resource": [{ "resourceType": "Communication", "criteria": "Communication?sent=ge2024-03-10&sent=lt2024-03-11" }]
}"#,
    )],
    adopts: &[],
    check,
};

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for site in context.filters() {
        let filter = site.filter;
        let Some(param) = filter
            .param()
            .filter(|param| param.param_type == ParamType::Date)
        else {
            continue;
        };
        // Other modifiers and lists have rules of their own.
        if filter.modifier().is_some() || filter.pair.alternatives.len() != 1 {
            continue;
        }
        let types = param.program.data_types();
        for (text, span) in filter.literals() {
            if Prefix::split(text).0 == Prefix::NotEqual {
                without_date(&site, text, span, report);
            }
        }
        let long = |kind: &&str| matches!(*kind, "Period" | "Timing");
        if types.iter().all(|kind| *kind == "date") {
            time_of_a_day(&site, report);
            continue;
        }
        for (text, span) in filter.literals() {
            let (prefix, day) = Prefix::split(text);
            if date::interval(day).is_none() || day.len() < "2024-03-10".len() {
                continue;
            }
            let whole_day = day.len() == "2024-03-10".len()
                && matches!(
                    prefix,
                    Prefix::Equal | Prefix::LessOrEqual | Prefix::Greater | Prefix::StartsAfter
                );
            let over_time = types.iter().any(long)
                && matches!(
                    prefix,
                    Prefix::Equal | Prefix::GreaterOrEqual | Prefix::Greater | Prefix::EndsBefore
                );
            let code = filter.code();
            let place = site.criteria.at(span);
            if whole_day {
                report
                    .find(
                        place,
                        "a whole day",
                        format!("search on Medplum compares `{code}` with the first moment of `{day}`, writes and cached reads with the whole day"),
                    )
                    .help(format!("write `{code}=ge{day}` with `lt` the next day, or moments with seconds"));
            } else if over_time {
                let only = types.iter().all(long);
                let when = if only {
                    "a period"
                } else {
                    "a period, where it is one,"
                };
                report
                    .find(
                        place,
                        "about a period",
                        format!("search on Medplum knows of `{code}` the start alone: {when} that reaches into the time asked for is missed"),
                    )
                    .level(if only { Severity::Warning } else { Severity::Info })
                    .help(format!("ask about the start: `{code}=lt…`"));
            }
        }
    }
}

/// A time for an element that is a day.
fn time_of_a_day(site: &Site<'_>, report: &mut Report<'_>) {
    let code = site.filter.code();
    for (text, span) in site.filter.literals() {
        let day = Prefix::split(text).1;
        if let Some((day, _)) = day
            .split_once('T')
            .filter(|_| date::interval(day).is_some())
        {
            report
                .find(
                    site.criteria.at(span),
                    "a time",
                    format!("`{code}` is a day without a time: search on Medplum drops the time of `{text}`, writes and cached reads compare with it"),
                )
                .help(format!("write the day, `{day}`"));
        }
    }
}

/// `ne`: the two paths part on what has no date at all, and on any time of day.
fn without_date(site: &Site<'_>, text: &str, span: Span, report: &mut Report<'_>) {
    let (code, kind) = (site.filter.code(), &site.entry.resource_type);
    if date::interval(Prefix::split(text).1).is_none() {
        return;
    }
    report
        .find(
            site.criteria.at(span),
            "also without a date",
            format!("a {kind} without `{code}` matches `{text}` on writes and cached reads, and is not found by search on Medplum"),
        )
        .help(format!("write two entries, with `{code}=lt…` and `{code}=gt…`"));
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::d28("Observation?date=2024-03-10", &["warning: 2024-03-10"])]
    #[case::d29("Observation?date=le2024-03-10", &["warning: le2024-03-10"])]
    #[case::d30("Observation?date=gt2024-03-10", &["warning: gt2024-03-10"])]
    #[case::d30_ne("Observation?date=ne2024-03-10", &["warning: ne2024-03-10"])]
    #[case::d31("Encounter?date=ge2024-03-10", &["warning: ge2024-03-10"])]
    #[case::perhaps_a_period("Observation?date=ge2024-03-10", &["info: ge2024-03-10"])]
    #[case::last_updated("Patient?_lastUpdated=gt2020-01-01", &["warning: gt2020-01-01"])]
    #[case::d26("Patient?birthdate=ne1990-06-15", &["warning: ne1990-06-15"])]
    #[case::time_of_a_day("Patient?birthdate=1990-06-15T00:00:00Z", &["warning: 1990-06-15T00:00:00Z"])]
    #[case::ends("Encounter?date=eb2024-03-10", &["warning: eb2024-03-10"])]
    #[case::start_of_day("Communication?sent=ge2024-03-10", &[])]
    #[case::before("Communication?sent=lt2024-03-10", &[])]
    #[case::moment("Communication?sent=gt2024-03-10T10:00:00Z", &[])]
    #[case::birthday("Patient?birthdate=1990-06-15", &[])]
    #[case::refused_anyway("Communication?sent=2024", &[])]
    fn d28_to_d31(#[case] text: &str, #[case] expected: &[&str]) {
        let kind = text.split('?').next().unwrap();
        assert_eq!(found("L26", &criteria(kind, text)), expected);
    }
}
