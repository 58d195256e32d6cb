//! Phone numbers: the documented cleaning, and what to say when it would do harm.
//!
//! Pure. The rules and their reasons stand in `docs/contract.md#phones`.

mod country_codes;
mod message;
mod region;
mod text;
mod variants;

pub use region::normalize_phone;
pub use variants::{PhoneVariant, phone_variants};

pub(crate) use message::violation;
pub(crate) use region::{Region, normalize};
pub(crate) use text::problem;
pub(crate) use variants::{international_digits, other_digits};

use crate::violation::ViolationCode;

/// Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`.
///
/// Never fails. Whether the result is still the number that was written is another
/// question, which [`validate`](crate::validate) answers.
///
/// ```
/// assert_eq!(vambe::clean_phone("+56 (9) 1234-5678"), "+56912345678");
/// ```
pub fn clean_phone(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    cleaned.extend(text.bytes().filter(|byte| byte.is_ascii_digit() || *byte == b'+').map(char::from));
    cleaned
}

/// Returns what is doubtful about a cleaned number that no rule refuses.
pub(crate) fn doubts(cleaned: &str) -> Vec<ViolationCode> {
    let mut doubts = Vec::new();
    let digits = cleaned.trim_start_matches('+');
    let is_international = cleaned.starts_with('+');
    if !is_international {
        doubts.push(match digits.starts_with("00") {
            true => ViolationCode::PhoneLeading00,
            false => ViolationCode::PhoneMissingPlus,
        });
    }
    let country_code = country_codes::prefix_of(digits);
    if is_international && country_code.is_some_and(|code| has_trunk_zero(digits, code)) {
        doubts.push(ViolationCode::PhoneTrunkZero);
    }
    let shortest = if is_international { SHORTEST_INTERNATIONAL } else { SHORTEST_NATIONAL };
    if digits.len() < shortest {
        doubts.push(ViolationCode::PhoneTooShort);
    }
    if is_international && country_code.is_none() {
        doubts.push(ViolationCode::PhoneCountryCode);
    }
    doubts
}

fn has_trunk_zero(digits: &str, country_code: &str) -> bool {
    digits[country_code.len()..].starts_with('0') && !country_codes::NUMBERS_START_WITH_ZERO.contains(&country_code)
}

// The shortest numbers of any country, with and without its code.
const SHORTEST_INTERNATIONAL: usize = 8;
const SHORTEST_NATIONAL: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_numbers_in_a_form_that_may_be_misread() {
        use ViolationCode as Code;
        for (cleaned, expected) in [
            ("+56912345678", vec![]),
            ("56912345678", vec![Code::PhoneMissingPlus]),
            ("0056912345678", vec![Code::PhoneLeading00]),
            ("+560912345678", vec![Code::PhoneTrunkZero]),
            ("+390612345678", vec![]),
            ("+5691", vec![Code::PhoneTooShort]),
            ("123456", vec![Code::PhoneMissingPlus, Code::PhoneTooShort]),
            ("+99912345678", vec![Code::PhoneCountryCode]),
            ("+0912345678", vec![Code::PhoneCountryCode]),
        ] {
            assert_eq!(doubts(cleaned), expected, "{cleaned}");
        }
    }
}
