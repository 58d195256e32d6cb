//! A rate limit to try pacing against; the page documents none.

use std::time::{Duration, Instant, SystemTime};

use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};

/// How many calls a tenant may make.
///
/// `PUT /_emulator/rate-limit` takes one, for example
/// `{"kind": "bucket", "rate": 5, "burst": 10, "retry_after": "seconds"}` or
/// `{"kind": "window", "calls": 100, "window_ms": 1000}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RateLimit {
    /// So many calls per second, and so many at once after a pause.
    Bucket {
        /// Calls per second.
        rate: f64,
        /// The most calls at once.
        burst: u32,
        /// What a refusal says about when to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
    /// So many calls in each window of time; windows follow one another without a gap.
    Window {
        /// Calls in a window.
        calls: u32,
        /// The window's length in milliseconds.
        window_ms: u64,
        /// What a refusal says about when to come back.
        #[serde(default)]
        retry_after: RetryAfter,
    },
}

/// The form of `Retry-After` in a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Whole seconds, rounded up.
    #[default]
    Seconds,
    /// A date.
    Date,
    /// No header.
    None,
}

/// A rate limit with what was used of it.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    since: Instant,
    /// Calls left in the bucket, or made in the window.
    count: f64,
    refused: u64,
}

impl RateLimit {
    /// Says what makes the limit impossible.
    pub(crate) fn check(&self) -> Result<(), String> {
        let reason = match self {
            Self::Bucket { rate, .. } if !(0.001..=1e9).contains(rate) => "rate must be between 0.001 and 1000000000",
            Self::Bucket { burst: 0, .. } => "burst must be at least 1",
            Self::Window { window_ms: 0 | 86_400_001.., .. } => "window_ms must be between 1 and 86400000",
            Self::Window { calls: 0, .. } => "calls must be at least 1",
            _ => return Ok(()),
        };
        Err(reason.to_owned())
    }

    pub(crate) fn retry_after(&self) -> RetryAfter {
        match self {
            Self::Bucket { retry_after, .. } | Self::Window { retry_after, .. } => *retry_after,
        }
    }
}

impl RetryAfter {
    /// Writes the header's value; nothing when there is to be none.
    pub(crate) fn header(self, wait: Duration) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::Seconds => wait.as_millis().div_ceil(1000).max(1).to_string(),
            // A date has whole seconds: one more, so that it is not too early.
            Self::Date => httpdate::fmt_http_date(SystemTime::now() + wait + Duration::from_secs(1)),
        };
        HeaderValue::try_from(text).ok()
    }
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit, now: Instant) -> Self {
        let count = match limit {
            RateLimit::Bucket { burst, .. } => f64::from(burst),
            RateLimit::Window { .. } => 0.0,
        };
        Self { limit, since: now, count, refused: 0 }
    }

    pub(crate) fn limit(&self) -> RateLimit {
        self.limit
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// Counts a call; how long to wait, when it is one too many.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let taken = match self.limit {
            RateLimit::Bucket { rate, burst, .. } => self.take_from_bucket(now, rate, f64::from(burst)),
            RateLimit::Window { calls, window_ms, .. } => {
                self.take_in_window(now, f64::from(calls), Duration::from_millis(window_ms))
            }
        };
        self.refused += u64::from(taken.is_err());
        taken
    }

    fn take_from_bucket(&mut self, now: Instant, rate: f64, burst: f64) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        self.count = (self.count + passed * rate).min(burst);
        if self.count >= 1.0 {
            self.count -= 1.0;
            return Ok(());
        }
        Err(Duration::try_from_secs_f64((1.0 - self.count) / rate).unwrap_or(Duration::MAX))
    }

    fn take_in_window(&mut self, now: Instant, calls: f64, window: Duration) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.since);
        if passed >= window {
            let windows = passed.as_nanos() / window.as_nanos().max(1);
            self.since += window * u32::try_from(windows).unwrap_or(u32::MAX);
            self.count = 0.0;
        }
        if self.count < calls {
            self.count += 1.0;
            return Ok(());
        }
        Err(window.saturating_sub(now.saturating_duration_since(self.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_bucket_fills_at_its_rate_up_to_its_burst() {
        let start = Instant::now();
        let limit = RateLimit::Bucket { rate: 10.0, burst: 2, retry_after: RetryAfter::Seconds };
        let mut limiter = Limiter::new(limit, start);
        assert_eq!([limiter.take(start), limiter.take(start)], [Ok(()), Ok(())]);
        assert_eq!(limiter.take(start), Err(100 * MS));
        assert!(limiter.take(start + 100 * MS).is_ok());
        let late = start + 60_000 * MS;
        assert!(limiter.take(late).is_ok() && limiter.take(late).is_ok());
        assert!(limiter.take(late).is_err());
        assert_eq!(limiter.refused(), 2);
    }

    #[test]
    fn windows_follow_one_another_without_a_gap() {
        let start = Instant::now();
        let limit = RateLimit::Window { calls: 1, window_ms: 100, retry_after: RetryAfter::None };
        let mut limiter = Limiter::new(limit, start);
        assert!(limiter.take(start + 90 * MS).is_ok());
        assert_eq!(limiter.take(start + 95 * MS), Err(5 * MS));
        assert!(limiter.take(start + 350 * MS).is_ok());
        assert_eq!(limiter.take(start + 390 * MS), Err(10 * MS));
    }

    #[test]
    fn impossible_limits_are_named() {
        let bucket = |rate, burst| RateLimit::Bucket { rate, burst, retry_after: RetryAfter::Date };
        let window = |calls, window_ms| RateLimit::Window { calls, window_ms, retry_after: RetryAfter::Date };
        for limit in [bucket(0.0, 1), bucket(f64::NAN, 1), bucket(1.0, 0), window(0, 1), window(1, 0)] {
            assert!(limit.check().is_err(), "{limit:?}");
        }
        assert!(bucket(0.5, 1).check().is_ok());
    }
}
