//! Whether to try again, and when. Pure: no clock, no I/O, no randomness of its own.
//!
//! Trying again is safe because the API's page says of the call: "Idempotent: Safe to call
//! multiple times with the same data". Waits grow from `backoff` to `backoff_cap` with full
//! jitter, so that callers that failed together do not come back together. What the server
//! asks for by `Retry-After` is obeyed. A wait that the deadline does not allow is not
//! begun: the last error is the answer at once.

use std::time::Duration;

use crate::error::{Delivery, Error, ErrorCode};

/// How often and how patiently to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RetryPolicy {
    pub(crate) max_retries: u32,
    pub(crate) backoff: Duration,
    pub(crate) backoff_cap: Duration,
}

/// Why one attempt brought no contact.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the connection ended before any byte of the answer.
    pub(crate) cut_off: bool,
}

impl Failure {
    /// Returns whether the server refused because there were too many calls.
    pub(crate) fn is_throttled(&self) -> bool {
        self.error.code() == ErrorCode::RateLimited
    }

    /// Returns whether the fault lies with the server or the way to it, and not with the record.
    pub(crate) fn is_outage(&self) -> bool {
        self.error.retryable() && !self.is_throttled()
    }

    pub(crate) fn is_timeout(&self) -> bool {
        self.error.code() == ErrorCode::Timeout
    }
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Next {
    Retry { wait: Duration },
    GiveUp,
}

/// The attempts of one call so far.
#[derive(Debug, Clone)]
pub(crate) struct Retries {
    policy: RetryPolicy,
    attempts: u32,
    spent: u32,
    has_reconnected: bool,
    may_have_arrived: bool,
}

impl Retries {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, attempts: 0, spent: 0, has_reconnected: false, may_have_arrived: false }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Counts an attempt that failed without using up a retry.
    pub(crate) fn count(&mut self, failure: &Failure) {
        self.attempts += 1;
        self.may_have_arrived |= failure.error.delivery() == Delivery::Unknown;
    }

    /// Returns the error that ends the call, with what all its attempts have in common.
    pub(crate) fn conclude(&self, error: Error) -> Error {
        error.with(|details| {
            details.attempts = self.attempts;
            // The last attempt did not leave this machine, but an earlier one may have arrived.
            if self.may_have_arrived && details.delivery == Delivery::NotSent {
                details.delivery = Delivery::Unknown;
            }
        })
    }

    /// Decides what follows a failure; `jitter` is random in 0..1.
    pub(crate) fn after(&mut self, failure: &Failure, remaining: Duration, jitter: f64) -> Next {
        self.attempts += 1;
        self.may_have_arrived |= failure.error.delivery() == Delivery::Unknown;
        if !failure.error.retryable() || remaining.is_zero() {
            return Next::GiveUp;
        }
        // Servers close idle connections at the moment we reuse them; that is nobody's failure.
        if failure.cut_off && !self.has_reconnected {
            self.has_reconnected = true;
            return Next::Retry { wait: Duration::ZERO };
        }
        if self.spent >= self.policy.max_retries {
            return Next::GiveUp;
        }
        let wait = failure.error.retry_after().unwrap_or_else(|| self.policy.wait(self.spent).mul_f64(jitter));
        self.spent += 1;
        match wait < remaining {
            true => Next::Retry { wait },
            false => Next::GiveUp,
        }
    }
}

impl RetryPolicy {
    /// Returns the longest wait after so many retries.
    pub(crate) fn wait(&self, retries: u32) -> Duration {
        let doubled = 2_u32.checked_pow(retries).and_then(|factor| self.backoff.checked_mul(factor));
        doubled.map_or(self.backoff_cap, |wait| wait.min(self.backoff_cap))
    }
}

/// Returns whether the same call may succeed later.
pub(crate) fn is_retryable(code: ErrorCode, status: Option<u16>) -> bool {
    match code {
        ErrorCode::Connection | ErrorCode::Timeout => true,
        _ => matches!(status, Some(408 | 425 | 429 | 500 | 502 | 503 | 504)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { max_retries: 2, backoff: Duration::from_millis(250), backoff_cap: Duration::from_secs(8) };
    const LONG: Duration = Duration::from_secs(30);

    fn failure(cut_off: bool, retry_after: Option<Duration>) -> Failure {
        let error = Error::new(ErrorCode::Server, "failed").with(|details| {
            details.retryable = true;
            details.retry_after = retry_after;
        });
        Failure { error, cut_off }
    }

    #[test]
    fn waits_twice_as_long_each_time_up_to_the_cap() {
        let waits: Vec<_> = (0..8).map(|retries| POLICY.wait(retries).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(POLICY.wait(u32::MAX), POLICY.backoff_cap);
    }

    #[test]
    fn reconnects_once_without_spending_a_retry() {
        let mut retries = Retries::new(POLICY);
        let decisions: Vec<_> = (0..4).map(|_| retries.after(&failure(true, None), LONG, 0.0)).collect();
        assert_eq!(decisions[..3], [Next::Retry { wait: Duration::ZERO }; 3]);
        assert_eq!(decisions[3], Next::GiveUp);
        assert_eq!(retries.attempts(), 4);
    }

    #[test]
    fn obeys_the_server_if_the_deadline_allows_and_gives_up_at_once_otherwise() {
        let asked = Some(Duration::from_secs(5));
        let decide = |remaining| Retries::new(POLICY).after(&failure(false, asked), remaining, 0.5);
        assert_eq!(decide(LONG), Next::Retry { wait: Duration::from_secs(5) });
        assert_eq!(decide(Duration::from_secs(5)), Next::GiveUp);
    }
}
