//! YAML as a tree of values with places.

use std::fmt;
use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::{Source, Span};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::options::MergeKeyPolicy;
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What YAML made of the text.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a map. Repeated keys are kept; whoever reads the map reports them.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// Reads one YAML document.
    pub(crate) fn parse(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        let options = serde_saphyr::options! {
            strict_booleans: true,
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            merge_keys: MergeKeyPolicy::Error,
        };
        let mut node: Self =
            serde_saphyr::from_str_with_options(&source.text, options).map_err(|error| {
                let error = error.without_snippet();
                let span = error
                    .location()
                    .map_or_else(Span::default, |l| place(&l, &source.text));
                syntax_error(&error.to_string(), span, source)
            })?;
        node.settle(&source.text);
        Ok(node)
    }

    /// What to call the value in a message: `a list`, `the number 012`.
    pub(crate) fn describe(&self, source: &Source) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(b) => format!("the boolean `{b}`"),
            Kind::Number(_) => format!("the number `{}`", source.slice(self.span)),
            Kind::Text(t) => format!("the text `{t}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// Gives every span its end and every number its text, which the reader does not know.
    fn settle(&mut self, text: &str) {
        match &mut self.kind {
            Kind::List(items) => {
                for item in items.iter_mut() {
                    item.settle(text);
                }
                if let Some(last) = items.last() {
                    self.span.end = self.span.end.max(last.span.end);
                }
            }
            Kind::Map(entries) => {
                for entry in entries.iter_mut() {
                    entry.key_span = Span::new(
                        locate(text, entry.key_span.start),
                        locate(text, entry.key_span.end),
                    );
                    entry.value.settle(text);
                }
                if let Some(last) = entries.last() {
                    self.span.end = self
                        .span
                        .end
                        .max(last.key_span.end)
                        .max(last.value.span.end);
                }
            }
            Kind::Number(number) => {
                // The text keeps the precision of a FHIR decimal; the parsed number does not.
                if let Some(written) = text.get(self.span.start..self.span.end)
                    && let Ok(exact) = serde_json::from_str::<Number>(written)
                {
                    *number = exact;
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Text(_) => {}
        }
    }
}

/// The nearest character boundary at or before a byte.
fn locate(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn place(location: &Location, text: &str) -> Span {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(0);
        let len = usize::try_from(len).unwrap_or(0);
        return Span::new(locate(text, start), locate(text, start.saturating_add(len)));
    }
    let (line, column) = (location.line(), location.column());
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number as u64 + 1 == line {
            let inside = content
                .char_indices()
                .nth(usize::try_from(column.saturating_sub(1)).unwrap_or(0))
                .map_or(content.trim_end().len(), |(at, _)| at);
            return Span::new(start + inside, start + inside);
        }
        start += content.len();
    }
    Span::new(text.len(), text.len())
}

/// The YAML reader's words without the place, which the label shows.
fn syntax_error(text: &str, span: Span, source: &Arc<Source>) -> Diagnostic {
    let message = text
        .split(" at line ")
        .next()
        .unwrap_or(text)
        .trim_end_matches('.');
    let mut diagnostic = Diagnostic::error(
        "scenario/yaml",
        format!("this is not valid YAML: {message}"),
    )
    .with_label(span, "here")
    .with_source(source);
    if message.contains("multiple YAML documents") {
        diagnostic.message = "a scenario file holds one YAML document, and this has more".into();
        diagnostic.help = Some("remove the line with `---`".into());
    } else if message.contains("flow") && source.text.contains("${") {
        diagnostic.help =
            Some("inside `{ }` and `[ ]` a `${name}` must stand in quotes: \"${name}\"".into());
    }
    diagnostic
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self {
            kind: spanned.value,
            span: raw_span(&spanned.referenced),
        })
    }
}

fn raw_span(location: &Location) -> Span {
    let span = location.span();
    let start = usize::try_from(span.byte_offset().unwrap_or(0)).unwrap_or(0);
    let len = usize::try_from(span.byte_len().unwrap_or(0)).unwrap_or(0);
    Span::new(start, start.saturating_add(len))
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Kind, E> {
        Number::from_f64(value)
            .map(Kind::Number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            entries.push(Entry {
                key_span: raw_span(&key.referenced),
                key: key.value,
                value: access.next_value()?,
            });
        }
        Ok(Kind::Map(entries))
    }
}
