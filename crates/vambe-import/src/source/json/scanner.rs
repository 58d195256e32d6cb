//! [`Scanner`]: cuts the text of JSON into lines or values, in memory for one of them.

use memchr::{memchr2, memrchr2};

use crate::source::SourceProblem;

use super::super::csv::MAX_ROW;
use super::super::decode::TextReader;
use super::super::place::Place;
use super::object::Flaw;

/// Text of JSON that is cut as it is read.
pub(super) struct Scanner {
    reader: TextReader,
    text: String,
    at: usize,
    text_before: u64,
    place: Place,
    /// Characters of the line before `at`.
    column: u64,
    is_read: bool,
}

/// A line or a value, and where it stands.
pub(super) struct Taken<'s> {
    pub(super) line: u64,
    column: u64,
    /// The byte of the file up to which it is read.
    pub(super) end: u64,
    pub(super) text: &'s str,
}

/// What is wrong, and on which line.
pub(super) struct Fault {
    pub(super) line: Option<u64>,
    pub(super) problem: SourceProblem,
}

impl Fault {
    /// Says what is wrong with a file as a whole.
    pub(super) fn of_all(problem: SourceProblem) -> Self {
        Self { line: None, problem }
    }
}

impl Taken<'_> {
    /// Says what is wrong with the value, at its place in the file.
    pub(super) fn fault(&self, flaw: &Flaw) -> Fault {
        let (line, problem) = match flaw {
            Flaw::Syntax { line: 1, column } => {
                (self.line, SourceProblem::InvalidJson { column: self.column + column })
            }
            Flaw::Syntax { line, column } => (self.line + line - 1, SourceProblem::InvalidJson { column: *column }),
            Flaw::TooDeep => (self.line, SourceProblem::TooDeep),
            Flaw::Unfinished | Flaw::NoObject(_) => (self.line, SourceProblem::UnfinishedJson),
        };
        Fault { line: Some(line), problem }
    }
}

impl Scanner {
    pub(super) fn new(reader: TextReader) -> Self {
        let place = Place::start();
        Self { reader, text: String::new(), at: 0, text_before: 0, place, column: 0, is_read: false }
    }

    /// Takes the next line that is not blank; LF, CR and CRLF end one, for JSON text holds no bare break.
    pub(super) fn take_line(&mut self) -> Result<Option<Taken<'_>>, Fault> {
        if self.peek()?.is_none() {
            return Ok(None);
        }
        let mut scanned = 0;
        let length = loop {
            match memchr2(b'\n', b'\r', &self.rest()[scanned..]) {
                Some(end) => break scanned + end,
                None => scanned = self.rest().len(),
            }
            if scanned > MAX_ROW || !self.refill()? {
                break scanned;
            }
        };
        self.take(length).map(Some)
    }

    /// Takes the next value, as far as its brackets and quotes say that it goes.
    pub(super) fn take_value(&mut self) -> Result<Taken<'_>, Fault> {
        self.peek()?;
        let mut extent = Extent::default();
        let length = loop {
            if let Some(length) = extent.end_in(self.rest()) {
                break length;
            }
            if extent.depth > MAX_DEPTH {
                return Err(self.fault(SourceProblem::TooDeep));
            }
            if extent.scanned > MAX_ROW {
                break extent.scanned;
            }
            if !self.refill()? {
                match extent.is_complete_at_the_end() {
                    true => break extent.scanned,
                    false => return Err(self.fault(SourceProblem::UnfinishedJson)),
                }
            }
        };
        if length == 0 {
            return Err(self.not_json());
        }
        self.take(length)
    }

    /// Takes the key of an entry, and the colon behind it.
    pub(super) fn take_key(&mut self) -> Result<String, Fault> {
        if self.peek()? != Some(b'"') {
            return Err(self.not_json());
        }
        let key = serde_json::from_str(self.take_value()?.text).map_err(|_| self.not_json())?;
        if self.peek()? != Some(b':') {
            return Err(self.not_json());
        }
        self.pass_byte();
        Ok(key)
    }

    /// Passes the comma between two entries of an object; nothing if it ends here.
    pub(super) fn pass_comma(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            Some(b',') => self.pass_byte(),
            Some(b'}') => {}
            Some(_) => return Err(self.not_json()),
            None => return Err(self.fault(SourceProblem::UnfinishedJson)),
        }
        Ok(())
    }

    /// Returns the next byte that is no white space, and passes what is.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let blanks = self.rest().iter().take_while(|byte| is_blank(**byte)).count();
            self.pass(blanks);
            if let Some(&byte) = self.rest().first() {
                return Ok(Some(byte));
            }
            if !self.refill()? {
                return Ok(None);
            }
        }
    }

    /// Returns the next byte after this one that is no white space, and passes nothing.
    pub(super) fn peek_inside(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let inside = self.rest().iter().skip(1).find(|byte| !is_blank(**byte)).copied();
            if inside.is_some() || self.rest().len() > MAX_ROW || !self.refill()? {
                return Ok(inside);
            }
        }
    }

    pub(super) fn pass_byte(&mut self) {
        self.pass(1);
    }

    pub(super) fn not_json(&self) -> Fault {
        self.fault(SourceProblem::InvalidJson { column: self.column + 1 })
    }

    pub(super) fn fault(&self, problem: SourceProblem) -> Fault {
        Fault { line: Some(self.place.line), problem }
    }

    fn take(&mut self, length: usize) -> Result<Taken<'_>, Fault> {
        if length > MAX_ROW {
            return Err(self.fault(SourceProblem::RowTooLarge));
        }
        let (start, line, column) = (self.at, self.place.line, self.column);
        self.pass(length);
        let end = self.reader.bytes_for(self.text_before + self.at as u64);
        Ok(Taken { line, column, end, text: &self.text[start..start + length] })
    }

    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.place.pass(passed.as_bytes());
        self.column = match memrchr2(b'\n', b'\r', passed.as_bytes()) {
            Some(last) => passed[last + 1..].chars().count() as u64,
            None => self.column + passed.chars().count() as u64,
        };
        self.at += bytes;
    }

    /// Reads on behind what is left; false at the end.
    fn refill(&mut self) -> Result<bool, Fault> {
        if self.is_read {
            return Ok(false);
        }
        self.text.drain(..self.at);
        self.text_before += self.at as u64;
        self.at = 0;
        let line = self.place.line + Place::line_breaks(self.text.as_bytes());
        let has_more = self.reader.append_to(&mut self.text);
        let has_more = has_more.map_err(|problem| Fault { line: Some(line), problem })?;
        self.is_read = !has_more;
        Ok(has_more)
    }
}

const MAX_DEPTH: usize = 127;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How far a value goes, found out piece by piece.
#[derive(Default)]
struct Extent {
    scanned: usize,
    depth: usize,
    in_text: bool,
    escaped: bool,
    is_scalar: bool,
}

impl Extent {
    /// Scans what is new of a text that only grows; gives the length of the value once its end is there.
    fn end_in(&mut self, text: &[u8]) -> Option<usize> {
        while let Some(&byte) = text.get(self.scanned) {
            if self.in_text {
                self.scan_text(&text[self.scanned..]);
            } else {
                match byte {
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth > 0 => self.depth -= 1,
                    b'"' => self.in_text = true,
                    b',' | b'}' | b']' | b':' if self.depth == 0 => return Some(self.scanned),
                    byte if self.depth == 0 && is_blank(byte) => return Some(self.scanned),
                    _ if self.depth == 0 => self.is_scalar = true,
                    _ => {}
                }
                self.scanned += 1;
                if self.depth > MAX_DEPTH {
                    return None;
                }
            }
            let has_ended = self.depth == 0 && !self.in_text && !self.is_scalar;
            if has_ended {
                return Some(self.scanned);
            }
        }
        None
    }

    fn scan_text(&mut self, rest: &[u8]) {
        if std::mem::take(&mut self.escaped) {
            self.scanned += 1;
            return;
        }
        match memchr2(b'"', b'\\', rest) {
            Some(at) => {
                self.scanned += at + 1;
                self.in_text = rest[at] != b'"';
                self.escaped = rest[at] == b'\\';
            }
            None => self.scanned += rest.len(),
        }
    }

    fn is_complete_at_the_end(&self) -> bool {
        self.is_scalar && !self.in_text && self.depth == 0
    }
}
