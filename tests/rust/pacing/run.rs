//! Drives a client against a server in virtual time, and measures what came of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::server::{Server, Spec, Verdict};

/// What a client says when it is asked for its next call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Turn {
    Send,
    At(f64),
    /// Not before the next answer.
    AfterAnswer,
}

/// How a client calls: a policy without a clock. Times are seconds from the start.
pub trait Client {
    fn turn(&mut self, now: f64) -> Turn;
    fn answered(&mut self, sent: f64, now: f64, verdict: Verdict);
}

/// What became of a run.
#[derive(Debug, Clone)]
pub struct Figures {
    /// When the first four seconds began that carried 90 % of the limit.
    pub t90: f64,
    /// Share of the limit in the first 30 s.
    pub first: f64,
    /// Share of the limit after 60 s.
    pub steady: f64,
    /// Refusals for each 1,000 calls accepted.
    pub per_thousand: f64,
    pub longest_run: u32,
    /// Of the longest such run, the calls that were sent after the answer to its first had come.
    pub longest_hammering: u32,
    /// The longest time for which a call waited at the server, in seconds.
    pub longest_queue: f64,
    /// When each call was accepted, and when refused.
    pub accepted: Vec<f64>,
    pub refused: Vec<f64>,
    /// Calls sent although the server had asked to wait, those in flight apart.
    pub too_early: u32,
}

pub const SECONDS: f64 = 300.0;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Wake(u32),
    Arrive { sent: f64 },
    Answer { sent: f64, verdict: Verdict },
}

/// Orders events by time, then by age.
#[derive(Debug, PartialEq)]
struct At(f64, u64, Event);

impl Eq for At {}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Runs a client that always has another row against a server.
pub fn run(spec: &Spec, client: &mut dyn Client, seed: u64) -> Figures {
    Course::new(spec, seed).finish(client)
}

struct Course {
    server: Server,
    random: fastrand::Rng,
    events: BinaryHeap<Reverse<At>>,
    age: u64,
    wake: u32,
    accepted: Vec<f64>,
    refused: Vec<f64>,
    run: u32,
    longest_run: u32,
    /// When the first answer of the run came to the client.
    known_at: f64,
    hammering: u32,
    longest_hammering: u32,
    longest_queue: f64,
    asked_until: f64,
    too_early: u32,
}

impl Course {
    fn new(spec: &Spec, seed: u64) -> Self {
        Self {
            server: Server::new(spec.clone()),
            random: fastrand::Rng::with_seed(seed),
            events: BinaryHeap::new(),
            age: 0,
            wake: 0,
            accepted: Vec::new(),
            refused: Vec::new(),
            run: 0,
            longest_run: 0,
            known_at: f64::INFINITY,
            hammering: 0,
            longest_hammering: 0,
            longest_queue: 0.0,
            asked_until: 0.0,
            too_early: 0,
        }
    }

    fn finish(mut self, client: &mut dyn Client) -> Figures {
        self.offer(0.0, client);
        while let Some(Reverse(At(now, _, event))) = self.events.pop() {
            if now > SECONDS {
                break;
            }
            match event {
                Event::Wake(wake) if wake != self.wake => continue,
                Event::Wake(_) => {}
                Event::Arrive { sent } => {
                    self.arrive(sent, now);
                    continue;
                }
                Event::Answer { sent, verdict } => {
                    if let Verdict::Refused { retry_after: Some(asked) } = verdict {
                        self.asked_until = self.asked_until.max(now + asked);
                    }
                    client.answered(sent, now, verdict);
                }
            }
            self.offer(now, client);
        }
        self.figures()
    }

    /// Lets the client send as long as it wants to.
    fn offer(&mut self, now: f64, client: &mut dyn Client) {
        loop {
            match client.turn(now) {
                Turn::Send => {
                    self.too_early += u32::from(now + 1e-6 < self.asked_until);
                    // A tenth of the latency is the way there and another the way back; the rest is the server's work.
                    let travel = self.server.spec.stray(self.server.spec.latency * 0.1, &mut self.random);
                    self.push(now + travel, Event::Arrive { sent: now });
                }
                Turn::At(time) => {
                    self.wake += 1;
                    return self.push(time.max(now + 1e-6), Event::Wake(self.wake));
                }
                Turn::AfterAnswer => return,
            }
        }
    }

    fn arrive(&mut self, sent: f64, now: f64) {
        let verdict = self.server.take(now);
        let spec = &self.server.spec;
        let took = match verdict {
            Verdict::Accepted { queued } => {
                self.accepted.push(now);
                self.longest_queue = self.longest_queue.max(queued);
                (self.run, self.hammering, self.known_at) = (0, 0, f64::INFINITY);
                queued + spec.stray(spec.latency * 0.9, &mut self.random)
            }
            // A refusal does not reach the slow part of a server.
            Verdict::Refused { .. } => {
                self.refused.push(now);
                self.run += 1;
                self.longest_run = self.longest_run.max(self.run);
                self.hammering += u32::from(sent > self.known_at);
                self.longest_hammering = self.longest_hammering.max(self.hammering);
                spec.stray(spec.latency * 0.1, &mut self.random)
            }
        };
        if matches!(verdict, Verdict::Refused { .. }) {
            self.known_at = self.known_at.min(now + took);
        }
        self.push(now + took, Event::Answer { sent, verdict });
    }

    fn push(&mut self, time: f64, event: Event) {
        self.age += 1;
        self.events.push(Reverse(At(time, self.age, event)));
    }

    fn figures(self) -> Figures {
        let limit = self.server.spec.limit(0.0);
        let share = |from: f64, to: f64| count(&self.accepted, from, to) / (limit * (to - from));
        let t90 = (0..592).map(|step| f64::from(step) * 0.5).find(|from| share(*from, from + 4.0) >= 0.9);
        let (from, to) = self.server.spec.whole_windows(60.0, SECONDS);
        Figures {
            t90: t90.unwrap_or(f64::INFINITY),
            first: share(0.0, 30.0),
            steady: share(from, to),
            per_thousand: 1000.0 * length(&self.refused) / length(&self.accepted).max(1.0),
            longest_run: self.longest_run,
            longest_hammering: self.longest_hammering,
            longest_queue: self.longest_queue,
            too_early: self.too_early,
            accepted: self.accepted,
            refused: self.refused,
        }
    }
}

/// Returns how many of the times lie between two.
pub fn count(times: &[f64], from: f64, to: f64) -> f64 {
    let before = |limit: f64| times.partition_point(|time| *time < limit);
    #[allow(clippy::cast_precision_loss)] // A few thousand.
    let count = (before(to) - before(from)) as f64;
    count
}

fn length(times: &[f64]) -> f64 {
    count(times, f64::NEG_INFINITY, f64::INFINITY)
}
