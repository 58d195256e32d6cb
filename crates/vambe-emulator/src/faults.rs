//! Faults as data: what goes wrong with the tenant's next calls.

mod delivery;
mod matching;
mod presets;
mod queue;

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::routes::Route;

pub(crate) use self::delivery::{Cut, deliver};
use self::matching::Match;
pub use self::presets::PRESETS;
pub(crate) use self::presets::read_list;
pub use self::queue::AppliedFault;
pub(crate) use self::queue::{FaultQueue, Taken};

const LONGEST_DELAY_MS: u64 = 600_000;
// What these say about the body is for the actions to decide.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Something that goes wrong with the next calls.
///
/// `PUT /_emulator/faults` takes a JSON list of faults and names of [`PRESETS`]; each call
/// consumes the first one that hits it. A fault is an object, all of whose fields are optional:
///
/// | field | meaning | default |
/// |---|---|---|
/// | `times` | how many calls it hits; null: all of them | 1 |
/// | `match` | `{"path": …, "contains": …, "identity": …}`: only calls of this route, with this text in the body, for the contact with this phone or external user id | every call |
/// | `probability` | hits a matching call with this probability, between 0 and 1 | 1 |
/// | `seed` | the seed of the dice: the same calls are hit each time | 0 |
/// | `action` | what happens, see below | `"answer"` |
/// | `delay_ms` | waits so long first, at most ten minutes | 0 |
/// | `apply` | processes the request for real, and commits, before anything else | see below |
/// | `status` | status of the answer | 200, or the real one |
/// | `headers` | object of headers to add or replace | `{}` |
/// | `retry_after_date_in` | adds `Retry-After` as the date in so many seconds | |
/// | `body` | text sent as it is, or any other JSON value | see below |
/// | `after_bytes` | how much of the body `stall_body` and `truncate_body` send | half |
/// | `bytes_per_second` | the pace of `slow_body`, which requires it | |
/// | `metadata_twice` | processes the request for real, and its metadata twice | false |
///
/// | `action` | the caller sees |
/// |---|---|
/// | `answer` | the answer |
/// | `stall` | nothing, for as long as it waits |
/// | `stall_body` | the head and a part of the body, then nothing |
/// | `slow_body` | the body at the given pace |
/// | `truncate_body` | the head, a part of the body that it announced, then the end of the connection |
/// | `close_before_read` | the end of the connection as soon as the head of its request arrived |
/// | `close_after_read` | the end of the connection once its request was read |
/// | `reset_before_read` | a TCP reset as soon as the head of its request arrived |
/// | `reset` | a TCP reset once its request was read |
///
/// `apply` is true when an answer is needed and neither `status` nor `body` describes
/// one: then the real answer is delayed, cut or slowed. Otherwise it is false. With
/// `"apply": true` and an action that drops the answer, the request has taken effect
/// and the caller cannot know. A body that is not described is the error body of the
/// status, or empty for a status below 400.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    times: Option<u32>,
    #[serde(rename = "match", skip_serializing_if = "Match::is_any")]
    matching: Match,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply: Option<bool>,
    delay_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_date_in: Option<u32>,
    #[serde(skip_serializing_if = "is_false")]
    metadata_twice: bool,
}

/// What a fault does to a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Gives an answer.
    #[default]
    Answer,
    /// Never answers.
    Stall,
    /// Sends the head and a part of the body, then nothing more.
    StallBody,
    /// Sends the body at a given pace.
    SlowBody,
    /// Announces the whole body, sends a part and ends the connection.
    TruncateBody,
    /// Ends the connection when the head of the request has arrived.
    CloseBeforeRead,
    /// Ends the connection when the request has been read.
    CloseAfterRead,
    /// Resets the connection when the head of the request has arrived.
    ResetBeforeRead,
    /// Resets the connection when the request has been read.
    Reset,
}

impl Fault {
    /// Answers with this status instead of processing the request.
    pub fn answer(status: u16) -> Self {
        Self { status: Some(status), ..Self::action(Action::Answer) }
    }

    /// Does this to one call.
    pub fn action(action: Action) -> Self {
        Self { action, ..Self::default() }
    }

    /// Processes the request for real, and answers after this time.
    pub fn delay(milliseconds: u64) -> Self {
        Self::default().delay_ms(milliseconds)
    }

    /// Hits so many calls instead of one.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Hits all calls instead of one.
    #[must_use]
    pub fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// Hits a matching call with this probability; the dice begin with this seed.
    #[must_use]
    pub fn probability(self, probability: f64, seed: u64) -> Self {
        Self { probability: Some(probability), seed: Some(seed), ..self }
    }

    /// Hits only calls of this route of the API.
    #[must_use]
    pub fn on_path(mut self, path: impl Into<String>) -> Self {
        self.matching.path = Some(path.into());
        self
    }

    /// Hits only calls with this text in their body.
    #[must_use]
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.matching.contains = Some(text.into());
        self
    }

    /// Hits only calls for the contact with this phone number or external user id.
    #[must_use]
    pub fn for_identity(mut self, identity: impl Into<String>) -> Self {
        self.matching.identity = Some(identity.into());
        self
    }

    /// Adds `Retry-After`, as the date in so many seconds.
    #[must_use]
    pub fn retry_after_date_in(self, seconds: u32) -> Self {
        Self { retry_after_date_in: Some(seconds), ..self }
    }

    /// Processes the request for real, and its metadata twice.
    #[must_use]
    pub fn metadata_twice() -> Self {
        Self { metadata_twice: true, ..Self::default() }
    }

    /// Says whether to process the request for real first.
    #[must_use]
    pub fn apply(mut self, apply: bool) -> Self {
        self.apply = Some(apply);
        self
    }

    /// Waits so long before the answer.
    #[must_use]
    pub fn delay_ms(self, delay_ms: u64) -> Self {
        Self { delay_ms, ..self }
    }

    /// Sets the status of the answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sets the body: text is sent as it is, anything else as JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends so much of the body.
    #[must_use]
    pub fn after_bytes(mut self, bytes: usize) -> Self {
        self.after_bytes = Some(bytes);
        self
    }

    /// Sends the body at this pace.
    #[must_use]
    pub fn bytes_per_second(mut self, bytes: u32) -> Self {
        self.bytes_per_second = Some(bytes);
        self
    }

    /// Whether the request is processed for real.
    fn applies(&self) -> bool {
        let described = self.status.is_some() || self.body.is_some();
        self.apply.unwrap_or(self.action.answers() && !described)
    }

    /// Says which fault is impossible, and why.
    pub(crate) fn check_all(faults: &[Self]) -> Result<(), String> {
        let numbered = faults.iter().enumerate();
        let mut checked = numbered.map(|(at, fault)| fault.check().map_err(|reason| format!("fault {at}: {reason}")));
        checked.find(Result::is_err).unwrap_or(Ok(()))
    }

    /// Says what makes the fault impossible.
    fn check(&self) -> Result<(), String> {
        let before_read = self.action.is_before_read();
        let partial = matches!(self.action, Action::StallBody | Action::TruncateBody);
        let slow = self.action == Action::SlowBody;
        let described = self.status.is_some()
            || self.body.is_some()
            || !self.headers.is_empty()
            || self.retry_after_date_in.is_some();
        let refusals = [
            (self.times == Some(0), "times must be at least 1, or null for all calls"),
            (self.probability.is_some_and(|p| !(p > 0.0 && p <= 1.0)), "probability must be above 0 and at most 1"),
            (
                self.matching.path.as_ref().is_some_and(|path| !Route::is_documented(path)),
                "match.path is no route of the API",
            ),
            (self.metadata_twice && !self.applies(), "metadata_twice needs a request that is processed: set apply"),
            (self.delay_ms > LONGEST_DELAY_MS, "delay_ms must be at most 600000"),
            (self.status.is_some_and(|status| !(200..=599).contains(&status)), "status must be between 200 and 599"),
            (
                before_read && (self.matching.needs_body() || self.apply == Some(true)),
                "before the request is read there is no body: neither match.contains nor match.identity nor apply",
            ),
            (described && !self.action.answers(), "status, headers and body need an action that answers"),
            (self.after_bytes.is_some() && !partial, "after_bytes needs the action stall_body or truncate_body"),
            (
                slow != self.bytes_per_second.is_some_and(|pace| pace > 0),
                "slow_body needs bytes_per_second, which no other action takes",
            ),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, reason)) => Err((*reason).to_owned()),
            None => self.headers.iter().try_for_each(check_header),
        }
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            times: Some(1),
            matching: Match::default(),
            probability: None,
            seed: None,
            action: Action::default(),
            apply: None,
            delay_ms: 0,
            status: None,
            headers: BTreeMap::new(),
            body: None,
            after_bytes: None,
            bytes_per_second: None,
            retry_after_date_in: None,
            metadata_twice: false,
        }
    }
}

impl Action {
    fn is_before_read(self) -> bool {
        matches!(self, Self::CloseBeforeRead | Self::ResetBeforeRead)
    }

    fn answers(self) -> bool {
        match self {
            Self::Answer | Self::StallBody | Self::SlowBody | Self::TruncateBody => true,
            Self::Stall | Self::CloseBeforeRead | Self::CloseAfterRead | Self::ResetBeforeRead | Self::Reset => false,
        }
    }
}

fn check_header((name, value): (&String, &String)) -> Result<(), String> {
    let framing = FRAMING.iter().any(|known| name.eq_ignore_ascii_case(known));
    let valid = HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
    if valid && !framing {
        return Ok(());
    }
    Err(format!("headers cannot hold this {name:?}"))
}

// Serde asks for this form.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

fn status_of(fault: &Fault) -> Option<StatusCode> {
    fault.status.and_then(|status| StatusCode::from_u16(status).ok())
}
