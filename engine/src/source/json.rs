//! JSON that remembers where everything stood.
//!
//! `serde_json` tells the place of a syntax error and forgets the place of everything that is
//! well-formed. A policy's mistakes are nearly all in well-formed JSON, inside strings, so this
//! reader keeps the span of each value and key, and [`StringMap`] carries a place inside a decoded
//! string back to the bytes it was written with.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::{Source, Span};
use crate::diagnostic::Diagnostic;

/// Arrays and objects inside one another; deeper texts are refused.
pub const MAX_DEPTH: usize = 128;
/// Bytes of a text; longer texts are refused.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Repeated keys that are reported one by one; a text with more is refused at that point.
const MAX_REPEATED_KEYS: usize = 100;

/// A JSON text with the place of each of its values.
///
/// ```
/// use fhirward_engine::source::{json::Document, Source};
///
/// let source = Source::new("a.json", r#"{"name": "Alice"}"#);
/// let document = Document::parse(&source).expect("well-formed");
/// let place = document.span_of("/name").expect("is there");
/// assert_eq!(source.slice(place), "\"Alice\"");
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    source: Arc<Source>,
    value: Value,
    places: Places,
    repeated: Vec<Diagnostic>,
}

/// The places of a value and of what it holds.
#[derive(Debug, Clone)]
struct Places {
    span: Span,
    children: Children,
}

#[derive(Debug, Clone)]
enum Children {
    None,
    Items(Vec<Places>),
    Members(Vec<(String, Span, Places)>),
}

impl Document {
    /// Reads a whole text.
    ///
    /// # Errors
    /// The first thing that is not JSON, with its place; a text over [`MAX_BYTES`]; nesting over
    /// [`MAX_DEPTH`]. A repeated key is no error here, see [`Document::repeated_keys`].
    pub fn parse(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        if source.text.len() > MAX_BYTES {
            return Err(Diagnostic::error(
                "json/too-large",
                format!(
                    "the text is longer than the limit of {} MB",
                    MAX_BYTES / 1_048_576
                ),
            )
            .with_source(source)
            .with_help("split it into several files"));
        }
        let start = if source.text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let mut reader = Reader {
            source,
            at: start,
            repeated: Vec::new(),
        };
        let (value, places) = reader.value(0)?;
        reader.blank()?;
        if reader.at < source.text.len() {
            let help = if reader.peek() == Some(b'{') {
                "one file holds one JSON value; put several resources into an array or a Bundle"
            } else {
                "delete what follows the value"
            };
            return Err(reader
                .fault(
                    Span::new(reader.at, source.text.len()),
                    "text after the end of the JSON value",
                )
                .with_help(help));
        }
        Ok(Self {
            source: Arc::clone(source),
            value,
            places,
            repeated: reader.repeated,
        })
    }

    /// A document that holds nothing, for a text that could not be read.
    pub(crate) fn empty(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            value: Value::Null,
            places: Places {
                span: Span::default(),
                children: Children::None,
            },
            repeated: Vec::new(),
        }
    }

    /// The value, without places. Of a repeated key, the last value counts, as in most readers.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// One error for each key that stands twice in an object.
    pub fn repeated_keys(&self) -> &[Diagnostic] {
        &self.repeated
    }

    /// The place of the value at a JSON pointer (RFC 6901; `""` is the whole).
    pub fn span_of(&self, pointer: &str) -> Option<Span> {
        self.find(pointer).map(|(_, places)| places.span)
    }

    /// The place of the key, quotes included, of the member at a JSON pointer.
    pub fn key_span_of(&self, pointer: &str) -> Option<Span> {
        self.find(pointer).and_then(|(key, _)| key)
    }

    /// The place of a value, or of the nearest thing around it that exists.
    pub fn nearest_span(&self, pointer: &str) -> Span {
        let mut rest = pointer;
        loop {
            if let Some(span) = self.span_of(rest) {
                return span;
            }
            match rest.rfind('/').and_then(|cut| rest.get(..cut)) {
                Some(shorter) => rest = shorter,
                None => return self.places.span,
            }
        }
    }

    /// For a string value: how places in the decoded string map to places in the text.
    pub fn string_map(&self, pointer: &str) -> Option<StringMap> {
        let span = self.span_of(pointer)?;
        StringMap::new(&self.source, span)
    }

    fn find(&self, pointer: &str) -> Option<(Option<Span>, &Places)> {
        let mut places = &self.places;
        let mut key = None;
        if pointer.is_empty() {
            return Some((key, places));
        }
        for step in pointer.strip_prefix('/')?.split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            match &places.children {
                Children::None => return None,
                Children::Items(items) => {
                    key = None;
                    places = items.get(step.parse::<usize>().ok()?)?;
                }
                Children::Members(members) => {
                    let (_, at, child) = members.iter().rev().find(|(name, _, _)| *name == step)?;
                    key = Some(*at);
                    places = child;
                }
            }
        }
        Some((key, places))
    }
}

/// Where each byte of a decoded JSON string was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringMap {
    /// For each byte of the decoded string its first byte in the text, and last the closing quote.
    starts: Vec<usize>,
}

impl StringMap {
    fn new(source: &Arc<Source>, literal: Span) -> Option<Self> {
        let mut reader = Reader {
            source,
            at: literal.start,
            repeated: Vec::new(),
        };
        let mut starts = Vec::new();
        reader.string(Some(&mut starts)).ok()?;
        starts.push(reader.at.saturating_sub(1));
        Some(Self { starts })
    }

    /// The place in the text of a place in the decoded string.
    pub fn locate(&self, span: Span) -> Span {
        let last = self.starts.last().copied().unwrap_or_default();
        let start = self.starts.get(span.start).copied().unwrap_or(last);
        let end = self.starts.get(span.end).copied().unwrap_or(last);
        Span::new(start, end)
    }
}

struct Reader<'s> {
    source: &'s Arc<Source>,
    at: usize,
    repeated: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error("json/syntax", message)
            .with_label(span, "here")
            .with_source(self.source)
    }

    fn here(&self) -> Span {
        let rest = self.source.text.get(self.at..).unwrap_or_default();
        let width = rest.chars().next().map_or(0, char::len_utf8);
        Span::new(self.at, self.at + width)
    }

    /// Skips blanks; a comment is an error of its own, because people write them.
    fn blank(&mut self) -> Result<(), Diagnostic> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        let rest = self.source.text.get(self.at..).unwrap_or_default();
        if rest.starts_with("//") || rest.starts_with("/*") {
            let length = rest.find('\n').unwrap_or(rest.len());
            return Err(self
                .fault(
                    Span::new(self.at, self.at + length),
                    "JSON has no comments",
                )
                .with_help("delete the comment; a FHIR resource can carry text in `description` or an extension"));
        }
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(Value, Places), Diagnostic> {
        self.blank()?;
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(Diagnostic::error(
                "json/too-deep",
                format!("more than {MAX_DEPTH} arrays and objects inside one another"),
            )
            .with_label(self.here(), "here")
            .with_source(self.source));
        }
        let (value, children) = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => (Value::String(self.string(None)?), Children::None),
            Some(b'-' | b'0'..=b'9') => (self.number()?, Children::None),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$') => (self.word()?, Children::None),
            Some(b'\'') => {
                return Err(self
                    .fault(self.here(), "a string starts with a single quote")
                    .with_help("JSON strings stand in double quotes"));
            }
            Some(b']' | b'}') => {
                return Err(self
                    .fault(self.here(), "a value is missing before the bracket")
                    .with_help("is there a comma too many?"));
            }
            Some(_) => {
                return Err(self.fault(self.here(), "not the beginning of a JSON value"));
            }
            None if self.source.text.trim().is_empty() => {
                return Err(self.fault(self.here(), "there is no text"));
            }
            None if self.source.text.trim().is_empty() => {
                return Err(self.fault(self.here(), "there is no text at all"));
            }
            None => return Err(self.fault(self.here(), "the text ends where a value is expected")),
        };
        let span = Span::new(start, self.at);
        Ok((value, Places { span, children }))
    }

    fn object(&mut self, depth: usize) -> Result<(Value, Children), Diagnostic> {
        let open = self.here();
        self.at += 1;
        let mut map = Map::new();
        let mut members: Vec<(String, Span, Places)> = Vec::new();
        self.blank()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok((Value::Object(map), Children::Members(members)));
        }
        loop {
            self.blank()?;
            let key_start = self.at;
            match self.peek() {
                Some(b'"') => {}
                Some(b'}') => {
                    return Err(self
                        .fault(self.here(), "a key is missing before `}`")
                        .with_help("JSON allows no comma after the last member"));
                }
                Some(_) => {
                    return Err(self
                        .fault(self.here(), "not a key")
                        .with_help("keys stand in double quotes"));
                }
                None => {
                    return Err(self
                        .fault(self.here(), "the text ends inside an object")
                        .with_label(open, "which begins here"));
                }
            }
            let key = self.string(None)?;
            let key_span = Span::new(key_start, self.at);
            self.blank()?;
            if self.peek() != Some(b':') {
                return Err(self.fault(
                    self.here(),
                    format!("a `:` is missing after the key `{key}`"),
                ));
            }
            self.at += 1;
            let (value, places) = self.value(depth + 1)?;
            if map.contains_key(&key) {
                self.repeat(&key, key_span, &members)?;
            }
            map.insert(key.clone(), value);
            members.push((key, key_span, places));
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok((Value::Object(map), Children::Members(members)));
                }
                Some(_) => {
                    return Err(self.fault(self.here(), "a `,` or `}` is missing here"));
                }
                None => {
                    return Err(self
                        .fault(self.here(), "the text ends inside an object")
                        .with_label(open, "which begins here"));
                }
            }
        }
    }

    fn repeat(
        &mut self,
        key: &str,
        span: Span,
        members: &[(String, Span, Places)],
    ) -> Result<(), Diagnostic> {
        let mut finding = Diagnostic::error(
            "json/repeated-key",
            format!("the key `{key}` stands twice in one object"),
        )
        .with_label(span, "second")
        .with_source(self.source)
        .with_help("readers disagree on which one counts; keep one");
        if let Some((_, first, _)) = members.iter().find(|(name, _, _)| name == key) {
            finding = finding.with_label(*first, "first");
        }
        if self.repeated.len() >= MAX_REPEATED_KEYS {
            return Err(finding);
        }
        self.repeated.push(finding);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(Value, Children), Diagnostic> {
        let open = self.here();
        self.at += 1;
        let mut values = Vec::new();
        let mut items = Vec::new();
        self.blank()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok((Value::Array(values), Children::Items(items)));
        }
        loop {
            let (value, places) = self.value(depth + 1)?;
            values.push(value);
            items.push(places);
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok((Value::Array(values), Children::Items(items)));
                }
                Some(_) => return Err(self.fault(self.here(), "a `,` or `]` is missing here")),
                None => {
                    return Err(self
                        .fault(self.here(), "the text ends inside an array")
                        .with_label(open, "which begins here"));
                }
            }
        }
    }

    fn word(&mut self) -> Result<Value, Diagnostic> {
        let start = self.at;
        while let Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$') = self.peek() {
            self.at += 1;
        }
        let span = Span::new(start, self.at);
        let word = self.source.slice(span);
        match word {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            "import" | "export" | "const" | "let" | "var" => Err(self
                .fault(span, format!("`{word}` is JavaScript, not JSON"))
                .with_help("export the policy as JSON: `JSON.stringify(policy, null, 2)`")),
            _ => Err(self
                .fault(span, format!("`{word}` is not a JSON value"))
                .with_help("strings stand in double quotes; other words are true, false and null")),
        }
    }

    fn number(&mut self) -> Result<Value, Diagnostic> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = self.peek() {
            self.at += 1;
        }
        let span = Span::new(start, self.at);
        let text = self.source.slice(span);
        serde_json::from_str::<Number>(text)
            .map(Value::Number)
            .map_err(|_| {
                self.fault(span, format!("`{text}` is not a JSON number"))
                    .with_help("no leading zeros or `+`; a digit on each side of the point")
            })
    }

    /// Reads a string literal; `starts` gets, for each byte of the result, where it was written.
    fn string(&mut self, mut starts: Option<&mut Vec<usize>>) -> Result<String, Diagnostic> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let at = self.at;
            let rest = self.source.text.get(at..).unwrap_or_default();
            let Some(c) = rest.chars().next() else {
                return Err(self
                    .fault(Span::new(open, open + 1), "this string has no end")
                    .with_help("a closing double quote is missing"));
            };
            self.at += c.len_utf8();
            let decoded = match c {
                '"' => return Ok(out),
                '\\' => self.escape(at)?,
                '\n' | '\r' => {
                    return Err(self
                        .fault(Span::new(open, at), "a line break inside a string")
                        .with_help("close the string, or write the break as `\\n`"));
                }
                c if u32::from(c) < 0x20 => {
                    return Err(self
                        .fault(
                            Span::new(at, self.at),
                            "a control character inside a string",
                        )
                        .with_help(format!("write it as `\\u{:04x}`", u32::from(c))));
                }
                c => c,
            };
            out.push(decoded);
            if let Some(starts) = starts.as_deref_mut() {
                for offset in 0..decoded.len_utf8() {
                    // Bytes of one unescaped character keep their own places.
                    starts.push(if c == '\\' { at } else { at + offset });
                }
            }
        }
    }

    fn escape(&mut self, at: usize) -> Result<char, Diagnostic> {
        let code = self.peek();
        self.at += 1;
        Ok(match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(at),
            _ => {
                self.at = at + 1;
                let end = at + 1 + self.here().len();
                return Err(self
                    .fault(Span::new(at, end), "not an escape of JSON")
                    .with_help("a backslash itself is written `\\\\`"));
            }
        })
    }

    fn unicode(&mut self, at: usize) -> Result<char, Diagnostic> {
        let first = self.hex(at)?;
        let code = if (0xd800..0xdc00).contains(&first) {
            let rest = self.source.text.get(self.at..).unwrap_or_default();
            if !rest.starts_with("\\u") {
                return Err(self.fault(Span::new(at, self.at), "half of a surrogate pair"));
            }
            self.at += 2;
            let second = self.hex(at)?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(self.fault(Span::new(at, self.at), "half of a surrogate pair"));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code)
            .ok_or_else(|| self.fault(Span::new(at, self.at), "half of a surrogate pair"))
    }

    fn hex(&mut self, at: usize) -> Result<u32, Diagnostic> {
        let digits = self.source.text.get(self.at..self.at + 4);
        let code = digits
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self
                .fault(Span::new(at, self.at), "not an escape of JSON")
                .with_help("`\\u` is followed by four hexadecimal digits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(text: &str) -> Result<Document, Diagnostic> {
        Document::parse(&Source::new("t.json", text))
    }

    #[rstest]
    #[case::object(r#"{"a": [1, 2.50, -3e2, true, null, "x"], "b": {}}"#)]
    #[case::escapes(r#"["\u00e9\ud83d\ude00\n\/\\\"", "é"]"#)]
    #[case::blank("\n\t [ ] ")]
    fn agrees_with_serde_json(#[case] text: &str) {
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text).unwrap().value(), &expected);
    }

    #[rstest]
    #[case::comment("{\n // hi\n}", "// hi", "JSON has no comments")]
    #[case::trailing_comma("{\"a\": 1,}", "}", "a key is missing before `}`")]
    #[case::trailing_comma_in_array("[1,]", "]", "a value is missing before the bracket")]
    #[case::single_quotes("{'a': 1}", "'", "not a key")]
    #[case::typescript("export const p = {}", "export", "`export` is JavaScript, not JSON")]
    #[case::python("[True]", "True", "`True` is not a JSON value")]
    #[case::two_values("{}{}", "{}", "text after the end of the JSON value")]
    #[case::number("[01]", "01", "`01` is not a JSON number")]
    #[case::open_string("[\"abc", "\"", "this string has no end")]
    #[case::escape(r#"["\x"]"#, r"\x", "not an escape of JSON")]
    #[case::surrogate(r#"["\ud83d"]"#, r"\ud83d", "half of a surrogate pair")]
    #[case::no_colon("{\"a\" 1}", "1", "a `:` is missing after the key `a`")]
    fn names_the_fault_and_its_place(
        #[case] text: &str,
        #[case] underlined: &str,
        #[case] message: &str,
    ) {
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.message, message);
        let span = fault.labels[0].span;
        assert_eq!(fault.source.unwrap().slice(span), underlined);
    }

    #[test]
    fn repeated_keys_are_findings_with_both_places() {
        let document = parse(r#"{"a": 1, "a": 2}"#).unwrap();
        let [finding] = document.repeated_keys() else {
            panic!("one finding expected");
        };
        assert_eq!(finding.labels[0].span, Span::new(9, 12));
        assert_eq!(finding.labels[1].span, Span::new(1, 4));
        assert_eq!(document.value()["a"], 2);
    }

    #[test]
    fn places_are_found_by_pointer() {
        let text = r#"{"a/b": [{"c": "x"}]}"#;
        let document = parse(text).unwrap();
        let source = document.source();
        assert_eq!(
            source.slice(document.span_of("/a~1b/0/c").unwrap()),
            "\"x\""
        );
        assert_eq!(
            source.slice(document.key_span_of("/a~1b/0/c").unwrap()),
            "\"c\""
        );
        assert_eq!(document.span_of("/a~1b/1"), None);
        assert_eq!(
            source.slice(document.nearest_span("/a~1b/0/zzz/1")),
            r#"{"c": "x"}"#
        );
    }

    #[test]
    fn a_place_in_a_string_survives_escapes() {
        let text = r#"{"criteria": "A?\u0062=é\"c"}"#;
        let document = parse(text).unwrap();
        let decoded = document.value()["criteria"].as_str().unwrap();
        let map = document.string_map("/criteria").unwrap();
        let b = decoded.find('b').unwrap();
        let c = decoded.find('c').unwrap();
        let source = document.source();
        assert_eq!(source.slice(map.locate(Span::new(b, b + 1))), r"\u0062");
        assert_eq!(source.slice(map.locate(Span::new(c, c + 1))), "c");
        assert_eq!(source.slice(map.locate(Span::new(b + 2, c))), "é\\\"");
    }

    #[test]
    fn depth_is_limited_not_fatal() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(&deep).unwrap_err().code, "json/too-deep");
        let fine = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(parse(&fine).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_agrees_on_what_is_json(text in "[\\[\\]{}:,\"\\\\a-z0-9 .eE+-]{0,40}") {
            let ours = parse(&text).ok().map(|d| d.value().clone());
            let theirs = serde_json::from_str::<Value>(&text).ok();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
