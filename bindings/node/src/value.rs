//! Values across the border: JSON text in which an object tags what JSON cannot hold.
//!
//! The tag is an object whose only key is U+0000. A key of the user's data that begins with
//! U+0000 has one more in front, so data never looks like a tag.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use vambe::{CustomerRecord, Date, DateTime, InvalidValue, Value};

/// Reads a record; text that is none is refused by every check.
pub(crate) fn read_record(text: &str) -> CustomerRecord {
    CustomerRecord::from(read(text))
}

/// Reads a list of records.
pub(crate) fn read_records(text: &str) -> Vec<CustomerRecord> {
    match read(text) {
        Value::Array(records) => records.into_iter().map(CustomerRecord::from).collect(),
        other => vec![CustomerRecord::from(other)],
    }
}

/// Reads a value: as the core reads JSON, and then the tags.
pub(crate) fn read(text: &str) -> Value {
    // The text is written by `values.js`, which writes nothing that cannot be read.
    let mut value = Value::from_json(text).unwrap_or(UNREADABLE);
    untag(&mut value);
    value
}

fn untag(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(untag),
        Value::Object(entries) => match &entries[..] {
            [(key, tag)] if key == TAG => *value = meaning(tag).unwrap_or(UNREADABLE),
            _ => {
                for (key, value) in entries {
                    unescape(key);
                    untag(value);
                }
            }
        },
        _ => {}
    }
}

fn unescape(key: &mut String) {
    if key.starts_with(TAG) {
        key.remove(0);
    }
}

fn meaning(tag: &Value) -> Option<Value> {
    let Value::Text(tag) = tag else { return None };
    if let Some((_, value)) = INVALID.iter().find(|(name, _)| name == tag) {
        return Some(Value::Invalid(*value));
    }
    Some(match tag.split_once(':') {
        Some(("date", moment)) => date_time(moment).map_or(Value::Invalid(InvalidValue::InvalidDate), Value::DateTime),
        Some(("float", number)) => Value::Float(number.parse().ok()?),
        _ => Value::Missing,
    })
}

/// Reads what `Date.toISOString` writes; years beyond 9999 have another form, and are refused.
fn date_time(text: &str) -> Option<DateTime> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let small = |from: usize| part(from, from + 2).and_then(|part| u8::try_from(part).ok());
    let is_iso = text.len() == "0000-00-00T00:00:00.000Z".len() && text.ends_with('Z');
    let date = Date::new(part(0, 4).filter(|_| is_iso)?, small(5)?, small(8)?)?;
    let nanosecond = u32::from(part(20, 23)?) * 1_000_000;
    DateTime::new(date, (small(11)?, small(14)?, small(17)?), nanosecond, Some(0))
}

/// Writes a value with its tags, for JavaScript to read.
pub(crate) struct Written<'v>(pub(crate) &'v Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) if number.unsigned_abs() > EXACT_IN_A_NUMBER => tagged(serializer, "integer", number),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Uint(number) => tagged(serializer, "integer", number),
            Value::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::Float(number) => tagged(serializer, "float", &number.to_string().replace("inf", "Infinity")),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Date(date) => serializer.serialize_str(&date.to_string()),
            Value::DateTime(moment) => tagged(serializer, "date", moment),
            Value::Array(values) => serializer.collect_seq(values.iter().map(Written)),
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&escaped(key), &Written(value))?;
                }
                map.end()
            }
            Value::Invalid(invalid) => {
                let name = INVALID.iter().find(|(_, value)| value == invalid).map_or("unsupported", |(name, _)| name);
                serializer.collect_map([(TAG, name)])
            }
            Value::Missing => serializer.collect_map([(TAG, "undefined")]),
        }
    }
}

fn tagged<S: Serializer>(serializer: S, kind: &str, value: &impl fmt::Display) -> Result<S::Ok, S::Error> {
    serializer.collect_map([(TAG, format!("{kind}:{value}"))])
}

/// Writes a record as the object that it was read from.
pub(crate) struct WrittenRecord<'r>(pub(crate) &'r CustomerRecord);

impl Serialize for WrittenRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.entries().map(|(key, value)| (escaped(key), Written(value))))
    }
}

fn escaped(key: &str) -> String {
    let escape = if key.starts_with(TAG) { TAG } else { "" };
    format!("{escape}{key}")
}

const TAG: &str = "\0";

const UNREADABLE: Value = Value::Invalid(InvalidValue::Unsupported);

const EXACT_IN_A_NUMBER: u64 = 1 << 53;

const INVALID: [(&str, InvalidValue); 8] = [
    ("bytes", InvalidValue::Bytes),
    ("unsupported", InvalidValue::Unsupported),
    ("cycle", InvalidValue::Cycle),
    ("non_text_key", InvalidValue::NonTextKey),
    ("lone_surrogate", InvalidValue::LoneSurrogate),
    ("invalid_date", InvalidValue::InvalidDate),
    ("integer_range", InvalidValue::IntegerRange),
    ("too_deep", InvalidValue::TooDeep),
];
