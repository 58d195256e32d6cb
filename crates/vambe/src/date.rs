//! Dates as values: what becomes of them in JSON (`docs/values.md`).

use std::fmt;

/// A calendar date, without a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A date and a time of day, with or without an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    nanosecond: u32,
    offset_seconds: Option<i32>,
}

impl Date {
    /// Returns the date, or nothing if the calendar has no such day (years 0 to 9999).
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = year <= 9999 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }
}

impl DateTime {
    /// Returns the moment, or nothing if a part is out of range.
    ///
    /// `offset_seconds` is the distance from UTC, east positive; without it the moment is
    /// naive, and a check refuses it: nobody can tell which hour was meant.
    pub fn new(date: Date, time: (u8, u8, u8), nanosecond: u32, offset_seconds: Option<i32>) -> Option<Self> {
        let (hour, minute, second) = time;
        let in_range = hour < 24 && minute < 60 && second < 60 && nanosecond < 1_000_000_000;
        let offset_fits = offset_seconds.is_none_or(|offset| offset.abs() < 86_400);
        (in_range && offset_fits).then_some(Self { date, hour, minute, second, nanosecond, offset_seconds })
    }

    /// Returns the moment so many seconds after 1970 began, in UTC; nothing after the year 9999.
    pub fn utc(seconds: u64) -> Option<Self> {
        let (mut days, second) = (seconds / 86_400, seconds % 86_400);
        let mut year = 1970;
        while year <= 9999 && days >= days_of(year) {
            days -= days_of(year);
            year += 1;
        }
        if year > 9999 {
            return None;
        }
        let mut month = 1;
        while days >= u64::from(days_in(year, month)) {
            days -= u64::from(days_in(year, month));
            month += 1;
        }
        let small = |number: u64| u8::try_from(number).ok();
        let time = (small(second / 3600)?, small(second / 60 % 60)?, small(second % 60)?);
        Self::new(Date::new(year, month, small(days + 1)?)?, time, 0, Some(0))
    }

    /// Returns whether the moment has no offset, so that nobody can tell which hour was meant.
    pub fn is_naive(self) -> bool {
        self.offset_seconds.is_none()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Writes RFC 3339: at least milliseconds, as `Date.toISOString` does, and `Z` for UTC.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}:{:02}:{:02}", self.date, self.hour, self.minute, self.second)?;
        match self.nanosecond {
            nanos if nanos % 1_000_000 == 0 => write!(f, ".{:03}", nanos / 1_000_000)?,
            nanos if nanos % 1_000 == 0 => write!(f, ".{:06}", nanos / 1_000)?,
            nanos => write!(f, ".{nanos:09}")?,
        }
        match self.offset_seconds.unwrap_or(0) / 60 {
            0 => f.write_str("Z"),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

fn days_of(year: u16) -> u64 {
    (1..=12).map(|month| u64::from(days_in(year, month))).sum()
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_1970_in_utc() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_795_622_400, "2026-11-25T16:00:00.000Z"),
            (253_402_300_799, "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(DateTime::utc(seconds).map(|moment| moment.to_string()).as_deref(), Some(text));
        }
        assert_eq!(DateTime::utc(u64::MAX), None);
    }
}
