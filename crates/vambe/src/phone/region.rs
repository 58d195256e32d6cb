//! E.164 by libphonenumber's data, for those who ask for it with a region.

use std::panic::catch_unwind;
use std::str::FromStr as _;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};

use super::{clean_phone, problem};
use crate::error::Error;
use crate::violation::{Path, Validation, ViolationCode};

/// A country whose numbers may be written without country code, such as `CL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region(rlibphonenumber::Region);

impl Region {
    /// Returns the region of a two-letter country code.
    pub(crate) fn new(code: &str) -> Option<Self> {
        let region = rlibphonenumber::Region::from_str(&code.to_ascii_uppercase()).ok()?;
        // Codes such as XX are reserved, and have no numbers.
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region))
    }
}

/// A number in E.164 form.
pub(crate) struct Normalized {
    pub(crate) number: String,
    /// Whether the numbering data knows such a number; it lags behind reality.
    pub(crate) is_verified: bool,
}

/// Returns the number in E.164 form, reading a national number as one of the region's.
///
/// # Errors
///
/// [`ErrorCode::Validation`](crate::ErrorCode::Validation) if the text is no number, or none
/// that can exist; [`ErrorCode::Config`](crate::ErrorCode::Config) if the region is unknown.
///
/// ```
/// assert_eq!(vambe::normalize_phone("09 8765 4321", "CL")?, "+56987654321");
/// # Ok::<(), vambe::Error>(())
/// ```
pub fn normalize_phone(text: &str, region: &str) -> Result<String, Error> {
    let region =
        Region::new(region).ok_or_else(|| Error::config("region must be a two-letter country code, such as CL"))?;
    normalize(text, region).map(|normalized| normalized.number).map_err(|code| {
        let mut validation = Validation::default();
        validation.add(super::violation(Path::key("phone"), code));
        Error::validation(validation)
    })
}

pub(crate) fn normalize(text: &str, region: Region) -> Result<Normalized, ViolationCode> {
    match problem(text) {
        Some(code) => Err(code),
        None => parse(&prepare(&clean_phone(text), region), region).ok_or(ViolationCode::PhoneImpossible),
    }
}

/// Undoes local habits that libphonenumber no longer knows, or reads otherwise.
fn prepare(cleaned: &str, region: Region) -> String {
    // In Brazil 00 is followed by a carrier code, so 0055… would lose its country.
    if let Some(rest) = cleaned.strip_prefix("00") {
        return format!("+{rest}");
    }
    if region.0 == rlibphonenumber::Region::MX && cleaned.len() == 13 && cleaned.starts_with("521") {
        return format!("+{cleaned}");
    }
    let national = match cleaned {
        // Dialling prefixes that Mexico dropped in 2019 and 2020.
        _ if region.0 == rlibphonenumber::Region::MX => ["044", "045", "01", "1"]
            .iter()
            .filter_map(|prefix| cleaned.strip_prefix(prefix))
            .find(|rest| rest.len() == 10),
        _ if region.0 == rlibphonenumber::Region::CL => cleaned.strip_prefix('0').filter(|rest| rest.len() == 9),
        _ => None,
    };
    national.unwrap_or(cleaned).to_owned()
}

fn parse(cleaned: &str, region: Region) -> Option<Normalized> {
    // WhatsApp accounts opened before 2019 keep the 1 that the numbering data has dropped.
    if let Some(national) = cleaned.strip_prefix("+521").filter(|rest| rest.len() == 10) {
        let is_verified = parse_possible(&format!("+52{national}"), region)?.is_verified;
        return Some(Normalized { number: cleaned.to_owned(), is_verified });
    }
    parse_possible(cleaned, region)
}

/// Asks libphonenumber, handing it digits and `+` only.
fn parse_possible(cleaned: &str, region: Region) -> Option<Normalized> {
    // Other text can make this release panic; cleaned text never did, and the catch costs nothing.
    catch_unwind(|| {
        let number = PhoneNumber::parse(cleaned, Some(region.0)).ok()?;
        number.is_possible_with_reason().ok()?;
        let is_verified = number.is_valid();
        Some(Normalized { number: number.format_as(PhoneNumberFormat::E164).into_owned(), is_verified })
    })
    .unwrap_or(None)
}
