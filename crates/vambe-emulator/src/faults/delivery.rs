//! Puts a fault on the wire.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use super::{Action, Fault, status_of};
use crate::answer::Answer;
use crate::basis::Basis;
use crate::stop::Stop;

const TICKS_PER_SECOND: u64 = 20;

/// Stands in for an answer when the connection is to end without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The orderly end of the connection.
    Close,
    /// A TCP reset.
    Reset,
}

/// Gives the fault's answer; `real` is the answer of the request, if it was processed.
///
/// Whatever waits in here ends when the caller goes away or the emulator stops.
pub(crate) async fn deliver(fault: &Fault, real: Option<Answer>, stop: &Stop) -> Response {
    let delay = Duration::from_millis(fault.delay_ms);
    if !stop.sleep(delay).await {
        return Cut::Close.into_response();
    }
    match fault.action {
        Action::Answer => described(fault, real).into_response(),
        Action::StallBody => stalling(fault, &described(fault, real), stop),
        Action::SlowBody => slow(fault, &described(fault, real), stop),
        Action::TruncateBody => truncated(fault, &described(fault, real)),
        Action::CloseBeforeRead | Action::CloseAfterRead => Cut::Close.into_response(),
        Action::ResetBeforeRead | Action::Reset => Cut::Reset.into_response(),
        Action::Stall => {
            stop.stopped().await;
            Cut::Close.into_response()
        }
    }
}

impl IntoResponse for Cut {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

/// The real answer, or an empty one, changed as the fault says.
fn described(fault: &Fault, real: Option<Answer>) -> Answer {
    let status = status_of(fault);
    let mut answer = match (real, status) {
        (Some(real), None) => real,
        // The real body says nothing about another status.
        (_, Some(status)) => Answer::bare(status, Basis::Fault),
        (None, None) => Answer::bare(StatusCode::OK, Basis::Fault),
    };
    answer.basis = Basis::Fault;
    if let Some(body) = &fault.body {
        let (content_type, body) = written(body);
        let content_type = HeaderValue::from_static(content_type);
        answer.headers.insert(header::CONTENT_TYPE, content_type);
        answer.body = body;
    }
    add_headers(&mut answer.headers, fault);
    answer
}

fn written(body: &Value) -> (&'static str, Bytes) {
    match body {
        Value::String(text) => ("text/plain; charset=utf-8", text.clone().into()),
        value => ("application/json; charset=utf-8", value.to_string().into()),
    }
}

fn add_headers(headers: &mut HeaderMap, fault: &Fault) {
    for (name, value) in &fault.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    if let Some(date) = fault.retry_after_date_in.and_then(retry_date) {
        headers.insert(header::RETRY_AFTER, date);
    }
}

fn retry_date(seconds: u32) -> Option<HeaderValue> {
    let then = std::time::SystemTime::now() + Duration::from_secs(seconds.into());
    HeaderValue::try_from(httpdate::fmt_http_date(then)).ok()
}

fn stalling(fault: &Fault, answer: &Answer, stop: &Stop) -> Response {
    let stop = stop.clone();
    let part = first_part(fault, answer);
    let rest = stream::once(async move {
        stop.stopped().await;
        Err(io::Error::other("the emulator stopped"))
    });
    let announced = answer.body.len().max(part.len() + 1);
    let body = stream::iter([Ok(part)]).chain(rest);
    announcing(answer, announced, Body::from_stream(body))
}

fn truncated(fault: &Fault, answer: &Answer) -> Response {
    let part = first_part(fault, answer);
    let rest = stream::once(async {
        // Lets the part that was sent leave before the connection ends.
        tokio::task::yield_now().await;
        Err(io::Error::other("truncated"))
    });
    let announced = answer.body.len().max(part.len() + 1);
    let body = stream::iter([Ok(part)]).chain(rest);
    announcing(answer, announced, Body::from_stream(body))
}

fn slow(fault: &Fault, answer: &Answer, stop: &Stop) -> Response {
    let pace = u64::from(fault.bytes_per_second.unwrap_or(1));
    let chunk = usize::try_from(pace / TICKS_PER_SECOND).unwrap_or(1).max(1);
    let wait = Duration::from_secs(1) * u32::try_from(chunk).unwrap_or(1) / u32::try_from(pace).unwrap_or(1);
    let body = stream::unfold((answer.body.clone(), stop.clone()), move |(mut rest, stop)| async move {
        if rest.is_empty() {
            return None;
        }
        if !stop.sleep(wait).await {
            return Some((Err(io::Error::other("the emulator stopped")), (Bytes::new(), stop)));
        }
        let part = rest.split_to(chunk.min(rest.len()));
        Some((Ok(part), (rest, stop)))
    });
    announcing(answer, answer.body.len(), Body::from_stream(body))
}

fn first_part(fault: &Fault, answer: &Answer) -> Bytes {
    let whole = answer.body.len();
    let part = fault.after_bytes.unwrap_or(whole / 2);
    answer.body.slice(..part.min(whole.saturating_sub(1)))
}

fn announcing(answer: &Answer, length: usize, body: Body) -> Response {
    let mut response = answer.head();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response.map(|_| body)
}
