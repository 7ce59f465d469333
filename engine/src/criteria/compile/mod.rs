//! From a criteria's syntax to filters, or to everything that is wrong with it.

mod alternative;
mod context;
mod supposed;

use std::collections::BTreeMap;

use fhirward_spec::spec;

pub(crate) use self::alternative::is_parameter_name;
use self::context::{Context, Grammar};
use super::bindings::Bindings;
use super::filter::Filter;
use super::syntax::{Criteria, MAX_LENGTH, Name, Pair};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Filters that one criteria or search may have.
pub const MAX_FILTERS: usize = 100;
/// Alternatives that one filter may have.
pub const MAX_ALTERNATIVES: usize = 1_000;

/// The outcome of compiling a criteria.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// For each resource type that the criteria can match, its filters, all of which must pass.
    /// Empty when there is an error.
    pub filters: BTreeMap<&'static str, Vec<Filter>>,
    /// What is wrong, spans in the criteria's text; errors first come first.
    pub findings: Vec<Diagnostic>,
}

impl Compiled {
    /// Whether the criteria breaks a rule and so grants nothing.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(Diagnostic::is_error)
    }
}

/// Compiles a criteria for an entry on `resource_type`, which may be `*`.
///
/// `base` is the FHIR base of the server, on which absolute references are local ones.
pub fn compile(
    criteria: &Criteria,
    resource_type: &str,
    bindings: &Bindings,
    base: Option<&str>,
) -> Compiled {
    let mut findings = Vec::new();
    if criteria.text.len() > MAX_LENGTH {
        // The syntax has reported it and read nothing.
        return Compiled {
            filters: BTreeMap::new(),
            findings,
        };
    }
    if criteria.resource_type.text != resource_type && criteria.text.contains('?') {
        findings.push(wrong_type(criteria, resource_type));
    }
    if criteria.pairs.len() > MAX_FILTERS {
        let first = criteria
            .pairs
            .get(MAX_FILTERS)
            .map_or(0, |pair| pair.span.start);
        findings.push(
            Diagnostic::error(
                "criteria/too-many-filters",
                format!(
                    "{} filters, more than the limit of {MAX_FILTERS}",
                    criteria.pairs.len()
                ),
            )
            .with_label(Span::new(first, criteria.text.len()), "too many")
            .with_help("several entries can share them; grants add up"),
        );
        return Compiled {
            filters: BTreeMap::new(),
            findings,
        };
    }
    repeated(criteria, &mut findings);
    let mut filters = BTreeMap::new();
    if resource_type == "*" {
        wildcard(criteria, bindings, base, &mut filters, &mut findings);
    } else if let Some(def) = spec().resource(resource_type) {
        let context = Context {
            resource_type,
            bindings,
            base,
            grammar: Grammar::Criteria,
        };
        let all: Vec<Filter> = criteria
            .pairs
            .iter()
            .filter_map(|pair| context.filter(pair, &criteria.text, &mut findings))
            .collect();
        filters.insert(&*def.name, all);
    }
    // A pair that gave no filter must never widen what the others grant.
    filters.retain(|_, all: &mut Vec<Filter>| !all.is_empty() && all.len() == criteria.pairs.len());
    if findings.iter().any(Diagnostic::is_error) {
        filters.clear();
    }
    Compiled { filters, findings }
}

/// Compiles one pair of a server's search.
pub(crate) fn compile_search_pair(
    pair: &Pair,
    text: &str,
    resource_type: &str,
    base: Option<&str>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Filter> {
    let bindings = Bindings::none();
    let context = Context {
        resource_type,
        bindings: &bindings,
        base,
        grammar: Grammar::Search,
    };
    context.filter(pair, text, findings)
}

/// `*?…` is asked of each type that has all its parameters.
fn wildcard(
    criteria: &Criteria,
    bindings: &Bindings,
    base: Option<&str>,
    filters: &mut BTreeMap<&'static str, Vec<Filter>>,
    findings: &mut Vec<Diagnostic>,
) {
    // R.11: a Binary has no search parameters.
    let has = |kind: &str, pair: &Pair| {
        kind != "Binary"
            && (pair.param.text == "_compartment"
                || spec().search_param(kind, &pair.param.text).is_some())
    };
    let mut reported = false;
    let mut refused = Vec::new();
    for kind in spec().resource_types() {
        if !criteria.pairs.iter().all(|pair| has(kind, pair)) {
            continue;
        }
        let context = Context {
            resource_type: kind,
            bindings,
            base,
            grammar: Grammar::Criteria,
        };
        let mut faults = Vec::new();
        let all: Vec<Filter> = criteria
            .pairs
            .iter()
            .filter_map(|pair| context.filter(pair, &criteria.text, &mut faults))
            .collect();
        let broken = faults.iter().any(Diagnostic::is_error);
        if !reported {
            findings.append(&mut faults);
            reported = true;
        }
        if broken {
            refused.push(kind);
        } else {
            filters.insert(kind, all);
        }
    }
    if reported {
        if let Some(first) = refused.first().filter(|_| !filters.is_empty()) {
            findings.push(
                Diagnostic::warning(
                    "criteria/not-every-type",
                    format!(
                        "{} of the types with these search parameters cannot be asked so, {first} for one",
                        refused.len()
                    ),
                )
                .with_label(Span::new(0, criteria.text.len()), "grants nothing on these types")
                .with_help(format!("an entry on `{first}` alone says what is wrong with it there")),
            );
        }
        return;
    }
    for pair in &criteria.pairs {
        if !spec().resource_types().any(|kind| has(kind, pair)) {
            // Any type will do to say what is wrong with the parameter.
            let context = Context {
                resource_type: "Communication",
                bindings,
                base,
                grammar: Grammar::Criteria,
            };
            context.filter(pair, &criteria.text, findings);
        }
    }
    if !findings.iter().any(Diagnostic::is_error) {
        findings.push(
            Diagnostic::error("criteria/no-such-type", "no resource type has all of these search parameters")
                .with_label(Span::new(0, criteria.text.len()), "matches nothing")
                .with_help("every type has `_id`, `_lastUpdated`, `_tag`, `_security`, `_profile`, `_source` and `_compartment`"),
        );
    }
}

fn wrong_type(criteria: &Criteria, resource_type: &str) -> Diagnostic {
    let Name { text, span } = &criteria.resource_type;
    let place = if span.is_empty() {
        Span::new(0, 1.min(criteria.text.len()))
    } else {
        *span
    };
    let fault = if text.is_empty() {
        Diagnostic::error("criteria/wrong-type", "the criteria names no resource type")
    } else {
        Diagnostic::error(
            "criteria/wrong-type",
            format!("the criteria is about `{text}`, its entry about `{resource_type}`"),
        )
    };
    fault
        .with_label(place, format!("must be `{resource_type}`"))
        .with_help(format!(
            "begin with `{resource_type}?`; some servers drop the whole filter otherwise and grant every resource"
        ))
        .with_fix(*span, resource_type)
}

fn repeated(criteria: &Criteria, findings: &mut Vec<Diagnostic>) {
    let text = |pair: &Pair| criteria.text.get(pair.span.start..pair.span.end);
    for (at, pair) in criteria.pairs.iter().enumerate() {
        let earlier = criteria.pairs.get(..at).unwrap_or_default();
        if let Some(first) = earlier.iter().find(|other| text(other) == text(pair)) {
            findings.push(
                Diagnostic::new(
                    crate::diagnostic::Severity::Info,
                    "criteria/repeated-filter",
                    "the same filter stands twice",
                )
                .with_label(pair.span, "changes nothing")
                .with_label(first.span, "first"),
            );
        }
    }
}
