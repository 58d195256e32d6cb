//! [`Row`]: one row of a source, and where it stands there.

use vambe::Value;

/// One row of a source, as it was written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    line: u64,
    end: u64,
    content: Content,
    /// The text of an object, where its values alone do not tell how it was written.
    text: Option<Box<str>>,
    has_error_cells: bool,
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// The text of its cells, one after another, and where each ends.
    Cells { text: String, ends: Box<[usize]> },
    /// What it says itself of each of its values.
    Object(Vec<(String, Value)>),
    /// What a program gave instead of an object.
    Other(Value),
    /// Text that is no row, and why.
    Broken { text: String, problem: String },
}

/// The names of the columns of a source whose rows are cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    line: u64,
    names: Vec<String>,
}

impl Row {
    /// Makes a row of the text of its cells, one after another, and where each ends.
    pub(crate) fn new(line: u64, end: u64, text: String, ends: &[usize]) -> Self {
        let content = Content::Cells { text, ends: ends.into() };
        Self { line, end, content, ..Self::default() }
    }

    /// Makes a row whose values name themselves.
    pub(crate) fn object(line: u64, end: u64, entries: Vec<(String, Value)>) -> Self {
        Self { line, end, content: Content::Object(entries), ..Self::default() }
    }

    /// Makes a row of what a program gives: an object, or what the check will refuse.
    pub(crate) fn given(line: u64, value: Value) -> Self {
        let content = match value {
            Value::Object(entries) => Content::Object(entries),
            other => Content::Other(other),
        };
        Self { line, content, ..Self::default() }
    }

    /// Makes a row of text that is none.
    pub(crate) fn broken(line: u64, end: u64, text: String, problem: String) -> Self {
        Self { line, end, content: Content::Broken { text, problem }, ..Self::default() }
    }

    /// Notes how an object was written, where its values alone do not tell.
    pub(crate) fn written_as(self, text: Option<Box<str>>) -> Self {
        Self { text, ..self }
    }

    /// Notes that there were error values, such as `#N/A`, which count as nothing.
    pub(crate) fn with_error_cells(self, has_error_cells: bool) -> Self {
        Self { has_error_cells, ..self }
    }

    /// Returns the line of the source on which the row starts, or its number there, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the byte of the file up to which it is read with this row.
    pub fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Returns how an object was written, where its values alone do not tell.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns whether there were error values, such as `#N/A`.
    pub(crate) fn has_error_cells(&self) -> bool {
        self.has_error_cells
    }

    /// Returns the number of cells, or of values.
    pub fn width(&self) -> usize {
        match &self.content {
            Content::Cells { ends, .. } => ends.len(),
            Content::Object(entries) => entries.len(),
            Content::Other(_) | Content::Broken { .. } => 0,
        }
    }

    /// Returns a cell; an empty one where the row has none.
    pub fn cell(&self, index: usize) -> &str {
        let Content::Cells { text, ends } = &self.content else { return "" };
        let start = match index.checked_sub(1) {
            None => Some(&0),
            Some(before) => ends.get(before),
        };
        match (start, ends.get(index)) {
            (Some(&start), Some(&end)) => &text[start..end],
            _ => "",
        }
    }

    /// Returns the cells, first to last.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        let cells = if matches!(self.content, Content::Cells { .. }) { self.width() } else { 0 };
        (0..cells).map(|index| self.cell(index))
    }

    /// Returns whether some text was damaged before it came into the source.
    pub(crate) fn is_damaged(&self) -> bool {
        let is_damaged: fn(&str) -> bool = |text| text.contains(char::REPLACEMENT_CHARACTER);
        match &self.content {
            Content::Cells { text, .. } | Content::Broken { text, .. } => is_damaged(text),
            Content::Object(entries) => entries.iter().any(|(_, value)| holds_text(value, is_damaged)),
            Content::Other(value) => holds_text(value, is_damaged),
        }
    }

    /// Returns whether there is nothing in any cell, as in the rows that spreadsheets leave at the end.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(&self.content, Content::Cells { text, .. } if text.trim().is_empty())
    }

    /// Returns about how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        let content = match &self.content {
            Content::Cells { text, ends } => text.len() + size_of_val(&**ends),
            Content::Object(entries) => entries.iter().map(|(key, value)| key.len() + size_of_value(value)).sum(),
            Content::Other(value) => size_of_value(value),
            Content::Broken { text, problem } => text.len() + problem.len(),
        };
        content + self.text.as_ref().map_or(0, |text| text.len())
    }
}

impl Header {
    pub(crate) fn new(line: u64, names: Vec<String>) -> Self {
        Self { line, names }
    }

    /// Returns the line on which it stands.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the names as they were written.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Object(Vec::new())
    }
}

fn size_of_value(value: &Value) -> usize {
    let within = match value {
        Value::Text(text) => text.len(),
        Value::Array(values) => values.iter().map(size_of_value).sum(),
        Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + size_of_value(value)).sum(),
        _ => 0,
    };
    within + size_of::<Value>()
}

fn holds_text(value: &Value, is_meant: fn(&str) -> bool) -> bool {
    match value {
        Value::Text(text) => is_meant(text),
        Value::Array(values) => values.iter().any(|value| holds_text(value, is_meant)),
        Value::Object(entries) => entries.iter().any(|(_, value)| holds_text(value, is_meant)),
        _ => false,
    }
}
