//! JSON texts without what people wrote, for the lines that findings show.

/// Members whose texts are codes, references and times, and are shown.
const SHOWN: [&str; 22] = [
    "resourceType",
    "id",
    "status",
    "intent",
    "priority",
    "reference",
    "system",
    "code",
    "url",
    "contentType",
    "sent",
    "received",
    "lastUpdated",
    "versionId",
    "authoredOn",
    "recorded",
    "time",
    "type",
    "profile",
    "method",
    "valueDateTime",
    "use",
];

/// The text with every other string value blackened. Each character gives way to one as long, so
/// places stay what they were. Texts that are no JSON are blackened as far as they have strings.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Whether the values of the member around are shown, and so of all objects and arrays around.
    let mut around: Vec<bool> = Vec::new();
    let mut is_shown = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c != '"' {
            match c {
                '{' | '[' => around.push(is_shown),
                '}' | ']' => is_shown = around.pop().unwrap_or(false),
                _ => {}
            }
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let length = string_length(rest);
        let (string, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let content = string.trim_matches('"');
        if behind.trim_start().starts_with(':') {
            is_shown = SHOWN.contains(&content);
            out.push_str(string);
        } else if is_shown && !content.contains('?') {
            // A reference with a query may hold a telephone number.
            out.push_str(string);
        } else {
            blacken(string, &mut out);
        }
        rest = behind;
    }
    out
}

/// The length of the string that the text begins with, with its quotes.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            // No string goes over the end of a line.
            '\n' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The string with its quotes, and characters that say nothing and are as long in UTF-8.
fn blacken(string: &str, out: &mut String) {
    let is_closed = string.len() > 1 && string.ends_with('"');
    let last = string.len() - usize::from(is_closed);
    for (at, c) in string.char_indices() {
        out.push(match c.len_utf8() {
            _ if at == 0 || at == last => '"',
            1 => '*',
            2 => '\u{b7}',
            3 => '\u{2022}',
            _ => '\u{1f512}',
        });
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn texts_are_black_and_codes_are_not() {
        let text = r#"{"id": "m", "payload": [{"contentString": "Grüße \"an\" 李😀"}], "sender": {"reference": "Patient/homer", "display": "Homer"}}"#;
        let shown = masked(text);
        assert_eq!(
            shown,
            r#"{"id": "m", "payload": [{"contentString": "**··*********•🔒"}], "sender": {"reference": "Patient/homer", "display": "*****"}}"#
        );
        assert_eq!(shown.len(), text.len());
    }

    #[test]
    fn a_query_is_black() {
        assert_eq!(
            masked(r#"{"reference": "Patient?phone=1"}"#),
            r#"{"reference": "***************"}"#
        );
    }

    #[test]
    fn what_is_no_json_stays_as_long() {
        for text in ["", "\"", "{\"a\": \"b", "\"a\\", "{]\"x\"", "\"a\n\"b\""] {
            assert_eq!(masked(text).len(), text.len(), "{text}");
            assert!(!masked(text).contains('b'), "{text}");
        }
    }
}
