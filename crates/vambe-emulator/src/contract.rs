//! The form of a request: bytes in, a checked request or a refusal out. No I/O, no state.

mod fields;

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use crate::basis::{A, Assumptions, Basis};
use crate::contract::fields::Fields;
use crate::id::Id;
use crate::reject::Reject;
use crate::rules::Rules;
use crate::seed::Platform;

/// The longest body the service reads: Express's default, 100 kB.
pub(crate) const BODY_LIMIT: usize = 102_400;

/// The fields of an upsert that the page names.
pub(crate) const UPSERT_FIELDS: &[&str] = &[
    "channel",
    "channel_phone_number",
    "contact_phone_number",
    "channel_id",
    "external_user_id",
    "contact_name",
    "contact_email",
    "stageId",
    "agentId",
    "meta_data",
    "custom_field_values",
];

/// The fields of a note that the page and its predecessor name.
pub(crate) const NOTE_FIELDS: &[&str] = &["to_phone", "from_phone", "note", "contact_name", "meta_data", "stage_id"];

/// An upsert whose fields all have the documented form.
#[derive(Debug)]
pub(crate) struct Upsert {
    pub(crate) address: Address,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) stage: Option<Id>,
    pub(crate) agent: Option<Id>,
    pub(crate) meta_data: Map<String, Value>,
    pub(crate) values: Vec<FieldValue>,
    pub(crate) assumptions: Assumptions,
}

/// Which contact, on which channel.
#[derive(Debug)]
pub(crate) enum Address {
    Phone { platform: Platform, channel: String, contact: Phone },
    Webchat { channel: Id, user: String },
}

/// A phone number, cleaned as the page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) cleaned: String,
    pub(crate) digits: String,
}

/// One entry of `custom_field_values`, at its place in the list.
#[derive(Debug)]
pub(crate) struct FieldValue {
    pub(crate) at: usize,
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Phone {
    /// Keeps the ASCII digits and `+`, as the page's own snippet `[^\d+]` does.
    pub(crate) fn clean(text: &str) -> Self {
        let kept = |c: &char| c.is_ascii_digit() || *c == '+';
        let cleaned: String = text.chars().filter(kept).collect();
        let digits = cleaned.chars().filter(char::is_ascii_digit).collect();
        Self { cleaned, digits }
    }
}

/// Reads the body as a JSON object.
///
/// Like Express, a body of another content type is not read at all: it counts as `{}`.
pub(crate) fn object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Reject> {
    if !is_json(headers) || body.is_empty() {
        return Ok(Map::new());
    }
    let malformed = |message| Reject::whole(StatusCode::BAD_REQUEST, "json", message, Basis::Inferred);
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(malformed("Request body must be a JSON object")),
        Err(_) => Err(malformed("Request body is not valid JSON")),
    }
}

/// Lists the fields that nothing will read.
pub(crate) fn unread(object: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let unknown = |field: &&String| !known.contains(&field.as_str());
    object.keys().filter(unknown).cloned().collect()
}

/// Checks the body of `POST /api/public/customer/upsert/info`.
pub(crate) fn upsert(object: Map<String, Value>, rules: Rules) -> Result<Upsert, Reject> {
    let mut fields = Fields::new(object, UPSERT_FIELDS, rules);
    let address = address(&mut fields);
    let name = fields.text("contact_name");
    let email = fields.text("contact_email");
    let stage = fields.id("stageId");
    let agent = fields.id("agentId");
    let meta_data = fields.object("meta_data");
    let values = fields.values("custom_field_values");
    let (assumptions, address) = fields.finish(address)?;
    Ok(Upsert { address, name, email, stage, agent, meta_data, values, assumptions })
}

/// Checks the body of the deprecated `POST /api/public/whatsapp/message/note/send` and
/// rewrites it as the page's migration section does.
pub(crate) fn note(object: Map<String, Value>, rules: Rules) -> Result<Upsert, Reject> {
    let mut fields = Fields::new(object, NOTE_FIELDS, rules);
    fields.assumptions.note(A(17));
    let address = phone_address(&mut fields, Platform::Whatsapp, "from_phone", "to_phone");
    let note = fields.required_text("note", "");
    let name = fields.text("contact_name");
    let stage = fields.id("stage_id");
    let mut meta_data = fields.optional_object("meta_data");
    let (assumptions, address) = fields.finish(address)?;
    meta_data.extend(note.map(|note| ("internal_note".to_owned(), note.into())));
    Ok(Upsert { address, name, email: None, stage, agent: None, meta_data, values: Vec::new(), assumptions })
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn address(fields: &mut Fields) -> Option<Address> {
    match fields.channel("channel")? {
        Platform::Webchat => webchat_address(fields),
        platform => {
            fields.unused_here(&["channel_id", "external_user_id"]);
            phone_address(fields, platform, "channel_phone_number", "contact_phone_number")
        }
    }
}

fn webchat_address(fields: &mut Fields) -> Option<Address> {
    fields.unused_here(&["channel_phone_number", "contact_phone_number"]);
    fields.assumptions.note(A(15));
    let channel = fields.required_id("channel_id", " for webchat");
    let user = fields.required_text("external_user_id", " for webchat");
    Some(Address::Webchat { channel: channel?, user: user? })
}

fn phone_address(
    fields: &mut Fields,
    platform: Platform,
    channel: &'static str,
    contact: &'static str,
) -> Option<Address> {
    let for_platform = format!(" for {platform}");
    let channel = fields.required_text(channel, &for_platform);
    let contact = fields.required_phone(contact, &for_platform);
    Some(Address::Phone { platform, channel: channel?, contact: contact? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusals(body: Value) -> Vec<(String, &'static str)> {
        let Value::Object(object) = body else { panic!("an object") };
        let reject = upsert(object, Rules::default()).map(|_| ()).unwrap_err();
        assert_eq!(reject.status, StatusCode::BAD_REQUEST);
        let places = reject.problems.into_iter();
        places.map(|problem| (problem.pointer, problem.rule)).collect()
    }

    #[test]
    fn cleaning_keeps_ascii_digits_and_plus() {
        let phone = Phone::clean(" +56 (9) 1234-5678 ext٣");
        assert_eq!(phone.cleaned, "+56912345678");
        assert_eq!(phone.digits, "56912345678");
    }

    #[test]
    fn lists_every_broken_rule_of_form_at_once() {
        let body = json!({
            "channel": "whatsapp", "channel_phone_number": "", "stageId": "your_leads_stage_id",
            "agentId": 7, "contact_name": ["x"], "meta_data": [], "external_user_id": 5,
            "custom_field_values": [{ "key": "rut" }, "plan", { "key": 1, "value": 2 }],
        });
        let expected = [
            ("/external_user_id", "type"),
            ("/channel_phone_number", "min_length"),
            ("/contact_phone_number", "required"),
            ("/contact_name", "type"),
            ("/stageId", "pattern"),
            ("/agentId", "type"),
            ("/meta_data", "type"),
            ("/custom_field_values/0/value", "required"),
            ("/custom_field_values/1", "type"),
            ("/custom_field_values/2/key", "type"),
            ("/custom_field_values/2/value", "type"),
        ];
        let expected = expected.map(|(pointer, rule)| (pointer.to_owned(), rule));
        assert_eq!(refusals(body), expected);
    }

    #[test]
    fn needs_a_known_channel() {
        let at_channel = |rule| vec![("/channel".to_owned(), rule)];
        assert_eq!(refusals(json!({})), at_channel("required"));
        assert_eq!(refusals(json!({ "channel": null })), at_channel("required"));
        assert_eq!(refusals(json!({ "channel": "WhatsApp" })), at_channel("enum"));
        assert_eq!(refusals(json!({ "channel": 1 })), at_channel("enum"));
    }

    #[test]
    fn webchat_needs_its_own_two_fields() {
        let required = |field: &str| (field.to_owned(), "required");
        assert_eq!(refusals(json!({ "channel": "webchat" })), [required("/channel_id"), required("/external_user_id")]);
    }

    #[test]
    fn a_body_of_another_type_is_not_read() {
        let headers = HeaderMap::new();
        assert_eq!(object(&headers, b"{\"channel\":\"webchat\"}"), Ok(Map::new()));
    }
}
