//! What in a phone text makes the documented cleaning destroy the number.

use crate::violation::ViolationCode as Code;

type Check = fn(&str) -> bool;

/// Returns why cleaning this text would not give the number that was meant.
///
/// The order matters: a link also holds letters, an extension also a second number.
pub(crate) fn problem(text: &str) -> Option<Code> {
    if is_harmless(text) {
        return None;
    }
    let text = text.trim_matches(is_blank);
    CHECKS.iter().find(|(is_broken, _)| is_broken(text)).map(|(_, code)| *code)
}

/// Tells in one pass that no check finds anything: true for nearly every number.
fn is_harmless(text: &str) -> bool {
    let (mut digits, mut has_plus) = (0, false);
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'+' if digits == 0 && !has_plus => has_plus = true,
            b' ' | b'-' | b'(' | b')' => {}
            _ => return false,
        }
    }
    (1..=LONGEST).contains(&digits)
}

const CHECKS: [(Check, Code); 13] = [
    (is_user_id, Code::PhoneIsUserId),
    (is_link_with_more, Code::PhoneUrl),
    (has_device, Code::PhoneDevice),
    (has_other_digits, Code::PhoneNonAsciiDigits),
    (is_float, Code::PhoneFloatText),
    (is_scientific, Code::PhoneScientific),
    (has_extension, Code::PhoneExtension),
    (is_several, Code::PhoneMultiple),
    (has_phone_context, Code::PhonePlus),
    (has_letters_inside, Code::PhoneLetters),
    (has_no_digits, Code::PhoneEmpty),
    (has_stray_plus, Code::PhonePlus),
    (is_too_long, Code::PhoneTooLong),
];

/// Meta's ids of people without a phone: `US.13491208655302741918`, `US.ENT.…`.
fn is_user_id(text: &str) -> bool {
    let Some((country, id)) = text.split_once('.') else { return false };
    let id = id.strip_prefix("ENT.").unwrap_or(id);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_link_with_more(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_link = ["://", "wa.me/", "whatsapp.com/"].iter().any(|mark| lower.contains(mark));
    is_link && digit_runs(text).len() > 1
}

/// A WhatsApp id with the device it was seen on: `56987654321:12@s.whatsapp.net`.
fn has_device(text: &str) -> bool {
    let Some((user, _)) = text.split_once('@') else { return false };
    user.split_once(':').is_some_and(|(number, device)| count_digits(number) > 0 && count_digits(device) > 0)
}

fn has_other_digits(text: &str) -> bool {
    text.chars().any(|c| c.is_numeric() && !c.is_ascii())
}

fn is_float(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let Some((whole, fraction)) = number.split_once(['.', ',']) else { return false };
    whole.len() >= 7 && is_digits(whole) && !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0')
}

fn is_scientific(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some((mantissa, exponent)) = number.split_once(['e', 'E']) else { return false };
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    is_digits(whole) && is_digits(fraction) && is_digits(exponent)
}

/// A marker such as `ext.`, `x` or `#` after some digits and before others.
fn has_extension(text: &str) -> bool {
    letter_runs(text).into_iter().any(|run| {
        let before = count_digits(&text[..run.start]);
        let after = text[run.end..].trim_start_matches(|c: char| is_blank(c) || ".:=-°º)(".contains(c));
        let is_marker = EXTENSION_MARKERS.contains(&text[run].to_lowercase().as_str());
        is_marker && before > 0 && after.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Two numbers, told apart by a separator, a word, or a second plus.
fn is_several(text: &str) -> bool {
    if count_digits(text) < 2 * DIGITS_OF_A_NUMBER {
        return false;
    }
    let mut separators: Vec<(usize, usize)> = text
        .char_indices()
        .filter(|(at, c)| "/,;|\n\r".contains(*c) || (*c == '+' && *at > 0))
        .map(|(at, c)| (at, at + c.len_utf8()))
        .collect();
    let words = letter_runs(text).into_iter().filter(|run| AND_OR.contains(&text[run.clone()].to_lowercase().as_str()));
    separators.extend(words.map(|run| (run.start, run.end)));
    separators.sort_unstable();
    let mut start = 0;
    let mut numbers = 0;
    for (from, to) in separators.into_iter().chain([(text.len(), text.len())]) {
        numbers += usize::from(count_digits(&text[start.min(from)..from]) >= DIGITS_OF_A_NUMBER);
        start = to;
    }
    numbers > 1
}

/// RFC 3966 puts the country code behind the number: `tel:987654321;phone-context=+56`.
fn has_phone_context(text: &str) -> bool {
    text.contains("phone-context=+")
}

/// Letters before further digits, or after too few to be a number (`1-800-FLOWERS`).
fn has_letters_inside(text: &str) -> bool {
    letter_runs(text).into_iter().filter(|run| &text[run.clone()] != "#").any(|run| {
        let before = count_digits(&text[..run.start]);
        let after = count_digits(&text[run.end..]);
        before > 0 && (after > 0 || before < DIGITS_OF_A_LOCAL_NUMBER)
    })
}

fn has_no_digits(text: &str) -> bool {
    count_digits(text) == 0
}

fn has_stray_plus(text: &str) -> bool {
    let first = text.bytes().position(|byte| byte == b'+');
    first.is_some_and(|at| count_digits(&text[..at]) > 0 || text[at + 1..].contains('+'))
}

fn is_too_long(text: &str) -> bool {
    count_digits(text) > LONGEST
}

/// Runs of letters; `#` counts as one, since it marks extensions like a word.
fn letter_runs(text: &str) -> Vec<std::ops::Range<usize>> {
    runs(text, |c| c.is_alphabetic() || c == '#')
}

fn digit_runs(text: &str) -> Vec<std::ops::Range<usize>> {
    runs(text, |c| c.is_ascii_digit())
}

fn runs(text: &str, belongs: fn(char) -> bool) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| belongs(*c)) {
        let end = at + c.len_utf8();
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = end,
            _ => runs.push(at..end),
        }
    }
    runs
}

fn count_digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// White space, and the invisible marks that copying from a chat or contact list leaves.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

const EXTENSION_MARKERS: [&str; 14] = [
    "ext",
    "extension",
    "extensión",
    "extensao",
    "extensão",
    "anexo",
    "anx",
    "ramal",
    "int",
    "interno",
    "opcion",
    "opción",
    "x",
    "#",
];

const AND_OR: [&str; 7] = ["y", "o", "e", "u", "ou", "and", "or"];

const DIGITS_OF_A_NUMBER: usize = 6;
const DIGITS_OF_A_LOCAL_NUMBER: usize = 7;

// E.164 allows no more.
const LONGEST: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_harmless_passes_every_check() {
        // Every text of up to four of these pieces.
        let pieces = ["", "5", "+", "+5", " ", "-", "(", ")", "56", "123456", "1234567", "x", "\u{a0}"];
        for number in 0..pieces.len().pow(4) {
            let text: String = (0..4).map(|place| pieces[number / pieces.len().pow(place) % pieces.len()]).collect();
            if is_harmless(&text) {
                assert!(!CHECKS.iter().any(|(is_broken, _)| is_broken(text.trim_matches(is_blank))), "{text:?}");
            }
        }
        assert!(is_harmless("+56 (9) 1234-5678") && is_harmless("123456789012345"));
    }
}
