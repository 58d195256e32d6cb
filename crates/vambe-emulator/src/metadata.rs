//! What the service does with `meta_data` after the answer: find custom field values in it.
//!
//! The service does it with AI, which nobody can imitate. Here an [`Engine`] does it,
//! by rules that a test can rely on.

mod exact;
mod leaves;
mod worker;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::exact::ExactEngine;
pub(crate) use self::worker::Worker;
use crate::seed::CustomField;

/// Finds custom field values in metadata. It may be slow: it runs on a thread of its own.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Tells of each value of the metadata what it is, or why it is nothing.
    fn find(&self, meta_data: &Map<String, Value>, fields: &[CustomField]) -> Vec<Finding>;
}

/// What became of one value of the metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// Where it is, as a JSON pointer into the metadata.
    pub(crate) pointer: String,
    /// The value as it was sent.
    pub(crate) raw: Value,
    /// The key of the custom field that it belongs to.
    pub(crate) field: Option<String>,
    /// The value as the field keeps it.
    pub(crate) value: Option<String>,
    /// How the field was found.
    pub(crate) rule: Option<String>,
    /// Whether the custom field was set.
    pub(crate) written: bool,
    /// Why it was not.
    pub(crate) reason: Option<String>,
    /// Whether the field is an identifier.
    #[serde(default)]
    pub(crate) identifier: bool,
}

/// When metadata is processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenMode", into = "WrittenMode")]
pub enum MetadataMode {
    /// So long after the upsert was answered.
    Auto {
        /// The wait in milliseconds.
        delay_ms: u64,
    },
    /// When somebody asks for it: by `POST /_emulator/drain`, or a test kit's `drain`.
    Manual,
    /// Never; it is kept with the contact and no more.
    Off,
}

/// A [`MetadataMode`] as JSON, such as `{"mode": "auto", "delay_ms": 100}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMode {
    mode: ModeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Auto,
    Manual,
    Off,
}

impl TryFrom<WrittenMode> for MetadataMode {
    type Error = &'static str;

    fn try_from(written: WrittenMode) -> Result<Self, Self::Error> {
        match (written.mode, written.delay_ms) {
            (ModeName::Auto, delay) => Ok(Self::Auto { delay_ms: delay.unwrap_or(0) }),
            (ModeName::Manual, None) => Ok(Self::Manual),
            (ModeName::Off, None) => Ok(Self::Off),
            _ => Err("only the mode auto has a delay_ms"),
        }
    }
}

impl From<MetadataMode> for WrittenMode {
    fn from(mode: MetadataMode) -> Self {
        let (mode, delay_ms) = match mode {
            MetadataMode::Auto { delay_ms } => (ModeName::Auto, Some(delay_ms)),
            MetadataMode::Manual => (ModeName::Manual, None),
            MetadataMode::Off => (ModeName::Off, None),
        };
        Self { mode, delay_ms }
    }
}

impl MetadataMode {
    /// Processes so long after the answer.
    pub const fn after(delay: Duration) -> Self {
        Self::Auto { delay_ms: delay.as_secs().saturating_mul(1000).saturating_add(delay.subsec_millis() as u64) }
    }
}

impl Default for MetadataMode {
    fn default() -> Self {
        Self::Auto { delay_ms: 0 }
    }
}

impl Finding {
    fn raw(pointer: &str, raw: &Value, reason: &str) -> Self {
        Self {
            pointer: pointer.to_owned(),
            raw: raw.clone(),
            field: None,
            value: None,
            rule: None,
            written: false,
            reason: Some(reason.to_owned()),
            identifier: false,
        }
    }

    /// The field to set, its value, and whether it is an identifier; nothing when it stays raw.
    pub(crate) fn proposed(&self) -> Option<(&str, &str, bool)> {
        let (Some(field), Some(value), true) = (&self.field, &self.value, self.written) else {
            return None;
        };
        Some((field, value, self.identifier))
    }

    /// Leaves the value raw after all.
    pub(crate) fn leave(&mut self, reason: &str) {
        self.written = false;
        self.reason = Some(reason.to_owned());
    }
}
