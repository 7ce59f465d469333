//! Texts without what people wrote: the lines that findings show, and what findings say.

use fhirward_engine::diagnostic::Diagnostic;
use serde_json::Value;

use super::phrases::Phrases;

/// Members whose texts are codes, references and times, and are shown.
const SHOWN: [&str; 33] = [
    "resourceType",
    "id",
    "status",
    "intent",
    "priority",
    "reference",
    "fullUrl",
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
    "start",
    "end",
    "issued",
    "timestamp",
    "creation",
    "lastModified",
    "effectiveDateTime",
    "occurredDateTime",
    "occurrenceDateTime",
    "performedDateTime",
];

/// Those of them whose texts are times, and shown only if they look like one.
const TIMES: [&str; 17] = [
    "sent",
    "received",
    "lastUpdated",
    "authoredOn",
    "recorded",
    "time",
    "valueDateTime",
    "start",
    "end",
    "issued",
    "timestamp",
    "creation",
    "lastModified",
    "effectiveDateTime",
    "occurredDateTime",
    "occurrenceDateTime",
    "performedDateTime",
];

/// Attributes that HTML has and narratives have not.
const ATTRIBUTES: [&str; 32] = [
    "action",
    "autofocus",
    "background",
    "bgcolor",
    "color",
    "contenteditable",
    "download",
    "draggable",
    "formaction",
    "hidden",
    "onblur",
    "onchange",
    "onclick",
    "ondblclick",
    "onerror",
    "onfocus",
    "oninput",
    "onkeydown",
    "onkeypress",
    "onkeyup",
    "onload",
    "onmousedown",
    "onmousemove",
    "onmouseout",
    "onmouseover",
    "onmouseup",
    "onsubmit",
    "ping",
    "role",
    "srcdoc",
    "srcset",
    "target",
];

/// What findings themselves show of how something is written.
const SIGNS: [&str; 7] = [
    "[",
    "]",
    "*",
    "&",
    "&lt;",
    "&amp;",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">",
];

/// The text with every other string value blackened. Each character gives way to one as long, so
/// places stay what they were. Texts that are no JSON are blackened as far as they have strings.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Whether the values of the member around are shown, and so of all objects and arrays around.
    let mut around: Vec<bool> = Vec::new();
    let mut is_shown = false;
    let mut is_time = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c != '"' {
            match c {
                '{' | '[' => around.push(is_shown),
                '}' | ']' => is_shown = around.pop().unwrap_or(false),
                _ => {}
            }
            let word = rest
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(word).unwrap_or((rest, ""));
            if word.is_empty() {
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            } else {
                // Outside of strings JSON has three words and numbers.
                if is_literal(word) {
                    out.push_str(word);
                } else {
                    word.chars().for_each(|c| out.push(black(c)));
                }
                rest = behind;
            }
            continue;
        }
        let length = string_length(rest);
        let (string, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let content = string.trim_matches('"');
        if behind.trim_start().starts_with(':') {
            is_shown = SHOWN.contains(&content);
            is_time = TIMES.contains(&content);
            if is_plain(content) {
                out.push_str(string);
            } else {
                blacken(string, &mut out);
            }
        } else if is_shown && is_plain(content) && (!is_time || is_like_a_time(content)) {
            out.push_str(string);
        } else {
            blacken(string, &mut out);
        }
        rest = behind;
    }
    out
}

fn has_text(json: &str) -> bool {
    let strings = json.split('"').skip(1).step_by(2);
    strings.into_iter().any(|string| !is_plain(string))
}

/// Whether a text looks like a name, a code, a reference or a time. A query does not: it may hold a
/// telephone number.
pub fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._:/#|+$".contains(&b))
}

fn is_like_a_time(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b))
}

/// As many signs that say nothing.
pub fn blackened(text: &str) -> String {
    text.chars().map(|_| '*').collect()
}

/// Takes out of what is wrong with a text that is no JSON the word that it points at: it may be
/// anybody's.
pub fn black_out_fault(fault: &mut Diagnostic) {
    let word = |fault: &Diagnostic| {
        let span = fault.labels.first()?.span;
        let word = fault.source.as_ref()?.slice(span);
        let is_word = word.chars().any(char::is_alphanumeric) && !is_literal(word);
        is_word.then(|| (format!("`{word}`"), format!("`{}`", blackened(word))))
    };
    if let Some((quoted, black)) = word(fault) {
        fault.message = fault.message.replace(&quoted, &black);
    }
}

/// What people wrote in a resource.
#[derive(Debug)]
pub struct Texts<'r> {
    resource: &'r Value,
    /// Those that a quotation of them would not hold.
    quoting: Phrases<'r>,
}

impl<'r> Texts<'r> {
    /// Those of a resource.
    pub fn of(resource: &'r Value) -> Self {
        let mut quoting = Vec::new();
        collect(resource, &mut quoting);
        Texts {
            resource,
            quoting: Phrases::of(quoting),
        }
    }

    /// Takes out of a finding at a place what people wrote: whatever it quotes that is the value
    /// there, or that can be no name, code, reference or time. Its own words stay what they are.
    pub fn black_out(&self, finding: &mut Diagnostic, pointer: &str) {
        let here = self.here(pointer);
        finding.message = self.without(&finding.message, here);
        finding.help = finding.help.take().map(|help| self.without(&help, here));
        if let Some(fix) = &mut finding.fix {
            // A repair with black text in it would write it into the file.
            if self.without(&fix.replacement, here) != fix.replacement || has_text(&fix.replacement)
            {
                finding.fix = None;
            }
        }
    }

    /// The value at a place, where it is no code.
    fn here(&self, pointer: &str) -> Option<&'r str> {
        let member = pointer
            .rsplit('/')
            .find(|part| part.parse::<usize>().is_err());
        let here = self.resource.pointer(pointer).and_then(Value::as_str)?;
        let is_code = member.is_some_and(|member| {
            SHOWN.contains(&member) && (!TIMES.contains(&member) || is_like_a_time(here))
        });
        (!is_code).then_some(here)
    }

    fn without(&self, message: &str, here: Option<&str>) -> String {
        quotes_blackened(&self.quoting.blackened_in(message), here)
    }
}

/// The sentence without what it quotes and people may have written.
pub fn quotes_blackened(sentence: &str, here: Option<&str>) -> String {
    // What is quoted stands between backticks, and may be cut short.
    let mut shown = String::with_capacity(sentence.len());
    let mut rest = sentence;
    let mut is_behind_tag = false;
    while let Some((before, behind)) = rest.split_once('`') {
        shown.push_str(before);
        let Some((quoted, behind)) = behind.split_once('`') else {
            shown.push('`');
            rest = behind;
            break;
        };
        let start = quoted.trim_end_matches('…');
        let is_here = |here: &str| !start.is_empty() && here.contains(start);
        let is_tag = start.starts_with('<') && start.ends_with('>');
        let is_html = is_tag || is_behind_tag && ATTRIBUTES.contains(&start);
        let is_of_person = here.is_some_and(is_here) && !is_html || !is_name(start);
        let is_secret = is_of_person && !SIGNS.contains(&quoted);
        shown.push('`');
        shown.push_str(&if is_secret {
            blackened(quoted)
        } else {
            quoted.to_owned()
        });
        shown.push('`');
        rest = behind;
        is_behind_tag = is_tag;
    }
    shown.push_str(rest);
    shown
}

/// Whether what a finding quotes looks like a name, a code, a reference or a time: of an element of
/// several types, `value[x]`, and of markup, `<b>`, as well.
fn is_name(quoted: &str) -> bool {
    let name = quoted.trim_start_matches('<').trim_end_matches('>');
    is_plain(name.strip_suffix("[x]").unwrap_or(name))
}

/// What has a backtick in it ends the quotation that it stands in, and is looked for as it is.
fn collect<'r>(value: &'r Value, texts: &mut Vec<&'r str>) {
    match value {
        Value::String(text) if text.contains('`') => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            for (name, value) in members {
                if name.contains('`') {
                    texts.push(name);
                }
                collect(value, texts);
            }
        }
        _ => {}
    }
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
        out.push(if at == 0 || at == last { '"' } else { black(c) });
    }
}

/// A character that says nothing and is as long in UTF-8.
fn black(c: char) -> char {
    match c.len_utf8() {
        1 => '*',
        2 => '\u{b7}',
        3 => '\u{2022}',
        _ => '\u{1f512}',
    }
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
        || word.starts_with(|c: char| c.is_ascii_digit())
            && word
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b'e' || b == b'E')
}

#[cfg(test)]
mod tests {
    use super::{Texts, black_out_fault, masked};
    use fhirward_engine::diagnostic::Diagnostic;
    use fhirward_engine::source::Source;
    use fhirward_engine::source::json::Document;
    use serde_json::json;

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

    #[test]
    fn times_are_shown_and_words_in_their_place_are_not() {
        let text = r#"{"sent": "2024-04-10T10:00:00Z", "received": "yesterday"}"#;
        assert_eq!(
            masked(text),
            r#"{"sent": "2024-04-10T10:00:00Z", "received": "*********"}"#
        );
    }

    /// Outside of a string a name may stand as well.
    #[test]
    fn a_fault_quotes_no_words() {
        let fault = |text: &str| {
            let mut fault = Document::parse(&Source::new("a.json", text)).unwrap_err();
            black_out_fault(&mut fault);
            fault.message
        };
        assert_eq!(fault("[Homer]"), "`*****` is not a JSON value");
        assert_eq!(fault("[let]"), "`***` is JavaScript, not JSON");
        assert_eq!(fault("[01]"), "`01` is not a JSON number");
        assert_eq!(fault("{\"id\" 1}"), "a `:` is missing after the key `id`");
    }

    #[test]
    fn what_is_no_json_shows_no_words() {
        assert_eq!(
            masked("{text: 'sore 12 knee', n: 1.5e3}"),
            "{****: '**** 12 ****', *: 1.5e3}"
        );
    }

    /// A finding says the code that is wrong, and not the text.
    #[test]
    fn messages_quote_codes_and_no_texts() {
        let resource = json!({
            "status": "sent", "sent": "Tuesday", "received": "2024-02-30", "birthDate": "2024-02-30",
            "payload": [{"contentString": "but has a payload", "contentUri": "Homer", "note": "a ` b"}],
            "text": {"div": "<p onclick='Homer' Homer='x'>but"},
        });
        let table = [
            (
                "/status",
                "`sent` is not a code that `status` may have",
                None,
            ),
            (
                "/sent",
                "`Tuesday` is no valid `dateTime`",
                Some("`*******` is no valid `dateTime`"),
            ),
            ("/received", "`2024-02-30` is no valid `dateTime`", None),
            (
                "/birthDate",
                "`2024-02-30` is no valid `date`",
                Some("`**********` is no valid `date`"),
            ),
            (
                "/payload/0/contentUri",
                "`Hom…` is bad",
                Some("`****` is bad"),
            ),
            (
                "",
                "it says `but has a payload`",
                Some("it says `*****************`"),
            ),
            ("", "it is a header, but has a payload", None),
            ("", "`a ` b` is odd", Some("`*****` is odd")),
            ("", "`medication[x]` is required but missing", None),
            ("", "`sore knee[x]` is bad", Some("`************` is bad")),
            ("/text/div", "`<p>` must not have `onclick`", None),
            (
                "/text/div",
                "`<p>` must not have `Homer`",
                Some("`<p>` must not have `*****`"),
            ),
            ("/text/div", "`onclick` is text", Some("`*******` is text")),
        ];
        for (pointer, message, wanted) in table {
            let mut finding = Diagnostic::error("x/y", message);
            Texts::of(&resource).black_out(&mut finding, pointer);
            assert_eq!(finding.message, wanted.unwrap_or(message));
        }
    }
}
