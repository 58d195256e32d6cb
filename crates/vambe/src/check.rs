//! The checks: from a [`CustomerRecord`] to a [`Customer`], or to every reason why not.
//!
//! Each rule stands in `docs/contract.md#rules`. Pure.

mod custom_fields;
mod identity;
mod placeholder;
mod texts;

use serde::Serialize;

use crate::change::{Change, ChangeAction};
use crate::customer::{Customer, shared_identity};
use crate::error::Error;
use crate::field::{Field, suggest_field};
use crate::json::{self, Writer};
use crate::options::CheckOptions;
use crate::record::CustomerRecord;
use crate::value::Value;
use crate::violation::{Path, Validation, Violation, ViolationCode};

/// What would be sent for a record, and how it came about.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Prepared {
    /// The JSON body, to the byte.
    pub body: String,
    /// What was changed on the way.
    pub changes: Vec<Change>,
    /// What is doubtful, yet sent.
    pub warnings: Vec<Violation>,
    /// The record's identity: records that share it are sent one after another.
    pub key: String,
    /// Who the record is about as it is spelled; personal data. Other spellings of a number, which may be somebody else's,
    /// have other keys.
    #[serde(skip)]
    pub exact_key: String,
    /// What `exact_key` is under the other spelling of a Mexican, Argentine or Brazilian number.
    #[serde(skip)]
    pub other_key: Option<String>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("changes", &self.changes)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Checks a record without sending it, and returns every problem at once.
pub fn validate(record: &CustomerRecord, options: &CheckOptions) -> Validation {
    match check(record, options, None) {
        Ok((_, _, found)) | Err(found) => found,
    }
}

/// Returns what would be sent for a record, without sending it.
///
/// # Errors
///
/// [`ErrorCode::Validation`](crate::ErrorCode::Validation) with every problem at once.
pub fn prepare(record: &CustomerRecord, options: &CheckOptions) -> Result<Prepared, Error> {
    let mut changes = Vec::new();
    let (customer, body, found) = check(record, options, Some(&mut changes)).map_err(Error::validation)?;
    let (exact_key, other_key) = (customer.exact_identity(), customer.other_identity());
    let key = shared_identity(&exact_key, other_key.as_deref()).to_owned();
    Ok(Prepared { key, exact_key, other_key, body, changes, warnings: found.warnings })
}

impl<'r> Customer<'r> {
    /// Checks a record; the customer borrows its texts.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`](crate::ErrorCode::Validation) with every problem at once.
    pub fn check(record: &'r CustomerRecord, options: &'r CheckOptions) -> Result<Self, Error> {
        check(record, options, None).map(|(customer, _, _)| customer).map_err(Error::validation)
    }
}

/// Runs every check; gives the customer, the body, and the warnings.
pub(crate) fn check<'r>(
    record: &'r CustomerRecord,
    options: &'r CheckOptions,
    changes: Option<&mut Vec<Change>>,
) -> Result<(Customer<'r>, String, Validation), Validation> {
    if let Some(refusal) = record.refusal() {
        let mut found = Validation::default();
        found.add(refusal.clone());
        return Err(found);
    }
    let mut checker = Checker { record, options, changes, found: Validation::default() };
    let customer = checker.customer();
    checker.others();
    let mut found = checker.found;
    let Some(customer) = customer.filter(|_| found.is_valid()) else { return Err(found) };
    let body = customer.body();
    if body.len() > LARGEST_BODY {
        found
            .add(Violation::new(Path::default(), ViolationCode::TooLarge, "is over 1 MiB").hint("send less meta_data"));
        return Err(found);
    }
    Ok((customer, body, found))
}

struct Checker<'r, 'c> {
    record: &'r CustomerRecord,
    options: &'r CheckOptions,
    changes: Option<&'c mut Vec<Change>>,
    found: Validation,
}

impl<'r> Checker<'r, '_> {
    fn customer(&mut self) -> Option<Customer<'r>> {
        let (channel, mut texts) = self.channel();
        self.plain_texts(&mut texts);
        let meta_data = self.meta_data();
        let custom_field_values = self.custom_field_values();
        let customer =
            channel.map(|channel| Customer { channel, texts, meta_data, custom_field_values, extra: Vec::new() });
        let extra = self.extra(customer.as_ref());
        customer.map(|customer| Customer { extra, ..customer })
    }

    fn meta_data(&mut self) -> Option<Vec<u8>> {
        let is_replaced = match self.record.get(Field::Extra) {
            Value::Object(entries) => entries.iter().any(|(key, _)| key == Field::MetaData.name()),
            _ => false,
        };
        match self.given(Field::MetaData) {
            Some(Value::Object(entries)) => {
                let mut out = Vec::with_capacity(TYPICAL_META_DATA);
                Writer::new(&mut out, &mut self.found, Field::MetaData.name()).write_object(entries);
                Some(out)
            }
            Some(other) => {
                self.refuse_kind(Field::MetaData, other, "an object");
                None
            }
            None if self.options.send_empty_meta_data && !is_replaced => {
                self.changed(|| Path::key(Field::MetaData.name()), ChangeAction::Added, None, Some("{}"));
                Some(b"{}".to_vec())
            }
            None => None,
        }
    }

    fn extra(&mut self, customer: Option<&Customer<'r>>) -> Vec<u8> {
        let mut out = Vec::new();
        match self.given(Field::Extra) {
            None => {}
            Some(Value::Object(entries)) => {
                for (key, value) in entries.iter().filter(|(_, value)| !matches!(value, Value::Missing)) {
                    let field = Field::ALL.into_iter().find(|field| field.name() == key);
                    if field.zip(customer).is_some_and(|(field, customer)| customer.sends(field)) {
                        let path = Path::key(Field::Extra.name()).join_key(key);
                        let twice =
                            Violation::new(path, ViolationCode::DuplicateField, "is a field that the record sets");
                        self.found.add(twice.hint("set it in one place"));
                    }
                    if !out.is_empty() {
                        out.push(b',');
                    }
                    Writer::new(&mut out, &mut self.found, Field::Extra.name()).write_entry(key, value);
                }
            }
            Some(other) => self.refuse_kind(Field::Extra, other, "an object"),
        }
        out
    }

    /// Refuses keys that are no fields, and fields that are given twice.
    fn others(&mut self) {
        for (key, _) in self.record.others() {
            self.found.add(match Field::from_key(key) {
                Some(field) => {
                    let problem = match self.record.spelling(field) == key {
                        true => "is given twice".to_owned(),
                        false => format!("and {} are the same field", self.record.spelling(field)),
                    };
                    Violation::new(Path::key(key), ViolationCode::DuplicateField, &problem).hint("give one of them")
                }
                None => Violation::new(Path::key(key), ViolationCode::UnknownField, "is not a field of a customer")
                    .suggest(suggest_field(key))
                    .hint("put data of your own into meta_data, and fields newer than this SDK into extra"),
            });
        }
    }

    /// Returns the value of a field that holds something, and notes one that is dropped.
    fn given(&mut self, field: Field) -> Option<&'r Value> {
        let value = self.record.get(field);
        if !value.is_empty() {
            return Some(value);
        }
        if !matches!(value, Value::Missing) {
            let record = self.record;
            self.changed(|| Path::key(record.spelling(field)), ChangeAction::Dropped, None, None);
        }
        None
    }

    fn add(&mut self, field: Field, code: ViolationCode, problem: &str, hint: &str) {
        self.found.add(Violation::new(self.path(field), code, problem).hint(hint));
    }

    /// Refuses a value of the wrong kind, or one that no kind fits.
    fn refuse_kind(&mut self, field: Field, value: &Value, expected: &str) {
        self.found.add(wrong_kind(self.path(field), value, expected));
    }

    fn path(&self, field: Field) -> Path {
        Path::key(self.record.spelling(field))
    }

    // Only `prepare` asks for changes, so an upsert does not pay for them.
    fn changed(
        &mut self,
        path: impl FnOnce() -> Path,
        action: ChangeAction,
        before: Option<&str>,
        after: Option<&str>,
    ) {
        if let Some(changes) = &mut self.changes {
            let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
            changes.push(Change { path: path(), action, before, after });
        }
    }
}

fn wrong_kind(path: Path, value: &Value, expected: &str) -> Violation {
    match value {
        Value::Invalid(invalid) => json::violation(path, json::code_of(*invalid)),
        Value::Float(number) if !number.is_finite() => json::violation(path, ViolationCode::NotFinite),
        _ => {
            let problem = format!("must be {expected}, not {}", value.kind());
            let violation = Violation::new(path, ViolationCode::Type, &problem);
            match value {
                Value::Int(_) | Value::Uint(_) => {
                    violation.hint("a number has lost its + and leading zeros: pass text")
                }
                _ => violation,
            }
        }
    }
}

const TYPICAL_META_DATA: usize = 256;

/// Far above what the service takes (about 100 kB, by its framework's default).
const LARGEST_BODY: usize = 1 << 20;
