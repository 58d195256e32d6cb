//! `custom_field_values`: a list of `{key, value}` or an object, every value sent as text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::placeholder::{is_identifier, is_placeholder};
use super::{Checker, wrong_kind};
use crate::change::ChangeAction;
use crate::field::Field;
use crate::json;
use crate::value::{Value, is_blank};
use crate::violation::{Path, Violation, ViolationCode};

type CustomFields<'r> = Vec<(&'r str, Cow<'r, str>)>;

/// Where a custom field stands: in a list of entries, or in an object.
#[derive(Clone, Copy)]
enum Place<'r> {
    Entry(usize),
    Key(&'r str),
}

impl<'r> Checker<'r, '_> {
    pub(super) fn custom_field_values(&mut self) -> CustomFields<'r> {
        let mut fields = Vec::with_capacity(match self.record.get(Field::CustomFieldValues) {
            Value::Object(entries) => entries.len(),
            Value::Array(entries) => entries.len(),
            _ => 0,
        });
        let mut seen = SeenKeys::default();
        match self.given(Field::CustomFieldValues) {
            None => {}
            Some(Value::Object(entries)) => {
                for (key, value) in entries {
                    fields.extend(self.field(Place::Key(key), Some(key), Some(value), &mut seen));
                }
            }
            Some(Value::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    fields.extend(self.entry(index, entry, &mut seen));
                }
            }
            Some(other) => self.refuse_kind(Field::CustomFieldValues, other, "a list of {key, value} or an object"),
        }
        fields
    }

    fn entry(&mut self, index: usize, entry: &'r Value, seen: &mut SeenKeys<'r>) -> Option<(&'r str, Cow<'r, str>)> {
        let place = Place::Entry(index);
        let Value::Object(parts) = entry else {
            self.found.add(wrong_kind(place.path(), entry, "an object of key and value"));
            return None;
        };
        let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, part)| part);
        let field = self.field(place, part("key").and_then(Value::text), part("value"), seen);
        for (name, _) in parts.iter().filter(|(name, _)| name != "key" && name != "value") {
            let problem = "is not part of a custom field";
            let unknown = Violation::new(place.path().join_key(name), ViolationCode::UnknownField, problem);
            self.found.add(unknown.hint("an entry has a key and a value"));
        }
        field
    }

    fn field(
        &mut self,
        place: Place<'r>,
        key: Option<&'r str>,
        value: Option<&'r Value>,
        seen: &mut SeenKeys<'r>,
    ) -> Option<(&'r str, Cow<'r, str>)> {
        let key = self.key(place, key, seen);
        let value = self.given_value(place, value);
        let (key, value) = key.zip(value)?;
        // The value first: to look at it costs less.
        if is_placeholder(&value) && is_identifier(key) {
            let doubt = Violation::new(place.value_path(), ViolationCode::PlaceholderValue, "identifies nobody");
            let hint = "leave it out: the service may merge customers who share an identifier, for good";
            self.found.add(doubt.hint(hint).warning());
        }
        Some((key, value))
    }

    fn given_value(&mut self, place: Place<'r>, value: Option<&'r Value>) -> Option<Cow<'r, str>> {
        let Some(value) = value else {
            let missing = Violation::new(place.value_path(), ViolationCode::MissingValue, "is missing");
            self.found.add(missing.hint("give a value, or null to leave the field as it is"));
            return None;
        };
        self.value(place, value)
    }

    fn key(&mut self, place: Place<'r>, key: Option<&'r str>, seen: &mut SeenKeys<'r>) -> Option<&'r str> {
        let Some(key) = key.filter(|key| !is_blank(key)) else {
            let problem = "must be the key of a custom field definition";
            let violation = Violation::new(place.key_path(), ViolationCode::InvalidKey, problem);
            self.found.add(violation.hint("copy the key from the Vambe dashboard"));
            return None;
        };
        if !seen.insert(key) {
            let twice = Violation::new(place.key_path(), ViolationCode::DuplicateKey, "is given twice");
            self.found.add(twice.hint("keep one value for each key"));
        }
        Some(key)
    }

    fn value(&mut self, place: Place<'r>, value: &'r Value) -> Option<Cow<'r, str>> {
        if value.is_empty() {
            if !matches!(value, Value::Missing) {
                self.changed(|| place.path(), ChangeAction::Dropped, None, None);
            }
            return None;
        }
        let text = self.text_of(place, value)?;
        if !matches!(value, Value::Text(_)) {
            self.changed(|| place.value_path(), ChangeAction::Converted, None, Some(&text));
        }
        Some(text)
    }

    /// Writes a value as the text that the API wants (rule R7).
    fn text_of(&mut self, place: Place<'r>, value: &'r Value) -> Option<Cow<'r, str>> {
        let refusal = match value.to_text() {
            Ok(text) => return Some(text),
            Err(ViolationCode::Type) => wrong_kind(place.value_path(), value, "text, a number, a boolean or a date"),
            Err(code) => json::violation(place.value_path(), code),
        };
        self.found.add(refusal);
        None
    }
}

/// The keys so far: in a list while they are few, which is nearly always.
#[derive(Default)]
struct SeenKeys<'r> {
    few: [&'r str; MOST_IN_A_LIST],
    count: usize,
    many: HashSet<&'r str>,
}

impl<'r> SeenKeys<'r> {
    /// Returns whether the key is new.
    fn insert(&mut self, key: &'r str) -> bool {
        if self.count < MOST_IN_A_LIST {
            let is_new = !self.few[..self.count].contains(&key);
            self.few[self.count] = key;
            self.count += 1;
            return is_new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few);
        }
        self.many.insert(key)
    }
}

impl Place<'_> {
    fn path(self) -> Path {
        let root = Path::key(Field::CustomFieldValues.name());
        match self {
            Self::Entry(index) => root.join_index(index),
            Self::Key(key) => root.join_key(key),
        }
    }

    fn key_path(self) -> Path {
        self.part_path("key")
    }

    fn value_path(self) -> Path {
        self.part_path("value")
    }

    fn part_path(self, part: &str) -> Path {
        match self {
            Self::Entry(_) => self.path().join_key(part),
            Self::Key(_) => self.path(),
        }
    }
}

const MOST_IN_A_LIST: usize = 16;
