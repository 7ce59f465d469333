//! Texts of servers and files, made harmless for whoever prints them: no character moves the cursor,
//! ends a line, rings, or turns the direction of a text and so what it seems to say.

use serde_json::Value;

use super::model::Report;

/// The only member that is written in several lines.
const IN_LINES: &str = "explanation";

/// A text in one line in which every control character can be seen.
pub fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

fn visible(c: char) -> char {
    match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        // The pictures of control characters stand in their order.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if c.is_control() || is_turning(c) => '\u{fffd}',
        c => c,
    }
}

/// Marks that turn the direction of a text.
pub(super) fn is_turning(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl Report {
    /// The same report with nothing in it that acts on a terminal or on a reader of lines: what the
    /// formats that are text are made of. JSON escapes by itself and keeps what was said.
    pub(super) fn printable(&self) -> Self {
        let clean = serde_json::to_value(self).map(|mut value| {
            clean(&mut value, "");
            value
        });
        match clean.and_then(serde_json::from_value) {
            Ok(report) => report,
            // None of the types can cause it; if one did, nothing would be printed as it came.
            Err(error) => Self {
                aborted: Some((
                    format!("the report cannot be printed: {error}"),
                    "`--report json=FILE` has it".to_owned(),
                )),
                ..Self::default()
            },
        }
    }
}

fn clean(value: &mut Value, name: &str) {
    match value {
        Value::String(text) if name == IN_LINES => {
            *text = text.lines().map(printable).collect::<Vec<_>>().join("\n");
        }
        Value::String(text) => *text = printable(text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, name)),
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(name, member)| clean(member, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::colour("a\u{1b}[31mRED", "a␛[31mRED")]
    #[case::bell("ding\u{7}", "ding␇")]
    #[case::a_line_of_its_own("title\n::error::owned", "title ::error::owned")]
    #[case::carriage_return("passed\rfailed", "passed failed")]
    #[case::delete("ab\u{7f}", "ab␡")]
    #[case::c1("\u{9b}31m", "\u{fffd}31m")]
    #[case::right_to_left("\u{202e}cba", "\u{fffd}cba")]
    #[case::other_scripts("Ärztin 医師 👩‍⚕️", "Ärztin 医師 👩‍⚕️")]
    fn nothing_acts(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(printable(text), shown);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_one_line_without_controls(text in "\\PC*|(?s).*") {
            let shown = printable(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_turning(c)));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            prop_assert_eq!(printable(&shown), shown.clone());
        }
    }
}
