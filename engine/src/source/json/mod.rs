//! JSON that remembers where everything stood.
//!
//! `serde_json` tells the place of a syntax error and forgets the place of everything that is
//! well-formed. A policy's mistakes are nearly all in well-formed JSON, inside strings, so this
//! reader keeps the span of each value and key, and [`StringMap`] carries a place inside a decoded
//! string back to the bytes it was written with.

mod places;
pub(crate) mod plain;
mod reader;
pub(crate) mod scan;
mod string_map;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use self::places::Places;
pub use self::plain::plain_value;
use self::reader::Reader;
pub use self::string_map::StringMap;
use super::{Source, Span};
use crate::diagnostic::Diagnostic;

/// Arrays and objects inside one another; deeper texts are refused.
pub const MAX_DEPTH: usize = 128;
/// Bytes of a text; longer texts are refused.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Values of a text, those inside other values included; a text with more is refused. A value
/// takes up to 300 bytes of memory, however short its text.
pub const MAX_VALUES: usize = 2_000_000;

/// A JSON text with the place of each of its values. Copies share one text and one tree.
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
    tree: Arc<Tree>,
}

#[derive(Debug)]
struct Tree {
    value: Value,
    places: Places,
    repeated: Vec<Diagnostic>,
}

impl Document {
    /// Reads a whole text.
    ///
    /// # Errors
    /// The first thing that is not JSON, with its place; a text over [`MAX_BYTES`]; nesting over
    /// [`MAX_DEPTH`]; more values than [`MAX_VALUES`]. A repeated key is no error here, see
    /// [`Document::repeated_keys`].
    pub fn parse(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        if source.text.len() > MAX_BYTES {
            return Err(too_large(source));
        }
        let mut reader = Reader::new(source);
        let (value, places) = reader.document()?;
        Ok(Self {
            source: Arc::clone(source),
            tree: Arc::new(Tree {
                value,
                places,
                repeated: reader.into_repeated(),
            }),
        })
    }

    /// A document that holds nothing, for a text that could not be read.
    pub(crate) fn empty(source: &Arc<Source>) -> Self {
        Self {
            source: Arc::clone(source),
            tree: Arc::new(Tree {
                value: Value::Null,
                places: Places::leaf(Span::default()),
                repeated: Vec::new(),
            }),
        }
    }

    /// The value, without places. Of a repeated key, the last value counts, as in most readers.
    pub fn value(&self) -> &Value {
        &self.tree.value
    }

    /// The text.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// One error for each key that stands twice in an object.
    pub fn repeated_keys(&self) -> &[Diagnostic] {
        &self.tree.repeated
    }

    /// The first of these errors about a key within a place.
    pub fn repeated_within(&self, place: Span) -> Option<&Diagnostic> {
        let start = |finding: &Diagnostic| finding.labels.first().map(|label| label.span.start);
        // They are in the order of the text.
        let first = self
            .tree
            .repeated
            .partition_point(|finding| start(finding) < Some(place.start));
        let finding = self.tree.repeated.get(first)?;
        (start(finding) < Some(place.end)).then_some(finding)
    }

    /// The place of the value at a JSON pointer (RFC 6901; `""` is the whole).
    pub fn span_of(&self, pointer: &str) -> Option<Span> {
        self.find(pointer).map(|(_, places)| places.span())
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
                None => return self.tree.places.span(),
            }
        }
    }

    /// For a string value: how places in the decoded string map to places in the text.
    pub fn string_map(&self, pointer: &str) -> Option<StringMap> {
        let span = self.span_of(pointer)?;
        StringMap::of(&self.source, span)
    }

    fn find(&self, pointer: &str) -> Option<(Option<Span>, &Places)> {
        let mut places = &self.tree.places;
        let mut key = None;
        if pointer.is_empty() {
            return Some((key, places));
        }
        for step in pointer.strip_prefix('/')?.split('/') {
            let step = step.replace("~1", "/").replace("~0", "~");
            (key, places) = places.child(&step)?;
        }
        Some((key, places))
    }
}

fn too_large(source: &Arc<Source>) -> Diagnostic {
    let mut end = MAX_BYTES + 1;
    while !source.text.is_char_boundary(end) {
        end += 1;
    }
    Diagnostic::error(
        "json/too-large",
        format!(
            "the text is longer than the limit of {} MB",
            MAX_BYTES / 1_048_576
        ),
    )
    .with_label(Span::new(end, end), "the limit ends here")
    .with_source(source)
    .with_help("split it into several files")
}
