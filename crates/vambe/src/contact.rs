//! [`Contact`]: the answer to an upsert, read leniently.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::value::Key;

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
        let mut contact = Self { status, ..serde_json::from_str(body).ok()? };
        body.clone_into(&mut contact.raw);
        (!contact.id.trim().is_empty()).then_some(contact)
    }

    fn empty() -> Self {
        Self {
            id: String::new(),
            name: None,
            phone: None,
            email: None,
            platform: None,
            client_id: None,
            ai_customer_id: None,
            created_at: None,
            default_stage_id: None,
            blocked: None,
            chat_status: None,
            is_chat_read: None,
            extra: Map::new(),
            raw: String::new(),
            status: 0,
            request_id: None,
            attempts: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Takes a field of the answer; what does not fit stays in `extra`.
    fn take(&mut self, key: Cow<'_, str>, value: Value) {
        let text = match &*key {
            "id" => return self.take_id(value),
            "name" => &mut self.name,
            "phone" => &mut self.phone,
            "email" => &mut self.email,
            "platform" => &mut self.platform,
            "client_id" => &mut self.client_id,
            "ai_customer_id" => &mut self.ai_customer_id,
            "created_at" => &mut self.created_at,
            "default_stage_id" => &mut self.default_stage_id,
            "chat_status" => &mut self.chat_status,
            "blocked" | "is_chat_read" => return self.take_flag(key, value),
            _ => {
                self.extra.insert(key.into_owned(), value);
                return;
            }
        };
        match value {
            Value::String(value) => *text = Some(value),
            Value::Null => *text = None,
            other => drop(self.extra.insert(key.into_owned(), other)),
        }
    }

    fn take_id(&mut self, value: Value) {
        self.id = match value {
            Value::String(id) => id,
            Value::Number(id) if !id.is_f64() => id.to_string(),
            _ => String::new(),
        };
    }

    fn take_flag(&mut self, key: Cow<'_, str>, value: Value) {
        let flag = if key == "blocked" { &mut self.blocked } else { &mut self.is_chat_read };
        match value {
            Value::Bool(value) => *flag = Some(value),
            Value::Null => *flag = None,
            other => drop(self.extra.insert(key.into_owned(), other)),
        }
    }
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ContactVisitor)
    }
}

struct ContactVisitor;

impl<'de> Visitor<'de> for ContactVisitor {
    type Value = Contact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Contact, A::Error> {
        let mut contact = Contact::empty();
        while let Some(key) = access.next_key::<Key<'de>>()? {
            contact.take(key.0, access.next_value()?);
        }
        Ok(contact)
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
