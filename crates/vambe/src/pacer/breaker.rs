//! Whether the server is there at all. Failures of one record are that record's problem; failures of
//! many different ones are the server's, and then one call at a time asks whether it is back.

use serde::{Deserialize, Serialize};

/// What answered lately. Times are seconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Breaker {
    window_began: f64,
    served: u32,
    failed: u32,
    failed_in_a_row: u32,
    /// Identities that failed in this window, or in this row of failures, as hashes.
    identities: [u64; MOST_IDENTITIES],
    known: usize,
    open: Option<Open>,
}

/// An outage under way.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Open {
    since: f64,
    next_probe: f64,
    wait: f64,
}

impl Breaker {
    pub(crate) fn new(now: f64) -> Self {
        Self {
            window_began: now,
            served: 0,
            failed: 0,
            failed_in_a_row: 0,
            identities: [0; MOST_IDENTITIES],
            known: 0,
            open: None,
        }
    }

    /// Returns since when the server has failed everything.
    pub(crate) fn open_since(&self) -> Option<f64> {
        self.open.map(|open| open.since)
    }

    /// Returns when the next call may go out, if that is not now; one that may is a probe.
    pub(crate) fn wait(&mut self, now: f64) -> Option<f64> {
        let open = self.open.as_mut()?;
        if now < open.next_probe {
            return Some(open.next_probe);
        }
        // Should the probe's answer never come, the next one follows anyway.
        open.next_probe = now + open.wait.max(LONGEST_PROBE);
        None
    }

    /// Learns that the server did its work; returns whether an outage is over.
    pub(crate) fn served(&mut self, sent: f64, now: f64) -> bool {
        self.roll(now);
        self.served += 1;
        self.failed_in_a_row = 0;
        // An answer to a call from before the outage says nothing about now.
        let is_over = self.open.is_some_and(|open| sent >= open.since);
        if is_over {
            *self = Self::new(now);
        }
        is_over
    }

    /// Learns that a call for an identity failed.
    pub(crate) fn failed(&mut self, sent: f64, now: f64, identity: u64) {
        if let Some(open) = &mut self.open {
            if sent >= open.since {
                open.next_probe = now + open.wait;
                open.wait = (open.wait * 2.0).min(LONGEST_WAIT);
            }
            return;
        }
        self.roll(now);
        self.failed += 1;
        self.failed_in_a_row += 1;
        self.note(identity);
        let is_most = self.failed >= MOST_FAILURES && self.failed >= self.served && self.known == MOST_IDENTITIES;
        // A batch of a few lanes never fails for many identities: without a single success, two are enough.
        let is_all = self.failed_in_a_row >= MOST_FAILURES && self.known >= 2;
        if is_most || is_all {
            self.open = Some(Open { since: now, next_probe: now + FIRST_WAIT, wait: 2.0 * FIRST_WAIT });
        }
    }

    fn note(&mut self, identity: u64) {
        if self.known < MOST_IDENTITIES && !self.identities[..self.known].contains(&identity) {
            self.identities[self.known] = identity;
            self.known += 1;
        }
    }

    fn roll(&mut self, now: f64) {
        if now - self.window_began > WINDOW {
            (self.window_began, self.served, self.failed) = (now, 0, 0);
            if self.failed_in_a_row == 0 {
                self.known = 0;
            }
        }
    }
}

const WINDOW: f64 = 10.0;
const MOST_FAILURES: u32 = 20;
const MOST_IDENTITIES: usize = 20;
const FIRST_WAIT: f64 = 1.0;
const LONGEST_WAIT: f64 = 60.0;
const LONGEST_PROBE: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identity_that_fails_while_others_succeed_is_no_outage() {
        let mut breaker = Breaker::new(0.0);
        for call in 0..1000 {
            let now = f64::from(call) * 0.01;
            breaker.failed(now, now, 7);
            breaker.served(now, now);
        }
        assert_eq!(breaker.open_since(), None);
    }

    #[test]
    fn failures_of_many_identities_open_it_and_one_probe_at_a_time_asks_again() {
        let mut breaker = Breaker::new(0.0);
        (0..20).for_each(|identity| breaker.failed(1.0, 1.0, identity));
        assert_eq!(breaker.open_since(), Some(1.0));
        let mut probes = Vec::new();
        let mut now = 1.0;
        while now < 70.0 {
            match breaker.wait(now) {
                Some(next) => now = next,
                None => {
                    probes.push(now);
                    assert!(breaker.wait(now).is_some(), "two probes at once");
                    breaker.failed(now, now, 3);
                }
            }
        }
        assert_eq!(probes, [2.0, 4.0, 8.0, 16.0, 32.0, 64.0]);
        assert!(!breaker.served(0.5, 70.0), "the call was older than the outage");
        assert!(breaker.served(69.0, 70.0));
        assert_eq!((breaker.open_since(), breaker.wait(70.0)), (None, None));
    }

    #[test]
    fn a_batch_of_two_lanes_opens_it_too() {
        let mut breaker = Breaker::new(0.0);
        for call in 0..20_u32 {
            let now = f64::from(call) * 8.0;
            breaker.failed(now, now, u64::from(call % 2));
        }
        assert!(breaker.open_since().is_some());
    }
}
