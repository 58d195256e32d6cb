//! [`Rejects`]: the rows that were not accepted, as they stood, with the reason.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::error::{ImportError, RejectsProblem};
use crate::row::{Header, Row};
use crate::source::{CsvFormat, Format, Quote, Source};

/// A file of rejected rows, which can be mended and imported in turn.
///
/// It comes into being with the first of them, in UTF-8 and otherwise written as the
/// input is. `_line`, `_code` and `_reason` stand in front, so that a row with too many
/// cells keeps them all.
pub(crate) struct Rejects {
    path: PathBuf,
    format: CsvFormat,
    header: Header,
    own_columns: Vec<usize>,
    replaces: bool,
    writer: Option<Writer<File>>,
}

impl Rejects {
    /// Makes sure that rows can be written, and leaves nothing behind.
    pub(crate) fn prepare(path: PathBuf, source: &Source, inputs: &[PathBuf]) -> Result<Self, ImportError> {
        let replaces = match prove_writable(&path, inputs) {
            Ok(replaces) => replaces,
            Err(problem) => return Err(ImportError::Rejects { path, problem }),
        };
        let header = source.header().cloned().unwrap_or_default();
        let own_columns = header
            .names()
            .iter()
            .enumerate()
            .filter(|(_, name)| OWN_COLUMNS.contains(&name.trim()))
            .map(|(index, _)| index)
            .collect();
        let format = match source.format() {
            Format::Csv(format) => format,
            Format::Given => return Err(ImportError::Rejects { path, problem: RejectsProblem::NotRejects }),
        };
        Ok(Self { path, format, header, own_columns, replaces, writer: None })
    }

    /// Returns the file, once there is one.
    pub(crate) fn written_to(&self) -> Option<&Path> {
        self.writer.is_some().then_some(self.path.as_path())
    }

    pub(crate) fn write(&mut self, row: &Row, code: &str, reason: &str) -> Result<(), ImportError> {
        if self.writer.is_none() {
            self.writer = Some(self.create().map_err(|error| self.fail(error))?);
        }
        let line = row.line().to_string();
        self.write_cells(row, [line.as_str(), code, reason]).map_err(|error| self.fail(error.into()))
    }

    pub(crate) fn flush(&mut self) -> Result<(), ImportError> {
        match self.writer.as_mut().map(Writer::flush) {
            Some(Err(error)) => Err(self.fail(error)),
            _ => Ok(()),
        }
    }

    /// Removes what an earlier run left, if this one rejected nothing.
    pub(crate) fn remove_outdated(&self) -> Result<(), ImportError> {
        if self.replaces && self.writer.is_none() {
            fs::remove_file(&self.path).map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    fn create(&mut self) -> io::Result<Writer<File>> {
        let mut file = File::create(&self.path)?;
        if self.format.has_mark || !self.format.encoding.is_utf8() {
            // Whoever wrote the input in something else needs the mark to see accents.
            file.write_all(UTF8_MARK)?;
        }
        let mut writer = dialect_of(self.format).from_writer(file);
        let names = self.header.names().iter().map(String::as_str);
        let original = original_cells(names, &self.own_columns);
        writer.write_record(OWN_COLUMNS.into_iter().chain(original))?;
        Ok(writer)
    }

    fn write_cells(&mut self, row: &Row, own: [&str; 3]) -> csv::Result<()> {
        let Some(writer) = self.writer.as_mut() else { return Ok(()) };
        let [line, code, reason] = own;
        // Without quotes a delimiter in the reason would begin a new cell.
        let reason = match self.format.quote {
            Quote::None => reason.replace([char::from(self.format.delimiter.byte()), '\r', '\n'], " "),
            Quote::Character(_) => reason.to_owned(),
        };
        let original = original_cells(row.cells(), &self.own_columns);
        writer.write_record([line, code, reason.as_str()].into_iter().chain(original))
    }

    fn fail(&self, error: io::Error) -> ImportError {
        ImportError::Rejects { path: self.path.clone(), problem: RejectsProblem::Io(error) }
    }
}

const OWN_COLUMNS: [&str; 3] = ["_line", "_code", "_reason"];
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

fn original_cells<'a>(cells: impl Iterator<Item = &'a str>, own_columns: &'a [usize]) -> impl Iterator<Item = &'a str> {
    cells.enumerate().filter(|(index, _)| !own_columns.contains(index)).map(|(_, cell)| cell)
}

fn dialect_of(format: CsvFormat) -> WriterBuilder {
    let mut builder = WriterBuilder::new();
    builder.flexible(true).delimiter(format.delimiter.byte());
    match format.quote {
        Quote::Character(quote) => builder.quote(quote),
        Quote::None => builder.quote_style(QuoteStyle::Never),
    };
    if format.ends_lines_with_crlf {
        builder.terminator(Terminator::CRLF);
    }
    builder
}

/// Returns whether there is an older file to replace.
fn prove_writable(path: &Path, inputs: &[PathBuf]) -> Result<bool, RejectsProblem> {
    let is_input = |input: &PathBuf| same_file(input, path);
    if inputs.iter().any(is_input) {
        return Err(RejectsProblem::IsInput);
    }
    match fs::metadata(path) {
        Ok(metadata) => {
            let replaces = metadata.is_file();
            if replaces && !holds_rejects(path).map_err(RejectsProblem::Io)? {
                return Err(RejectsProblem::NotRejects);
            }
            OpenOptions::new().append(true).open(path).map_err(RejectsProblem::Io)?;
            Ok(replaces)
        }
        Err(_) => {
            File::create_new(path).and_then(|_| fs::remove_file(path)).map_err(RejectsProblem::Io)?;
            Ok(false)
        }
    }
}

fn same_file(one: &Path, two: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(two)) {
        (Ok(one), Ok(two)) => one == two,
        _ => one == two,
    }
}

fn holds_rejects(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    let text = start.strip_prefix(UTF8_MARK).unwrap_or(&start);
    Ok(text.is_empty() || text.starts_with(OWN_COLUMNS[0].as_bytes()))
}
