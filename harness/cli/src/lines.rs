//! The lines of a file or of standard input, plain or compressed by gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use fhirward_engine::source::json::MAX_BYTES;
use flate2::bufread::MultiGzDecoder;

use crate::input;
use crate::output::Failure;

/// One line, without its end.
#[derive(Debug, Clone, Copy)]
pub struct Line<'l> {
    /// Its number, from 1; blank lines count.
    pub number: usize,
    /// What stands on it.
    pub bytes: &'l [u8],
}

/// The lines that are not blank. Of a line longer than [`MAX_BYTES`] only so much is kept that it is
/// seen to be longer.
pub struct Lines {
    reader: Box<dyn BufRead>,
    name: String,
    line: Vec<u8>,
    number: usize,
}

impl Lines {
    /// Opens a file, and unpacks it where it begins as gzip does; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = match input::is_stdin(path) {
            true => "<stdin>".to_owned(),
            false => path.display().to_string(),
        };
        let unopened = |error: io::Error| input::unread(path, &error);
        let raw: Box<dyn Read> = match input::is_stdin(path) {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(path).map_err(unopened)?),
        };
        let mut buffered = BufReader::new(raw);
        let packed = buffered
            .fill_buf()
            .map_err(unopened)?
            .starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> = match packed {
            true => Box::new(BufReader::new(MultiGzDecoder::new(buffered))),
            false => Box::new(buffered),
        };
        Ok(Self {
            reader,
            name,
            line: Vec::new(),
            number: 0,
        })
    }

    /// What a person calls the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that is being read, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The next line that is not blank.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.number += 1;
            self.line.clear();
            let most = MAX_BYTES as u64 + 1;
            let read = (&mut self.reader)
                .take(most)
                .read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == most && !self.line.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
                return Ok(Some(Line {
                    number: self.number,
                    bytes: &self.line,
                }));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some(Line {
            number: self.number,
            bytes: line.strip_suffix(b"\r").unwrap_or(line),
        }))
    }
}
