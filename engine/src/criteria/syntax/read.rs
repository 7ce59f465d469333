//! From a text to its pairs, and to all that breaks the grammar.

use nom::Parser;
use nom::bytes::complete::take_till;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::multi::separated_list0;
use nom::sequence::preceded;

use super::ast::{Criteria, Name, Pair};
use super::url::{self, Atom, AtomKind};
use super::value::alternatives;
use super::{MAX_FAULTS, MAX_LENGTH};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Reads a criteria; `names` are the variables that are known to have a value.
///
/// The result is always there, as far as the text could be understood; what breaks the grammar is
/// in the list, all of it.
///
/// ```
/// let (criteria, faults) = fhirward_engine::criteria::parse("Task?owner=%profile", &["profile"]);
/// assert!(faults.is_empty());
/// assert_eq!(criteria.resource_type.text, "Task");
/// assert_eq!(criteria.pairs[0].param.text, "owner");
/// ```
pub fn parse(text: &str, names: &[&str]) -> (Criteria, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    if text.len() > MAX_LENGTH {
        return (Criteria::empty(text), vec![too_long("criteria", text)]);
    }
    let (resource_type, query) = match text.find('?') {
        Some(at) => (Span::new(0, at), Some(at + 1)),
        None => (Span::new(0, text.len()), None),
    };
    let resource_type = Name {
        text: text.get(..resource_type.end).unwrap_or_default().to_owned(),
        span: resource_type,
    };
    let mut pairs = Vec::new();
    match query {
        None => faults.push(no_question(text, &resource_type)),
        Some(start) => {
            let query = text.get(start..).unwrap_or_default();
            if query.is_empty() {
                faults.push(
                    Diagnostic::error("criteria/no-filter", "the criteria has no filter after `?`")
                        .with_label(
                            Span::new(0, text.len()),
                            "grants every resource of the type on a server that accepts it",
                        )
                        .with_help("leave `criteria` out to grant the whole type on purpose"),
                );
            } else {
                if let Some(second) = query.find('?') {
                    let at = start + second;
                    faults.push(
                        Diagnostic::error("criteria/second-question-mark", "a second `?` in the criteria")
                            .with_label(Span::new(at, text.len()), "some servers ignore everything from here")
                            .with_help("filters are joined by `&`; a question mark in a value is written `%3F`"),
                    );
                }
                pairs = read_pairs(query, start, names, &mut faults);
            }
        }
    }
    if faults.len() > MAX_FAULTS {
        let more = faults.split_off(MAX_FAULTS);
        let message = format!("{} more faults in this criteria", more.len());
        let mut last = Diagnostic::error("criteria/more-faults", message);
        last.labels = more
            .into_iter()
            .next()
            .map(|next| next.labels)
            .unwrap_or_default();
        faults.push(last);
    }
    let criteria = Criteria {
        text: text.into(),
        resource_type,
        pairs,
    };
    (criteria, faults)
}

fn too_long(what: &str, text: &str) -> Diagnostic {
    let message = format!(
        "the {what} has {} bytes, more than the limit of {MAX_LENGTH}",
        text.len()
    );
    let first = text.chars().next().map_or(0, char::len_utf8);
    Diagnostic::error("criteria/too-long", message)
        .with_label(Span::new(0, first), "begins here")
        .with_help("several entries can share a long list; grants add up")
}

/// Makes a pair of a name and a value that are decoded already, as a server gets them from a URL.
pub fn pair(name: &str, value: &str, faults: &mut Vec<Diagnostic>) -> Pair {
    let shift = name.len() + 1;
    let span = Span::new(shift, shift + value.len());
    let (name, value) = match [("name", name), ("value", value)]
        .iter()
        .find(|(_, text)| text.len() > MAX_LENGTH)
    {
        Some((what, text)) => {
            faults.push(too_long(what, text));
            ("", "")
        }
        None => (name, value),
    };
    let (param, modifier) = split_key(&url::plain(name, 0), Span::new(0, name.len()));
    Pair {
        span: Span::new(0, span.end),
        param,
        modifier,
        alternatives: alternatives(&url::plain(value, shift), span, faults),
        value: Some(span),
    }
}

impl Criteria {
    fn empty(text: &str) -> Self {
        Self {
            text: text.into(),
            resource_type: Name {
                text: String::new(),
                span: Span::default(),
            },
            pairs: Vec::new(),
        }
    }
}

fn no_question(text: &str, resource_type: &Name) -> Diagnostic {
    let fault = Diagnostic::error("criteria/no-question-mark", "the criteria has no `?`")
        .with_label(Span::new(0, text.len()), "no filter");
    if fhirward_spec::spec()
        .resource(&resource_type.text)
        .is_some()
    {
        fault.with_help("leave `criteria` out to grant the whole type on purpose, or add a filter: `Type?param=value`")
    } else if text.contains('=') {
        fault.with_help("the type is missing: a criteria is `Type?param=value`")
    } else {
        fault.with_help("a criteria is `Type?param=value`")
    }
}

type Raw<'t> = (&'t str, Option<&'t str>);

fn query(input: &str) -> nom::IResult<&str, Vec<Raw<'_>>> {
    let key = take_till(|c| c == '=' || c == '&');
    let value = take_till(|c| c == '&');
    separated_list0(char('&'), (key, opt(preceded(char('='), value)))).parse(input)
}

fn read_pairs(text: &str, start: usize, names: &[&str], faults: &mut Vec<Diagnostic>) -> Vec<Pair> {
    // Every text is a query: the list takes each character up to the end.
    let raw = query(text).map(|(_, raw)| raw).unwrap_or_default();
    let mut at = start;
    let mut pairs = Vec::new();
    for (key, value) in raw {
        let key_span = Span::new(at, at + key.len());
        let value_span =
            value.map(|value| Span::new(key_span.end + 1, key_span.end + 1 + value.len()));
        let span = Span::new(at, value_span.map_or(key_span.end, |v| v.end));
        at = span.end + 1;
        if span.is_empty() {
            let first = span.start == start;
            let ampersand = if first {
                Span::new(start, start + 1)
            } else {
                Span::new(start.max(span.start - 1), span.start)
            };
            faults.push(
                Diagnostic::error("criteria/empty-pair", "a `&` with nothing on one side")
                    .with_label(ampersand, "nothing to join")
                    .with_help("delete the `&`")
                    .with_fix(ampersand, ""),
            );
            continue;
        }
        let (param, modifier) =
            split_key(&url::atoms(key, key_span.start, names, faults), key_span);
        let alternatives = match (value, value_span) {
            (Some(value), Some(span)) => {
                alternatives(&url::atoms(value, span.start, names, faults), span, faults)
            }
            _ => Vec::new(),
        };
        match value_span {
            None => faults.push(
                Diagnostic::error("criteria/no-value", format!("`{key}` has no `=` and no value"))
                    .with_label(span, "a filter is `param=value`"),
            ),
            Some(value) if value.is_empty() => faults.push(
                Diagnostic::error("criteria/empty-value", format!("`{key}` has no value"))
                    .with_label(span, "nothing after `=`")
                    .with_help(format!("to ask whether the element is there, write `{key}:missing=true` or `=false`")),
            ),
            Some(_) => {
                for empty in alternatives.iter().filter(|a| a.pieces.is_empty()) {
                    faults.push(
                        Diagnostic::error("criteria/empty-value", "an empty alternative between commas")
                            .with_label(widen(empty.span, value_span), "nothing here")
                            .with_help("delete the comma, or write `\\,` for a comma in the value"),
                    );
                }
            }
        }
        if param.text.is_empty() {
            faults.push(
                Diagnostic::error("criteria/no-parameter", "a filter without a parameter")
                    .with_label(span, "a filter is `param=value`"),
            );
        }
        pairs.push(Pair {
            span,
            param,
            modifier,
            alternatives,
            value: value_span,
        });
    }
    pairs
}

/// A span that can be underlined, for a place between two commas.
fn widen(span: Span, within: Option<Span>) -> Span {
    match within {
        Some(value) if span.is_empty() => Span::new(
            span.start.saturating_sub(1).max(value.start),
            (span.end + 1).min(value.end),
        ),
        _ => span,
    }
}

fn split_key(atoms: &[Atom], span: Span) -> (Name, Option<Name>) {
    let colon = atoms
        .iter()
        .position(|atom| atom.kind == AtomKind::Char(':'));
    let name = |atoms: &[Atom], fallback: Span| Name {
        text: atoms.iter().map(Atom::plain).collect(),
        span: match (atoms.first(), atoms.last()) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            _ => fallback,
        },
    };
    match colon {
        None => (name(atoms, span), None),
        Some(at) => {
            let (before, after) = atoms.split_at(at);
            let after = after.get(1..).unwrap_or_default();
            let end = Span::new(span.end, span.end);
            (name(before, span), Some(name(after, end)))
        }
    }
}
