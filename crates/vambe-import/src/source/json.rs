//! Rows of NDJSON, or of one JSON array, of any size, in memory for one row.

mod object;
mod scanner;

use std::path::{Path, PathBuf};

use crate::row::Row;
use crate::source::{SourceError, SourceProblem};

use super::decode::TextReader;
use super::format::{JsonFormat, JsonLayout, TextFormat};

use object::{Flaw, read_object};
use scanner::{Fault, Scanner};

/// The rows of a file of JSON, read as they are asked for.
pub(super) struct JsonRows {
    path: PathBuf,
    text: TextFormat,
    layout: JsonLayout,
    scanner: Scanner,
    next: Option<Row>,
    state: State,
}

/// Where reading is in an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    AtFirst,
    AfterElement,
    AtEnd,
}

impl JsonRows {
    /// Opens one object a line.
    pub(super) fn lines(path: &Path, reader: TextReader) -> Result<Self, SourceError> {
        Self::start(path, reader, JsonLayout::Lines).with_first_row()
    }

    /// Opens an array of objects, or an object that holds one.
    pub(super) fn array(path: &Path, reader: TextReader) -> Result<Self, SourceError> {
        let mut rows = Self::start(path, reader, JsonLayout::Array);
        rows.enter().map_err(|fault| rows.fail(fault))?;
        rows.with_first_row()
    }

    pub(super) fn format(&self) -> JsonFormat {
        JsonFormat { text: self.text, layout: self.layout.clone() }
    }

    /// Reads the next row; lines without anything in them are passed over.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match self.next.take() {
            Some(row) => Ok(Some(row)),
            None => self.read_row(),
        }
    }

    fn start(path: &Path, reader: TextReader, layout: JsonLayout) -> Self {
        let (path, text) = (path.to_owned(), reader.format());
        Self { path, text, layout, scanner: Scanner::new(reader), next: None, state: State::AtFirst }
    }

    fn with_first_row(mut self) -> Result<Self, SourceError> {
        self.next = self.read_row()?;
        match (&self.next, &self.layout) {
            (Some(_), _) => Ok(self),
            (None, JsonLayout::Lines) => Err(SourceError::at(&self.path, None, SourceProblem::Empty)),
            (None, _) => Err(SourceError::at(&self.path, None, SourceProblem::NoRows)),
        }
    }

    fn read_row(&mut self) -> Result<Option<Row>, SourceError> {
        let row = match self.layout {
            JsonLayout::Lines => self.read_line(),
            _ => self.read_element(),
        };
        row.map_err(|fault| self.fail(fault))
    }

    fn read_line(&mut self) -> Result<Option<Row>, Fault> {
        let Some(line) = self.scanner.take_line()? else { return Ok(None) };
        Ok(Some(match read_object(line.text) {
            Ok(object) => Row::object(line.line, line.end, object.entries).written_as(object.text),
            Err(flaw) => Row::broken(line.line, line.end, line.text.to_owned(), flaw.to_string()),
        }))
    }

    fn read_element(&mut self) -> Result<Option<Row>, Fault> {
        if self.state == State::AtEnd {
            return Ok(None);
        }
        match (self.state, self.scanner.peek()?) {
            (_, None) => return Err(self.scanner.fault(SourceProblem::UnfinishedJson)),
            (_, Some(b']')) => return self.leave(),
            (State::AtFirst, Some(_)) => {}
            (_, Some(b',')) => self.scanner.pass_byte(),
            (_, Some(_)) => return Err(self.scanner.not_json()),
        }
        self.state = State::AfterElement;
        let element = self.scanner.take_value()?;
        match read_object(element.text) {
            Ok(object) => Ok(Some(Row::object(element.line, element.end, object.entries).written_as(object.text))),
            Err(flaw @ Flaw::NoObject(_)) => {
                Ok(Some(Row::broken(element.line, element.end, element.text.to_owned(), flaw.to_string())))
            }
            // Where an element is not JSON, nobody knows where it ends.
            Err(flaw) => Err(element.fault(&flaw)),
        }
    }

    /// Goes to the first element of the array.
    fn enter(&mut self) -> Result<(), Fault> {
        match self.scanner.peek()? {
            Some(b'[') => {
                self.scanner.pass_byte();
                Ok(())
            }
            Some(b'{') => self.enter_wrapper(),
            Some(_) => Err(Fault::of_all(SourceProblem::NoArray)),
            None => Err(Fault::of_all(SourceProblem::Empty)),
        }
    }

    /// Goes to the first array of objects that an object holds, past what stands before it.
    fn enter_wrapper(&mut self) -> Result<(), Fault> {
        self.scanner.pass_byte();
        let mut nothing_found = SourceProblem::NoArray;
        while self.scanner.peek()? != Some(b'}') {
            let key = self.scanner.take_key()?;
            if self.scanner.peek()? == Some(b'[') {
                match self.scanner.peek_inside()? {
                    Some(b'{') => {
                        self.scanner.pass_byte();
                        self.layout = JsonLayout::ArrayIn(key);
                        return Ok(());
                    }
                    Some(b']') => nothing_found = SourceProblem::NoRows,
                    _ => {}
                }
            }
            self.scanner.take_value()?;
            self.scanner.pass_comma()?;
        }
        Err(Fault::of_all(nothing_found))
    }

    /// Makes sure that nothing comes after the array but what closes the object around it.
    fn leave(&mut self) -> Result<Option<Row>, Fault> {
        self.scanner.pass_byte();
        self.state = State::AtEnd;
        if matches!(self.layout, JsonLayout::ArrayIn(_)) {
            self.scanner.pass_comma()?;
            while self.scanner.peek()? != Some(b'}') {
                self.scanner.take_key()?;
                self.scanner.take_value()?;
                self.scanner.pass_comma()?;
            }
            self.scanner.pass_byte();
        }
        match self.scanner.peek()? {
            None => Ok(None),
            Some(_) => Err(self.scanner.not_json()),
        }
    }

    fn fail(&self, fault: Fault) -> SourceError {
        SourceError::at(&self.path, fault.line, fault.problem)
    }
}
