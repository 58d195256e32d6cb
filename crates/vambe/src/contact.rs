//! [`Contact`]: the answer to an upsert, read leniently.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// The contact that was created or found, with what the call cost.
///
/// Only `id` is guaranteed: the API's page says of no other field when it is there.
/// Unknown fields, and known ones of an unexpected kind, are kept in `extra`.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contact {
    /// The contact's id (other endpoints of the API call it `aiContactId`).
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// Phone number as the server keeps it.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Channel: `whatsapp`, `web-whatsapp`, `webchat`, or one that is newer than this SDK.
    pub platform: Option<String>,
    /// Your organisation's id.
    pub client_id: Option<String>,
    /// The customer profile, which several contacts may share.
    pub ai_customer_id: Option<String>,
    /// When the contact was created, as ISO 8601 text.
    pub created_at: Option<String>,
    /// The current pipeline stage.
    pub default_stage_id: Option<String>,
    /// Whether the contact is blocked.
    pub blocked: Option<bool>,
    /// State of the chat, such as `UNATTENDED`.
    pub chat_status: Option<String>,
    /// Whether the chat was read.
    pub is_chat_read: Option<bool>,
    /// Every other field of the answer.
    pub extra: Map<String, Value>,
    /// The answer's JSON as received.
    pub raw: String,
    /// The HTTP status: any 2xx.
    pub status: u16,
    /// The server's id of the request, if it sent one.
    pub request_id: Option<String>,
    /// How many times the call was tried.
    pub attempts: u32,
    /// How long the call took, waits included, in seconds when serialised.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Duration,
}

impl Contact {
    /// Reads the body of a 2xx answer; nothing if it holds no readable `id`.
    pub(crate) fn from_body(status: u16, body: &str) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_str(body).ok()?;
        let id = match fields.shift_remove("id")? {
            Value::String(id) if !id.trim().is_empty() => id,
            Value::Number(id) if !id.is_f64() => id.to_string(),
            _ => return None,
        };
        let name = text(&mut fields, "name");
        Some(Self {
            id,
            name,
            phone: text(&mut fields, "phone"),
            email: text(&mut fields, "email"),
            platform: text(&mut fields, "platform"),
            client_id: text(&mut fields, "client_id"),
            ai_customer_id: text(&mut fields, "ai_customer_id"),
            created_at: text(&mut fields, "created_at"),
            default_stage_id: text(&mut fields, "default_stage_id"),
            blocked: boolean(&mut fields, "blocked"),
            chat_status: text(&mut fields, "chat_status"),
            is_chat_read: boolean(&mut fields, "is_chat_read"),
            extra: fields,
            raw: body.to_owned(),
            status,
            request_id: None,
            attempts: 0,
            elapsed: Duration::ZERO,
        })
    }
}

// A null is nothing; a value of another kind stays behind, for `extra`.
fn text(fields: &mut Map<String, Value>, key: &str) -> Option<String> {
    match fields.get(key)? {
        Value::String(_) | Value::Null => match fields.shift_remove(key)? {
            Value::String(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn boolean(fields: &mut Map<String, Value>, key: &str) -> Option<bool> {
    match fields.get(key)? {
        Value::Bool(_) | Value::Null => fields.shift_remove(key)?.as_bool(),
        _ => None,
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact")
            .field("id", &self.id)
            .field("platform", &self.platform)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .field("elapsed", &self.elapsed)
            .finish_non_exhaustive()
    }
}
