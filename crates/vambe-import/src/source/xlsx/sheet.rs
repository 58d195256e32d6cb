//! [`SheetRows`]: cells of a sheet, put together to rows.

use calamine::{Cell, DataRef, XlsxCellReader, XlsxError};

use crate::row::Row;
use crate::source::SourceProblem;

use super::super::csv::MAX_ROW;
use super::super::input::{ReadSeek, proportion};
use super::cell::write_cell;
use super::problem;

/// What is wrong with a sheet, and in which of its rows.
pub(super) struct Fault {
    pub(super) line: Option<u64>,
    pub(super) problem: SourceProblem,
}

impl From<SourceProblem> for Fault {
    fn from(problem: SourceProblem) -> Self {
        Self { line: None, problem }
    }
}

/// The rows of a sheet that hold anything.
pub(super) struct SheetRows<'w> {
    cells: XlsxCellReader<'w, Box<dyn ReadSeek>>,
    /// The first cell of the next row.
    next: Option<Cell<DataRef<'w>>>,
    row: u32,
    width: usize,
    has_errors: bool,
    is_read: bool,
    /// The size of the file, and how many rows the sheet says that it has.
    size: u64,
    rows: u64,
}

impl<'w> SheetRows<'w> {
    pub(super) fn new(cells: XlsxCellReader<'w, Box<dyn ReadSeek>>, size: u64) -> Self {
        let rows = u64::from(cells.dimensions().end.0) + 1;
        Self { cells, next: None, row: 0, width: 0, has_errors: false, is_read: false, size, rows }
    }

    /// Gives every row from here on so many cells at least.
    pub(super) fn pad_to(&mut self, width: usize) {
        self.width = width;
    }

    /// Reads the next row in which there is anything.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, Fault> {
        loop {
            let Some(first) = self.take_cell()? else { return Ok(None) };
            let row = self.read_row(first)?;
            if !row.is_blank() {
                return Ok(Some(row));
            }
        }
    }

    fn read_row(&mut self, first: Cell<DataRef<'w>>) -> Result<Row, Fault> {
        let index = first.get_position().0;
        if index < self.row {
            return Err(self.fail(SourceProblem::BrokenWorkbook));
        }
        self.row = index;
        let mut content = RowContent::default();
        let mut cell = Some(first);
        while let Some(current) = cell.take() {
            if current.get_position().0 != index {
                self.next = Some(current);
                break;
            }
            content.add(current.get_position().1, current.get_value()).map_err(|problem| self.fail(problem))?;
            cell = self.take_cell()?;
        }
        // Rows are read on only when the next is asked for.
        self.row = index + 1;
        content.pad_to(self.width);
        let has_errors = std::mem::take(&mut self.has_errors) || content.has_errors;
        let line = u64::from(index) + 1;
        let end = proportion(line.min(self.rows), self.size, self.rows);
        Ok(Row::new(line, end, content.text, &content.ends).with_error_cells(has_errors))
    }

    fn take_cell(&mut self) -> Result<Option<Cell<DataRef<'w>>>, Fault> {
        if let Some(cell) = self.next.take() {
            return Ok(Some(cell));
        }
        // Past its end the reader would miss the end.
        while !self.is_read {
            match self.cells.next_cell() {
                Ok(cell) => {
                    self.is_read = cell.is_none();
                    return Ok(cell);
                }
                // An error value newer than the reader, such as #SPILL!, counts as nothing as the others do.
                Err(XlsxError::CellError(_)) => self.has_errors = true,
                Err(error) => return Err(self.fail(problem(error))),
            }
        }
        Ok(None)
    }

    fn fail(&self, problem: SourceProblem) -> Fault {
        Fault { line: Some(u64::from(self.row) + 1), problem }
    }
}

#[derive(Default)]
struct RowContent {
    text: String,
    ends: Vec<usize>,
    has_errors: bool,
}

impl RowContent {
    fn add(&mut self, column: u32, value: &DataRef<'_>) -> Result<(), SourceProblem> {
        if matches!(value, DataRef::Empty) {
            return Ok(());
        }
        if matches!(value, DataRef::Error(_)) {
            self.has_errors = true;
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if column >= MAX_COLUMNS {
            return Err(SourceProblem::TooManyColumns);
        }
        if column < self.ends.len() {
            return Err(SourceProblem::BrokenWorkbook);
        }
        self.pad_to(column);
        write_cell(value, &mut self.text);
        self.ends.push(self.text.len());
        if self.text.len() > MAX_ROW { Err(SourceProblem::RowTooLarge) } else { Ok(()) }
    }

    fn pad_to(&mut self, width: usize) {
        if self.ends.len() < width {
            self.ends.resize(width, self.text.len());
        }
    }
}

/// More than any CRM exports; a stray cell far to the right would blow up every row.
pub(super) const MAX_COLUMNS: usize = 4096;
