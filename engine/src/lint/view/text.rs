//! Values of a JSON text with their places.

use std::sync::Arc;

use serde_json::Value;

use crate::lint::report::Place;
use crate::source::json::{Document, StringMap};
use crate::source::{Source, Span};

/// A value of a document, with its place.
#[derive(Debug, Clone)]
pub struct Node {
    document: Arc<Document>,
    pointer: String,
}

impl Node {
    /// The value at a JSON pointer.
    pub fn new(document: &Arc<Document>, pointer: impl Into<String>) -> Self {
        Self {
            document: Arc::clone(document),
            pointer: pointer.into(),
        }
    }

    /// The value; `Null` where there is none.
    pub fn value(&self) -> &Value {
        self.document
            .value()
            .pointer(&self.pointer)
            .unwrap_or(&Value::Null)
    }

    /// The text that it stands in.
    pub fn source(&self) -> &Arc<Source> {
        self.document.source()
    }

    /// The member of an object, if it is there.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.value().get(key)?;
        let key = key.replace('~', "~0").replace('/', "~1");
        Some(Self::new(&self.document, format!("{}/{key}", self.pointer)))
    }

    /// The items of an array member; none where it is no array.
    pub fn items(&self, key: &str) -> Vec<Self> {
        let count = self
            .value()
            .get(key)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..count)
            .map(|at| Self::new(&self.document, format!("{}/{key}/{at}", self.pointer)))
            .collect()
    }

    /// The text of a string member.
    pub fn text(&self, key: &str) -> Option<TextView> {
        self.get(key)?.as_text()
    }

    /// The text of the member `reference` of a member.
    pub fn reference(&self, key: &str) -> Option<TextView> {
        self.get(key)?.text("reference")
    }

    /// The text of a string.
    pub fn as_text(&self) -> Option<TextView> {
        let text = self.value().as_str()?;
        Some(TextView {
            text: text.into(),
            source: Arc::clone(self.source()),
            literal: self.document.span_of(&self.pointer)?,
            map: self.document.string_map(&self.pointer)?,
        })
    }

    /// The place of the value, or of the nearest thing around it.
    pub fn place(&self) -> Place<'_> {
        Place {
            source: self.source(),
            span: self.document.nearest_span(&self.pointer),
        }
    }

    /// The place of the value's key, or of the value where it has none.
    pub fn key_place(&self) -> Place<'_> {
        let key = self.document.key_span_of(&self.pointer);
        key.map_or_else(
            || self.place(),
            |span| Place {
                source: self.source(),
                span,
            },
        )
    }

    /// The place of the value with its key.
    pub fn member_place(&self) -> Place<'_> {
        let (key, value) = (self.key_place(), self.place());
        Place {
            source: self.source(),
            span: Span::new(key.span.start, value.span.end),
        }
    }

    /// What has to be cut to take the member out of its object: with the comma that joins it.
    pub fn removal(&self) -> Place<'_> {
        let whole = self.member_place().span;
        let text = &self.source().text;
        let before = text.get(..whole.start).unwrap_or_default();
        let after = text.get(whole.end..).unwrap_or_default();
        let lead = before.trim_end();
        let follow = after.trim_start();
        let span = if follow.starts_with(',') {
            let skipped = after.len() - follow.len() + 1;
            let rest = after.get(skipped..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start().len();
            Span::new(whole.start, whole.end + skipped + blank)
        } else if lead.ends_with(',') {
            Span::new(lead.len() - 1, whole.end)
        } else {
            whole
        };
        Place {
            source: self.source(),
            span,
        }
    }
}

/// A JSON string, decoded, with the place of each of its characters.
#[derive(Debug, Clone)]
pub struct TextView {
    /// The string.
    pub text: Box<str>,
    source: Arc<Source>,
    literal: Span,
    map: StringMap,
}

impl TextView {
    /// The place of the string without its quotes; with them where it is empty.
    pub fn place(&self) -> Place<'_> {
        if self.text.is_empty() {
            return self.literal();
        }
        self.at(Span::new(0, self.text.len()))
    }

    /// The place of the string with its quotes.
    pub fn literal(&self) -> Place<'_> {
        Place {
            source: &self.source,
            span: self.literal,
        }
    }

    /// The place of some bytes of the string.
    pub fn at(&self, span: Span) -> Place<'_> {
        Place {
            source: &self.source,
            span: self.map.locate(span),
        }
    }

    /// Some bytes of the string.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}
