//! [`CustomerRecord`]: what the caller says about a customer, before anything is checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::error::Error;
use crate::field::Field;
use crate::json;
use crate::value::{Key, Value};
use crate::violation::{Path, Validation, Violation, ViolationCode};

/// A customer as given: flat, and possibly wrong.
///
/// Fields are spelled as the API spells them; `stage_id` and `agent_id` are accepted
/// too. Nothing is checked until [`validate`](crate::validate), [`prepare`](crate::prepare)
/// or [`Client::upsert`](crate::Client::upsert), which report every problem at once.
///
/// ```
/// use vambe::CustomerRecord;
///
/// let record = CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678")
///     .contact_name("Maria Rodriguez")
///     .custom_field("rut", "12345678-9")
///     .meta("source", "landing-page");
/// assert!(vambe::validate(&record, &Default::default()).is_valid());
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct CustomerRecord {
    values: [Value; Field::ALL.len()],
    snake_case: Vec<Field>,
    others: Vec<(String, Value)>,
    /// Why this is no record at all.
    refusal: Option<Box<Violation>>,
}

macro_rules! setters {
    ($($(#[doc = $doc:literal])+ $name:ident => $field:ident,)+) => {
        $($(#[doc = $doc])+
        #[must_use]
        pub fn $name(mut self, value: impl Into<Value>) -> Self {
            *self.slot(Field::$field) = value.into();
            self
        })+
    };
}

impl CustomerRecord {
    /// Starts a record for a channel: `whatsapp`, `web-whatsapp` or `webchat`.
    pub fn new(channel: impl Into<Value>) -> Self {
        Self::default().channel(channel)
    }

    /// Starts a record for a customer of a WhatsApp Business number.
    pub fn whatsapp(channel_phone_number: impl Into<Value>, contact_phone_number: impl Into<Value>) -> Self {
        Self::new("whatsapp").channel_phone_number(channel_phone_number).contact_phone_number(contact_phone_number)
    }

    /// Starts a record for a customer of a number connected by QR code.
    pub fn web_whatsapp(channel_phone_number: impl Into<Value>, contact_phone_number: impl Into<Value>) -> Self {
        Self::whatsapp(channel_phone_number, contact_phone_number).channel("web-whatsapp")
    }

    /// Starts a record for a user of a webchat widget.
    pub fn webchat(channel_id: impl Into<Value>, external_user_id: impl Into<Value>) -> Self {
        Self::new("webchat").channel_id(channel_id).external_user_id(external_user_id)
    }

    setters! {
        /// Sets `channel`: `whatsapp`, `web-whatsapp` or `webchat`.
        channel => Channel,
        /// Sets `channel_phone_number`: your own number, or the channel's id. Sent as given.
        channel_phone_number => ChannelPhoneNumber,
        /// Sets `contact_phone_number`: the customer's number. Digits and `+` are kept.
        contact_phone_number => ContactPhoneNumber,
        /// Sets `channel_id`: the UUID of your webchat channel.
        channel_id => ChannelId,
        /// Sets `external_user_id`: your own id of the webchat user, text or a whole number.
        external_user_id => ExternalUserId,
        /// Sets `contact_name`: the name to show.
        contact_name => ContactName,
        /// Sets `contact_email`: sent as given.
        contact_email => ContactEmail,
        /// Sets `stageId`: the UUID of a pipeline stage.
        stage_id => StageId,
        /// Sets `agentId`: the UUID of the responsible team member.
        agent_id => AgentId,
        /// Sets `meta_data`: an object of anything, for the service's AI to read.
        meta_data => MetaData,
        /// Sets `custom_field_values`: an object of key and value, or a list of `{key, value}`.
        custom_field_values => CustomFieldValues,
        /// Sets `extra`: an object merged into the body as it is, nulls included.
        extra => Extra,
    }

    /// Adds one key to `meta_data`.
    #[must_use]
    pub fn meta(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with_entry(Field::MetaData, key.into(), value.into())
    }

    /// Adds one custom field, by the key of its definition.
    #[must_use]
    pub fn custom_field(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with_entry(Field::CustomFieldValues, key.into(), value.into())
    }

    /// Sets a field by its name.
    ///
    /// A key that is no field, or a field that is set already, is kept for the check to
    /// refuse.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        match Field::from_key(key) {
            Some(field) if matches!(self.get(field), Value::Missing) => {
                if key != field.name() {
                    self.snake_case.push(field);
                }
                *self.slot(field) = value.into();
            }
            _ => self.others.push((key.to_owned(), value.into())),
        }
    }

    /// Returns the value of a field; [`Value::Missing`] if it was not given.
    pub fn get(&self, field: Field) -> &Value {
        &self.values[field as usize]
    }

    /// Reads a record from an object, key by key.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`](crate::ErrorCode::Validation) if the value is no object. Wrong
    /// fields are found by the check.
    pub fn from_value(value: impl Into<Value>) -> Result<Self, Error> {
        let record = Self::from(value.into());
        match record.refusal {
            Some(refusal) => Err(refuse(*refusal)),
            None => Ok(record),
        }
    }

    /// Returns what was given, with the keys as the caller spelled them: fields in the order
    /// of the schema, then the keys that are no fields.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let given = Field::ALL.into_iter().filter(|field| !matches!(self.get(*field), Value::Missing));
        let fields = given.map(|field| (self.spelling(field), self.get(field)));
        fields.chain(self.others.iter().map(|(key, value)| (key.as_str(), value)))
    }

    /// Reads a record from the text of a JSON object.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`](crate::ErrorCode::Validation) with the line and column if
    /// the text is not a JSON object. Wrong fields are found by the check.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            // serde's own words quote the text, which may be personal data.
            let problem = match error.classify() {
                serde_json::error::Category::Data => format!("must be a JSON object ({place})"),
                serde_json::error::Category::Eof => format!("ends in the middle of its JSON ({place})"),
                _ => format!("is not JSON ({place})"),
            };
            refuse(Violation::new(Path::default(), ViolationCode::InvalidJson, &problem))
        })
    }

    /// Translates the payload of the deprecated note endpoint
    /// (`to_phone`, `from_phone`, `note`, `contact_name`, `meta_data`, `stage_id`).
    ///
    /// The note becomes `meta_data.internal_note`, as the API's migration guide has it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`](crate::ErrorCode::Validation) if the payload is no object, or
    /// if both `note` and `meta_data.internal_note` are given.
    pub fn from_note(note: impl Into<Value>) -> Result<Self, Error> {
        let Value::Object(entries) = note.into() else {
            return Err(refuse(Violation::new(Path::default(), ViolationCode::Type, "must be an object")));
        };
        let mut record = Self::new("whatsapp");
        let mut internal_note = Value::Missing;
        for (key, value) in entries {
            match key.as_str() {
                "to_phone" => record.set("contact_phone_number", value),
                "from_phone" => record.set("channel_phone_number", value),
                "note" => internal_note = value,
                "contact_name" | "meta_data" | "stage_id" => record.set(&key, value),
                _ => record.others.push((key, value)),
            }
        }
        record.add_internal_note(internal_note)
    }

    /// Returns why this is no record at all.
    pub(crate) fn refusal(&self) -> Option<&Violation> {
        self.refusal.as_deref()
    }

    /// Returns the keys that are no fields, or that repeat one, in the order given.
    pub(crate) fn others(&self) -> &[(String, Value)] {
        &self.others
    }

    /// Returns a field's name as the caller spelled it.
    pub(crate) fn spelling(&self, field: Field) -> &'static str {
        match field {
            Field::StageId if self.snake_case.contains(&field) => "stage_id",
            Field::AgentId if self.snake_case.contains(&field) => "agent_id",
            _ => field.name(),
        }
    }

    fn slot(&mut self, field: Field) -> &mut Value {
        &mut self.values[field as usize]
    }

    fn with_entry(mut self, field: Field, key: String, value: Value) -> Self {
        let slot = self.slot(field);
        match slot {
            Value::Object(entries) => entries.push((key, value)),
            // A list of {key, value} stays one; so does a value of the wrong kind, for the check to refuse.
            Value::Array(entries) => {
                entries.push(Value::Object(vec![("key".to_owned(), Value::Text(key)), ("value".to_owned(), value)]));
            }
            Value::Missing | Value::Null => *slot = Value::Object(vec![(key, value)]),
            _ => {}
        }
        self
    }

    fn add_internal_note(mut self, note: Value) -> Result<Self, Error> {
        if matches!(note, Value::Missing) {
            return Ok(self);
        }
        if self.get(Field::MetaData).is_empty() {
            *self.slot(Field::MetaData) = Value::Object(Vec::new());
        }
        if let Value::Object(entries) = self.slot(Field::MetaData) {
            if entries.iter().any(|(key, _)| key == "internal_note") {
                let twice = Violation::new(
                    Path::key("note"),
                    ViolationCode::DuplicateField,
                    "and meta_data.internal_note are the same field",
                );
                return Err(refuse(twice.hint("give one of them")));
            }
            entries.insert(0, ("internal_note".to_owned(), note));
        }
        Ok(self)
    }
}

/// Reads an object key by key; anything else becomes a record that every check refuses.
impl From<Value> for CustomerRecord {
    fn from(value: Value) -> Self {
        let mut record = Self::default();
        match value {
            Value::Object(entries) => entries.into_iter().for_each(|(key, value)| record.set(&key, value)),
            Value::Invalid(invalid) => {
                record.refusal = Some(Box::new(json::violation(Path::default(), json::code_of(invalid))));
            }
            other => {
                let problem = format!("must be an object, not {}", other.kind());
                record.refusal = Some(Box::new(Violation::new(Path::default(), ViolationCode::Type, &problem)));
            }
        }
        record
    }
}

fn refuse(violation: Violation) -> Error {
    let mut validation = Validation::default();
    validation.add(violation);
    Error::validation(validation)
}

// Which fields are given may be logged; what they hold may not.
impl fmt::Debug for CustomerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = Field::ALL.into_iter().filter(|field| !matches!(self.get(*field), Value::Missing));
        f.debug_list().entries(given.map(|field| self.spelling(field))).finish()
    }
}

impl<'de> Deserialize<'de> for CustomerRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = CustomerRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<CustomerRecord, A::Error> {
        let mut record = CustomerRecord::default();
        while let Some((Key(key), value)) = access.next_entry::<Key<'de>, Value>()? {
            record.set(&key, value);
        }
        Ok(record)
    }
}
