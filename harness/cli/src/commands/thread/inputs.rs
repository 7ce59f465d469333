//! The input of `thread …`, which is read twice: files of any size, a line or a document at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::globs;
use super::gzip::Members;
use super::raw::{Raw, characters, lines, not_utf8};
use crate::input;
use crate::output::Failure;
use fhirward_engine::diagnostic::{Diagnostic, Severity};
use fhirward_engine::source::json::MAX_BYTES;
use fhirward_engine::source::{Before, Source};

/// Files up to this length are kept whole while they are looked at, so that findings can show the
/// lines around them; of longer ones a line is kept at a time.
const MAX_WHOLE: usize = 8 * 1024 * 1024;
/// Endings of the files that a folder stands for.
const ENDINGS: [&str; 4] = ["json", "ndjson", "jsonl", "gz"];
/// What stands before `.gz` in the names of files that a folder stands for.
const ZIPPED: [&str; 3] = [".json.gz", ".ndjson.gz", ".jsonl.gz"];
/// How much is read at a time of a file with a value a line.
const BLOCK: usize = 256 * 1024;
/// What to do about a value that is too large to be kept.
pub const TAKE_APART: &str = "a file with a resource a line may have any length: \
                              `jq -c '.entry[].resource' bundle.json > resources.ndjson`";
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

impl Inputs {
    /// Finds the files, and keeps standard input for the second time.
    ///
    /// # Errors
    /// A file that is not there or cannot be opened.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut files = Vec::new();
        let paths = &globs::expand(paths)?;
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
                    from: keep_stdin().map_err(|error| input::unread(&path, &error))?,
                }
            } else {
                File::open(&path).map_err(|error| input::unread(&path, &error))?;
                if path.is_dir() {
                    return Err(input::unread(&path, &io::ErrorKind::IsADirectory.into()));
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

    /// Reads everything once, in the same order each time, and parses nothing.
    ///
    /// # Errors
    /// A file that was there and no longer is.
    pub fn read(&self, visit: &mut dyn FnMut(Raw)) -> Result<(), Failure> {
        for file in &self.files {
            file.visit(visit)
                .map_err(|error| input::unread(Path::new(&file.name), &error))?;
        }
        Ok(())
    }
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
            Box::new(BufReader::new(Members::new(plain)))
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
        if is_utf16(&start) {
            let source = Source::new(self.name.as_str(), "");
            let finding = Diagnostic::error("file/not-utf8", "it is UTF-16 text, and not UTF-8")
                .with_source(&source)
                .with_help(
                    "JSON is written in UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > NEW`, or choose \
                     UTF-8 where it is saved",
                );
            visit(Raw::Fault(finding));
            return Ok(());
        }
        if self.is_falsely_zipped()? {
            let is_text = std::str::from_utf8(&start).is_ok() || start.len() > MAX_WHOLE;
            let severity = if is_text {
                Severity::Warning
            } else {
                Severity::Error
            };
            let message = "its name ends in .gz, and it is not compressed by gzip";
            visit(self.fault(severity, "file/not-gzip", message));
            if !is_text {
                return Ok(());
            }
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
                let source = Source::new(self.name.as_str(), "");
                let finding = Diagnostic::error("file/too-large", message)
                    .with_source(&source)
                    .with_help(TAKE_APART);
                visit(Raw::Fault(finding));
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

    /// Whether the name says that it is compressed, and the content does not.
    fn is_falsely_zipped(&self) -> io::Result<bool> {
        let From::Path(path) = &self.from else {
            return Ok(false);
        };
        if path.extension().is_none_or(|ending| ending != "gz") {
            return Ok(false);
        }
        let mut first = Vec::new();
        let most = u64::try_from(GZIP.len()).unwrap_or(u64::MAX);
        File::open(path)?.take(most).read_to_end(&mut first)?;
        Ok(first != GZIP)
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
                visit(Raw::Fault(not_utf8(&self.name, "it", at)));
            }
        }
    }

    /// Lines of a text that is kept whole.
    fn lines(&self, bytes: Vec<u8>, visit: &mut dyn FnMut(Raw)) {
        // It was asked before.
        let text = String::from_utf8(bytes).unwrap_or_default();
        let file = Source::new(self.name.as_str(), text);
        let bytes = file.text.as_bytes();
        let (mut start, mut number) = (0, 0);
        while start < bytes.len() {
            let rest = bytes.get(start + BLOCK..).unwrap_or_default();
            let newline = rest.iter().position(|byte| *byte == b'\n');
            let end = newline.map_or(bytes.len(), |at| start + BLOCK + at + 1);
            visit(Raw::Lines {
                file: Arc::clone(&file),
                start,
                end,
                number,
            });
            number += lines(bytes.get(start..end).unwrap_or_default());
            start = end;
        }
    }

    /// Lines of a file of which a block is kept at a time.
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
        let name: Arc<str> = self.name.as_str().into();
        let mut before = Before::default();
        // What has been read of a line whose end has not.
        let mut begun: Vec<u8> = Vec::new();
        loop {
            let mut block = Vec::with_capacity(begun.len() + BLOCK);
            block.append(&mut begun);
            let known = block.len();
            let ended = read_up_to(&mut reader, BLOCK, &mut block);
            let is_end = block.len() == known;
            let new = block.get(known..).unwrap_or_default();
            if let Some(last) = new.iter().rposition(|byte| *byte == b'\n') {
                begun = block.split_off(known + last + 1);
                give(&name, block, &mut before, visit);
            } else if is_end && ended.is_ok() {
                give(&name, block, &mut before, visit);
                return Ok(());
            } else {
                begun = block;
            }
            if let Err(error) = ended {
                visit(self.truncated(&error));
                return Ok(());
            }
            if begun.len() > MAX_BYTES {
                let message = format!(
                    "line {} is longer than the limit of {} MB",
                    before.lines + 1,
                    MAX_BYTES / 1_048_576
                );
                visit(self.fault(Severity::Error, "file/too-large", &message));
                begun.clear();
                skip_line(&mut reader)?;
                before.lines += 1;
            }
        }
    }

    fn fault(&self, severity: Severity, code: &'static str, message: &str) -> Raw {
        let source = Source::new(self.name.as_str(), "");
        Raw::Fault(Diagnostic::new(severity, code, message).with_source(&source))
    }

    fn truncated(&self, error: &io::Error) -> Raw {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let message = format!("the file ends before its end: {error}");
            return self.fault(Severity::Error, "file/truncated", &message);
        }
        let message = format!("the file is damaged: {error}");
        self.fault(Severity::Error, "file/damaged", &message)
    }
}

/// Whether a text begins as UTF-16 does: with its byte order mark, or with an ASCII character of two
/// bytes.
fn is_utf16(start: &[u8]) -> bool {
    matches!(
        start,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=0x7f, 0, ..] | [0, 1..=0x7f, ..]
    )
}

/// Hands over whole lines.
fn give(name: &Arc<str>, bytes: Vec<u8>, before: &mut Before, visit: &mut dyn FnMut(Raw)) {
    if bytes.is_empty() {
        return;
    }
    let read = Before {
        lines: before.lines + lines(&bytes),
        characters: before.characters + characters(&bytes),
    };
    visit(Raw::Block {
        name: Arc::clone(name),
        bytes,
        before: std::mem::replace(before, read),
    });
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
