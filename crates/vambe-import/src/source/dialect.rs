//! How a file separates and quotes its cells: given, or found out from its first rows.

use std::fmt;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::target::Target;

/// The character between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

impl Delimiter {
    pub(crate) const COMMA: Self = Self(b',');

    /// Makes a delimiter of an ASCII character that is neither a quote nor a line break.
    pub fn new(character: char) -> Option<Self> {
        let byte = u8::try_from(character).ok()?;
        (byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0)).then_some(Self(byte))
    }

    pub(crate) fn byte(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b',' => f.write_str("comma"),
            b';' => f.write_str("semicolon"),
            b'\t' => f.write_str("tab"),
            b'|' => f.write_str("pipe"),
            other => write!(f, "\"{}\"", char::from(other)),
        }
    }
}

/// How cells that hold a delimiter or a line break are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// In a pair of this ASCII character, doubled where it stands inside.
    Character(u8),
    /// Not at all: every quote is text.
    None,
}

/// What ends the lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnds {
    /// LF, as on Unix.
    Lf,
    /// CR and LF, as on Windows.
    Crlf,
    /// CR alone, as on an old Mac.
    Cr,
    /// Now this, now that.
    Mixed,
}

/// How the cells of a file are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) delimiter: Delimiter,
    pub(crate) quote: Quote,
    pub(crate) line_ends: LineEnds,
}

impl Dialect {
    /// Finds out what is not given.
    pub(crate) fn find(sample: &str, is_whole: bool, delimiter: Option<Delimiter>, quote: Option<Quote>) -> Self {
        let quote = quote.unwrap_or_else(|| detect_quote(sample, delimiter));
        let delimiter = delimiter.unwrap_or_else(|| detect_delimiter(sample, is_whole, quote));
        Self { delimiter, quote, line_ends: detect_line_ends(sample, delimiter, quote) }
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: Delimiter::COMMA, quote: Quote::default(), line_ends: LineEnds::Lf }
    }
}

impl Default for Quote {
    fn default() -> Self {
        Self::Character(b'"')
    }
}

/// Takes `'` for the quote where every name of the header stands in a pair of it.
fn detect_quote(sample: &str, delimiter: Option<Delimiter>) -> Quote {
    let header = sample.split(['\r', '\n']).find(|line| !line.trim().is_empty()).unwrap_or_default();
    let is_quoted = |cell: &str| cell.len() > 2 && cell.starts_with('\'') && cell.ends_with('\'');
    let quotes_all = |delimiter: Delimiter| {
        let mut cells = header.split(char::from(delimiter.0)).map(str::trim).filter(|cell| !cell.is_empty());
        cells.clone().count() > 1 && cells.all(is_quoted)
    };
    let mut delimiters = delimiter.into_iter().chain(DELIMITERS);
    if delimiters.any(quotes_all) { Quote::Character(b'\'') } else { Quote::default() }
}

/// Chooses the delimiter under which the first rows make most sense.
///
/// First by how many columns of the header are fields, then by how many rows are as wide
/// as it, then by its width.
fn detect_delimiter(sample: &str, is_whole: bool, quote: Quote) -> Delimiter {
    let mut best = (Delimiter(b','), Score::default());
    for delimiter in DELIMITERS {
        let score = score(sample, is_whole, delimiter, quote);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

const DELIMITERS: [Delimiter; 4] = [Delimiter(b','), Delimiter(b';'), Delimiter(b'\t'), Delimiter(b'|')];

/// Looks at what ends each row: a line break in a cell says nothing.
fn detect_line_ends(sample: &str, delimiter: Delimiter, quote: Quote) -> LineEnds {
    let mut found = None;
    let mut rows = SampleRows::new(sample, delimiter, quote);
    loop {
        if rows.next_row().is_none() {
            return found.unwrap_or(LineEnds::Lf);
        }
        let end = sample.len() - rows.input.len();
        let line_ends = match sample.as_bytes()[..end] {
            [.., b'\n'] => LineEnds::Lf,
            [.., b'\r'] if rows.input.first() == Some(&b'\n') => LineEnds::Crlf,
            [.., b'\r'] => LineEnds::Cr,
            _ => continue,
        };
        if *found.get_or_insert(line_ends) != line_ends {
            return LineEnds::Mixed;
        }
    }
}

/// Reads the line `sep=;` with which a file may tell Excel its delimiter.
pub(crate) fn excel_hint(text: &str) -> Option<(Delimiter, usize)> {
    let line = text.split(['\r', '\n']).next()?;
    let mut rest = line.strip_prefix("sep=")?.chars();
    match (rest.next().and_then(Delimiter::new), rest.next()) {
        (Some(delimiter), None) => Some((delimiter, line.len())),
        _ => None,
    }
}

pub(crate) fn parser(delimiter: Delimiter, quote: Quote) -> Reader {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter.0);
    match quote {
        Quote::Character(quote) => builder.quote(quote),
        Quote::None => builder.quoting(false),
    };
    builder.build()
}

#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    known_columns: usize,
    rows_like_header_in_a_thousand: usize,
    width: usize,
}

fn score(sample: &str, is_whole: bool, delimiter: Delimiter, quote: Quote) -> Score {
    let mut widths = Vec::new();
    let mut known_columns = 0;
    let mut rows = SampleRows::new(sample, delimiter, quote);
    while let Some((text, ends)) = rows.next_row() {
        if widths.is_empty() {
            let starts = std::iter::once(0).chain(ends.iter().copied());
            known_columns = starts
                .zip(ends)
                .filter_map(|(start, &end)| text.get(start..end))
                .filter(|name| Target::is_field_like(name))
                .count();
        }
        widths.push(ends.len());
    }
    if !is_whole && widths.len() > 1 {
        widths.pop();
    }
    let width = widths.first().copied().unwrap_or(0);
    if width < 2 {
        return Score { known_columns, ..Score::default() };
    }
    let alike = widths.iter().filter(|other| **other == width).count();
    Score { known_columns, rows_like_header_in_a_thousand: alike * 1000 / widths.len(), width }
}

struct SampleRows<'a> {
    parser: Reader,
    input: &'a [u8],
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> SampleRows<'a> {
    fn new(sample: &'a str, delimiter: Delimiter, quote: Quote) -> Self {
        let room = sample.len() + 1;
        let parser = parser(delimiter, quote);
        Self { parser, input: sample.as_bytes(), text: vec![0; room], ends: vec![0; room] }
    }

    fn next_row(&mut self) -> Option<(&str, &[usize])> {
        let (mut written, mut cells) = (0, 0);
        loop {
            let (result, read, wrote, ended) =
                self.parser.read_record(self.input, &mut self.text[written..], &mut self.ends[cells..]);
            self.input = &self.input[read..];
            written += wrote;
            cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => {
                    let text = std::str::from_utf8(&self.text[..written]).unwrap_or_default();
                    return Some((text, &self.ends[..cells]));
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_the_delimiter() {
        for (text, expected) in [
            ("channel,contact_name\nwhatsapp,A\n", b','),
            ("channel;contact_name\nwhatsapp;\"A, B\"\n", b';'),
            ("channel\tcontact_name\nwhatsapp\tA; B\n", b'\t'),
            ("contact_name|contact_phone_number\nA|1,5\nB|2,5\n", b'|'),
            ("a;b;c\n1,5;2,5;3\n", b';'),
            ("Rut, cliente;Saldo, pesos;Plan, tipo\n1;2;3\n4;5;6\n", b';'),
            ("contact_phone_number\n+56\n", b','),
            ("\"a;b\",contact_name\n1,2\n", b','),
            ("", b','),
        ] {
            let found = detect_delimiter(text, true, Quote::default());
            assert_eq!(char::from(found.byte()), char::from(expected), "{text:?}");
        }
    }

    #[test]
    fn detects_single_quotes_where_the_whole_header_stands_in_them() {
        for (text, quote) in [
            ("'channel','contact_name'\n'whatsapp','D''Ors'\n", b'\''),
            ("'channel';'contact_name'\nwhatsapp;A\n", b'\''),
            ("channel,'contact_name'\nwhatsapp,A\n", b'"'),
            ("'channel'\n'whatsapp'\n", b'"'),
            ("\"channel\",\"contact_name\"\n'a','b'\n", b'"'),
            ("", b'"'),
        ] {
            assert_eq!(Dialect::find(text, true, None, None).quote, Quote::Character(quote), "{text:?}");
        }
        let given = Dialect::find("'a','b'\n", true, None, Some(Quote::None));
        assert_eq!(given.quote, Quote::None);
    }

    #[test]
    fn detects_what_ends_the_rows_not_what_stands_in_cells() {
        for (text, expected) in [
            ("a,b\n1,2\n", LineEnds::Lf),
            ("a,b\r\n\"1\n1\",2\r\n\r\n3,4", LineEnds::Crlf),
            ("a,b\r1,2\r\r3,4", LineEnds::Cr),
            ("a,b\r\n1,2\n3,4\n", LineEnds::Mixed),
            ("a,b", LineEnds::Lf),
            ("", LineEnds::Lf),
        ] {
            assert_eq!(Dialect::find(text, true, None, None).line_ends, expected, "{text:?}");
        }
    }

    #[test]
    fn reads_the_hint_for_excel() {
        assert_eq!(excel_hint("sep=;\r\na;b"), Some((Delimiter(b';'), 5)));
        assert_eq!(excel_hint("sep=;;\n"), None);
        assert_eq!(excel_hint("separator;b\n"), None);
    }

    #[test]
    fn refuses_delimiters_that_cannot_separate() {
        assert!(['"', '\n', 'ñ', '\0'].into_iter().all(|c| Delimiter::new(c).is_none()));
        assert!(Delimiter::new('^').is_some());
    }
}
