//! [`Source`]: the rows of a file, whatever its format.

mod csv;
mod decode;
mod dialect;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::SourceError;
use crate::row::{Header, Row};

pub use csv::{CsvFormat, MAX_ROW};
pub use decode::{FileKind, TextEncoding};
pub use dialect::{Delimiter, Quote};

use csv::CsvRows;

/// How a file is written, where it should not be found out from the file itself.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// The character between two cells. Default: whichever makes most sense of the first rows.
    pub delimiter: Option<Delimiter>,
    /// The encoding. Default: its mark, else UTF-8 if it is that, else an old one, usually windows-1252.
    pub encoding: Option<TextEncoding>,
    /// How cells are quoted. Default: in `"`.
    pub quote: Quote,
}

/// How a source turned out to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text, in cells between delimiters.
    Csv(CsvFormat),
    /// No text at all: a program hands the rows over.
    Given,
}

/// The rows of a file, read as they are asked for.
pub struct Source {
    path: PathBuf,
    options: SourceOptions,
    size: Option<u64>,
    header: Option<Header>,
    rows: Rows,
}

enum Rows {
    Csv(Box<CsvRows>),
    Given(Box<dyn Iterator<Item = Result<Row, SourceError>> + Send>),
}

impl Source {
    /// Opens a file, finds out how it is written, and reads its header and first row.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is of no known format, or has no rows.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let (size, header, rows) = CsvRows::open(path, options)?;
        let rows = Rows::Csv(Box::new(rows));
        Ok(Self { path: path.to_owned(), options: options.clone(), size, header: Some(header), rows })
    }

    /// Makes a source of rows that name their own values, under a name for messages. It can be read only once.
    pub(crate) fn given(name: &Path, rows: impl Iterator<Item = Result<Row, SourceError>> + Send + 'static) -> Self {
        let rows = Rows::Given(Box::new(rows));
        Self { path: name.to_owned(), options: SourceOptions::default(), size: None, header: None, rows }
    }

    /// Opens the same source from its start; `None` where it can be read only once.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn again(&self) -> Result<Option<Self>, SourceError> {
        self.size.map(|_| Self::open(&self.path, &self.options)).transpose()
    }

    /// Returns the file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how the file turned out to be written.
    pub fn format(&self) -> Format {
        match &self.rows {
            Rows::Csv(rows) => Format::Csv(rows.format()),
            Rows::Given(_) => Format::Given,
        }
    }

    /// Returns the size of the file in bytes; `None` for a pipe.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns about how many bytes of text there are, if that is known.
    pub(crate) fn expected_bytes(&self) -> Option<u64> {
        self.size
    }

    /// Returns the names of the columns; `None` where every row names its own.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Reads the next row; rows without anything in them are passed over.
    ///
    /// # Errors
    ///
    /// The file cannot be read on from here.
    pub fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.next_row(),
            Rows::Given(rows) => rows.next().transpose(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv(format) => write!(f, "{}, separated by {}", format.encoding, format.delimiter),
            Self::Given => f.write_str("rows of a program"),
        }
    }
}
