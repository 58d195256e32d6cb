//! Servers that limit their callers, in virtual time. Times are seconds from the start.

/// How a server counts.
#[derive(Debug, Clone, Copy)]
pub enum Counting {
    /// Tokens flow in at the limit, up to so many.
    Bucket { burst: f64 },
    /// Each window of so many seconds allows as many calls as the limit gives in it.
    Window { seconds: f64, offset: f64 },
    /// Calls wait for their turn instead of being refused.
    Queue,
}

/// What a server is like.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Calls per second, from the second on that stands beside it; in order.
    pub limits: Vec<(f64, f64)>,
    pub counting: Counting,
    /// Seconds from a call to its answer.
    pub latency: f64,
    /// How far latencies stray, as a share.
    pub jitter: f64,
    /// Whether a refusal says when to come back, in whole seconds.
    pub sends_retry_after: bool,
}

/// What a server says to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    Accepted { queued: f64 },
    Refused { retry_after: Option<f64> },
}

/// A server at work.
#[derive(Debug)]
pub struct Server {
    pub spec: Spec,
    tokens: f64,
    filled_at: f64,
    window: f64,
    used: f64,
    free_at: f64,
}

impl Spec {
    /// Draws a server: limit 2 to 300 calls per second, latency 30 ms to 1 s, both log-uniform;
    /// 70 % buckets of 0.1 to 3 s worth, 30 % windows of 1, 10 or 60 s; half say `Retry-After`.
    pub fn draw(random: &mut fastrand::Rng) -> Self {
        let mut limit = log_uniform(random, 2.0, 300.0);
        let counting = if random.f64() < 0.7 {
            // Less than a tenth of a second's worth would refuse what the network shuffles, whoever sends it.
            let least = (0.1 * limit).max(2.0);
            Counting::Bucket { burst: least + random.f64() * (3.0 * limit - least) }
        } else {
            let seconds = [1.0, 10.0, 60.0][random.usize(..3)];
            // A window allows whole calls.
            limit = (limit * seconds).round() / seconds;
            Counting::Window { seconds, offset: random.f64() * seconds }
        };
        let latency = log_uniform(random, 0.03, 1.0);
        let jitter = random.f64() * 0.5;
        Self { limits: vec![(0.0, limit)], counting, latency, jitter, sends_retry_after: random.bool() }
    }

    /// Describes a server of 100 ms ± 20 %.
    pub fn typical(limits: &[(f64, f64)], counting: Counting, sends_retry_after: bool) -> Self {
        Self { limits: limits.to_vec(), counting, latency: 0.1, jitter: 0.2, sends_retry_after }
    }

    /// Returns the limit in calls per second at a time.
    pub fn limit(&self, now: f64) -> f64 {
        self.limits.iter().rev().find(|(from, _)| *from <= now).map_or(self.limits[0].1, |(_, limit)| *limit)
    }

    /// Returns the whole windows between two times, so that none is counted whose calls came before or after.
    pub fn whole_windows(&self, from: f64, to: f64) -> (f64, f64) {
        match self.counting {
            Counting::Window { seconds, offset } => {
                let whole = |windows: f64| windows * seconds - offset;
                (whole(((from + offset) / seconds).ceil()), whole(((to + offset) / seconds).floor()))
            }
            _ => (from, to),
        }
    }

    /// Returns a time that strays like this server's latency.
    pub fn stray(&self, seconds: f64, random: &mut fastrand::Rng) -> f64 {
        seconds * (1.0 + self.jitter * (2.0 * random.f64() - 1.0))
    }
}

impl Server {
    pub fn new(spec: Spec) -> Self {
        let tokens = match spec.counting {
            Counting::Bucket { burst } => burst,
            _ => 0.0,
        };
        Self { spec, tokens, filled_at: 0.0, window: -1.0, used: 0.0, free_at: 0.0 }
    }

    /// Takes a call that arrives now.
    pub fn take(&mut self, now: f64) -> Verdict {
        let limit = self.spec.limit(now);
        match self.spec.counting {
            Counting::Bucket { burst } => {
                self.tokens = (self.tokens + (now - self.filled_at) * limit).min(burst);
                self.filled_at = now;
                if self.tokens >= 1.0 {
                    self.tokens -= 1.0;
                    return Verdict::Accepted { queued: 0.0 };
                }
                self.refuse((1.0 - self.tokens) / limit)
            }
            Counting::Window { seconds, offset } => {
                let window = ((now + offset) / seconds).floor();
                if window > self.window {
                    (self.window, self.used) = (window, 0.0);
                }
                if self.used < (limit * seconds).round() {
                    self.used += 1.0;
                    return Verdict::Accepted { queued: 0.0 };
                }
                self.refuse((window + 1.0) * seconds - offset - now)
            }
            Counting::Queue => {
                self.free_at = self.free_at.max(now) + 1.0 / limit;
                Verdict::Accepted { queued: self.free_at - now }
            }
        }
    }

    fn refuse(&self, seconds: f64) -> Verdict {
        Verdict::Refused { retry_after: self.spec.sends_retry_after.then(|| seconds.ceil().max(1.0)) }
    }
}

fn log_uniform(random: &mut fastrand::Rng, least: f64, most: f64) -> f64 {
    least * (most / least).powf(random.f64())
}
