//! The run that sends nothing: every row checked, offline, on as many threads as help.

use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures_util::{Stream, StreamExt, stream};
use tokio::task::spawn_blocking;
use vambe::{CheckOptions, Validation, validate};

use crate::columns::Columns;
use crate::error::SourceError;
use crate::feed::Feed;
use crate::import::{Ending, Import, Report};
use crate::ledger::{Ledger, Progress};
use crate::reason::Reason;
use crate::row::Row;
use crate::stop::Stop;

impl Import {
    /// Checks every row without network or key.
    ///
    /// Rows with errors are rejected, as an import would; rows with warnings are counted.
    pub async fn check(
        self,
        options: &CheckOptions,
        stop: &Stop,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Report {
        let Self { source, columns, rejects, limit } = self;
        let mut ledger = Ledger::new(rejects);
        let feed = match Feed::start(source, limit) {
            Ok(feed) => feed,
            Err(error) => return Report::new(ledger, Ending::Failed(error.into())),
        };
        let mut batches = pin!(judged(feed, Arc::new((columns, options.clone()))));
        let ending = loop {
            let batch = tokio::select! {
                biased;
                cause = stop.raised() => break Ending::Stopped(cause),
                batch = batches.next() => batch,
            };
            match batch {
                None => break Ending::Finished,
                Some(Err(error)) => break Ending::Failed(error.into()),
                Some(Ok(batch)) => batch.into_iter().for_each(|judged| settle(&judged, &mut ledger)),
            }
            ledger.flush();
            on_progress(&ledger.progress());
            if ledger.has_failed() {
                break Ending::Finished;
            }
        };
        if !matches!(ending, Ending::Finished) || ledger.has_failed() {
            ledger.not_sent(None);
        }
        Report::new(ledger, ending)
    }
}

/// A row, and what the check says of it, unless it has the wrong shape.
struct Judged {
    row: Row,
    found: Result<Validation, Reason>,
}

type Rules = (Columns, CheckOptions);

/// Judges the rows of a feed, several batches at a time, and keeps their order.
fn judged(feed: Feed, rules: Arc<Rules>) -> impl Stream<Item = Result<Vec<Judged>, SourceError>> + Send {
    let batches = stream::unfold(feed, async |mut feed| Some((feed.next_batch().await?, feed)));
    let judge_batch = move |batch: Result<Vec<Row>, SourceError>| {
        let rules = Arc::clone(&rules);
        async move {
            let rows = batch?;
            let judge_all = move || rows.into_iter().map(|row| judge(row, &rules)).collect();
            Ok(spawn_blocking(judge_all).await.unwrap_or_else(|error| resume_unwind(error.into_panic())))
        }
    };
    batches.map(judge_batch).buffered(available_parallelism().map_or(1, usize::from).min(MOST_THREADS))
}

const MOST_THREADS: usize = 8;

fn judge(row: Row, (columns, options): &Rules) -> Judged {
    let found = columns.record(&row).map(|record| validate(&record, options));
    Judged { row, found }
}

fn settle(judged: &Judged, ledger: &mut Ledger) {
    let row = &judged.row;
    ledger.look_at(row);
    match &judged.found {
        Err(reason) => ledger.reject(row, reason),
        Ok(found) => {
            ledger.warn(row, &found.warnings);
            match found.is_valid() {
                true => ledger.accept(row),
                false => ledger.reject(row, &Reason::violations(&found.violations)),
            }
        }
    }
}
