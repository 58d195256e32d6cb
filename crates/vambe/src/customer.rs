//! [`Customer`]: a record that has passed every check, and its form on the wire. Pure.

use std::borrow::Cow;
use std::fmt;

use crate::field::Field;
use crate::json::write_text;
use crate::phone;

/// The channel of a customer, with what identifies the customer there.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel<'r> {
    /// WhatsApp Business API.
    WhatsApp(WhatsAppIdentity<'r>),
    /// WhatsApp Web, connected by QR code.
    WebWhatsApp(WhatsAppIdentity<'r>),
    /// The webchat widget.
    Webchat {
        /// The UUID of your webchat channel.
        channel_id: Cow<'r, str>,
        /// Your own id of the user.
        external_user_id: Cow<'r, str>,
    },
}

/// Who talks to whom on WhatsApp.
#[derive(Clone, PartialEq, Eq)]
pub struct WhatsAppIdentity<'r> {
    /// Your own number, or the channel's id.
    pub channel_phone_number: Cow<'r, str>,
    /// The customer's number, cleaned.
    pub contact_phone_number: Cow<'r, str>,
}

/// A customer that may be sent: no rule is broken.
///
/// Only [`Customer::check`](crate::Customer::check) makes one.
#[derive(Clone)]
pub struct Customer<'r> {
    pub(crate) channel: Channel<'r>,
    /// The other text fields, in the order of the schema.
    pub(crate) texts: Vec<(Field, Cow<'r, str>)>,
    /// The JSON object, unless none is to be sent.
    pub(crate) meta_data: Option<Vec<u8>>,
    pub(crate) custom_field_values: Vec<(&'r str, Cow<'r, str>)>,
    /// The entries of `extra` as JSON, without braces.
    pub(crate) extra: Vec<u8>,
}

impl<'r> Customer<'r> {
    /// Returns the channel and who is reached there.
    pub fn channel(&self) -> &Channel<'r> {
        &self.channel
    }

    /// Returns the text that two records share when they are about one contact.
    ///
    /// The Mexican, Argentine and Brazilian spellings of one number share it too. It holds
    /// personal data.
    pub fn identity(&self) -> String {
        let exact = self.exact_identity();
        match self.other_identity() {
            Some(other) => shared_identity(&exact, Some(&other)).to_owned(),
            None => exact,
        }
    }

    /// Returns the text that two records share when they spell the contact alike: each spelling of a number has its own.
    pub(crate) fn exact_identity(&self) -> String {
        self.identity_with(phone::international_digits)
    }

    /// Returns what [`exact_identity`](Self::exact_identity) is under the other spelling of the number, if it has one.
    pub(crate) fn other_identity(&self) -> Option<String> {
        let (Channel::WhatsApp(identity) | Channel::WebWhatsApp(identity)) = &self.channel else { return None };
        let other = phone::other_digits(&identity.contact_phone_number)?;
        Some(self.identity_with(|_| &other))
    }

    fn identity_with<'a>(&'a self, digits: impl FnOnce(&'a str) -> &'a str) -> String {
        let mut text = String::with_capacity(TYPICAL_IDENTITY);
        text.push_str(self.channel.name());
        text.push('/');
        match &self.channel {
            Channel::WhatsApp(identity) | Channel::WebWhatsApp(identity) => {
                push_own_number(&mut text, &identity.channel_phone_number);
                text.push('/');
                text.push_str(digits(&identity.contact_phone_number));
            }
            Channel::Webchat { channel_id, external_user_id } => {
                text.push_str(&channel_id.to_ascii_lowercase());
                text.push('/');
                text.push_str(external_user_id);
            }
        }
        text
    }

    /// Returns the JSON body of the call, in the order of the schema.
    pub fn body(&self) -> String {
        let mut out = Vec::with_capacity(TYPICAL_BODY);
        out.extend_from_slice(b"{\"channel\":");
        write_text(&mut out, self.channel.name());
        for field in [
            Field::ChannelPhoneNumber,
            Field::ContactPhoneNumber,
            Field::ChannelId,
            Field::ExternalUserId,
            Field::ContactName,
            Field::ContactEmail,
            Field::StageId,
            Field::AgentId,
        ] {
            if let Some(text) = self.text(field) {
                write_key(&mut out, field.name());
                write_text(&mut out, text);
            }
        }
        if let Some(meta_data) = &self.meta_data {
            write_key(&mut out, Field::MetaData.name());
            out.extend_from_slice(meta_data);
        }
        self.write_custom_field_values(&mut out);
        if !self.extra.is_empty() {
            out.push(b',');
            out.extend_from_slice(&self.extra);
        }
        out.push(b'}');
        // All that was written came from `str`s.
        String::from_utf8(out).unwrap_or_default()
    }

    /// Returns whether the body holds the field.
    pub(crate) fn sends(&self, field: Field) -> bool {
        match field {
            Field::Channel => true,
            Field::MetaData => self.meta_data.is_some(),
            Field::CustomFieldValues => !self.custom_field_values.is_empty(),
            _ => self.text(field).is_some(),
        }
    }

    fn text(&self, field: Field) -> Option<&str> {
        self.channel
            .text(field)
            .or_else(|| self.texts.iter().find(|(given, _)| *given == field).map(|(_, text)| &**text))
    }

    fn write_custom_field_values(&self, out: &mut Vec<u8>) {
        if self.custom_field_values.is_empty() {
            return;
        }
        write_key(out, Field::CustomFieldValues.name());
        let mut opening = b'[';
        for (key, value) in &self.custom_field_values {
            out.push(std::mem::replace(&mut opening, b','));
            out.extend_from_slice(b"{\"key\":");
            write_text(out, key);
            out.extend_from_slice(b",\"value\":");
            write_text(out, value);
            out.push(b'}');
        }
        out.push(b']');
    }
}

impl Channel<'_> {
    /// Returns the name as the API spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WhatsApp(_) => "whatsapp",
            Self::WebWhatsApp(_) => "web-whatsapp",
            Self::Webchat { .. } => "webchat",
        }
    }

    fn text(&self, field: Field) -> Option<&str> {
        match (self, field) {
            (Self::WhatsApp(identity) | Self::WebWhatsApp(identity), Field::ChannelPhoneNumber) => {
                Some(&identity.channel_phone_number)
            }
            (Self::WhatsApp(identity) | Self::WebWhatsApp(identity), Field::ContactPhoneNumber) => {
                Some(&identity.contact_phone_number)
            }
            (Self::Webchat { channel_id, .. }, Field::ChannelId) => Some(channel_id),
            (Self::Webchat { external_user_id, .. }, Field::ExternalUserId) => Some(external_user_id),
            _ => None,
        }
    }
}

// A customer is personal data from end to end.
impl fmt::Debug for Customer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("channel", &self.channel.name()).finish_non_exhaustive()
    }
}

fn write_key(out: &mut Vec<u8>, key: &'static str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Returns what stands for both spellings of a number: the shorter one. Records of one account must not overtake each
/// other, whichever spelling they use.
pub(crate) fn shared_identity<'i>(exact: &'i str, other: Option<&'i str>) -> &'i str {
    other.filter(|other| other.len() < exact.len()).unwrap_or(exact)
}

/// Reduces a phone number to its digits, and leaves an id as it is.
fn push_own_number(out: &mut String, text: &str) {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.') || c.is_whitespace();
    match text.chars().all(is_of_number) {
        true => out.extend(text.chars().filter(char::is_ascii_digit)),
        false => out.push_str(text),
    }
}

const TYPICAL_BODY: usize = 512;

/// A channel and two phone numbers, or two ids.
const TYPICAL_IDENTITY: usize = 96;

#[cfg(test)]
mod tests {
    use crate::{CheckOptions, CustomerRecord, phone_variants, prepare};

    #[test]
    fn every_spelling_of_an_account_has_the_same_identity() {
        let identity = |number: &str| {
            let record = CustomerRecord::whatsapp("+56987654321", number);
            let key = prepare(&record, &CheckOptions::default()).unwrap().key;
            let options = CheckOptions::default();
            assert_eq!(key, super::Customer::check(&record, &options).unwrap().identity());
            key
        };
        for number in
            ["+5215512345678", "+5491123456789", "+5511987654321", "+551187654321", "+541123456789", "+56912345678"]
        {
            let variants = phone_variants(number);
            assert!(variants.iter().all(|variant| identity(&variant.number) == identity(number)), "{number}");
        }
        assert_ne!(identity("+56912345678"), identity("+5691234567"));
    }
}
