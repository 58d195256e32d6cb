//! The run that sends: rows in, records to the service, outcomes back to their rows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;
use vambe::{Client, CustomerRecord, Error, ErrorCode, Outcome, UpsertMany, UpsertManyOptions};

use crate::columns::Columns;
use crate::feed::Feed;
use crate::import::{Ending, Import, Report};
use crate::in_flight::InFlight;
use crate::ledger::{Ledger, Progress};
use crate::stop::Stop;

impl Import {
    /// Sends every row, and ties each outcome to its row.
    ///
    /// Only a 2xx answer counts as accepted. What stops a batch ([`UpsertMany::stopped`]) ends the run.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if an option is out of range; nothing was sent.
    pub async fn send(
        self,
        client: &Client,
        options: UpsertManyOptions,
        stop: &Stop,
        on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Report, Error> {
        let Self { source, columns, rejects, limit } = self;
        let is_countable = source.size().is_some();
        let ledger = Ledger::new(rejects);
        let mut feed = match Feed::start(source, limit) {
            Ok(feed) => feed,
            Err(error) => return Ok(Report::new(ledger, Ending::Failed(error.into()))),
        };
        let run = Run { columns, in_flight: Mutex::new(InFlight::new(ledger)), enough: watch::Sender::new(false) };
        let records = run.records(&mut feed);
        let mut ending = run.follow(client.upsert_many(records, options)?, stop, on_progress).await;
        let mut in_flight = run.in_flight.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = in_flight.take_source_error() {
            ending = Ending::Failed(error.into());
        }
        let unread = match &ending {
            Ending::Finished if !in_flight.has_failed() => Some(0),
            Ending::Stopped(_) | Ending::Guard(_) if is_countable => tokio::select! {
                rows = feed.count_rest() => rows,
                _ = stop.raised_again() => None,
            },
            _ => None,
        };
        Ok(Report::new(in_flight.close(unread, matches!(ending, Ending::Guard(_))), ending))
    }
}

/// What stops a batch is likely to end the calls in flight too, so they are not worth a long wait.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What the stream of records and whoever follows the outcomes share.
struct Run {
    columns: Columns,
    in_flight: Mutex<InFlight>,
    enough: watch::Sender<bool>,
}

impl Run {
    fn records<'a>(&'a self, feed: &'a mut Feed) -> impl Stream<Item = CustomerRecord> + Send + 'a {
        stream::unfold(feed, async move |feed| {
            loop {
                let row = tokio::select! {
                    biased;
                    () = self.is_enough() => return None,
                    row = feed.next() => row?,
                };
                match row {
                    Ok(row) => {
                        let record = self.lock().take(row, &self.columns);
                        if record.is_some() || self.lock().has_failed() {
                            return record.map(|record| (record, feed));
                        }
                    }
                    Err(error) => {
                        self.lock().source_failed(error);
                        return None;
                    }
                }
            }
        })
    }

    async fn follow(
        &self,
        mut outcomes: UpsertMany<'_>,
        stop: &Stop,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Ending {
        let mut ending = Ending::Finished;
        loop {
            tokio::select! {
                biased;
                _ = stop.raised_again() => return ending,
                cause = stop.raised(), if matches!(ending, Ending::Finished) => {
                    self.enough.send_replace(true);
                    ending = Ending::Stopped(cause);
                    on_progress(&Progress { stopping: true, ..self.lock().progress() });
                }
                outcome = outcomes.next() => {
                    if let (Some(reason), Ending::Finished) = (outcomes.stopped(), &ending) {
                        ending = Ending::Guard(reason.clone());
                        outcomes.finish_within(LAST_ANSWERS);
                    }
                    let Some(outcome) = outcome else { return ending };
                    if !is_unsent(&outcome, &ending) {
                        on_progress(&self.settle(outcome));
                    }
                }
            }
        }
    }

    fn settle(&self, outcome: Outcome) -> Progress {
        let mut in_flight = self.lock();
        in_flight.settle(outcome);
        if in_flight.has_failed() {
            self.enough.send_replace(true);
        }
        in_flight.progress()
    }

    async fn is_enough(&self) {
        // The sender lives as long as this.
        let _ = self.enough.subscribe().wait_for(|enough| *enough).await;
    }

    fn lock(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a guard kept a row from the service, so that it counts as not sent.
fn is_unsent(outcome: &Outcome, ending: &Ending) -> bool {
    let (Some(error), Ending::Guard(reason)) = (outcome.error(), ending) else { return false };
    let is_refused_key = matches!(reason.code(), ErrorCode::Authentication | ErrorCode::PermissionDenied);
    let was_given_up = outcome.attempts == 0 && error.code() != ErrorCode::Validation;
    // With a refused key, what was not answered in time has not been taken either.
    was_given_up || (is_refused_key && error.code() == ErrorCode::Timeout)
}
