//! What the reader and the compiler of policies found, as findings of rules.
//!
//! One mistake is reported once. A diagnostic whose code a rule adopts is that rule's finding; where
//! the rule has found the same place itself, its own words count, because they say what servers do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::catalogue;
use super::report::{Answered, Finding};
use super::rule::Which;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Source, Span};

/// Codes that no rule adopts: the input is not what it should be (no JSON, no policy, an element of
/// the wrong shape, a size over a limit, a value that its parameter cannot have). A rule that adopts
/// all diagnostics of a code takes it out of this list; a test holds every code to one home.
pub const FORMAT: &[&str] = &[
    "criteria/bad-escape",
    "criteria/more-faults",
    "criteria/no-parameter",
    "criteria/no-value",
    "criteria/too-long",
    "criteria/too-many-alternatives",
    "criteria/too-many-filters",
    "criteria/value",
    "json/repeated-key",
    "json/syntax",
    "json/too-deep",
    "json/too-large",
    "json/too-many-values",
    "membership/no-project",
    "membership/repeated-parameter",
    "membership/reserved-parameter",
    "membership/shape",
    "membership/too-many-entries",
    "membership/too-many-members",
    "membership/too-many-wildcards",
    "policy/compartment",
    "policy/constraint-not-evaluated",
    "policy/no-entries",
    "policy/no-resource",
    "policy/not-a-policy",
    "policy/shape",
    "policy/too-many-entries",
    "policy/too-many-items",
    "policy/too-many-wildcards",
    "policy/unknown-key",
];

/// Adds the diagnostics to the findings of the rules, or drops those that repeat one of them.
pub(super) fn adopt(
    findings: &mut Vec<Finding>,
    diagnostics: Vec<Diagnostic>,
    answered: &[Answered],
) {
    let places = Places::of(findings);
    let answered: HashSet<(&str, *const Source, Span)> = answered
        .iter()
        .map(|place| (place.rule, place.source, place.span))
        .collect();
    for mut diagnostic in diagnostics {
        let mut adopters = catalogue::all().iter().flat_map(|rule| {
            let adopts = rule.adopts.iter();
            adopts.map(move |adopts| (*rule, adopts))
        });
        let adopters: Vec<_> = adopters
            .by_ref()
            .filter(|(_, adopts)| adopts.code == diagnostic.code)
            .collect();
        let at = place(&diagnostic);
        let is_answered =
            |rule: &str| at.is_some_and(|(source, span)| answered.contains(&(rule, source, span)));
        if adopters.iter().any(|(rule, _)| is_answered(rule.id)) {
            continue;
        }
        let same = adopters
            .iter()
            .find_map(|(rule, _)| places.find(rule.id, &diagnostic));
        if let Some(at) = same {
            if let Some(finding) = findings.get_mut(at) {
                lend(&mut finding.diagnostic, diagnostic);
            }
            continue;
        }
        let whole = adopters
            .iter()
            .find_map(|(rule, adopts)| match adopts.which {
                Which::All => Some((*rule, rule.level)),
                Which::AllAs(level) => Some((*rule, level)),
                Which::AtItsFindings => None,
            });
        if let Some((rule, level)) = whole {
            let least = if diagnostic.is_error() {
                Severity::Error
            } else {
                level
            };
            diagnostic.severity = level.max(least);
            diagnostic.code = rule.slug;
        }
        findings.push(Finding {
            rule: whole.map(|(rule, _)| rule),
            diagnostic,
        });
    }
}

fn place(diagnostic: &Diagnostic) -> Option<(*const Source, Span)> {
    let source = diagnostic.source.as_ref()?;
    Some((Arc::as_ptr(source), diagnostic.labels.first()?.span))
}

/// A rule's finding takes over the advice that it does not have itself. A repair it does not: the
/// rule knows better whether what was meant is beyond doubt. What the reader calls an error remains
/// one: the entry grants nothing in the reference semantics.
fn lend(finding: &mut Diagnostic, diagnostic: Diagnostic) {
    finding.severity = finding.severity.max(diagnostic.severity);
    if finding.help.is_none() {
        finding.help = diagnostic.help;
    }
}

/// The places of findings, by text and rule.
struct Places {
    by_rule: HashMap<(*const Source, &'static str), Vec<(Span, usize)>>,
}

impl Places {
    fn of(findings: &[Finding]) -> Self {
        let mut by_rule: HashMap<_, Vec<(Span, usize)>> = HashMap::new();
        for (at, finding) in findings.iter().enumerate() {
            let (Some(source), Some(label)) = (
                &finding.diagnostic.source,
                finding.diagnostic.labels.first(),
            ) else {
                continue;
            };
            by_rule
                .entry((Arc::as_ptr(source), finding.id()))
                .or_default()
                .push((label.span, at));
        }
        for list in by_rule.values_mut() {
            list.sort_unstable();
        }
        Self { by_rule }
    }

    /// The rule's finding whose place overlaps the diagnostic's.
    fn find(&self, rule: &'static str, diagnostic: &Diagnostic) -> Option<usize> {
        let source = diagnostic.source.as_ref()?;
        let span = diagnostic.labels.first()?.span;
        let list = self.by_rule.get(&(Arc::as_ptr(source), rule))?;
        // Findings of one rule seldom nest, so the neighbours of the place are enough.
        let next = list.partition_point(|(other, _)| other.start < span.start);
        let around = next.saturating_sub(2)..(next + 2).min(list.len());
        list.get(around)?
            .iter()
            .find(|(other, _)| overlap(*other, span))
            .map(|(_, at)| *at)
    }
}

fn overlap(first: Span, second: Span) -> bool {
    first.start == second.start || (first.start < second.end && second.start < first.end)
}
