//! Numbers as people read them.

/// Writes a number in groups of three digits: `1,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number of rows: `1 row`, `1,204 rows`.
pub fn rows(number: u64) -> String {
    let what = if number == 1 { "row" } else { "rows" };
    format!("{} {what}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits() {
        for (number, text) in [(0, "0"), (999, "999"), (1204, "1,204"), (10_000_000, "10,000,000")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!((rows(1), rows(1204)), ("1 row".to_owned(), "1,204 rows".to_owned()));
    }
}
