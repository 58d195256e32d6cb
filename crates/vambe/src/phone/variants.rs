//! The spellings under which one WhatsApp account is known in Mexico, Argentina and Brazil.

use serde::Serialize;

use super::clean_phone;

/// One spelling of a number.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PhoneVariant {
    /// The number, with its plus.
    pub number: String,
    /// Whether this spelling could also be somebody's landline.
    pub may_be_landline: bool,
}

impl std::fmt::Debug for PhoneVariant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhoneVariant").field("may_be_landline", &self.may_be_landline).finish_non_exhaustive()
    }
}

/// Returns the spellings of one WhatsApp account, the given one first.
///
/// For looking customers up, never for sending: no rule tells under which spelling an
/// account was registered. Mexico has `+521…` and `+52…`, Argentina `+549…` and `+54…`,
/// Brazil has mobiles with and without their ninth digit.
///
/// ```
/// let numbers: Vec<_> = vambe::phone_variants("+5215512345678").into_iter().map(|v| v.number).collect();
/// assert_eq!(numbers, ["+5215512345678", "+525512345678"]);
/// ```
pub fn phone_variants(number: &str) -> Vec<PhoneVariant> {
    let number = clean_phone(number);
    let other = number.strip_prefix('+').and_then(other_spelling);
    let is_argentine_without_nine =
        |number: &str| number.strip_prefix("+54").is_some_and(|rest| rest.len() == 10 && !rest.starts_with('9'));
    let variant = |number: String| PhoneVariant { may_be_landline: is_argentine_without_nine(&number), number };
    std::iter::once(number).chain(other.map(|digits| format!("+{digits}"))).map(variant).collect()
}

/// Returns the digits of a number without what may stand before its country code.
pub(crate) fn international_digits(cleaned: &str) -> &str {
    let digits = cleaned.trim_start_matches('+');
    digits.strip_prefix("00").unwrap_or(digits)
}

/// Returns the digits of the other spelling of an account, if there is one.
pub(crate) fn other_digits(cleaned: &str) -> Option<String> {
    other_spelling(international_digits(cleaned))
}

fn other_spelling(digits: &str) -> Option<String> {
    let (country, rest) = digits.split_at_checked(2)?;
    match (country, rest.len()) {
        ("52", 11) if rest.starts_with('1') => Some(format!("52{}", &rest[1..])),
        ("52", 10) if !rest.starts_with('1') => Some(format!("521{rest}")),
        ("54", 11) if rest.starts_with('9') => Some(format!("54{}", &rest[1..])),
        ("54", 10) if !rest.starts_with('9') => Some(format!("549{rest}")),
        ("55", 11) if rest[2..].starts_with('9') && is_mobile(&rest[3..]) => {
            Some(format!("55{}{}", &rest[..2], &rest[3..]))
        }
        ("55", 10) if is_mobile(&rest[2..]) => Some(format!("55{}9{}", &rest[..2], &rest[2..])),
        _ => None,
    }
}

// Brazilian local numbers that start with 2 to 5 are landlines and have no ninth digit.
fn is_mobile(local: &str) -> bool {
    local.starts_with(['6', '7', '8', '9'])
}
