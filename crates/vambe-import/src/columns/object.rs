//! Rows that name their own values: what no rule names goes by its key, as in a record.

use vambe::{CustomerRecord, Field, Value};

use super::{Naming, UnknownColumns};
use crate::reason::Reason;
use crate::target::{NameProblem, Target};

/// A record that is made of a row's own keys first, and of rules then.
#[derive(Default)]
pub(super) struct ObjectRecord {
    record: CustomerRecord,
}

impl ObjectRecord {
    /// Takes the values that no rule names; `is_ruled` says which targets rules fill with values of their own.
    /// A row that says one thing twice is refused.
    pub(super) fn new<'e>(
        entries: impl Iterator<Item = &'e (String, Value)>,
        naming: Naming,
        is_ruled: impl Fn(&Target) -> bool,
    ) -> Result<Self, Reason> {
        let mut made = Self::default();
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
            if made.has(&target) {
                return Err(Reason::duplicate(&target));
            }
            made.set(&target, value.clone());
        }
        Ok(made)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Columns;
    use crate::constants::Constant;
    use crate::mapping::Mapping;
    use crate::row::Row;

    fn record(json: &str, set: &[&str], unknown: UnknownColumns) -> Result<CustomerRecord, Reason> {
        let Ok(Value::Object(entries)) = Value::from_json(json) else { panic!("{json}") };
        let constants: Vec<Constant> = set.iter().map(|text| text.parse().unwrap()).collect();
        let columns = Columns::new(None, &Mapping::default(), &constants, Some(unknown)).unwrap();
        columns.record(&Row::object(1, 0, entries))
    }

    #[test]
    fn keys_are_fields_nested_objects_and_flat_names_and_values_keep_their_kind() {
        let text = r#"{"channel":"whatsapp","contact_phone_number":"+1","_line":3,"meta_data":{"a":{"b":[1]},"n":null},
            "meta_data.score":2.5,"custom_field_values":{"vip":true},"custom.rut":7,"Sucursal":null,"stage_id":"s"}"#;
        let mut expected = CustomerRecord::new("whatsapp")
            .contact_phone_number("+1")
            .meta("a", Value::Object(vec![("b".into(), Value::Array(vec![Value::Int(1)]))]))
            .meta("n", Value::Null)
            .meta("score", 2.5)
            .custom_field("vip", true)
            .custom_field("rut", 7);
        expected.set("stage_id", "s");
        assert!(record(text, &[], UnknownColumns::Meta).ok().unwrap() == expected);
    }

    #[test]
    fn a_constant_fills_what_is_missing_or_empty() {
        let set = ["channel=web", "channel=whatsapp", "meta_data.a=all", "custom.b=all", "contact_name=Cliente"];
        let text = r#"{"channel":null,"contact_name":" ","meta_data":{"a":"own"},"custom_field_values":[{"key":"b","value":1}]}"#;
        let found = record(text, &set, UnknownColumns::Meta).ok().unwrap();
        let pair = Value::Object(vec![("key".into(), "b".into()), ("value".into(), Value::Int(1))]);
        let expected = CustomerRecord::new("whatsapp")
            .contact_name("Cliente")
            .meta("a", "own")
            .custom_field_values(Value::Array(vec![pair]));
        assert!(found == expected);
        let found = record("{}", &set, UnknownColumns::Meta).ok().unwrap();
        assert!(
            found == CustomerRecord::new("whatsapp").contact_name("Cliente").meta("a", "all").custom_field("b", "all")
        );
    }

    #[test]
    fn one_thing_given_twice_rejects_the_row() {
        for text in [
            r#"{"meta_data":{"plan":1},"meta_data.plan":2}"#,
            r#"{"meta_data.plan":1,"plan":2}"#,
            r#"{"custom_field_values":[{"key":"plan","value":1}],"custom.plan":2}"#,
        ] {
            assert_eq!(record(text, &[], UnknownColumns::Meta).err().unwrap().code, "duplicate_field", "{text}");
        }
        assert!(record(r#"{"meta_data":{"plan":1},"plan":null}"#, &[], UnknownColumns::Meta).is_ok());
        assert!(record(r#"{"meta_data.plan":1,"plan":2}"#, &[], UnknownColumns::Skip).is_ok());
    }

    #[test]
    fn what_cannot_be_a_field_is_kept_for_the_check_to_refuse() {
        for (text, unknown) in [
            (r#"{"Phone":"1"}"#, UnknownColumns::Meta),
            (r#"{"custom.":"1"}"#, UnknownColumns::Meta),
            (r#"{"plan":"1"}"#, UnknownColumns::Refuse),
            (r#"{"stageId":"1","stage_id":"1"}"#, UnknownColumns::Meta),
        ] {
            let found = record(text, &[], unknown).ok().unwrap();
            let codes = vambe::validate(&found, &vambe::CheckOptions::default()).violations;
            assert!(
                codes.iter().any(|violation| {
                    matches!(violation.code, vambe::ViolationCode::UnknownField | vambe::ViolationCode::DuplicateField)
                }),
                "{text}: {codes:?}"
            );
        }
    }
}
