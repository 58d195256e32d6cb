//! How many retries the calls of one key may make together, so that an outage is not made worse.

use serde::{Deserialize, Serialize};

/// Tokens that retries cost and successes bring back. Times are seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Budget {
    tokens: f64,
    refilled_at: f64,
}

impl Budget {
    pub(crate) fn new(now: f64) -> Self {
        Self { tokens: CAPACITY, refilled_at: now }
    }

    /// Takes the cost of one retry; after a timeout it costs double, for the server may still be at work.
    pub(crate) fn take(&mut self, now: f64, after_timeout: bool) -> bool {
        self.refill(now);
        let cost = if after_timeout { 2.0 * RETRY_COST } else { RETRY_COST };
        if self.tokens < cost {
            return false;
        }
        self.tokens -= cost;
        true
    }

    pub(crate) fn succeeded(&mut self) {
        self.tokens = (self.tokens + 1.0).min(CAPACITY);
    }

    fn refill(&mut self, now: f64) {
        self.tokens = (self.tokens + (now - self.refilled_at).max(0.0) * REFILL).min(CAPACITY);
        self.refilled_at = now;
    }
}

// The first two are those of the AWS SDKs. The third allows a retry each second, so that a batch goes on.
const CAPACITY: f64 = 500.0;
const RETRY_COST: f64 = 5.0;
const REFILL: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_retries_use_the_budget_up_and_time_and_successes_bring_it_back() {
        let mut budget = Budget::new(0.0);
        assert_eq!((0..200).filter(|_| budget.take(0.0, false)).count(), 100);
        (0..5).for_each(|_| budget.succeeded());
        assert!(budget.take(0.0, false) && !budget.take(0.0, false));
        assert!(!budget.take(1.0, true), "a retry after a timeout costs double");
        assert!(budget.take(2.0, true));
    }
}
