//! [`Source`]: the rows of a file, whatever its format.

mod compression;
mod csv;
mod decode;
mod dialect;
mod format;
mod input;
mod json;
mod place;
mod problem;
mod program;
mod sniff;
mod xlsx;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use vambe::Value;

use crate::row::{Header, Row};

pub use compression::Compression;
pub use csv::MAX_ROW;
pub use decode::TextEncoding;
pub use dialect::{Delimiter, LineEnds, Quote};
pub use format::{CsvFormat, FileFormat, Format, JsonFormat, JsonLayout, TextFormat, XlsxFormat};
pub use input::Fingerprint;
pub use problem::{FileKind, SourceError, SourceProblem};

use csv::CsvRows;
use decode::TextReader;
use input::{Input, ReadSeek};
use json::JsonRows;
use program::ProgramRows;
use xlsx::XlsxRows;

/// How a file is written, where it should not be found out from the file itself.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// The kind of file. Default: what its content says, and where that leaves a doubt its name.
    pub format: Option<FileFormat>,
    /// The character between two cells. Default: whichever makes most sense of the first rows.
    pub delimiter: Option<Delimiter>,
    /// The encoding. Default: its mark, else UTF-8 if it is that or JSON, else an old one, usually windows-1252.
    pub encoding: Option<TextEncoding>,
    /// How cells are quoted. Default: in `"`, or in `'` if the whole header is.
    pub quote: Option<Quote>,
    /// The sheet of a workbook. Default: the first that is visible.
    pub sheet: Option<String>,
}

/// The rows of a file, of a pipe or of a program, read as they are asked for.
///
/// However large it is, memory holds one row and a few pieces of 64 KiB. Of a workbook it
/// also holds the texts that its cells share, and of zstd the window it was packed with.
pub struct Source {
    path: PathBuf,
    options: SourceOptions,
    fingerprint: Option<Fingerprint>,
    header: Option<Header>,
    rows: Rows,
}

enum Rows {
    Csv(Box<CsvRows>),
    Xlsx(XlsxRows),
    Json(Box<JsonRows>),
    Program(ProgramRows),
}

impl Source {
    /// Opens a file, finds out how it is written, and reads its header and first row.
    ///
    /// The path `-` is standard input.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is of no known format, or has no rows.
    pub fn open(path: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        if is_stdin(path) {
            return Self::from_reader(path, io::stdin(), options);
        }
        let (file, fingerprint) = input::open(path)?;
        // A file is read from its start once more if it is a workbook, which a pipe cannot be.
        let again = fingerprint.and_then(|_| file.try_clone().ok());
        Self::start(path, file, again, fingerprint, options)
    }

    /// Opens what a reader gives, as if it were a file of that name; it can be read only once.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn from_reader(
        name: &Path,
        bytes: impl Read + Send + 'static,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        Self::start(name, bytes, None, None, options)
    }

    /// Takes rows of a program: objects that name their values themselves, numbered from 1.
    ///
    /// Each is asked for when it is needed, and those that the iterator's size hint promises with the one before them:
    /// no row waits for another. They can be read only once. An error among them ends the rows; a value that is no
    /// object is a row that is rejected.
    pub fn from_rows(
        name: impl Into<PathBuf>,
        rows: impl Iterator<Item = Result<Value, SourceError>> + Send + 'static,
    ) -> Self {
        let number = |(row, value): (u64, Result<_, _>)| value.map(|value| Row::given(row, value));
        Self::given(&name.into(), (1..).zip(rows).map(number))
    }

    /// Takes rows that are made already, under a name for messages.
    pub(crate) fn given(name: &Path, rows: impl Iterator<Item = Result<Row, SourceError>> + Send + 'static) -> Self {
        let rows = Rows::Program(ProgramRows::new(rows));
        Self { path: name.to_owned(), options: SourceOptions::default(), fingerprint: None, header: None, rows }
    }

    /// Opens the same source from its start; `None` where it can be read only once.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn again(&self) -> Result<Option<Self>, SourceError> {
        self.fingerprint.map(|_| Self::open(&self.path, &self.options)).transpose()
    }

    /// Returns the file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how the source turned out to be written.
    pub fn format(&self) -> Format {
        match &self.rows {
            Rows::Csv(rows) => Format::Csv(rows.format()),
            Rows::Xlsx(rows) => Format::Xlsx(rows.format()),
            Rows::Json(rows) => Format::Json(rows.format()),
            Rows::Program(_) => Format::Program,
        }
    }

    /// Returns the size of the file in bytes; `None` for a pipe or a program.
    pub fn size(&self) -> Option<u64> {
        self.fingerprint.map(|fingerprint| fingerprint.size)
    }

    /// Returns the fingerprint of the file when it was opened; `None` for a pipe or a program.
    ///
    /// The file has been changed since if [`Fingerprint::of`] its path is another one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// Returns whether its rows come into being as they are asked for.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.rows, Rows::Program(_))
    }

    /// Returns about how many bytes of text there are, if that is known: of what is packed it is not.
    pub(crate) fn expected_bytes(&self) -> Option<u64> {
        self.size().filter(|_| !self.format().is_packed())
    }

    /// Returns the names of the columns; `None` where every row names its own.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Reads the next row; rows without anything in them are passed over.
    ///
    /// # Errors
    ///
    /// The source cannot be read on from here.
    pub fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.next_row(),
            Rows::Xlsx(rows) => rows.next_row(),
            Rows::Json(rows) => rows.next_row(),
            Rows::Program(rows) => rows.next_row(),
        }
    }

    /// Returns whether the next row is there without waiting for whoever makes the rows.
    pub(crate) fn has_row_at_hand(&self) -> bool {
        match &self.rows {
            Rows::Program(rows) => rows.has_row_at_hand(),
            _ => true,
        }
    }

    fn start(
        path: &Path,
        bytes: impl Read + Send + 'static,
        again: Option<File>,
        fingerprint: Option<Fingerprint>,
        options: &SourceOptions,
    ) -> Result<Self, SourceError> {
        let fail = |problem| SourceError::at(path, None, problem);
        let input = Input::start(bytes).map_err(fail)?;
        let (format, encoding) = sniff::find_format(&input, path, options).map_err(fail)?;
        if options.sheet.is_some() && format != FileFormat::Xlsx {
            return Err(fail(SourceProblem::NoWorkbook));
        }
        let (header, rows) = match format {
            FileFormat::Csv => {
                let (header, rows) = CsvRows::open(path, TextReader::new(input, encoding), options)?;
                (Some(header), Rows::Csv(Box::new(rows)))
            }
            FileFormat::Xlsx => {
                let bytes = seekable(input, again).map_err(fail)?;
                let (header, rows) = XlsxRows::open(path, bytes, options.sheet.as_deref())?;
                (Some(header), Rows::Xlsx(rows))
            }
            FileFormat::Ndjson => {
                (None, Rows::Json(Box::new(JsonRows::lines(path, TextReader::new(input, encoding))?)))
            }
            FileFormat::Json => (None, Rows::Json(Box::new(JsonRows::array(path, TextReader::new(input, encoding))?))),
        };
        Ok(Self { path: path.to_owned(), options: options.clone(), fingerprint, header, rows })
    }
}

/// Returns whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// A workbook is read here and there: from the file itself, or else out of memory.
fn seekable(input: Input, again: Option<File>) -> Result<Box<dyn ReadSeek>, SourceProblem> {
    match again {
        Some(mut file) if input.compression.is_none() => {
            file.rewind().map_err(SourceProblem::Io)?;
            Ok(Box::new(file))
        }
        _ => Ok(Box::new(Cursor::new(input.read_all(MAX_PIPED_WORKBOOK)?))),
    }
}

const MAX_PIPED_WORKBOOK: usize = 64 * 1024 * 1024;
