//! [`Ledger`]: the account of a run, in which each row stands once.

use std::time::Instant;

use vambe::Violation;

use crate::error::ImportError;
use crate::reason::Reason;
use crate::rejects::Rejects;
use crate::row::Row;
use crate::summary::{Summary, count};

/// How far a run is.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Rows accepted so far.
    pub accepted: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Bytes of the file that these rows and those before them take.
    pub bytes: u64,
    /// Rows on their way.
    pub in_flight: u64,
    /// Whether no more rows are taken, and those in flight are waited for.
    pub stopping: bool,
}

/// Counts rows and writes the rejected ones.
pub(crate) struct Ledger {
    summary: Summary,
    rejects: Rejects,
    bytes: u64,
    started: Instant,
    failure: Option<ImportError>,
}

impl Ledger {
    pub(crate) fn new(rejects: Rejects) -> Self {
        Self { summary: Summary::nothing(), rejects, bytes: 0, started: Instant::now(), failure: None }
    }

    pub(crate) fn accept(&mut self, row: &Row) {
        self.summary.accepted += 1;
        self.bytes = self.bytes.max(row.end());
    }

    pub(crate) fn reject(&mut self, row: &Row, reason: &Reason) {
        self.summary.rejected += 1;
        self.bytes = self.bytes.max(row.end());
        count(&mut self.summary.codes, reason.code, row.line());
        let written = self.rejects.write(row, reason);
        self.keep_failure(written);
    }

    /// Notes a row before anything becomes of it: whether its text was damaged before it came into the file,
    /// and whether cells of a sheet hold errors such as `#N/A`, which count as nothing.
    pub(crate) fn look_at(&mut self, row: &Row) {
        if row.has_error_cells() {
            count(&mut self.summary.warnings, "cell_error", row.line());
        }
        if row.is_damaged() {
            count(&mut self.summary.warnings, "damaged_text", row.line());
        }
    }

    pub(crate) fn warn(&mut self, row: &Row, warnings: &[Violation]) {
        for (index, warning) in warnings.iter().enumerate() {
            if warnings[..index].iter().all(|earlier| earlier.code != warning.code) {
                count(&mut self.summary.warnings, warning.code.as_str(), row.line());
            }
        }
    }

    /// Puts the rejected rows on the disk.
    pub(crate) fn flush(&mut self) {
        let flushed = self.rejects.flush();
        self.keep_failure(flushed);
    }

    /// Notes how many rows nobody looked at; `None` where nobody can know.
    pub(crate) fn not_sent(&mut self, rows: Option<u64>) {
        self.summary.not_sent = rows;
    }

    pub(crate) fn progress(&self) -> Progress {
        let Summary { accepted, rejected, .. } = self.summary;
        Progress { accepted, rejected, bytes: self.bytes, ..Progress::default() }
    }

    /// Returns whether the rejected rows can no longer be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Closes the account.
    pub(crate) fn close(mut self, is_complete: bool) -> (Summary, Option<ImportError>) {
        self.flush();
        if is_complete {
            let removed = self.rejects.remove_outdated();
            self.keep_failure(removed);
        }
        self.summary.rows = self.summary.done() + self.summary.skipped + self.summary.not_sent.unwrap_or(0);
        self.summary.elapsed = self.started.elapsed();
        self.summary.rejects = self.rejects.written_to().map(ToOwned::to_owned);
        (self.summary, self.failure)
    }

    fn keep_failure(&mut self, result: Result<(), ImportError>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}
