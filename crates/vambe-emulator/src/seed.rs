//! What every fresh tenant knows and has.

mod file;
mod page;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::file::SeedError;
use crate::field_types::FieldType;
use crate::id::Id;
use crate::rules::{Rule, Rules};

/// The channels, stages, agents and custom field definitions of a fresh tenant, and its customers.
///
/// [`Seed::default`] holds every one that the page's examples use, so that they run
/// once host, key and the placeholders `your_…` are replaced. [`Seed::read`] adds what a
/// file says.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Seed {
    /// The keys whose tenants are opened at the start; the first one is announced.
    pub keys: Vec<String>,
    pub(crate) rules: Rules,
    /// The channels the tenant owns.
    pub channels: Vec<Channel>,
    /// The pipeline stages a contact can be put in.
    pub stages: Vec<Stage>,
    /// The team members a contact can be assigned to.
    pub agents: Vec<Agent>,
    /// The custom field definitions; their order decides which identifier wins.
    pub custom_fields: Vec<CustomField>,
    /// The customers it has, each as the body of an upsert.
    pub customers: Vec<Map<String, Value>>,
}

/// The kind of a channel, as `channel` and `platform` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// WhatsApp Business API.
    Whatsapp,
    /// WhatsApp Web (QR code).
    WebWhatsapp,
    /// The webchat widget.
    Webchat,
}

/// A channel of the tenant.
#[derive(Debug, Clone, Serialize)]
pub struct Channel {
    /// Its kind.
    pub platform: Platform,
    /// Its id, which `channel_id` and, by the schema, `channel_phone_number` can name.
    pub id: Id,
    /// Its phone number; absent for webchat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// What the dashboard would call it.
    pub name: String,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// The id that `stageId` names.
    pub id: Id,
    /// What the dashboard would call it.
    pub name: String,
}

/// A member of the team.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    /// The id that `agentId` names.
    pub id: Id,
    /// What the dashboard would call them.
    pub name: String,
}

/// The definition of a custom field.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CustomField {
    /// The key that `custom_field_values` names.
    pub key: String,
    /// What the dashboard would call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its values look like.
    #[serde(flatten)]
    pub field_type: FieldType,
    /// Whether its values take part in customer deduplication.
    pub identifier: bool,
    /// What the dashboard tells people, and the service's AI, about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Other names under which metadata may give it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Whether metadata may set it.
    #[serde(skip_serializing_if = "is_true")]
    pub editable_by_ai: bool,
}

impl Seed {
    /// A seed that knows nothing.
    pub fn empty() -> Self {
        Self {
            keys: Vec::new(),
            rules: Rules::default(),
            channels: Vec::new(),
            stages: Vec::new(),
            agents: Vec::new(),
            custom_fields: Vec::new(),
            customers: Vec::new(),
        }
    }

    /// Turns a choice of the emulator the other way.
    #[must_use]
    pub fn with_rule(self, rule: Rule) -> Self {
        Self { rules: self.rules.with(rule), ..self }
    }
}

impl CustomField {
    /// Defines a field that is no identifier and that metadata may set.
    pub fn new(key: impl Into<String>, field_type: FieldType) -> Self {
        Self {
            key: key.into(),
            name: None,
            field_type,
            identifier: false,
            description: None,
            aliases: Vec::new(),
            editable_by_ai: true,
        }
    }
}

impl Platform {
    pub(crate) const ALL: [Self; 3] = [Self::Whatsapp, Self::WebWhatsapp, Self::Webchat];

    /// The platform's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::WebWhatsapp => "web-whatsapp",
            Self::Webchat => "webchat",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// Serde asks for this form.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_true(value: &bool) -> bool {
    *value
}
