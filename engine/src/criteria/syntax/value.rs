//! FHIR's layer of a value: alternatives, pipes, backslashes.

use super::ast::{Alternative, Piece, Variable};
use super::url::{Atom, AtomKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The alternatives of a value.
pub(super) fn alternatives(
    atoms: &[Atom],
    span: Span,
    faults: &mut Vec<Diagnostic>,
) -> Vec<Alternative> {
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
