//! When the next call may go out. Pure: time and answers in, permits out.
//!
//! Calls are paced one by one, without catching up: a server that counts in short windows
//! punishes even a small burst. An answer of 429 pauses all calls of all batches; what the
//! server asks for by `Retry-After` holds back single calls too.

use std::time::Duration;

use crate::retry::RetryPolicy;

/// What the pacer says to a call that wants to go out. Times count from the client's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Permit {
    Go,
    WaitUntil(Duration),
}

/// Shares out the calls of one client over time.
#[derive(Debug)]
pub(crate) struct Pacer {
    pauses: RetryPolicy,
    next_slot: Duration,
    paused_until: Duration,
    asked_until: Duration,
    throttled_in_a_row: u32,
}

impl Pacer {
    /// Returns a pacer whose pauses grow like the waits of the policy.
    pub(crate) fn new(pauses: RetryPolicy) -> Self {
        let zero = Duration::ZERO;
        Self { pauses, next_slot: zero, paused_until: zero, asked_until: zero, throttled_in_a_row: 0 }
    }

    /// Asks for one call at a rate (calls per second; none for no limit).
    pub(crate) fn permit(&mut self, now: Duration, max_rate: Option<f64>) -> Permit {
        if now < self.paused_until {
            return Permit::WaitUntil(self.paused_until);
        }
        let Some(rate) = max_rate else { return Permit::Go };
        if now < self.next_slot {
            return Permit::WaitUntil(self.next_slot);
        }
        // A slot not used is lost: measured from now, never from the slot before.
        self.next_slot = now.saturating_add(Duration::from_secs_f64(1.0 / rate));
        Permit::Go
    }

    /// Returns how long the server still wants no call at all, single ones included.
    pub(crate) fn asked_left(&self, now: Duration) -> Duration {
        self.asked_until.saturating_sub(now)
    }

    /// Learns that a call was let through.
    pub(crate) fn accepted(&mut self) {
        self.throttled_in_a_row = 0;
    }

    /// Learns of a 429 to a call sent at `sent`; `jitter` is random in 0..1.
    pub(crate) fn throttled(&mut self, sent: Duration, now: Duration, retry_after: Option<Duration>, jitter: f64) {
        // A call that was in flight when the pause began says nothing new.
        let is_news = sent >= self.paused_until;
        let pause = match retry_after {
            Some(asked) => asked,
            None if !is_news => return,
            None => self.pauses.wait(self.throttled_in_a_row).mul_f64(0.5 + jitter / 2.0),
        };
        if is_news {
            self.throttled_in_a_row = self.throttled_in_a_row.saturating_add(1);
        }
        let until = now.saturating_add(pause);
        self.paused_until = self.paused_until.max(until);
        if retry_after.is_some() {
            self.asked_until = self.asked_until.max(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn pacer() -> Pacer {
        Pacer::new(RetryPolicy { max_retries: 0, backoff: at(1000), backoff_cap: at(60_000) })
    }

    #[test]
    fn keeps_the_rate_and_never_catches_up() {
        let mut pacer = pacer();
        assert_eq!(pacer.permit(at(0), Some(10.0)), Permit::Go);
        assert_eq!(pacer.permit(at(40), Some(10.0)), Permit::WaitUntil(at(100)));
        assert_eq!(pacer.permit(at(950), Some(10.0)), Permit::Go);
        assert_eq!(pacer.permit(at(960), Some(10.0)), Permit::WaitUntil(at(1050)));
        assert_eq!(pacer.permit(at(961), None), Permit::Go);
    }

    #[test]
    fn one_429_pauses_every_call_and_calls_in_flight_do_not_lengthen_it() {
        let mut pacer = pacer();
        pacer.throttled(at(0), at(100), None, 1.0);
        pacer.throttled(at(50), at(150), None, 1.0);
        assert_eq!(pacer.permit(at(200), None), Permit::WaitUntil(at(1100)));
        assert_eq!(pacer.permit(at(1100), None), Permit::Go);
        pacer.throttled(at(1100), at(1200), None, 1.0);
        assert_eq!(pacer.permit(at(1200), None), Permit::WaitUntil(at(3200)));
        assert_eq!(pacer.asked_left(at(1200)), at(0), "a single call waits only for what the server asked");
    }

    #[test]
    fn obeys_the_longest_retry_after() {
        let mut pacer = pacer();
        pacer.throttled(at(0), at(100), Some(at(5000)), 0.0);
        pacer.throttled(at(0), at(200), Some(at(2000)), 0.0);
        assert_eq!(pacer.permit(at(300), None), Permit::WaitUntil(at(5100)));
        assert_eq!(pacer.asked_left(at(300)), at(4800));
    }
}
