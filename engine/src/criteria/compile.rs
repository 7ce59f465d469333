//! From a criteria's syntax to filters, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirward_spec::{ParamType, SearchParam, spec};

use super::advice;
use super::bindings::Bindings;
use super::filter::Filter;
use super::pattern;
use super::probe::{Pattern, Probe, Subject, Test};
use super::syntax::{Alternative, Criteria, Name, Pair, Piece};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::values::reference::{self, ReferencePattern};
use crate::values::{BadValue, Prefix};

/// Filters that one criteria or search may have.
pub const MAX_FILTERS: usize = 100;
/// Alternatives that one filter may have.
pub const MAX_ALTERNATIVES: usize = 1_000;

/// What search features a filter may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    /// Policy criteria: R.5.
    Criteria,
    /// A server's search, which also has composites.
    Search,
}

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
    if criteria.resource_type.text != resource_type && criteria.text.contains('?') {
        findings.push(wrong_type(criteria, resource_type));
    }
    if criteria.pairs.len() > MAX_FILTERS {
        findings.push(Diagnostic::error(
            "criteria/too-many-filters",
            format!(
                "{} filters, more than the limit of {MAX_FILTERS}",
                criteria.pairs.len()
            ),
        ));
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
        if !broken {
            filters.insert(kind, all);
        }
    }
    if reported {
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

struct Context<'a> {
    resource_type: &'a str,
    bindings: &'a Bindings,
    base: Option<&'a str>,
    grammar: Grammar,
}

/// An alternative whose variables have their values: the texts between unescaped pipes.
struct Resolved {
    parts: Vec<String>,
    span: Span,
    /// Whether the value of a variable stands first.
    variable_first: bool,
}

impl Context<'_> {
    fn filter(&self, pair: &Pair, text: &str, findings: &mut Vec<Diagnostic>) -> Option<Filter> {
        let code = pair.param.text.as_str();
        if code.is_empty() {
            return None;
        }
        let subject = self.subject(pair, findings)?;
        let mut shown = String::new();
        let test = match pair
            .modifier
            .as_ref()
            .map(|modifier| modifier.text.as_str())
        {
            None => Test::Some(self.patterns(subject, pair, &mut shown, findings)?),
            Some("not") => Test::None(self.patterns(subject, pair, &mut shown, findings)?),
            Some("missing") => Test::Missing(missing(pair, findings)?),
            Some(other) => {
                let value = pair
                    .value
                    .and_then(|span| text.get(span.start..span.end))
                    .unwrap_or_default();
                let span = pair.modifier.as_ref().map_or(pair.span, |m| m.span);
                let underlined = Span::new(span.start.saturating_sub(1), span.end);
                findings.push(
                    Diagnostic::error(
                        "criteria/modifier",
                        format!("`:{other}` is not a modifier that can be used here"),
                    )
                    .with_label(underlined, "not supported")
                    .with_help(advice::modifier(code, other, value)),
                );
                return None;
            }
        };
        Some(Filter {
            text: text
                .get(pair.span.start..pair.span.end)
                .unwrap_or(text)
                .into(),
            span: pair.span,
            resolved: self.resolved_text(pair, &shown),
            probe: Arc::new(Probe {
                subject,
                test,
                base: self.base.map(Into::into),
            }),
        })
    }

    fn subject(&self, pair: &Pair, findings: &mut Vec<Diagnostic>) -> Option<Subject> {
        let code = pair.param.text.as_str();
        let span = pair.param.span;
        let chain =
            code.contains('.') || pair.modifier.as_ref().is_some_and(|m| m.text.contains('.'));
        let key = match &pair.modifier {
            Some(modifier) => Span::new(span.start, modifier.span.end),
            None => span,
        };
        let fault = if code == "_has" {
            Diagnostic::error("criteria/chain", "`_has` asks about other resources")
                .with_label(key, "not supported")
                .with_help("a filter sees only the resource itself; `_compartment` or a reference on the resource can say the same")
        } else if chain {
            Diagnostic::error(
                "criteria/chain",
                "a chained parameter asks about another resource",
            )
            .with_label(key, "not supported")
            .with_help(
                "a filter sees only the resource itself; name the other resource by its reference",
            )
        } else if advice::RESULT_PARAMETERS.contains(&code) {
            Diagnostic::error(
                "criteria/result-parameter",
                format!("`{code}` shapes a result and filters nothing"),
            )
            .with_label(span, "no filter")
            .with_help("delete it; alone it would leave the entry without any filter")
        } else if advice::UNSUPPORTED_PARAMETERS.contains(&code) {
            Diagnostic::error(
                "criteria/unsupported-parameter",
                format!("`{code}` cannot be decided from the resource alone"),
            )
            .with_label(span, "not supported")
            .with_help("use the search parameters of the type")
        } else if self.resource_type == "Binary" && self.grammar == Grammar::Criteria {
            Diagnostic::error(
                "criteria/unknown-parameter",
                "a Binary has no search parameters",
            )
            .with_label(span, "not on Binary")
            .with_help("type and interaction decide about a Binary, and its `securityContext`; leave the criteria out")
        } else if code == "_compartment" {
            return Some(Subject::Compartment);
        } else {
            match spec().search_param(self.resource_type, code) {
                None => Diagnostic::error(
                    "criteria/unknown-parameter",
                    format!(
                        "`{code}` is not a search parameter of {}",
                        self.resource_type
                    ),
                )
                .with_label(span, "unknown")
                .with_help(advice::unknown_parameter(self.resource_type, code)),
                Some(param) if self.allows(param) => return Some(Subject::Param(param)),
                Some(param) => Diagnostic::error(
                    "criteria/unsupported-parameter",
                    format!(
                        "`{code}` is a {:?} parameter, which cannot be used here",
                        param.param_type
                    )
                    .to_lowercase(),
                )
                .with_label(span, "not supported")
                .with_help(
                    "use a token, reference, string, uri, date, number or quantity parameter",
                ),
            }
        };
        findings.push(fault);
        None
    }

    fn allows(&self, param: &SearchParam) -> bool {
        match param.param_type {
            ParamType::Special => false,
            ParamType::Composite => self.grammar == Grammar::Search && !param.components.is_empty(),
            _ => true,
        }
    }

    /// The filter with its variables' values, where it has variables.
    fn resolved_text(&self, pair: &Pair, value: &str) -> Box<str> {
        let variable = |piece: &Piece| matches!(piece, Piece::Variable(_));
        if !pair
            .alternatives
            .iter()
            .flat_map(|a| &a.pieces)
            .any(variable)
        {
            return "".into();
        }
        let modifier = pair
            .modifier
            .as_ref()
            .map(|m| format!(":{}", m.text))
            .unwrap_or_default();
        format!("{}{modifier}={value}", pair.param.text).into()
    }

    fn patterns(
        &self,
        subject: Subject,
        pair: &Pair,
        shown: &mut String,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Vec<Pattern>> {
        let count = pair.alternatives.len();
        if count > MAX_ALTERNATIVES {
            findings.push(
                Diagnostic::error(
                    "criteria/too-many-alternatives",
                    format!("{count} alternatives, more than the limit of {MAX_ALTERNATIVES}"),
                )
                .with_label(pair.span, "too long a list")
                .with_help("several entries, or several searches, can share a list"),
            );
            return None;
        }
        let mut patterns = Vec::new();
        let mut sound = true;
        for alternative in &pair.alternatives {
            if alternative.pieces.is_empty() {
                // In a criteria the syntax has reported it.
                if self.grammar == Grammar::Search {
                    findings.push(Diagnostic::error(
                        "search/empty-value",
                        format!("`{}` has an empty alternative", pair.param.text),
                    ));
                }
                sound = false;
                continue;
            }
            match self.pattern(subject, alternative, shown, findings) {
                Outcome::Pattern(pattern) => patterns.push(pattern),
                Outcome::Unknown => {}
                Outcome::Broken => sound = false,
            }
        }
        (sound && !pair.alternatives.is_empty()).then_some(patterns)
    }

    fn pattern(
        &self,
        subject: Subject,
        alternative: &Alternative,
        shown: &mut String,
        findings: &mut Vec<Diagnostic>,
    ) -> Outcome {
        let before = findings.len();
        let resolved = self.resolve(alternative, subject, findings);
        if findings.iter().skip(before).any(Diagnostic::is_error) {
            return Outcome::Broken;
        }
        let Some(resolved) = resolved else {
            return Outcome::Unknown;
        };
        if !shown.is_empty() {
            shown.push(',');
        }
        shown.push_str(&resolved.parts.join("|"));
        let made = match subject {
            Subject::Compartment => self.compartment(&resolved, findings),
            Subject::Param(param) if param.param_type == ParamType::Composite => {
                pattern::composite(param, alternative)
            }
            Subject::Param(param) => self.value(param, &resolved, findings),
        };
        match made {
            Ok(pattern) => Outcome::Pattern(pattern),
            Err(bad) => {
                findings.push(
                    Diagnostic::error(
                        "criteria/value",
                        format!("`{}` {}", resolved.parts.join("|"), bad.message),
                    )
                    .with_label(resolved.span, "not a value of this parameter")
                    .with_help(bad.help),
                );
                Outcome::Broken
            }
        }
    }

    /// The texts of an alternative; `None` where a variable's value is not known yet.
    fn resolve(
        &self,
        alternative: &Alternative,
        subject: Subject,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Resolved> {
        let mut parts = vec![String::new()];
        let mut known = true;
        let composite =
            matches!(subject, Subject::Param(p) if p.param_type == ParamType::Composite);
        for piece in &alternative.pieces {
            let last = parts.last_mut()?;
            match piece {
                Piece::Text(text) => last.push_str(text),
                Piece::Dollar if !composite => last.push('$'),
                Piece::Dollar | Piece::Pipe => parts.push(String::new()),
                Piece::Variable(variable) => {
                    let names = self.bindings.names();
                    match self.bindings.value(&variable.name, variable.id) {
                        Some(_) if self.bindings.open => known = false,
                        Some(value) if !value.is_empty() => last.push_str(value),
                        None if self.bindings.open && is_parameter_name(&variable.name) => {
                            known = false;
                            findings.push(
                                Diagnostic::warning(
                                    "criteria/parameter",
                                    format!("`%{}` must be a parameter of every membership that uses this policy", variable.name),
                                )
                                .with_label(variable.span, "has no value of its own")
                                .with_help(advice::variable(&variable.name, variable.id, &names)),
                            );
                        }
                        _ => {
                            let suffix = if variable.id { ".id" } else { "" };
                            findings.push(
                                Diagnostic::error(
                                    "criteria/unresolved-variable",
                                    format!("`%{}{suffix}` has no value", variable.name),
                                )
                                .with_label(variable.span, "not a variable here")
                                .with_help(advice::variable(&variable.name, variable.id, &names)),
                            );
                        }
                    }
                }
            }
        }
        known.then_some(Resolved {
            parts,
            span: alternative.span,
            variable_first: matches!(alternative.pieces.first(), Some(Piece::Variable(_))),
        })
    }

    fn value(
        &self,
        param: &SearchParam,
        resolved: &Resolved,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Pattern, BadValue> {
        let whole = resolved.parts.join("|");
        let prefixed = matches!(
            param.param_type,
            ParamType::Date | ParamType::Number | ParamType::Quantity
        ) && Prefix::split(&whole).1.len() < whole.len();
        let plain_code = |kind: &&str| matches!(*kind, "code" | "boolean" | "id");
        if let [system, code] = resolved.parts.as_slice()
            && param.param_type == ParamType::Token
            && self.grammar == Grammar::Criteria
            && !system.is_empty()
            && param.program.data_types().iter().all(plain_code)
        {
            // Under `:not` it would match every resource.
            return Err(BadValue::new(
                "names a system, and the element is a plain code without one",
                format!("write `{code}`"),
            ));
        }
        // R.7: nothing in a value is ever parsed as criteria.
        if resolved.variable_first && prefixed {
            return Err(BadValue::new(
                "begins with a prefix that comes out of a variable",
                "write the prefix into the criteria, before the `%`",
            ));
        }
        Ok(match param.param_type {
            ParamType::Reference => {
                if !whole.contains('/') && !whole.contains(':') && param.targets.len() == 1 {
                    findings.push(bare_id(
                        &whole,
                        param.targets.first().map_or("", |t| t),
                        resolved.span,
                    ));
                }
                Pattern::Reference(ReferencePattern::parse(&whole, &param.targets, self.base)?)
            }
            other => pattern::plain(other, &resolved.parts)?,
        })
    }

    fn compartment(
        &self,
        resolved: &Resolved,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Pattern, BadValue> {
        let whole = resolved.parts.join("|");
        if let Some(local) = reference::local(&whole, self.base) {
            return Ok(Pattern::Compartment(local.into()));
        }
        if whole.contains('/') || whole.contains(':') {
            return Err(match ReferencePattern::parse(&whole, &[], self.base) {
                Err(bad) => bad,
                Ok(_) => BadValue::new(
                    "is no compartment of this server",
                    "a compartment is `Type/id`",
                ),
            });
        }
        findings.push(bare_id(&whole, "Patient", resolved.span));
        Ok(Pattern::Compartment(format!("Patient/{whole}").into()))
    }
}

enum Outcome {
    Pattern(Pattern),
    /// Nothing is known of the value yet, and nothing is wrong with it.
    Unknown,
    Broken,
}

/// Words that people take for built-in variables, and paths, are no parameter names.
pub(crate) fn is_parameter_name(name: &str) -> bool {
    !name.contains('.') && !matches!(name, "user" | "me" | "current_user" | "practitioner")
}

fn bare_id(id: &str, target: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(
        "criteria/bare-id",
        format!("`{id}` is an id without a type"),
    )
    .with_label(span, format!("read as `{target}/{id}`"))
    .with_help("servers disagree on bare ids; write the type")
}

fn missing(pair: &Pair, findings: &mut Vec<Diagnostic>) -> Option<bool> {
    let text = match pair.alternatives.as_slice() {
        [Alternative { pieces, .. }] => match pieces.as_slice() {
            [Piece::Text(text)] => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    match text {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => {
            if pair.value.is_some_and(|value| !value.is_empty()) {
                findings.push(
                    Diagnostic::error("criteria/value", "`:missing` asks for `true` or `false`")
                        .with_label(pair.value.unwrap_or(pair.span), "neither")
                        .with_help(format!(
                            "`{0}:missing=true` is true where the element is absent, `{0}:missing=false` where it is there",
                            pair.param.text
                        )),
                );
            }
            None
        }
    }
}
