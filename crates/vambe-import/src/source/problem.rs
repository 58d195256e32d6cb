//! What can be wrong with a source: each with its place, its reason and the way out.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::columns::quoted;
use crate::error::write_place;

use super::Compression;

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct SourceError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The line, from 1, if it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: SourceProblem,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceProblem {
    /// There is no such file.
    Missing,
    /// It is a directory.
    Directory,
    /// It may not be read.
    NoPermission,
    /// Reading it failed.
    Io(io::Error),
    /// A program that hands over rows cannot go on.
    Program(String),
    /// There is nothing in it.
    Empty,
    /// The first row holds values, which are no names of columns.
    NoHeader,
    /// There is nothing below the header.
    HeaderOnly,
    /// There is an array, and nothing in it.
    NoRows,
    /// It is of a kind that cannot be read, or cannot be read so.
    WrongKind(FileKind),
    /// What it is packed with is damaged, or ends too early.
    Damaged(Compression),
    /// There are bytes that its encoding does not have.
    InvalidBytes {
        /// The encoding it was read as.
        encoding: &'static str,
    },
    /// There is a zero byte in it.
    ZeroByte,
    /// A quoted field has no end.
    UnclosedQuote,
    /// A row of cells is larger than [`MAX_ROW`](crate::MAX_ROW).
    RowTooLong,
    /// Rows are about customers of earlier rows, where that was to be an error.
    Repeated {
        /// How many.
        rows: u64,
    },
    /// It can be read only once, where repeated customers are to be found before anything is sent.
    ReadOnce,
    /// It was changed while it was read.
    Changed,
    /// Another row is larger than [`MAX_ROW`](crate::MAX_ROW).
    RowTooLarge,
    /// It is not JSON from this column of the line on.
    InvalidJson {
        /// The column, from 1.
        column: u64,
    },
    /// Its JSON has no end.
    UnfinishedJson,
    /// Its JSON is nested deeper than anything that could be sent.
    TooDeep,
    /// It is JSON, but no list of objects.
    NoArray,
    /// A workbook that is damaged.
    BrokenWorkbook,
    /// A workbook that takes more memory than there should be need of.
    WorkbookTooLarge(&'static str),
    /// A cell too far to the right.
    TooManyColumns,
    /// The workbook has no such sheet, or none that is visible.
    NoSheet {
        /// The sheet that was asked for.
        wanted: Option<String>,
        /// The visible sheets.
        sheets: Vec<String>,
    },
    /// There is nothing in the sheet.
    EmptySheet {
        /// Its name.
        sheet: String,
    },
    /// A sheet was asked for of what is no workbook.
    NoWorkbook,
    /// Standard input was named twice.
    StdinTwice,
}

impl SourceError {
    pub(crate) fn at(path: &Path, line: Option<u64>, problem: SourceProblem) -> Self {
        Self { path: path.to_owned(), line, problem }
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => SourceProblem::Missing,
            io::ErrorKind::IsADirectory => SourceProblem::Directory,
            io::ErrorKind::PermissionDenied => SourceProblem::NoPermission,
            _ => SourceProblem::Io(error),
        };
        Self::at(path, None, problem)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.path, self.line)?;
        self.problem.fmt(f)
    }
}

impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no such file; check the path",
            Self::Directory => "is a directory; name a file in it",
            Self::NoPermission => "may not be read; give yourself permission to read it",
            Self::Io(error) => return write!(f, "cannot be read ({error}); check the disk and try again"),
            Self::Program(message) => {
                return write!(f, "the rows cannot be taken on ({message}); mend what makes them");
            }
            Self::Empty => "is empty; the first row must hold the names of the columns",
            Self::NoHeader => "holds values of customers, not the names of columns; put a row of names above it",
            Self::HeaderOnly => "has a header but no rows; check the export",
            Self::NoRows => "holds a list with nothing in it; check the export",
            Self::WrongKind(kind) => kind.way_out(),
            Self::Damaged(compression) => {
                return write!(f, "its {compression} data is damaged or cut short; copy or pack the file again");
            }
            Self::InvalidBytes { encoding } => {
                return write!(
                    f,
                    "a character that is not {encoding}; save the file as UTF-8, \
                     or pass --encoding windows-1252 if that is what it is"
                );
            }
            Self::ZeroByte => "a zero byte, which no text has; repair or export the file again",
            Self::UnclosedQuote => "a quoted field is never closed; close the quote, or pass --quote none",
            Self::Repeated { rows } => {
                return write!(
                    f,
                    "{rows} rows are about customers of earlier rows; remove them, or leave --duplicates out to send the last of each"
                );
            }
            Self::ReadOnce => {
                "can be read only once, so customers who come twice are not found first; save it to a file, or leave --duplicates out"
            }
            Self::Changed => "was changed while it was read; import it again: what was accepted is skipped",
            Self::RowTooLong => {
                "a row of more than 1 MiB; look for a quote that is left open there, or pass --quote none"
            }
            Self::RowTooLarge => "a row of more than 1 MiB; leave out its longest texts",
            Self::InvalidJson { column } => {
                return write!(f, "is not JSON at column {column}; correct it there, or export the file again");
            }
            Self::UnfinishedJson => "its JSON ends too early; look for a missing bracket or quote, or export it again",
            Self::TooDeep => "its JSON is nested more than 127 deep; flatten it",
            Self::NoArray => {
                "is JSON, but no list of objects; write one object a line (NDJSON), or all of them in one list"
            }
            _ => return self.fmt_workbook(f),
        })
    }
}

impl SourceProblem {
    fn fmt_workbook(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WorkbookTooLarge(how) => {
                return write!(f, "is too large to read ({how}); save the sheet alone as \"CSV UTF-8\"");
            }
            Self::TooManyColumns => {
                "a cell beyond column 4096; delete what stands that far to the right, or save as \"CSV UTF-8\""
            }
            Self::NoSheet { wanted, sheets } => {
                match wanted {
                    Some(wanted) => write!(f, "has no sheet \"{wanted}\"")?,
                    None => f.write_str("has no sheet that is visible")?,
                }
                return match sheets.is_empty() {
                    true => f.write_str("; name one with --sheet"),
                    false => write!(f, "; its sheets are {}", quoted(sheets)),
                };
            }
            Self::EmptySheet { sheet } => {
                return write!(f, "the sheet \"{sheet}\" is empty; name another with --sheet");
            }
            Self::NoWorkbook => "is no workbook, so it has no sheets; leave out --sheet",
            Self::StdinTwice => "can be read only once; name it once",
            _ => "a workbook that is damaged, or not written as Excel does; open it in a spreadsheet program and save it again",
        })
    }
}

/// What a file that cannot be read as rows turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// An Excel workbook, where text was to be read.
    Workbook,
    /// Anything else, where a workbook was to be read.
    NoWorkbook,
    /// A workbook of Excel 2003 or older (`.xls`), or another file of that time.
    OldWorkbook,
    /// A workbook with a password.
    Protected,
    /// A binary workbook (`.xlsb`).
    BinaryWorkbook,
    /// A sheet (`.ods`) or another file of `OpenDocument`.
    OpenDocument,
    /// Another ZIP archive, such as a Word file.
    Archive,
    /// A page of HTML, or XML.
    Markup,
    /// Something with zero bytes: a binary file, or UTF-16 without its mark.
    Binary,
}

impl FileKind {
    fn way_out(self) -> &'static str {
        match self {
            Self::Workbook => "is a workbook, not text; leave out --format, or save it as \"CSV UTF-8\"",
            Self::NoWorkbook => "is no workbook; leave out --format",
            Self::OldWorkbook => "is of an old Office version (such as .xls); save it as .xlsx or \"CSV UTF-8\"",
            Self::Protected => "is a workbook with a password; save a copy without one",
            Self::BinaryWorkbook => "is a binary workbook (.xlsb); save it as .xlsx or \"CSV UTF-8\"",
            Self::OpenDocument => "is an OpenDocument file (such as .ods); save it as .xlsx or CSV",
            Self::Archive => "is a ZIP archive, but no workbook; unpack it, and name a file in it",
            Self::Markup => "is HTML or XML, whatever its name; open it in a spreadsheet program and save it as .xlsx",
            Self::Binary => "holds zero bytes, so it is no CSV file; if it is UTF-16 text, pass --encoding utf-16le",
        }
    }
}

impl std::error::Error for SourceError {}
