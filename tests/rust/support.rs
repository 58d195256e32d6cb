//! What the tests share: reading vectors, and a transport that answers from a script.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::new_without_default
)]

pub mod command;
pub mod document_blocks;
mod nested_cargo;
pub mod recording_server;
pub mod tls_server;

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use nested_cargo::cargo;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;
use tokio::time::Instant;
use vambe::{
    Answer, CheckOptions, CustomerRecord, Date, DateTime, Exchange, ExchangeFuture, InvalidValue, Phase, Transport,
    TransportError, TransportErrorKind, Value,
};

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Builds the command, and returns where it is.
pub fn built_command() -> PathBuf {
    let status = cargo().args(["build", "--quiet", "--bin", "vambe"]).current_dir(repository()).status().unwrap();
    assert!(status.success());
    // Tests run from `<target>/<profile>/deps`, beside which the command is put.
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(format!("vambe{}", std::env::consts::EXE_SUFFIX))
}

/// Reads the cases of a vector file, whose names must differ.
pub fn cases(file: &str) -> Vec<Json> {
    let path = repository().join("tests/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let cases = document["cases"].as_array().expect("a list of cases").clone();
    let mut names = HashSet::new();
    for case in &cases {
        let name = case["name"].as_str().unwrap_or_else(|| panic!("{file}: a case without a name"));
        assert!(names.insert(name.to_owned()), "{file}: two cases are called {name}");
    }
    cases
}

/// Refuses a case that holds a key no runner knows, so that nothing is skipped in silence.
pub fn assert_keys(case: &Json, known: &[&str]) {
    for key in case.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "{}: unknown key {key}", case["name"]);
    }
}

/// Reads a record, with the tags for what JSON cannot hold.
pub fn record(given: &Json) -> CustomerRecord {
    let mut record = CustomerRecord::default();
    for (key, value) in given.as_object().expect("a record is an object") {
        record.set(key, tagged(value));
    }
    record
}

/// Reads a value, with the tags for what JSON cannot hold.
pub fn tagged(value: &Json) -> Value {
    match value {
        Json::Array(values) => Value::Array(values.iter().map(tagged).collect()),
        Json::Object(fields) if fields.contains_key("$type") => untag(value),
        Json::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), tagged(value))).collect()),
        _ => value.clone().into(),
    }
}

fn untag(tag: &Json) -> Value {
    let text = tag["value"].as_str().unwrap_or_default();
    match tag["$type"].as_str().unwrap() {
        "undefined" => Value::Missing,
        "nan" => Value::Float(f64::NAN),
        "infinity" => Value::Float(f64::INFINITY),
        "-infinity" => Value::Float(f64::NEG_INFINITY),
        "bigint" => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => Value::Int(number),
            (_, Ok(number)) => Value::Uint(number),
            _ => Value::Invalid(InvalidValue::IntegerRange),
        },
        "decimal" | "uuid" => text.into(),
        "date" => Value::Date(date(text)),
        "datetime" => Value::DateTime(date_time(text)),
        "surrogate" => Value::Invalid(InvalidValue::LoneSurrogate),
        "invalid_date" => Value::Invalid(InvalidValue::InvalidDate),
        "bytes" => Value::Invalid(InvalidValue::Bytes),
        "function" => Value::Invalid(InvalidValue::Unsupported),
        "cycle" => Value::Object(vec![("self".to_owned(), Value::Invalid(InvalidValue::Cycle))]),
        "non_text_key" => Value::Invalid(InvalidValue::NonTextKey),
        "deep" => (0..tag["levels"].as_u64().unwrap()).fold(Value::Null, |inner, _| Value::Array(vec![inner])),
        "long_text" => "x".repeat(usize::try_from(tag["length"].as_u64().unwrap()).unwrap()).into(),
        other => panic!("unknown tag {other}"),
    }
}

fn date(text: &str) -> Date {
    let part = |range: std::ops::Range<usize>| text[range].parse().unwrap();
    Date::new(part(0..4), u8::try_from(part(5..7)).unwrap(), u8::try_from(part(8..10)).unwrap()).unwrap()
}

fn date_time(text: &str) -> DateTime {
    let (time, offset) = match text[11..].find(['Z', '+', '-']) {
        Some(at) => (&text[11..11 + at], Some(&text[11 + at..])),
        None => (&text[11..], None),
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let part = |at: usize| clock[at..at + 2].parse::<u8>().unwrap();
    let nanosecond = format!("{fraction:0<9}").parse().unwrap();
    let offset = offset.map(|offset| match offset {
        "Z" => 0,
        _ => {
            let seconds = offset[1..3].parse::<i32>().unwrap() * 3600 + offset[4..6].parse::<i32>().unwrap() * 60;
            if offset.starts_with('-') { -seconds } else { seconds }
        }
    });
    DateTime::new(date(text), (part(0), part(3), part(6)), nanosecond, offset).unwrap()
}

/// Reads the options of a check.
pub fn check_options(case: &Json) -> CheckOptions {
    let mut options = CheckOptions::default();
    for (name, value) in case["options"].as_object().into_iter().flatten() {
        let text = || value.as_str().map(str::to_owned);
        match name.as_str() {
            "channel" => options.channel = text(),
            "channel_phone_number" => options.channel_phone_number = text(),
            "channel_id" => options.channel_id = text(),
            "default_region" => options.default_region = text(),
            "strict_email" => options.strict_email = value.as_bool().unwrap(),
            "send_empty_meta_data" => options.send_empty_meta_data = value.as_bool().unwrap(),
            other => panic!("{}: unknown option {other}", case["name"]),
        }
    }
    options
}

/// A transport that answers from a script, and remembers what it was asked and when.
#[derive(Clone, Default)]
pub struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<(Instant, String)>>>,
}

/// What the scripted server does with one exchange.
#[derive(Clone, Debug)]
pub enum Step {
    Answer(Answer),
    Fail(TransportErrorKind, Phase),
    Stall(Phase),
}

impl Script {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(Mutex::new(steps.into_iter().collect())), seen: Arc::default() }
    }

    /// Returns when each exchange began, and its body.
    pub fn seen(&self) -> Vec<(Instant, String)> {
        self.seen.lock().unwrap().clone()
    }

    pub fn is_finished(&self) -> bool {
        self.steps.lock().unwrap().is_empty()
    }
}

impl Transport for Script {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        Box::pin(async move {
            let body = String::from_utf8(exchange.body.to_vec()).unwrap();
            self.seen.lock().unwrap().push((Instant::now(), body));
            let step = self.steps.lock().unwrap().pop_front().expect("the script has no more answers");
            match step {
                Step::Answer(answer) => Ok(answer),
                Step::Fail(kind, phase) => {
                    exchange.progress.reached(phase);
                    Err(TransportError::new(kind))
                }
                Step::Stall(phase) => {
                    exchange.progress.reached(phase);
                    std::future::pending().await
                }
            }
        })
    }
}

/// Returns an answer with these headers.
pub fn answer(status: u16, headers: &Json, body: &str) -> Answer {
    let mut map = HeaderMap::new();
    for (name, value) in headers.as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str()).unwrap();
        map.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    Answer::new(status, map, body.to_owned())
}

/// Returns an answer that holds a contact.
pub fn contact_answer(id: &str) -> Answer {
    answer(200, &Json::Null, &format!(r#"{{"id":"{id}"}}"#))
}

pub fn seconds(value: &Json) -> Option<Duration> {
    value.as_f64().map(Duration::from_secs_f64)
}
