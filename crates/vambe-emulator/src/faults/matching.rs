//! Which calls a fault hits.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::contract::Phone;

/// What a call must be to be hit; nothing given is any call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Match {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contains: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
}

impl Match {
    pub(super) fn is_any(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn needs_body(&self) -> bool {
        self.contains.is_some() || self.identity.is_some()
    }

    pub(super) fn takes_path(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted == path)
    }

    pub(super) fn takes_body(&self, body: &[u8]) -> bool {
        let holds = |text: &String| text.is_empty() || body.windows(text.len()).any(|part| part == text.as_bytes());
        self.contains.as_ref().is_none_or(holds) && self.identity.as_ref().is_none_or(|wanted| is_for(body, wanted))
    }
}

/// Whether the body is about the contact with this phone, however it is spelled, or external user id.
fn is_for(body: &[u8], identity: &str) -> bool {
    let object: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    let digits = Phone::clean(identity).digits;
    let is_phone = |given: &str| !digits.is_empty() && Phone::clean(given).digits == digits;
    text("external_user_id") == Some(identity)
        || ["contact_phone_number", "to_phone"].into_iter().filter_map(text).any(is_phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_phone_in_any_spelling_or_a_user_id() {
        let phone = br#"{"contact_phone_number": "+56 9 1234-5678"}"#;
        assert!(is_for(phone, "56912345678") && !is_for(phone, "5691234567") && !is_for(phone, ""));
        assert!(is_for(br#"{"to_phone": "56912345678"}"#, "+56912345678"));
        assert!(is_for(br#"{"external_user_id": "user-1"}"#, "user-1"));
        assert!(!is_for(b"not json", "user-1"));
    }
}
