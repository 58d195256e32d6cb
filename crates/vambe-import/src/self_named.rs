//! The record of a row whose values name themselves, as those of JSON and of programs do.

use vambe::{CustomerRecord, Field, Value};

use crate::columns::UnknownColumns;
use crate::constants::Constant;
use crate::reason::Reason;
use crate::target::Target;

/// What the rows of a source have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct SelfNamed {
    constants: Vec<Constant>,
    unknown: UnknownColumns,
}

impl SelfNamed {
    pub(crate) fn new(constants: &[Constant], unknown: UnknownColumns) -> Self {
        // Of two for the same, the last one holds.
        let is_last = |index: usize| {
            let target = &constants[index].target;
            constants[index + 1..].iter().all(|later| !later.target.same_as(target))
        };
        let kept = constants.iter().enumerate().filter(|(index, _)| is_last(*index));
        Self { constants: kept.map(|(_, constant)| constant.clone()).collect(), unknown }
    }

    /// Makes a record of a row: keys that are fields, `meta_data.x` and `custom.x` fill them, those that start
    /// with `_` are left out.
    ///
    /// A key that is near a field, or unknown where that is to be refused, is kept for the check to refuse.
    pub(crate) fn record(&self, entries: &[(String, Value)]) -> Result<CustomerRecord, Reason> {
        let mut record = CustomerRecord::default();
        let mut pairs = Vec::new();
        for (key, value) in entries.iter().filter(|(key, _)| !key.starts_with('_')) {
            match Target::parse(key) {
                Ok(Target::Field(field)) if !self.is_replaced(field, value) => record.set(key, value.clone()),
                Ok(Target::Field(_)) => {}
                Ok(Target::Meta(name)) => pairs.push((Field::MetaData, name, value.clone())),
                Ok(Target::Custom(name)) => pairs.push((Field::CustomFieldValues, name, value.clone())),
                Err(_) if Field::from_key(key).is_some() => record.set(key, value.clone()),
                Err(crate::target::NameProblem::Unknown) => match self.unknown {
                    UnknownColumns::Meta => pairs.push((Field::MetaData, key.clone(), value.clone())),
                    UnknownColumns::Skip => {}
                    UnknownColumns::Refuse => record.set(key, value.clone()),
                },
                Err(_) => record.set(key, value.clone()),
            }
        }
        let record =
            pairs.into_iter().try_fold(record, |record, (field, key, value)| add(record, field, key, value))?;
        Ok(self.constants.iter().fold(record, fill))
    }

    /// Returns whether a constant fills a field that the row leaves empty.
    fn is_replaced(&self, field: &'static str, value: &Value) -> bool {
        is_nothing(value) && self.constants.iter().any(|constant| constant.target.same_as(&Target::Field(field)))
    }
}

fn add(record: CustomerRecord, field: Field, key: String, value: Value) -> Result<CustomerRecord, Reason> {
    match entry(&record, field, &key) {
        None => Ok(with_entry(record, field, key, value)),
        // One of the two is likely to be empty.
        Some(_) if is_nothing(&value) => Ok(record),
        Some(_) => Err(Reason::duplicate(field, &key)),
    }
}

fn fill(mut record: CustomerRecord, constant: &Constant) -> CustomerRecord {
    let value = constant.value.as_str();
    match &constant.target {
        Target::Field(name) => {
            let is_given = Field::from_key(name).is_some_and(|field| !matches!(record.get(field), Value::Missing));
            if !is_given {
                record.set(name, value);
            }
            record
        }
        Target::Meta(key) if entry(&record, Field::MetaData, key).is_none() => record.meta(key, value),
        Target::Custom(key) if entry(&record, Field::CustomFieldValues, key).is_none() => {
            record.custom_field(key, value)
        }
        _ => record,
    }
}

fn with_entry(record: CustomerRecord, field: Field, key: String, value: Value) -> CustomerRecord {
    match field {
        Field::MetaData => record.meta(key, value),
        _ => record.custom_field(key, value),
    }
}

/// Returns the value under a key of an object field, or in its list of `{key, value}`.
fn entry<'r>(record: &'r CustomerRecord, field: Field, key: &str) -> Option<&'r Value> {
    match record.get(field) {
        Value::Object(entries) => value_of(entries, key),
        Value::Array(values) => values.iter().find_map(|value| match value {
            Value::Object(pair) if value_of(pair, "key") == Some(&Value::from(key)) => value_of(pair, "value"),
            _ => None,
        }),
        _ => None,
    }
}

fn value_of<'e>(entries: &'e [(String, Value)], key: &str) -> Option<&'e Value> {
    entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Returns whether a value counts as nothing, as the check has it (rule R5 of `docs/contract.md`).
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Missing | Value::Null => true,
        Value::Float(number) => number.is_nan(),
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str, set: &[&str], unknown: UnknownColumns) -> Result<CustomerRecord, Reason> {
        let Ok(Value::Object(entries)) = Value::from_json(json) else { panic!("{json}") };
        let constants: Vec<Constant> = set.iter().map(|text| text.parse().unwrap()).collect();
        SelfNamed::new(&constants, unknown).record(&entries)
    }

    #[test]
    fn keys_are_fields_nested_objects_and_flat_names_and_values_keep_their_kind() {
        let text = r#"{"channel":"whatsapp","contact_phone_number":"+1","_line":3,"meta_data":{"a":{"b":[1]}},
            "meta_data.score":2.5,"custom_field_values":{"vip":true},"custom.rut":7,"Sucursal":null,"stage_id":"s"}"#;
        let expected = CustomerRecord::new("whatsapp")
            .contact_phone_number("+1")
            .meta("a", Value::Object(vec![("b".into(), Value::Array(vec![Value::Int(1)]))]))
            .meta("score", 2.5)
            .meta("Sucursal", Value::Null)
            .custom_field("vip", true)
            .custom_field("rut", 7);
        let found = record(text, &[], UnknownColumns::Meta).ok().unwrap();
        let mut expected = expected;
        expected.set("stage_id", "s");
        assert!(found == expected);
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
