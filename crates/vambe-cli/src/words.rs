//! Numbers and times as people read them.

use std::time::Duration;

use vambe_import::grouped;

/// Writes a rate: `4.9 rows/s`, `12,040 rows/s`.
pub(crate) fn rate(rows_per_second: f64) -> String {
    if rows_per_second < 100.0 {
        return format!("{rows_per_second:.1} rows/s");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // No rate is that high, nor negative.
    let whole = rows_per_second.round() as u64;
    format!("{} rows/s", grouped(whole))
}

/// Writes a time: `3.1 s`, `12 min 5 s`, `8 h 20 min`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_and_rates() {
        assert_eq!(time(Duration::from_millis(3140)), "3.1 s");
        assert_eq!(time(Duration::from_secs(725)), "12 min 5 s");
        assert_eq!(time(Duration::from_secs(30_000)), "8 h 20 min");
        assert_eq!((rate(4.94), rate(12_040.4)), ("4.9 rows/s".to_owned(), "12,040 rows/s".to_owned()));
    }
}
