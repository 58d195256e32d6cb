//! [`Format`]: how a source turned out to be written, as a program and as a person reads it.

use std::fmt;

use super::compression::Compression;
use super::decode::TextEncoding;
use super::dialect::{Delimiter, LineEnds, Quote};

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// Text in cells between delimiters, TSV included.
    Csv,
    /// A workbook of Excel 2007 or newer.
    Xlsx,
    /// One JSON object a line.
    Ndjson,
    /// One JSON array of objects, or an object that holds one.
    Json,
}

/// How a source turned out to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text in cells between delimiters.
    Csv(CsvFormat),
    /// A sheet of a workbook.
    Xlsx(XlsxFormat),
    /// JSON objects.
    Json(JsonFormat),
    /// Rows that a program handed over.
    Program,
}

/// How the text of a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextFormat {
    /// What it is packed with.
    pub compression: Option<Compression>,
    /// Its encoding.
    pub encoding: TextEncoding,
    /// Whether it starts with a byte order mark.
    pub has_mark: bool,
}

/// How cells stand in a file of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsvFormat {
    /// How the text is stored.
    pub text: TextFormat,
    /// The character between two cells.
    pub delimiter: Delimiter,
    /// How cells are quoted.
    pub quote: Quote,
    /// What ends its lines.
    pub line_ends: LineEnds,
}

/// Which sheet of a workbook is read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct XlsxFormat {
    /// The name of the sheet.
    pub sheet: String,
    /// The names of the other visible sheets.
    pub others: Vec<String>,
}

/// How objects stand in a file of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JsonFormat {
    /// How the text is stored.
    pub text: TextFormat,
    /// Where the objects are.
    pub layout: JsonLayout,
}

/// Where the objects of a file of JSON are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonLayout {
    /// One on each line.
    Lines,
    /// In one array.
    Array,
    /// In the array under this key of one object.
    ArrayIn(String),
}

impl Format {
    /// Returns whether the size of the file says little of that of its text.
    pub(crate) fn is_packed(&self) -> bool {
        match self {
            Self::Csv(format) => format.text.compression.is_some(),
            Self::Json(format) => format.text.compression.is_some(),
            Self::Xlsx(_) => true,
            Self::Program => false,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Csv(format) => format.fmt(f),
            Self::Xlsx(format) => format.fmt(f),
            Self::Json(format) => format.fmt(f),
            Self::Program => f.write_str("rows of a program"),
        }
    }
}

/// Names what it is packed with, which is what a reader meets first.
fn write_compression(compression: Option<Compression>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    compression.map_or(Ok(()), |compression| write!(f, "{compression}, "))
}

impl fmt::Display for TextFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encoding.fmt(f)?;
        // The mark of UTF-16 goes without saying.
        if self.has_mark && self.encoding.is_utf8() {
            f.write_str(" with BOM")?;
        }
        Ok(())
    }
}

impl fmt::Display for CsvFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_compression(self.text.compression, f)?;
        write!(f, "{}, separated by {}", self.text, self.delimiter)?;
        match self.quote {
            Quote::Character(b'"') => {}
            Quote::Character(quote) => write!(f, ", quoted in {}", char::from(quote))?,
            Quote::None => f.write_str(", not quoted")?,
        }
        match self.line_ends {
            LineEnds::Lf => Ok(()),
            LineEnds::Crlf => f.write_str(", CRLF"),
            LineEnds::Cr => f.write_str(", CR"),
            LineEnds::Mixed => f.write_str(", mixed line ends"),
        }
    }
}

impl fmt::Display for XlsxFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XLSX, sheet \"{}\"", self.sheet)?;
        if self.others.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.others.iter().take(MOST_NAMES).map(|name| format!("\"{name}\"")).collect();
        let ellipsis = if self.others.len() > MOST_NAMES { ", ..." } else { "" };
        write!(f, " ({} more: {}{ellipsis})", self.others.len(), names.join(", "))
    }
}

impl fmt::Display for JsonFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_compression(self.text.compression, f)?;
        match &self.layout {
            JsonLayout::Lines => write!(f, "NDJSON, {}", self.text),
            JsonLayout::Array => write!(f, "JSON array, {}", self.text),
            JsonLayout::ArrayIn(key) => write!(f, "JSON array in \"{key}\", {}", self.text),
        }
    }
}

const MOST_NAMES: usize = 5;
