//! [`Judge`]: what a row is as a record, and what the checks say of it, on as many threads as help.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::{Stream, StreamExt, stream};
use tokio::task::spawn_blocking;
use vambe::{CheckOptions, CustomerRecord, Violation, prepare, validate};

use crate::columns::Columns;
use crate::feed::Feed;
use crate::fingerprint::{Fingerprint, Hash, Salt};
use crate::reason::Reason;
use crate::row::Row;
use crate::source::SourceError;

/// What rows are judged by.
pub(crate) struct Judge {
    pub(crate) columns: Columns,
    pub(crate) options: CheckOptions,
    pub(crate) salt: Salt,
    /// The fields that a comparison with earlier runs leaves out; `None` where nothing is compared.
    pub(crate) compared_without: Option<Vec<String>>,
}

/// A row, and why it cannot be sent, or what it is sent as.
pub(crate) struct Judged {
    pub(crate) row: Row,
    /// Its place among the rows of the source, from 1.
    pub(crate) number: u64,
    pub(crate) found: Result<Ready, Reason>,
    /// What is doubtful about it, in any case.
    pub(crate) warnings: Vec<Violation>,
}

/// A record without errors.
pub(crate) struct Ready {
    pub(crate) record: CustomerRecord,
    /// The customer, exactly as spelled: another spelling of the number may be somebody else's.
    pub(crate) key: Hash,
    /// The customer under the other spelling of the number.
    pub(crate) other_key: Option<Hash>,
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Judge {
    fn judge(&self, row: Row, number: u64, compares: bool) -> Judged {
        let (found, warnings) = match self.columns.record(&row) {
            Ok(record) => self.check(record, compares),
            Err(reason) => (Err(reason), Vec::new()),
        };
        Judged { row, number, found, warnings }
    }

    fn check(&self, record: CustomerRecord, compares: bool) -> (Result<Ready, Reason>, Vec<Violation>) {
        let prepared = match prepare(&record, &self.options) {
            Ok(prepared) => prepared,
            Err(error) => return (Err(Reason::error(&error)), validate(&record, &self.options).warnings),
        };
        let left_out = self.compared_without.as_ref().filter(|_| compares);
        let fingerprint = left_out.map(|left_out| self.salt.fingerprint(&prepared.body, left_out));
        (
            Ok(Ready {
                key: self.salt.key(&prepared.exact_key),
                other_key: prepared.other_key.map(|key| self.salt.key(&key)),
                record,
                fingerprint,
            }),
            prepared.warnings,
        )
    }
}

/// Judges the rows of a feed, several batches at a time, and keeps their order; takes fingerprints if they are to be
/// compared.
pub(crate) fn judged(
    feed: Feed,
    judge: Arc<Judge>,
    compares: bool,
) -> impl Stream<Item = Result<Vec<Judged>, SourceError>> + Send + use<> {
    let batches = stream::unfold((feed, 1), async |(mut feed, first)| {
        let batch = feed.next_batch().await?;
        let rows = batch.as_ref().map_or(0, Vec::len) as u64;
        Some((batch.map(|rows| (rows, first)), (feed, first + rows)))
    });
    let judge_batch = move |batch: Result<(Vec<Row>, u64), SourceError>| {
        let judge = Arc::clone(&judge);
        async move {
            let (rows, first) = batch?;
            let judge_all =
                move || rows.into_iter().zip(first..).map(|(row, number)| judge.judge(row, number, compares)).collect();
            Ok(spawn_blocking(judge_all).await.unwrap_or_else(|error| resume_unwind(error.into_panic())))
        }
    };
    batches.map(judge_batch).buffered(available_parallelism().map_or(1, usize::from).min(MOST_THREADS))
}

const MOST_THREADS: usize = 8;
