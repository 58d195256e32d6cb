//! What the server's answers say: how long they take, and how many refuse. Times are seconds.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Latency {
    /// Over the last 25 answers or so.
    pub(super) recent: f64,
    /// Over the last 500 or so.
    pub(super) usual: f64,
    pub(super) count: f64,
    /// Whether calls queue at the server, so that the rate is lowered until they do not.
    pub(super) is_queueing: bool,
    pub(super) reacted_at: f64,
}

/// The last answers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Answers {
    /// Newest lowest: one for a refusal.
    refusals: u16,
    accepted_at: [f64; RECENT],
    accepted: usize,
}

impl Latency {
    pub(super) fn new(now: f64) -> Self {
        Self { recent: FIRST_GUESS, usual: FIRST_GUESS, count: 0.0, is_queueing: false, reacted_at: now }
    }

    pub(super) fn learn(&mut self, seconds: f64) {
        self.count += 1.0;
        self.recent += (seconds - self.recent) / self.count.min(25.0);
        let slowness = if seconds < self.usual { 50.0 } else { 500.0 };
        self.usual += (seconds - self.usual) / self.count.min(slowness);
    }
}

impl Answers {
    pub(super) fn new(now: f64) -> Self {
        Self { refusals: 0, accepted_at: [now; RECENT], accepted: 0 }
    }

    pub(super) fn accept(&mut self, now: f64) {
        self.refusals <<= 1;
        self.accepted_at[self.accepted % RECENT] = now;
        self.accepted += 1;
    }

    pub(super) fn refuse(&mut self) {
        self.refusals = self.refusals << 1 | 1;
    }

    /// Counts the refusals among the last 12 answers.
    pub(super) fn recent_refusals(&self) -> u32 {
        (self.refusals & 0xfff).count_ones()
    }

    /// Returns how many calls were let through a second, over the last 20.
    pub(super) fn accepted_per_second(&self, now: f64) -> f64 {
        let (oldest, count) = match self.accepted {
            0 | 1 => return 0.0,
            few if few <= RECENT => (self.accepted_at[0], few),
            many => (self.accepted_at[many % RECENT], RECENT),
        };
        #[allow(clippy::cast_precision_loss)] // At most 20.
        let count = (count - 1) as f64;
        count / (now - oldest).max(0.001)
    }
}

const RECENT: usize = 20;
const FIRST_GUESS: f64 = 0.2;
