//! Findings as one page that needs nothing else: no scripts, no fonts, no pictures from elsewhere.

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::{Source, Span};
use fhirward_harness::report::markup::Html;
use fhirward_harness::report::path;

use super::place::{Place, Places};
use super::{Finding, Report};
use crate::render;

/// A longer line is named and not shown: in NDJSON a line is a whole resource.
const LONGEST_LINE: usize = 400;
/// Lines shown above and below a finding.
const AROUND: usize = 1;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --bad: #c62828; --warn: #b26a00; --info: #1565c0; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --warn: #ffca6b; --info: #90caf9; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 56rem; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
article { border: 1px solid var(--line); border-left: .3rem solid var(--c); border-radius: .3rem;
  margin: .75rem 0; padding: .6rem .8rem; }
article.critical, article.error { --c: var(--bad); } article.warning { --c: var(--warn); }
article.info { --c: var(--info); }
.rule { color: var(--c); font-size: .9rem; font-weight: 600; margin: 0; }
p { margin: .3rem 0; overflow-wrap: anywhere; } .place { font-size: .85rem; opacity: .8; }
pre { border: 1px solid var(--line); border-radius: .3rem; font-size: .8rem; margin: .4rem 0;
  overflow-x: auto; padding: .4rem; }
mark { background: none; border-bottom: .15rem solid var(--c); color: inherit; font-weight: 700; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; }
";

/// The page.
pub fn document(report: &Report) -> String {
    let mut out = Html::default();
    let title = format!("fhirward {}", report.command);
    out.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
    out.element("title", "", &title);
    out.raw("<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n<body>\n<main>\n");
    out.element("h1", "", &title);
    let files = render::plural(report.files.len(), "file");
    out.element("p", "", &format!("{} in {files}.", report.count()));
    let mut places = Places::default();
    for group in groups(report.findings.iter().collect()) {
        out.raw("<section>\n");
        out.element("h2", "", &heading(&group));
        for finding in &group.findings {
            article(report, finding, &mut places, None, &mut out);
        }
        out.raw("</section>\n");
    }
    if !report.excepted.is_empty() {
        out.raw("<section>\n");
        out.element("h2", "", "Excepted");
        for excepted in &report.excepted {
            let reason = Some(excepted.reason.as_str());
            article(report, &excepted.finding, &mut places, reason, &mut out);
        }
        out.raw("</section>\n");
    }
    rules(report, &mut out);
    out.raw("</main>\n</body>\n</html>\n");
    out.into_string()
}

/// Findings that are read together.
struct Group<'r> {
    thread: Option<&'r str>,
    file: Option<String>,
    findings: Vec<&'r Finding>,
}

/// By thread, or by file what is of none, in the order in which they first come.
fn groups(findings: Vec<&Finding>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for finding in findings {
        let thread = finding.thread.as_deref();
        let file = match thread {
            Some(_) => None,
            None => file_of(finding),
        };
        let at = *known
            .entry((thread, file.clone()))
            .or_insert_with(|| groups.len());
        match groups.get_mut(at) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group {
                thread,
                file,
                findings: vec![finding],
            }),
        }
    }
    groups
}

fn file_of(finding: &Finding) -> Option<String> {
    let source = finding.diagnostic.source.as_ref()?;
    Some(path::shown(&source.name).unwrap_or_else(|| "standard input".to_owned()))
}

fn heading(group: &Group<'_>) -> String {
    let what = match (group.thread, &group.file) {
        (Some(thread), _) => format!("Thread {thread}"),
        (None, Some(file)) => file.clone(),
        (None, None) => "Elsewhere".to_owned(),
    };
    let count = render::count(group.findings.iter().map(|finding| &finding.diagnostic));
    format!("{what}: {count}")
}

fn article(
    report: &Report,
    finding: &Finding,
    places: &mut Places,
    reason: Option<&str>,
    out: &mut Html,
) {
    let diagnostic = &finding.diagnostic;
    let class = match diagnostic.severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    out.raw("<article class=\"").raw(class).raw("\">\n");
    let severity = diagnostic.severity.to_string();
    let title = report.title(finding);
    // A critical finding says so in its title.
    let rule = match diagnostic.severity {
        Severity::Critical => title,
        _ => format!("{severity} · {title}"),
    };
    out.element("p", "rule", &rule);
    out.element("p", "", &diagnostic.message);
    let place = places.of_finding(diagnostic);
    if let Some(file) = file_of(finding) {
        let shown = match place {
            Some(place) => format!("{file}, line {}, column {}", place.line, place.column),
            None => file,
        };
        out.element("p", "place", &shown);
    }
    if let (Some(source), Some(place)) = (&diagnostic.source, place) {
        lines(diagnostic, source, place, out);
    }
    if let Some(help) = &diagnostic.help {
        out.element("p", "", &format!("What to do: {help}"));
    }
    if let Some(fix) = &diagnostic.fix {
        match fix.replacement.as_str() {
            "" => out.element("p", "", "Repair: take it away"),
            text => out.element("p", "", &format!("Repair: write {text}")),
        };
    }
    if let Some(reason) = reason {
        out.element("p", "", &format!("Excepted: {reason}"));
    }
    out.raw("</article>\n");
}

/// The lines around a finding, with what it points at marked.
fn lines(finding: &Diagnostic, source: &Source, place: Place, out: &mut Html) {
    let Some(span) = finding.labels.first().map(|label| label.span) else {
        return;
    };
    let first = place.line.saturating_sub(source.before.lines);
    let shown = first.saturating_sub(AROUND).max(1)..=first + AROUND;
    let around: Vec<(usize, usize, &str)> = numbered(source, span, first)
        .into_iter()
        .filter(|(number, _, _)| shown.contains(number))
        .collect();
    if around.is_empty() || around.iter().any(|(_, _, line)| line.len() > LONGEST_LINE) {
        return;
    }
    out.raw("<pre>");
    for (number, start, line) in around {
        out.text(&format!("{:>5}  ", source.before.lines + number));
        let at = |offset: usize| offset.saturating_sub(start).min(line.len());
        let (from, to) = (at(span.start), at(span.end));
        let parts = (line.get(..from), line.get(from..to), line.get(to..));
        match parts {
            (Some(before), Some(marked), Some(after)) if from < to => {
                out.text(before)
                    .raw("<mark>")
                    .text(marked)
                    .raw("</mark>")
                    .text(after);
            }
            _ => {
                out.text(line);
            }
        }
        out.raw("\n");
    }
    out.raw("</pre>\n");
}

/// The line of a span and its neighbours: number, first byte, text. Only the text around the span
/// is looked at, so that a thousand findings in a large file do not read it a thousand times.
fn numbered(source: &Source, span: Span, number: usize) -> Vec<(usize, usize, &str)> {
    let text = source.text.as_str();
    let line_at = |at: usize| -> Option<(usize, usize)> {
        let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..)?;
        Some((start, start + rest.find('\n').unwrap_or(rest.len())))
    };
    let Some(own) = line_at(span.start) else {
        return Vec::new();
    };
    let above = own.0.checked_sub(1).and_then(line_at);
    let below = (own.1 < text.len()).then(|| line_at(own.1 + 1)).flatten();
    let numbers = [number.saturating_sub(1), number, number + 1];
    numbers
        .into_iter()
        .zip([above, Some(own), below])
        .filter_map(|(number, ends)| {
            let (start, end) = ends?;
            Some((number, start, text.get(start..end)?.trim_end_matches('\r')))
        })
        .collect()
}

/// What the rules that were broken say.
fn rules(report: &Report, out: &mut Html) {
    let is_broken = |id: &str| report.findings.iter().any(|finding| finding.rule == id);
    let broken: Vec<_> = report
        .rules
        .iter()
        .filter(|rule| is_broken(&rule.id))
        .collect();
    if broken.is_empty() {
        return;
    }
    out.raw("<section>\n");
    out.element("h2", "", "Rules");
    out.raw("<dl>\n");
    for rule in broken {
        out.element("dt", "", &format!("{} {}", rule.id, rule.slug));
        out.element("dd", "", &rule.summary);
    }
    out.raw("</dl>\n</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Excepted, File, Subject, testing};

    #[test]
    fn a_page_of_findings() {
        let mut report = testing::report("{\n  \"a\": 1,\n  \"b\": 2\n}", &[(4, 7), (14, 17)]);
        report.findings[1].thread = Some("Communication/knee".to_owned());
        insta::assert_snapshot!(document(&report));
    }

    /// Everything that comes from outside, with a script in it.
    #[test]
    fn a_script_in_any_field_stays_text() {
        const BAD: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&\u{202e}\u{0}";
        let source = Source::new(format!("{BAD}.json"), format!("{BAD}\n{BAD}\n{BAD}"));
        let mut report = testing::report_of(&source, &[(0, 8), (90, 99)]);
        for rule in &mut report.rules {
            rule.id = BAD.to_owned();
            rule.slug = BAD.to_owned();
            rule.category = BAD.to_owned();
            rule.summary = BAD.to_owned();
            rule.page = BAD.to_owned();
        }
        for finding in &mut report.findings {
            finding.rule = BAD.to_owned();
            finding.diagnostic.message = BAD.to_owned();
            finding.diagnostic.help = Some(BAD.to_owned());
            for label in &mut finding.diagnostic.labels {
                label.text = BAD.to_owned();
            }
            if let Some(fix) = &mut finding.diagnostic.fix {
                fix.replacement = BAD.to_owned();
            }
        }
        report.findings[0].thread = Some(BAD.to_owned());
        report.excepted.push(Excepted {
            finding: report.findings[0].clone(),
            reason: BAD.to_owned(),
        });
        report.files = vec![File {
            source,
            subjects: vec![Subject {
                name: BAD.to_owned(),
                span: Span::new(0, 1),
                called: vec![BAD.to_owned()],
                parts: Vec::new(),
            }],
        }];
        let page = document(&report);
        for part in ["<script", "<img", "\u{0}", "\u{202e}", "'>"] {
            assert!(!page.contains(part), "{part}: {page}");
        }
        assert!(page.matches("&lt;script&gt;").count() >= 12, "{page}");
        let tags = page.matches('<').count();
        assert_eq!(tags, page.matches('>').count(), "{page}");
    }

    #[test]
    fn it_needs_nothing_from_elsewhere() {
        let page = document(&testing::report("{\"a\": 1}", &[(1, 4)]));
        for part in [
            "http:", "https:", "src=", "href=", "url(", "@import", "<script",
        ] {
            assert!(!page.contains(part), "{part}");
        }
        assert!(page.contains("name=\"viewport\""), "{page}");
    }

    #[test]
    fn long_lines_and_places_at_the_end_are_not_shown() {
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(1000));
        let page = document(&testing::report(&long, &[(1, 4), (2000, 3000)]));
        assert!(!page.contains("<pre>"), "{page}");
        let page = document(&testing::report("", &[(0, 0)]));
        assert!(page.contains("line 1, column 1"), "{page}");
    }
}
