//! [`Profile`]: what the values of a column look like. It keeps none, but for the first few that differ.

use std::collections::BTreeSet;

use vambe::Value;

use crate::mapping::{DateFormat, Mark, is_number};

/// What the values of a column look like, as far as they were looked at.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) name: String,
    /// How many rows have something there.
    pub(super) filled: usize,
    pub(super) phones: usize,
    pub(super) phones_with_plus: usize,
    pub(super) emails: usize,
    pub(super) uuids: usize,
    /// Texts that stand for nothing.
    pub(super) nulls: BTreeSet<&'static str>,
    distinct: BTreeSet<String>,
    date_formats: Vec<DateFormat>,
    are_decimals: bool,
    need_comma: bool,
}

/// How the dates of a column are written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Dates {
    None,
    /// All in one way, and in no other.
    In(String),
    /// Day and month could be either way round.
    Ambiguous,
}

impl Profile {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            filled: 0,
            phones: 0,
            phones_with_plus: 0,
            emails: 0,
            uuids: 0,
            nulls: BTreeSet::new(),
            distinct: BTreeSet::new(),
            date_formats: DATE_FORMATS.into_iter().filter_map(DateFormat::parse).collect(),
            are_decimals: true,
            need_comma: false,
        }
    }

    /// Takes a value into account; what has no text counts as filled, and is like nothing known.
    pub(super) fn add_value(&mut self, value: &Value) {
        match value.to_text() {
            Ok(text) => self.add(&text),
            Err(_) if value.is_empty() => {}
            Err(_) => self.add("[]"),
        }
    }

    pub(super) fn add(&mut self, text: &str) {
        let text = text.trim();
        if let Some(null) = NULLS.iter().find(|null| **null == text) {
            self.nulls.insert(null);
            return;
        }
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        self.date_formats.retain(|format| format.read(text).is_some());
        self.are_decimals &= is_number(text, Mark::Comma);
        self.need_comma |= !is_number(text, Mark::Point);
        if is_phone(text) {
            self.phones += 1;
            self.phones_with_plus += usize::from(text.contains('+'));
        }
        self.emails += usize::from(is_email(text));
        self.uuids += usize::from(is_uuid(text));
        if self.distinct.len() <= MOST_DISTINCT {
            self.distinct.insert(text.to_owned());
        }
    }

    /// Returns the values that differ, if they are few.
    pub(super) fn distinct(&self) -> Option<&BTreeSet<String>> {
        (1..=MOST_DISTINCT).contains(&self.distinct.len()).then_some(&self.distinct)
    }

    pub(super) fn dates(&self) -> Dates {
        match self.date_formats.as_slice() {
            _ if self.filled < FEWEST_TO_TELL => Dates::None,
            [] => Dates::None,
            [format] => Dates::In(format.text().to_owned()),
            _ => Dates::Ambiguous,
        }
    }

    /// Returns whether all values are numbers, and some only with a decimal comma.
    pub(super) fn has_decimal_comma(&self) -> bool {
        self.filled >= FEWEST_TO_TELL && self.are_decimals && self.need_comma
    }

    /// Returns whether a count of values is most of them.
    pub(super) fn is_most(&self, count: usize) -> bool {
        count > 0 && count * 10 >= self.filled * 6
    }
}

const MOST_DISTINCT: usize = 20;
const FEWEST_TO_TELL: usize = 3;

const DATE_FORMATS: [&str; 6] = ["dd/mm/yyyy", "mm/dd/yyyy", "dd-mm-yyyy", "mm-dd-yyyy", "dd.mm.yyyy", "yyyy/mm/dd"];

/// What exports write where nothing is.
const NULLS: [&str; 16] = [
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "null",
    "None",
    "none",
    "NaN",
    "nan",
    "undefined",
    "-",
    "--",
    "\u{2014}",
    "S/N",
    "s/n",
    "(No value)",
];

/// Returns whether a text looks like a phone number, and not like a date.
pub(super) fn is_phone(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_written_so = text.chars().all(|c| c.is_ascii_digit() || " +-().\u{a0}".contains(c));
    let is_date = || DATE_FORMATS.into_iter().filter_map(DateFormat::parse).any(|format| format.read(text).is_some());
    is_written_so && (7..=15).contains(&digits) && !is_date()
}

/// Returns whether a text looks like an e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.') && !text.contains(' '))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(texts: &[&str]) -> Profile {
        let mut profile = Profile::new("A".to_owned());
        for text in texts {
            profile.add(text);
        }
        profile
    }

    #[test]
    fn counts_what_values_look_like() {
        let found = profile(&["'+56 9 1111 1111", "987654321", "03-04-2026", "a@b.co", "N/A", " ", "12", "id: 5"]);
        assert_eq!((found.filled, found.phones, found.phones_with_plus, found.emails), (6, 2, 1, 1));
        assert_eq!(found.nulls.into_iter().collect::<Vec<_>>(), ["N/A"]);
        assert_eq!(profile(&["550e8400-e29b-41d4-a716-446655440000", "550e8400"]).uuids, 1);
    }

    #[test]
    fn tells_dates_only_where_all_are_written_alike() {
        assert_eq!(profile(&["31/12/2026", "01/02/2026", "3/4/2026"]).dates(), Dates::In("dd/mm/yyyy".to_owned()));
        assert_eq!(profile(&["11/12/2026", "01/02/2026", "3/4/2026"]).dates(), Dates::Ambiguous);
        assert_eq!(profile(&["31/12/2026", "01/13/2026", "3/4/2026"]).dates(), Dates::None);
        assert_eq!(profile(&["31/12/2026"]).dates(), Dates::None);
    }

    #[test]
    fn tells_a_decimal_comma_only_where_it_is_proven() {
        assert!(profile(&["1.234,50", "10", "1,5"]).has_decimal_comma());
        for texts in [&["1,234", "5", "6"][..], &["1.5", "2,5", "3"], &["1.234,50", "x", "3"]] {
            assert!(!profile(texts).has_decimal_comma(), "{texts:?}");
        }
    }

    #[test]
    fn keeps_few_values_only() {
        let many: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(profile(&many).distinct().is_none());
        assert_eq!(profile(&["b", "a", "b"]).distinct().unwrap().len(), 2);
    }
}
