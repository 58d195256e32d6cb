//! [`Ledger`]: the account of a run, in which each row stands once.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use vambe::Violation;

use crate::error::ImportError;
use crate::events::{Event, Events};
use crate::reason::Reason;
use crate::rejects::Rejects;
use crate::row::Row;
use crate::summary::{Changes, Count, Summary, count};

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// Whether the source is read to see which customers come again; nothing is sent yet.
    pub reading: bool,
    /// Rows accepted so far.
    pub accepted: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Rows that need not be sent, so far.
    pub skipped: u64,
    /// All rows of the source, where that is known.
    pub rows: Option<u64>,
    /// Bytes of the file that these rows and those before them take.
    pub bytes: u64,
    /// Rows on their way.
    pub in_flight: u64,
    /// Answers a second, over the last ones.
    pub rate: f64,
    /// What the server allows, in calls per second, as far as it was learned.
    pub learned_limit: Option<f64>,
    /// Whether no more rows are taken, and those in flight are waited for.
    pub stopping: bool,
}

/// Why a row need not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// An earlier run had the same accepted.
    Unchanged,
    /// A later row is about the same customer.
    Superseded,
}

/// Counts rows, writes the rejected ones, and tells of all.
pub(crate) struct Ledger {
    source: PathBuf,
    summary: Summary,
    rejects: Option<Rejects>,
    events: Option<Events>,
    bytes: u64,
    started: Instant,
    failure: Option<ImportError>,
}

impl Ledger {
    pub(crate) fn new(source: PathBuf, rejects: Option<Rejects>, events: Option<Events>) -> Self {
        let (summary, started) = (Summary::nothing(), Instant::now());
        Self { source, summary, rejects, events, bytes: 0, started, failure: None }
    }

    pub(crate) fn start(&mut self, rows: Option<u64>) {
        self.tell(|file| Event::Started { file, rows });
    }

    pub(crate) fn accept(&mut self, row: &Row, contact_id: Option<&str>) {
        self.summary.accepted += 1;
        self.bytes = self.bytes.max(row.end());
        let line = row.line();
        self.tell(|file| Event::Row { file, line, outcome: "accepted", code: None, reason: None, contact_id });
    }

    pub(crate) fn reject(&mut self, row: &Row, reason: &Reason) {
        self.summary.rejected += 1;
        self.bytes = self.bytes.max(row.end());
        let line = row.line();
        count(&mut self.summary.codes, reason.code, line);
        if let Some(rejects) = &mut self.rejects {
            let written = rejects.write(row, reason);
            self.keep_failure(written);
        }
        let (code, text) = (Some(reason.code), Some(reason.text.as_str()));
        self.tell(|file| Event::Row { file, line, outcome: "rejected", code, reason: text, contact_id: None });
    }

    pub(crate) fn skip(&mut self, row: &Row, why: Skipped) {
        self.summary.skipped += 1;
        self.bytes = self.bytes.max(row.end());
        let (count, code) = match why {
            Skipped::Unchanged => (&mut self.summary.unchanged, "unchanged"),
            Skipped::Superseded => (&mut self.summary.superseded, "superseded"),
        };
        *count += 1;
        let (line, code) = (row.line(), Some(code));
        self.tell(|file| Event::Row { file, line, outcome: "skipped", code, reason: None, contact_id: None });
    }

    /// Notes what a customer is compared with what was accepted before.
    pub(crate) fn compare(&mut self, note: impl FnOnce(&mut Changes)) {
        note(self.summary.changes.get_or_insert_default());
    }

    /// Notes which numbers are spelled in two ways, which may be one account or two.
    pub(crate) fn respelled(&mut self, rows: Option<Count>) {
        if let Some(rows) = rows {
            self.summary.warnings.insert("phone_other_spelling".to_owned(), rows);
        }
    }

    /// Notes how many rows are about a customer of an earlier row, where none is left out for it.
    pub(crate) fn repeated(&mut self, rows: u64) {
        self.summary.repeated = rows;
    }

    /// Notes a row before anything becomes of it: whether its text was damaged before it came into the file,
    /// and whether cells of a sheet hold errors such as `#N/A`, which count as nothing.
    pub(crate) fn look_at(&mut self, row: &Row) {
        if row.has_error_cells() {
            self.warn_of(row, "cell_error");
        }
        if row.is_damaged() {
            self.warn_of(row, "damaged_text");
        }
    }

    pub(crate) fn warn(&mut self, row: &Row, warnings: &[Violation]) {
        for (index, warning) in warnings.iter().enumerate() {
            if warnings[..index].iter().all(|earlier| earlier.code != warning.code) {
                count(&mut self.summary.warnings, warning.code.as_str(), row.line());
            }
        }
    }

    pub(crate) fn warn_of(&mut self, row: &Row, code: &str) {
        count(&mut self.summary.warnings, code, row.line());
    }

    /// Puts the rejected rows on the disk.
    pub(crate) fn flush(&mut self) {
        if let Some(rejects) = &mut self.rejects {
            let flushed = rejects.flush();
            self.keep_failure(flushed);
        }
        if let Some(events) = &self.events {
            let flushed = events.flush().map_err(|error| ImportError::events(events.path(), error));
            self.keep_failure(flushed);
        }
    }

    /// Notes that something has failed that the run cannot go on without.
    pub(crate) fn fail(&mut self, error: ImportError) {
        self.failure.get_or_insert(error);
    }

    /// Returns the rows that something has become of.
    pub(crate) fn settled(&self) -> u64 {
        self.summary.done() + self.summary.skipped
    }

    pub(crate) fn progress(&self) -> Progress {
        let Summary { accepted, rejected, skipped, .. } = self.summary;
        Progress { accepted, rejected, skipped, bytes: self.bytes, ..Progress::default() }
    }

    /// Returns whether the run cannot go on.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Closes the account, with how many rows nothing became of; `None` where nobody can know.
    pub(crate) fn close(mut self, not_sent: Option<u64>, ending: &str) -> (Summary, Option<ImportError>) {
        let is_complete = not_sent == Some(0) && !self.has_failed();
        if let Some(rejects) = self.rejects.as_ref().filter(|_| is_complete) {
            let removed = rejects.remove_outdated();
            self.keep_failure(removed);
        }
        self.summary.not_sent = not_sent;
        self.summary.rows = self.settled() + not_sent.unwrap_or(0);
        self.summary.elapsed = self.started.elapsed();
        self.summary.rejects = self.rejects.as_ref().and_then(|rejects| rejects.written_to().map(ToOwned::to_owned));
        let summary = self.summary.clone();
        self.tell(|file| Event::Finished { file, ending, summary: &summary });
        self.flush();
        (summary, self.failure)
    }

    fn tell<'a>(&'a mut self, event: impl FnOnce(&'a std::path::Path) -> Event<'a>) {
        let Some(events) = &self.events else { return };
        if let Err(error) = events.write(&event(&self.source)) {
            let failure = ImportError::events(events.path(), error);
            self.failure.get_or_insert(failure);
        }
    }

    fn keep_failure(&mut self, result: Result<(), ImportError>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}
