//! The input of `thread …`, which is read twice: files of any size, a line or a document at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::json::{Document, MAX_BYTES};
use fhirward_engine::source::{Before, Source};
use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use crate::exit::Exit;
use crate::input::{self, Part};
use crate::output::Failure;

/// Files up to this length are kept whole while they are looked at, so that findings can show the
/// lines around them; of longer ones a line is kept at a time.
const MAX_WHOLE: usize = 8 * 1024 * 1024;
/// Endings of the files that a folder stands for.
const ENDINGS: [&str; 4] = ["json", "ndjson", "jsonl", "gz"];
/// What stands before `.gz` in the names of files that a folder stands for.
const ZIPPED: [&str; 3] = [".json.gz", ".ndjson.gz", ".jsonl.gz"];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Everything that was named on the command line.
#[derive(Debug)]
pub struct Inputs {
    files: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    name: String,
    from: From,
}

#[derive(Debug)]
enum From {
    Path(PathBuf),
    /// Standard input, which can be read only once.
    Memory(Arc<[u8]>),
    /// The same, where it is long. The file has no name and goes away with the process.
    Spooled(File),
    /// What a server answered, a resource a line, in such a file.
    Answers(File),
}

/// Something that was read and is not yet parsed, so that reading is one thing and the work
/// another.
#[derive(Debug)]
pub enum Raw {
    /// Something that could not be read.
    Fault(Diagnostic),
    /// One value, the whole text.
    Document(Arc<Source>),
    /// One value in a line.
    Line {
        /// The file, or as much of it as is kept.
        file: Arc<Source>,
        /// Where the value begins.
        start: usize,
        /// And ends.
        end: usize,
        /// The number of the line, from 0.
        number: usize,
    },
    /// What a server answered.
    Answer(String),
}

impl Raw {
    /// How much text it is.
    pub fn bytes(&self) -> usize {
        match self {
            Raw::Fault(_) => 0,
            Raw::Document(source) => source.text.len(),
            Raw::Line { start, end, .. } => end - start,
            Raw::Answer(text) => text.len(),
        }
    }

    /// The value in it, or what is wrong.
    pub fn parse(self) -> Piece {
        match self {
            Raw::Fault(fault) => Piece::Fault(fault),
            Raw::Document(source) => {
                let (part, fault) = input::one(&source);
                match (part.into_iter().next(), fault.into_iter().next()) {
                    (Some(part), _) => Piece::Part(part),
                    (None, Some(fault)) => Piece::Fault(fault),
                    (None, None) => Piece::Fault(Diagnostic::error(
                        "json/empty",
                        "there is no value in this file",
                    )),
                }
            }
            Raw::Line {
                file,
                start,
                end,
                number,
            } => {
                let is_alone = start == 0 && end == file.text.len();
                let source = if is_alone {
                    Arc::clone(&file)
                } else {
                    Source::new("", file.text.get(start..end).unwrap_or_default())
                };
                match Document::parse(&source) {
                    Ok(document) => Piece::Part(Part {
                        document,
                        file,
                        offset: start,
                    }),
                    Err(fault) => {
                        broken_line(number, fault.relocated(|span| span.shifted(start)), &file)
                    }
                }
            }
            Raw::Answer(text) => answer(&text),
        }
    }
}

/// A resource as a server gave it, written out so that lines and columns help, under the name by
/// which the server knows it.
fn answer(text: &str) -> Piece {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let member = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let name = match (member("/resourceType"), member("/id")) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        (kind, _) => kind.unwrap_or("answer").to_owned(),
    };
    let source = Source::new(name, format!("{value:#}"));
    Raw::Document(source).parse()
}

/// What is in a file: values with their places, and what could not be read.
#[derive(Debug)]
pub enum Piece {
    /// A JSON value.
    Part(Part),
    /// Something that is no JSON.
    Fault(Diagnostic),
}

impl Inputs {
    /// Finds the files, and keeps standard input for the second time.
    ///
    /// # Errors
    /// A file that is not there or cannot be opened.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for path in input::expand(paths, &ENDINGS)? {
            let name = path.display().to_string();
            let is_zip = name.ends_with(".gz");
            let is_wanted = ZIPPED.iter().any(|ending| name.ends_with(ending));
            if is_zip && !is_wanted && !paths.contains(&path) {
                continue;
            }
            files.push(if input::is_stdin(&path) {
                Input {
                    name: "<stdin>".to_owned(),
                    from: keep_stdin().map_err(|error| unreadable(&path, &error))?,
                }
            } else {
                File::open(&path).map_err(|error| unreadable(&path, &error))?;
                if path.is_dir() {
                    return Err(unreadable(&path, &io::ErrorKind::IsADirectory.into()));
                }
                Input {
                    name,
                    from: From::Path(path),
                }
            });
        }
        Ok(Inputs { files })
    }

    /// What a server answered: a file with one resource a line.
    pub fn of_answers(server: &str, answers: File) -> Self {
        Inputs {
            files: vec![Input {
                name: server.to_owned(),
                from: From::Answers(answers),
            }],
        }
    }

    /// Whether it is from a server.
    pub fn is_server(&self) -> bool {
        let is_answers = |file: &Input| matches!(file.from, From::Answers(_));
        self.files.iter().any(is_answers)
    }

    /// The names of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// Reads everything once, in the same order each time.
    ///
    /// # Errors
    /// A file that was there and no longer is.
    pub fn visit(&self, visit: &mut dyn FnMut(Piece)) -> Result<(), Failure> {
        self.read(&mut |raw| visit(raw.parse()))
    }

    /// The same without parsing.
    ///
    /// # Errors
    /// As [`visit`](Self::visit).
    pub fn read(&self, visit: &mut dyn FnMut(Raw)) -> Result<(), Failure> {
        for file in &self.files {
            file.visit(visit)
                .map_err(|error| unreadable(Path::new(&file.name), &error))?;
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        return input::missing(path);
    }
    let message = format!("cannot read `{}`: {error}", path.display());
    Failure::new(Exit::Usage, Diagnostic::error("file/unreadable", message))
}

fn keep_stdin() -> io::Result<From> {
    let mut start = Vec::new();
    let mut stdin = io::stdin().lock();
    let most = u64::try_from(MAX_WHOLE).unwrap_or(u64::MAX);
    (&mut stdin).take(most + 1).read_to_end(&mut start)?;
    if start.len() <= MAX_WHOLE {
        return Ok(From::Memory(start.into()));
    }
    let mut file = tempfile::tempfile()?;
    io::copy(&mut Cursor::new(start).chain(stdin), &mut file)?;
    Ok(From::Spooled(file))
}

impl Input {
    fn reader(&self) -> io::Result<Box<dyn BufRead>> {
        let mut plain: Box<dyn BufRead> = match &self.from {
            From::Path(path) => Box::new(BufReader::new(File::open(path)?)),
            From::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            From::Spooled(file) | From::Answers(file) => {
                let mut again = file.try_clone()?;
                again.seek(SeekFrom::Start(0))?;
                Box::new(BufReader::new(again))
            }
        };
        // By its content: standard input has no name that says it.
        let is_zip = plain.fill_buf()?.starts_with(GZIP);
        Ok(if is_zip {
            Box::new(BufReader::new(MultiGzDecoder::new(plain)))
        } else {
            plain
        })
    }

    fn visit(&self, visit: &mut dyn FnMut(Raw)) -> io::Result<()> {
        let mut reader = self.reader()?;
        if matches!(self.from, From::Answers(_)) {
            for line in reader.lines() {
                visit(Raw::Answer(line?));
            }
            return Ok(());
        }
        let mut start = Vec::new();
        let broken = read_up_to(&mut reader, MAX_WHOLE + 1, &mut start).err();
        if start.starts_with(BYTE_ORDER_MARK) {
            let message = "the file begins with a byte order mark";
            visit(self.fault(Severity::Info, "file/byte-order-mark", message));
        }
        let is_lines = self.is_lines(&start);
        if broken.is_none() && start.len() > MAX_WHOLE && !is_lines {
            // One document: it is needed whole.
            let rest = read_up_to(&mut reader, MAX_BYTES + 1 - start.len(), &mut start);
            if let Err(error) = rest {
                visit(self.truncated(&error));
            }
            if start.len() > MAX_BYTES {
                let message = format!(
                    "it is one value longer than the limit of {} MB",
                    MAX_BYTES / 1_048_576
                );
                visit(self.fault(Severity::Error, "file/too-large", &message));
                return Ok(());
            }
            self.document(start, visit);
            return Ok(());
        }
        let is_long = start.len() > MAX_WHOLE;
        if is_lines && (is_long || std::str::from_utf8(&start).is_err()) {
            let rest = if is_long { Some(reader) } else { None };
            self.stream(start, rest, visit)?;
        } else if is_lines {
            self.lines(start, visit);
        } else if !start.is_empty() || broken.is_none() {
            self.document(start, visit);
        }
        if let Some(error) = broken {
            visit(self.truncated(&error));
        }
        Ok(())
    }

    /// Whether each line is a value, by the name, or else by the first two lines.
    fn is_lines(&self, start: &[u8]) -> bool {
        let name = self.name.strip_suffix(".gz").unwrap_or(&self.name);
        let mut lines = start
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty());
        let mut text = String::new();
        for line in lines.by_ref().take(2) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        input::is_ndjson(&Source::new(name, text.trim_start_matches('\u{feff}')))
    }

    /// One value.
    fn document(&self, bytes: Vec<u8>, visit: &mut dyn FnMut(Raw)) {
        match String::from_utf8(bytes) {
            Ok(text) => visit(Raw::Document(Source::new(self.name.as_str(), text))),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let message = format!("it is not UTF-8 text: byte {at} fits no character");
                visit(self.fault(Severity::Error, "file/not-utf8", &message));
            }
        }
    }

    /// Lines of a text that is kept whole.
    fn lines(&self, bytes: Vec<u8>, visit: &mut dyn FnMut(Raw)) {
        // It was asked before.
        let text = String::from_utf8(bytes).unwrap_or_default();
        let file = Source::new(self.name.as_str(), text);
        let mut offset = 0;
        for (number, line) in file.text.split_inclusive('\n').enumerate() {
            let text = line.trim_start_matches('\u{feff}');
            let start = offset + line.len() - text.len();
            offset += line.len();
            if text.trim().is_empty() {
                continue;
            }
            visit(Raw::Line {
                file: Arc::clone(&file),
                start,
                end: start + text.trim_end().len(),
                number,
            });
        }
    }

    /// Lines of a file of which one is kept at a time.
    fn stream(
        &self,
        start: Vec<u8>,
        rest: Option<Box<dyn BufRead>>,
        visit: &mut dyn FnMut(Raw),
    ) -> io::Result<()> {
        let mut reader: Box<dyn BufRead> = match rest {
            Some(rest) => Box::new(Cursor::new(start).chain(rest)),
            None => Box::new(Cursor::new(start)),
        };
        let mut before = Before::default();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let limit = u64::try_from(MAX_BYTES + 1).unwrap_or(u64::MAX);
            match (&mut reader).take(limit).read_until(b'\n', &mut bytes) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    visit(self.truncated(&error));
                    return Ok(());
                }
            }
            if bytes.len() > MAX_BYTES {
                let message = format!(
                    "line {} is longer than the limit of {} MB",
                    before.lines + 1,
                    MAX_BYTES / 1_048_576
                );
                visit(self.fault(Severity::Error, "file/too-large", &message));
                skip_line(&mut reader)?;
                before.lines += 1;
                continue;
            }
            let text = String::from_utf8_lossy(&bytes);
            let characters = text.chars().count();
            if text.contains('\u{fffd}') && std::str::from_utf8(&bytes).is_err() {
                let message = format!("line {} is not UTF-8 text", before.lines + 1);
                visit(self.fault(Severity::Error, "file/not-utf8", &message));
            } else {
                let kept = text.trim_start_matches('\u{feff}').trim_end();
                if !kept.trim().is_empty() {
                    visit(Raw::Line {
                        file: Source::part(self.name.as_str(), kept, before),
                        start: 0,
                        end: kept.len(),
                        number: before.lines,
                    });
                }
            }
            before.lines += 1;
            before.characters += characters;
        }
    }

    fn fault(&self, severity: Severity, code: &'static str, message: &str) -> Raw {
        let source = Source::new(self.name.as_str(), "");
        Raw::Fault(Diagnostic::new(severity, code, message).with_source(&source))
    }

    fn truncated(&self, error: &io::Error) -> Raw {
        let message = format!("the file ends before its end: {error}");
        self.fault(Severity::Error, "file/truncated", &message)
    }
}

fn broken_line(number: usize, mut fault: Diagnostic, file: &Arc<Source>) -> Piece {
    fault.message = format!("line {}: {}", number + 1, fault.message);
    Piece::Fault(fault.with_source(file))
}

/// Reads so many bytes or fewer; what was read before an error is kept.
fn read_up_to(reader: &mut dyn BufRead, most: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    reader.take(most).read_to_end(bytes).map(|_| ())
}

fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        let newline = chunk.iter().position(|byte| *byte == b'\n');
        let length = newline.map_or(chunk.len(), |at| at + 1);
        if length == 0 {
            return Ok(());
        }
        reader.consume(length);
        if newline.is_some() {
            return Ok(());
        }
    }
}
