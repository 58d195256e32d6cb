//! Rows that name their own values: what no rule names goes by its key, as in a record.

use vambe::{CustomerRecord, Field, Value};

use super::{Naming, UnknownColumns};
use crate::target::{NameProblem, Target};

/// A record that is made of a row's own keys first, and of rules then.
pub(super) struct ObjectRecord {
    record: CustomerRecord,
}

impl ObjectRecord {
    /// Takes the values that no rule names; `is_ruled` says which targets rules fill with values of their own.
    pub(super) fn new<'e>(
        entries: impl Iterator<Item = &'e (String, Value)>,
        naming: Naming,
        is_ruled: impl Fn(&Target) -> bool,
    ) -> Self {
        let mut made = Self { record: CustomerRecord::default() };
        let mut keys = Vec::new();
        for (key, value) in entries {
            match naming.target(key) {
                Ok(Target::Field(name)) => made.record.set(name, value.clone()),
                Ok(target) => keys.push((target, value)),
                Err(NameProblem::Object(field)) => made.record.set(field, without(field, value, &is_ruled)),
                Err(NameProblem::Unknown) => match naming.unknown {
                    UnknownColumns::Meta => keys.push((Target::Meta(key.clone()), value)),
                    UnknownColumns::Skip => {}
                    UnknownColumns::Refuse => made.record.set(key, value.clone()),
                },
                // The check refuses it, and says what was probably meant.
                Err(NameProblem::Near(_) | NameProblem::NoKey) => made.record.set(key, value.clone()),
            }
        }
        // After the objects, to which they are added.
        for (target, value) in keys.into_iter().filter(|(target, _)| !is_ruled(target)) {
            made.set(&target, value.clone());
        }
        made
    }

    /// Returns whether the row itself says something of a target.
    pub(super) fn has(&self, target: &Target) -> bool {
        match target {
            Target::Field(name) => Field::from_key(name).is_some_and(|field| !self.record.get(field).is_empty()),
            Target::Meta(key) => has_key(self.record.get(Field::MetaData), key),
            Target::Custom(key) => has_key(self.record.get(Field::CustomFieldValues), key),
        }
    }

    pub(super) fn set(&mut self, target: &Target, value: Value) {
        let record = &mut self.record;
        match target {
            Target::Field(name) => record.set(name, value),
            Target::Meta(key) => *record = std::mem::take(record).meta(key, value),
            Target::Custom(key) => *record = std::mem::take(record).custom_field(key, value),
        }
    }

    pub(super) fn into_record(self) -> CustomerRecord {
        self.record
    }
}

/// Returns an object without the keys that rules fill.
fn without(field: &str, value: &Value, is_ruled: impl Fn(&Target) -> bool) -> Value {
    let target = |key: &str| match field {
        "meta_data" => Target::Meta(key.to_owned()),
        _ => Target::Custom(key.to_owned()),
    };
    match value {
        Value::Object(entries) if field != "extra" => {
            let is_own = |(key, _): &&(String, Value)| !is_ruled(&target(key));
            Value::Object(entries.iter().filter(is_own).cloned().collect())
        }
        other => other.clone(),
    }
}

fn has_key(object: &Value, key: &str) -> bool {
    let is_named = |entry: &Value| {
        matches!(entry, Value::Object(parts)
            if parts.iter().any(|(name, value)| name == "key" && matches!(value, Value::Text(own) if own == key)))
    };
    match object {
        Value::Object(entries) => entries.iter().any(|(own, _)| own == key),
        Value::Array(entries) => entries.iter().any(is_named),
        _ => false,
    }
}
