//! [`Row`]: the cells of one row, and where in the file it stands.

/// One row of a file, its cells as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    line: u64,
    end: u64,
    text: String,
    ends: Box<[usize]>,
}

impl Row {
    /// Makes a row of the text of its cells, one after another, and where each ends.
    pub(crate) fn new(line: u64, end: u64, text: String, ends: &[usize]) -> Self {
        Self { line, end, text, ends: ends.into() }
    }

    /// Returns the line of the file on which the row starts, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the byte of the file up to which it is read with this row.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the number of cells.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// Returns a cell; an empty one where the row has none.
    pub fn cell(&self, index: usize) -> &str {
        let start = match index.checked_sub(1) {
            None => Some(&0),
            Some(before) => self.ends.get(before),
        };
        match (start, self.ends.get(index)) {
            (Some(&start), Some(&end)) => &self.text[start..end],
            _ => "",
        }
    }

    /// Returns the cells, first to last.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.width()).map(|index| self.cell(index))
    }

    /// Returns the text of all cells, one after another.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether there is nothing in any cell, as in the rows that spreadsheets leave at the end.
    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(crate) fn size(&self) -> usize {
        self.text.len() + size_of_val(&*self.ends)
    }
}
