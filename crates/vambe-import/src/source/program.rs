//! Rows that a program hands over, one at a time.

use crate::row::Row;
use crate::source::SourceError;

/// The rows of a program.
pub(super) struct ProgramRows {
    rows: Option<Box<dyn Iterator<Item = Result<Row, SourceError>> + Send>>,
}

impl ProgramRows {
    pub(super) fn new(rows: impl Iterator<Item = Result<Row, SourceError>> + Send + 'static) -> Self {
        Self { rows: Some(Box::new(rows)) }
    }

    /// Asks for the next row, and for none after the last or after an error.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, SourceError> {
        let given = self.rows.as_mut().and_then(Iterator::next);
        if !matches!(given, Some(Ok(_))) {
            self.rows = None;
        }
        given.transpose()
    }

    pub(super) fn has_row_at_hand(&self) -> bool {
        self.rows.as_ref().is_some_and(|rows| rows.size_hint().0 > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use vambe::Value;

    use super::*;
    use crate::source::Source;
    use crate::source::SourceProblem;

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
                    _ => Ok(Value::Object(vec![("a".to_owned(), Value::Int(number))])),
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
