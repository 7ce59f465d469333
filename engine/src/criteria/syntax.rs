//! The text of a criteria, read without loss.
//!
//! Two layers, as on the wire: first the URL (`&`, `=`, percent escapes, `+`), then FHIR's own
//! (`,` `|` `$` and the backslash). A `%name` is a variable where it can be one: a declared name
//! wins over a percent escape, a percent escape over an unknown name.

use nom::Parser;
use nom::bytes::complete::take_till;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::multi::separated_list0;
use nom::sequence::preceded;

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Bytes of one criteria; a longer text is refused.
pub const MAX_LENGTH: usize = 64 * 1024;

/// A criteria: `Type?param=value&…`. Spans are bytes of [`Criteria::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria {
    /// The text as written.
    pub text: Box<str>,
    /// What stands before the question mark.
    pub resource_type: Name,
    /// The `param=value` pairs, in order.
    pub pairs: Vec<Pair>,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word, decoded.
    pub text: String,
    /// Where it was written.
    pub span: Span,
}

/// `param[:modifier]=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The whole pair.
    pub span: Span,
    /// The search parameter.
    pub param: Name,
    /// What follows the first colon.
    pub modifier: Option<Name>,
    /// The alternatives of the value, one of which must match.
    pub alternatives: Vec<Alternative>,
    /// Where the value was written; `None` without `=`.
    pub value: Option<Span>,
}

/// One alternative of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Where it was written.
    pub span: Span,
    /// Its pieces, in order; none for an empty alternative.
    pub pieces: Vec<Piece>,
}

/// A part of an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Characters that stand for themselves, escapes undone.
    Text(String),
    /// `|`, between system and code.
    Pipe,
    /// `$`, between the components of a composite.
    Dollar,
    /// `%name` or `%name.id`.
    Variable(Variable),
}

/// A variable in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name, without `%` and `.id`.
    pub name: String,
    /// Whether `.id` follows.
    pub id: bool,
    /// Where it was written.
    pub span: Span,
}

impl std::fmt::Display for Criteria {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

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
        faults.push(Diagnostic::error(
            "criteria/too-long",
            format!(
                "the criteria has {} bytes, more than the limit of {MAX_LENGTH}",
                text.len()
            ),
        ));
        return (Criteria::empty(text), faults);
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
    let criteria = Criteria {
        text: text.into(),
        resource_type,
        pairs,
    };
    (criteria, faults)
}

/// Makes a pair of a name and a value that are decoded already, as a server gets them from a URL.
pub fn pair(name: &str, value: &str, faults: &mut Vec<Diagnostic>) -> Pair {
    let atoms = |text: &str, shift: usize| -> Vec<Atom> {
        text.char_indices()
            .map(|(at, c)| Atom {
                span: Span::new(at, at + c.len_utf8()).shifted(shift),
                kind: AtomKind::Char(c),
            })
            .collect()
    };
    let (param, modifier) = split_key(&atoms(name, 0), Span::new(0, name.len()));
    let shift = name.len() + 1;
    let span = Span::new(shift, shift + value.len());
    Pair {
        span: Span::new(0, span.end),
        param,
        modifier,
        alternatives: alternatives(&atoms(value, shift), span, faults),
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
        let (param, modifier) = split_key(&atoms(key, key_span.start, names, faults), key_span);
        let alternatives = match (value, value_span) {
            (Some(value), Some(span)) => {
                alternatives(&atoms(value, span.start, names, faults), span, faults)
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

#[derive(Debug, Clone, PartialEq, Eq)]
struct Atom {
    span: Span,
    kind: AtomKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum AtomKind {
    Char(char),
    Variable { name: String, id: bool },
}

impl Atom {
    fn plain(&self) -> String {
        match &self.kind {
            AtomKind::Char(c) => c.to_string(),
            AtomKind::Variable { name, id } => format!("%{name}{}", if *id { ".id" } else { "" }),
        }
    }
}

/// The URL layer: characters and variables.
fn atoms(text: &str, start: usize, names: &[&str], faults: &mut Vec<Diagnostic>) -> Vec<Atom> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (width, kinds) = read_atom(rest, names, start + at, faults);
        let span = Span::new(at, at + width).shifted(start);
        out.extend(kinds.into_iter().map(|kind| Atom { span, kind }));
        at += width;
    }
    out
}

fn read_atom(
    rest: &str,
    names: &[&str],
    at: usize,
    faults: &mut Vec<Diagnostic>,
) -> (usize, Vec<AtomKind>) {
    let Some(first) = rest.chars().next() else {
        return (1, Vec::new());
    };
    if first == '+' {
        return (1, vec![AtomKind::Char(' ')]);
    }
    let Some(after) = rest.strip_prefix('%') else {
        return (first.len_utf8(), vec![AtomKind::Char(first)]);
    };
    if let Some((width, kind)) = declared(after, names) {
        return (1 + width, vec![kind]);
    }
    let escaped = escapes(rest);
    if !escaped.is_empty() {
        // One character at a time, so that each has the place of its own escapes.
        for width in 1..=escaped.len().min(4) {
            let bytes = escaped.get(..width).unwrap_or_default();
            if let Some(c) = std::str::from_utf8(bytes)
                .ok()
                .and_then(|s| s.chars().next())
            {
                return (3 * width, vec![AtomKind::Char(c)]);
            }
        }
        let word = ident(after);
        let mut fault = Diagnostic::error("criteria/bad-escape", "the percent escape is no UTF-8")
            .with_label(Span::new(at, at + 3), "not a character");
        if word > 2 {
            let name = after.get(..word).unwrap_or_default();
            fault = fault.with_help(format!(
                "if `%{name}` is meant as a variable, the membership needs a parameter `{name}`"
            ));
        }
        faults.push(fault);
        return (3, vec![AtomKind::Char(char::REPLACEMENT_CHARACTER)]);
    }
    let width = ident(after);
    if width > 0 {
        let mut name = after.get(..width).unwrap_or_default().to_owned();
        let mut end = width;
        let mut id = false;
        if let Some(suffix) = after.get(width..).and_then(|rest| rest.strip_prefix('.')) {
            let length = ident(suffix);
            let word = suffix.get(..length).unwrap_or_default();
            if word == "id" {
                id = true;
                end = width + 3;
            } else if length > 0 {
                end = width + 1 + length;
                name = after.get(..end).unwrap_or_default().to_owned();
            }
        }
        return (1 + end, vec![AtomKind::Variable { name, id }]);
    }
    (1, vec![AtomKind::Char('%')])
}

/// The longest declared name that stands here, not followed by more of a word.
fn declared(after: &str, names: &[&str]) -> Option<(usize, AtomKind)> {
    let name = names
        .iter()
        .filter(|name| !name.is_empty() && after.starts_with(**name))
        .filter(|name| {
            after
                .get(name.len()..)
                .is_some_and(|rest| ident_continues(rest) == 0)
        })
        .max_by_key(|name| name.len())?;
    let rest = after.get(name.len()..).unwrap_or_default();
    if let Some(suffix) = rest.strip_prefix('.') {
        let length = ident(suffix);
        if suffix.get(..length) == Some("id") {
            let kind = AtomKind::Variable {
                name: (*name).to_owned(),
                id: true,
            };
            return Some((name.len() + 3, kind));
        }
        if length > 0 {
            let end = name.len() + 1 + length;
            let name = after.get(..end).unwrap_or_default().to_owned();
            return Some((end, AtomKind::Variable { name, id: false }));
        }
    }
    let kind = AtomKind::Variable {
        name: (*name).to_owned(),
        id: false,
    };
    Some((name.len(), kind))
}

fn ident(text: &str) -> usize {
    match text.bytes().next() {
        Some(b) if b.is_ascii_alphabetic() || b == b'_' => ident_continues(text),
        _ => 0,
    }
}

fn ident_continues(text: &str) -> usize {
    text.bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count()
}

/// The bytes of the percent escapes that stand at the start of a text.
fn escapes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while bytes.len() < 4 {
        let Some(digits) = rest.strip_prefix('%').and_then(|r| r.get(..2)) else {
            break;
        };
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            break;
        }
        let Ok(byte) = u8::from_str_radix(digits, 16) else {
            break;
        };
        bytes.push(byte);
        rest = rest.get(3..).unwrap_or_default();
    }
    bytes
}

/// FHIR's layer: alternatives, pipes, escapes.
fn alternatives(atoms: &[Atom], span: Span, faults: &mut Vec<Diagnostic>) -> Vec<Alternative> {
    let mut out = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut start = span.start;
    let mut iter = atoms.iter();
    let push = |pieces: &mut Vec<Piece>, c: char| match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => pieces.push(Piece::Text(c.to_string())),
    };
    while let Some(atom) = iter.next() {
        match &atom.kind {
            AtomKind::Char(',') => {
                let span = Span::new(start, atom.span.start);
                out.push(Alternative {
                    span,
                    pieces: std::mem::take(&mut pieces),
                });
                start = atom.span.end;
            }
            AtomKind::Char('|') => pieces.push(Piece::Pipe),
            AtomKind::Char('$') => pieces.push(Piece::Dollar),
            AtomKind::Char('\\') => match iter.next().map(|next| (&next.kind, next.span)) {
                Some((AtomKind::Char(c @ (',' | '|' | '$' | '\\')), _)) => push(&mut pieces, *c),
                next => {
                    let end = next.as_ref().map_or(atom.span.end, |(_, span)| span.end);
                    faults.push(
                        Diagnostic::error(
                            "criteria/bad-escape",
                            "a backslash that escapes nothing",
                        )
                        .with_label(Span::new(atom.span.start, end), "not an escape of FHIR")
                        .with_help("the escapes are `\\,` `\\|` `\\$` and `\\\\`"),
                    );
                    if let Some((AtomKind::Char(c), _)) = next {
                        push(&mut pieces, *c);
                    }
                }
            },
            AtomKind::Char(c) => push(&mut pieces, *c),
            AtomKind::Variable { name, id } => pieces.push(Piece::Variable(Variable {
                name: name.clone(),
                id: *id,
                span: atom.span,
            })),
        }
    }
    out.push(Alternative {
        span: Span::new(start, span.end),
        pieces,
    });
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(s: &str) -> Piece {
        Piece::Text(s.to_owned())
    }

    fn variable(name: &str, id: bool, start: usize, end: usize) -> Piece {
        Piece::Variable(Variable {
            name: name.to_owned(),
            id,
            span: Span::new(start, end),
        })
    }

    fn value(query: &str, names: &[&str]) -> Vec<Vec<Piece>> {
        let (criteria, faults) = parse(&format!("T?a={query}"), names);
        assert_eq!(faults, []);
        criteria.pairs[0]
            .alternatives
            .iter()
            .map(|a| a.pieces.clone())
            .collect()
    }

    #[rstest]
    #[case::plain("x", vec![vec![text("x")]])]
    #[case::or("x,y", vec![vec![text("x")], vec![text("y")]])]
    #[case::plus_is_a_space("a+b", vec![vec![text("a b")]])]
    #[case::percent("Al%69ce", vec![vec![text("Alice")]])]
    #[case::percent_utf8("%C3%A9", vec![vec![text("é")]])]
    #[case::percent_comma_separates("a%2Cb", vec![vec![text("a")], vec![text("b")]])]
    #[case::escaped_comma(r"a\,b", vec![vec![text("a,b")]])]
    #[case::escaped_pipe(r"a\|b|c", vec![vec![text("a|b"), Piece::Pipe, text("c")]])]
    #[case::equals_in_value("a=b", vec![vec![text("a=b")]])]
    #[case::variable("%profile", vec![vec![variable("profile", false, 4, 12)]])]
    #[case::id("%profile.id", vec![vec![variable("profile", true, 4, 15)]])]
    #[case::in_text("Patient/%profile.id,x", vec![vec![text("Patient/"), variable("profile", true, 12, 23)], vec![text("x")]])]
    #[case::unknown("%nope", vec![vec![variable("nope", false, 4, 9)]])]
    #[case::longest_word("%profile_team", vec![vec![variable("profile_team", false, 4, 17)]])]
    #[case::suffix("%profile.reference", vec![vec![variable("profile.reference", false, 4, 22)]])]
    #[case::declared_wins_over_escape("%dept", vec![vec![variable("dept", false, 4, 9)]])]
    #[case::longest_declared("%org_parent", vec![vec![variable("org_parent", false, 4, 15)]])]
    #[case::lone_percent("100%", vec![vec![text("100%")]])]
    fn r5_values(#[case] query: &str, #[case] expected: Vec<Vec<Piece>>) {
        assert_eq!(
            value(query, &["profile", "dept", "org", "org_parent"]),
            expected
        );
    }

    #[rstest]
    #[case::no_question("Patient", "criteria/no-question-mark", "Patient")]
    #[case::no_type("identifier=1", "criteria/no-question-mark", "identifier=1")]
    #[case::no_filter("Patient?", "criteria/no-filter", "Patient?")]
    #[case::second_question("A?b=c?&d=e", "criteria/second-question-mark", "?&d=e")]
    #[case::empty_value("A?b=", "criteria/empty-value", "b=")]
    #[case::no_equals("A?b", "criteria/no-value", "b")]
    #[case::trailing_ampersand("A?b=c&", "criteria/empty-pair", "&")]
    #[case::double_ampersand("A?b=c&&d=e", "criteria/empty-pair", "&")]
    #[case::leading_ampersand("A?&b=c", "criteria/empty-pair", "&")]
    #[case::empty_alternative("A?b=c,", "criteria/empty-value", ",")]
    #[case::bad_escape(r"A?b=c\x", "criteria/bad-escape", r"\x")]
    #[case::last_backslash("A?b=c\\", "criteria/bad-escape", "\\")]
    #[case::no_utf8("A?b=%DEpt", "criteria/bad-escape", "%DE")]
    #[case::no_parameter("A?=c", "criteria/no-parameter", "=c")]
    fn r5_faults_have_a_place(
        #[case] criteria: &str,
        #[case] code: &str,
        #[case] underlined: &str,
    ) {
        let (_, faults) = parse(criteria, &[]);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].code, code);
        let span = faults[0].labels[0].span;
        assert_eq!(criteria.get(span.start..span.end), Some(underlined));
    }

    #[test]
    fn all_faults_of_a_text_are_found() {
        let (_, faults) = parse(r"A?b=&c&d=\x?", &[]);
        let codes: Vec<_> = faults.iter().map(|f| f.code).collect();
        assert_eq!(
            codes,
            [
                "criteria/second-question-mark",
                "criteria/empty-value",
                "criteria/no-value",
                "criteria/bad-escape"
            ]
        );
    }

    #[test]
    fn modifiers_split_at_the_first_colon() {
        let (criteria, _) = parse("A?subject:Patient.name:x=1", &[]);
        assert_eq!(criteria.pairs[0].param.text, "subject");
        let modifier = criteria.pairs[0].modifier.as_ref().unwrap();
        assert_eq!(modifier.text, "Patient.name:x");
        assert_eq!(modifier.span, Span::new(10, 24));
    }

    proptest::proptest! {
        #[test]
        fn reading_is_lossless_and_total(text in "\\PC{0,60}") {
            let (criteria, _) = parse(&text, &["profile"]);
            proptest::prop_assert_eq!(criteria.to_string(), text);
        }

        #[test]
        fn spans_lie_in_the_text(text in "[A-Z]\\?[a-z%+é,|\\\\&=?:.0-9]{0,40}") {
            let (criteria, faults) = parse(&text, &["profile"]);
            for pair in &criteria.pairs {
                proptest::prop_assert!(text.get(pair.span.start..pair.span.end).is_some());
                for alternative in &pair.alternatives {
                    proptest::prop_assert!(text.get(alternative.span.start..alternative.span.end).is_some());
                }
            }
            for label in faults.iter().flat_map(|f| &f.labels) {
                proptest::prop_assert!(text.get(label.span.start..label.span.end).is_some());
            }
        }
    }
}
