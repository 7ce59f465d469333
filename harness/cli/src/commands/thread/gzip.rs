//! What is compressed by gzip: one part after the other, as `cat a.gz b.gz` makes them.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;

const MAGIC: &[u8] = &[0x1f, 0x8b];

/// The text of all parts. Something else behind them is an error of its own, and not an end too early.
pub struct Members {
    /// Missing only when everything was read.
    part: Option<GzDecoder<Box<dyn BufRead>>>,
}

impl Members {
    /// Of bytes that begin with a part.
    pub fn new(bytes: Box<dyn BufRead>) -> Self {
        Members {
            part: Some(GzDecoder::new(bytes)),
        }
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = &mut self.part {
            let read = part.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut rest) = self.part.take().map(GzDecoder::into_inner) else {
                break;
            };
            // Tapes and blocks are filled up with zeros.
            while rest.fill_buf()?.first() == Some(&0) {
                rest.consume(1);
            }
            let next = rest.fill_buf()?;
            if next.is_empty() {
                break;
            }
            if !next.iter().zip(MAGIC).all(|(byte, magic)| byte == magic) {
                let message = "there is something behind the end of what is compressed";
                return Err(io::Error::new(ErrorKind::InvalidData, message));
            }
            self.part = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}
