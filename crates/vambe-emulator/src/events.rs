//! What happens at a tenant, for whoever watches it.

use serde::Serialize;

use crate::id::Id;

/// How many events a slow watcher may be behind before it misses some.
pub(crate) const EVENTS_WAITING: usize = 1024;

/// Something that happened; a watcher reads the rest elsewhere.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request was answered, or its fate is known.
    Request { sequence: u64, status: Option<u16> },
    /// A contact's metadata was processed.
    Metadata { contact_id: Id },
    /// The tenant's customers, or what it knows, were replaced.
    State,
    /// Faults or the rate limit were changed.
    Faults,
}
