//! The text of a cell: what a person sees in the sheet, without what its format takes away.

use std::fmt::Write as _;

use calamine::{DataRef, ExcelDateTime};

/// Appends the text of a value.
///
/// Numbers are written in full, whole ones without `.0`; dates as ISO 8601, without a time
/// of day where that is midnight.
pub(super) fn write_cell(value: &DataRef<'_>, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        DataRef::String(written) | DataRef::DurationIso(written) => text.write_str(written),
        DataRef::SharedString(written) => text.write_str(written),
        DataRef::Int(number) => write!(text, "{number}"),
        DataRef::Float(number) => write!(text, "{}", plain(*number)),
        DataRef::Bool(value) => write!(text, "{value}"),
        DataRef::DateTime(moment) if moment.is_duration() => write_duration(moment.as_f64(), text),
        DataRef::DateTime(moment) => write_moment(moment, text),
        DataRef::DateTimeIso(written) => text.write_str(written.strip_suffix("T00:00:00").unwrap_or(written)),
        DataRef::Error(_) | DataRef::Empty => Ok(()),
    };
}

/// Minus zero is zero. `Display` then writes the shortest decimal, without an exponent.
fn plain(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number }
}

fn write_moment(moment: &ExcelDateTime, text: &mut String) -> std::fmt::Result {
    let serial = moment.as_f64();
    if !(0.0..DAYS_OF_EXCEL).contains(&serial) {
        // A number that was given the format of a date, such as a phone: Excel shows no date either.
        return write!(text, "{}", plain(serial));
    }
    let (year, month, day, hour, minute, second, millisecond) = moment.to_ymd_hms_milli();
    let is_time_only = serial < 1.0;
    let has_time = (hour, minute, second, millisecond) != (0, 0, 0, 0);
    if !is_time_only {
        write!(text, "{year:04}-{month:02}-{day:02}")?;
        if has_time {
            text.push('T');
        }
    }
    if is_time_only || has_time {
        write!(text, "{hour:02}:{minute:02}:{second:02}")?;
        write_fraction(millisecond.into(), text)?;
    }
    Ok(())
}

/// Up to the end of the year 9999.
const DAYS_OF_EXCEL: f64 = 2_958_466.0;

/// Writes hours, minutes and seconds, as the format `[h]:mm:ss` does.
fn write_duration(days: f64, text: &mut String) -> std::fmt::Result {
    if !(0.0..DAYS_OF_EXCEL).contains(&days) {
        return write!(text, "{}", plain(days));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // In range, as was just made sure.
    let milliseconds = (days * 86_400_000.0).round() as u64;
    let seconds = milliseconds / 1000;
    write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    write_fraction(milliseconds % 1000, text)
}

fn write_fraction(milliseconds: u64, text: &mut String) -> std::fmt::Result {
    match milliseconds {
        0 => Ok(()),
        _ => write!(text, ".{milliseconds:03}"),
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    fn text(value: &DataRef<'_>) -> String {
        let mut text = String::new();
        write_cell(value, &mut text);
        text
    }

    #[test]
    fn numbers_are_written_in_full() {
        for (number, expected) in [
            (56_912_000_001.0, "56912000001"),
            (5.691_2e10, "56912000000"),
            (1e20, "100000000000000000000"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (23.5, "23.5"),
            (1e-7, "0.0000001"),
            (-12.0, "-12"),
        ] {
            assert_eq!(text(&DataRef::Float(number)), expected);
        }
        assert_eq!(text(&DataRef::Int(7)), "7");
        assert_eq!(text(&DataRef::Bool(true)), "true");
        assert_eq!(text(&DataRef::String(" 5.69E+10 ".to_owned())), " 5.69E+10 ");
    }

    #[test]
    fn dates_are_iso_8601_and_a_number_out_of_their_range_stays_one() {
        for (serial, kind, epoch_1904, expected) in [
            (45_565.0, DateTime, false, "2024-09-30"),
            (45_565.5, DateTime, false, "2024-09-30T12:00:00"),
            (45_565.000_011_574_08, DateTime, false, "2024-09-30T00:00:01"),
            (44_103.0, DateTime, true, "2024-09-30"),
            (0.75, DateTime, false, "18:00:00"),
            (1.0, DateTime, false, "1900-01-01"),
            (56_912_000_001.0, DateTime, false, "56912000001"),
            (-1.0, DateTime, false, "-1"),
            (1.062_5, TimeDelta, false, "25:30:00"),
        ] {
            let moment = ExcelDateTime::new(serial, kind, epoch_1904);
            assert_eq!(text(&DataRef::DateTime(moment)), expected, "{serial}");
        }
        assert_eq!(text(&DataRef::DateTimeIso("2024-09-30T00:00:00".to_owned())), "2024-09-30");
        assert_eq!(text(&DataRef::DateTimeIso("2024-09-30T10:00:00".to_owned())), "2024-09-30T10:00:00");
    }
}
