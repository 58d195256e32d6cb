//! Rows of a CSV or TSV file of any size, in constant memory.

use std::path::{Path, PathBuf};

use csv_core::{ReadRecordResult, Reader};

use crate::row::{Header, Row};
use crate::source::{SourceError, SourceProblem};

use super::SourceOptions;
use super::decode::TextReader;
use super::dialect::{Dialect, excel_hint, parser};
use super::format::CsvFormat;
use super::place::Place;

/// The largest row that is read, in bytes.
pub const MAX_ROW: usize = 1024 * 1024;

/// The rows of a CSV or TSV file, read as they are asked for.
pub(super) struct CsvRows {
    path: PathBuf,
    reader: TextReader,
    parser: Reader,
    format: CsvFormat,
    next: Option<Row>,
    text: String,
    at: usize,
    text_before: u64,
    place: Place,
    is_closed: bool,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

impl CsvRows {
    /// Finds out how the cells are written, and reads the header and the first row below.
    pub(super) fn open(
        path: &Path,
        reader: TextReader,
        options: &SourceOptions,
    ) -> Result<(Header, Self), SourceError> {
        let mut rows = Self::start(path, reader);
        rows.find_dialect(options)?;
        let header = rows.read_row()?.ok_or_else(|| rows.fail(None, SourceProblem::Empty))?;
        rows.next = rows.read_row()?;
        if rows.next.is_none() {
            return Err(rows.fail(None, SourceProblem::HeaderOnly));
        }
        let header = Header::new(header.line(), header.cells().map(ToOwned::to_owned).collect());
        Ok((header, rows))
    }

    pub(super) fn format(&self) -> CsvFormat {
        self.format
    }

    /// Reads the next row; rows without anything in them are passed over.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        match self.next.take() {
            Some(row) => Ok(Some(row)),
            None => self.read_row(),
        }
    }

    fn start(path: &Path, reader: TextReader) -> Self {
        let Dialect { delimiter, quote, line_ends } = Dialect::default();
        Self {
            path: path.to_owned(),
            format: CsvFormat { text: reader.format(), delimiter, quote, line_ends },
            reader,
            parser: parser(delimiter, quote),
            next: None,
            text: String::new(),
            at: 0,
            text_before: 0,
            place: Place::start(),
            is_closed: false,
            cells: vec![0; 4096],
            ends: vec![0; 64],
        }
    }

    fn find_dialect(&mut self, options: &SourceOptions) -> Result<(), SourceError> {
        let mut has_more = true;
        while has_more && self.text.len() < DIALECT_SAMPLE {
            has_more = match self.reader.append_to(&mut self.text) {
                Err(problem) if self.text.is_empty() => return Err(self.fail(None, problem)),
                // Reading comes by here again, and knows the line by then.
                Err(_) => break,
                Ok(has_more) => has_more,
            };
        }
        let hint = excel_hint(&self.text);
        self.at = hint.map_or(0, |(_, length)| length);
        let sample = self.text.get(self.at..).unwrap_or_default();
        let delimiter = options.delimiter.or(hint.map(|(delimiter, _)| delimiter));
        let dialect = Dialect::find(sample, !has_more, delimiter, options.quote);
        self.parser = parser(dialect.delimiter, dialect.quote);
        let Dialect { delimiter, quote, line_ends } = dialect;
        self.format = CsvFormat { delimiter, quote, line_ends, ..self.format };
        Ok(())
    }

    fn read_row(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            match self.read_any_row()? {
                Some(row) if row.is_blank() => {}
                row => return Ok(row),
            }
        }
    }

    fn read_any_row(&mut self) -> Result<Option<Row>, SourceError> {
        if !self.skip_line_breaks()? {
            return Ok(None);
        }
        let line = self.place.line;
        let (mut written, mut cells) = (0, 0);
        loop {
            let (result, read, wrote, ended) = self.parser.read_record(
                &self.text.as_bytes()[self.at..],
                &mut self.cells[written..],
                &mut self.ends[cells..],
            );
            self.advance(read);
            written += wrote;
            cells += ended;
            match result {
                ReadRecordResult::Record => return self.finish_row(line, written, cells).map(Some),
                ReadRecordResult::InputEmpty if self.refill()? => {}
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                    let closed_before = self.ends[..cells].last().copied().unwrap_or(0);
                    let opened = line + Place::line_breaks(&self.cells[..closed_before]);
                    return Err(self.fail(Some(opened), SourceProblem::UnclosedQuote));
                }
                ReadRecordResult::OutputFull if self.cells.len() >= MAX_ROW => {
                    return Err(self.fail(Some(line), SourceProblem::RowTooLong));
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 4, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 4, 0),
            }
        }
    }

    fn finish_row(&mut self, line: u64, written: usize, cells: usize) -> Result<Row, SourceError> {
        let end = self.reader.bytes_for(self.text_before + self.at as u64);
        // Cells are cut out of text at ASCII characters, so they are text too.
        let text = String::from_utf8(self.cells[..written].to_vec())
            .map_err(|_| self.fail(Some(line), SourceProblem::InvalidBytes { encoding: "UTF-8" }))?;
        Ok(Row::new(line, end, text, &self.ends[..cells]))
    }

    /// Moves to the start of the next row; false at the end of the file.
    fn skip_line_breaks(&mut self) -> Result<bool, SourceError> {
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let breaks = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let is_at_row = breaks < rest.len();
            self.advance(breaks);
            if is_at_row {
                return Ok(true);
            }
            if !self.refill()? || self.is_closed {
                return Ok(false);
            }
        }
    }

    /// Reads on; after the last piece a line break, which ends a row unless a quote is open.
    fn refill(&mut self) -> Result<bool, SourceError> {
        self.text_before += self.text.len() as u64;
        self.text.clear();
        self.at = 0;
        if self.is_closed {
            return Ok(false);
        }
        match self.reader.append_to(&mut self.text) {
            Ok(true) => {}
            Ok(false) => {
                self.text.push('\n');
                self.is_closed = true;
            }
            Err(problem) => return Err(self.fail(Some(self.place.line), problem)),
        }
        Ok(true)
    }

    fn advance(&mut self, bytes: usize) {
        self.place.pass(&self.text.as_bytes()[self.at..self.at + bytes]);
        self.at += bytes;
    }

    fn fail(&self, line: Option<u64>, problem: SourceProblem) -> SourceError {
        SourceError::at(&self.path, line, problem)
    }
}

const DIALECT_SAMPLE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::decode::TextEncoding;
    use super::super::dialect::{Delimiter, Quote};
    use super::super::input::Input;
    use super::*;

    fn open_with(bytes: &[u8], options: &SourceOptions) -> Result<CsvRows, SourceError> {
        let input = Input::start(Cursor::new(bytes.to_vec()))
            .map_err(|problem| SourceError::at(Path::new("test"), None, problem))?;
        let encoding = TextEncoding::marked(bytes).unwrap_or_else(|| TextEncoding::guessed(&input));
        CsvRows::open(Path::new("test"), TextReader::new(input, encoding), options).map(|(_, rows)| rows)
    }

    type Read = Result<Vec<(u64, Vec<String>)>, (Option<u64>, SourceProblem)>;

    fn read(bytes: &[u8]) -> Read {
        let fail = |error: SourceError| (error.line, error.problem);
        let mut source = open_with(bytes, &SourceOptions::default()).map_err(fail)?;
        let mut rows = Vec::new();
        while let Some(row) = source.next_row().map_err(fail)? {
            rows.push((row.line(), row.cells().map(str::to_owned).collect()));
        }
        Ok(rows)
    }

    fn lines(bytes: &[u8]) -> Vec<u64> {
        read(bytes).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn rows_know_the_line_they_start_on() {
        assert_eq!(lines(b"a,b\n1,2\n3,4"), [2, 3]);
        assert_eq!(lines(b"a,b\r\n1,2\r\n\r\n\r\n3,4\r\n"), [2, 5]);
        assert_eq!(lines(b"a,b\r1,2\r\r3,4\r"), [2, 4]);
        assert_eq!(lines(b"\n\na,b\n\"1\n1\",\"2\r\n2\"\n3,4\n"), [4, 7]);
        assert_eq!(lines(b"sep=;\na;b\n1;2\n"), [3]);
    }

    #[test]
    fn line_ends_are_counted_across_pieces() {
        let long = "x".repeat(64 * 1024 - 5);
        let text = format!("a,b\r\n{long}\r\n1,2\r\n3,4\r\n");
        assert_eq!(lines(text.as_bytes()), [2, 3, 4]);
        let many = format!("a,b\r\n{}", "1,2\r\n".repeat(100_000));
        assert_eq!(lines(many.as_bytes()).last(), Some(&100_001));
    }

    #[test]
    fn cells_keep_quotes_delimiters_and_line_breaks() {
        let rows = read(b"a,b\n\"say \"\"hi\"\"\",\"1,2\n3\"\nx\"y,\"\"\n").unwrap();
        assert_eq!(rows[0].1, ["say \"hi\"", "1,2\n3"]);
        assert_eq!(rows[1].1, ["x\"y", ""]);
    }

    #[test]
    fn rows_without_anything_in_them_are_passed_over() {
        assert_eq!(lines(b"a,b\n,\n \n1,2\n , \n"), [4]);
    }

    #[test]
    fn rows_of_another_width_are_handed_out() {
        let widths: Vec<_> = read(b"a,b\n1\n1,2,3\n").unwrap().into_iter().map(|(_, cells)| cells.len()).collect();
        assert_eq!(widths, [1, 3]);
    }

    #[test]
    fn an_open_quote_is_found_where_it_was_opened() {
        let open = |bytes| match read(bytes).unwrap_err() {
            (line, SourceProblem::UnclosedQuote) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(open(b"a,b\n1,2\n3,\"4\n5,6\n"), Some(3));
        assert_eq!(open(b"a,b\n\"1\n1\",\"2\n"), Some(3));
        assert_eq!(open(b"a,\"b\n"), Some(1));
    }

    #[test]
    fn a_row_of_more_than_a_mebibyte_is_refused() {
        let text = format!("a,b\n1,2\n\"{}\",2\n", "x\n".repeat(MAX_ROW));
        assert!(matches!(read(text.as_bytes()), Err((Some(3), SourceProblem::RowTooLong))));
        let fits = format!("a,b\n{},\n", "x".repeat(MAX_ROW - 10));
        assert_eq!(lines(fits.as_bytes()), [2]);
    }

    #[test]
    fn an_invalid_byte_late_in_the_file_names_its_line() {
        let mut bytes = b"a,b\n".to_vec();
        bytes.extend(b"1,2\n".repeat(300_000));
        bytes.extend(b"Mu\xF1oz,2\n");
        let problem = read(&bytes).unwrap_err();
        assert!(matches!(problem, (Some(300_002), SourceProblem::InvalidBytes { encoding }) if encoding == "UTF-8"));
    }

    #[test]
    fn files_without_rows_are_told_apart() {
        assert!(matches!(read(b""), Err((None, SourceProblem::Empty))));
        assert!(matches!(read(b"\xEF\xBB\xBF\n\n"), Err((None, SourceProblem::Empty))));
        assert!(matches!(read(b"a,b\n\n"), Err((None, SourceProblem::HeaderOnly))));
    }

    #[test]
    fn utf_16_with_a_mark_is_read_and_the_bytes_are_counted_in_the_file() {
        let text = "\u{feff}a;b\r\nñ;2\r\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut source = open_with(&bytes, &SourceOptions::default()).unwrap();
        let row = source.next_row().unwrap().unwrap();
        assert_eq!((row.cell(0), row.cell(1), row.line()), ("ñ", "2", 2));
        assert!(row.end() > bytes.len() as u64 / 2 && row.end() <= bytes.len() as u64);
    }

    #[test]
    fn without_quoting_a_quote_is_text() {
        let options = SourceOptions { quote: Some(Quote::None), ..SourceOptions::default() };
        let mut source = open_with(b"a,b\n\"1,2\n", &options).unwrap();
        assert_eq!(source.next_row().unwrap().unwrap().cell(0), "\"1");
    }

    proptest::proptest! {
        #[test]
        fn reads_the_rows_that_the_csv_crate_reads(text in "[a1é,\"\r\n ]{0,60}") {
            let text = format!("a,b\n{text}");
            let options = SourceOptions { delimiter: Some(Delimiter::COMMA), ..SourceOptions::default() };
            let Ok(mut source) = open_with(text.as_bytes(), &options) else { return Ok(()) };
            let mut rows: Vec<Vec<String>> = Vec::new();
            loop {
                match source.next_row() {
                    Ok(Some(row)) => rows.push(row.cells().map(str::to_owned).collect()),
                    Ok(None) => break,
                    // The crate takes the end of the file for the missing quote.
                    Err(_) => return Ok(()),
                }
            }
            let mut expected: Vec<Vec<String>> = Vec::new();
            for row in csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes()).records() {
                expected.push(row.unwrap().iter().map(str::to_owned).collect());
            }
            expected.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
            proptest::prop_assert_eq!(rows, expected);
        }

        #[test]
        fn never_panics_and_never_goes_back_a_line(bytes: Vec<u8>) {
            if let Ok(mut source) = open_with(&[b"a,b\n", bytes.as_slice()].concat(), &SourceOptions::default()) {
                let mut line = 1;
                while let Ok(Some(row)) = source.next_row() {
                    proptest::prop_assert!(row.line() > line && row.cells().count() == row.width());
                    line = row.line();
                }
            }
        }
    }
}
