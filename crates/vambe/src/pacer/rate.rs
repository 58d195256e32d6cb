//! How fast to call: the server's limit, learned from its answers. Times are seconds.
//!
//! Limits are calls per time, so the pace is calls per time. It starts at the pace of the API's own
//! example, grows while the server bears it, and settles just below what refusals (429) taught: what a
//! server lets through from one pause to the next is its limit, whether it counts in buckets or in windows.
//! The numbers were chosen by simulation; `docs/pacing.md` says how.

use serde::{Deserialize, Serialize};

use super::answers::{Answers, Latency};

/// The rate, and what it was learned from.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Rate {
    /// Calls a second now.
    current: f64,
    ceiling: f64,
    phase: Phase,
    /// The highest rate of this phase that went through a whole step.
    survivor: f64,
    growth: f64,
    step: Step,
    latency: Latency,
    answers: Answers,
    cycle: Cycle,
    /// The pause under way, from the refusal to the first call let through after it.
    pause: Option<Pause>,
    /// Calls sent before this say nothing new about a refusal.
    reacted_at: f64,
    reserve: f64,
    probe_at: f64,
    probe_every: f64,
    probes_passed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// No refusal yet: grow fast.
    Start,
    /// Close to the limit: grow slowly until the next refusal.
    Refine,
    /// Just below the limit.
    Cruise,
    /// For a moment above it, to see whether it has moved.
    Probe,
}

/// A while in which one rate is tried.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Step {
    began: f64,
    sent: f64,
}

/// The time from one pause's end to the next one's.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Cycle {
    began: f64,
    sent: f64,
    refused: f64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Pause {
    began: f64,
    seconds: f64,
    refusals: u32,
    /// Whether the ceiling falls to what the cycle let through.
    cuts: bool,
    /// How many calls went out since.
    asking: u32,
    /// When the one call that asks whether the pause is over may be given up.
    asking_until: f64,
}

impl Rate {
    /// Starts at the pace of the API's own example, or at half of a limit that is known from before.
    pub(crate) fn new(now: f64, known_limit: Option<f64>) -> Self {
        Self {
            current: known_limit.map_or(START, |limit| (limit / 2.0).clamp(LEAST, MOST)),
            ceiling: f64::MAX,
            phase: Phase::Start,
            survivor: 0.0,
            growth: GROWTH,
            step: Step { began: now, sent: 0.0 },
            latency: Latency::new(now),
            answers: Answers::new(now),
            cycle: Cycle { began: now, sent: 0.0, refused: 0.0 },
            pause: None,
            reacted_at: f64::MIN,
            reserve: 0.0,
            probe_at: f64::MAX,
            probe_every: PROBE_EVERY,
            probes_passed: 0,
        }
    }

    /// Returns the calls per second to send now.
    pub(crate) fn per_second(&self) -> f64 {
        match self.phase {
            Phase::Cruise => self.current.min(self.ceiling * (1.0 - self.reserve)),
            // Finding the limit needs all of it, for a moment.
            _ => self.current,
        }
    }

    /// Returns whether no call has gone out yet.
    pub(crate) fn is_untouched(&self) -> bool {
        matches!(self.phase, Phase::Start) && self.cycle.sent < 1.0 && self.survivor <= 0.0
    }

    /// Returns what the server allows, as far as it is known.
    pub(crate) fn limit(&self) -> Option<f64> {
        (self.ceiling < f64::MAX).then_some(self.ceiling)
    }

    /// Returns how many calls may be in flight: twice what the rate needs.
    pub(crate) fn most_in_flight(&self) -> f64 {
        self.current * self.latency.recent * 2.0 + 4.0
    }

    /// Returns until when the answer to the one call after a pause is awaited.
    pub(crate) fn asking_until(&self) -> Option<f64> {
        self.pause.map(|pause| pause.asking_until)
    }

    /// Returns since when nothing was let through, while it is refused.
    pub(crate) fn refused_since(&self) -> Option<f64> {
        self.pause.map(|pause| pause.began)
    }

    /// Learns that a call goes out, under a ceiling of the caller's, who leaves a share of the limit to others.
    pub(crate) fn sent(&mut self, now: f64, max_rate: f64, reserve: f64) {
        self.reserve = reserve;
        self.current = self.current.min(max_rate.max(LEAST));
        self.step.sent += 1.0;
        self.cycle.sent += 1.0;
        // After a pause a few calls ask whether it was long enough; after a second refusal, one.
        if let Some(pause) = &mut self.pause {
            pause.asking += 1;
            if pause.refusals >= 2 || pause.asking >= MOST_ASKING {
                pause.asking_until = now + (4.0 * self.latency.recent).max(1.0);
            }
        }
    }

    /// Starts to grow again after an outage, from half of what went before.
    pub(crate) fn restart(&mut self, now: f64) {
        *self = Self { latency: self.latency, ..Self::new(now, self.limit().or(Some(self.current))) };
    }

    /// Learns that a call was let through.
    pub(crate) fn accepted(&mut self, sent: f64, now: f64) {
        self.answers.accept(now);
        self.latency.learn(now - sent);
        if sent < self.reacted_at {
            return;
        }
        if let Some(pause) = self.pause.take() {
            self.resume(pause, sent, now);
        }
        if self.latency.count > 20.0 {
            self.watch_queue(now);
        }
        self.grow(now);
    }

    /// Sends again after a pause: what the cycle let through is known now.
    fn resume(&mut self, pause: Pause, sent: f64, now: f64) {
        let elapsed = sent - self.cycle.began;
        // A bucket that filled up in the pause let less through than it could have.
        let wasted = (sent - pause.began).min(1.0).min(0.3 * elapsed);
        let let_through = self.cycle.sent - self.cycle.refused - 1.0;
        let is_enough = let_through >= CYCLE_CALLS && elapsed - wasted >= 1.0;
        if pause.cuts && is_enough {
            let estimate = let_through / (elapsed - wasted);
            self.ceiling = estimate.clamp(self.ceiling * LEAST_CUT, self.ceiling * MOST_CUT);
        } else if pause.cuts {
            self.ceiling *= MOST_CUT;
        }
        // A cycle too short to tell goes on.
        if !pause.cuts || is_enough {
            self.cycle = Cycle { began: sent, sent: 1.0, refused: 0.0 };
        }
        self.ceiling = self.ceiling.max(LEAST);
        self.current = self.ceiling * if self.phase == Phase::Refine { AFTER_START } else { CRUISE };
        self.step = Step { began: now, sent: 0.0 };
    }

    fn grow(&mut self, now: f64) {
        match self.phase {
            Phase::Start => {
                if self.step_was_used(now, STEP, STEP_LATENCIES, STEP_CALLS) == Some(true) {
                    self.survivor = self.current;
                    // The faster, the more carefully: a limit far overrun costs many refusals.
                    let care = (TAPER / self.current).min(1.0).powf(0.6);
                    self.current = (self.current * (1.0 + (self.growth - 1.0) * care)).min(MOST);
                }
            }
            Phase::Refine => {
                let calls = REFINE_CALLS.min(4.0 * self.current);
                if self.step_was_used(now, 1.0, REFINE_LATENCIES, calls) == Some(true) {
                    self.survivor = self.current;
                    self.current = (self.current * REFINE).min(MOST);
                    self.ceiling = self.ceiling.max(self.current);
                }
            }
            Phase::Cruise if now >= self.probe_at && !self.latency.is_queueing => {
                self.phase = Phase::Probe;
                self.current = self.ceiling * PROBE;
                self.step = Step { began: now, sent: 0.0 };
            }
            Phase::Cruise => {}
            Phase::Probe => self.end_probe(now),
        }
    }

    fn end_probe(&mut self, now: f64) {
        let Some(was_used) = self.step_was_used(now, 2.0, 4.0, PROBE_CALLS) else { return };
        if was_used {
            self.ceiling = self.current;
            self.probes_passed += 1;
            self.probe_every = PROBE_EVERY;
        }
        if self.probes_passed < 2 {
            return self.cruise(now);
        }
        self.probes_passed = 0;
        self.phase = Phase::Start;
        self.growth = REGROWTH;
        self.survivor = self.ceiling;
        self.current = self.ceiling * REGROWTH;
    }

    fn cruise(&mut self, now: f64) {
        self.phase = Phase::Cruise;
        self.current = self.ceiling * CRUISE;
        // A probe takes from what is left to others.
        self.probe_at = now + self.probe_every * (1.0 + 5.0 * self.reserve);
        self.step = Step { began: now, sent: 0.0 };
    }

    /// Says whether the step that ends now was used; a source too slow to use it teaches nothing.
    fn step_was_used(&mut self, now: f64, seconds: f64, latencies: f64, calls: f64) -> Option<bool> {
        let length = seconds.max(latencies * self.latency.recent).max(calls / self.current);
        let elapsed = now - self.step.began;
        if elapsed < length {
            return None;
        }
        let was_used = self.step.sent >= 0.6 * self.current * elapsed;
        self.step = Step { began: now, sent: 0.0 };
        Some(was_used)
    }

    /// Slows down before a server that lets calls wait instead of refusing them.
    fn watch_queue(&mut self, now: f64) {
        let Latency { recent, usual, .. } = self.latency;
        if self.latency.is_queueing && recent < 1.4 * usual {
            self.latency.is_queueing = false;
            self.cruise(now);
        }
        let may_react = now - self.latency.reacted_at > (3.0 * recent).max(2.0);
        if recent > 2.2 * usual && recent > usual + 0.05 && may_react {
            self.latency.reacted_at = now;
            self.latency.is_queueing = true;
            self.ceiling = (self.answers.accepted_per_second(now) * 0.95).clamp(LEAST, self.current.max(LEAST));
            self.cruise(now);
            // Well below the limit, so that the queue drains soon.
            self.current *= 0.5;
        }
    }

    /// Learns that a call was refused; returns for how long to pause. `jitter` is random in 0..1.
    pub(crate) fn refused(&mut self, sent: f64, now: f64, retry_after: Option<f64>, jitter: f64) -> f64 {
        self.answers.refuse();
        self.cycle.refused += 1.0;
        // What was in flight when the pause began says nothing new.
        if sent < self.reacted_at {
            return retry_after.unwrap_or(0.0);
        }
        let is_careful = matches!(self.phase, Phase::Refine | Phase::Probe) || self.pause.is_some();
        if retry_after.is_none() && !is_careful && self.answers.recent_refusals() < 2 {
            // One refusal may be chance: two calls that arrived together.
            if self.phase == Phase::Cruise {
                self.ceiling = (self.ceiling * STRAY_CUT).max(LEAST);
                self.current = self.ceiling * CRUISE;
            }
            return 1.0 / self.current;
        }
        self.reacted_at = now;
        let pause = match self.pause {
            Some(pause) => Pause {
                seconds: (pause.seconds * PAUSE_GROWTH).min(LONGEST_PAUSE),
                refusals: pause.refusals + 1,
                ..pause
            },
            None => {
                let seconds = PAUSE.max(PAUSE_LATENCIES * self.latency.recent).max(PAUSE_SLOTS / self.current);
                let cuts = self.react(now, retry_after.is_some());
                Pause {
                    began: now,
                    seconds: seconds.min(LONGEST_PAUSE),
                    refusals: 1,
                    cuts,
                    asking: 0,
                    asking_until: now,
                }
            }
        };
        self.pause = Some(Pause { asking: 0, asking_until: now, ..pause });
        // Who asks for no pause, and refuses again, is not taken at their word.
        let least = if pause.refusals >= 2 { pause.seconds } else { 0.0 };
        let seconds = retry_after.map_or(pause.seconds, |asked| asked.max(least));
        // Nobody is early with what the server asked for; clients that were refused together come back apart.
        seconds * (1.0 + 0.1 * jitter)
    }

    /// Chooses what follows the first refusal of a pause; says whether the ceiling falls.
    fn react(&mut self, now: f64, has_asked: bool) -> bool {
        match self.phase {
            Phase::Start => {
                let recent = self.answers.accepted_per_second(now);
                self.ceiling = recent.max(self.survivor).max(self.current / 2.0).min(self.current).max(LEAST);
                self.phase = Phase::Refine;
                self.survivor = 0.0;
                false
            }
            Phase::Refine if self.survivor > 0.0 => {
                self.ceiling = self.survivor;
                self.cruise(now);
                false
            }
            Phase::Refine => true,
            Phase::Probe => {
                let longest = if has_asked { 2.0 * LONGEST_PROBE_EVERY } else { LONGEST_PROBE_EVERY };
                self.probe_every = (self.probe_every * 2.0).min(longest);
                self.probes_passed = 0;
                self.cruise(now);
                false
            }
            Phase::Cruise => {
                self.cruise(now);
                true
            }
        }
    }
}

const LEAST: f64 = 0.05;
const MOST: f64 = 10_000.0;

// One call each 200 ms, as in the API's own bulk example.
const START: f64 = 5.0;

const GROWTH: f64 = 1.5;
const STEP: f64 = 0.5;
const STEP_LATENCIES: f64 = 2.0;
const STEP_CALLS: f64 = 3.0;
const TAPER: f64 = 30.0;
const AFTER_START: f64 = 0.9;

const REFINE: f64 = 1.07;
const REFINE_LATENCIES: f64 = 3.0;
const REFINE_CALLS: f64 = 12.0;

const CRUISE: f64 = 0.97;
const STRAY_CUT: f64 = 0.94;
const LEAST_CUT: f64 = 0.5;
const MOST_CUT: f64 = 0.97;
const CYCLE_CALLS: f64 = 9.0;

const PROBE: f64 = 1.05;
const PROBE_EVERY: f64 = 10.0;
const PROBE_CALLS: f64 = 12.0;
const LONGEST_PROBE_EVERY: f64 = 20.0;
const REGROWTH: f64 = 1.24;

const PAUSE: f64 = 0.25;
const PAUSE_LATENCIES: f64 = 1.2;
const PAUSE_SLOTS: f64 = 1.25;
const PAUSE_GROWTH: f64 = 2.0;
const LONGEST_PAUSE: f64 = 10.0;
const MOST_ASKING: u32 = 3;
