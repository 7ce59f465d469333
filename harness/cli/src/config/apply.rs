//! A report under a configuration.

use std::collections::HashMap;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::Span;

use super::{Date, Exception, Level, Section, Selector};
use crate::findings::{Excepted, File, Finding, Report, Subject};

/// Gives the findings their levels, drops those of rules that are off, sets aside those that are
/// excepted, and adds what is to be said about the exceptions. `levels` are those of the command
/// line, which win over the file's.
pub fn apply(report: &mut Report, section: &Section, levels: &[(Selector, Level)], today: Date) {
    relevel(report, section, levels);
    except(report, section, today);
}

fn relevel(report: &mut Report, section: &Section, flags: &[(Selector, Level)]) {
    let mut set: HashMap<String, Level> = HashMap::new();
    for rule in &report.rules {
        let strongest = |levels: &[(Selector, Level)]| {
            levels
                .iter()
                .filter(|(selector, _)| selector.takes(rule))
                .max_by(|(a, _), (b, _)| a.cmp(b))
                .map(|(_, level)| *level)
        };
        if let Some(level) = strongest(flags).or_else(|| strongest(&section.levels)) {
            set.insert(rule.id.clone(), level);
        }
    }
    report
        .findings
        .retain_mut(|finding| match set.get(&finding.rule) {
            Some(Level::Off) => false,
            Some(Level::At(severity)) => {
                finding.diagnostic.severity = *severity;
                true
            }
            None => true,
        });
}

fn except(report: &mut Report, section: &Section, today: Date) {
    let mut used = vec![false; section.exceptions.len()];
    let findings = std::mem::take(&mut report.findings);
    for finding in findings {
        let at = place(&report.files, &finding);
        let mut excepted = None;
        for (exception, used) in section.exceptions.iter().zip(&mut used) {
            if exception.takes(&finding, at, &section.folder) {
                *used = true;
                if !is_over(exception, today) {
                    excepted = excepted.or(Some(exception));
                }
            }
        }
        match excepted {
            Some(exception) => report.excepted.push(Excepted {
                finding,
                reason: exception.reason.clone(),
            }),
            None => report.findings.push(finding),
        }
    }
    for (exception, used) in section.exceptions.iter().zip(used) {
        if let Some(finding) = remark(exception, used, report, section, today) {
            report.findings.push(finding);
        }
    }
}

fn is_over(exception: &Exception, today: Date) -> bool {
    exception.expires.is_some_and(|(last, _)| today > last)
}

/// The file and the subject that a finding is in.
fn place<'f>(files: &'f [File], finding: &Finding) -> Option<(&'f File, Option<&'f Subject>)> {
    let source = finding.diagnostic.source.as_ref()?;
    let file = files.iter().find(|file| file.source.name == source.name)?;
    let label = finding.diagnostic.labels.first();
    let subject = label.and_then(|label| file.subject_at(label.span.start));
    Some((file, subject))
}

fn remark(
    exception: &Exception,
    used: bool,
    report: &Report,
    section: &Section,
    today: Date,
) -> Option<Finding> {
    let source = section.source.as_ref()?;
    let rule = &exception.rule;
    let (code, severity, message, at, help) = match exception.expires {
        Some((last, at)) if used && today > last => (
            "config/exception-expired",
            Severity::Warning,
            format!("the exception from {rule} ended after {last}: its findings are back"),
            at,
            "repair what it excepts, or decide again and move the date",
        ),
        _ if used => return None,
        _ => {
            let reached = report
                .files
                .iter()
                .any(|file| exception.names_file(&file.source.name, &section.folder));
            if reached {
                (
                    "config/exception-unused",
                    Severity::Warning,
                    format!("the exception from {rule} excepts nothing"),
                    exception.span,
                    "was the finding repaired, or does the exception name something else?",
                )
            } else {
                let pattern = exception.file.as_ref().map_or("", |pattern| &pattern.text);
                (
                    "config/exception-unused",
                    Severity::Info,
                    format!(
                        "none of the checked files is `{pattern}`, which is excepted from {rule}"
                    ),
                    exception.span,
                    "patterns start at the folder of fhirward.toml",
                )
            }
        }
    };
    let label = Span::new(at.start, at.end);
    Some(Finding {
        thread: None,
        rule: code.to_owned(),
        diagnostic: Diagnostic::new(severity, code, message)
            .with_label(label, "")
            .with_source(source)
            .with_help(help),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Catalogue, Shape, read};
    use crate::findings::testing;
    use fhirward_engine::source::Source;

    const SHAPE: Shape<'static> = Shape {
        section: "policy",
        subject: "policy",
        part: "entry",
        server_version: true,
    };

    fn under(config: &str, today: Date) -> Report {
        let mut report = testing::report("{\"a\": 1}", &[(1, 4)]);
        let rules = report.rules.clone();
        let source = Source::new("fhirward.toml", config);
        let (section, faults) = read(&source, &SHAPE, &Catalogue::new(&rules));
        assert_eq!(faults, Vec::new());
        apply(&mut report, &section, &[], today);
        report
    }

    fn day(year: u16, month: u8, day: u8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    #[test]
    fn an_exception_holds_to_the_end_of_its_day() {
        let config = "[[policy.except]]\nrule = \"L99\"\nreason = \"x\"\nexpires = 2027-01-31\n";
        let last = under(config, day(2027, 1, 31));
        assert_eq!((last.findings.len(), last.excepted.len()), (0, 1));
        let after = under(config, day(2027, 2, 1));
        let rules: Vec<&str> = after.findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(rules, ["L99", "config/exception-expired"]);
        assert!(after.excepted.is_empty());
    }

    #[test]
    fn the_more_precise_level_wins_whatever_stands_first() {
        for config in [
            "[policy.rules]\nall = \"off\"\ncriteria = \"info\"\none-thing = \"critical\"\n",
            "[policy.rules]\none-thing = \"critical\"\ncriteria = \"info\"\nall = \"off\"\n",
        ] {
            let report = under(config, day(2027, 1, 1));
            let levels: Vec<Severity> = report.diagnostics().map(|d| d.severity).collect();
            assert_eq!(levels, [Severity::Critical], "{config}");
        }
    }

    #[test]
    fn what_no_rule_is_about_cannot_be_turned_off() {
        let mut report = testing::report("{\"a\": 1}", &[(1, 4)]);
        report.findings[0].rule = "json/syntax".to_owned();
        let all_off = [(Selector::All, Level::Off)];
        apply(&mut report, &Section::default(), &all_off, day(2027, 1, 1));
        assert_eq!(report.findings.len(), 1);
    }
}
