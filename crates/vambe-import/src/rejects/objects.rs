//! Rejected rows of objects, as NDJSON.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;
use vambe::Value;

use crate::reason::Reason;
use crate::row::{Content, Row};

use super::OWN_NAMES;

pub(super) struct ObjectsWriter {
    file: BufWriter<File>,
}

impl ObjectsWriter {
    pub(super) fn new(file: File) -> Self {
        Self { file: BufWriter::new(file) }
    }

    pub(super) fn write(&mut self, row: &Row, reason: &Reason) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, &Rejected { row, reason })?;
        self.file.write_all(b"\n")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A row as an object: what is added first, then its own entries; what is no object under `_text` or `_value`.
struct Rejected<'r> {
    row: &'r Row,
    reason: &'r Reason,
}

impl Serialize for Rejected<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Reason { code, text, http_status, attempts } = self.reason;
        let [line_name, code_name, reason_name, status_name, attempts_name] = OWN_NAMES;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(line_name, &self.row.line())?;
        map.serialize_entry(code_name, code)?;
        map.serialize_entry(reason_name, text)?;
        map.serialize_entry(status_name, http_status)?;
        map.serialize_entry(attempts_name, attempts)?;
        match self.row.content() {
            Content::Broken { text, .. } => map.serialize_entry("_text", text)?,
            Content::Other(value) => map.serialize_entry("_value", &Json(value))?,
            Content::Object(entries) => match self.row.text().and_then(as_written) {
                Some(written) => write_entries(&mut map, written.0.iter().map(|(key, value)| (key, value)))?,
                None => {
                    let given = entries.iter().filter(|(_, value)| !matches!(value, Value::Missing));
                    write_entries(&mut map, given.map(|(key, value)| (key, Json(value))))?;
                }
            },
            Content::Cells { .. } => {}
        }
        map.end()
    }
}

fn write_entries<'e, M: SerializeMap, V: Serialize>(
    map: &mut M,
    entries: impl Iterator<Item = (&'e String, V)>,
) -> Result<(), M::Error> {
    for (key, value) in entries.filter(|(key, _)| !OWN_NAMES.contains(&key.as_str())) {
        map.serialize_entry(key, &value)?;
    }
    Ok(())
}

/// The entries of an object with the very text of each value, so that no number loses a digit.
struct AsWritten<'t>(Vec<(String, &'t RawValue)>);

fn as_written(text: &str) -> Option<AsWritten<'_>> {
    serde_json::from_str::<AsWritten<'_>>(text).ok()
}

impl<'de> serde::Deserialize<'de> for AsWritten<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AsWrittenVisitor)
    }
}

struct AsWrittenVisitor;

impl<'de> serde::de::Visitor<'de> for AsWrittenVisitor {
    type Value = AsWritten<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(AsWritten(entries))
    }
}

/// A value as JSON. What JSON cannot hold becomes `null`: the reason says what it was.
struct Json<'v>(&'v Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Missing | Value::Null | Value::Invalid(_) => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Uint(number) => serializer.serialize_u64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Date(date) => serializer.collect_str(date),
            // An offset that nobody gave must not be read the next time.
            Value::DateTime(moment) if moment.is_naive() => {
                serializer.serialize_str(moment.to_string().trim_end_matches('Z'))
            }
            Value::DateTime(moment) => serializer.collect_str(moment),
            Value::Array(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&Json(value)))?;
                list.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(None)?;
                let given = entries.iter().filter(|(_, value)| !matches!(value, Value::Missing));
                given.into_iter().try_for_each(|(key, value)| map.serialize_entry(key, &Json(value)))?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vambe::{Date, DateTime, InvalidValue};

    use super::*;

    fn rejected(entries: Vec<(&str, Value)>) -> String {
        let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let row = Row::object(7, 0, entries);
        let reason = Reason { code: "c", text: "r".to_owned(), http_status: Some(400), attempts: Some(2) };
        serde_json::to_string(&Rejected { row: &row, reason: &reason }).unwrap()
    }

    #[test]
    fn values_of_a_program_are_written_as_they_would_be_sent_and_the_rest_as_null() {
        let day = Date::new(2024, 9, 30).unwrap();
        let moment = |offset| Value::DateTime(DateTime::new(day, (10, 0, 0), 0, offset).unwrap());
        assert_eq!(
            rejected(vec![
                ("_line", Value::Int(1)),
                ("none", Value::Missing),
                ("nan", Value::Float(f64::NAN)),
                ("bytes", Value::Invalid(InvalidValue::Bytes)),
                ("day", Value::Date(day)),
                ("at", moment(Some(0))),
                ("naive", moment(None)),
                ("list", Value::Array(vec![Value::Missing, Value::Uint(u64::MAX), Value::Bool(true)])),
                ("object", Value::Object(vec![("a".to_owned(), Value::Missing), ("b".to_owned(), "x".into())])),
            ]),
            r#"{"_line":7,"_code":"c","_reason":"r","_http_status":400,"_attempts":2,"nan":null,"bytes":null,"day":"2024-09-30","at":"2024-09-30T10:00:00.000Z","naive":"2024-09-30T10:00:00.000","list":[null,18446744073709551615,true],"object":{"b":"x"}}"#
        );
    }
}
