//! How far a batch has come.

use std::collections::VecDeque;
use std::time::Duration;

/// How far a batch has come; see [`UpsertManyOptions::on_progress`](crate::UpsertManyOptions::on_progress).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct BatchProgress {
    /// Records that the server has accepted.
    pub accepted: u64,
    /// Records that have failed, for whatever reason.
    pub rejected: u64,
    /// Records that were taken and have no outcome yet.
    pub in_flight: u64,
    /// Outcomes a second, over the last ones.
    pub rate: f64,
    /// What the server allows, in calls per second, as far as it was learned.
    pub learned_limit: Option<f64>,
}

/// Counts outcomes, and how fast they come. Pure; times count from any fixed moment.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    progress: BatchProgress,
    ended_at: VecDeque<Duration>,
}

impl Meter {
    /// Counts one outcome.
    pub(crate) fn count(&mut self, is_accepted: bool, now: Duration) {
        match is_accepted {
            true => self.progress.accepted += 1,
            false => self.progress.rejected += 1,
        }
        if self.ended_at.len() == WINDOW {
            self.ended_at.pop_front();
        }
        self.ended_at.push_back(now);
    }

    pub(crate) fn progress(&self, in_flight: usize, learned_limit: Option<f64>) -> BatchProgress {
        let seconds = match (self.ended_at.front(), self.ended_at.back()) {
            (Some(first), Some(last)) => last.saturating_sub(*first).as_secs_f64(),
            _ => 0.0,
        };
        #[allow(clippy::cast_precision_loss)] // At most 50.
        let rate = if seconds > 0.0 { (self.ended_at.len() - 1) as f64 / seconds } else { 0.0 };
        BatchProgress { in_flight: in_flight as u64, rate, learned_limit, ..self.progress }
    }
}

const WINDOW: usize = 50;
