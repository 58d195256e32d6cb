//! Writes [`Value`]s as compact JSON, and reports what JSON cannot hold (`docs/values.md`).

use std::borrow::Cow;
use std::io::Write as _;

use crate::value::{InvalidValue, Value};
use crate::violation::{Path, Validation, Violation, ViolationCode};

/// Appends text as a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Nearly all text needs no escape, and is then copied at once. No early exit: so it is looked at in blocks.
    let needs_escape = text.bytes().fold(false, |any, byte| any | matches!(byte, 0..b' ' | b'"' | b'\\'));
    if needs_escape {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(out, text);
    } else {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// Returns a number that may be written, or why it may not; `-0` becomes `0`.
///
/// Rust's `Display` then gives the shortest decimal without exponent or `.0`.
pub(crate) fn plain_float(number: f64) -> Result<f64, ViolationCode> {
    if !number.is_finite() {
        return Err(ViolationCode::NotFinite);
    }
    // JSON text does not tell 2^70 from an integer, so both are refused alike.
    if number.fract() == 0.0 && !(LEAST_INTEGER..BEYOND_INTEGERS).contains(&number) {
        return Err(ViolationCode::IntegerRange);
    }
    Ok(if number == 0.0 { 0.0 } else { number })
}

const LEAST_INTEGER: f64 = -9_223_372_036_854_775_808.0;
const BEYOND_INTEGERS: f64 = 18_446_744_073_709_551_616.0;

impl Value {
    /// Returns the text that a custom field gets of the value (rule R7, `docs/values.md`).
    ///
    /// # Errors
    ///
    /// Why there is none: [`ViolationCode::Type`] for lists, objects and nothing, else what is wrong with the value.
    pub fn to_text(&self) -> Result<Cow<'_, str>, ViolationCode> {
        Ok(match self {
            Self::Text(text) => text.into(),
            Self::Bool(value) => if *value { "true" } else { "false" }.into(),
            Self::Int(number) => number.to_string().into(),
            Self::Uint(number) => number.to_string().into(),
            Self::Float(number) => plain_float(*number)?.to_string().into(),
            Self::Date(date) => date.to_string().into(),
            Self::DateTime(moment) if !moment.is_naive() => moment.to_string().into(),
            Self::DateTime(_) => return Err(ViolationCode::NaiveDatetime),
            Self::Invalid(invalid) => return Err(code_of(*invalid)),
            Self::Missing | Self::Null | Self::Array(_) | Self::Object(_) => return Err(ViolationCode::Type),
        })
    }
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// Writes values, and reports the path of each thing that cannot be sent.
pub(crate) struct Writer<'v, 'o> {
    out: &'o mut Vec<u8>,
    found: &'o mut Validation,
    trail: Vec<Step<'v>>,
}

impl<'v, 'o> Writer<'v, 'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>, found: &'o mut Validation, key: &'v str) -> Self {
        let mut trail = Vec::with_capacity(TYPICAL_DEPTH);
        trail.push(Step::Key(key));
        Self { out, found, trail }
    }

    /// Writes `"key":value`, the value being found under that key.
    pub(crate) fn write_entry(&mut self, key: &'v str, value: &'v Value) {
        write_text(self.out, key);
        self.out.push(b':');
        self.write_at(Step::Key(key), value);
    }

    pub(crate) fn write_object(&mut self, entries: &'v [(String, Value)]) {
        self.out.push(b'{');
        let mut is_first = true;
        for (key, value) in entries.iter().filter(|(_, value)| !matches!(value, Value::Missing)) {
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            self.write_entry(key, value);
        }
        self.out.push(b'}');
    }

    fn write_array(&mut self, values: &'v [Value]) {
        self.out.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.write_at(Step::Index(index), value);
        }
        self.out.push(b']');
    }

    fn write_at(&mut self, step: Step<'v>, value: &'v Value) {
        self.trail.push(step);
        self.write(value);
        self.trail.pop();
    }

    fn write(&mut self, value: &'v Value) {
        if self.trail.len() > MAX_DEPTH {
            return self.refuse(ViolationCode::TooDeep);
        }
        let written = match value {
            Value::Missing | Value::Null => self.out.write_all(b"null"),
            Value::Bool(value) => write!(self.out, "{value}"),
            Value::Int(number) => write!(self.out, "{number}"),
            Value::Uint(number) => write!(self.out, "{number}"),
            Value::Date(date) => write!(self.out, "\"{date}\""),
            Value::DateTime(moment) if !moment.is_naive() => write!(self.out, "\"{moment}\""),
            Value::DateTime(_) => return self.refuse(ViolationCode::NaiveDatetime),
            Value::Float(number) => match plain_float(*number) {
                Ok(number) => write!(self.out, "{number}"),
                Err(code) => return self.refuse(code),
            },
            Value::Text(text) => return write_text(self.out, text),
            Value::Array(values) => return self.write_array(values),
            Value::Object(entries) => return self.write_object(entries),
            Value::Invalid(invalid) => return self.refuse(code_of(*invalid)),
        };
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
    }

    fn refuse(&mut self, code: ViolationCode) {
        // A path of 64 steps helps nobody: the field has to do.
        let steps = if code == ViolationCode::TooDeep { &self.trail[..1] } else { &self.trail[..] };
        let mut path = Path::default();
        for step in steps {
            match step {
                Step::Key(key) => path.push_key(key),
                Step::Index(index) => path.push_index(*index),
            }
        }
        self.found.add(violation(path, code));
    }
}

/// Returns the violation of a value that cannot be sent.
pub(crate) fn violation(path: Path, code: ViolationCode) -> Violation {
    let (problem, hint) = match code {
        ViolationCode::NotFinite => ("is NaN or infinite", "leave it out, or send text"),
        ViolationCode::IntegerRange => ("is a whole number beyond 64 bits", "send it as text"),
        ViolationCode::NaiveDatetime => ("is a date-time without an offset", "give it a time zone"),
        ViolationCode::InvalidDate => ("is a date that does not exist", "correct it, or leave it out"),
        ViolationCode::Cycle => ("contains itself", "break the cycle"),
        ViolationCode::NonTextKey => ("has a key that is not text", "make every key text"),
        ViolationCode::LoneSurrogate => ("holds half a surrogate pair", "repair the text's encoding"),
        ViolationCode::TooDeep => ("is nested more than 64 deep", "flatten it"),
        _ => ("is of a kind that JSON cannot hold", "send text, such as base64 for bytes"),
    };
    Violation::new(path, code, problem).hint(hint)
}

pub(crate) fn code_of(invalid: InvalidValue) -> ViolationCode {
    match invalid {
        InvalidValue::Bytes | InvalidValue::Unsupported => ViolationCode::UnsupportedType,
        InvalidValue::Cycle => ViolationCode::Cycle,
        InvalidValue::NonTextKey => ViolationCode::NonTextKey,
        InvalidValue::LoneSurrogate => ViolationCode::LoneSurrogate,
        InvalidValue::InvalidDate => ViolationCode::InvalidDate,
        InvalidValue::IntegerRange => ViolationCode::IntegerRange,
        InvalidValue::TooDeep => ViolationCode::TooDeep,
    }
}

const MAX_DEPTH: usize = 64;
const TYPICAL_DEPTH: usize = 8;
