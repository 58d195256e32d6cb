//! [`Client::upsert_many`]: order, concurrency, pace, and one outcome for each record.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesUnordered, unfold};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

use crate::check::check;
use crate::client::{Client, finish};
use crate::config::{check_concurrency, check_rate};
use crate::contact::Contact;
use crate::error::{Error, ErrorCode};
use crate::lanes::Lanes;
use crate::record::CustomerRecord;
use crate::retry::{Failure, Next, Retries, RetryPolicy};

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
    /// Keep to `max_rate`.
    #[default]
    Fixed,
    /// As fast as `max_concurrency` allows; for servers without a limit. A 429 still pauses.
    Off,
}

/// Options of [`Client::upsert_many`]; what is not set is taken from the client.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct UpsertManyOptions {
    max_concurrency: Option<usize>,
    max_rate: Option<f64>,
    pacing: Pacing,
}

impl UpsertManyOptions {
    /// Sets how many calls may be in flight, 1 to 1024. Default: the client's, or 32.
    #[must_use]
    pub fn max_concurrency(mut self, calls: usize) -> Self {
        self.max_concurrency = Some(calls);
        self
    }

    /// Sets the calls per second, a ceiling. Default: the client's, or 5.
    #[must_use]
    pub fn max_rate(mut self, rate: f64) -> Self {
        self.max_rate = Some(rate);
        self
    }

    /// Sets whether the batch keeps to a rate. Default: yes.
    #[must_use]
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }
}

impl Client {
    /// Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.
    ///
    /// Records of one contact are sent one after another, in the order given. At most
    /// 2 × `max_concurrency` records are held. Nothing happens while the stream is not
    /// polled; dropping it ends the calls in flight. A record that fails is an outcome, not an error.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if an option is out of range.
    pub fn upsert_many<S>(
        &self,
        records: S,
        options: UpsertManyOptions,
    ) -> Result<impl Stream<Item = Outcome> + Send + use<S>, Error>
    where
        S: Stream + Send,
        S::Item: Into<CustomerRecord> + Send,
    {
        Ok(Batch::new(self.clone(), records, options)?.into_stream())
    }

    /// Returns how many records [`upsert_many`](Self::upsert_many) holds at most: 2 × `max_concurrency`.
    ///
    /// A door that feeds a batch from another thread need not read further ahead than this.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if `max_concurrency` is out of range.
    pub fn most_held(&self, options: &UpsertManyOptions) -> Result<usize, Error> {
        let calls = options.max_concurrency.or(self.config().max_concurrency).unwrap_or(DEFAULT_CONCURRENCY);
        Ok(2 * check_concurrency(calls)?)
    }
}

/// A batch under way.
pub(crate) struct Batch<S> {
    client: Client,
    records: Pin<Box<S>>,
    has_ended: bool,
    next_index: u64,
    pace: Pace,
    most_held: usize,
    most_unsent: usize,
    lanes: Lanes<Row>,
    running: FuturesUnordered<BoxFuture<'static, (Row, Outcome)>>,
}

/// What all rows of a batch keep to.
#[derive(Clone)]
struct Pace {
    slots: Arc<Semaphore>,
    max_rate: Option<f64>,
    policy: RetryPolicy,
    unsent: Arc<Unsent>,
}

/// The rows that wait for their first permit.
///
/// A batch that keeps to a rate reads no record before the last one has gone out: what was
/// read would only wait, and still be sent after the caller has ended the source.
#[derive(Default)]
struct Unsent {
    rows: AtomicUsize,
    has_fallen: Notify,
}

impl Unsent {
    fn add(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    fn remove(&self) {
        self.rows.fetch_sub(1, Ordering::Relaxed);
        self.has_fallen.notify_one();
    }
}

/// A checked record on its way.
struct Row {
    index: u64,
    key: String,
    body: Bytes,
}

impl<S> Batch<S>
where
    S: Stream + Send,
    S::Item: Into<CustomerRecord> + Send,
{
    pub(crate) fn new(client: Client, records: S, options: UpsertManyOptions) -> Result<Self, Error> {
        let config = client.config();
        let most_held = client.most_held(&options)?;
        let max_rate = options.max_rate.map(check_rate).transpose()?.or(config.max_rate).unwrap_or(DEFAULT_RATE);
        let max_rate = (options.pacing == Pacing::Fixed).then_some(max_rate);
        let policy = RetryPolicy { max_retries: MOST_ATTEMPTS - 1, ..config.retry };
        let in_flight = most_held / 2;
        let pace =
            Pace { slots: Arc::new(Semaphore::new(in_flight)), max_rate, policy, unsent: Arc::new(Unsent::default()) };
        Ok(Self {
            records: Box::pin(records),
            client,
            has_ended: false,
            next_index: 0,
            pace,
            most_held,
            most_unsent: if max_rate.is_some() { 1 } else { in_flight },
            lanes: Lanes::new(),
            running: FuturesUnordered::new(),
        })
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Outcome> + Send + use<S> {
        unfold(self, |mut batch| async move { Some((batch.next().await?, batch)) })
    }

    async fn next(&mut self) -> Option<Outcome> {
        loop {
            let unsent = self.pace.unsent.rows.load(Ordering::Relaxed);
            let has_room = !self.has_ended && self.lanes.held() < self.most_held && unsent < self.most_unsent;
            tokio::select! {
                biased;
                Some((row, outcome)) = self.running.next() => {
                    if let Some(next) = self.lanes.leave(&row.key) {
                        self.start(next);
                    }
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
                () = self.pace.unsent.has_fallen.notified(), if !self.has_ended => {}
                else => return None,
            }
        }
    }

    /// Checks a record and lets it into its lane; gives the outcome of one that is refused.
    fn take(&mut self, record: &CustomerRecord) -> Option<Outcome> {
        let index = self.next_index;
        self.next_index += 1;
        match check(record, &self.client.config().check, None) {
            Err(found) => Some(Outcome { index, result: Err(Error::validation(found)), attempts: 0, key: None }),
            Ok((customer, body, _)) => {
                let key = customer.identity();
                let row = Row { index, key: key.clone(), body: body.into() };
                if let Some(row) = self.lanes.enter(&key, row) {
                    self.start(row);
                }
                None
            }
        }
    }

    fn start(&self, row: Row) {
        let (client, pace) = (self.client.clone(), self.pace.clone());
        pace.unsent.add();
        self.running.push(Box::pin(async move {
            let (result, attempts) = send(&client, &pace, &row.body).await;
            let outcome = Outcome { index: row.index, result, attempts, key: Some(row.key.clone()) };
            (row, outcome)
        }));
    }
}

/// Sends one row until it is accepted, refused, or has had its share of attempts or time.
///
/// Waiting for a retry holds no slot, so a stuck row does not slow the others. A 429 is the
/// fault of all rows together: it pauses them all and spends no attempt of this one.
async fn send(client: &Client, pace: &Pace, body: &Bytes) -> (Result<Contact, Error>, u32) {
    let started = Instant::now();
    let mut retries = Retries::new(pace.policy);
    let mut in_attempts = Duration::ZERO;
    loop {
        let (attempt, took) = attempt(client, pace, body, retries.attempts() == 0).await;
        in_attempts += took;
        let failure = match attempt {
            Ok(contact) => return (Ok(finish(contact, retries.attempts() + 1, started)), retries.attempts() + 1),
            Err(failure) => failure,
        };
        if is_worth_a_pause(&failure, started) {
            retries.count();
            continue;
        }
        // Pauses and queues are not this row's fault, so only its own time counts.
        let remaining = LONGEST_ROW.saturating_sub(in_attempts);
        match retries.after(&failure, remaining, fastrand::f64()) {
            Next::Retry { wait } => {
                in_attempts += wait;
                sleep(wait).await;
            }
            Next::GiveUp => {
                return (Err(retries.conclude(failure.error)), retries.attempts());
            }
        }
    }
}

async fn attempt(client: &Client, pace: &Pace, body: &Bytes, is_first: bool) -> (Result<Contact, Failure>, Duration) {
    // The semaphore is never closed.
    let _in_batch = pace.slots.acquire().await.ok();
    let _in_client = client.slot().await;
    client.permit(pace.max_rate).await;
    if is_first {
        pace.unsent.remove();
    }
    let sent = Instant::now();
    let attempt = client.attempt(body.clone(), client.config().attempt_timeout).await;
    (attempt, sent.elapsed())
}

/// Returns whether a 429 may be waited for: not for ever, and not for hours at a time.
fn is_worth_a_pause(failure: &Failure, started: Instant) -> bool {
    let asked = failure.error.retry_after().unwrap_or_default();
    failure.error.code() == ErrorCode::RateLimited && started.elapsed().saturating_add(asked) < LONGEST_PAUSED
}

const DEFAULT_CONCURRENCY: usize = 32;

// The pace that the API's own bulk example teaches: one call each 200 ms.
const DEFAULT_RATE: f64 = 5.0;

const MOST_ATTEMPTS: u32 = 8;
const LONGEST_ROW: Duration = Duration::from_secs(600);
const LONGEST_PAUSED: Duration = Duration::from_secs(3600);
