//! Skipping over JSON, while checking that it is JSON.
//!
//! The same texts are accepted as by [`Document::parse`](crate::source::json::Document::parse)
//! without repeated keys; only where a fault is, this reader does not say.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{MAX_DEPTH, MAX_VALUES};

/// Objects with more keys than this have them checked for repetitions by a set.
const MANY_KEYS: usize = 32;

/// The text is not JSON, or nested too deeply, or has too many values, or a key twice in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault;

/// A place in a text, and what has been read before it.
#[derive(Debug)]
pub(crate) struct Scanner<'t> {
    /// UTF-8.
    bytes: &'t [u8],
    at: usize,
    /// How many values have begun.
    values: usize,
    /// The keys of the objects around this place, as written between the quotes.
    keys: Vec<&'t [u8]>,
    controls: bool,
}

/// A string as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written<'t> {
    /// What stands between the quotes.
    bytes: &'t [u8],
    /// Whether there is an escape in it.
    escaped: bool,
}

impl<'t> Written<'t> {
    /// Whether it says this.
    #[inline]
    pub(crate) fn is(self, text: &str) -> bool {
        if self.escaped {
            return self.decode().is_ok_and(|own| own == text);
        }
        self.bytes == text.as_bytes()
    }

    /// What it says.
    pub(crate) fn decode(self) -> Result<Cow<'t, str>, Fault> {
        let text = std::str::from_utf8(self.bytes).map_err(|_| Fault)?;
        if !self.escaped {
            return Ok(Cow::Borrowed(text));
        }
        serde_json::from_str(&format!("\"{text}\""))
            .map(Cow::Owned)
            .map_err(|_| Fault)
    }
}

/// The keys of one object, while it is read.
#[derive(Debug)]
struct Keys {
    /// Where its keys begin among all.
    start: usize,
    /// One bit for some property of each key: without it, a key is new.
    seen: u64,
    escaped: bool,
}

impl<'t> Scanner<'t> {
    /// At the beginning of a text, which is UTF-8.
    pub(crate) fn new(bytes: &'t [u8], survey: Survey) -> Self {
        Self {
            bytes,
            at: 0,
            values: 0,
            keys: Vec::with_capacity(MANY_KEYS),
            controls: survey.controls,
        }
    }

    /// Skips the byte order mark that some writers begin with.
    pub(crate) fn skip_mark(&mut self) {
        const MARK: &str = "\u{feff}";
        if self.bytes.starts_with(MARK.as_bytes()) {
            self.at = MARK.len();
        }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Skips blanks, and looks at what comes then.
    #[inline]
    pub(crate) fn next_byte(&mut self) -> Option<u8> {
        match self.peek() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.after_blanks(),
        }
    }

    #[inline(never)]
    fn after_blanks(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Skips the byte that has been looked at.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// There must be nothing more.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(Fault),
        }
    }

    /// Skips one value, which stands inside `depth` arrays and objects, and returns it as written.
    #[inline]
    pub(crate) fn value(&mut self, depth: usize) -> Result<&'t [u8], Fault> {
        self.next_byte();
        let start = self.at;
        self.skip(depth)?;
        self.bytes.get(start..self.at).ok_or(Fault)
    }

    /// Skips one value, which stands inside `depth` arrays and objects.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Fault> {
        self.begin(depth)?;
        match self.next_byte() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => self.object(|scanner, _| scanner.skip(depth + 1)),
            Some(b'[') => self.array(|scanner| scanner.skip(depth + 1)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(Fault),
        }
    }

    /// A value begins, which stands inside `depth` arrays and objects.
    #[inline]
    pub(crate) fn begin(&mut self, depth: usize) -> Result<(), Fault> {
        self.values += 1;
        match depth > MAX_DEPTH || self.values > MAX_VALUES {
            true => Err(Fault),
            false => Ok(()),
        }
    }

    /// Reads an object, whose brace is next; `member` must read the value of each key.
    #[inline]
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Written<'t>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.step();
        let mut keys = Keys {
            start: self.keys.len(),
            seen: 0,
            escaped: false,
        };
        if self.next_byte() == Some(b'}') {
            self.step();
            return Ok(());
        }
        loop {
            if self.next_byte() != Some(b'"') {
                return Err(Fault);
            }
            let key = self.string()?;
            self.note(key, &mut keys)?;
            if self.next_byte() != Some(b':') {
                return Err(Fault);
            }
            self.step();
            member(self, key)?;
            match self.next_byte() {
                Some(b',') => self.step(),
                Some(b'}') => {
                    self.step();
                    return self.forget(&keys);
                }
                _ => return Err(Fault),
            }
        }
    }

    /// Reads an array, whose bracket is next; `item` must read each value.
    #[inline]
    pub(crate) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.step();
        if self.next_byte() == Some(b']') {
            self.step();
            return Ok(());
        }
        loop {
            item(self)?;
            match self.next_byte() {
                Some(b',') => self.step(),
                Some(b']') => {
                    self.step();
                    return Ok(());
                }
                _ => return Err(Fault),
            }
        }
    }

    /// Remembers a key, which must be new.
    #[inline]
    fn note(&mut self, key: Written<'t>, keys: &mut Keys) -> Result<(), Fault> {
        keys.escaped |= key.escaped;
        let bit = 1_u64 << (property(key.bytes) % 64);
        if keys.seen & bit != 0 {
            let others = self.keys.get(keys.start..).unwrap_or_default();
            // A long list is looked through once, at its end.
            if others.len() < MANY_KEYS && others.contains(&key.bytes) {
                return Err(Fault);
            }
        }
        keys.seen |= bit;
        self.keys.push(key.bytes);
        Ok(())
    }

    /// Forgets the keys of an object that has been read.
    #[inline]
    fn forget(&mut self, keys: &Keys) -> Result<(), Fault> {
        let own = self.keys.get(keys.start..).unwrap_or_default();
        if keys.escaped || own.len() > MANY_KEYS {
            let mut known: HashSet<Cow<'_, str>> = HashSet::with_capacity(own.len());
            for bytes in own {
                let key = Written {
                    bytes,
                    escaped: keys.escaped,
                };
                if !known.insert(key.decode()?) {
                    return Err(Fault);
                }
            }
        }
        self.keys.truncate(keys.start);
        Ok(())
    }

    /// Reads a string, whose quote is next.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Written<'t>, Fault> {
        self.step();
        let rest = self.bytes.get(self.at..).ok_or(Fault)?;
        let length = plain_length(rest).ok_or(Fault)?;
        let (bytes, stop) = rest.split_at_checked(length).ok_or(Fault)?;
        if stop.first() != Some(&b'"') || self.controls {
            return self.string_in_full();
        }
        self.at += length + 1;
        Ok(Written {
            bytes,
            escaped: false,
        })
    }

    /// The same of a string that has escapes, or may have what no string may have; its first
    /// character is next.
    #[inline(never)]
    fn string_in_full(&mut self) -> Result<Written<'t>, Fault> {
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let length = plain_length(rest).ok_or(Fault)?;
            let (plain, stop) = rest.split_at_checked(length).ok_or(Fault)?;
            if self.controls && has_controls(plain) {
                return Err(Fault);
            }
            self.at += length + 1;
            if stop.first() == Some(&b'"') {
                let bytes = self.bytes.get(start..self.at - 1).ok_or(Fault)?;
                return Ok(Written { bytes, escaped });
            }
            escaped = true;
            self.escape()?;
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let byte = self.peek();
        self.step();
        match byte {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex()? {
                0xd800..0xdc00 => {
                    self.word("\\u")?;
                    match self.hex()? {
                        0xdc00..0xe000 => Ok(()),
                        _ => Err(Fault),
                    }
                }
                0xdc00..0xe000 => Err(Fault),
                _ => Ok(()),
            },
            _ => Err(Fault),
        }
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(Fault)?;
            self.step();
        }
        Ok(code)
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Fault);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.step();
        }
        match self.peek() {
            Some(b'0') => self.step(),
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.step();
        }
        match self.at > start {
            true => Ok(()),
            false => Err(Fault),
        }
    }
}

/// A number that is the same for equal texts, and seldom for others of one object.
#[inline]
fn property(text: &[u8]) -> u32 {
    let first = text.first().copied().unwrap_or_default();
    let middle = text.get(text.len() / 2).copied().unwrap_or_default();
    // Of the sum only the last bits count.
    let length = (text.len() & 63) as u32;
    u32::from(first) + u32::from(middle) * 5 + length * 11
}

/// How many words of a string are looked at one by one: finding the end of longer ones is worth a
/// call.
const WORDS: usize = 8;

/// How many bytes come before the first quote or backslash.
#[inline]
fn plain_length(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().take(WORDS).enumerate() {
        let found = stops_of_word(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(at * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    memchr::memchr2(b'"', b'\\', bytes)
}

/// Marks the bytes that stop. The lowest mark is right; a borrow may have made those above it.
#[inline]
fn stops_of_word(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let quotes = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslashes = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quotes | backslashes) & !word & (ONES * 0x80)
}

/// What is in a text, as far as it matters how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Whether there are control characters in it: line breaks between its values, or what no
    /// string may have.
    controls: bool,
    /// Whether it is ASCII alone, and so UTF-8.
    pub(crate) ascii: bool,
}

impl Survey {
    /// Without a branch for each byte, so that many are looked at at once.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let (least, all) = bytes.iter().fold((u8::MAX, 0), |(least, all), byte| {
            (least.min(*byte), all | byte)
        });
        Self {
            controls: least < 0x20,
            ascii: all < 0x80,
        }
    }
}

fn has_controls(bytes: &[u8]) -> bool {
    Survey::of(bytes).controls
}
