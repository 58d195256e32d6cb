//! [`InFlight`]: the rows whose outcome is not known yet, by the number of their record.

use std::collections::HashMap;

use vambe::{CustomerRecord, Outcome};

use crate::columns::Columns;
use crate::error::SourceError;
use crate::ledger::{Ledger, Progress};
use crate::reason::Reason;
use crate::row::Row;

/// Rows on their way, and the account they end up in.
pub(crate) struct InFlight {
    rows: HashMap<u64, Row>,
    next_record: u64,
    ledger: Ledger,
    source_error: Option<SourceError>,
}

impl InFlight {
    pub(crate) fn new(ledger: Ledger) -> Self {
        Self { rows: HashMap::new(), next_record: 0, ledger, source_error: None }
    }

    /// Takes a row; gives its record, unless the row has the wrong shape and is rejected.
    pub(crate) fn take(&mut self, row: Row, columns: &Columns) -> Option<CustomerRecord> {
        self.ledger.look_at(&row);
        match columns.record(&row) {
            Ok(record) => {
                self.rows.insert(self.next_record, row);
                self.next_record += 1;
                Some(record)
            }
            Err(reason) => {
                self.ledger.reject(&row, &reason);
                self.ledger.flush();
                None
            }
        }
    }

    /// Notes that the source cannot be read on.
    pub(crate) fn source_failed(&mut self, error: SourceError) {
        self.source_error = Some(error);
    }

    pub(crate) fn settle(&mut self, outcome: Outcome) {
        let Some(row) = self.rows.remove(&outcome.index) else { return };
        match outcome.result {
            Ok(_) => self.ledger.accept(&row),
            Err(error) => {
                self.ledger.reject(&row, &Reason::error(&error));
                self.ledger.flush();
            }
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { in_flight: self.rows.len() as u64, ..self.ledger.progress() }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.ledger.has_failed()
    }

    pub(crate) fn take_source_error(&mut self) -> Option<SourceError> {
        self.source_error.take()
    }

    /// Ends the account: of rows without outcome nobody knows more than that they may have arrived.
    ///
    /// Those that a guard kept back have not, and count as not sent.
    pub(crate) fn close(mut self, unread: Option<u64>, is_guarded: bool) -> Ledger {
        let left = self.rows.len() as u64;
        if is_guarded {
            self.ledger.not_sent(unread.map(|rows| rows + left));
            return self.ledger;
        }
        let mut rows: Vec<_> = self.rows.into_values().collect();
        rows.sort_unstable_by_key(Row::line);
        for row in &rows {
            self.ledger.reject(row, &Reason::interrupted());
        }
        self.ledger.not_sent(unread);
        self.ledger
    }
}
