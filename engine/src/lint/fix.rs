//! Repairs, applied to a text.

use crate::diagnostic::Fix;
use crate::source::Span;

/// The text with repairs made. Of two that touch the same bytes the first one given is made.
///
/// ```
/// use fhirward_engine::{diagnostic::Fix, lint::apply_fixes, source::Span};
///
/// let fix = Fix { span: Span::new(0, 1), replacement: "A".to_owned() };
/// assert_eq!(apply_fixes("abc", &[fix]), "Abc");
/// ```
pub fn apply_fixes(text: &str, fixes: &[Fix]) -> String {
    let mut chosen: Vec<&Fix> = Vec::new();
    let mut in_order: Vec<&Fix> = fixes.iter().collect();
    // Stable: equal places stay in the order given.
    in_order.sort_by_key(|fix| (fix.span.start, fix.span.end));
    for fix in in_order {
        let free = chosen
            .last()
            .is_none_or(|last| !overlap(last.span, fix.span));
        if free && text.get(fix.span.start..fix.span.end).is_some() {
            chosen.push(fix);
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for fix in chosen {
        out.push_str(text.get(at..fix.span.start).unwrap_or_default());
        out.push_str(&fix.replacement);
        at = fix.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn overlap(first: Span, second: Span) -> bool {
    first == second || second.start < first.end
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn fix(start: usize, end: usize, replacement: &str) -> Fix {
        Fix {
            span: Span::new(start, end),
            replacement: replacement.to_owned(),
        }
    }

    #[rstest]
    #[case::none(&[], "abcdef")]
    #[case::one(&[fix(1, 3, "X")], "aXdef")]
    #[case::out_of_order(&[fix(4, 5, "Y"), fix(1, 3, "X")], "aXdYf")]
    #[case::insertion(&[fix(3, 3, "-")], "abc-def")]
    #[case::overlapping(&[fix(1, 4, "X"), fix(3, 5, "Y")], "aXef")]
    #[case::same_place(&[fix(1, 2, "X"), fix(1, 2, "Y")], "aXcdef")]
    #[case::outside(&[fix(5, 9, "X")], "abcdef")]
    fn repairs(#[case] fixes: &[Fix], #[case] expected: &str) {
        assert_eq!(apply_fixes("abcdef", fixes), expected);
    }
}
