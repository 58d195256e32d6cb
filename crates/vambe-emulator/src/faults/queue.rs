//! The faults that wait for a tenant's next calls.

use std::sync::Arc;

use fastrand::Rng;
use serde::Serialize;

use super::{Action, Fault};

/// The fault that hit a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AppliedFault {
    /// Its place in the list of faults.
    pub index: usize,
    /// What it did.
    pub action: Action,
    /// Whether the request was processed for real.
    pub applied: bool,
}

/// A fault taken for one call.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) fault: Arc<Fault>,
    index: usize,
}

/// Faults in order, each with the calls it has left.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue {
    waiting: Vec<Waiting>,
    /// How many calls each fault has hit, also those that are used up.
    hits: Vec<u64>,
}

#[derive(Debug)]
struct Waiting {
    taken: Taken,
    /// Nothing: all calls there will be.
    left: Option<u32>,
    dice: Rng,
}

impl Taken {
    pub(crate) fn applies(&self) -> bool {
        self.fault.applies()
    }

    pub(crate) fn delivers_twice(&self) -> bool {
        self.fault.metadata_twice
    }

    pub(crate) fn summary(&self) -> AppliedFault {
        AppliedFault { index: self.index, action: self.fault.action, applied: self.applies() }
    }
}

impl FaultQueue {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let mut queue = Self::default();
        queue.add(faults);
        queue
    }

    /// Adds faults after those that wait.
    pub(crate) fn add(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            let index = self.hits.len();
            self.hits.push(0);
            let dice = Rng::with_seed(fault.seed.unwrap_or_default());
            self.waiting.push(Waiting { left: fault.times, taken: Taken { fault: Arc::new(fault), index }, dice });
        }
    }

    /// Takes the fault that ends a call before its body is read, unless an earlier one is sure to hit it.
    pub(crate) fn take_before_read(&mut self, path: &str) -> Option<Taken> {
        for place in 0..self.waiting.len() {
            let fault = &self.waiting[place].taken.fault;
            if !fault.matching.takes_path(path) {
                continue;
            }
            if fault.action.is_before_read() {
                if self.waiting[place].is_thrown() {
                    return Some(self.take_at(place));
                }
            } else if fault.probability.is_none() && !fault.matching.needs_body() {
                return None;
            }
        }
        None
    }

    /// Takes the first fault that hits the call.
    pub(crate) fn take(&mut self, path: &str, body: &[u8]) -> Option<Taken> {
        for place in 0..self.waiting.len() {
            let waiting = &mut self.waiting[place];
            let fault = &waiting.taken.fault;
            let matches = fault.matching.takes_path(path) && fault.matching.takes_body(body);
            if matches && !fault.action.is_before_read() && waiting.is_thrown() {
                return Some(self.take_at(place));
            }
        }
        None
    }

    /// Lists the faults that wait, with the calls each has left.
    pub(crate) fn waiting(&self) -> Vec<Fault> {
        let left = |waiting: &Waiting| Fault { times: waiting.left, ..Fault::clone(&waiting.taken.fault) };
        self.waiting.iter().map(left).collect()
    }

    /// How many calls each fault has hit, in the order they were given.
    pub(crate) fn hits(&self) -> &[u64] {
        &self.hits
    }

    fn take_at(&mut self, place: usize) -> Taken {
        let waiting = &mut self.waiting[place];
        let taken = waiting.taken.clone();
        self.hits[taken.index] += 1;
        waiting.left = waiting.left.map(|left| left - 1);
        if waiting.left == Some(0) {
            self.waiting.remove(place);
        }
        taken
    }
}

impl Waiting {
    /// Throws the dice, if the fault has any.
    fn is_thrown(&mut self) -> bool {
        self.taken.fault.probability.is_none_or(|probability| self.dice.f64() < probability)
    }
}
