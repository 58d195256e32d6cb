//! [`Run`]: a batch of upserts and the account of its rows, driven together.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Notify, watch};
use vambe::{BatchProgress, CustomerRecord, ErrorCode, Outcome, UpsertMany};

use crate::account::Account;
use crate::journal::{Entry, Writer};
use crate::judge::Judged;
use crate::ledger::Progress;
use crate::report::Ending;
use crate::source::SourceError;
use crate::stop::Stop;

/// What the stream of records and whoever follows the outcomes share.
pub(crate) struct Run {
    account: Mutex<Account>,
    /// How many rows may be in flight, those included whose outcome is not written down yet.
    most_in_flight: usize,
    /// After how many rows no more are sent.
    canary: u64,
    has_room: Notify,
    enough: watch::Sender<bool>,
}

impl Run {
    pub(crate) fn new(account: Account, most_in_flight: usize, canary: Option<u64>) -> Self {
        Self {
            account: Mutex::new(account),
            most_in_flight,
            canary: canary.unwrap_or(u64::MAX),
            has_room: Notify::new(),
            enough: watch::Sender::new(false),
        }
    }

    pub(crate) fn into_account(self) -> Account {
        self.account.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the records of the rows that need to be sent.
    pub(crate) fn records<'a>(
        &'a self,
        batches: BoxStream<'a, Result<Vec<Judged>, SourceError>>,
    ) -> impl Stream<Item = CustomerRecord> + Send + 'a {
        stream::unfold((batches, Vec::new().into_iter()), async move |(mut batches, mut rows)| {
            loop {
                if !self.wait_for_room().await {
                    return None;
                }
                if let Some(judged) = rows.next() {
                    if let Some(record) = self.take(judged).await {
                        return Some((record, (batches, rows)));
                    }
                    continue;
                }
                let batch = tokio::select! {
                    biased;
                    () = self.is_enough() => return None,
                    batch = batches.next() => batch?,
                };
                match batch {
                    Ok(batch) => rows = batch.into_iter(),
                    Err(error) => {
                        self.lock().source_failed(error);
                        return None;
                    }
                }
            }
        })
    }

    /// Follows the outcomes to their end, or to the end that somebody asks for.
    pub(crate) async fn follow(
        &self,
        mut outcomes: UpsertMany<'_>,
        mut writer: Option<&mut Writer>,
        pace: &watch::Receiver<BatchProgress>,
        stop: &Stop,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Ending {
        let mut ending = Ending::Finished;
        let mut has_ended = false;
        while !(has_ended && (writer.is_none() || self.lock().in_flight.len() == 0)) {
            tokio::select! {
                biased;
                _ = stop.raised_again() => break,
                cause = stop.raised(), if matches!(ending, Ending::Finished) => {
                    self.enough.send_replace(true);
                    ending = Ending::Stopped(cause);
                    on_progress(&Progress { stopping: true, ..self.progress(pace) });
                }
                written = written(&mut writer) => match written {
                    Some(records) => {
                        self.settle(&records);
                        on_progress(&self.progress(pace));
                    }
                    // It has failed, and says why at the end.
                    None => {
                        writer = None;
                        self.enough.send_replace(true);
                    }
                },
                outcome = outcomes.next(), if !has_ended => {
                    if let (Some(reason), Ending::Finished) = (outcomes.stopped(), &ending) {
                        ending = Ending::Guard(reason.clone());
                        outcomes.finish_within(LAST_ANSWERS);
                    }
                    match outcome {
                        None => has_ended = true,
                        Some(outcome) if is_unsent(&outcome, &ending) => self.lock().unsent(outcome.index),
                        Some(outcome) => {
                            self.answered(outcome).await;
                            on_progress(&self.progress(pace));
                        }
                    }
                }
            }
        }
        ending
    }

    /// Waits until a row may be taken; false if no more rows are to be.
    async fn wait_for_room(&self) -> bool {
        loop {
            {
                let account = self.lock();
                if *self.enough.borrow() || account.ledger.has_failed() || account.sent >= self.canary {
                    return false;
                }
                if account.in_flight.len() < self.most_in_flight {
                    return true;
                }
            }
            tokio::select! {
                () = self.is_enough() => return false,
                () = self.has_room.notified() => {}
            }
        }
    }

    async fn take(&self, judged: Judged) -> Option<CustomerRecord> {
        let taken = self.lock().take(judged);
        self.write(taken.entry).await;
        taken.record
    }

    async fn answered(&self, outcome: Outcome) {
        let entry = {
            let mut account = self.lock();
            let entry = account.answered(outcome);
            if account.ledger.has_failed() {
                self.enough.send_replace(true);
            }
            entry
        };
        self.write(entry).await;
        self.has_room.notify_one();
    }

    fn settle(&self, records: &[u64]) {
        let mut account = self.lock();
        for record in records {
            account.settle(*record);
        }
        if account.ledger.has_failed() {
            self.enough.send_replace(true);
        }
        self.has_room.notify_one();
    }

    async fn write(&self, entry: Option<Entry>) {
        let Some(entry) = entry else { return };
        let entries = self.lock().session.as_ref().map(|session| session.entries.clone());
        if let Some(entries) = entries {
            // Where nobody takes it, the writer has failed, and says so at the end.
            let _ = entries.send(entry).await;
        }
    }

    fn progress(&self, pace: &watch::Receiver<BatchProgress>) -> Progress {
        let pace = *pace.borrow();
        Progress { rate: pace.rate, learned_limit: pace.learned_limit, ..self.lock().progress() }
    }

    async fn is_enough(&self) {
        // The sender lives as long as this.
        let _ = self.enough.subscribe().wait_for(|enough| *enough).await;
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stops a batch is likely to end the calls in flight too, so they are not worth a long wait.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

async fn written(writer: &mut Option<&mut Writer>) -> Option<Vec<u64>> {
    match writer {
        Some(writer) => writer.written().await,
        None => std::future::pending().await,
    }
}

/// Returns whether a guard kept a row from the service, so that it counts as not sent.
fn is_unsent(outcome: &Outcome, ending: &Ending) -> bool {
    let (Some(error), Ending::Guard(reason)) = (outcome.error(), ending) else { return false };
    let is_refused_key = matches!(reason.code(), ErrorCode::Authentication | ErrorCode::PermissionDenied);
    let was_given_up = outcome.attempts == 0 && error.code() != ErrorCode::Validation;
    // A certificate or a proxy in the way is not the row's fault, and has let nothing out.
    let has_no_way = error.code() == ErrorCode::Connection && !error.retryable();
    // With a refused key, what was not answered in time has not been taken either.
    was_given_up || has_no_way || (is_refused_key && error.code() == ErrorCode::Timeout)
}
