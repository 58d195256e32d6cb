//! [`CallEvent`]: what happens to a call, and who is told of it. Pure.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::error::ErrorCode;

/// Something that happened to a call.
///
/// It holds no body, no key, and nothing of the customer. Every attempt that is not cancelled has
/// one event when it begins and one when it has ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CallEvent {
    /// What happened.
    pub kind: EventKind,
    /// The call's number, from 1; unique in the process.
    pub call_id: u64,
    /// The record's place in the input of a batch, from 0; none for a single call.
    pub index: Option<u64>,
    /// The attempt's number, from 1; of a retry, that of the attempt that failed.
    pub attempt: u32,
    /// The HTTP status, if the server answered.
    pub status: Option<u16>,
    /// Why the attempt brought no contact, if that is so.
    pub code: Option<ErrorCode>,
    /// The server's id of the request, if it sent one.
    pub request_id: Option<String>,
    /// How long the attempt took, in seconds when serialised; of an answer only.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Option<Duration>,
    /// How long the call waits before it is tried again, in seconds when serialised; of a retry only,
    /// and not in a batch whose pace decides it.
    #[serde(serialize_with = "seconds")]
    pub wait: Option<Duration>,
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// An attempt begins.
    Attempt,
    /// An attempt has ended: with an answer, or without one.
    Answer,
    /// The call will be tried again.
    Retry,
}

/// Who is told of events; nobody by default.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) attempt: Option<Hook>,
    pub(crate) answer: Option<Hook>,
    pub(crate) retry: Option<Hook>,
}

pub(crate) type Hook = Arc<dyn Fn(&CallEvent) + Send + Sync>;

impl Hooks {
    pub(crate) fn of(&self, kind: EventKind) -> Option<&Hook> {
        match kind {
            EventKind::Attempt => self.attempt.as_ref(),
            EventKind::Answer => self.answer.as_ref(),
            EventKind::Retry => self.retry.as_ref(),
        }
    }

    /// Tells of an event, which is made only if somebody listens.
    pub(crate) fn tell(&self, kind: EventKind, event: impl FnOnce() -> CallEvent) {
        if let Some(hook) = self.of(kind) {
            // The panic was reported where it happened. It is the hook's failure, and not the call's.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(&event())));
        }
    }

    /// Returns these, and the other ones where there are none.
    pub(crate) fn or(self, others: &Self) -> Self {
        Self {
            attempt: self.attempt.or_else(|| others.attempt.clone()),
            answer: self.answer.or_else(|| others.answer.clone()),
            retry: self.retry.or_else(|| others.retry.clone()),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("attempt", &self.attempt.is_some())
            .field("answer", &self.answer.is_some())
            .field("retry", &self.retry.is_some())
            .finish()
    }
}

#[allow(clippy::ref_option)] // The form that serde asks for.
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_of_a_few_calls_come_before_the_clients() {
        let hook = |_: &CallEvent| ();
        let given = Hooks { attempt: Some(Arc::new(hook)), ..Hooks::default() };
        let clients = Hooks { attempt: Some(Arc::new(hook)), retry: Some(Arc::new(hook)), ..Hooks::default() };
        let both = given.clone().or(&clients);
        assert!(Arc::ptr_eq(both.attempt.as_ref().unwrap(), given.attempt.as_ref().unwrap()));
        assert!(both.retry.is_some() && both.answer.is_none());
    }
}
