//! Faults as data: what goes wrong with the tenant's next calls.

mod delivery;
mod queue;

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::delivery::{Cut, deliver};
pub use self::queue::AppliedFault;
pub(crate) use self::queue::{FaultQueue, Taken};

const LONGEST_DELAY_MS: u64 = 600_000;
// What these say about the body is for the actions to decide.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Something that goes wrong with the next calls.
///
/// `PUT /_emulator/faults` takes a JSON list of faults; each call consumes the first
/// one that matches it. A fault is a flat object, all of whose fields are optional:
///
/// | field | meaning | default |
/// |---|---|---|
/// | `times` | how many calls it hits | 1 |
/// | `match` | `{"path": …, "contains": …}`: only calls of exactly this path, with this text in the body | every call |
/// | `action` | what happens, see below | `"answer"` |
/// | `delay_ms` | waits so long first, at most ten minutes | 0 |
/// | `apply` | processes the request for real, and commits, before anything else | see below |
/// | `status` | status of the answer | 200, or the real one |
/// | `headers` | object of headers to add or replace | `{}` |
/// | `body` | text sent as it is, or any other JSON value | see below |
/// | `after_bytes` | how much of the body `stall_body` and `truncate_body` send | half |
/// | `bytes_per_second` | the pace of `slow_body`, which requires it | |
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
/// | `reset` | likewise, by a TCP reset |
///
/// `apply` is true when an answer is needed and neither `status` nor `body` describes
/// one: then the real answer is delayed, cut or slowed. Otherwise it is false. With
/// `"apply": true` and an action that drops the answer, the request has taken effect
/// and the caller cannot know. A body that is not described is the error body of the
/// status, or empty for a status below 400.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    times: u32,
    #[serde(rename = "match", skip_serializing_if = "Match::is_any")]
    matching: Match,
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
    /// Resets the connection when the request has been read.
    Reset,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contains: Option<String>,
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
        Self { times, ..self }
    }

    /// Hits only calls of exactly this path.
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

    /// Says what makes the fault impossible.
    pub(crate) fn check(&self) -> Result<(), String> {
        let before_read = self.action == Action::CloseBeforeRead;
        let partial = matches!(self.action, Action::StallBody | Action::TruncateBody);
        let slow = self.action == Action::SlowBody;
        let described = self.status.is_some() || self.body.is_some() || !self.headers.is_empty();
        let refusals = [
            (self.times == 0, "times must be at least 1"),
            (self.delay_ms > LONGEST_DELAY_MS, "delay_ms must be at most 600000"),
            (self.status.is_some_and(|status| !(200..=599).contains(&status)), "status must be between 200 and 599"),
            (
                before_read && (self.matching.contains.is_some() || self.apply == Some(true)),
                "close_before_read knows no body: it takes neither match.contains nor apply",
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
            times: 1,
            matching: Match::default(),
            action: Action::default(),
            apply: None,
            delay_ms: 0,
            status: None,
            headers: BTreeMap::new(),
            body: None,
            after_bytes: None,
            bytes_per_second: None,
        }
    }
}

impl Action {
    fn answers(self) -> bool {
        match self {
            Self::Answer | Self::StallBody | Self::SlowBody | Self::TruncateBody => true,
            Self::Stall | Self::CloseBeforeRead | Self::CloseAfterRead | Self::Reset => false,
        }
    }
}

impl Match {
    fn is_any(&self) -> bool {
        *self == Self::default()
    }

    fn takes_path(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted == path)
    }

    fn takes_body(&self, body: &[u8]) -> bool {
        let holds = |text: &String| text.is_empty() || body.windows(text.len()).any(|part| part == text.as_bytes());
        self.contains.as_ref().is_none_or(holds)
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

fn status_of(fault: &Fault) -> Option<StatusCode> {
    fault.status.and_then(|status| StatusCode::from_u16(status).ok())
}
