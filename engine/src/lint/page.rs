//! The page of a rule, as Markdown.

use std::fmt::Write;

use super::rule::{Example, Rule};
use super::{Options, Subject, check};
use crate::diagnostic::Diagnostic;
use crate::medplum::Version;
use crate::source::Source;

/// Everything there is to say about a rule. The findings on it are those that the rule makes.
pub fn page(rule: &Rule) -> String {
    let mut out = format!("# {} {}\n\n", rule.id, rule.slug);
    let fixable = rule.examples.iter().any(|example| {
        findings(rule, example)
            .iter()
            .any(|finding| finding.fix.is_some())
    });
    let fix = if fixable {
        "yes, where what was meant is beyond doubt"
    } else {
        "no"
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "| level | category | repaired mechanically |\n|---|---|---|\n| {} | {} | {fix} |\n\n{}.\n",
        rule.level,
        rule.category,
        capitalised(rule.summary),
    );
    let _ = write!(out, "\n## Why\n\n{}\n", rule.why.trim());
    let _ = write!(out, "\n## Servers\n\n{}\n", rule.versions.trim());
    out.push_str("\n## Examples\n");
    for example in rule.examples {
        if !example.title.is_empty() {
            let _ = write!(out, "\n### {}\n", capitalised(example.title));
        }
        let _ = write!(out, "\n```json\n{}\n```\n\n", example.bad.trim());
        let server = if example.server.is_empty() {
            String::new()
        } else {
            format!(" (server {})", example.server)
        };
        for finding in findings(rule, example) {
            let place = finding.labels.first().map(|label| label.span);
            let text = match (&finding.source, place) {
                (Some(source), Some(span)) => shown(source.slice(span)),
                _ => String::new(),
            };
            let _ = writeln!(
                out,
                "> **{}**{server} at `{text}`: {}{}",
                finding.severity,
                finding.message,
                finding
                    .help
                    .as_deref()
                    .map(|help| format!("\n>\n> *help*: {help}"))
                    .unwrap_or_default(),
            );
            out.push('\n');
        }
        let _ = write!(out, "Instead:\n\n```json\n{}\n```\n", example.good.trim());
    }
    let _ = write!(
        out,
        "\n## Silencing it\n\nIn `fhirward.toml`, for everything or for one policy, with a reason; see `{}` or `{}` there.\n",
        rule.id, rule.slug
    );
    out
}

fn findings(rule: &Rule, example: &Example) -> Vec<Diagnostic> {
    let mut subject = Subject::default();
    subject.add_text(&Source::new("example.json", example.bad));
    let options = Options {
        server: example.server.parse().unwrap_or(Version::NEWEST),
        ..Options::default()
    };
    check(&subject, &options)
        .into_iter()
        .filter(|finding| finding.id() == rule.id)
        .map(|finding| finding.diagnostic)
        .collect()
}

/// A quoted text on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default()),
        None => line,
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), chars.as_str())
}
