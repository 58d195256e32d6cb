//! The run of a batch: takes records as there is room for them, and gives one outcome for each.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, unfold};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::check::check;
use crate::config::LONGEST_TIME;
use crate::error::Error;
use crate::lanes::Lanes;
use crate::record::CustomerRecord;

use super::guard::{Guard, not_sent};
use super::progress::Meter;
use super::row::{Row, Way, unfinished};
use super::{OnProgress, Outcome};

/// What those who hold the stream want of the run, and what they want to know of it.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) stopped: OnceLock<Error>,
    finish: Mutex<Option<Finish>>,
    given: Notify,
}

/// When a batch is to end.
#[derive(Clone, Copy)]
struct Finish {
    at: Instant,
    time: Duration,
    /// Whether records are read until then.
    reads_on: bool,
}

impl Orders {
    pub(super) fn finish_within(&self, time: Duration, reads_on: bool) {
        // Beyond this, adding it to a point in time could overflow.
        let time = time.min(LONGEST_TIME);
        let mut finish = self.finish.lock().unwrap_or_else(PoisonError::into_inner);
        *finish = Some(Finish { at: Instant::now() + time, time, reads_on });
        drop(finish);
        self.given.notify_one();
    }

    /// Returns the error of a record that never came to its turn.
    pub(super) fn left_over(&self) -> Option<Error> {
        self.stopped.get().cloned().or_else(|| self.finish().map(|finish| unfinished(finish.time)))
    }

    fn finish(&self) -> Option<Finish> {
        *self.finish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch under way.
pub(super) struct Run<S> {
    records: Pin<Box<S>>,
    way: Arc<Way>,
    most_held: usize,
    most_unsent: usize,
    has_ended: bool,
    next_index: u64,
    lanes: Lanes<Arc<Row>>,
    running: FuturesUnordered<Running>,
    /// Outcomes that wait to be given.
    ready: VecDeque<Outcome>,
    guard: Guard,
    orders: Arc<Orders>,
    meter: Meter,
    on_progress: Option<Arc<OnProgress>>,
}

/// A row on its way.
struct Running {
    row: Arc<Row>,
    sending: BoxFuture<'static, Outcome>,
}

impl Future for Running {
    type Output = (Arc<Row>, Outcome);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.sending.as_mut().poll(context).map(|outcome| (Arc::clone(&self.row), outcome))
    }
}

impl<S> Run<S>
where
    S: Stream + Send,
    S::Item: Into<CustomerRecord> + Send,
{
    pub(super) fn new(way: Way, records: S, on_progress: Option<Arc<OnProgress>>, orders: Arc<Orders>) -> Self {
        Self {
            records: Box::pin(records),
            most_held: 2 * way.pace.max_in_flight,
            most_unsent: if way.pace.learned { 1 } else { way.pace.max_in_flight },
            way: Arc::new(way),
            has_ended: false,
            next_index: 0,
            lanes: Lanes::new(),
            running: FuturesUnordered::new(),
            ready: VecDeque::new(),
            guard: Guard::default(),
            orders,
            meter: Meter::default(),
            on_progress,
        }
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Outcome> + Send + use<S> {
        unfold(self, |mut run| async move {
            let outcome = run.next().await?;
            run.tell(&outcome);
            Some((outcome, run))
        })
    }

    async fn next(&mut self) -> Option<Outcome> {
        loop {
            if let Some(outcome) = self.ready.pop_front() {
                return Some(outcome);
            }
            let finish = self.orders.finish();
            self.has_ended |= finish.is_some_and(|finish| !finish.reads_on);
            if self.has_ended && self.running.is_empty() {
                return None;
            }
            let unsent = self.way.unsent.rows.load(Ordering::Relaxed);
            let has_room = !self.has_ended && self.lanes.held() < self.most_held && unsent < self.most_unsent;
            let way = Arc::clone(&self.way);
            let orders = Arc::clone(&self.orders);
            tokio::select! {
                biased;
                Some((row, outcome)) = self.running.next() => {
                    self.end(&row, &outcome);
                    return Some(outcome);
                }
                record = self.records.next(), if has_room => match record {
                    None => self.has_ended = true,
                    Some(record) => {
                        if let Some(refused) = self.take(&record.into()) {
                            return Some(refused);
                        }
                    }
                },
                // Another record may be read now.
                () = way.unsent.has_fallen.notified(), if !self.has_ended => {}
                () = orders.given.notified() => {}
                finish = until(finish), if finish.is_some() => if let Some(finish) = finish {
                    self.give_up(&unfinished(finish.time), |_| true);
                },
            }
        }
    }

    /// Checks a record and lets it into its lane; gives the outcome of one that is refused.
    fn take(&mut self, record: &CustomerRecord) -> Option<Outcome> {
        let index = self.next_index;
        self.next_index += 1;
        match check(record, &self.way.client.config().check, None) {
            Err(found) => Some(Outcome { index, result: Err(Error::validation(found)), attempts: 0, key: None }),
            Ok((customer, body, _)) => {
                let key = customer.identity();
                let row = Arc::new(Row::new(index, key.clone(), body.into()));
                if let Some(row) = self.lanes.enter(&key, row) {
                    self.start(row);
                }
                None
            }
        }
    }

    fn start(&self, row: Arc<Row>) {
        self.way.unsent.add();
        let sending = Arc::clone(&row).send(Arc::clone(&self.way));
        self.running.push(Running { row, sending: Box::pin(sending) });
    }

    /// Goes on after a row has ended, or stops the batch for what it ended with.
    fn end(&mut self, row: &Row, outcome: &Outcome) {
        let next = self.lanes.leave(&row.key);
        let result = outcome.result.as_ref().map(|_| ());
        let reason = self.guard.saw(result).or_else(|| {
            let error = outcome.result.as_ref().err()?;
            self.way
                .is_hopeless(error)
                .then(|| not_sent(error, "the server has let nothing through for too long; try again later"))
        });
        if let Some(reason) = reason {
            self.orders.stopped.get_or_init(|| reason);
            self.way.is_stopped.store(true, Ordering::Relaxed);
        }
        match (next, self.orders.stopped.get().cloned()) {
            (Some(next), None) => self.start(next),
            (next, Some(reason)) => {
                // It was its turn, and it was not started.
                if let Some(row) = next {
                    self.lanes.leave_alone(&row.key);
                    self.ready.push_back(row.given_up(&reason));
                }
                self.give_up(&reason, |row| !row.is_out());
            }
            (None, None) => {}
        }
    }

    /// Gives up the rows that are chosen, and all that wait for another; what is left comes back.
    fn give_up(&mut self, reason: &Error, is_chosen: impl Fn(&Row) -> bool) {
        self.has_ended = true;
        for running in std::mem::take(&mut self.running) {
            match is_chosen(&running.row) {
                true => self.give_up_row(&running.row, reason),
                false => self.running.push(running),
            }
        }
        let waiting: Vec<_> = self.lanes.drain_waiting().collect();
        self.ready.extend(waiting.iter().map(|row| row.given_up(reason)));
    }

    fn give_up_row(&mut self, row: &Row, reason: &Error) {
        if !row.was_sent() {
            self.way.unsent.remove();
        }
        self.lanes.leave_alone(&row.key);
        self.ready.push_back(row.given_up(reason));
    }

    fn tell(&mut self, outcome: &Outcome) {
        let Some(on_progress) = &self.on_progress else { return };
        self.meter.count(outcome.ok(), self.way.began.elapsed());
        let limit = self.way.client.pacer().limit();
        on_progress(&self.meter.progress(self.lanes.held() + self.ready.len(), limit));
    }
}

async fn until(finish: Option<Finish>) -> Option<Finish> {
    sleep_until(finish?.at).await;
    finish
}
