//! [`Gate`]: whether a record needs to be sent, and as what. Pure.

use vambe::{CustomerRecord, Field, Value};

use crate::fingerprint::Hash;
use crate::judge::Ready;

/// What decides whether a record is sent.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Whether unchanged customers are sent too.
    pub(crate) force: bool,
    /// After how many seconds an unchanged customer is sent again.
    pub(crate) max_age: Option<u64>,
    /// The fields that a customer gets only once, by the names of their columns.
    pub(crate) first_time_only: Vec<String>,
    /// What is added to `meta_data` where the record has nothing of the name.
    pub(crate) stamps: Vec<(String, String)>,
}

impl Gate {
    /// Returns whether the same was accepted before, lately enough: hash and time of what was, and the time now.
    pub(crate) fn is_unchanged(&self, ready: &Ready, accepted: Hash, at: u64, now: u64) -> bool {
        let is_same = ready.fingerprint.as_ref().is_some_and(|fingerprint| fingerprint.body == accepted);
        let is_recent = self.max_age.is_none_or(|age| now.saturating_sub(at) < age);
        !self.force && is_same && is_recent
    }

    /// Returns the record as it is sent.
    pub(crate) fn dress(&self, record: CustomerRecord, is_known: bool) -> CustomerRecord {
        let record =
            if is_known && !self.first_time_only.is_empty() { without(&record, &self.first_time_only) } else { record };
        self.stamps.iter().fold(record, |record, (key, value)| stamp(record, key, value))
    }
}

fn stamp(record: CustomerRecord, key: &str, value: &str) -> CustomerRecord {
    let has_own = match record.get(Field::MetaData) {
        Value::Object(entries) => entries.iter().any(|(own, value)| own == key && !matches!(value, Value::Null)),
        _ => false,
    };
    if has_own { record } else { record.meta(key, value) }
}

/// Copies a record without some of its fields.
fn without(record: &CustomerRecord, names: &[String]) -> CustomerRecord {
    let is_left = |name: &str| !names.iter().any(|left_out| left_out == name);
    let mut left = CustomerRecord::default();
    for (spelling, value) in record.entries() {
        let name = match Field::from_key(spelling) {
            Some(field) => field.name(),
            None => spelling,
        };
        match name {
            "meta_data" => left.set(spelling, without_keys(value, |key| is_left(&format!("meta_data.{key}")))),
            "custom_field_values" => left.set(spelling, without_keys(value, |key| is_left(&format!("custom.{key}")))),
            _ if is_left(name) => left.set(spelling, value.clone()),
            _ => {}
        }
    }
    left
}

fn without_keys(value: &Value, is_left: impl Fn(&str) -> bool) -> Value {
    match value {
        Value::Object(entries) => Value::Object(entries.iter().filter(|(key, _)| is_left(key)).cloned().collect()),
        Value::Array(entries) => {
            Value::Array(entries.iter().filter(|entry| key_of(entry).is_none_or(&is_left)).cloned().collect())
        }
        other => other.clone(),
    }
}

/// Returns the key of a `{key, value}`.
fn key_of(entry: &Value) -> Option<&str> {
    let Value::Object(pairs) = entry else { return None };
    pairs.iter().find_map(|(name, value)| match value {
        Value::Text(key) if name == "key" => Some(key.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Salt;

    const SALT: Salt = Salt([1; 16]);

    fn ready(body: &str) -> Ready {
        Ready {
            record: CustomerRecord::default(),
            key: SALT.key("a"),
            other_key: None,
            fingerprint: Some(SALT.fingerprint(body, &[])),
        }
    }

    #[test]
    fn what_was_accepted_is_unchanged_until_it_is_old_or_forced() {
        let body = r#"{"contact_name":"A"}"#;
        let accepted = SALT.fingerprint(body, &[]).body;
        let gate = |force, max_age| Gate { force, max_age, ..Gate::default() };
        assert!(gate(false, None).is_unchanged(&ready(body), accepted, 0, 1_000_000));
        assert!(!gate(false, None).is_unchanged(&ready("{}"), accepted, 0, 0));
        assert!(!gate(true, None).is_unchanged(&ready(body), accepted, 0, 0));
        assert!(gate(false, Some(60)).is_unchanged(&ready(body), accepted, 100, 159));
        assert!(!gate(false, Some(60)).is_unchanged(&ready(body), accepted, 100, 160));
    }

    #[test]
    fn a_customer_who_is_known_keeps_what_is_given_the_first_time_only() {
        let names = ["stageId", "custom.plan", "meta_data.lead"].map(str::to_owned).to_vec();
        let gate = Gate { first_time_only: names, ..Gate::default() };
        let mut record = CustomerRecord::whatsapp("+1", "+2").custom_field("plan", "a").custom_field("rut", "1-9");
        record.set("stage_id", "s");
        let record = record.meta("lead", 1).meta("note", "x");
        let expected = CustomerRecord::whatsapp("+1", "+2").custom_field("rut", "1-9").meta("note", "x");
        assert!(gate.dress(record.clone(), true) == expected);
        assert!(gate.dress(record.clone(), false) == record);
    }

    #[test]
    fn a_stamp_fills_what_the_record_does_not_say() {
        let stamps = vec![("source".to_owned(), "crm".to_owned()), ("importedBy".to_owned(), "vambe".to_owned())];
        let gate = Gate { stamps, ..Gate::default() };
        let stamped = gate.dress(CustomerRecord::new("whatsapp").meta("source", "own"), true);
        assert!(stamped == CustomerRecord::new("whatsapp").meta("source", "own").meta("importedBy", "vambe"));
    }
}
