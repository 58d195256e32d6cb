//! When the next call may go out. Pure: time and answers in, permits out; no clock, no I/O, no randomness.
//!
//! One pacer stands for one key at one host. It learns the server's limit ([`Rate`]), notices when the
//! server is gone ([`Breaker`]) and bounds the retries of all calls together ([`Budget`]). Calls are
//! paced one by one, without catching up: a server that counts in short windows punishes even a small burst.
//! Its state is plain numbers, so that a copy of it is all that processes need to share.

mod answers;
mod breaker;
mod budget;
mod rate;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use breaker::Breaker;
use budget::Budget;
use rate::Rate;

/// What a batch keeps to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Whether to keep to the rate that was learned; without it only pauses and outages hold calls back.
    pub learned: bool,
    /// Calls per second, a ceiling.
    pub max_rate: f64,
    /// Share of the limit left to others, 0 to 0.9.
    pub reserve: f64,
    /// How many calls may be in flight at most.
    pub max_in_flight: usize,
}

/// What the pacer says to a call that wants to go out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Permit {
    /// Now.
    Go,
    /// Not before this time; ask again then.
    WaitUntil(Duration),
    /// Enough calls are in flight: not before one is answered.
    WaitForAnswer,
}

/// What became of a call, as far as the pace is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The server did its work, whether it took the record or refused it.
    Served,
    /// 429.
    Throttled {
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// No answer, or one that says the server is at fault; for an identity, as a hash.
    Failed {
        /// The record's identity.
        identity: u64,
    },
}

/// Shares out the calls of one key at one host over time. Times count from any fixed moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Pacer {
    rate: Rate,
    breaker: Breaker,
    budget: Budget,
    next_slot: f64,
    paused_until: f64,
    asked_until: f64,
    /// Since when, and how often in a row, calls of batches that learn nothing were refused.
    unpaced_refused: Option<(f64, i32)>,
}

impl Pacer {
    /// Returns a pacer that knows nothing yet, or a limit from before, in calls per second.
    pub fn new(now: Duration, known_limit: Option<f64>) -> Self {
        let now = now.as_secs_f64();
        let known_limit = known_limit.filter(|limit| limit.is_finite() && *limit > 0.0);
        Self {
            rate: Rate::new(now, known_limit),
            breaker: Breaker::new(now),
            budget: Budget::new(now),
            next_slot: now,
            paused_until: now,
            asked_until: now,
            unpaced_refused: None,
        }
    }

    /// Learns a limit from before, in calls per second, unless calls have gone out already.
    pub fn expect(&mut self, now: Duration, limit: f64) {
        if self.rate.is_untouched() && limit.is_finite() && limit > 0.0 {
            self.rate = Rate::new(now.as_secs_f64(), Some(limit));
        }
    }

    /// Asks for one call of a batch, which has so many in flight.
    pub fn permit(&mut self, now: Duration, in_flight: usize, pace: &Pace) -> Permit {
        let seconds = now.as_secs_f64();
        if seconds < self.paused_until {
            return wait_until(self.paused_until);
        }
        // Between 4 and `max_in_flight`.
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let most = match pace.learned {
            true => self.rate.most_in_flight().min(pace.max_in_flight as f64) as usize,
            false => pace.max_in_flight,
        };
        if in_flight >= most.max(1) {
            return Permit::WaitForAnswer;
        }
        if pace.learned {
            if let Some(until) = self.rate.asking_until().filter(|until| seconds < *until) {
                return wait_until(until);
            }
            if seconds < self.next_slot {
                return wait_until(self.next_slot);
            }
        }
        if let Some(until) = self.breaker.wait(seconds) {
            return wait_until(until);
        }
        if pace.learned {
            self.rate.sent(seconds, pace.max_rate, pace.reserve);
            // A slot not used is lost: measured from now, never from the slot before.
            self.next_slot = seconds + 1.0 / self.rate.per_second().min(pace.max_rate);
        }
        Permit::Go
    }

    /// Learns what became of a call of a batch that was sent at a time. `jitter` is random in 0..1.
    pub fn answered(&mut self, sent: Duration, now: Duration, verdict: Verdict, learned: bool, jitter: f64) {
        let (sent, now) = (sent.as_secs_f64(), now.as_secs_f64());
        if let Verdict::Failed { identity } = verdict {
            return self.breaker.failed(sent, now, identity);
        }
        if self.breaker.served(sent, now) {
            self.rate.restart(now);
        }
        match verdict {
            Verdict::Throttled { retry_after } => {
                let asked = retry_after.map(|asked| asked.as_secs_f64());
                let pause = match learned {
                    true => self.rate.refused(sent, now, asked, jitter),
                    false => self.refused_unpaced(sent, now, asked, jitter),
                };
                self.paused_until = self.paused_until.max(now + pause);
                self.asked_until = self.asked_until.max(now + asked.unwrap_or(0.0));
            }
            _ => {
                self.budget.succeeded();
                self.unpaced_refused = None;
                if learned {
                    self.rate.accepted(sent, now);
                }
            }
        }
    }

    fn refused_unpaced(&mut self, sent: f64, now: f64, asked: Option<f64>, jitter: f64) -> f64 {
        // What was in flight when the pause began says nothing new.
        if sent < self.paused_until {
            return asked.unwrap_or(0.0);
        }
        let (since, refusals) = self.unpaced_refused.map_or((now, 0), |(since, refusals)| (since, refusals + 1));
        self.unpaced_refused = Some((since, refusals));
        let own = (2.0_f64.powi(refusals.min(10)) * FIRST_PAUSE).min(LONGEST_PAUSE) * (0.5 + jitter / 2.0);
        // Who asks for no pause, and refuses again, is not taken at their word.
        asked.map_or(own, |asked| if refusals > 0 { asked.max(own) } else { asked })
    }

    /// Learns that a single call was refused, and when to come back.
    pub fn asked(&mut self, now: Duration, retry_after: Duration) {
        let until = (now + retry_after).as_secs_f64();
        self.asked_until = self.asked_until.max(until);
        self.paused_until = self.paused_until.max(until);
    }

    /// Returns how long the server still wants no call at all, single ones included.
    pub fn asked_left(&self, now: Duration) -> Duration {
        Duration::try_from_secs_f64(self.asked_until - now.as_secs_f64()).unwrap_or_default()
    }

    /// Takes the cost of a retry from what all calls may spend together.
    pub fn may_retry(&mut self, now: Duration, after_timeout: bool) -> bool {
        self.budget.take(now.as_secs_f64(), after_timeout)
    }

    /// Learns that a single call succeeded.
    pub fn succeeded(&mut self) {
        self.budget.succeeded();
    }

    /// Returns whether nothing has gone on for too long, or will not, after the wait that was asked for.
    ///
    /// What went before the batch began, so long ago, is not held against the server.
    pub fn is_hopeless(&self, now: Duration, began: Duration, asked: Duration) -> bool {
        let (now, began) = (now.as_secs_f64(), began.as_secs_f64());
        let lasts = |since: Option<f64>| since.map_or(0.0, |since| now - since.max(began));
        let refused_since = self.rate.refused_since().or(self.unpaced_refused.map(|(since, _)| since));
        lasts(refused_since) + asked.as_secs_f64() >= LONGEST_REFUSED
            || lasts(self.breaker.open_since()) >= LONGEST_OUTAGE
    }

    /// Returns whether the server is taken to be gone, so that a failure is nobody's own.
    pub fn is_outage(&self) -> bool {
        self.breaker.open_since().is_some()
    }

    /// Returns the server's limit in calls per second, as far as it is known.
    pub fn limit(&self) -> Option<f64> {
        self.rate.limit()
    }
}

fn wait_until(seconds: f64) -> Permit {
    // A little later: what a conversion rounds down would be too early, again and again.
    let time = Duration::try_from_secs_f64(seconds).ok().and_then(|time| time.checked_add(A_LITTLE));
    Permit::WaitUntil(time.unwrap_or(Duration::MAX))
}

// Without a learned rate there is nothing to go by but patience.
const FIRST_PAUSE: f64 = 0.5;
const LONGEST_PAUSE: f64 = 30.0;

const LONGEST_REFUSED: f64 = 3600.0;
const LONGEST_OUTAGE: f64 = 900.0;
const A_LITTLE: Duration = Duration::from_micros(1);

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { learned: true, max_rate: f64::INFINITY, reserve: 0.0, max_in_flight: 512 };

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn is_held_until(permit: Permit, millis: u64) -> bool {
        matches!(permit, Permit::WaitUntil(time) if time.abs_diff(at(millis)) < at(1))
    }

    /// Lets a pacer call a server of 50/s for ten minutes; returns the calls a second after the first one.
    fn calls_at_50(pace: &Pace) -> u32 {
        let mut pacer = Pacer::new(at(0), None);
        let (mut now, mut tokens, mut calls) = (at(0), 10.0_f64, 0);
        while now < at(600_000) {
            match pacer.permit(now, 0, pace) {
                Permit::Go => {
                    calls += u32::from(now >= at(60_000));
                    let is_served = tokens >= 1.0;
                    tokens -= if is_served { 1.0 } else { 0.0 };
                    let verdict = if is_served { Verdict::Served } else { Verdict::Throttled { retry_after: None } };
                    pacer.answered(now, now + at(1), verdict, true, 0.5);
                }
                Permit::WaitUntil(time) => {
                    let next = time.max(now + at(1));
                    tokens = (tokens + next.saturating_sub(now).as_secs_f64() * 50.0).min(10.0);
                    now = next;
                }
                Permit::WaitForAnswer => panic!("nothing is in flight"),
            }
        }
        calls / 540
    }

    #[test]
    fn keeps_its_distances_and_never_catches_up() {
        let mut pacer = Pacer::new(at(0), None);
        assert_eq!(pacer.permit(at(0), 0, &PACE), Permit::Go);
        assert!(is_held_until(pacer.permit(at(40), 1, &PACE), 200));
        assert_eq!(pacer.permit(at(950), 0, &PACE), Permit::Go);
        assert!(is_held_until(pacer.permit(at(960), 1, &PACE), 1150));
    }

    #[test]
    fn a_ceiling_holds_and_a_reserve_stays_below_the_limit() {
        let all = calls_at_50(&PACE);
        assert!((47..=51).contains(&all), "{all}");
        assert!(calls_at_50(&Pace { max_rate: 20.0, ..PACE }) <= 20);
        let most = calls_at_50(&Pace { reserve: 0.3, ..PACE });
        assert!((30..=40).contains(&most), "{most}");
    }

    #[test]
    fn without_a_learned_rate_only_pauses_and_calls_in_flight_hold_back() {
        let off = Pace { learned: false, max_in_flight: 4, ..PACE };
        let mut pacer = Pacer::new(at(0), None);
        assert!((0..1000).all(|_| pacer.permit(at(0), 3, &off) == Permit::Go));
        assert_eq!(pacer.permit(at(0), 4, &off), Permit::WaitForAnswer);
        pacer.answered(at(0), at(100), Verdict::Throttled { retry_after: None }, false, 1.0);
        // What was in flight when the pause began does not lengthen it.
        pacer.answered(at(50), at(150), Verdict::Throttled { retry_after: None }, false, 1.0);
        assert!(is_held_until(pacer.permit(at(200), 0, &off), 600));
        assert_eq!(pacer.asked_left(at(200)), at(0), "a single call waits only for what the server asked");
        pacer.answered(at(600), at(700), Verdict::Throttled { retry_after: None }, false, 1.0);
        assert!(is_held_until(pacer.permit(at(700), 0, &off), 1700));
    }

    #[test]
    fn the_longest_retry_after_holds_everybody_back() {
        let mut pacer = Pacer::new(at(0), None);
        for (now, asked) in [(100, 5000), (200, 2000)] {
            let verdict = Verdict::Throttled { retry_after: Some(at(asked)) };
            pacer.answered(at(0), at(now), verdict, true, 0.0);
        }
        assert!(is_held_until(pacer.permit(at(300), 0, &PACE), 5100));
        assert!(pacer.asked_left(at(300)).abs_diff(at(4800)) < at(1));
        assert!(!pacer.is_hopeless(at(300), at(0), at(0)) && pacer.is_hopeless(at(300), at(0), at(3_700_000)));
    }

    #[test]
    fn a_limit_from_before_counts_until_the_first_call_has_gone_out() {
        let mut pacer = Pacer::new(at(0), None);
        pacer.expect(at(0), f64::NAN);
        pacer.expect(at(0), 100.0);
        assert!(matches!(pacer.permit(at(0), 0, &PACE), Permit::Go));
        assert!(is_held_until(pacer.permit(at(0), 0, &PACE), 20));
        pacer.expect(at(1), 2.0);
        assert!(is_held_until(pacer.permit(at(1), 0, &PACE), 20));
    }

    #[test]
    fn a_stall_is_hopeless_after_an_hour_of_the_batch_that_meets_it() {
        let mut pacer = Pacer::new(at(0), None);
        let hours = |hours: u64| at(hours * 3_600_000);
        for second in 0..3 {
            pacer.answered(at(second * 1000), at(second * 1000), Verdict::Throttled { retry_after: None }, true, 0.0);
        }
        assert!(pacer.is_hopeless(hours(2), at(0), at(0)));
        assert!(!pacer.is_hopeless(hours(2), hours(2), at(0)), "a later batch begins anew");
    }

    #[test]
    fn a_server_that_asks_for_no_pause_and_refuses_on_is_not_hammered() {
        for learned in [true, false] {
            let pace = Pace { learned, ..PACE };
            let mut pacer = Pacer::new(at(0), None);
            let (mut now, mut calls) = (at(0), 0);
            while now < at(600_000) {
                match pacer.permit(now, 0, &pace) {
                    Permit::Go => {
                        calls += 1;
                        let verdict = Verdict::Throttled { retry_after: Some(at(0)) };
                        pacer.answered(now, now + at(10), verdict, learned, 0.5);
                        now += at(10);
                    }
                    Permit::WaitUntil(time) => now = time.max(now + at(1)),
                    Permit::WaitForAnswer => panic!("nothing is in flight"),
                }
            }
            assert!(calls <= 80, "{calls} calls in ten minutes");
        }
    }

    #[test]
    fn an_old_limit_is_a_start_at_half_of_it() {
        let mut pacer = Pacer::new(at(0), Some(100.0));
        assert_eq!(pacer.permit(at(0), 0, &PACE), Permit::Go);
        assert!(is_held_until(pacer.permit(at(1), 0, &PACE), 20));
    }
}
