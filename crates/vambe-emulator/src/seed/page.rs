//! What the examples of the API's page use, and so what a fresh tenant knows.

use super::{Agent, Channel, CustomField, Platform, Seed, Stage};
use crate::field_types::FieldType;
use crate::id::Id;

impl Default for Seed {
    fn default() -> Self {
        Self {
            channels: channels(),
            stages: stages(),
            agents: agents(),
            custom_fields: custom_fields(),
            ..Self::empty()
        }
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
    let field = |key: &str, field_type, identifier| CustomField { identifier, ..CustomField::new(key, field_type) };
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
