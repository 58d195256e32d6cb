//! [`JournalReport`]: what a journal says, for people and other programs.

use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use vambe::DateTime;

use crate::error::ImportError;
use crate::journal::JournalProblem;

use super::known::open_to_read;

/// A journal that is only read, also while an import writes it.
pub struct JournalReport {
    path: PathBuf,
    connection: Connection,
}

/// The last run of one file to one server and key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunReport {
    /// The file.
    pub source: String,
    /// The server.
    pub host: String,
    /// When it began, in UTC.
    pub started_at: String,
    /// How it ended, unless it was killed or still runs.
    pub ending: Option<String>,
    /// How many rows came to what.
    pub outcomes: Vec<(String, u64)>,
}

/// Rows that failed for one reason, and have not been accepted since.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailureReport {
    /// The reason.
    pub code: String,
    /// Whether sending them again may help by itself.
    pub is_retryable: bool,
    /// How many rows.
    pub rows: u64,
}

/// In which form rows are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// A header, and a line for each row.
    Csv,
    /// One array.
    Json,
    /// A line of JSON for each row.
    Ndjson,
}

/// Which rows are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// Those the service took.
    Accepted,
    /// Those that were refused, or failed.
    Rejected,
    /// Those that needed not be sent: unchanged, or superseded by a later row.
    Skipped,
}

/// One row of the last run of its file.
#[derive(Serialize)]
struct ListedRow {
    file: String,
    line: u64,
    outcome: &'static str,
    code: Option<String>,
    reason: Option<String>,
    http_status: Option<u16>,
    attempts: u32,
    contact_id: Option<String>,
}

impl JournalReport {
    /// Opens a journal.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is no journal.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let fail = |problem| ImportError::Journal { path: path.to_owned(), problem };
        let connection = open_to_read(path).map_err(fail)?.ok_or_else(|| fail(JournalProblem::Missing))?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// Returns the last run of each file, oldest first.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_runs(&self) -> Result<Vec<RunReport>, ImportError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT run.id, source, host, started_at, ending FROM run JOIN target ON target.id = run.target
                 WHERE run.id IN (SELECT max(id) FROM run GROUP BY target, source) ORDER BY run.id",
            )?;
            let mut outcomes =
                connection.prepare("SELECT outcome, count(*) FROM outcome WHERE run = ?1 GROUP BY outcome")?;
            let runs = statement.query_map([], |row| {
                let counted = outcomes.query_map([row.get::<_, i64>(0)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(RunReport {
                    source: row.get(1)?,
                    host: row.get(2)?,
                    started_at: DateTime::utc(row.get(3)?).map(|time| time.to_string()).unwrap_or_default(),
                    ending: row.get(4)?,
                    outcomes: counted.collect::<rusqlite::Result<_>>()?,
                })
            })?;
            runs.collect()
        })
    }

    /// Returns why rows failed that have not been accepted since.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn failures(&self) -> Result<Vec<FailureReport>, ImportError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT code, retryable, count(*) FROM failed GROUP BY code, retryable ORDER BY count(*) DESC, code",
            )?;
            let failures = statement.query_map([], |row| {
                Ok(FailureReport { code: row.get(0)?, is_retryable: row.get(1)?, rows: row.get(2)? })
            })?;
            failures.collect()
        })
    }

    /// Lists the rows of the last run of each file, with what became of them. No personal data is in it but ids of contacts.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or the list not be written.
    pub fn write_rows(
        &self,
        format: RowFormat,
        outcome: Option<RowOutcome>,
        out: &mut impl Write,
    ) -> Result<(), ImportError> {
        let written = match format {
            RowFormat::Csv => self.write_csv(outcome, out),
            RowFormat::Json => self.write_json(outcome, out, ["[", ",\n", "]\n"]),
            RowFormat::Ndjson => self.write_json(outcome, out, ["", "\n", "\n"]),
        };
        written.map_err(|error| match error {
            ListError::Journal(error) => ImportError::Journal { path: self.path.clone(), problem: error.into() },
            ListError::Output(error) => ImportError::Output { path: "the list".into(), problem: error },
        })
    }

    fn write_csv(&self, outcome: Option<RowOutcome>, out: &mut impl Write) -> Result<(), ListError> {
        let mut writer = csv::Writer::from_writer(out);
        // Where no row is written, the header is missing otherwise.
        writer.write_record(["file", "line", "outcome", "code", "reason", "http_status", "attempts", "contact_id"])?;
        let mut writer = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(writer.into_inner().map_err(csv::IntoInnerError::into_error)?);
        self.each_row(outcome, |row| Ok(writer.serialize(row)?))?;
        Ok(writer.flush()?)
    }

    fn write_json(
        &self,
        outcome: Option<RowOutcome>,
        out: &mut impl Write,
        [open, between, close]: [&str; 3],
    ) -> Result<(), ListError> {
        let mut before = open;
        self.each_row(outcome, |row| {
            out.write_all(std::mem::replace(&mut before, between).as_bytes())?;
            Ok(serde_json::to_writer(&mut *out, &row).map_err(std::io::Error::from)?)
        })?;
        let is_empty_list = before == open;
        let close = match is_empty_list {
            true if open.is_empty() => "",
            true => "[]\n",
            false => close,
        };
        Ok(out.write_all(close.as_bytes())?)
    }

    fn each_row(
        &self,
        outcome: Option<RowOutcome>,
        mut write: impl FnMut(ListedRow) -> Result<(), ListError>,
    ) -> Result<(), ListError> {
        let mut statement = self.connection.prepare(
            "SELECT source, line, outcome, code, reason, http_status, attempts, outcome.contact
             FROM outcome JOIN run ON run.id = outcome.run ORDER BY run.id, number",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(2)?;
            let code: Option<String> = row.get(3)?;
            let (kind, code) = match word.as_str() {
                "accepted" => (RowOutcome::Accepted, code),
                "rejected" => (RowOutcome::Rejected, code),
                _ => (RowOutcome::Skipped, Some(word)),
            };
            if outcome.is_none_or(|wanted| wanted == kind) {
                write(ListedRow {
                    file: row.get(0)?,
                    line: row.get(1)?,
                    outcome: kind.name(),
                    code,
                    reason: row.get(4)?,
                    http_status: row.get(5)?,
                    attempts: row.get(6)?,
                    contact_id: row.get(7)?,
                })?;
            }
        }
        Ok(())
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ImportError> {
        read(&self.connection).map_err(|error| ImportError::Journal { path: self.path.clone(), problem: error.into() })
    }
}

impl RowOutcome {
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
        }
    }
}

/// Why a list ends early.
enum ListError {
    Journal(rusqlite::Error),
    Output(std::io::Error),
}

impl From<rusqlite::Error> for ListError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error)
    }
}

impl From<std::io::Error> for ListError {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<csv::Error> for ListError {
    fn from(error: csv::Error) -> Self {
        Self::Output(error.into())
    }
}
