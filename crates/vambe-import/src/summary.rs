//! [`Summary`]: what became of the rows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// What became of the rows of one file, or of several.
///
/// `rows` is always `accepted + rejected + skipped + not_sent`, where all are known.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Rows that were looked at, or counted because they no longer could be sent.
    pub rows: u64,
    /// Rows the service answered with success; in a check, rows without errors.
    pub accepted: u64,
    /// Rows in the file of rejected rows.
    pub rejected: u64,
    /// Rows that an earlier run had sent and that are unchanged.
    pub skipped: u64,
    /// Rows left when the run was stopped; `None` where nobody can know.
    pub not_sent: Option<u64>,
    /// Rejected rows by code.
    pub codes: BTreeMap<String, Count>,
    /// Rows with warnings by code. An import notices `damaged_text` and `cell_error` only, a check all.
    pub warnings: BTreeMap<String, Count>,
    /// How long it took.
    #[serde(rename = "elapsed_seconds", serialize_with = "as_seconds")]
    pub elapsed: Duration,
    /// The file of rejected rows, if there are any.
    pub rejects: Option<PathBuf>,
}

/// How many rows, and the line of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many rows.
    pub rows: u64,
    /// The line of the first of them.
    pub first_line: u64,
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.rows)
    }
}

impl Summary {
    /// Returns the account of no rows, to which others can be added.
    pub fn nothing() -> Self {
        Self { not_sent: Some(0), ..Self::default() }
    }

    /// Returns the rows per second that were accepted or rejected.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        #[allow(clippy::cast_precision_loss)] // A rate is for people.
        let rows = self.done() as f64;
        if seconds > 0.0 { rows / seconds } else { 0.0 }
    }

    /// Returns the rows that were accepted or rejected.
    pub fn done(&self) -> u64 {
        self.accepted + self.rejected
    }

    /// Adds what became of another file's rows.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
        self.not_sent = self.not_sent.zip(other.not_sent).map(|(one, two)| one + two);
        self.elapsed += other.elapsed;
        for (mine, others) in [(&mut self.codes, &other.codes), (&mut self.warnings, &other.warnings)] {
            for (code, count) in others {
                add_rows(mine, code, *count);
            }
        }
    }
}

/// Counts one row more under a code.
pub(crate) fn count(counts: &mut BTreeMap<String, Count>, code: &str, line: u64) {
    add_rows(counts, code, Count { rows: 1, first_line: line });
}

fn add_rows(counts: &mut BTreeMap<String, Count>, code: &str, added: Count) {
    match counts.get_mut(code) {
        Some(count) => {
            count.rows += added.rows;
            count.first_line = count.first_line.min(added.first_line);
        }
        None => {
            counts.insert(code.to_owned(), added);
        }
    }
}

fn as_seconds<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((elapsed.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_up_files_of_which_one_has_no_end() {
        let mut first = Summary { rows: 3, accepted: 2, rejected: 1, ..Summary::nothing() };
        count(&mut first.codes, "required", 9);
        let mut second = Summary { rows: 1, rejected: 1, not_sent: None, ..Summary::nothing() };
        count(&mut second.codes, "required", 4);
        first.add(&second);
        assert_eq!((first.rows, first.done(), first.not_sent), (4, 4, None));
        assert_eq!(first.codes["required"], Count { rows: 2, first_line: 4 });
    }
}
