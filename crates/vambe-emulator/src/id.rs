//! Ids as the page writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A UUID that satisfies the pattern of the API's page.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id([u8; 16]);

impl Id {
    /// Reads text by the page's own pattern: version 1 to 8, variant 8, 9, a or b,
    /// or the nil id, or the max id in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = hex_bytes(text)?;
        let nil = bytes == [0; 16];
        let max = text == "ffffffff-ffff-ffff-ffff-ffffffffffff";
        let version = (1..=8).contains(&(bytes[6] >> 4));
        let variant = bytes[8] >> 6 == 0b10;
        (nil || max || version && variant).then_some(Self(bytes))
    }

    /// Draws a new random id (version 4).
    pub fn random() -> Self {
        Self::drawn(fastrand::u128(..), 4)
    }

    /// Makes the id (version 8) that belongs to these words: always the same one.
    pub(crate) fn of(seed: u64, words: &[&str]) -> Self {
        Self::drawn(fastrand::Rng::with_seed(hash(seed, words)).u128(..), 8)
    }

    fn drawn(random: u128, version: u8) -> Self {
        let mut bytes = random.to_be_bytes();
        bytes[6] = version << 4 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }

    pub(crate) const fn from_u128(value: u128) -> Self {
        Self(value.to_be_bytes())
    }

    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&spelled(self.0)).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({self})")
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&spelled(self.0)).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("an id is a UUID of the API's pattern"))
    }
}

/// FNV-1a over the words and the ends between them; the standard library's hash may change.
pub(crate) fn hash(seed: u64, words: &[&str]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0xff]));
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    seed.to_be_bytes().into_iter().chain(bytes).fold(0xcbf2_9ce4_8422_2325, step)
}

const DASHES: [usize; 4] = [8, 13, 18, 23];

fn hex_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut value: u128 = 0;
    for (at, &byte) in text.iter().enumerate() {
        if DASHES.contains(&at) {
            (byte == b'-').then_some(())?;
        } else {
            value = value << 4 | u128::from(char::from(byte).to_digit(16)?);
        }
    }
    Some(value.to_be_bytes())
}

fn spelled(bytes: [u8; 16]) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for byte in bytes {
        if DASHES.contains(&at) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_pages_pattern() {
        let cases = [
            ("550e8400-e29b-41d4-a716-446655440000", true),
            ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", true),
            ("A1B2C3D4-E5F6-7890-ABCD-EF1234567890", true),
            ("00000000-0000-0000-0000-000000000000", true),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", true),
            ("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", false),
            ("550e8400-e29b-01d4-a716-446655440000", false),
            ("550e8400-e29b-91d4-a716-446655440000", false),
            ("550e8400-e29b-41d4-c716-446655440000", false),
            ("550e8400-e29b-41d4-a716-44665544000", false),
            ("550e8400-e29b-41d4-a716-4466554400000", false),
            ("550e8400e29b-41d4-a716-4466554400000-", false),
            ("your_leads_stage_id", false),
            ("", false),
        ];
        for (text, valid) in cases {
            assert_eq!(Id::parse(text).is_some(), valid, "{text}");
        }
    }

    #[test]
    fn random_ids_satisfy_the_pattern_and_read_back() {
        for _ in 0..1000 {
            let id = Id::random();
            assert_eq!(Id::parse(&id.to_string()), Some(id));
        }
    }

    #[test]
    fn made_ids_belong_to_seed_and_words() {
        let id = Id::of(7, &["contact", "1"]);
        assert_eq!(id, Id::of(7, &["contact", "1"]));
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        for other in [Id::of(8, &["contact", "1"]), Id::of(7, &["contac", "t1"]), Id::of(7, &["contact", "2"])] {
            assert_ne!(other, id);
        }
    }
}
