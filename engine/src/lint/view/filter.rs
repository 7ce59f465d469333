//! Criteria and their filters.

use fhirward_spec::{ParamType, SearchParam, spec};

use super::text::TextView;
use crate::criteria::syntax::{Criteria, Pair, Piece, Variable};
use crate::lint::report::Place;
use crate::source::Span;
use crate::values::Prefix;

/// Parameters that shape a result and filter nothing.
const RESULT_PARAMETERS: [&str; 14] = [
    "_sort",
    "_cursor",
    "_count",
    "_offset",
    "_total",
    "_summary",
    "_include",
    "_revinclude",
    "_fields",
    "_elements",
    "_type",
    "_format",
    "_pretty",
    "_",
];

/// An entry's criteria.
#[derive(Debug, Clone)]
pub struct CriteriaView {
    /// As written.
    pub text: TextView,
    /// As read. Spans are bytes of the decoded text: see [`CriteriaView::at`].
    pub parsed: Criteria,
    /// The filters, in order.
    pub filters: Vec<FilterView>,
}

/// One `param[:modifier]=value`.
#[derive(Debug, Clone)]
pub struct FilterView {
    /// As read.
    pub pair: Pair,
    /// What it asks about.
    pub subject: FilterSubject,
}

/// What a filter asks about.
#[derive(Debug, Clone, Copy)]
pub enum FilterSubject {
    /// A search parameter of the type; for `*`, one that every type has.
    Param(&'static SearchParam),
    /// `_sort`, `_count` and the like: nothing.
    Result,
    /// Other resources: `_has`, or a path through a reference.
    Chain,
    /// Nothing that the type is known to have.
    Unknown,
}

impl FilterSubject {
    /// Whether it asks about other resources.
    pub fn is_chain(self) -> bool {
        matches!(self, Self::Chain)
    }
}

impl CriteriaView {
    pub(super) fn new(text: TextView, entry_type: &str, variables: &[&str]) -> Self {
        let (parsed, _) = crate::criteria::parse(&text.text, variables);
        let filters = parsed
            .pairs
            .iter()
            .map(|pair| FilterView {
                subject: subject(pair, entry_type),
                pair: pair.clone(),
            })
            .collect();
        Self {
            text,
            parsed,
            filters,
        }
    }

    /// The place of some bytes of the criteria.
    pub fn at(&self, span: Span) -> Place<'_> {
        self.text.at(span)
    }

    /// The place of the whole criteria.
    pub fn place(&self) -> Place<'_> {
        self.text.place()
    }

    /// Whether something is filtered: an entry whose filters are all empty talk is unrestricted.
    pub fn restricts(&self) -> bool {
        self.filters
            .iter()
            .any(|filter| !matches!(filter.subject, FilterSubject::Result))
    }

    /// The variables in the values.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.filters.iter().flat_map(FilterView::variables)
    }
}

fn subject(pair: &Pair, entry_type: &str) -> FilterSubject {
    let code = pair.param.text.as_str();
    let dotted = |modifier: &crate::criteria::syntax::Name| modifier.text.contains('.');
    if code == "_has" || code.contains('.') || pair.modifier.as_ref().is_some_and(dotted) {
        return FilterSubject::Chain;
    }
    if RESULT_PARAMETERS.contains(&code) {
        return FilterSubject::Result;
    }
    let found = match entry_type {
        // What begins with `_` and any type has, every type has.
        "*" if code.starts_with('_') => spec().search_param("Basic", code),
        "*" => None,
        // A Binary has no search parameters: R.11.
        "Binary" => None,
        kind => spec().search_param(kind, code),
    };
    match found {
        // `_filter`, `_text` and the like have no meaning on one resource.
        Some(param) if param.param_type == ParamType::Special && code.starts_with('_') => {
            FilterSubject::Unknown
        }
        Some(param) => FilterSubject::Param(param),
        None => FilterSubject::Unknown,
    }
}

impl FilterView {
    /// The parameter's name.
    pub fn code(&self) -> &str {
        &self.pair.param.text
    }

    /// The modifier, without the colon.
    pub fn modifier(&self) -> Option<&str> {
        self.pair.modifier.as_ref().map(|m| m.text.as_str())
    }

    /// The place of the modifier with its colon, in the criteria.
    pub fn modifier_span(&self) -> Option<Span> {
        let modifier = self.pair.modifier.as_ref()?;
        Some(Span::new(
            modifier.span.start.saturating_sub(1),
            modifier.span.end,
        ))
    }

    /// The parameter with its modifier, in the criteria.
    pub fn key_span(&self) -> Span {
        let end = self
            .pair
            .modifier
            .as_ref()
            .map_or(self.pair.param.span.end, |m| m.span.end);
        Span::new(self.pair.param.span.start, end)
    }

    /// The value, in the criteria; the whole filter where there is none.
    pub fn value_span(&self) -> Span {
        self.pair
            .value
            .filter(|span| !span.is_empty())
            .unwrap_or(self.pair.span)
    }

    /// The search parameter, where it is a known one.
    pub fn param(&self) -> Option<&'static SearchParam> {
        match self.subject {
            FilterSubject::Param(param) => Some(param),
            _ => None,
        }
    }

    /// The type of the search parameter, where it is a known one.
    pub fn param_type(&self) -> Option<ParamType> {
        self.param().map(|param| param.param_type)
    }

    /// Whether the filter asks only whether the element is there.
    pub fn is_missing(&self) -> bool {
        self.modifier() == Some("missing")
    }

    /// The value's prefix, where the parameter's type has prefixes.
    pub fn prefix(&self) -> Option<Prefix> {
        let kinds = [ParamType::Date, ParamType::Number, ParamType::Quantity];
        kinds.contains(&self.param_type()?).then_some(())?;
        let text = self
            .literals()
            .next()
            .map(|(text, _)| text)
            .unwrap_or_default();
        Some(Prefix::split(text).0)
    }

    /// Whether it is true where something is *not* so: `:not`, or the prefix `ne`.
    pub fn is_negated(&self) -> bool {
        self.modifier() == Some("not") || self.prefix() == Some(Prefix::NotEqual)
    }

    /// The variables in the value.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let pieces = self.pair.alternatives.iter().flat_map(|a| &a.pieces);
        pieces.filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(variable),
            _ => None,
        })
    }

    /// The alternatives that are one plain text, without variables and pipes, with their places.
    pub fn literals(&self) -> impl Iterator<Item = (&str, Span)> {
        self.pair.alternatives.iter().filter_map(|alternative| {
            match alternative.pieces.as_slice() {
                [Piece::Text(text)] => Some((text.as_str(), alternative.span)),
                _ => None,
            }
        })
    }
}
