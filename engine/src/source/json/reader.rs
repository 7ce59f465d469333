//! The reader: from a text to a value and its places.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use super::places::{Member, Places};
use super::string_map::Escape;
use super::{MAX_DEPTH, MAX_VALUES};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Repeated keys that are reported one by one; a text with more is refused at that point.
const MAX_REPEATED_KEYS: usize = 100;

/// A position in a text that is read as JSON.
pub(super) struct Reader<'s> {
    source: &'s Arc<Source>,
    at: usize,
    values: usize,
    repeated: Vec<Diagnostic>,
}

impl<'s> Reader<'s> {
    /// At the beginning, after a byte order mark.
    pub(super) fn new(source: &'s Arc<Source>) -> Self {
        let mark = source.text.starts_with('\u{feff}');
        Self::at(source, if mark { '\u{feff}'.len_utf8() } else { 0 })
    }

    /// At a byte.
    pub(super) fn at(source: &'s Arc<Source>, at: usize) -> Self {
        Self {
            source,
            at,
            values: 0,
            repeated: Vec::new(),
        }
    }

    /// The next byte to read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_string(&self) -> bool {
        self.peek() == Some(b'"')
    }

    /// The repeated keys that were met.
    pub(super) fn into_repeated(self) -> Vec<Diagnostic> {
        self.repeated
    }

    /// One value, and nothing after it.
    pub(super) fn document(&mut self) -> Result<(Value, Places), Diagnostic> {
        let read = self.value(0)?;
        self.blank()?;
        if self.at < self.source.text.len() {
            let help = if self.peek() == Some(b'{') {
                "one file holds one JSON value; put several resources into an array or a Bundle"
            } else {
                "delete what follows the value"
            };
            return Err(self
                .fault(
                    Span::new(self.at, self.source.text.len()),
                    "text after the end of the JSON value",
                )
                .with_help(help));
        }
        Ok(read)
    }

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
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Diagnostic::error(
                "json/too-many-values",
                format!("more than {MAX_VALUES} values in one text"),
            )
            .with_label(self.here(), "the limit is reached here")
            .with_source(self.source)
            .with_help("split it into several files"));
        }
        let value = match self.peek() {
            Some(b'{') => return self.object(depth),
            Some(b'[') => return self.array(depth),
            Some(b'"') => Value::String(self.string(None)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$') => self.word()?,
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
            None => return Err(self.fault(self.here(), "the text ends where a value is expected")),
        };
        Ok((value, Places::leaf(Span::new(start, self.at))))
    }

    fn object(&mut self, depth: usize) -> Result<(Value, Places), Diagnostic> {
        let start = self.at;
        let open = self.here();
        self.at += 1;
        let mut map = Map::new();
        let mut members: Vec<Member> = Vec::new();
        self.blank()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            let span = Span::new(start, self.at);
            return Ok((Value::Object(map), Places::object(span, members)));
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
            members.push(Member {
                name: key.as_str().into(),
                key: key_span,
                value: places,
            });
            map.insert(key, value);
            self.blank()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    let span = Span::new(start, self.at);
                    return Ok((Value::Object(map), Places::object(span, members)));
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

    fn repeat(&mut self, key: &str, span: Span, members: &[Member]) -> Result<(), Diagnostic> {
        let mut finding = Diagnostic::error(
            "json/repeated-key",
            format!("the key `{key}` stands twice in one object"),
        )
        .with_label(span, "second")
        .with_source(self.source)
        .with_help("readers disagree on which one counts; keep one");
        if let Some(first) = members.iter().find(|member| *member.name == *key) {
            finding = finding.with_label(first.key, "first");
        }
        if self.repeated.len() >= MAX_REPEATED_KEYS {
            return Err(finding);
        }
        self.repeated.push(finding);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(Value, Places), Diagnostic> {
        let start = self.at;
        let open = self.here();
        self.at += 1;
        let mut values = Vec::new();
        let mut items = Vec::new();
        self.blank()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            let span = Span::new(start, self.at);
            return Ok((Value::Array(values), Places::array(span, items)));
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
                    let span = Span::new(start, self.at);
                    return Ok((Value::Array(values), Places::array(span, items)));
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

    /// Reads a string literal; `escapes` gets the place of each escape in it.
    pub(super) fn string(
        &mut self,
        mut escapes: Option<&mut Vec<Escape>>,
    ) -> Result<String, Diagnostic> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.source.text.get(self.at..).unwrap_or_default();
            let plain = rest
                .bytes()
                .position(|b| b == b'"' || b == b'\\' || b < 0x20)
                .unwrap_or(rest.len());
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            let at = self.at;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let start = out.len();
                    out.push(self.escape(at)?);
                    if let Some(escapes) = escapes.as_deref_mut() {
                        escapes.push(Escape {
                            decoded: Span::new(start, out.len()),
                            written: Span::new(at, self.at),
                        });
                    }
                }
                Some(b'\n' | b'\r') => {
                    return Err(self
                        .fault(Span::new(open, at), "a line break inside a string")
                        .with_help("close the string, or write the break as `\\n`"));
                }
                Some(control) => {
                    return Err(self
                        .fault(Span::new(at, at + 1), "a control character inside a string")
                        .with_help(format!("write it as `\\u{control:04x}`")));
                }
                None => {
                    return Err(self
                        .fault(Span::new(open, open + 1), "this string has no end")
                        .with_help("a closing double quote is missing"));
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
