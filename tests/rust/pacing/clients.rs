//! The pacer and its rivals, as clients of the simulator. The rivals are mechanisms re-modelled from what is
//! published of them, not the programs themselves. Times are seconds.

use std::time::Duration;

use vambe::pacing::{Pace, Pacer, Permit, Verdict as Heard};

use crate::run::{Client, Turn};
use crate::server::Verdict;

/// The pacer of this crate.
pub struct Ours {
    pacer: Pacer,
    in_flight: usize,
    random: fastrand::Rng,
}

impl Ours {
    pub fn new(seed: u64) -> Self {
        Self { pacer: Pacer::new(Duration::ZERO, None), in_flight: 0, random: fastrand::Rng::with_seed(seed) }
    }
}

impl Client for Ours {
    fn turn(&mut self, now: f64) -> Turn {
        let pace = Pace { learned: true, max_rate: f64::INFINITY, reserve: 0.0, max_in_flight: 512 };
        match self.pacer.permit(Duration::from_secs_f64(now), self.in_flight, &pace) {
            Permit::Go => {
                self.in_flight += 1;
                Turn::Send
            }
            Permit::WaitUntil(time) => Turn::At(time.as_secs_f64()),
            Permit::WaitForAnswer => Turn::AfterAnswer,
        }
    }

    fn answered(&mut self, sent: f64, now: f64, verdict: Verdict) {
        self.in_flight -= 1;
        let (sent, now) = (Duration::from_secs_f64(sent), Duration::from_secs_f64(now));
        self.pacer.answered(sent, now, heard(verdict), true, self.random.f64());
    }
}

/// Workers that use one key, each a process of its own.
pub struct Workers {
    pacers: Vec<Pacer>,
    in_flight: Vec<usize>,
    /// When each call in flight was sent, and by whom.
    sent: Vec<(f64, usize)>,
    random: fastrand::Rng,
}

impl Workers {
    /// Workers that share the state of one pacer, as through a pace file.
    pub fn sharing(count: usize, seed: u64) -> Self {
        Self::new(count, 1, seed)
    }

    /// Workers that know nothing of each other.
    pub fn alone(count: usize, seed: u64) -> Self {
        Self::new(count, count, seed)
    }

    fn new(workers: usize, pacers: usize, seed: u64) -> Self {
        let pacers = vec![Pacer::new(Duration::ZERO, None); pacers];
        Self { pacers, in_flight: vec![0; workers], sent: Vec::new(), random: fastrand::Rng::with_seed(seed) }
    }
}

impl Client for Workers {
    fn turn(&mut self, now: f64) -> Turn {
        let pace = Pace { learned: true, max_rate: f64::INFINITY, reserve: 0.0, max_in_flight: 512 };
        let mut next = None;
        // Another one is asked first each time.
        let first = self.random.usize(..self.in_flight.len());
        for worker in (0..self.in_flight.len()).map(|index| (index + first) % self.in_flight.len()) {
            let pacer = worker % self.pacers.len();
            match self.pacers[pacer].permit(Duration::from_secs_f64(now), self.in_flight[worker], &pace) {
                Permit::Go => {
                    self.in_flight[worker] += 1;
                    self.sent.push((now, worker));
                    return Turn::Send;
                }
                Permit::WaitUntil(time) => next = Some(next.unwrap_or(f64::MAX).min(time.as_secs_f64())),
                Permit::WaitForAnswer => {}
            }
        }
        next.map_or(Turn::AfterAnswer, Turn::At)
    }

    fn answered(&mut self, sent: f64, now: f64, verdict: Verdict) {
        let Some(at) = self.sent.iter().position(|(time, _)| *time == sent) else { return };
        let (_, worker) = self.sent.swap_remove(at);
        self.in_flight[worker] -= 1;
        let pacer = worker % self.pacers.len();
        let (sent, now) = (Duration::from_secs_f64(sent), Duration::from_secs_f64(now));
        self.pacers[pacer].answered(sent, now, heard(verdict), true, self.random.f64());
    }
}

fn heard(verdict: Verdict) -> Heard {
    match verdict {
        Verdict::Accepted { .. } => Heard::Served,
        Verdict::Refused { retry_after } => Heard::Throttled { retry_after: retry_after.map(Duration::from_secs_f64) },
    }
}

/// The loop of the API's page: one call, then 200 ms of sleep.
pub struct DocumentedLoop {
    next: f64,
    is_waiting: bool,
}

impl DocumentedLoop {
    pub fn new() -> Self {
        Self { next: 0.0, is_waiting: false }
    }
}

impl Client for DocumentedLoop {
    fn turn(&mut self, now: f64) -> Turn {
        if self.is_waiting {
            return Turn::AfterAnswer;
        }
        if now < self.next {
            return Turn::At(self.next);
        }
        self.is_waiting = true;
        Turn::Send
    }

    fn answered(&mut self, _: f64, now: f64, _: Verdict) {
        self.is_waiting = false;
        self.next = now + 0.2;
    }
}

/// So many workers, each of which doubles its wait after a refusal, with full jitter.
pub struct FixedConcurrency {
    free_at: Vec<f64>,
    /// How often each call in flight was refused before, by when it was sent.
    in_flight: Vec<(f64, u32)>,
    refused: Vec<(f64, u32)>,
    random: fastrand::Rng,
}

impl FixedConcurrency {
    pub fn new(workers: usize, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { free_at: vec![0.0; workers], in_flight: Vec::new(), refused: Vec::new(), random }
    }
}

impl Client for FixedConcurrency {
    fn turn(&mut self, now: f64) -> Turn {
        if let Some(at) = self.refused.iter().position(|(time, _)| *time <= now) {
            let (_, refusals) = self.refused.swap_remove(at);
            self.in_flight.push((now, refusals));
            return Turn::Send;
        }
        if let Some(at) = self.free_at.iter().position(|time| *time <= now) {
            self.free_at.swap_remove(at);
            self.in_flight.push((now, 0));
            return Turn::Send;
        }
        let next = self.refused.iter().map(|(time, _)| *time).min_by(f64::total_cmp);
        next.map_or(Turn::AfterAnswer, Turn::At)
    }

    fn answered(&mut self, sent: f64, now: f64, verdict: Verdict) {
        let Some(at) = self.in_flight.iter().position(|(time, _)| *time == sent) else { return };
        let (_, refusals) = self.in_flight.swap_remove(at);
        match verdict {
            Verdict::Accepted { .. } => self.free_at.push(now),
            Verdict::Refused { .. } => {
                let longest = (0.1 * 2.0_f64.powi(i32::try_from(refusals).unwrap_or(0).min(10))).min(20.0);
                self.refused.push((now + longest * self.random.f64(), refusals + 1));
            }
        }
    }
}

/// As many calls in flight as additive increase and multiplicative decrease allow (Vector's adaptive concurrency).
pub struct AimdConcurrency {
    limit: f64,
    in_flight: f64,
    round_ends: f64,
    was_full: bool,
    was_refused: bool,
    latency: f64,
}

impl AimdConcurrency {
    pub fn new() -> Self {
        Self { limit: 1.0, in_flight: 0.0, round_ends: 0.0, was_full: false, was_refused: false, latency: 0.1 }
    }
}

impl Client for AimdConcurrency {
    fn turn(&mut self, _: f64) -> Turn {
        if self.in_flight >= self.limit.floor().max(1.0) {
            self.was_full = true;
            return Turn::AfterAnswer;
        }
        self.in_flight += 1.0;
        Turn::Send
    }

    fn answered(&mut self, sent: f64, now: f64, verdict: Verdict) {
        self.in_flight -= 1.0;
        match verdict {
            Verdict::Accepted { .. } => self.latency += (now - sent - self.latency) * 0.4,
            Verdict::Refused { .. } => self.was_refused = true,
        }
        if now < self.round_ends {
            return;
        }
        if self.was_refused {
            self.limit = (self.limit * 0.9).max(1.0);
        } else if self.was_full {
            self.limit = (self.limit + 1.0).min(200.0);
        }
        (self.was_full, self.was_refused) = (false, false);
        self.round_ends = now + self.latency;
    }
}

/// The client rate limiter of the AWS SDKs: a token bucket whose rate follows a cubic after the first refusal.
pub struct Cubic {
    in_flight: usize,
    is_on: bool,
    rate: f64,
    tokens: f64,
    filled_at: f64,
    last_most: f64,
    throttled_at: f64,
    measured: f64,
    bin: f64,
    sent_in_bin: f64,
}

impl Cubic {
    pub fn new() -> Self {
        Self {
            in_flight: 0,
            is_on: false,
            rate: 0.5,
            tokens: 0.0,
            filled_at: 0.0,
            last_most: 0.0,
            throttled_at: 0.0,
            measured: 0.0,
            bin: 0.0,
            sent_in_bin: 0.0,
        }
    }

    fn measure(&mut self, now: f64) {
        self.sent_in_bin += 1.0;
        let bin = (now * 2.0).floor() / 2.0;
        if bin > self.bin {
            let rate = self.sent_in_bin / (bin - self.bin);
            self.measured = rate * 0.8 + self.measured * 0.2;
            (self.sent_in_bin, self.bin) = (0.0, bin);
        }
    }

    fn fill(&mut self, now: f64) {
        self.tokens = (self.tokens + (now - self.filled_at) * self.rate).min(self.rate.max(1.0));
        self.filled_at = now;
    }

    fn window(&self) -> f64 {
        (self.last_most * (1.0 - BETA) / SCALE).cbrt()
    }
}

const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;

impl Client for Cubic {
    fn turn(&mut self, now: f64) -> Turn {
        if self.in_flight >= 64 {
            return Turn::AfterAnswer;
        }
        if self.is_on {
            self.fill(now);
            if self.tokens < 1.0 {
                return Turn::At(now + (1.0 - self.tokens) / self.rate + 1e-6);
            }
            self.tokens -= 1.0;
        }
        self.in_flight += 1;
        Turn::Send
    }

    fn answered(&mut self, _: f64, now: f64, verdict: Verdict) {
        self.in_flight -= 1;
        self.measure(now);
        self.fill(now);
        let rate = match verdict {
            Verdict::Refused { .. } => {
                let used = if self.is_on { self.measured.min(self.rate) } else { self.measured };
                (self.last_most, self.throttled_at, self.is_on) = (used, now, true);
                used * BETA
            }
            Verdict::Accepted { .. } => SCALE * (now - self.throttled_at - self.window()).powi(3) + self.last_most,
        };
        self.rate = rate.min(2.0 * self.measured).max(0.5);
    }
}
