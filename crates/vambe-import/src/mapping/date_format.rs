//! [`DateFormat`]: the order of day, month and year in a text, and what ISO dates look like.

use vambe::{Date, DateTime};

/// How dates are written: `dd`, `mm` and `yyyy` once each, with one separator between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DateFormat {
    text: String,
    separator: char,
    order: [Part; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Day,
    Month,
    Year,
}

impl DateFormat {
    /// Reads a format; `yy` is refused, because it names no century.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let separator = text.chars().find(|c| SEPARATORS.contains(c))?;
        let parts: Option<Vec<Part>> = text
            .split(separator)
            .map(|part| match part {
                "dd" => Some(Part::Day),
                "mm" => Some(Part::Month),
                "yyyy" => Some(Part::Year),
                _ => None,
            })
            .collect();
        let order: [Part; 3] = parts?.try_into().ok()?;
        let has = |part| order.contains(&part);
        let is_whole = has(Part::Day) && has(Part::Month) && has(Part::Year);
        is_whole.then_some(Self { text, separator, order })
    }

    /// Returns the format as it was given.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads a date; days and months may have one digit, years have four.
    pub(crate) fn read(&self, text: &str) -> Option<Date> {
        let mut parts = text.split(self.separator);
        let (mut year, mut month, mut day) = (0, 0, 0);
        for part in self.order {
            let digits = parts.next()?;
            match part {
                Part::Year if digits.len() == 4 => year = number(digits)?,
                Part::Month if digits.len() <= 2 => month = number(digits)?,
                Part::Day if digits.len() <= 2 => day = number(digits)?,
                _ => return None,
            }
        }
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        parts.next().is_none().then(|| Date::new(year, month, day)).flatten()
    }
}

/// Reads an ISO date; a midnight behind it, as databases write one, adds nothing.
pub(crate) fn iso_date(text: &str) -> Option<Date> {
    let (date, time) = split_moment(text).unwrap_or((text, ""));
    let is_midnight = time.chars().all(|c| matches!(c, '0' | ':' | '.' | 'Z'));
    let bytes = date.as_bytes();
    let is_iso = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' && is_midnight;
    if !is_iso {
        return None;
    }
    let mut parts = date.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Date::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

/// Reads an ISO date and time with its offset from UTC.
pub(crate) fn iso_date_time(text: &str) -> Option<DateTime> {
    let (date, time) = split_moment(text)?;
    let (clock, offset) = split_offset(time)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':').map(|part| if part.len() == 2 { number(part) } else { None });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || !is_fraction {
        return None;
    }
    let nanosecond = format!("{fraction:0<9}").parse().ok()?;
    let small = |number: u16| u8::try_from(number).ok();
    DateTime::new(iso_date(date)?, (small(hour)?, small(minute)?, small(second)?), nanosecond, Some(offset))
}

const SEPARATORS: [char; 3] = ['-', '/', '.'];

fn split_moment(text: &str) -> Option<(&str, &str)> {
    text.split_once(['T', 't', ' '])
}

/// Splits the offset off a time, and returns it in seconds.
fn split_offset(time: &str) -> Option<(&str, i32)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    let digits: String = time[at + 1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 {
        return None;
    }
    let (hours, minutes) = (number(digits.get(..2)?)?, number(digits.get(2..)?)?);
    (hours < 24 && minutes < 60).then_some((&time[..at], sign * i32::from(hours * 60 + minutes) * 60))
}

fn number(digits: &str) -> Option<u16> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_each_part_once_and_a_whole_year() {
        for good in ["dd/mm/yyyy", "mm/dd/yyyy", "yyyy-mm-dd", "DD.MM.YYYY"] {
            assert!(DateFormat::parse(good).is_some(), "{good}");
        }
        for bad in ["dd/mm/yy", "dd/mm", "dd/dd/yyyy", "dd/mm-yyyy", "%d/%m/%Y", ""] {
            assert!(DateFormat::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn reads_only_dates_that_exist_and_are_written_so() {
        let format = DateFormat::parse("dd/mm/yyyy").unwrap();
        let read = |text| format.read(text).map(|date| date.to_string());
        assert_eq!(read("3/4/2026").as_deref(), Some("2026-04-03"));
        for bad in ["31/04/2026", "13/13/2026", "03/04/26", "03-04-2026", "03/04/2026/1", "+3/04/2026", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(iso_date("2026-04-03 00:00:00").map(|date| date.to_string()).as_deref(), Some("2026-04-03"));
        for bad in ["2026-04-03 10:00:00", "03-04-2026", "2026-4-3", "2026/04/03", "2026-02-30"] {
            assert_eq!(iso_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_moments_with_an_offset_only() {
        let read = |text| iso_date_time(text).map(|moment| moment.to_string());
        for (text, expected) in [
            ("2026-04-03T10:20:30Z", "2026-04-03T10:20:30.000Z"),
            ("2026-04-03 10:20+0100", "2026-04-03T10:20:00.000+01:00"),
            ("2026-04-03T10:20:30.123456-03:30", "2026-04-03T10:20:30.123456-03:30"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected));
        }
        for bad in
            ["2026-04-03T10:20:30", "2026-04-03", "2026-04-03T25:00:00Z", "2026-04-03T10:20:30+0", "xT10:00é+0100"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
