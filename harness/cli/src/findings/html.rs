//! Findings as one page that needs nothing else: no scripts, no fonts, no pictures from elsewhere.

use super::path;
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::{Source, Span};
use fhirward_harness::report::markup::Html;

use super::place::{Place, Places};
use super::{Finding, Report};
use crate::render;

/// Of a longer line only what is around the finding is shown: in NDJSON a line is a whole resource.
const LONGEST_LINE: usize = 400;
/// Characters that are shown before and after what is pointed at in such a line.
const BESIDE: usize = 60;
/// Findings of one thread or file that are open to the eye; the others are folded.
const OPEN: usize = 25;
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
pre.part { overflow-wrap: anywhere; white-space: pre-wrap; }
code { background: #8882; border-radius: .2rem; font-size: .9em; padding: 0 .2em; }
summary { cursor: pointer; margin: .75rem 0; }
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
    if !report.omitted.is_empty() {
        let each: Vec<String> = report
            .omitted
            .iter()
            .map(|(rule, count)| format!("{count} of {rule}"))
            .collect();
        out.element("p", "", &format!("Not listed: {}.", each.join(", ")));
    }
    let mut places = Places::default();
    for group in groups(report.findings.iter().collect()) {
        out.raw("<section>\n");
        out.element("h2", "", &heading(&group));
        let (open, folded) = group
            .findings
            .split_at_checked(OPEN)
            .unwrap_or((&group.findings, &[]));
        for finding in open {
            article(report, finding, &mut places, None, &mut out);
        }
        if !folded.is_empty() {
            out.raw("<details>\n");
            let count = render::counted(folded.len(), "more finding", "more findings");
            out.element("summary", "", &count);
            for finding in folded {
                article(report, finding, &mut places, None, &mut out);
            }
            out.raw("</details>\n");
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
    prose(&diagnostic.message, out);
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
        prose(&format!("What to do: {help}"), out);
    }
    if let Some(fix) = &diagnostic.fix {
        match fix.replacement.as_str() {
            "" => prose("Repair: take it away", out),
            text => {
                out.raw("<p>Repair: write <code>")
                    .text(text)
                    .raw("</code></p>\n");
            }
        }
    }
    if let Some(reason) = reason {
        out.element("p", "", &format!("Excepted: {reason}"));
    }
    out.raw("</article>\n");
}

/// A sentence; what stands between backticks is code.
fn prose(sentence: &str, out: &mut Html) {
    out.raw("<p>");
    let mut rest = sentence;
    while let Some((before, quoted)) = rest.split_once('`') {
        let Some((code, behind)) = quoted.split_once('`') else {
            break;
        };
        out.text(before).raw("<code>").text(code).raw("</code>");
        rest = behind;
    }
    out.text(rest).raw("</p>\n");
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
    if around.is_empty() {
        return;
    }
    if around.iter().any(|(_, _, line)| line.len() > LONGEST_LINE) {
        out.raw("<pre class=\"part\">");
        for (number, start, line) in around.into_iter().filter(|(number, _, _)| *number == first) {
            out.text(&format!("{}  ", source.before.lines + number));
            excerpt(line, span.start.saturating_sub(start), span.len(), out);
        }
    } else {
        out.raw("<pre>");
        // On a telephone there is no room for what all lines begin with.
        let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let blank = around.iter().filter(|(_, _, line)| !line.trim().is_empty());
        let cut = blank.map(|(_, _, line)| indent(line)).min().unwrap_or(0);
        let last = source.before.lines + first + AROUND;
        let width = last.to_string().len();
        for (number, start, line) in around {
            out.text(&format!("{:>width$}  ", source.before.lines + number));
            let line = line.get(cut..).unwrap_or_default();
            let at = |offset: usize| offset.saturating_sub(start + cut).min(line.len());
            marked(line, at(span.start), at(span.end), out);
            out.raw("\n");
        }
    }
    out.raw("</pre>\n");
}

/// A line with some of it marked.
fn marked(line: &str, from: usize, to: usize, out: &mut Html) {
    match (line.get(..from), line.get(from..to), line.get(to..)) {
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
}

/// What is around a place in a long line.
fn excerpt(line: &str, from: usize, length: usize, out: &mut Html) {
    let (before, rest) = line.split_at_checked(from).unwrap_or((line, ""));
    let length = length.min(rest.len());
    let (own, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
    let nth = |text: &str, n| text.char_indices().nth(n).map(|(at, _)| at);
    let start = before.char_indices().rev().nth(BESIDE - 1);
    let start = start.map_or(0, |(at, _)| at);
    let kept = nth(own, LONGEST_LINE).unwrap_or(own.len());
    let is_whole = kept == own.len();
    let end = if is_whole {
        nth(behind, BESIDE).unwrap_or(behind.len())
    } else {
        0
    };
    if start > 0 {
        out.text("…");
    }
    let window: String = [
        before.get(start..).unwrap_or_default(),
        own.get(..kept).unwrap_or_default(),
        behind.get(..end).unwrap_or_default(),
    ]
    .concat();
    let at = before.len() - start;
    marked(&window, at, at + kept, out);
    if !is_whole || end < behind.len() {
        out.text("…");
    }
    out.raw("\n");
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
    let count = |id: &str| {
        let findings = report.findings.iter();
        findings.filter(|finding| finding.rule == id).count()
    };
    let broken: Vec<_> = report
        .rules
        .iter()
        .map(|rule| (rule, count(&rule.id)))
        .filter(|(_, count)| *count > 0)
        .collect();
    if broken.is_empty() {
        return;
    }
    out.raw("<section>\n");
    out.element("h2", "", "Rules");
    out.raw("<dl>\n");
    for (rule, count) in broken {
        let count = render::plural(count, "finding");
        out.element("dt", "", &format!("{} {}: {count}", rule.id, rule.slug));
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
    fn of_a_long_line_what_is_around_the_finding_is_shown() {
        let text = format!(
            "{{\"a\": \"{}\", \"é\": 12, \"b\": \"{}\"}}",
            "x".repeat(1000),
            "y".repeat(1000)
        );
        let at = text.find("12").unwrap();
        let page = document(&testing::report(&text, &[(at, at + 2)]));
        let before = "x".repeat(BESIDE - 8);
        let after = "y".repeat(BESIDE - 8);
        let wanted = format!(
            "<pre class=\"part\">1  …{before}&quot;, &quot;é&quot;: <mark>12</mark>, &quot;b&quot;: &quot;{after}…\n</pre>"
        );
        assert!(page.contains(&wanted), "{wanted}\n{page}");
        let long = document(&testing::report(&text, &[(6, 1000)]));
        assert!(long.len() < page.len() + 2 * LONGEST_LINE, "{long}");
    }

    #[test]
    fn the_last_of_many_findings_are_folded() {
        let many: Vec<(usize, usize)> = (0..OPEN + 3).map(|_| (1, 4)).collect();
        let page = document(&testing::report("{\"a\": 1}", &many));
        assert!(
            page.contains("<summary>3 more findings</summary>"),
            "{page}"
        );
        assert_eq!(page.matches("<article").count(), OPEN + 3);
        let page = document(&testing::report("{\"a\": 1}", &many[..OPEN]));
        assert!(!page.contains("<details>"), "{page}");
    }

    #[test]
    fn places_at_the_end_are_named() {
        let page = document(&testing::report("", &[(0, 0)]));
        assert!(page.contains("line 1, column 1"), "{page}");
    }
}
