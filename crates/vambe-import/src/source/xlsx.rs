//! Rows of one sheet of a workbook, read as they are asked for.

mod cell;
mod package;
mod sheet;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{Reader as _, Sheet, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::row::{Header, Row};
use crate::source::{FileKind, SourceError, SourceProblem};

use super::format::XlsxFormat;
use super::input::ReadSeek;

use sheet::{Fault, SheetRows};

/// The rows of a sheet.
///
/// They are read on a thread of their own, a few batches ahead: a reader of cells borrows
/// its workbook, and both cannot live in one value.
pub(super) struct XlsxRows {
    path: PathBuf,
    format: XlsxFormat,
    batches: Receiver<Message>,
    batch: std::vec::IntoIter<Row>,
    is_read: bool,
}

enum Message {
    Opened(XlsxFormat, Row),
    Rows(Vec<Row>),
    End,
    Failed(Fault),
}

impl XlsxRows {
    /// Opens the sheet of that name, or the first that is visible.
    pub(super) fn open(
        path: &Path,
        bytes: Box<dyn ReadSeek>,
        sheet: Option<&str>,
    ) -> Result<(Header, Self), SourceError> {
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        let sheet = sheet.map(ToOwned::to_owned);
        thread::Builder::new()
            .name("vambe-sheet".to_owned())
            .spawn(move || read(bytes, sheet.as_deref(), &sender))
            .map_err(|error| SourceError::at(path, None, SourceProblem::Io(error)))?;
        match batches.recv() {
            Ok(Message::Opened(format, header)) => {
                let header = Header::new(header.line(), header.cells().map(ToOwned::to_owned).collect());
                let (path, batch) = (path.to_owned(), Vec::new().into_iter());
                Ok((header, Self { path, format, batches, batch, is_read: false }))
            }
            Ok(Message::Failed(fault)) => Err(SourceError::at(path, fault.line, fault.problem)),
            // The thread never ends without a word, unless the workbook made it panic.
            _ => Err(SourceError::at(path, None, SourceProblem::BrokenWorkbook)),
        }
    }

    pub(super) fn format(&self) -> XlsxFormat {
        self.format.clone()
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            if self.is_read {
                return Ok(None);
            }
            match self.batches.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::End) => self.is_read = true,
                Ok(Message::Failed(fault)) => return Err(self.fail(fault)),
                _ => return Err(self.fail(Fault { line: None, problem: SourceProblem::BrokenWorkbook })),
            }
        }
    }

    fn fail(&mut self, fault: Fault) -> SourceError {
        self.is_read = true;
        SourceError::at(&self.path, fault.line, fault.problem)
    }
}

const BATCHES_AHEAD: usize = 2;
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 128 * 1024;

fn read(bytes: Box<dyn ReadSeek>, sheet: Option<&str>, sender: &SyncSender<Message>) {
    let last = match read_sheet(bytes, sheet, sender) {
        Ok(()) => Message::End,
        Err(fault) => Message::Failed(fault),
    };
    // Whoever asked for the rows may have gone.
    let _ = sender.send(last);
}

fn read_sheet(mut bytes: Box<dyn ReadSeek>, sheet: Option<&str>, sender: &SyncSender<Message>) -> Result<(), Fault> {
    let size = package::examine(&mut *bytes)?;
    let mut workbook = Xlsx::new(bytes).map_err(problem)?;
    let format = choose(workbook.sheets_metadata(), sheet)?;
    let cells = workbook.worksheet_cells_reader(&format.sheet).map_err(problem)?;
    let mut rows = SheetRows::new(cells, size);
    let empty = || SourceProblem::EmptySheet { sheet: format.sheet.clone() };
    let header = rows.next_row()?.ok_or_else(empty)?;
    rows.pad_to(header.width());
    let mut batch = Batch::read(&mut rows);
    if batch.rows.is_empty() {
        return Err(batch.fault.unwrap_or_else(|| SourceProblem::HeaderOnly.into()));
    }
    let mut is_wanted = sender.send(Message::Opened(format, header)).is_ok();
    while is_wanted && !batch.rows.is_empty() {
        is_wanted = sender.send(Message::Rows(batch.rows)).is_ok();
        if let Some(fault) = batch.fault {
            return Err(fault);
        }
        batch = Batch::read(&mut rows);
    }
    batch.fault.map_or(Ok(()), Err)
}

/// Rows that are handed over together, and what ends them before their time.
struct Batch {
    rows: Vec<Row>,
    fault: Option<Fault>,
}

impl Batch {
    fn read(sheet: &mut SheetRows<'_>) -> Self {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            match sheet.next_row() {
                Ok(Some(row)) => {
                    bytes += row.size();
                    rows.push(row);
                }
                Ok(None) => break,
                Err(fault) => return Self { rows, fault: Some(fault) },
            }
        }
        Self { rows, fault: None }
    }
}

fn choose(sheets: &[Sheet], wanted: Option<&str>) -> Result<XlsxFormat, SourceProblem> {
    let sheets: Vec<_> = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let visible = |sheet: &&&Sheet| sheet.visible == SheetVisible::Visible;
    let chosen = match wanted {
        Some(name) => sheets.iter().find(|sheet| sheet.name.to_lowercase() == name.to_lowercase()),
        None => sheets.iter().find(visible),
    };
    let names = |but: &str| {
        let others = sheets.iter().filter(visible).filter(|sheet| sheet.name != but);
        others.map(|sheet| sheet.name.clone()).collect()
    };
    match chosen {
        Some(chosen) => Ok(XlsxFormat { sheet: chosen.name.clone(), others: names(&chosen.name) }),
        None => Err(SourceProblem::NoSheet { wanted: wanted.map(ToOwned::to_owned), sheets: names("") }),
    }
}

/// Puts the reader's errors into our own words: its texts quote the workbook.
fn problem(error: XlsxError) -> SourceProblem {
    match error {
        XlsxError::Io(error) if error.raw_os_error().is_some() => SourceProblem::Io(error),
        XlsxError::Password => SourceProblem::WrongKind(FileKind::Protected),
        _ => SourceProblem::BrokenWorkbook,
    }
}
