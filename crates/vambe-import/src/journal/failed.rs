//! What failed and has not been accepted since, to be sent again.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, params};
use vambe::{Client, Value};

use crate::error::ImportError;
use crate::journal::JournalProblem;
use crate::row::Row;
use crate::source::{SourceError, SourceProblem};

use super::Journal;

/// The rows of a server and key that failed, as they were sent, a page at a time.
pub(crate) struct FailedRows {
    path: PathBuf,
    connection: Connection,
    target: i64,
    /// Whether those are among them that the server refused for good.
    all: bool,
    /// How many there are.
    pub(crate) count: u64,
    /// How many are left out.
    pub(crate) refused: u64,
    after: Vec<u8>,
    page: std::vec::IntoIter<Row>,
}

impl Journal {
    /// Finds the rows that failed: those that may succeed by themselves, or all.
    pub(crate) fn failed(&self, client: &Client, all: bool) -> Result<FailedRows, ImportError> {
        let name = client.fingerprint(&self.salt.0);
        let connection = self.connect()?;
        let counted = count(&connection, &name).map_err(|error| self.fail(error))?;
        let Some((target, retryable, refused)) = counted.filter(|(_, retryable, refused)| retryable + refused > 0)
        else {
            return Err(self.fail(JournalProblem::NothingFailed));
        };
        let (count, refused) = if all { (retryable + refused, 0) } else { (retryable, refused) };
        let (after, page) = (Vec::new(), Vec::new().into_iter());
        Ok(FailedRows { path: self.path.clone(), connection, target, all, count, refused, after, page })
    }
}

impl FailedRows {
    // What is accepted in the meantime goes away behind the page that is read.
    fn turn(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, line, body FROM failed WHERE target = ?1 AND key > ?2 AND (retryable OR ?3)
             ORDER BY key LIMIT 500",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            let body: String = row.get(2)?;
            Ok((row.get::<_, Vec<u8>>(0)?, Row::object(row.get(1)?, 0, fields(&body))))
        };
        let found = statement.query_map(params![self.target, self.after, self.all], read)?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        if let Some((key, _)) = found.last() {
            self.after.clone_from(key);
        }
        self.page = found.into_iter().map(|(_, row)| row).collect::<Vec<_>>().into_iter();
        Ok(())
    }
}

impl Iterator for FailedRows {
    type Item = Result<Row, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && let Err(error) = self.turn()
        {
            let problem = SourceProblem::Io(std::io::Error::other(error.to_string()));
            return Some(Err(SourceError::at(&self.path, None, problem)));
        }
        self.page.next().map(Ok)
    }

    // The rest of a page is at hand.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.page.len(), None)
    }
}

fn count(connection: &Connection, name: &[u8]) -> rusqlite::Result<Option<(i64, u64, u64)>> {
    let mut statement = connection.prepare(
        "SELECT id, (SELECT count(*) FROM failed WHERE target = id AND retryable),
                (SELECT count(*) FROM failed WHERE target = id AND NOT retryable)
         FROM target WHERE name = ?1",
    )?;
    statement.query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

/// Reads a body as it was sent.
fn fields(body: &str) -> Vec<(String, Value)> {
    match Value::from_json(body) {
        Ok(Value::Object(fields)) => fields,
        _ => Vec::new(),
    }
}
