//! The plain text fields: name, e-mail, stage and agent.

use std::borrow::Cow;

use super::Checker;
use crate::email;
use crate::field::Field;
use crate::uuid;
use crate::value::Value;
use crate::violation::{Violation, ViolationCode};

impl<'r> Checker<'r, '_> {
    /// Adds the texts that every channel has.
    pub(super) fn plain_texts(&mut self, texts: &mut Vec<(Field, Cow<'r, str>)>) {
        texts.reserve(4);
        let mut add = |field, text: Option<&'r str>| texts.extend(text.map(|text| (field, Cow::Borrowed(text))));
        add(Field::ContactName, self.text(Field::ContactName));
        add(Field::ContactEmail, self.email());
        add(Field::StageId, self.uuid(Field::StageId));
        add(Field::AgentId, self.uuid(Field::AgentId));
    }

    /// Returns the text of a field, and refuses any other kind.
    pub(super) fn text(&mut self, field: Field) -> Option<&'r str> {
        match self.given(field)? {
            Value::Text(text) => Some(text),
            other => {
                self.refuse_kind(field, other, "text");
                None
            }
        }
    }

    pub(super) fn uuid(&mut self, field: Field) -> Option<&'r str> {
        let text = self.text(field)?;
        self.check_uuid(field, text).then_some(text)
    }

    /// Returns whether the text is a UUID, and says what is wrong with it otherwise.
    pub(super) fn check_uuid(&mut self, field: Field, text: &str) -> bool {
        if uuid::is_uuid(text) {
            return true;
        }
        let path = self.path(field);
        self.found.add(match uuid::is_placeholder(text) {
            true => Violation::new(path, ViolationCode::Placeholder, "still holds a placeholder of the documentation")
                .hint("copy the id from the Vambe dashboard"),
            false => Violation::new(path, ViolationCode::InvalidUuid, "is not a UUID as the API wants it")
                .hint(uuid::hint(text)),
        });
        false
    }

    fn email(&mut self) -> Option<&'r str> {
        let text = self.text(Field::ContactEmail)?;
        if email::looks_right(text) {
            return Some(text);
        }
        let doubt = Violation::new(
            self.path(Field::ContactEmail),
            ViolationCode::EmailSuspicious,
            "does not look like an e-mail address",
        )
        .hint("it is sent as given: the API is not known to check it");
        self.found.add(if self.options.strict_email {
            doubt.hint("correct it, or leave it out")
        } else {
            doubt.warning()
        });
        Some(text)
    }
}
