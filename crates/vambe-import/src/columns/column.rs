//! [`Column`]: where a row keeps one of its values.

use std::fmt;

use vambe::Value;

use crate::mapping::Found;
use crate::row::{Content, Row};

/// A column: a cell of every row, or a key where rows name their own values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its place in the header; nothing where there is none.
    pub(super) index: Option<usize>,
}

impl Column {
    /// Returns what a row has there; nothing for what counts as nothing.
    pub(super) fn find<'r>(&self, row: &'r Row, nulls: &[String]) -> Option<Found<'r>> {
        let is_null = |text: &str| text.is_empty() || nulls.iter().any(|null| null == text);
        match row.content() {
            Content::Object(entries) => {
                let value = value_at(entries, &self.name).filter(|value| !value.is_empty())?;
                let is_nothing = matches!(value, Value::Text(text) if is_null(text.trim()));
                (!is_nothing).then_some(Found::Value(value))
            }
            _ => {
                let text = self.index.map_or("", |index| row.cell(index)).trim();
                (!is_null(text)).then_some(Found::Text(text))
            }
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Finds a value by its key, else by a path of keys with dots between them.
fn value_at<'v>(entries: &'v [(String, Value)], path: &str) -> Option<&'v Value> {
    let named = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    named(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        match named(first)? {
            Value::Object(entries) => value_at(entries, rest),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_and_paths_of_keys() {
        let json = r#"{"a.b": 1, "a": {"b": 2, "c": {"d": 3}, "e.f": 4}}"#;
        let Value::Object(entries) = Value::from_json(json).unwrap() else { panic!() };
        let number = |path| value_at(&entries, path).cloned();
        for (path, expected) in [("a.b", 1), ("a.c.d", 3), ("a.e.f", 4)] {
            assert_eq!(number(path), Some(Value::Int(expected)), "{path}");
        }
        for path in ["b", "a.x", "a.b.c", "a.", ""] {
            assert_eq!(number(path), None, "{path}");
        }
    }
}
