//! The channel, and the fields that say who is reached on it.

use std::borrow::Cow;

use super::Checker;
use crate::change::ChangeAction;
use crate::customer::{Channel, WhatsAppIdentity};
use crate::field::{Field, closest, fold};
use crate::json;
use crate::phone::{self, Region};
use crate::value::{Value, is_blank};
use crate::violation::{Path, Violation, ViolationCode};

type Text<'r> = Option<Cow<'r, str>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    WhatsApp,
    WebWhatsApp,
    Webchat,
}

impl<'r> Checker<'r, '_> {
    /// Returns the channel, and the identity fields given that it does not use.
    pub(super) fn channel(&mut self) -> (Option<Channel<'r>>, Vec<(Field, Cow<'r, str>)>) {
        let kind = self.kind();
        let channel_phone_number = self.channel_phone_number(kind);
        let contact_phone_number = self.contact_phone_number(kind);
        let channel_id = self.channel_id(kind);
        let external_user_id = self.external_user_id(kind);
        if kind == Some(Kind::Webchat) {
            let channel = channel_id.zip(external_user_id);
            let channel =
                channel.map(|(channel_id, external_user_id)| Channel::Webchat { channel_id, external_user_id });
            let unused =
                [(Field::ChannelPhoneNumber, channel_phone_number), (Field::ContactPhoneNumber, contact_phone_number)];
            return (channel, present(unused));
        }
        let identity = channel_phone_number.zip(contact_phone_number);
        let identity = identity.map(|(channel_phone_number, contact_phone_number)| WhatsAppIdentity {
            channel_phone_number,
            contact_phone_number,
        });
        let channel = match kind {
            Some(Kind::WhatsApp) => identity.map(Channel::WhatsApp),
            Some(Kind::WebWhatsApp) => identity.map(Channel::WebWhatsApp),
            _ => None,
        };
        (channel, present([(Field::ChannelId, channel_id), (Field::ExternalUserId, external_user_id)]))
    }

    fn kind(&mut self) -> Option<Kind> {
        let text = match self.record.get(Field::Channel) {
            Value::Text(text) if !is_blank(text) => text.as_str(),
            value if value.is_empty() => match &self.options.channel {
                Some(channel) => self.filled(Field::Channel, channel),
                None => {
                    let hint = "give whatsapp, web-whatsapp or webchat";
                    self.add(Field::Channel, ViolationCode::Required, "is required", hint);
                    return None;
                }
            },
            other => {
                self.refuse_kind(Field::Channel, other, "text");
                return None;
            }
        };
        let kind = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
        if kind.is_none() {
            let violation =
                Violation::new(self.path(Field::Channel), ViolationCode::InvalidChannel, "is not a channel");
            self.found.add(violation.suggest(suggest_channel(text)).hint("give whatsapp, web-whatsapp or webchat"));
        }
        kind
    }

    fn channel_phone_number(&mut self, kind: Option<Kind>) -> Text<'r> {
        const FIELD: Field = Field::ChannelPhoneNumber;
        let is_needed = matches!(kind, Some(Kind::WhatsApp | Kind::WebWhatsApp));
        if self.record.get(FIELD).is_empty() && is_needed {
            return self.default(FIELD, self.options.channel_phone_number.as_deref());
        }
        if kind == Some(Kind::Webchat) {
            self.unused(FIELD);
        }
        let text = self.text(FIELD)?;
        let trimmed = text.trim();
        if trimmed.len() < text.len() {
            self.changed(|| Path::key(FIELD.name()), ChangeAction::Trimmed, Some(text), Some(trimmed));
        }
        Some(Cow::Borrowed(trimmed))
    }

    fn contact_phone_number(&mut self, kind: Option<Kind>) -> Text<'r> {
        const FIELD: Field = Field::ContactPhoneNumber;
        let is_needed = matches!(kind, Some(Kind::WhatsApp | Kind::WebWhatsApp));
        let text = match self.record.get(FIELD) {
            // Blanks in a field that is needed: the number is what is missing.
            Value::Text(text) if is_needed && !text.is_empty() => text,
            value if value.is_empty() && is_needed => {
                self.required(FIELD);
                return None;
            }
            _ => self.text(FIELD)?,
        };
        match &self.options.default_region {
            Some(region) => self.normalized_phone(text, region),
            None => self.cleaned_phone(text),
        }
    }

    fn cleaned_phone(&mut self, text: &'r str) -> Text<'r> {
        if let Some(code) = phone::problem(text) {
            return self.refuse_phone(code);
        }
        let is_clean = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
        let cleaned: Cow<'r, str> = if is_clean { text.into() } else { phone::clean_phone(text).into() };
        if !is_clean {
            self.changed_phone(ChangeAction::Cleaned, text, &cleaned);
        }
        for doubt in phone::doubts(&cleaned) {
            self.found.add(phone::violation(self.path(Field::ContactPhoneNumber), doubt));
        }
        Some(cleaned)
    }

    fn normalized_phone(&mut self, text: &'r str, region: &str) -> Text<'r> {
        let Some(region) = Region::new(region) else {
            let unknown =
                Violation::new(Path::key("default_region"), ViolationCode::Type, "must be a two-letter country code");
            self.found.add(unknown.hint("such as CL, MX or BR"));
            return None;
        };
        match phone::normalize(text, region) {
            Err(code) => self.refuse_phone(code),
            Ok(normalized) => {
                if normalized.number != text {
                    self.changed_phone(ChangeAction::Normalized, text, &normalized.number);
                }
                if !normalized.is_verified {
                    let doubt = phone::violation(self.path(Field::ContactPhoneNumber), ViolationCode::PhoneUnverified);
                    self.found.add(doubt);
                }
                Some(normalized.number.into())
            }
        }
    }

    fn channel_id(&mut self, kind: Option<Kind>) -> Text<'r> {
        const FIELD: Field = Field::ChannelId;
        if self.record.get(FIELD).is_empty() && kind == Some(Kind::Webchat) {
            let default = self.default(FIELD, self.options.channel_id.as_deref())?;
            return self.check_uuid(FIELD, &default).then_some(default);
        }
        if matches!(kind, Some(Kind::WhatsApp | Kind::WebWhatsApp)) {
            self.unused(FIELD);
        }
        self.uuid(FIELD).map(Cow::Borrowed)
    }

    fn external_user_id(&mut self, kind: Option<Kind>) -> Text<'r> {
        const FIELD: Field = Field::ExternalUserId;
        let value = self.record.get(FIELD);
        if value.is_empty() && kind == Some(Kind::Webchat) {
            self.required(FIELD);
            return None;
        }
        if matches!(kind, Some(Kind::WhatsApp | Kind::WebWhatsApp)) {
            self.unused(FIELD);
        }
        let text: Cow<'r, str> = match self.given(FIELD)? {
            Value::Text(text) => text.into(),
            Value::Int(number) => number.to_string().into(),
            Value::Uint(number) => number.to_string().into(),
            // A data frame turns whole numbers into floats when one of the column is missing.
            Value::Float(number) if number.fract() == 0.0 && json::plain_float(*number).is_ok() => {
                number.to_string().into()
            }
            other => {
                self.refuse_kind(FIELD, other, "text");
                return None;
            }
        };
        if value.text().is_none() {
            self.changed(|| Path::key(FIELD.name()), ChangeAction::Converted, None, Some(&text));
        }
        Some(text)
    }

    fn default(&mut self, field: Field, default: Option<&'r str>) -> Text<'r> {
        match default {
            Some(text) => Some(Cow::Borrowed(self.filled(field, text))),
            None => {
                self.required(field);
                None
            }
        }
    }

    fn filled<'t>(&mut self, field: Field, text: &'t str) -> &'t str {
        self.changed(|| Path::key(field.name()), ChangeAction::Filled, None, Some(text));
        text
    }

    fn required(&mut self, field: Field) {
        self.add(field, ViolationCode::Required, "is required for this channel", "give it, or leave the customer out");
    }

    fn unused(&mut self, field: Field) {
        if self.record.get(field).is_empty() {
            return;
        }
        let doubt = Violation::new(self.path(field), ViolationCode::UnusedField, "is not used by this channel");
        self.found.add(doubt.hint("it is sent as given; check the channel").warning());
    }

    fn refuse_phone(&mut self, code: ViolationCode) -> Text<'r> {
        self.found.add(phone::violation(self.path(Field::ContactPhoneNumber), code));
        None
    }

    fn changed_phone(&mut self, action: ChangeAction, before: &str, after: &str) {
        self.changed(|| Path::key(Field::ContactPhoneNumber.name()), action, Some(before), Some(after));
    }
}

fn present<'r>(fields: [(Field, Text<'r>); 2]) -> Vec<(Field, Cow<'r, str>)> {
    fields.into_iter().filter_map(|(field, text)| Some((field, text?))).collect()
}

fn suggest_channel(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST_LIKELY_CHANNEL {
        return None;
    }
    let folded = fold(text);
    let names = || KINDS.iter().map(|(name, _)| *name);
    names()
        .find(|name| fold(name) == folded)
        .or_else(|| CHANNEL_ALIASES.iter().find(|(alias, _)| *alias == folded).map(|(_, name)| *name))
        .or_else(|| closest(text, names()))
}

const KINDS: [(&str, Kind); 3] =
    [("whatsapp", Kind::WhatsApp), ("web-whatsapp", Kind::WebWhatsApp), ("webchat", Kind::Webchat)];

const CHANNEL_ALIASES: [(&str, &str); 5] = [
    ("whatsappweb", "web-whatsapp"),
    ("wa", "whatsapp"),
    ("whatsappbusiness", "whatsapp"),
    ("web", "webchat"),
    ("chat", "webchat"),
];

const LONGEST_LIKELY_CHANNEL: usize = 64;
