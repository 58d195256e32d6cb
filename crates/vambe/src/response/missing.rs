//! The custom field keys that a 400 says do not exist.
//!
//! The page promises "a 400 error listing any missing keys" and shows none, so this reads
//! lists under likely names first, then the message.

use serde_json::Value;

pub(super) fn custom_fields(parsed: &Value, text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    from_lists(parsed, 0, &mut keys);
    if keys.is_empty() {
        let mut messages = Vec::new();
        match parsed {
            Value::Object(_) | Value::Array(_) => strings(parsed, 0, &mut messages),
            _ => messages.push(text),
        }
        for message in messages {
            from_message(message, &mut keys);
        }
    }
    keys.truncate(MOST_KEYS);
    keys
}

fn from_lists(value: &Value, depth: usize, keys: &mut Vec<String>) {
    let Value::Object(fields) = value else {
        if let (Value::Array(values), true) = (value, depth < DEEPEST) {
            for value in values {
                from_lists(value, depth + 1, keys);
            }
        }
        return;
    };
    // zod's word for keys of the body that the schema does not know.
    if fields.get("code").and_then(Value::as_str) == Some("unrecognized_keys") {
        return;
    }
    for (name, value) in fields {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        match value {
            Value::Array(values) if LIST_NAMES.contains(&name.as_str()) => {
                values.iter().filter_map(Value::as_str).for_each(|key| add(key, keys));
            }
            Value::Array(_) | Value::Object(_) if depth < DEEPEST => from_lists(value, depth + 1, keys),
            _ => {}
        }
    }
}

fn strings<'v>(value: &'v Value, depth: usize, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) if depth < DEEPEST => values.iter().for_each(|value| strings(value, depth + 1, found)),
        Value::Object(fields) if depth < DEEPEST => fields.values().for_each(|value| strings(value, depth + 1, found)),
        _ => {}
    }
}

/// Reads "Custom field keys not found: a, b" and its like.
fn from_message(message: &str, keys: &mut Vec<String>) {
    let lower = message.to_lowercase();
    let is_about_keys = ["custom field", "custom_field", "definition"].iter().any(|words| lower.contains(words));
    let says_missing = MISSING_WORDS.iter().any(|words| lower.contains(words));
    let Some((_, list)) = message.rsplit_once(':').filter(|_| is_about_keys && says_missing) else { return };
    list.split(',').for_each(|key| add(key, keys));
}

fn add(key: &str, keys: &mut Vec<String>) {
    let key = key.trim_matches(|c: char| c.is_whitespace() || "\"'`[](){}.".contains(c));
    let is_key =
        !key.is_empty() && key.len() <= LONGEST_KEY && key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    if is_key && !keys.iter().any(|known| known == key) {
        keys.push(key.to_owned());
    }
}

const LIST_NAMES: [&str; 9] = [
    "missing",
    "missingkeys",
    "missingcustomfields",
    "missingcustomfieldkeys",
    "missingfields",
    "invalidkeys",
    "unknownkeys",
    "notfound",
    "keys",
];
const MISSING_WORDS: [&str; 9] =
    ["missing", "not found", "not exist", "n't exist", "unknown", "invalid", "no existe", "faltan", "não exist"];
const DEEPEST: usize = 4;
const MOST_KEYS: usize = 100;
const LONGEST_KEY: usize = 100;
