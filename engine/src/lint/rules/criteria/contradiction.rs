//! L58: criteria that nothing can match. Source: R.5, R.6.

use crate::criteria::syntax::Piece;
use crate::diagnostic::Severity;
use crate::lint::view::FilterView;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "L58",
    slug: "contradiction",
    category: Category::Criteria,
    level: Severity::Info,
    summary: "two filters of a criteria exclude each other, so the entry grants nothing",
    why: "\
All filters of a criteria must match. `status=final&status:not=final` and \
`subject:missing=true&subject=Patient/1` match nothing, so the entry grants nothing. It may be a leftover, or \
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
                .find(|first| excludes(first, second))?;
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

fn excludes(a: &FilterView, b: &FilterView) -> bool {
    if a.code() != b.code() || a.param().is_none() {
        return false;
    }
    match (a.modifier(), b.modifier()) {
        (None, Some("not")) => inside(a, b),
        (Some("not"), None) => inside(b, a),
        (Some("missing"), Some("missing")) => {
            matches!((asks(a), asks(b)), (Some(first), Some(second)) if first != second)
        }
        (Some("missing"), None) => asks(a) == Some(true) && !is_not_equal(b),
        (None, Some("missing")) => asks(b) == Some(true) && !is_not_equal(a),
        _ => false,
    }
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
    fn finds(#[case] query: &str, #[case] expected: usize) {
        let json = criteria("Observation", &format!("Observation?{query}"));
        assert_eq!(found("L58", &json).len(), expected);
    }
}
