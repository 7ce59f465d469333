//! Findings for people: carets into the text, and how to read more.

use super::{Finding, Report};
use crate::output::Output;
use crate::render::{self, Style};

/// Findings that are shown in full; more of them would be read by nobody.
const MAX_SHOWN: usize = 500;

/// The report on standard error.
pub fn print(report: &Report, output: Output) {
    output.say_block(&text(report, output.style()));
}

/// The report as text; empty when nothing was found.
pub fn text(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for finding in report.findings.iter().take(MAX_SHOWN) {
        let title = report.title(finding);
        out.push_str(render::human_titled(&finding.diagnostic, &title, style).trim_end());
        out.push_str("\n\n");
    }
    if report.findings.len() > MAX_SHOWN {
        out.push_str(&format!(
            "… and {} more; `--format json` lists all of them\n\n",
            render::plural(report.findings.len() - MAX_SHOWN, "finding")
        ));
    }
    let mut explained: Vec<&str> = Vec::new();
    let mut by_weight: Vec<&Finding> = report.findings.iter().collect();
    by_weight.sort_by_key(|finding| std::cmp::Reverse(finding.diagnostic.severity));
    for finding in by_weight {
        if let Some(rule) = report.rule(&finding.rule)
            && !explained.contains(&rule.id.as_str())
        {
            explained.push(&rule.id);
        }
    }
    if let Some(first) = explained.first() {
        out.push_str(&format!(
            "why, and what to write instead: `fhirward {} --explain {first}`{}\n",
            report.command,
            match explained.len() {
                1 => String::new(),
                n => format!(
                    " (likewise {}{})",
                    explained
                        .iter()
                        .skip(1)
                        .take(6)
                        .copied()
                        .collect::<Vec<_>>()
                        .join(", "),
                    if n > 7 { ", …" } else { "" }
                ),
            }
        ));
    }
    out
}
