//! Rejected rows of cells, as CSV.

use std::fs::File;
use std::io::{self, Write as _};

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::reason::Reason;
use crate::row::{Header, Row};
use crate::source::{CsvFormat, Format, LineEnds, Quote};

use super::{OWN_NAMES, UTF8_MARK};

pub(super) struct CellsWriter {
    writer: Writer<File>,
    own_columns: Vec<usize>,
    /// The delimiter, where no quote keeps it from beginning a new cell.
    bare_delimiter: Option<char>,
}

impl CellsWriter {
    /// Writes the header.
    pub(super) fn start(mut file: File, format: &Format, header: &Header) -> io::Result<Self> {
        let csv = match format {
            Format::Csv(csv) => Some(csv),
            _ => None,
        };
        // Whoever wrote the input in something else than UTF-8, or opens it in Excel, needs the mark to see accents.
        if csv.is_none_or(|csv| csv.text.has_mark || !csv.text.encoding.is_utf8()) {
            file.write_all(UTF8_MARK)?;
        }
        let mut writer = csv.map_or_else(dialect_of_excel, dialect_of).from_writer(file);
        let is_own = |name: &String| OWN_NAMES.contains(&name.trim());
        let own_columns: Vec<_> =
            header.names().iter().enumerate().filter(|(_, name)| is_own(name)).map(|(index, _)| index).collect();
        let names = header.names().iter().map(String::as_str);
        writer.write_record(OWN_NAMES.into_iter().chain(original(names, &own_columns)))?;
        let bare = csv.filter(|csv| csv.quote == Quote::None);
        let bare_delimiter = bare.map(|csv| char::from(csv.delimiter.byte()));
        Ok(Self { writer, own_columns, bare_delimiter })
    }

    pub(super) fn write(&mut self, row: &Row, reason: &Reason) -> io::Result<()> {
        let text = match self.bare_delimiter {
            Some(delimiter) => reason.text.replace([delimiter, '\r', '\n'], " "),
            None => reason.text.clone(),
        };
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let (line, status, attempts) =
            (row.line().to_string(), number(reason.http_status.map(u32::from)), number(reason.attempts));
        let own = [line.as_str(), reason.code, &text, &status, &attempts];
        self.writer.write_record(own.into_iter().chain(original(row.cells(), &self.own_columns)))?;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Leaves out what an earlier run had put in front.
fn original<'a>(cells: impl Iterator<Item = &'a str>, own_columns: &'a [usize]) -> impl Iterator<Item = &'a str> {
    cells.enumerate().filter(|(index, _)| !own_columns.contains(index)).map(|(_, cell)| cell)
}

fn dialect_of(format: &CsvFormat) -> WriterBuilder {
    let mut builder = WriterBuilder::new();
    builder.flexible(true).delimiter(format.delimiter.byte());
    match format.quote {
        Quote::Character(quote) => builder.quote(quote),
        Quote::None => builder.quote_style(QuoteStyle::Never),
    };
    match format.line_ends {
        LineEnds::Crlf => builder.terminator(Terminator::CRLF),
        LineEnds::Cr => builder.terminator(Terminator::Any(b'\r')),
        LineEnds::Lf | LineEnds::Mixed => &mut builder,
    };
    builder
}

fn dialect_of_excel() -> WriterBuilder {
    let mut builder = WriterBuilder::new();
    builder.flexible(true).terminator(Terminator::CRLF);
    builder
}
