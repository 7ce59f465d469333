//! L58: criteria that nothing can match. Source: R.5, R.6.

use fhirward_spec::{ParamType, SearchParam, spec};

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::FilterView;
use crate::lint::{Category, Context, Example, Report, Rule};
use crate::values::{Prefix, date};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L58",
    slug: "contradiction",
    category: Category::Criteria,
    level: Severity::Info,
    summary: "two filters of a criteria exclude each other, so the entry grants nothing",
    why: "\
All filters of a criteria must match. `status=final&status:not=final`, \
`subject:missing=true&subject=Patient/1` and `birthdate=gt2000&birthdate=lt1990` match nothing, so the entry grants nothing. It may be a leftover, or \
a way to close a type on purpose; then an entry less says the same.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "nothing",
  "resource": [
    {
      "resourceType": "Task",
      "criteria": "Task?owner:missing=true&owner=%profile"
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "nothing",
  "resource": [
    { "resourceType": "Task", "criteria": "Task?owner:missing=true" },
    { "resourceType": "Task", "criteria": "Task?owner=%profile" }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// Filters of one criteria that are compared with one another.
const MAX_COMPARED: usize = 100;

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for (entry, criteria) in context.criteria() {
        let filters = criteria
            .filters
            .get(..MAX_COMPARED)
            .unwrap_or(&criteria.filters);
        let pair = filters.iter().enumerate().find_map(|(at, second)| {
            let first = filters
                .iter()
                .take(at)
                .find(|first| excludes(first, second, &entry.resource_type))?;
            Some((first, second))
        });
        let Some((first, second)) = pair else {
            continue;
        };
        report
            .find(
                criteria.at(second.pair.span),
                "and this",
                format!(
                    "no `{}` can match both: the entry grants nothing",
                    entry.resource_type
                ),
            )
            .also(criteria.at(first.pair.span), "this")
            .help("for either of them write two entries");
    }
}

fn excludes(a: &FilterView, b: &FilterView, kind: &str) -> bool {
    let Some(param) = a.param().filter(|_| a.code() == b.code()) else {
        return false;
    };
    match (a.modifier(), b.modifier()) {
        (None, Some("not")) => inside(a, b),
        (Some("not"), None) => inside(b, a),
        (Some("missing"), Some("missing")) => {
            matches!((asks(a), asks(b)), (Some(first), Some(second)) if first != second)
        }
        (Some("missing"), None) => asks(a) == Some(true) && !is_not_equal(b),
        (None, Some("missing")) => asks(b) == Some(true) && !is_not_equal(a),
        (None, None) => {
            param.param_type == ParamType::Date
                && has_one_value(param, kind)
                && (apart(a, b) || apart(b, a))
        }
        _ => false,
    }
}

/// Whether a resource of the type has one time of the parameter at most, and no period: a list may
/// have a value for each filter, and a period may reach both.
fn has_one_value(param: &SearchParam, kind: &str) -> bool {
    let plain = ["date", "dateTime", "instant"];
    let paths = param.program.member_paths();
    let [path] = paths.as_slice() else {
        return false;
    };
    let mut def = spec().resource(kind);
    let single = path.iter().all(|name| {
        let element = def.and_then(|def| def.element_named(name));
        let only = element.and_then(|element| element.types.first());
        def = only.and_then(|only| spec().type_def(&only.code));
        element.is_some_and(|element| !element.is_list() && !element.choice)
    });
    single
        && param
            .program
            .data_types()
            .iter()
            .all(|kind| plain.contains(kind))
}

/// Whether all that the one asks for lies after a certain year, and all of the other before it: a
/// stored date may be a year alone. Two dates that are to be equal are another rule's matter.
fn apart(later: &FilterView, earlier: &FilterView) -> bool {
    let equal = |filter: &FilterView| filter.prefix() == Some(Prefix::Equal);
    if equal(later) && equal(earlier) {
        return false;
    }
    let years = |filter: &FilterView, end: fn(&str) -> Option<i64>| -> Option<Vec<i64>> {
        let whole = filter.literals().count() == filter.pair.alternatives.len();
        let years: Option<Vec<i64>> = filter.literals().map(|(text, _)| end(text)).collect();
        years.filter(|years| whole && !years.is_empty())
    };
    let least = years(later, first_year).and_then(|years| years.into_iter().min());
    let most = years(earlier, last_year).and_then(|years| years.into_iter().max());
    matches!((least, most), (Some(least), Some(most)) if least > most)
}

/// The first year that a date with its prefix reaches.
fn first_year(text: &str) -> Option<i64> {
    match Prefix::split(text) {
        (Prefix::Equal | Prefix::Greater | Prefix::GreaterOrEqual | Prefix::StartsAfter, date) => {
            year(date)
        }
        _ => None,
    }
}

/// The last year that a date with its prefix reaches.
fn last_year(text: &str) -> Option<i64> {
    match Prefix::split(text) {
        (Prefix::Equal | Prefix::Less | Prefix::LessOrEqual | Prefix::EndsBefore, date) => {
            year(date)
        }
        _ => None,
    }
}

/// The year of what is a date.
fn year(text: &str) -> Option<i64> {
    date::interval(text)?;
    text.get(..4)?.parse().ok()
}

/// `ne` is true where there is no value.
fn is_not_equal(filter: &FilterView) -> bool {
    filter.is_negated()
}

fn asks(filter: &FilterView) -> Option<bool> {
    filter.literals().next()?.0.parse().ok()
}

/// Whether every alternative of the first is one of the second, and one value is all there can be:
/// with several values one may match and another be what is excluded only if it is the same one.
fn inside(positive: &FilterView, negative: &FilterView) -> bool {
    let excluded = values(negative);
    let wanted = values(positive);
    !wanted.is_empty() && wanted.iter().all(|value| excluded.contains(value))
}

fn values(filter: &FilterView) -> Vec<String> {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Pipe => "|".to_owned(),
        Piece::Dollar => "$".to_owned(),
        Piece::Variable(variable) => format!("%{}.{}", variable.name, variable.id),
    };
    let alternatives = filter.pair.alternatives.iter();
    alternatives
        .map(|alternative| alternative.pieces.iter().map(piece).collect::<String>())
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{criteria, found};

    #[rstest]
    #[case::not("status=final&status:not=final", 1)]
    #[case::variable("subject=%patient&subject:not=%patient", 1)]
    #[case::missing("subject:missing=true&subject=%patient", 1)]
    #[case::there_and_not("subject:missing=true&subject:missing=false", 1)]
    #[case::some_left("status=final,amended&status:not=final", 0)]
    #[case::missing_and_not("status:missing=true&status:not=final", 0)]
    #[case::several("category=a&category=b", 0)]
    #[case::two_codes_are_said_by_l33("status=final&status=amended", 0)]
    #[case::a_period_reaches_both("date=gt2000&date=lt1990", 0)]
    fn finds(#[case] query: &str, #[case] expected: usize) {
        let json = criteria("Observation", &format!("Observation?{query}"));
        assert_eq!(found("L58", &json).len(), expected);
    }

    #[rstest]
    #[case::years("birthdate=gt2000-01-01&birthdate=lt1990-01-01", 1)]
    #[case::turned("birthdate=lt1990-01-01&birthdate=gt2000-01-01", 1)]
    #[case::equal_and_before("birthdate=2000&birthdate=lt1990-02", 1)]
    #[case::starts_after("birthdate=sa2000&birthdate=eb1990", 1)]
    #[case::lists("birthdate=ge2000,ge2001&birthdate=le1990,le1991", 1)]
    #[case::lists_that_meet("birthdate=ge2000,ge1991&birthdate=le1990,le1991", 0)]
    #[case::both_equal_is_said_by_l33("birthdate=2000&birthdate=1990", 0)]
    #[case::a_stretch("birthdate=gt1990-01-01&birthdate=lt2000-01-01", 0)]
    #[case::a_year_is_in_both("birthdate=gt2000-06-01&birthdate=lt2000-03-01", 0)]
    #[case::a_value_that_is_not_known("birthdate=gt2000&birthdate=lt%until", 0)]
    #[case::near("birthdate=gt2000&birthdate=ap1990", 0)]
    #[case::several_names("name=a&name=b", 0)]
    fn finds_dates(#[case] query: &str, #[case] expected: usize) {
        let json = criteria("Patient", &format!("Patient?{query}"));
        assert_eq!(found("L58", &json).len(), expected);
    }
}
