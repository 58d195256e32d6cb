//! The functions that need no client.

use napi_derive::napi;
use serde_json::json;
use vambe::{CustomerRecord, ErrorCode, ViolationCode};

use crate::options;
use crate::value::{WrittenRecord, read, read_record};

/// Returns the version, which must be the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Returns the violations and warnings of a record as JSON text.
#[napi]
pub fn validate(record: String, options: String) -> napi::Result<String> {
    Ok(json!(vambe::validate(&read_record(&record), &options::check(&options)?)).to_string())
}

/// Returns what would be sent for a record, as JSON text.
#[napi]
pub fn prepare(record: String, options: String) -> napi::Result<String> {
    let prepared = vambe::prepare(&read_record(&record), &options::check(&options)?).map_err(options::thrown)?;
    Ok(json!(prepared).to_string())
}

/// Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`.
#[napi]
pub fn clean_phone(text: String) -> String {
    vambe::clean_phone(&text)
}

/// Returns a phone number as E.164.
#[napi]
pub fn normalize_phone(text: String, region: String) -> napi::Result<String> {
    vambe::normalize_phone(&text, &region).map_err(options::thrown)
}

/// Returns the spellings of one WhatsApp account as JSON text.
#[napi]
pub fn phone_variants(number: String) -> String {
    json!(vambe::phone_variants(&number)).to_string()
}

/// Translates the payload of the deprecated note endpoint into a record.
#[napi]
pub fn from_note(note: String) -> napi::Result<String> {
    let record = CustomerRecord::from_note(read(&note)).map_err(options::thrown)?;
    Ok(json!(WrittenRecord(&record)).to_string())
}

/// Returns every code that an error can have.
#[napi]
pub fn error_codes() -> Vec<String> {
    ErrorCode::ALL.iter().map(ToString::to_string).collect()
}

/// Returns every code that a violation can have.
#[napi]
pub fn violation_codes() -> Vec<String> {
    ViolationCode::ALL.iter().map(ToString::to_string).collect()
}
