//! Numbers as people write them: which mark stands before decimals, and which between thousands.

use vambe::Value;

/// The mark before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Point,
    Comma,
}

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNumber {
    /// It is something else.
    Text,
    /// It is one number with a decimal comma and another with a decimal point.
    Ambiguous,
    /// It has more digits than a number keeps.
    TooLong,
}

impl Mark {
    pub(crate) fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// Reads a number; without a mark given, only texts that are the same number with either.
pub(crate) fn read(text: &str, mark: Option<Mark>) -> Result<Value, NotNumber> {
    match mark {
        Some(mark) => read_with(text, mark),
        None => match (read_with(text, Mark::Point), read_with(text, Mark::Comma)) {
            (Ok(one), Ok(two)) if one != two => Err(NotNumber::Ambiguous),
            (Err(NotNumber::Text), other) => other,
            (one, _) => one,
        },
    }
}

/// Reads a number without decimals.
pub(crate) fn read_whole(text: &str, mark: Option<Mark>) -> Result<Value, NotNumber> {
    whole(read(text, mark)?).ok_or(NotNumber::Text)
}

/// Returns whether a text is a number with that mark before the decimals.
pub(crate) fn is_number(text: &str, mark: Mark) -> bool {
    read_with(text, mark).is_ok()
}

/// Returns a number as an integer, if it is one.
pub(crate) fn whole(number: Value) -> Option<Value> {
    match number {
        Value::Float(float) if float.fract() == 0.0 => digits_to_value(&format!("{float}")).ok(),
        Value::Float(_) => None,
        integer => Some(integer),
    }
}

fn read_with(text: &str, mark: Mark) -> Result<Value, NotNumber> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = match digits.split_once(mark.character()) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (digits, None),
    };
    let whole = without_thousands(whole, mark).ok_or(NotNumber::Text)?;
    match decimals {
        None => digits_to_value(&format!("{sign}{whole}")),
        Some(decimals) if is_digits(decimals) => decimal(sign, &whole, decimals),
        Some(_) => Err(NotNumber::Text),
    }
}

/// Removes marks between thousands, if there is one before every group of three.
fn without_thousands(whole: &str, mark: Mark) -> Option<String> {
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(separator) = separator else { return is_digits(whole).then(|| whole.to_owned()) };
    let is_usual = separator == mark.other().character() || THOUSANDS.contains(&separator);
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let is_grouped =
        (1..=3).contains(&first.len()) && is_digits(first) && groups.all(|group| group.len() == 3 && is_digits(group));
    (is_usual && is_grouped).then(|| whole.replace(separator, ""))
}

/// Blanks (two of which do not break lines) and the Swiss apostrophe.
const THOUSANDS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '\u{2019}'];

fn decimal(sign: &str, whole: &str, decimals: &str) -> Result<Value, NotNumber> {
    let digits = format!("{whole}{decimals}");
    if digits.trim_start_matches('0').len() > MOST_EXACT_DIGITS {
        return Err(NotNumber::TooLong);
    }
    format!("{sign}{whole}.{decimals}").parse().map(Value::Float).map_err(|_| NotNumber::Text)
}

/// A float keeps that many decimal digits, whatever they are.
const MOST_EXACT_DIGITS: usize = 15;

fn digits_to_value(digits: &str) -> Result<Value, NotNumber> {
    let signed = digits.parse().map(Value::Int);
    signed.or_else(|_| digits.parse().map(Value::Uint)).map_err(|_| NotNumber::TooLong)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_can_be_read_in_one_way_only() {
        let number = |text: &str, mark| read(text, mark).map(|value| value.to_text().unwrap().into_owned());
        for (text, mark, expected) in [
            ("1234", None, Ok("1234")),
            ("-5", None, Ok("-5")),
            ("1234.5", None, Ok("1234.5")),
            ("1234,5", None, Ok("1234.5")),
            ("1.234,50", None, Ok("1234.5")),
            ("1,234.50", None, Ok("1234.5")),
            ("1.234.567", None, Ok("1234567")),
            ("1 234,5", None, Ok("1234.5")),
            ("1.234", None, Err(NotNumber::Ambiguous)),
            ("1,234", None, Err(NotNumber::Ambiguous)),
            ("1.234", Some(Mark::Comma), Ok("1234")),
            ("1.234", Some(Mark::Point), Ok("1.234")),
            ("1.23", Some(Mark::Comma), Err(NotNumber::Text)),
            ("12.34.567", Some(Mark::Comma), Err(NotNumber::Text)),
            ("1,2,3", None, Err(NotNumber::Text)),
            ("18446744073709551615", None, Ok("18446744073709551615")),
            ("18446744073709551616", None, Err(NotNumber::TooLong)),
            ("0.1234567890123456", None, Err(NotNumber::TooLong)),
            ("$ 5", None, Err(NotNumber::Text)),
            ("1e5", None, Err(NotNumber::Text)),
            ("NaN", None, Err(NotNumber::Text)),
            (".5", None, Err(NotNumber::Text)),
            ("--5", None, Err(NotNumber::Text)),
        ] {
            assert_eq!(number(text, mark), expected.map(str::to_owned), "{text} {mark:?}");
        }
    }

    #[test]
    fn a_whole_number_may_have_been_a_float() {
        assert_eq!(read_whole("5.0", None), Ok(Value::Int(5)));
        assert_eq!(read_whole("5.5", None), Err(NotNumber::Text));
        assert_eq!(whole(Value::Float(-3.0)), Some(Value::Int(-3)));
        assert_eq!(whole(Value::Float(1e300)), None);
    }
}
