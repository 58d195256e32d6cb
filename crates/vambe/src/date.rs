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

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
