//! From the server's answer to a [`Contact`] or an [`Error`]. Pure.
//!
//! The API documents no error body, so this reads whatever comes: status first, then a
//! message wherever frameworks put one, else nothing.

mod missing;
mod reason;
mod retry_after;

use std::borrow::Cow;
use std::time::SystemTime;

use http::HeaderMap;

use crate::api_key::ApiKey;
use crate::contact::Contact;
use crate::error::{Delivery, Error, ErrorCode};
use crate::retry::is_retryable;
use crate::transport::Answer;

/// What an answer is read against.
pub(crate) struct Sent<'s> {
    pub(crate) body: &'s str,
    pub(crate) api_key: &'s ApiKey,
    /// The time now, for a `Retry-After` that names a date.
    pub(crate) now: SystemTime,
}

/// Reads an answer: any 2xx with an `id` is a contact, all else is an error.
pub(crate) fn read(answer: &Answer, sent: &Sent<'_>) -> Result<Contact, Error> {
    // Looked at whole first, which is much faster.
    let text = std::str::from_utf8(&answer.body).map_or_else(|_| String::from_utf8_lossy(&answer.body), Cow::Borrowed);
    let request_id = request_id(&answer.headers);
    if !(200..300).contains(&answer.status) {
        return Err(refusal(answer, &text, request_id, sent));
    }
    match Contact::from_body(answer.status, &text) {
        Some(contact) => Ok(Contact { request_id, ..contact }),
        None => Err(unreadable(answer.status, &text, request_id, sent)),
    }
}

fn refusal(answer: &Answer, text: &str, request_id: Option<String>, sent: &Sent<'_>) -> Error {
    let status = answer.status;
    let code = code_of(status);
    let parsed = serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    let missing_custom_fields = match code {
        ErrorCode::BadRequest => missing::custom_fields(&parsed, text),
        _ => Vec::new(),
    };
    let mut message = summary(code, status);
    if missing_custom_fields.is_empty() {
        if let Some(reason) = reason::read(&parsed, text) {
            message = format!("{message}: {}", reason::mask(&sent.api_key.blot(&reason), sent.body));
        }
    } else {
        let keys = missing_custom_fields.join(", ");
        message = format!("{message}: no custom field has the key {keys}; create it in the Vambe dashboard");
    }
    Error::new(code, message).with(|details| {
        details.status = Some(status);
        details.missing_custom_fields = missing_custom_fields;
        details.retry_after = retry_after::read(&answer.headers, sent.now);
        details.retryable = is_retryable(code, Some(status));
        details.delivery = if (400..500).contains(&status) { Delivery::Rejected } else { Delivery::Unknown };
        details.request_id = request_id;
        details.body = bounded(text, sent.api_key);
    })
}

fn unreadable(status: u16, text: &str, request_id: Option<String>, sent: &Sent<'_>) -> Error {
    let kind = reason::kind(text);
    let message = format!("the server answered {status} with {kind} instead of a contact with an id; check base_url");
    Error::new(ErrorCode::InvalidResponse, message).with(|details| {
        details.status = Some(status);
        details.delivery = Delivery::Unknown;
        details.request_id = request_id;
        details.body = bounded(text, sent.api_key);
    })
}

fn code_of(status: u16) -> ErrorCode {
    match status {
        400 | 422 => ErrorCode::BadRequest,
        401 => ErrorCode::Authentication,
        403 => ErrorCode::PermissionDenied,
        404 => ErrorCode::NotFound,
        429 => ErrorCode::RateLimited,
        500..=599 => ErrorCode::Server,
        _ => ErrorCode::Api,
    }
}

fn summary(code: ErrorCode, status: u16) -> String {
    let text = match code {
        ErrorCode::BadRequest => "the server refused the record",
        ErrorCode::Authentication => "the server refused the API key; check VAMBE_API_KEY",
        ErrorCode::PermissionDenied => "the API key may not do this; check its permissions",
        ErrorCode::NotFound => "the server does not know the endpoint; check base_url",
        ErrorCode::RateLimited => "the server asks to slow down",
        ErrorCode::Server => "the server failed",
        _ if (300..400).contains(&status) => "the server redirects, which is not followed; check base_url",
        _ => "the server answered with an unexpected status",
    };
    format!("{text} ({status})")
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let value = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    (!value.is_empty() && value.len() <= LONGEST_REQUEST_ID).then(|| value.to_owned())
}

fn bounded(text: &str, api_key: &ApiKey) -> Option<String> {
    (!text.is_empty()).then(|| api_key.blot(reason::cut(text, LONGEST_BODY)))
}

const REQUEST_ID_HEADERS: [&str; 3] = ["x-request-id", "request-id", "x-correlation-id"];
const LONGEST_REQUEST_ID: usize = 200;
const LONGEST_BODY: usize = 4096;
