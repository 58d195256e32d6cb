//! Seeds as people write them: YAML or JSON.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Agent, Channel, CustomField, Platform, Seed, Stage};
use crate::field_types::FieldType;
use crate::id::Id;
use crate::rules::Rules;
use crate::tenant::KEY_PREFIX;

/// What is wrong with a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedError(String);

/// A seed file, all of whose parts are optional.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SeedFile {
    defaults: bool,
    keys: Vec<String>,
    rules: Rules,
    channels: Vec<GivenChannel>,
    stages: Vec<GivenName>,
    agents: Vec<GivenName>,
    custom_fields: Vec<GivenField>,
    customers: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenChannel {
    platform: Platform,
    id: Option<String>,
    phone: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenName {
    id: Option<String>,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenField {
    key: String,
    name: Option<String>,
    r#type: GivenType,
    options: Option<Vec<String>>,
    #[serde(default)]
    identifier: bool,
    description: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default = "yes")]
    editable_by_ai: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum GivenType {
    Text,
    Number,
    Date,
    Boolean,
    Options,
}

impl Seed {
    /// Reads a seed file: YAML, or JSON when it starts with `{`.
    ///
    /// What it lists is added to [`Seed::default`], or replaces what has the same id, key or phone
    /// there; with `defaults: false` it is all there is. An id that is not given is made of the
    /// name, so it is the same each time.
    ///
    /// ```
    /// let seed = vambe_emulator::Seed::read("
    /// keys: [emulator_shop]
    /// channels:
    ///   - { platform: whatsapp, phone: '+56922222222', name: Shop }
    /// custom_fields:
    ///   - { key: size, type: options, options: [S, M, L], aliases: [talla] }
    /// customers:
    ///   - channel: whatsapp
    ///     channel_phone_number: '+56922222222'
    ///     contact_phone_number: '+56912345678'
    ///     custom_field_values: [{ key: size, value: M }]
    /// ");
    /// assert_eq!(seed.unwrap().keys, ["emulator_shop"]);
    /// ```
    ///
    /// # Errors
    ///
    /// When the text cannot be read, or what it says is impossible; the message names the place.
    pub fn read(text: &str) -> Result<Self, SeedError> {
        let file = if text.trim_start().starts_with('{') {
            serde_json::from_str::<SeedFile>(text).map_err(|error| error.to_string())
        } else if text.trim().is_empty() {
            Ok(SeedFile::default())
        } else {
            serde_saphyr::from_str::<SeedFile>(text).map_err(|error| error.to_string())
        };
        file.and_then(SeedFile::into_seed).map_err(SeedError)
    }

    /// Reads what [`Seed::written`] wrote.
    pub(crate) fn reread(text: &str) -> Result<Self, SeedError> {
        let file: SeedFile = serde_json::from_str(text).map_err(|error| SeedError(error.to_string()))?;
        SeedFile { defaults: false, ..file }.into_seed().map_err(SeedError)
    }

    /// Writes the seed as JSON that a file could hold.
    pub(crate) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl SeedFile {
    fn into_seed(self) -> Result<Seed, String> {
        let mut seed = if self.defaults { Seed::default() } else { Seed::empty() };
        seed.rules = self.rules;
        for (at, key) in self.keys.into_iter().enumerate() {
            if !key.starts_with(KEY_PREFIX) {
                return Err(format!("keys[{at}]: a key of the emulator starts with {KEY_PREFIX}"));
            }
            seed.keys.push(key);
        }
        for (at, channel) in self.channels.into_iter().enumerate() {
            let channel = channel.read().map_err(|reason| format!("channels[{at}]: {reason}"))?;
            let same = |known: &Channel| {
                known.id == channel.id
                    || known.platform == channel.platform && known.phone.is_some() && known.phone == channel.phone
            };
            put(&mut seed.channels, same, channel.clone());
        }
        for (at, stage) in self.stages.into_iter().enumerate() {
            let (id, name) = stage.read("stage").map_err(|reason| format!("stages[{at}]: {reason}"))?;
            put(&mut seed.stages, |known| known.id == id, Stage { id, name });
        }
        for (at, agent) in self.agents.into_iter().enumerate() {
            let (id, name) = agent.read("agent").map_err(|reason| format!("agents[{at}]: {reason}"))?;
            put(&mut seed.agents, |known| known.id == id, Agent { id, name });
        }
        for (at, field) in self.custom_fields.into_iter().enumerate() {
            let field = field.read().map_err(|reason| format!("custom_fields[{at}]: {reason}"))?;
            put(&mut seed.custom_fields, |known| known.key == field.key, field.clone());
        }
        seed.customers = self.customers;
        Ok(seed)
    }
}

impl Default for SeedFile {
    fn default() -> Self {
        Self {
            defaults: true,
            keys: Vec::new(),
            rules: Rules::default(),
            channels: Vec::new(),
            stages: Vec::new(),
            agents: Vec::new(),
            custom_fields: Vec::new(),
            customers: Vec::new(),
        }
    }
}

impl GivenChannel {
    fn read(self) -> Result<Channel, String> {
        let webchat = self.platform == Platform::Webchat;
        if webchat == self.phone.is_some() {
            return Err(format!("a {} channel has {} phone", self.platform, if webchat { "no" } else { "a" }));
        }
        let name = self.name.unwrap_or_else(|| self.platform.to_string());
        let kind = format!("channel {} {}", self.platform, self.phone.as_deref().unwrap_or_default());
        Ok(Channel { platform: self.platform, id: id(self.id, &kind, &name)?, phone: self.phone, name })
    }
}

impl GivenName {
    fn read(self, kind: &str) -> Result<(Id, String), String> {
        Ok((id(self.id, kind, &self.name)?, self.name))
    }
}

impl GivenField {
    fn read(self) -> Result<CustomField, String> {
        let field_type = match (self.r#type, self.options) {
            (GivenType::Options, Some(words)) if !words.is_empty() => FieldType::Options(words),
            (GivenType::Options, _) => return Err("type options needs a list of options".to_owned()),
            (_, Some(_)) => return Err("only type options takes options".to_owned()),
            (GivenType::Text, None) => FieldType::Text,
            (GivenType::Number, None) => FieldType::Number,
            (GivenType::Date, None) => FieldType::Date,
            (GivenType::Boolean, None) => FieldType::Boolean,
        };
        if self.key.is_empty() {
            return Err("key must not be empty".to_owned());
        }
        Ok(CustomField {
            name: self.name,
            identifier: self.identifier,
            description: self.description,
            aliases: self.aliases,
            editable_by_ai: self.editable_by_ai,
            ..CustomField::new(self.key, field_type)
        })
    }
}

fn id(given: Option<String>, kind: &str, name: &str) -> Result<Id, String> {
    match given {
        Some(text) => Id::parse(&text).ok_or_else(|| "id is no UUID of the API's pattern".to_owned()),
        None => Ok(Id::of(0, &[kind, name])),
    }
}

/// Replaces the first one that is the same, or adds it.
fn put<T>(list: &mut Vec<T>, same: impl Fn(&T) -> bool, item: T) {
    match list.iter_mut().find(|known| same(known)) {
        Some(known) => *known = item,
        None => list.push(item),
    }
}

const fn yes() -> bool {
    true
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SeedError {}

impl SeedError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_to_what_the_page_uses_or_replaces_it() {
        let seed = Seed::read(
            "channels:\n- platform: whatsapp\n  phone: +56922222222\n- {platform: whatsapp, phone: '+56987654321', name: Mine}\n\
             stages: [{name: Won}]\ncustom_fields: [{key: plan, type: boolean}, {key: n, type: number, editable_by_ai: false}]",
        )
        .unwrap();
        assert_eq!(seed.channels.len(), Seed::default().channels.len() + 1);
        assert_eq!(seed.channels[0].name, "Mine");
        assert_eq!(seed.channels.last().unwrap().phone.as_deref(), Some("+56922222222"));
        assert_eq!(seed.stages.len(), Seed::default().stages.len() + 1);
        let plan = seed.custom_fields.iter().find(|field| field.key == "plan").unwrap();
        assert_eq!(plan.field_type, FieldType::Boolean);
        assert!(!seed.custom_fields.last().unwrap().editable_by_ai);
    }

    #[test]
    fn can_stand_alone_and_reads_back_what_it_writes() {
        let text = "{\"defaults\": false, \"rules\": [\"strict-schema\"], \"agents\": [{\"name\": \"Ana\"}], \
                     \"custom_fields\": [{\"key\": \"s\", \"type\": \"options\", \"options\": [\"a\"], \"aliases\": [\"z\"]}], \
                     \"customers\": [{\"channel\": \"webchat\"}]}";
        let seed = Seed::read(text).unwrap();
        assert!(seed.channels.is_empty());
        assert_eq!(seed.agents[0].id, Seed::read(text).unwrap().agents[0].id);
        assert_eq!(Seed::reread(&seed.written()).unwrap().written(), seed.written());
        assert_eq!(Seed::read("").unwrap().written(), Seed::default().written());
    }

    #[test]
    fn names_the_place_of_what_is_impossible() {
        let cases = [
            ("keys: [live_1]", "keys[0]: a key"),
            ("channels: [{platform: webchat, phone: '+1'}]", "channels[0]: a webchat channel has no phone"),
            ("channels: [{platform: whatsapp}]", "channels[0]: a whatsapp channel has a phone"),
            ("stages: [{name: a, id: x}]", "stages[0]: id is no UUID"),
            ("custom_fields: [{key: a, type: options}]", "custom_fields[0]: type options needs"),
            ("custom_fields: [{key: a, type: text, options: [b]}]", "custom_fields[0]: only type options"),
            ("custom_fields: [{key: '', type: text}]", "custom_fields[0]: key must not be empty"),
        ];
        for (text, expected) in cases {
            let reason = Seed::read(text).unwrap_err().to_string();
            assert!(reason.starts_with(expected), "{text}: {reason}");
        }
        for text in ["colour: red", "rules: [fast]", "custom_fields: [{key: a, type: colour}]", "stages: 5", ": : :"] {
            assert!(Seed::read(text).is_err(), "{text}");
        }
    }
}
