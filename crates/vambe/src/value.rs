//! [`Value`]: what a caller may hand over in any of the three languages, before it is checked.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::date::{Date, DateTime};

/// A value as the caller gave it: JSON's kinds, and what JSON cannot hold.
///
/// The bindings only say which kind a native value is; what becomes of it is decided
/// here and written down in `docs/values.md`.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// Absent (`undefined` in JavaScript).
    #[default]
    Missing,
    /// `null` or `None`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number too large for [`Value::Int`].
    Uint(u64),
    /// A floating-point number; NaN is what data frames put where nothing is.
    Float(f64),
    /// Text; also decimals and UUIDs, which travel as text.
    Text(String),
    /// A calendar date.
    Date(Date),
    /// A date with a time of day.
    DateTime(DateTime),
    /// A list, tuple or set.
    Array(Vec<Value>),
    /// An object, in the order given.
    Object(Vec<(String, Value)>),
    /// Something that cannot be sent.
    Invalid(InvalidValue),
}

/// Why a native value cannot become JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidValue {
    /// Raw bytes.
    Bytes,
    /// A function, a symbol, an open file and the like.
    Unsupported,
    /// An object or list that contains itself.
    Cycle,
    /// An object with a key that is not text.
    NonTextKey,
    /// Text with half a surrogate pair.
    LoneSurrogate,
    /// A date that does not exist.
    InvalidDate,
    /// A whole number that fits neither `i64` nor `u64`.
    IntegerRange,
    /// More than 64 levels.
    TooDeep,
}

impl Value {
    /// Reads JSON text; of a key given twice the last value holds, as in JavaScript.
    ///
    /// # Errors
    ///
    /// The text is not JSON, or nested more than 128 deep.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether this counts as nothing: absent, null, NaN or blank text (rule R5).
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Missing | Self::Null => true,
            Self::Float(number) => number.is_nan(),
            Self::Text(text) => is_blank(text),
            _ => false,
        }
    }

    /// Names the kind in words that fit every language.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Uint(_) | Self::Invalid(InvalidValue::IntegerRange) => "integer",
            Self::Float(_) => "number",
            Self::Text(_) | Self::Invalid(InvalidValue::LoneSurrogate) => "text",
            Self::Date(_) | Self::Invalid(InvalidValue::InvalidDate) => "date",
            Self::DateTime(_) => "date-time",
            Self::Array(_) => "list",
            Self::Object(_) | Self::Invalid(InvalidValue::NonTextKey) => "object",
            Self::Invalid(InvalidValue::Bytes) => "bytes",
            Self::Invalid(_) => "unsupported value",
        }
    }
}

/// Returns whether text is empty or all white space; looks no further than the first character that is not.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

// Values hold personal data: the kind is all that may reach a log.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.kind())
    }
}

macro_rules! value_from {
    ($($type:ty => |$name:ident| $value:expr,)+) => {
        $(impl From<$type> for Value {
            // Made where it stays: to move it costs as much as to make it.
            #[inline]
            fn from($name: $type) -> Self { $value }
        })+
    };
}

value_from! {
    bool => |value| Self::Bool(value),
    i32 => |value| Self::Int(value.into()),
    i64 => |value| Self::Int(value),
    u32 => |value| Self::Int(value.into()),
    u64 => |value| i64::try_from(value).map_or(Self::Uint(value), Self::Int),
    f64 => |value| Self::Float(value),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    Date => |value| Self::Date(value),
    DateTime => |value| Self::DateTime(value),
    serde_json::Value => |value| from_serde(value),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

fn from_serde(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::Int(number),
            (_, Some(number)) => Value::Uint(number),
            _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::Array(values) => Value::from(values),
        serde_json::Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, value.into())).collect())
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// A key of a JSON object, borrowed where its text needs no unescaping.
#[derive(serde::Deserialize)]
pub(crate) struct Key<'k>(#[serde(borrow)] pub(crate) Cow<'k, str>);

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Object(keep_last(entries)))
    }
}

/// Keeps the last value of a repeated key, at the first one's place, as `JSON.parse` does.
fn keep_last(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    if !repeats_a_key(&entries) {
        return entries;
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(String, Value)> = Vec::new();
    for (key, value) in entries {
        match places.get(&key) {
            Some(&place) => kept[place] = (key, value),
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}

fn repeats_a_key(entries: &[(String, Value)]) -> bool {
    // To compare a few keys costs less than to hash them.
    if entries.len() <= FEW {
        return (1..entries.len()).any(|at| entries[..at].iter().any(|(known, _)| *known == entries[at].0));
    }
    let mut seen = HashSet::with_capacity(entries.len());
    !entries.iter().all(|(key, _)| seen.insert(key.as_str()))
}

const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_repeated_key_the_last_value_holds_at_the_first_place() {
        for others in [1, FEW, 2 * FEW] {
            let others: Vec<String> = (0..others).map(|other| format!(r#""{other}":0"#)).collect();
            let Ok(Value::Object(entries)) = Value::from_json(&format!(r#"{{"a":1,{},"a":2}}"#, others.join(",")))
            else {
                unreachable!("an object");
            };
            assert_eq!((entries.len(), &entries[0]), (others.len() + 1, &("a".to_owned(), Value::Int(2))));
        }
    }
}
