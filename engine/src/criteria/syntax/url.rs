//! The URL layer: percent escapes, `+`, and variables.

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// A character or a variable, with the place of all that it was written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    pub span: Span,
    pub kind: AtomKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AtomKind {
    Char(char),
    Variable { name: String, id: bool },
}

impl Atom {
    /// The atom as text; a variable as it is written.
    pub fn plain(&self) -> String {
        match &self.kind {
            AtomKind::Char(c) => c.to_string(),
            AtomKind::Variable { name, id } => format!("%{name}{}", if *id { ".id" } else { "" }),
        }
    }
}

/// The characters of a text that is decoded already and has no variables.
pub(super) fn plain(text: &str, start: usize) -> Vec<Atom> {
    text.char_indices()
        .map(|(at, c)| Atom {
            span: Span::new(at, at + c.len_utf8()).shifted(start),
            kind: AtomKind::Char(c),
        })
        .collect()
}

/// The characters and variables of an encoded text.
pub(super) fn atoms(
    text: &str,
    start: usize,
    names: &[&str],
    faults: &mut Vec<Diagnostic>,
) -> Vec<Atom> {
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
