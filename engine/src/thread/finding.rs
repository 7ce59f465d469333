//! What a rule reports.

use super::at::At;
use super::rule::Rule;
use crate::diagnostic::Severity;

/// A rule that a resource does not keep. Its texts name references, codes and times, never what
/// people wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadFinding {
    /// The rule's id: `H-10`.
    pub rule: &'static str,
    /// Error where the rule is a MUST, warning for a SHOULD, info for a MAY.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
    /// The documentation page that states the rule, by its last segment.
    pub page: &'static str,
    /// Which of the given resources.
    pub resource: usize,
    /// Where in it, as a JSON pointer; of a missing element, where it would be.
    pub pointer: String,
    /// Where in it, as FHIRPath.
    pub expression: String,
    /// What can be mended without a person's judgement.
    pub fix: Option<Repair>,
}

/// A mechanical repair of the resource: one operation of a JSON Patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Take away what is at the pointer.
    Remove {
        /// Where.
        pointer: String,
    },
    /// Append a reference to an array, which is made if it is not there.
    AddReference {
        /// The array's name.
        element: &'static str,
        /// The target.
        reference: String,
    },
}

/// Collects the findings of one rule on one resource.
#[derive(Debug)]
pub(super) struct Report<'f> {
    rule: &'static Rule,
    resource: usize,
    root: &'f str,
    findings: &'f mut Vec<ThreadFinding>,
}

impl<'f> Report<'f> {
    pub fn new(rule: &'static Rule, at: &At<'f>, findings: &'f mut Vec<ThreadFinding>) -> Self {
        Report {
            rule,
            resource: at.known.number(),
            root: at.text("resourceType").unwrap_or_default(),
            findings,
        }
    }

    /// Reports with the rule's own severity.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.push(
            self.rule.level.severity(),
            pointer.into(),
            message.into(),
            None,
        );
    }

    /// Reports with another severity.
    pub fn add_as(
        &mut self,
        severity: Severity,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.push(severity, pointer.into(), message.into(), None);
    }

    /// Reports with another severity, and other advice than the rule's.
    pub fn add_with_help(
        &mut self,
        severity: Severity,
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: &'static str,
    ) {
        self.push(severity, pointer.into(), message.into(), None);
        if let Some(finding) = self.findings.last_mut() {
            finding.help = help;
        }
    }

    /// Reports with a repair.
    pub fn add_fix(&mut self, pointer: impl Into<String>, message: impl Into<String>, fix: Repair) {
        self.push(
            self.rule.level.severity(),
            pointer.into(),
            message.into(),
            Some(fix),
        );
    }

    /// Reports that something is there that should not be; the repair takes it away.
    pub fn surplus(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        let pointer = pointer.into();
        let fix = Repair::Remove {
            pointer: pointer.clone(),
        };
        self.add_fix(pointer, message, fix);
    }

    fn push(&mut self, severity: Severity, pointer: String, message: String, fix: Option<Repair>) {
        self.findings.push(ThreadFinding {
            rule: self.rule.id,
            severity,
            message,
            help: self.rule.help,
            page: self.rule.page,
            resource: self.resource,
            expression: expression(self.root, &pointer),
            pointer,
            fix,
        });
    }
}

/// `/recipient/2/reference` is `Communication.recipient[2].reference`.
fn expression(root: &str, pointer: &str) -> String {
    let mut text = String::from(root);
    for segment in pointer.split('/').skip(1) {
        if segment.bytes().all(|b| b.is_ascii_digit()) && !segment.is_empty() {
            text.push('[');
            text.push_str(segment);
            text.push(']');
        } else {
            text.push('.');
            text.push_str(segment.strip_prefix('_').unwrap_or(segment));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn pointers_as_expressions() {
        assert_eq!(expression("Communication", ""), "Communication");
        assert_eq!(
            expression("Communication", "/recipient/2/reference"),
            "Communication.recipient[2].reference"
        );
    }
}
