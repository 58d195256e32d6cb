//! The time of day and the calendar.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since 1970.
pub(crate) type Millis = i64;

/// The clock of a tenant: the machine's, unless a test has set it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    ahead: Millis,
    frozen: Option<Millis>,
}

impl Clock {
    /// A clock that stands still.
    pub(crate) fn frozen(at: Millis) -> Self {
        Self { ahead: 0, frozen: Some(at) }
    }

    pub(crate) fn now(self) -> Millis {
        self.frozen.unwrap_or_else(|| now().saturating_add(self.ahead))
    }

    /// Moves the clock, which stands or runs as before.
    pub(crate) fn advance(&mut self, by: Millis) {
        match &mut self.frozen {
            Some(at) => *at = at.saturating_add(by),
            None => self.ahead = self.ahead.saturating_add(by),
        }
    }

    pub(crate) fn is_frozen(self) -> bool {
        self.frozen.is_some()
    }
}

/// Tells the machine's time.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Writes a moment as the page does: `2024-09-30T10:00:00.000Z`.
pub(crate) fn iso(moment: Millis) -> String {
    let (year, month, day) = civil(moment.div_euclid(86_400_000));
    let in_day = moment.rem_euclid(86_400_000);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads an RFC 3339 date-time.
pub(crate) fn moment(text: &str) -> Option<Millis> {
    if !is_date_time(text) {
        return None;
    }
    let number = |at| digits(text, at).map(Millis::from);
    let days = days_before(number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let rest = text.get(19..)?;
    let offset = without_fraction(rest);
    let fraction = rest.strip_suffix(offset)?.trim_start_matches('.');
    let millis = digits(&format!("{fraction:0<3}"), 0..3)?;
    let ahead = match offset.split_at_checked(1)? {
        (sign @ ("+" | "-"), clock) => {
            let minutes = Millis::from(digits(clock, 0..2)? * 60 + digits(clock, 3..5)?);
            if sign == "+" { minutes } else { -minutes }
        }
        _ => 0,
    };
    Some((days * 86_400 + seconds - ahead * 60) * 1000 + Millis::from(millis))
}

/// Whether the text is `YYYY-MM-DD` and such a day exists.
pub(crate) fn is_date(text: &str) -> bool {
    let (Some(year), Some(month), Some(day)) = (digits(text, 0..4), digits(text, 5..7), digits(text, 8..10)) else {
        return false;
    };
    text.len() == 10
        && text.as_bytes()[4] == b'-'
        && text.as_bytes()[7] == b'-'
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
}

/// Whether the text is an RFC 3339 date-time with an offset or `Z`.
pub(crate) fn is_date_time(text: &str) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(10..)) else {
        return false;
    };
    let Some(clock) = time.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let (Some(seconds), Some(rest)) = (clock.get(..8), clock.get(8..)) else {
        return false;
    };
    is_date(date) && is_time(seconds, 60) && is_offset(without_fraction(rest))
}

fn is_time(text: &str, last_second: u32) -> bool {
    let minutes = text.get(..5).is_some_and(is_hour_and_minute);
    let second = digits(text, 6..8).is_some_and(|second| second <= last_second);
    minutes && second && text.as_bytes()[5] == b':'
}

fn is_hour_and_minute(text: &str) -> bool {
    let hour = digits(text, 0..2).is_some_and(|hour| hour < 24);
    let minute = digits(text, 3..5).is_some_and(|minute| minute < 60);
    hour && minute && text.as_bytes()[2] == b':'
}

fn without_fraction(text: &str) -> &str {
    match text.strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => text,
    }
}

fn is_offset(text: &str) -> bool {
    match text.strip_prefix(['+', '-']) {
        Some(offset) => offset.len() == 5 && is_hour_and_minute(offset),
        None => matches!(text, "Z" | "z"),
    }
}

fn digits(text: &str, at: std::ops::Range<usize>) -> Option<u32> {
    let text = text.get(at)?;
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Turns days since 1970 into a Gregorian date, by counting years from March so that
/// the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Counts the days since 1970, the other way round.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let from_march = (month + 9) % 12;
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_moments_as_the_page_does() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_727_690_400_000), "2024-09-30T10:00:00.000Z");
        assert_eq!(iso(1_709_164_799_999), "2024-02-28T23:59:59.999Z");
        assert_eq!(iso(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
        assert_eq!(iso(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn reads_the_moments_it_writes() {
        for millis in [0, 1_727_690_400_123, 1_709_164_800_000, 4_107_542_400_999, -1] {
            assert_eq!(moment(&iso(millis)), Some(millis));
        }
        assert_eq!(moment("2024-09-30T07:00:00.5-03:00"), Some(1_727_690_400_500));
        assert_eq!(moment("2024-09-30T12:30:00+02:30"), Some(1_727_690_400_000));
        assert_eq!(moment("2024-09-30"), None);
    }

    #[test]
    fn a_clock_stands_where_it_was_set_and_moves_when_told() {
        let mut clock = Clock::frozen(5);
        clock.advance(10);
        assert_eq!(clock.now(), 15);
        let mut running = Clock::default();
        running.advance(86_400_000);
        assert!(running.now() >= now() + 86_300_000 && !running.is_frozen());
    }

    #[test]
    fn knows_which_days_exist() {
        for text in ["2024-02-29", "2000-02-29", "1990-12-31"] {
            assert!(is_date(text), "{text}");
        }
        for text in ["2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "24-01-01"] {
            assert!(!is_date(text), "{text}");
        }
        for text in ["2024/01/01", "2024-1-1", "2024-01-01x", "", "２０２４-01-01"] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn reads_date_times_with_an_offset_only() {
        for text in ["2024-09-30T10:00:00Z", "2024-09-30T10:00:00.123-03:00"] {
            assert!(is_date_time(text), "{text}");
        }
        for text in ["2024-09-30T10:00:00", "2024-09-30T25:00:00Z", "2024-09-30", "2024-09-30T10:00:00.Z"] {
            assert!(!is_date_time(text), "{text}");
        }
    }
}
