//! One record of a batch on its way: attempts, waits, and what ends them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::call::Call;
use crate::client::{Client, finish};
use crate::contact::Contact;
use crate::error::{Delivery, Error, ErrorCode, Phase};
use crate::pacer::{Pace, Verdict};
use crate::retry::{Failure, Next, Retries, RetryPolicy};
use crate::trace_context::TraceContext;

use super::Outcome;

/// A checked record.
pub(super) struct Row {
    pub(super) index: u64,
    pub(super) key: String,
    pub(super) body: Bytes,
    attempts: AtomicU32,
    is_out: AtomicBool,
}

/// What all rows of a batch keep to.
pub(super) struct Way {
    pub(super) client: Client,
    pub(super) pace: Pace,
    pub(super) began: Instant,
    trace: Option<TraceContext>,
    pub(super) unsent: Unsent,
    /// Whether what is still with the server is the last.
    pub(super) is_stopped: AtomicBool,
    /// Rows ask for their permit one after another, in the order in which they came.
    turn: Mutex<()>,
    slots: Semaphore,
    policy: RetryPolicy,
}

/// The rows that wait for their first permit.
///
/// A batch that keeps to a rate reads no record before the last one has gone out: what was
/// read would only wait, and still be sent after the caller has ended the source.
#[derive(Default)]
pub(super) struct Unsent {
    pub(super) rows: AtomicUsize,
    pub(super) has_fallen: Notify,
}

impl Unsent {
    pub(super) fn add(&self) {
        self.rows.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove(&self) {
        self.rows.fetch_sub(1, Ordering::Relaxed);
        self.has_fallen.notify_one();
    }
}

impl Row {
    pub(super) fn new(index: u64, key: String, body: Bytes) -> Self {
        Self { index, key, body, attempts: AtomicU32::new(0), is_out: AtomicBool::new(false) }
    }

    /// Returns whether a request is with the server, or may be.
    pub(super) fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    pub(super) fn was_sent(&self) -> bool {
        self.attempts.load(Ordering::Relaxed) > 0
    }

    /// Returns the outcome of a row that is given up, for a reason that is not its own.
    pub(super) fn given_up(&self, reason: &Error) -> Outcome {
        let attempts = self.attempts.load(Ordering::Relaxed);
        let error = reason.clone().with(|details| {
            details.attempts = attempts;
            details.delivery = if attempts > 0 { Delivery::Unknown } else { Delivery::NotSent };
        });
        Outcome { index: self.index, result: Err(error), attempts, key: Some(self.key.clone()) }
    }

    /// Sends the row until it is accepted, refused, or has had its share of attempts or time.
    ///
    /// Waiting for a retry holds no slot, so a stuck row does not slow the others. A 429 is the fault of all rows
    /// together: it pauses them all and spends no attempt of this one. Nor does a failure while the server is gone.
    pub(super) async fn send(self: Arc<Self>, way: Arc<Way>) -> Outcome {
        let call = Call::of_row(way.client.config(), self.index, way.trace.clone());
        let result = self.carry(&way, &call).instrument(call.span.clone()).await;
        let attempts = self.attempts.load(Ordering::Relaxed);
        call.ended(attempts, result.as_ref().map(|_| ()));
        Outcome { index: self.index, result, attempts, key: Some(self.key.clone()) }
    }

    async fn carry(&self, way: &Way, call: &Call<'_>) -> Result<Contact, Error> {
        let started = Instant::now();
        let mut retries = Retries::new(way.policy);
        let mut in_attempts = Duration::ZERO;
        loop {
            let number = retries.attempts() + 1;
            let (attempt, took) = self.attempt(way, call, number).await;
            in_attempts += took;
            let failure = match attempt {
                Ok(contact) => return Ok(finish(contact, number, started)),
                Err(failure) => failure,
            };
            if way.is_stopped.load(Ordering::Relaxed) {
                retries.count(&failure);
                return Err(retries.conclude(failure.error));
            }
            if failure.is_throttled() || (failure.is_outage() && way.client.pacer().is_outage()) {
                retries.count(&failure);
                if way.is_hopeless(&failure.error) {
                    return Err(retries.conclude(failure.error));
                }
                call.will_retry(number, &failure, None);
                continue;
            }
            // Pauses and queues are not this row's fault, so only its own time counts.
            let remaining = LONGEST_ROW.saturating_sub(in_attempts);
            match retries.after(&failure, remaining, fastrand::f64()) {
                Next::GiveUp => return Err(retries.conclude(failure.error)),
                Next::Retry { wait } => {
                    call.will_retry(number, &failure, Some(wait));
                    in_attempts += wait_to_retry(way, wait, remaining, failure.is_timeout()).await;
                }
            }
        }
    }

    async fn attempt(&self, way: &Way, call: &Call<'_>, number: u32) -> (Result<Contact, Failure>, Duration) {
        // The semaphore is never closed.
        let _in_batch = way.slots.acquire().await.ok();
        let _in_client = way.client.slot().await;
        let flight = {
            let _turn = if way.pace.learned { Some(way.turn.lock().await) } else { None };
            way.client.pacer().permit(&way.pace).await
        };
        if self.attempts.fetch_add(1, Ordering::Relaxed) == 0 {
            way.unsent.remove();
        }
        self.is_out.store(true, Ordering::Relaxed);
        let sent = Instant::now();
        let attempt_timeout = way.client.config().attempt_timeout;
        let attempt = way.client.attempt(call, number, self.body.clone(), attempt_timeout).await;
        self.is_out.store(false, Ordering::Relaxed);
        flight.answered(self.verdict(&attempt), &way.pace);
        (attempt, sent.elapsed())
    }

    fn verdict(&self, attempt: &Result<Contact, Failure>) -> Verdict {
        match attempt {
            Err(failure) if failure.is_outage() => Verdict::Failed { identity: hash(&self.key) },
            Err(failure) if failure.is_throttled() => Verdict::Throttled { retry_after: failure.error.retry_after() },
            Err(_) | Ok(_) => Verdict::Served,
        }
    }
}

impl Way {
    pub(super) fn new(client: Client, pace: Pace, trace: Option<TraceContext>) -> Self {
        let policy = RetryPolicy { max_retries: MOST_ATTEMPTS - 1, ..client.config().retry };
        let slots = Semaphore::new(pace.max_in_flight);
        Self {
            client,
            pace,
            began: Instant::now(),
            trace,
            unsent: Unsent::default(),
            is_stopped: AtomicBool::new(false),
            turn: Mutex::new(()),
            slots,
            policy,
        }
    }

    /// Returns whether the server has let nothing through for too long, or asks for too long a wait.
    pub(super) fn is_hopeless(&self, error: &Error) -> bool {
        self.client.pacer().is_hopeless(self.began.elapsed(), error.retry_after().unwrap_or_default())
    }
}

/// Waits before a retry, and for what all calls together may spend on retries; returns how long that took.
async fn wait_to_retry(way: &Way, wait: Duration, remaining: Duration, after_timeout: bool) -> Duration {
    let began = Instant::now();
    if wait.is_zero() {
        return wait;
    }
    sleep(wait).await;
    while began.elapsed() < remaining && !way.client.pacer().may_retry(after_timeout) {
        sleep(BETWEEN_TRIES).await;
    }
    began.elapsed()
}

/// Returns the error of rows that a deadline ends.
pub(super) fn unfinished(time: Duration) -> Error {
    let message =
        format!("the batch was closed, and the record was not done within the {} s given", time.as_secs_f64());
    Error::new(ErrorCode::Timeout, message).with(|details| {
        details.phase = Some(Phase::Queue);
        details.retryable = true;
    })
}

/// Tells identities apart without keeping them.
fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

const MOST_ATTEMPTS: u32 = 8;
const LONGEST_ROW: Duration = Duration::from_secs(600);
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
