//! The faults that wait for a tenant's next calls.

use std::sync::Arc;

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
}

#[derive(Debug)]
struct Waiting {
    taken: Taken,
    left: u32,
}

impl Taken {
    pub(crate) fn applies(&self) -> bool {
        self.fault.applies()
    }

    pub(crate) fn summary(&self) -> AppliedFault {
        AppliedFault { index: self.index, action: self.fault.action, applied: self.applies() }
    }
}

impl FaultQueue {
    pub(crate) fn new(faults: Vec<Fault>) -> Self {
        let waiting = |(index, fault): (usize, Fault)| Waiting {
            left: fault.times,
            taken: Taken { fault: Arc::new(fault), index },
        };
        Self { waiting: faults.into_iter().enumerate().map(waiting).collect() }
    }

    /// Takes the fault that ends a call before its body is read, if that is the next one.
    pub(crate) fn take_before_read(&mut self, path: &str) -> Option<Taken> {
        let next = |waiting: &Waiting| waiting.taken.fault.matching.takes_path(path);
        let place = self.waiting.iter().position(next)?;
        let action = self.waiting[place].taken.fault.action;
        (action == Action::CloseBeforeRead).then(|| self.take_at(place))
    }

    /// Takes the first fault that matches the call.
    pub(crate) fn take(&mut self, path: &str, body: &[u8]) -> Option<Taken> {
        let matches = |waiting: &Waiting| {
            let matching = &waiting.taken.fault.matching;
            matching.takes_path(path) && matching.takes_body(body)
        };
        let place = self.waiting.iter().position(matches)?;
        Some(self.take_at(place))
    }

    /// Lists the faults that wait, with the calls each has left.
    pub(crate) fn waiting(&self) -> Vec<Fault> {
        let left = |waiting: &Waiting| Fault { times: waiting.left, ..Fault::clone(&waiting.taken.fault) };
        self.waiting.iter().map(left).collect()
    }

    fn take_at(&mut self, place: usize) -> Taken {
        let waiting = &mut self.waiting[place];
        waiting.left -= 1;
        let taken = waiting.taken.clone();
        if waiting.left == 0 {
            self.waiting.remove(place);
        }
        taken
    }
}
