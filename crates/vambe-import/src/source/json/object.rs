//! One object out of its text, or what is wrong with it: in words that quote nothing of it.

use std::fmt;

use serde_json::error::Category;
use vambe::Value;

/// An object as it was read.
pub(super) struct Object {
    pub(super) entries: Vec<(String, Value)>,
    /// Its text, where the values alone do not tell how it was written.
    pub(super) text: Option<Box<str>>,
}

/// Why a text is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is not JSON from this line and column of it on.
    Syntax { line: u64, column: u64 },
    /// It ends too early.
    Unfinished,
    /// It is nested deeper than anything that could be sent.
    TooDeep,
    /// It is JSON of another kind.
    NoObject(&'static str),
}

pub(super) fn read_object(text: &str) -> Result<Object, Flaw> {
    match Value::from_json(text) {
        Ok(Value::Object(entries)) => {
            // A float does not tell how many digits it was written with.
            let keeps_text = entries.iter().any(|(_, value)| holds_float(value));
            let text = keeps_text.then(|| compact(text));
            Ok(Object { entries, text })
        }
        Ok(_) => Err(Flaw::NoObject(kind(text))),
        Err(error) => Err(flaw(text, &error)),
    }
}

/// Leaves out the white space between the parts of JSON, line breaks above all.
fn compact(text: &str) -> Box<str> {
    let mut strings = Strings::default();
    let is_part = |character: &char| strings.holds(*character) || !matches!(character, ' ' | '\t' | '\n' | '\r');
    text.chars().filter(is_part).collect::<String>().into()
}

/// Tells, character by character, what stands in a string.
#[derive(Default)]
struct Strings {
    is_inside: bool,
    is_escaped: bool,
}

impl Strings {
    fn holds(&mut self, character: char) -> bool {
        let was_inside = self.is_inside;
        match character {
            _ if self.is_escaped => self.is_escaped = false,
            '\\' => self.is_escaped = self.is_inside,
            '"' => self.is_inside = !self.is_inside,
            _ => {}
        }
        was_inside
    }
}

fn holds_float(value: &Value) -> bool {
    match value {
        Value::Float(_) => true,
        Value::Array(values) => values.iter().any(holds_float),
        Value::Object(entries) => entries.iter().any(|(_, value)| holds_float(value)),
        _ => false,
    }
}

fn kind(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn flaw(text: &str, error: &serde_json::Error) -> Flaw {
    if error.classify() == Category::Eof {
        return Flaw::Unfinished;
    }
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    // serde counts bytes, people count characters.
    let before = line.get(..error.column()).map_or(error.column(), |before| before.chars().count());
    match depth(text) > MAX_DEPTH {
        true => Flaw::TooDeep,
        false => Flaw::Syntax { line: error.line() as u64, column: before.max(1) as u64 },
    }
}

/// What `serde_json` reads at most.
const MAX_DEPTH: usize = 127;

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut strings) = (0_usize, 0, Strings::default());
    for character in text.chars() {
        match (strings.holds(character), character) {
            (false, '{' | '[') => depth += 1,
            (false, '}' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { column, .. } => write!(f, "is not JSON at column {column}"),
            Self::Unfinished => f.write_str("ends in the middle of its JSON"),
            Self::TooDeep => write!(f, "is nested more than {MAX_DEPTH} deep"),
            Self::NoObject(kind) => write!(f, "is {kind}, not an object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_without_a_word_of_the_text() {
        let deep = |levels| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        for (text, expected) in [
            ("{\"ñ\":1 canary}", Flaw::Syntax { line: 1, column: 8 }),
            ("{\"a\":1,\n\"b\": canary}", Flaw::Syntax { line: 2, column: 6 }),
            ("{\"a\":1", Flaw::Unfinished),
            ("{\"a\":\"canary", Flaw::Unfinished),
            ("[1]", Flaw::NoObject("a list")),
            ("\"canary\"", Flaw::NoObject("text")),
            ("12", Flaw::NoObject("a number")),
            ("null", Flaw::NoObject("null")),
            (&deep(1000), Flaw::TooDeep),
        ] {
            let flaw = read_object(text).err().unwrap();
            assert_eq!(flaw, expected, "{text}");
            assert!(!flaw.to_string().contains("canary"));
        }
        assert!(read_object(&deep(126)).is_ok());
    }

    #[test]
    fn keeps_the_text_where_a_number_would_lose_digits() {
        assert!(read_object("{\"a\":[{\"b\":12345678901234567890123}]}").unwrap_or_else(|_| panic!()).text.is_some());
        assert!(read_object("{\"a\":\"1.0\",\"b\":-3}").unwrap_or_else(|_| panic!()).text.is_none());
    }

    #[test]
    fn the_text_that_is_kept_is_one_line_and_its_strings_are_whole() {
        let text = "{ \"a\" :\r\n [ 1.0,\t\"b \\\" \\\\\" ] , \"c d\":\" \" }";
        let kept = read_object(text).unwrap_or_else(|_| panic!()).text;
        assert_eq!(kept.as_deref(), Some("{\"a\":[1.0,\"b \\\" \\\\\"],\"c d\":\" \"}"));
    }

    #[test]
    fn of_a_key_given_twice_the_last_value_holds() {
        let entries = read_object("{\"a\":1,\"b\":2,\"a\":3}").unwrap_or_else(|_| panic!()).entries;
        assert!(entries == [("a".to_owned(), Value::Int(3)), ("b".to_owned(), Value::Int(2))]);
    }
}
