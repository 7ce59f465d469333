//! What is read and not yet parsed: blocks of lines, and documents.

use std::sync::Arc;

use fhirward_engine::diagnostic::Diagnostic;
use fhirward_engine::source::json::{Document, plain_value};
use fhirward_engine::source::{Before, Source};
use serde_json::Value;

use crate::input::{self, Part};

/// A part of the input as it was read, so that reading is one thing and the work another.
#[derive(Debug)]
pub enum Raw {
    /// Something that could not be read.
    Fault(Diagnostic),
    /// One value, the whole text.
    Document(Arc<Source>),
    /// Lines of a file that is kept whole, a value each.
    Lines {
        /// The file.
        file: Arc<Source>,
        /// Where the first of them begins.
        start: usize,
        /// Where the last of them ends.
        end: usize,
        /// The number of the first, from 0.
        number: usize,
    },
    /// Lines of a file that is too long to be kept.
    Block {
        /// What the file is called.
        name: Arc<str>,
        /// Whole lines.
        bytes: Vec<u8>,
        /// What stands before them in the file.
        before: Before,
    },
    /// What a server answered, a resource.
    Answer(String),
}

/// One value that is to be parsed, or what is in the place of one.
#[derive(Debug)]
pub enum Unit<'r> {
    /// Something that could not be read.
    Fault(Diagnostic),
    /// A whole text.
    Document(Arc<Source>),
    /// A line.
    Line(Line<'r>),
}

/// A line that is not blank, without its end.
#[derive(Debug)]
pub struct Line<'r> {
    text: &'r str,
    /// From 0.
    number: usize,
    within: Within<'r>,
}

#[derive(Debug, Clone, Copy)]
enum Within<'r> {
    /// The file at hand, in which it begins here.
    Whole(&'r Arc<Source>, usize),
    /// A file that is not at hand.
    Named(&'r str, Before),
}

/// What is in a file: values with their places, and what could not be read.
#[derive(Debug)]
pub enum Piece {
    /// A JSON value.
    Part(Part),
    /// Something that is no JSON.
    Fault(Diagnostic),
}

impl Raw {
    /// How much text it is.
    pub fn bytes(&self) -> usize {
        match self {
            Raw::Fault(_) => 0,
            Raw::Document(source) => source.text.len(),
            Raw::Lines { start, end, .. } => end - start,
            Raw::Block { bytes, .. } => bytes.len(),
            Raw::Answer(text) => text.len(),
        }
    }

    /// Each value in it, in order.
    pub fn each(self, visit: &mut dyn FnMut(Unit<'_>)) {
        match self {
            Raw::Fault(fault) => visit(Unit::Fault(fault)),
            Raw::Document(source) => visit(Unit::Document(source)),
            Raw::Lines {
                file,
                start,
                end,
                number,
            } => {
                let mut at = start;
                let lines = file.text.get(start..end).unwrap_or_default();
                for (number, line) in (number..).zip(lines.split_inclusive('\n')) {
                    let within = |start| Within::Whole(&file, at + start);
                    if let Some(line) = Line::of(line, number, within) {
                        visit(Unit::Line(line));
                    }
                    at += line.len();
                }
            }
            Raw::Block {
                name,
                bytes,
                mut before,
            } => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    match std::str::from_utf8(line) {
                        Ok(text) => {
                            let within = |_| Within::Named(&name, before);
                            if let Some(line) = Line::of(text, before.lines, within) {
                                visit(Unit::Line(line));
                            }
                        }
                        Err(error) => {
                            let line = format!("line {}", before.lines + 1);
                            visit(Unit::Fault(not_utf8(&name, &line, error.valid_up_to())));
                        }
                    }
                    before.lines += 1;
                    before.characters += characters(line);
                }
            }
            Raw::Answer(text) => visit(Unit::Document(answer(&text))),
        }
    }
}

impl Unit<'_> {
    /// The value, without its places. Of a repeated key the last value counts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn value(self) -> Result<Value, Diagnostic> {
        let plain = match &self {
            Unit::Fault(_) => None,
            Unit::Document(source) => plain_value(&source.text),
            Unit::Line(line) => plain_value(line.text),
        };
        match plain {
            Some(value) => Ok(value),
            None => match self.piece() {
                Piece::Part(part) => Ok(part.document.value().clone()),
                Piece::Fault(fault) => Err(fault),
            },
        }
    }

    /// The value in it with its places, or what is wrong.
    pub fn piece(self) -> Piece {
        match self {
            Unit::Fault(fault) => Piece::Fault(fault),
            Unit::Document(source) => document(&source),
            Unit::Line(line) => line.piece(),
        }
    }
}

impl<'r> Line<'r> {
    fn of(
        line: &'r str,
        number: usize,
        within: impl FnOnce(usize) -> Within<'r>,
    ) -> Option<Line<'r>> {
        let text = line.trim_start_matches('\u{feff}');
        let start = line.len() - text.len();
        let text = text.trim_end();
        (!text.trim_start().is_empty()).then(|| Line {
            text,
            number,
            within: within(start),
        })
    }

    /// Whether its file is kept whole.
    pub fn is_kept(&self) -> bool {
        matches!(self.within, Within::Whole(..))
    }

    /// What it says.
    pub fn text(&self) -> &'r str {
        self.text
    }

    /// The value in it with its places, or what is wrong.
    pub fn piece(&self) -> Piece {
        let (file, offset) = match self.within {
            Within::Whole(file, start) => (Arc::clone(file), start),
            Within::Named(name, before) => (Source::part(name, self.text, before), 0),
        };
        let is_alone = offset == 0 && self.text.len() == file.text.len();
        let source = if is_alone {
            Arc::clone(&file)
        } else {
            Source::new("", self.text)
        };
        match Document::parse(&source) {
            Ok(document) => Piece::Part(Part {
                document,
                file,
                offset,
            }),
            Err(fault) => {
                let mut fault = fault.relocated(|span| span.shifted(offset));
                fault.message = format!("line {}: {}", self.number + 1, fault.message);
                Piece::Fault(fault.with_source(&file))
            }
        }
    }
}

fn document(source: &Arc<Source>) -> Piece {
    let (part, fault) = input::one(source);
    match (part.into_iter().next(), fault.into_iter().next()) {
        (Some(part), _) => Piece::Part(part),
        (None, Some(fault)) => Piece::Fault(fault),
        (None, None) => Piece::Fault(Diagnostic::error(
            "json/empty",
            "there is no value in this file",
        )),
    }
}

/// A resource as a server gave it, written out so that lines and columns help, under the name by
/// which the server knows it.
fn answer(text: &str) -> Arc<Source> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let name = match (member("/resourceType"), member("/id")) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        (kind, _) => kind.unwrap_or("answer").to_owned(),
    };
    Source::new(name, format!("{value:#}"))
}

/// That a text, a file or a line of it, is in another encoding.
pub fn not_utf8(name: &str, what: &str, at: usize) -> Diagnostic {
    let message = format!("{what} is not UTF-8 text: byte {at} fits no character");
    Diagnostic::error("file/not-utf8", message)
        .with_source(&Source::new(name, ""))
        .with_help(
            "JSON is written in UTF-8; was it saved as Latin-1? \
             `iconv -f LATIN1 -t UTF-8 FILE > NEW`",
        )
}

/// How many characters a text has: bytes that do not go on with one.
pub fn characters(text: &[u8]) -> usize {
    count(text, |byte| byte & 0xc0 != 0x80)
}

/// How many lines end in a text.
pub fn lines(text: &[u8]) -> usize {
    count(text, |byte| byte == b'\n')
}

/// In numbers of a byte, so that the processor counts many at a time.
fn count(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
    let blocks = text.chunks(usize::from(u8::MAX));
    let counts = blocks.map(|block| {
        let bytes = block.iter();
        bytes.fold(0u8, |count, byte| {
            count.wrapping_add(u8::from(is_wanted(*byte)))
        })
    });
    counts.map(usize::from).sum()
}
