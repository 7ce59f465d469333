//! One pair: its parameter, its modifier, and what they ask.

use std::sync::Arc;

use fhirward_spec::{ParamType, SearchParam, spec};

use crate::criteria::advice;
use crate::criteria::bindings::Bindings;
use crate::criteria::filter::Filter;
use crate::criteria::probe::{Probe, Subject, Test};
use crate::criteria::syntax::{Alternative, Pair, Piece};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// What search features a filter may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Policy criteria: R.5.
    Criteria,
    /// A server's search, which also has composites.
    Search,
}

/// What one filter is compiled for.
pub(super) struct Context<'a> {
    pub resource_type: &'a str,
    pub bindings: &'a Bindings,
    pub base: Option<&'a str>,
    pub grammar: Grammar,
}
impl Context<'_> {
    pub(super) fn filter(
        &self,
        pair: &Pair,
        text: &str,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Filter> {
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
