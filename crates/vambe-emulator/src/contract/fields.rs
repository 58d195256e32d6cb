//! Takes typed fields out of a JSON object and collects what is wrong with them.

use serde_json::{Map, Value};

use super::{FieldValue, Phone};
use crate::basis::{A, Assumptions, Basis};
use crate::id::Id;
use crate::reject::{Problem, Reject};
use crate::rules::{Rule, Rules};
use crate::seed::Platform;

/// A JSON object that is being read field by field.
pub(super) struct Fields {
    object: Map<String, Value>,
    problems: Vec<Problem>,
    /// The choices behind the problems, unless the page itself is behind one.
    chosen: Assumptions,
    documented: bool,
    rules: Rules,
    pub(super) assumptions: Assumptions,
}

impl Fields {
    pub(super) fn new(object: Map<String, Value>, known: &[&str], rules: Rules) -> Self {
        let unread = super::unread(&object, known);
        let mut assumptions = Assumptions::default();
        assumptions.note_if(!unread.is_empty(), A(18));
        let (problems, chosen) = (Vec::new(), Assumptions::default());
        let mut fields = Self { object, problems, chosen, documented: false, rules, assumptions };
        if rules.has(Rule::StrictFields) {
            for name in &unread {
                // The name comes from the caller and may be anything; the pointer carries it.
                fields.broken_by(A(18), name, "unknown_field", "a field of the request is not known".to_owned());
            }
        }
        fields
    }

    /// Gives the request when nothing was wrong, or everything that was.
    pub(super) fn finish<T>(self, request: Option<T>) -> Result<(Assumptions, T), Reject> {
        match request {
            Some(request) if self.problems.is_empty() => Ok((self.assumptions, request)),
            _ => {
                let basis = if self.documented { Basis::Documented } else { self.chosen.into() };
                Err(Reject::form(self.problems, basis))
            }
        }
    }

    pub(super) fn channel(&mut self, name: &'static str) -> Option<Platform> {
        let value = self.required(name, "")?;
        let platform = value.as_str().and_then(Platform::parse);
        if platform.is_none() {
            let message = format!("{name} must be one of whatsapp, web-whatsapp, webchat");
            self.broken(name, "enum", message);
        }
        platform
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.optional(name)?;
        self.as_text(name, value)
    }

    pub(super) fn required_text(&mut self, name: &'static str, when: &str) -> Option<String> {
        let value = self.required(name, when)?;
        let text = self.as_text(name, value)?;
        self.not_empty(name, text)
    }

    /// Takes a required text for which the page states no minimum length.
    pub(super) fn required_phone(&mut self, name: &'static str, when: &str) -> Option<Phone> {
        let value = self.required(name, when)?;
        let phone = Phone::clean(&self.as_text(name, value)?);
        if phone.digits.is_empty() {
            self.broken_by(A(8), name, "phone", format!("{name} must contain digits"));
            return None;
        }
        Some(phone)
    }

    pub(super) fn id(&mut self, name: &'static str) -> Option<Id> {
        let value = self.optional(name)?;
        self.as_id(name, value)
    }

    pub(super) fn required_id(&mut self, name: &'static str, when: &str) -> Option<Id> {
        let value = self.required(name, when)?;
        self.as_id(name, value)
    }

    /// Takes `meta_data`: one section of the page requires it, its examples leave it out.
    pub(super) fn object(&mut self, name: &'static str) -> Map<String, Value> {
        if !self.object.contains_key(name) {
            if self.rules.has(Rule::StrictSchema) {
                self.broken_by(A(1), name, "required", format!("{name} is required"));
            }
            self.assumptions.note(A(1));
        }
        self.optional_object(name)
    }

    pub(super) fn optional_object(&mut self, name: &'static str) -> Map<String, Value> {
        match self.optional(name) {
            Some(Value::Object(object)) => return object,
            Some(_) => self.broken(name, "type", format!("{name} must be an object")),
            None => {}
        }
        Map::new()
    }

    pub(super) fn values(&mut self, name: &'static str) -> Vec<FieldValue> {
        let Some(value) = self.optional(name) else {
            return Vec::new();
        };
        let Value::Array(entries) = value else {
            self.broken(name, "type", format!("{name} must be an array"));
            return Vec::new();
        };
        let entries = entries.into_iter().enumerate();
        entries.filter_map(|(at, entry)| self.field_value(&format!("{name}/{at}"), at, entry)).collect()
    }

    /// Checks the form of the other channels' fields, which the schema does not forbid.
    pub(super) fn unused_here(&mut self, names: &[&'static str]) {
        for &name in names {
            match name {
                "channel_id" => drop(self.id(name)),
                "contact_phone_number" => drop(self.text(name)),
                _ => drop(self.text(name).and_then(|text| self.not_empty(name, text))),
            }
        }
    }

    fn field_value(&mut self, place: &str, at: usize, entry: Value) -> Option<FieldValue> {
        let Value::Object(mut entry) = entry else {
            self.broken(place, "type", format!("{place} must be an object"));
            return None;
        };
        let key = self.entry_text(place, &mut entry, "key");
        let value = self.entry_text(place, &mut entry, "value");
        Some(FieldValue { at, key: key?, value: value? })
    }

    fn entry_text(&mut self, place: &str, entry: &mut Map<String, Value>, name: &str) -> Option<String> {
        let place = format!("{place}/{name}");
        let Some(value) = entry.remove(name) else {
            self.broken(&place, "required", format!("{place} is required"));
            return None;
        };
        self.as_text(&place, value)
    }

    fn required(&mut self, name: &'static str, when: &str) -> Option<Value> {
        let value = self.object.remove(name).filter(|value| !value.is_null());
        if value.is_none() {
            self.broken(name, "required", format!("{name} is required{when}"));
        }
        value
    }

    fn optional(&mut self, name: &'static str) -> Option<Value> {
        let value = self.object.remove(name)?;
        // the page's third example sends a null where its schema wants a string.
        if value.is_null() {
            self.assumptions.note(A(2));
            if self.rules.has(Rule::StrictSchema) {
                self.broken_by(A(2), name, "type", format!("{name} must not be null"));
            }
        }
        Some(value).filter(|value| !value.is_null())
    }

    fn as_text(&mut self, place: &str, value: Value) -> Option<String> {
        if let Value::String(text) = value {
            return Some(text);
        }
        self.broken(place, "type", format!("{place} must be a string"));
        None
    }

    fn not_empty(&mut self, name: &'static str, text: String) -> Option<String> {
        if text.is_empty() {
            let message = format!("{name} must be at least 1 character long");
            self.broken(name, "min_length", message);
            return None;
        }
        Some(text)
    }

    fn as_id(&mut self, name: &'static str, value: Value) -> Option<Id> {
        let text = self.as_text(name, value)?;
        let id = Id::parse(&text);
        if id.is_none() {
            self.broken(name, "pattern", format!("{name} must be a UUID"));
        }
        id
    }

    fn broken(&mut self, place: &str, rule: &'static str, message: String) {
        self.documented = true;
        self.problems.push(Problem::new(format!("/{place}"), rule, message));
    }

    fn broken_by(&mut self, choice: A, place: &str, rule: &'static str, message: String) {
        self.chosen.note(choice);
        let place = place.replace('~', "~0").replace('/', "~1");
        self.problems.push(Problem::new(format!("/{place}"), rule, message));
    }
}
