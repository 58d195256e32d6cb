//! What every fresh tenant knows: all that the examples of the API's page use.

use std::fmt;

use serde::Serialize;

use crate::field_types::FieldType;
use crate::id::Id;

/// The channels, stages, agents and custom field definitions of a fresh tenant.
///
/// [`Seed::default`] holds every one that the page's examples use, so that they run
/// once host, key and the placeholders `your_…` are replaced.
#[derive(Debug, Clone, Serialize)]
pub struct Seed {
    /// The channels the tenant owns.
    pub channels: Vec<Channel>,
    /// The pipeline stages a contact can be put in.
    pub stages: Vec<Stage>,
    /// The team members a contact can be assigned to.
    pub agents: Vec<Agent>,
    /// The custom field definitions; their order decides which identifier wins.
    pub custom_fields: Vec<CustomField>,
}

/// The kind of a channel, as `channel` and `platform` name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
pub struct CustomField {
    /// The key that `custom_field_values` names.
    pub key: String,
    /// What its values look like.
    #[serde(flatten)]
    pub field_type: FieldType,
    /// Whether its values take part in customer deduplication.
    pub identifier: bool,
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

impl Default for Seed {
    fn default() -> Self {
        Self { channels: channels(), stages: stages(), agents: agents(), custom_fields: custom_fields() }
    }
}

fn channels() -> Vec<Channel> {
    let channel = |platform, id, phone: Option<&str>, name: &str| Channel {
        platform,
        id: Id::from_u128(id),
        phone: phone.map(str::to_owned),
        name: name.to_owned(),
    };
    let phone = Some("+56987654321");
    vec![
        channel(Platform::Whatsapp, 0x3f2a_6c1e_5b7d_4e80_9a41_6d0c_52b8_17f3, phone, "WhatsApp"),
        channel(Platform::WebWhatsapp, 0x8c9d_0e47_21fa_4b36_b5d2_90e7_3a6c_41b8, phone, "WhatsApp Web"),
        channel(Platform::Webchat, 0xa1b2_c3d4_e5f6_7890_abcd_ef12_3456_7890, None, "Web site"),
    ]
}

fn stages() -> Vec<Stage> {
    let stage = |id, name: &str| Stage { id: Id::from_u128(id), name: name.to_owned() };
    vec![
        stage(0x550e_8400_e29b_41d4_a716_4466_5544_0000, "New"),
        stage(0x6b1d_4f02_93c8_4d5e_8f27_1a90_c3e6_b745, "Initial"),
        stage(0x7c2e_5a13_a4d9_4e6f_9038_2ba1_d4f7_c856, "Leads"),
        stage(0x8d3f_6b24_b5ea_4f70_a149_3cb2_e508_d967, "Customers"),
    ]
}

fn agents() -> Vec<Agent> {
    let agent = |id, name: &str| Agent { id: Id::from_u128(id), name: name.to_owned() };
    vec![
        agent(0x228d_7a0d_9072_4ca8_939b_959b_75cc_606a, "Sales"),
        agent(0x339e_8b1e_a183_4db9_a4ac_a6ac_86dd_717b, "Support"),
    ]
}

fn custom_fields() -> Vec<CustomField> {
    let field = |key: &str, field_type, identifier| CustomField { key: key.to_owned(), field_type, identifier };
    let segments = ["retail", "wholesale", "online"];
    vec![
        field("rut", FieldType::Text, true),
        field("customer_number", FieldType::Text, true),
        field("company_name", FieldType::Text, false),
        field("industry", FieldType::Text, false),
        field("lead_score", FieldType::Number, false),
        // The page shows `premium` and `enterprise` and no list of options, hence text.
        field("plan", FieldType::Text, false),
        field("account_id", FieldType::Text, false),
        field("birthday", FieldType::Date, false),
        field("newsletter", FieldType::Boolean, false),
        field("segment", FieldType::options(segments), false),
    ]
}
