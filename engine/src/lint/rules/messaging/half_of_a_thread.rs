//! W05: headers of threads without their messages, or messages without headers. Source: the model
//! of threads, in which a header is no part of anything and each message is `partOf` its header.

use crate::diagnostic::Severity;
use crate::lint::view::EntryView;
use crate::lint::{Category, Context, Example, Report, Rule};

/// The rule.
pub static RULE: Rule = Rule {
    id: "W05",
    slug: "half-of-a-thread",
    category: Category::Messaging,
    level: Severity::Warning,
    summary: "the headers of threads are granted without their messages, or the messages without headers",
    why: "\
A thread is a header, which is part of nothing, and messages, which are part of the header. A policy cannot \
follow `part-of` to the header's participants (a chain is not allowed in criteria), so what names the \
participants has to stand on the messages as well, and both kinds have to be granted. With \
`part-of:missing=true` on every entry a member sees the list of threads and no message; with \
`part-of:missing=false` they see messages and no thread.",
    versions: "Every Medplum version, and the reference semantics.",
    examples: &[Example::new(
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my threads",
  "resource": [
    {
      "resourceType": "Communication",
      "criteria": "Communication?part-of:missing=true&recipient=%profile",
      "interaction": ["search", "read"]
    }
  ]
}"#,
        r#"{
  "resourceType": "AccessPolicy",
  "name": "my threads",
  "resource": [
    {
      "resourceType": "Communication",
      "criteria": "Communication?part-of:missing=true&recipient=%profile",
      "interaction": ["search", "read"]
    },
    {
      "resourceType": "Communication",
      "criteria": "Communication?part-of:missing=false&recipient=%profile",
      "interaction": ["search", "read"]
    }
  ]
}"#,
    )],
    adopts: &[],
    check,
};

/// What an entry says about being part of something.
fn missing(entry: &EntryView) -> Option<(bool, crate::source::Span)> {
    entry.filters().find_map(|filter| {
        let asks = filter.code() == "part-of" && filter.is_missing();
        let (value, _) = filter.literals().next().filter(|_| asks)?;
        Some((value.parse().ok()?, filter.pair.span))
    })
}

fn check(context: &Context<'_>, report: &mut Report<'_>) {
    for policy in context.policies() {
        if context.is_one_of_several(policy) {
            continue;
        }
        let mut entries = policy.entries.iter().filter(|e| e.covers("Communication"));
        let Some(first) = entries.next() else {
            continue;
        };
        let Some((headers, span)) = missing(first) else {
            continue;
        };
        if !entries.all(|entry| missing(entry).is_some_and(|(other, _)| other == headers)) {
            continue;
        }
        let Some(criteria) = &first.criteria else {
            continue;
        };
        let (is, not, value) = if headers {
            ("the headers of threads", "none of their messages", "false")
        } else {
            ("the messages of threads", "no header", "true")
        };
        report
            .find(
                criteria.at(span),
                "one half",
                format!("the member sees {is} and {not}"),
            )
            .help(format!(
                "add an entry with `part-of:missing={value}`, or leave the filter out"
            ));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::lint::testing::{found, policy};

    #[rstest]
    #[case::headers(&["part-of:missing=true"], 1)]
    #[case::messages(&["part-of:missing=false&sender=%profile"], 1)]
    #[case::both(&["part-of:missing=true", "part-of:missing=false"], 0)]
    #[case::not_asked(&["recipient=%profile"], 0)]
    #[case::one_asks(&["part-of:missing=true", "recipient=%profile"], 0)]
    fn finds(#[case] queries: &[&str], #[case] expected: usize) {
        let entries: Vec<String> = queries
            .iter()
            .map(|query| {
                format!(
                    r#"{{"resourceType": "Communication", "criteria": "Communication?{query}"}}"#
                )
            })
            .collect();
        assert_eq!(found("W05", &policy(&entries.join(","))).len(), expected);
    }
}
