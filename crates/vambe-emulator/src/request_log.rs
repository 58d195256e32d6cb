//! What arrived at a tenant, and how it was answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Serialize;

use crate::answer::Answer;
use crate::basis::Basis;
use crate::clock::{self, Millis};
use crate::faults::AppliedFault;
use crate::reject::Problem;

/// How many requests of a tenant are remembered.
pub const REMEMBERED_REQUESTS: usize = 500;

const REDACTED: HeaderValue = HeaderValue::from_static("[redacted]");

/// A request as the emulator received it, and what it answered.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// Counts the tenant's requests since its last reset, from 1.
    pub sequence: u64,
    /// When the head arrived, such as `2024-09-30T10:00:00.000Z`.
    pub received_at: String,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The headers by lower-case name; repeated ones joined by `, `; keys redacted.
    pub headers: BTreeMap<String, String>,
    /// The body as received; absent when it was not read or too long.
    pub body: Option<String>,
    /// The body once more when it is not UTF-8, and `body` only resembles it.
    pub body_base64: Option<String>,
    /// The status answered; absent while the request waits or when it never got one.
    pub status: Option<u16>,
    /// What the answer rests on, like the header `x-emulator-basis`.
    pub basis: Option<String>,
    /// Why the request was refused.
    pub problems: Vec<Problem>,
    /// The fields of the body that nothing reads.
    pub unread_fields: Vec<String>,
    /// The fault that was injected.
    pub fault: Option<AppliedFault>,
}

/// What is known of a request when it has arrived.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) received_at: Millis,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// What is known of a request when its answer has been decided.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) status: Option<u16>,
    pub(crate) basis: Basis,
    pub(crate) problems: Vec<Problem>,
    pub(crate) unread_fields: Vec<String>,
    pub(crate) fault: Option<AppliedFault>,
    /// Whether the answer has left, or never will.
    pub(crate) is_final: bool,
}

/// The last requests of a tenant.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    arrived: u64,
    entries: VecDeque<(Arc<Arrival>, Option<Outcome>)>,
}

impl Arrival {
    /// Removes the key from wherever the request carries it.
    pub(crate) fn redact(&mut self) {
        let Some(key) = self.headers.get("x-api-key").cloned() else {
            return;
        };
        for (name, value) in &mut self.headers {
            if name == "x-api-key" || name == header::AUTHORIZATION || contains(value, &key) {
                *value = REDACTED;
            }
        }
        let key = key.to_str().unwrap_or_default();
        if !key.is_empty() && self.path.contains(key) {
            self.path = self.path.replace(key, "[redacted]");
        }
    }
}

impl Outcome {
    /// What is known once the request was processed, if it was.
    pub(crate) fn new(basis: Basis, answer: Option<&Answer>) -> Self {
        Self {
            status: None,
            basis,
            problems: answer.map_or_else(Vec::new, |answer| answer.problems.clone()),
            unread_fields: answer.map_or_else(Vec::new, |answer| answer.unread_fields.clone()),
            fault: None,
            is_final: false,
        }
    }
}

impl RequestLog {
    /// Remembers a request and gives its sequence number.
    pub(crate) fn arrive(&mut self, arrival: Arc<Arrival>) -> u64 {
        if self.entries.len() == REMEMBERED_REQUESTS {
            self.entries.pop_front();
        }
        self.entries.push_back((arrival, None));
        self.arrived += 1;
        self.arrived
    }

    /// Completes a request, unless it has been forgotten meanwhile.
    pub(crate) fn complete(&mut self, sequence: u64, outcome: Outcome) {
        let place = sequence.checked_sub(self.first());
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some((_, kept)) = place.and_then(|place| self.entries.get_mut(place)) {
            *kept = Some(outcome);
        }
    }

    /// Gives the requests after the one numbered `sequence`, oldest first.
    pub(crate) fn since(&self, sequence: u64) -> Vec<LoggedRequest> {
        let numbered = (self.first()..).zip(&self.entries);
        numbered
            .filter(|(number, _)| *number > sequence)
            .map(|(number, (arrival, outcome))| logged(number, arrival, outcome.as_ref()))
            .collect()
    }

    /// Whether so many requests after the one numbered `sequence` have had their answer.
    pub(crate) fn has_answered(&self, sequence: u64, count: usize) -> bool {
        let skipped = usize::try_from(sequence.saturating_sub(self.first() - 1)).unwrap_or(usize::MAX);
        let later = self.entries.iter().skip(skipped);
        later.filter(|(_, outcome)| outcome.as_ref().is_some_and(|outcome| outcome.is_final)).count() >= count
    }

    /// The number of the latest request; 0 when none arrived.
    pub(crate) fn latest(&self) -> u64 {
        self.arrived
    }

    fn first(&self) -> u64 {
        self.arrived + 1 - self.entries.len() as u64
    }
}

fn logged(sequence: u64, arrival: &Arrival, outcome: Option<&Outcome>) -> LoggedRequest {
    let body = arrival.body.as_deref();
    let binary = body.filter(|body| str::from_utf8(body).is_err());
    LoggedRequest {
        sequence,
        received_at: clock::iso(arrival.received_at),
        method: arrival.method.to_string(),
        path: arrival.path.clone(),
        headers: joined(&arrival.headers),
        body: body.map(|body| String::from_utf8_lossy(body).into_owned()),
        body_base64: binary.map(|body| BASE64_STANDARD.encode(body)),
        status: outcome.and_then(|outcome| outcome.status),
        basis: outcome.map(|outcome| outcome.basis.to_string()),
        problems: outcome.map_or_else(Vec::new, |outcome| outcome.problems.clone()),
        unread_fields: outcome.map_or_else(Vec::new, |outcome| outcome.unread_fields.clone()),
        fault: outcome.and_then(|outcome| outcome.fault.clone()),
    }
}

fn contains(value: &HeaderValue, key: &HeaderValue) -> bool {
    let (value, key) = (value.as_bytes(), key.as_bytes());
    !key.is_empty() && value.windows(key.len()).any(|part| part == key)
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.to_string())
            .and_modify(|known| *known = format!("{known}, {value}"))
            .or_insert_with(|| value.to_string());
    }
    joined
}
