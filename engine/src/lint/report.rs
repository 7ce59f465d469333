//! What rules find.

use std::sync::Arc;

use super::rule::Rule;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Source, Span};

/// A finding: of a rule, or of the reader.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule; `None` for a text that is not what it should be, which no rule is about.
    pub rule: Option<&'static Rule>,
    /// What is wrong and where. Its code is the rule's slug, or the reader's own.
    pub diagnostic: Diagnostic,
}

impl Finding {
    /// The rule's id (`L01`), or the reader's code (`json/repeated-key`).
    pub fn id(&self) -> &'static str {
        self.rule.map_or(self.diagnostic.code, |rule| rule.id)
    }

    /// The rule's slug, or the reader's code.
    pub fn slug(&self) -> &'static str {
        self.rule.map_or(self.diagnostic.code, |rule| rule.slug)
    }
}

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The text.
    pub source: &'a Arc<Source>,
    /// The bytes.
    pub span: Span,
}

/// Takes the findings of one rule.
#[derive(Debug)]
pub struct Report<'r> {
    rule: &'static Rule,
    findings: &'r mut Vec<Finding>,
    answered: &'r mut Vec<Answered>,
}

/// A place about which the reader's doubts are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub rule: &'static str,
    pub source: *const Source,
    pub span: Span,
}

impl<'r> Report<'r> {
    pub(super) fn new(
        rule: &'static Rule,
        findings: &'r mut Vec<Finding>,
        answered: &'r mut Vec<Answered>,
    ) -> Self {
        Self {
            rule,
            findings,
            answered,
        }
    }

    /// Says that nothing is wrong at a place where the reader, which sees one policy alone, may have
    /// a doubt: its diagnostics there, of a code that the rule adopts, are dropped.
    pub fn answer(&mut self, place: Place<'_>) {
        self.answered.push(Answered {
            rule: self.rule.id,
            source: Arc::as_ptr(place.source),
            span: place.span,
        });
    }

    /// Adds a finding at the rule's level: the smallest place that is wrong, a word about it (may
    /// be empty), and what is wrong. The draft that comes back takes the rest.
    pub fn find(
        &mut self,
        place: Place<'_>,
        label: impl Into<String>,
        message: impl Into<String>,
    ) -> Draft<'_> {
        let diagnostic = Diagnostic::new(self.rule.level, self.rule.slug, message)
            .with_label(place.span, label)
            .with_source(place.source);
        Draft {
            diagnostic: push(self.findings, self.rule, diagnostic),
        }
    }
}

fn push<'f>(
    findings: &'f mut Vec<Finding>,
    rule: &'static Rule,
    diagnostic: Diagnostic,
) -> &'f mut Diagnostic {
    &mut findings
        .push_mut(Finding {
            rule: Some(rule),
            diagnostic,
        })
        .diagnostic
}

/// A finding that can still be added to.
#[derive(Debug)]
pub struct Draft<'f> {
    diagnostic: &'f mut Diagnostic,
}

impl Draft<'_> {
    /// Another level than the rule's.
    pub fn level(self, level: Severity) -> Self {
        self.diagnostic.severity = level;
        self
    }

    /// What to write instead.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.diagnostic.help = Some(crate::diagnostic::brief(help.into()));
        self
    }

    /// A second place. It must be in the same text; one in another text is left out.
    pub fn also(self, place: Place<'_>, label: impl Into<String>) -> Self {
        let same = self
            .diagnostic
            .source
            .as_ref()
            .is_some_and(|source| Arc::ptr_eq(source, place.source) || source == place.source);
        if same {
            self.diagnostic.labels.push(crate::diagnostic::Label {
                span: place.span,
                text: label.into(),
            });
        }
        self
    }

    /// The mechanical repair inside a JSON string: the text is written with JSON's escapes. Only
    /// where what was meant is beyond doubt.
    pub fn fix_text(self, place: Place<'_>, replacement: impl Into<String>) -> Self {
        let quoted = serde_json::Value::from(replacement.into()).to_string();
        let bare = quoted.get(1..quoted.len().saturating_sub(1));
        self.fix(place, bare.unwrap_or_default())
    }

    /// The mechanical repair, in JSON: only where what was meant is beyond doubt.
    pub fn fix(self, place: Place<'_>, replacement: impl Into<String>) -> Self {
        self.diagnostic.fix = Some(crate::diagnostic::Fix {
            span: place.span,
            replacement: replacement.into(),
        });
        self
    }
}
