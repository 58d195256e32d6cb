//! How to serve.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::clock::{self, Clock, Millis};
use crate::faults::{self, Fault};
use crate::metadata::MetadataMode;
use crate::observer::{Answered, Observer};
use crate::rules::Rule;
use crate::seed::Seed;
use crate::store::{Store, StoreError};
use crate::tenant::{Beginning, new_api_key};

/// How to serve.
#[derive(Debug)]
pub struct Options {
    pub(crate) api_key: String,
    pub(crate) seed: Seed,
    pub(crate) data: Option<PathBuf>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) observer: Observer,
    random_seed: Option<u64>,
    frozen: Option<Millis>,
    metadata: MetadataMode,
}

/// [`Options`] as JSON, as other languages give them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    api_key: Option<String>,
    /// An object, or the text of a seed file.
    seed: Value,
    rules: Vec<Rule>,
    data: Option<PathBuf>,
    random_seed: Option<u64>,
    clock: Option<String>,
    metadata: MetadataMode,
    faults: Value,
}

impl Options {
    /// Sets the key whose tenant is opened at the start, instead of a fresh one.
    #[must_use]
    pub fn with_api_key(self, api_key: impl Into<String>) -> Self {
        Self { api_key: api_key.into(), ..self }
    }

    /// Sets what every fresh tenant knows; its first key, if it has any, is the key of the start.
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { api_key: seed.keys.first().cloned().unwrap_or(self.api_key), seed, ..self }
    }

    /// Turns a choice of the emulator the other way, for every fresh tenant.
    #[must_use]
    pub fn with_rule(self, rule: Rule) -> Self {
        Self { seed: self.seed.with_rule(rule), ..self }
    }

    /// Keeps the state in this folder, made if need be, instead of in memory.
    ///
    /// An upsert is answered when it is on the disk. One emulator at a time has the folder.
    #[must_use]
    pub fn with_data(self, folder: impl Into<PathBuf>) -> Self {
        Self { data: Some(folder.into()), ..self }
    }

    /// Makes the same ids each time: each belongs to this number, the API key and what it names.
    #[must_use]
    pub fn with_random_seed(self, random_seed: u64) -> Self {
        Self { random_seed: Some(random_seed), ..self }
    }

    /// Stops the clock of every fresh tenant at this moment, such as `2024-09-30T10:00:00Z`.
    ///
    /// # Errors
    ///
    /// When the text is no RFC 3339 date-time with an offset.
    pub fn with_clock(self, moment: &str) -> Result<Self, String> {
        let at = clock::moment(moment).ok_or("give the time as 2024-09-30T10:00:00Z")?;
        Ok(Self { frozen: Some(at), ..self })
    }

    /// Says when every fresh tenant's metadata is processed.
    #[must_use]
    pub fn with_metadata(self, metadata: MetadataMode) -> Self {
        Self { metadata, ..self }
    }

    /// Adds a fault that every fresh tenant begins with.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Calls this for each API request once its outcome is known.
    #[must_use]
    pub fn on_answer(self, hear: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        Self { observer: Observer::new(hear), ..self }
    }

    /// Reads options from a JSON object: `api_key`, `seed` (an object, or the text of a seed
    /// file), `rules`, `data`, `random_seed`, `clock`, `metadata`, `faults`; all may be absent.
    ///
    /// # Errors
    ///
    /// When the text cannot be read, or what it says is impossible.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let settings: Settings = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let seed = match &settings.seed {
            Value::Null => Seed::default(),
            Value::String(text) => Seed::read(text).map_err(|error| format!("seed: {error}"))?,
            object => Seed::read(&object.to_string()).map_err(|error| format!("seed: {error}"))?,
        };
        let seed = settings.rules.into_iter().fold(seed, Seed::with_rule);
        let faults = match &settings.faults {
            Value::Null => Vec::new(),
            faults => faults::read_list(faults.to_string().as_bytes())?,
        };
        let mut options = Self::default().with_seed(seed).with_metadata(settings.metadata);
        options.faults = faults;
        options.data = settings.data;
        options.random_seed = settings.random_seed;
        options.api_key = settings.api_key.unwrap_or(options.api_key);
        match settings.clock {
            Some(moment) => options.with_clock(&moment),
            None => Ok(options),
        }
    }

    /// The key whose tenant is opened at the start.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What every fresh tenant knows.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    pub(crate) fn open_store(&self) -> Result<Store, StoreError> {
        match &self.data {
            Some(folder) => Store::in_folder(folder, self.random_seed),
            None => Store::in_memory(self.random_seed),
        }
    }

    pub(crate) fn beginning(&self) -> Beginning {
        Beginning {
            seed: self.seed.clone(),
            faults: self.faults.clone(),
            clock: self.frozen.map_or_else(Clock::default, Clock::frozen),
            metadata: self.metadata,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: new_api_key(),
            seed: Seed::default(),
            data: None,
            faults: Vec::new(),
            observer: Observer::default(),
            random_seed: None,
            frozen: None,
            metadata: MetadataMode::default(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_key: None,
            seed: Value::Null,
            rules: Vec::new(),
            data: None,
            random_seed: None,
            clock: None,
            metadata: MetadataMode::default(),
            faults: Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_other_languages_give() {
        let json = r#"{"api_key": "emulator_a", "seed": "keys: [emulator_b]", "rules": ["keep-email"],
            "random_seed": 7, "clock": "2024-09-30T10:00:00Z", "metadata": {"mode": "manual"},
            "faults": ["outage", {"status": 500}]}"#;
        let options = Options::from_json(json).unwrap();
        assert_eq!(options.api_key(), "emulator_a");
        assert_eq!(options.faults.len(), 2);
        assert_eq!(options.metadata, MetadataMode::Manual);
        assert_eq!(options.frozen, Some(1_727_690_400_000));
        assert_eq!(Options::from_json("{}").unwrap().metadata, MetadataMode::Auto { delay_ms: 0 });
        let seeded = Options::from_json(r#"{"seed": {"keys": ["emulator_c"]}}"#).unwrap();
        assert_eq!(seeded.api_key(), "emulator_c");
    }

    #[test]
    fn refuses_what_is_impossible() {
        for json in [
            r#"{"colour": 1}"#,
            r#"{"rules": ["fast"]}"#,
            r#"{"clock": "noon"}"#,
            r#"{"metadata": {"mode": "never"}}"#,
            r#"{"metadata": {"mode": "manual", "delay_ms": 5, "x": 1}}"#,
            r#"{"seed": "keys: [live]"}"#,
            r#"{"faults": ["nonsense"]}"#,
        ] {
            assert!(Options::from_json(json).is_err(), "{json}");
        }
    }
}
