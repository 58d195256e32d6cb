//! [`Fingerprint`]: what a customer is sent as, in hashes that can be kept and compared. Pure, but for [`Salt::random`].

use std::collections::HashMap;

use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value};

/// The first half of a SHA-256: two of ten million different texts share one with a probability of 10⁻²⁵.
pub(crate) type Hash = [u8; 16];

/// What is hashed with everything, so that a hash tells nothing outside its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Salt(pub(crate) [u8; 16]);

/// One customer's body in hashes: the whole, and each field by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) body: Hash,
    /// In the order of the names, which are those that a column would have.
    pub(crate) fields: Vec<(String, u32)>,
}

impl Salt {
    /// Makes one that nobody has used before; a weaker one where the system has no randomness to give.
    pub(crate) fn random() -> Self {
        let mut salt = [0; 16];
        if SystemRandom::new().fill(&mut salt).is_err() {
            salt = (u128::from(std::process::id()) << 64).to_le_bytes();
        }
        Self(salt)
    }

    /// Hashes what identifies a customer.
    pub(crate) fn key(&self, identity: &str) -> Hash {
        self.hash(&[identity.as_bytes()])
    }

    /// Hashes a body, without the fields that are left out by their names. The order of keys does not count.
    pub(crate) fn fingerprint(&self, body: &str, left_out: &[String]) -> Fingerprint {
        let fields: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let mut hashes = Vec::new();
        for (name, value) in fields.into_iter().flat_map(|(name, value)| named(name, value)) {
            if !left_out.contains(&name) {
                let hash = self.hash(&[name.as_bytes(), canonical(value).as_bytes()]);
                hashes.push((name, hash));
            }
        }
        hashes.sort_unstable();
        let parts: Vec<&[u8]> = hashes.iter().map(|(_, hash)| hash.as_slice()).collect();
        let body = self.hash(&parts);
        let short = |hash: Hash| u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]);
        Fingerprint { body, fields: hashes.into_iter().map(|(name, hash)| (name, short(hash))).collect() }
    }

    fn hash(&self, parts: &[&[u8]]) -> Hash {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        for part in parts {
            context.update(part);
            context.update(&[0]);
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&context.finish().as_ref()[..16]);
        hash
    }
}

impl Fingerprint {
    /// Returns the names of the fields that differ from an earlier one's.
    pub(crate) fn changed_from<'a>(&'a self, earlier: &'a [(String, u32)]) -> impl Iterator<Item = &'a str> {
        let before: HashMap<&str, u32> = earlier.iter().map(|(name, hash)| (name.as_str(), *hash)).collect();
        let is_gone = |name: &str| !self.fields.iter().any(|(kept, _)| kept == name);
        let changed: Vec<&str> = self
            .fields
            .iter()
            .filter(|(name, hash)| before.get(name.as_str()) != Some(hash))
            .map(|(name, _)| name.as_str())
            .chain(earlier.iter().map(|(name, _)| name.as_str()).filter(|name| is_gone(name)))
            .collect();
        changed.into_iter()
    }
}

/// Splits the objects of a body into their keys, as columns name them.
fn named(name: String, value: Value) -> Vec<(String, Value)> {
    match (name.as_str(), value) {
        ("meta_data", Value::Object(entries)) => {
            entries.into_iter().map(|(key, value)| (format!("meta_data.{key}"), value)).collect()
        }
        ("custom_field_values", Value::Array(entries)) => entries.into_iter().map(custom_field).collect(),
        (_, value) => vec![(name, value)],
    }
}

fn custom_field(mut entry: Value) -> (String, Value) {
    let key = entry["key"].as_str().map(|key| format!("custom.{key}"));
    (key.unwrap_or_default(), entry["value"].take())
}

fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt([7; 16]);
    const BODY: &str = r#"{"channel":"whatsapp","stageId":"s","meta_data":{"a":1,"b":{"x":1,"y":2}},"custom_field_values":[{"key":"rut","value":"1-9"}]}"#;

    fn fingerprint(body: &str) -> Fingerprint {
        SALT.fingerprint(body, &["stageId".to_owned()])
    }

    #[test]
    fn the_order_of_keys_and_what_is_left_out_do_not_count() {
        let other = r#"{"custom_field_values":[{"key":"rut","value":"1-9"}],"meta_data":{"b":{"y":2,"x":1},"a":1},"channel":"whatsapp","stageId":"t"}"#;
        assert_eq!(fingerprint(BODY), fingerprint(other));
        let names: Vec<_> = fingerprint(BODY).fields.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["channel", "custom.rut", "meta_data.a", "meta_data.b"]);
    }

    #[test]
    fn a_change_is_found_and_named() {
        let changed = fingerprint(
            r#"{"channel":"whatsapp","contact_name":"A","meta_data":{"a":"1"},"custom_field_values":[{"key":"rut","value":"1-9"}]}"#,
        );
        assert_ne!(changed.body, fingerprint(BODY).body);
        let before = fingerprint(BODY).fields;
        let names: Vec<_> = changed.changed_from(&before).collect();
        assert_eq!(names, ["contact_name", "meta_data.a", "meta_data.b"]);
        assert_eq!(fingerprint(BODY).changed_from(&before).count(), 0);
    }

    #[test]
    fn a_value_that_moves_to_another_key_is_a_change() {
        let of = |key: &str| SALT.fingerprint(&format!(r#"{{"meta_data":{{"{key}":"x"}}}}"#), &[]).body;
        assert_ne!(of("a"), of("b"));
        assert_ne!(SALT.key("a"), Salt([8; 16]).key("a"));
    }
}
