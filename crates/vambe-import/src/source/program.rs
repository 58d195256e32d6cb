//! Rows that a program hands over, one at a time.

use vambe::Value;

use crate::error::SourceError;
use crate::row::Row;

/// What a program gives for each row.
type Given = Result<Vec<(String, Value)>, SourceError>;

/// The rows of a program, numbered from 1.
pub(super) struct ProgramRows {
    rows: Option<Box<dyn Iterator<Item = Given> + Send>>,
    number: u64,
}

impl ProgramRows {
    pub(super) fn new(rows: impl Iterator<Item = Given> + Send + 'static) -> Self {
        Self { rows: Some(Box::new(rows)), number: 0 }
    }

    /// Asks for the next row, and for none after the last or after an error.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        let Some(given) = self.rows.as_mut().and_then(Iterator::next) else {
            self.rows = None;
            return Ok(None);
        };
        self.number += 1;
        match given {
            Ok(entries) => Ok(Some(Row::object(self.number, 0, entries))),
            Err(error) => {
                self.rows = None;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::error::SourceProblem;
    use crate::source::Source;

    #[test]
    fn rows_are_asked_for_one_at_a_time_and_never_after_the_end() {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let mut source = Source::from_rows(
            "rows",
            (0..3).map(move |number| {
                count.fetch_add(1, Ordering::Relaxed);
                match number {
                    2 => Err(SourceError::at(Path::new("rows"), Some(3), SourceProblem::Empty)),
                    _ => Ok(vec![("a".to_owned(), Value::Int(number))]),
                }
            }),
        );
        assert_eq!((asked.load(Ordering::Relaxed), source.header()), (0, None));
        assert_eq!(source.next_row().unwrap().unwrap().line(), 1);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(source.next_row().unwrap().unwrap().line(), 2);
        assert!(source.next_row().is_err());
        assert!(source.next_row().unwrap().is_none());
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        assert!(source.again().unwrap().is_none() && source.fingerprint().is_none());
    }
}
