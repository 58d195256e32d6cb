//! [`Client::upsert_many`]: order, concurrency, pace, and one outcome for each record.

mod guard;
mod progress;
mod row;
mod run;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use tracing::Span;

use crate::call::{batch_span, record_error};
use crate::client::Client;
use crate::config::{check_concurrency, check_rate, check_reserve};
use crate::contact::Contact;
use crate::error::Error;
use crate::pacer::Pace;
use crate::record::CustomerRecord;

pub use progress::BatchProgress;

use row::Way;
use run::{Orders, Run};

/// What became of one record of a batch.
#[derive(Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// The record's place in the input, from 0.
    pub index: u64,
    /// The contact, or why there is none.
    pub result: Result<Contact, Error>,
    /// How many times the record was sent.
    pub attempts: u32,
    /// The record's identity, unless it was refused; personal data.
    pub key: Option<String>,
}

impl Outcome {
    /// Returns whether the server accepted the record.
    pub fn ok(&self) -> bool {
        self.result.is_ok()
    }

    /// Returns the contact, if the server accepted the record.
    pub fn contact(&self) -> Option<&Contact> {
        self.result.as_ref().ok()
    }

    /// Returns why the record was not accepted.
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome").field("index", &self.index).field("result", &self.result).finish_non_exhaustive()
    }
}

/// Whether a batch keeps to a rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pacing {
    /// Find the server's limit, and keep just below it.
    #[default]
    Learned,
    /// As fast as `max_concurrency` allows; for servers without a limit. A 429 still pauses, and so does an outage.
    Off,
}

/// Options of [`Client::upsert_many`]; what is not set is taken from the client.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct UpsertManyOptions {
    max_concurrency: Option<usize>,
    max_rate: Option<f64>,
    reserve: Option<f64>,
    pacing: Pacing,
    on_progress: Option<Arc<OnProgress>>,
}

/// What is called as a batch comes on.
type OnProgress = dyn Fn(&BatchProgress) + Send + Sync;

impl UpsertManyOptions {
    /// Sets how many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32 without pacing.
    #[must_use]
    pub fn max_concurrency(mut self, calls: usize) -> Self {
        self.max_concurrency = Some(calls);
        self
    }

    /// Sets the calls per second, a ceiling. Default: the client's, or none.
    #[must_use]
    pub fn max_rate(mut self, rate: f64) -> Self {
        self.max_rate = Some(rate);
        self
    }

    /// Sets the share of the server's limit that is left to others, 0 to 0.9. Default: 0.
    #[must_use]
    pub fn reserve(mut self, share: f64) -> Self {
        self.reserve = Some(share);
        self
    }

    /// Sets whether the batch keeps to a rate. Default: the learned one.
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Sets what is called after each outcome, where the stream is polled. Default: nothing.
    #[must_use]
    pub fn on_progress(mut self, call: impl Fn(&BatchProgress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(call));
        self
    }

    fn pace(&self, client: &Client) -> Result<Pace, Error> {
        let config = client.config();
        let learned = self.pacing == Pacing::Learned;
        let default = if learned { DEFAULT_PACED_CONCURRENCY } else { DEFAULT_CONCURRENCY };
        Ok(Pace {
            learned,
            max_rate: self.max_rate.map(check_rate).transpose()?.or(config.max_rate).unwrap_or(f64::INFINITY),
            reserve: self.reserve.map(check_reserve).transpose()?.unwrap_or_default(),
            max_in_flight: check_concurrency(self.max_concurrency.or(config.max_concurrency).unwrap_or(default))?,
        })
    }
}

impl fmt::Debug for UpsertManyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("UpsertManyOptions");
        shown.field("max_concurrency", &self.max_concurrency).field("max_rate", &self.max_rate);
        shown.field("reserve", &self.reserve).field("pacing", &self.pacing).finish_non_exhaustive()
    }
}

impl Client {
    /// Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.
    ///
    /// Records of one contact are sent one after another, in the order given. At most
    /// 2 × `max_concurrency` records are held. Nothing happens while the stream is not
    /// polled; dropping it ends the calls in flight. A record that fails is an outcome, not an error.
    ///
    /// The pace is the server's limit, found by trying. A batch stops early, and
    /// [`UpsertMany::stopped`] says why, when the key is refused, when 20 of the first 50 answers refuse for
    /// one reason, and when the server has failed everything for 15 minutes, or refused everything with 429 for an hour.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](crate::ErrorCode::Config) if an option is out of range, or the trace of another form than
    /// the standard's.
    pub fn upsert_many<'r, S>(&self, records: S, options: UpsertManyOptions) -> Result<UpsertMany<'r>, Error>
    where
        S: Stream + Send + 'r,
        S::Item: Into<CustomerRecord> + Send,
    {
        let pace = options.pace(self)?;
        let orders = Arc::new(Orders::default());
        let span = batch_span();
        let trace = span.in_scope(|| self.config().trace.now())?;
        let way = Way::new(self.clone(), pace, trace);
        let run = Run::new(way, records, options.on_progress, Arc::clone(&orders));
        Ok(UpsertMany { outcomes: Box::pin(run.into_stream()), orders, span })
    }

    /// Returns how many records [`upsert_many`](Self::upsert_many) holds at most: 2 × `max_concurrency`.
    ///
    /// A door that feeds a batch from another thread need not read further ahead than this.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](crate::ErrorCode::Config) if an option is out of range.
    pub fn most_held(&self, options: &UpsertManyOptions) -> Result<usize, Error> {
        Ok(2 * options.pace(self)?.max_in_flight)
    }
}

/// The outcomes of a batch, in the order of completion.
pub struct UpsertMany<'r> {
    outcomes: Pin<Box<dyn Stream<Item = Outcome> + Send + 'r>>,
    orders: Arc<Orders>,
    span: Span,
}

impl UpsertMany<'_> {
    /// Returns why the batch stopped before its records ended, if it did.
    ///
    /// Records that were taken and not sent have outcomes with this error; the others were not read.
    pub fn stopped(&self) -> Option<&Error> {
        self.orders.stopped.get()
    }

    /// Returns what can end this batch from elsewhere.
    pub fn handle(&self) -> UpsertManyHandle {
        UpsertManyHandle { orders: Arc::clone(&self.orders) }
    }

    /// Reads no more records, and gives those that were taken so much time. The stream then ends with an outcome for
    /// each: what is not done by then failed with [`ErrorCode::Timeout`](crate::ErrorCode::Timeout).
    pub fn finish_within(&self, time: Duration) {
        self.orders.finish_within(time, false);
    }
}

/// Ends a batch that is polled elsewhere.
#[derive(Clone)]
pub struct UpsertManyHandle {
    orders: Arc<Orders>,
}

impl UpsertManyHandle {
    /// See [`UpsertMany::finish_within`].
    pub fn finish_within(&self, time: Duration) {
        self.orders.finish_within(time, false);
    }

    /// As [`finish_within`](Self::finish_within), but reads on for as long: for a door that has ended its source
    /// itself, and whose last records are on their way.
    pub fn give_up_after(&self, time: Duration) {
        self.orders.finish_within(time, true);
    }

    /// Returns the error of the records that such a door had handed over when the stream ended without them.
    pub fn left_over(&self) -> Option<Error> {
        self.orders.left_over()
    }

    /// See [`UpsertMany::stopped`].
    pub fn stopped(&self) -> Option<&Error> {
        self.orders.stopped.get()
    }
}

impl Stream for UpsertMany<'_> {
    type Item = Outcome;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        let batch = self.get_mut();
        let _entered = batch.span.enter();
        let polled = batch.outcomes.as_mut().poll_next(context);
        if let (Poll::Ready(None), Some(error)) = (&polled, batch.orders.stopped.get()) {
            record_error(&batch.span, error);
        }
        polled
    }
}

impl fmt::Debug for UpsertMany<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpsertMany").field("stopped", &self.stopped()).finish_non_exhaustive()
    }
}

const DEFAULT_CONCURRENCY: usize = 32;
// A rate of 250 a second at a latency of a second; the rate holds calls back, not this.
const DEFAULT_PACED_CONCURRENCY: usize = 512;
