//! The fields of a record: their names, and what a mistyped one was probably meant to be.

use strsim::jaro_winkler;

/// A field of a [`CustomerRecord`](crate::CustomerRecord), in the order of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `channel`: which kind of channel the customer is reached by.
    Channel,
    /// `channel_phone_number`: your own WhatsApp number, or the channel's id.
    ChannelPhoneNumber,
    /// `contact_phone_number`: the customer's number.
    ContactPhoneNumber,
    /// `channel_id`: the UUID of your webchat channel.
    ChannelId,
    /// `external_user_id`: your own id of a webchat user.
    ExternalUserId,
    /// `contact_name`: the name to show.
    ContactName,
    /// `contact_email`: the e-mail address.
    ContactEmail,
    /// `stageId`: the UUID of a pipeline stage.
    StageId,
    /// `agentId`: the UUID of the responsible team member.
    AgentId,
    /// `meta_data`: anything else, for the service's AI to read.
    MetaData,
    /// `custom_field_values`: values of fields defined in the dashboard.
    CustomFieldValues,
    /// `extra`: keys newer than this SDK, merged into the body as they are.
    Extra,
}

impl Field {
    /// Every field, in the order of the schema.
    pub const ALL: [Self; 12] = [
        Self::Channel,
        Self::ChannelPhoneNumber,
        Self::ContactPhoneNumber,
        Self::ChannelId,
        Self::ExternalUserId,
        Self::ContactName,
        Self::ContactEmail,
        Self::StageId,
        Self::AgentId,
        Self::MetaData,
        Self::CustomFieldValues,
        Self::Extra,
    ];

    /// Returns the name as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::ChannelPhoneNumber => "channel_phone_number",
            Self::ContactPhoneNumber => "contact_phone_number",
            Self::ChannelId => "channel_id",
            Self::ExternalUserId => "external_user_id",
            Self::ContactName => "contact_name",
            Self::ContactEmail => "contact_email",
            Self::StageId => "stageId",
            Self::AgentId => "agentId",
            Self::MetaData => "meta_data",
            Self::CustomFieldValues => "custom_field_values",
            Self::Extra => "extra",
        }
    }

    /// Returns the field of that exact name; `stage_id` and `agent_id` are accepted too.
    pub fn from_key(key: &str) -> Option<Self> {
        match key {
            "stage_id" => Some(Self::StageId),
            "agent_id" => Some(Self::AgentId),
            _ => Self::ALL.into_iter().find(|field| field.name() == key),
        }
    }
}

/// Returns the field that an unknown key was probably meant to be.
///
/// Compares without case and punctuation, then by what people call the fields, then by
/// likeness. Nothing is returned for a key that is a field, or like none.
pub fn suggest_field(key: &str) -> Option<&'static str> {
    if Field::from_key(key).is_some() || key.len() > LONGEST_LIKELY_KEY {
        return None;
    }
    let folded = fold(key);
    let names = || Field::ALL.into_iter().map(Field::name);
    names()
        .find(|name| fold(name) == folded)
        .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == folded).map(|(_, field)| field.name()))
        .or_else(|| closest(&folded, names()))
}

/// Returns the candidate most like the text, if it is like enough to be meant.
pub(crate) fn closest(text: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let text = fold(text);
    candidates
        .map(|name| (jaro_winkler(&text, &fold(name)), name))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Drops case and all but letters and digits.
pub(crate) fn fold(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

// At 0.7, where others draw the line, "tags" is taken for stageId.
const LIKE_ENOUGH: f64 = 0.85;

const LONGEST_LIKELY_KEY: usize = 64;

const ALIASES: [(&str, Field); 24] = [
    ("phone", Field::ContactPhoneNumber),
    ("phonenumber", Field::ContactPhoneNumber),
    ("contactphone", Field::ContactPhoneNumber),
    ("tophone", Field::ContactPhoneNumber),
    ("tophonenumber", Field::ContactPhoneNumber),
    ("channelphone", Field::ChannelPhoneNumber),
    ("fromphone", Field::ChannelPhoneNumber),
    ("fromphonenumber", Field::ChannelPhoneNumber),
    ("email", Field::ContactEmail),
    ("mail", Field::ContactEmail),
    ("name", Field::ContactName),
    ("fullname", Field::ContactName),
    ("stage", Field::StageId),
    ("agent", Field::AgentId),
    ("metadata", Field::MetaData),
    ("meta", Field::MetaData),
    ("contactmetadata", Field::MetaData),
    ("customfields", Field::CustomFieldValues),
    ("customfield", Field::CustomFieldValues),
    ("fields", Field::CustomFieldValues),
    ("userid", Field::ExternalUserId),
    ("externalid", Field::ExternalUserId),
    ("externaluser", Field::ExternalUserId),
    ("webchatchannelid", Field::ChannelId),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_probably_meant() {
        for (key, expected) in [
            ("contactName", Some("contact_name")),
            ("channelId", Some("channel_id")),
            ("contact_phone", Some("contact_phone_number")),
            ("to_phone", Some("contact_phone_number")),
            ("metadata", Some("meta_data")),
            ("custom_fields", Some("custom_field_values")),
            ("stageid", Some("stageId")),
            ("contact_mail", Some("contact_email")),
            ("contact_nmae", Some("contact_name")),
            ("tags", None),
            ("Sucursal favorita", None),
            ("stage_id", None),
        ] {
            assert_eq!(suggest_field(key), expected, "{key}");
        }
    }
}
