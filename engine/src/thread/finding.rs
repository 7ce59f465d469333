//! What a rule reports.

use super::rules::Rule;
use crate::diagnostic::Severity;

/// A rule that a resource does not keep.
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
    /// Where in it, as a JSON pointer.
    pub pointer: String,
    /// Where in it, as FHIRPath.
    pub expression: String,
}

/// Collects the findings of one rule.
#[derive(Debug)]
pub(super) struct Report<'f> {
    rule: &'static Rule,
    findings: &'f mut Vec<ThreadFinding>,
}

impl<'f> Report<'f> {
    pub fn new(rule: &'static Rule, findings: &'f mut Vec<ThreadFinding>) -> Self {
        Report { rule, findings }
    }

    /// Reports with the rule's own severity.
    pub fn add(&mut self, resource: usize, pointer: &str, message: impl Into<String>) {
        self.add_as(self.rule.severity, resource, pointer, message);
    }

    /// Reports with another severity.
    pub fn add_as(
        &mut self,
        severity: Severity,
        resource: usize,
        pointer: &str,
        message: impl Into<String>,
    ) {
        self.findings.push(ThreadFinding {
            rule: self.rule.id,
            severity,
            message: message.into(),
            help: self.rule.help,
            page: self.rule.page,
            resource,
            pointer: pointer.to_owned(),
            expression: expression(pointer),
        });
    }
}

/// `/recipient/2/reference` is `Communication.recipient[2].reference`.
fn expression(pointer: &str) -> String {
    let mut text = String::from("Communication");
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
        assert_eq!(expression(""), "Communication");
        assert_eq!(
            expression("/recipient/2/reference"),
            "Communication.recipient[2].reference"
        );
    }
}
