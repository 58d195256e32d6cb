//! [`Known`]: what earlier runs had accepted.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use crate::error::ImportError;
use crate::fingerprint::{Hash, Salt};
use crate::journal::JournalProblem;

use super::{Journal, RunId, is_journal, salt_of};

/// Looks customers up, while another connection writes.
pub(crate) struct Known {
    connection: Connection,
    target: i64,
    /// Whether this run may have accepted the customer already.
    has_repeats: bool,
    names: HashMap<u16, String>,
}

/// What was accepted last of one customer.
pub(crate) struct Accepted {
    pub(crate) body: Hash,
    /// When, in seconds since 1970.
    pub(crate) at: u64,
    fields: Vec<u8>,
}

impl Known {
    /// Looks up what the target of a run has accepted.
    pub(crate) fn of_run(journal: &Journal, id: RunId, has_repeats: bool) -> Result<Self, ImportError> {
        Ok(Self { connection: journal.connect()?, target: id.target, has_repeats, names: HashMap::new() })
    }

    /// Looks up what the target of the last run has accepted, without writing; `None` if there is no such run.
    pub(crate) fn of_last_run(path: &Path) -> Result<Option<(Salt, Self)>, ImportError> {
        let fail = |problem| ImportError::Journal { path: path.to_owned(), problem };
        read(path).map_err(fail)
    }

    pub(crate) fn find(&self, key: &Hash) -> rusqlite::Result<Option<Accepted>> {
        if self.has_repeats
            && let Some(accepted) = self.query(
                "SELECT body, at, fields FROM fresh WHERE target = ?1 AND key = ?2 ORDER BY id DESC LIMIT 1",
                key,
            )?
        {
            return Ok(Some(accepted));
        }
        self.query("SELECT body, at, fields FROM customer WHERE target = ?1 AND key = ?2", key)
    }

    /// Returns the fields of what was accepted, as [`Fingerprint`](crate::fingerprint::Fingerprint) has them.
    pub(crate) fn fields(&mut self, accepted: &Accepted) -> rusqlite::Result<Vec<(String, u32)>> {
        let mut fields = Vec::new();
        for pair in accepted.fields.chunks_exact(6) {
            let id = u16::from_le_bytes([pair[0], pair[1]]);
            let hash = u32::from_le_bytes([pair[2], pair[3], pair[4], pair[5]]);
            fields.push((self.name(id)?, hash));
        }
        Ok(fields)
    }

    fn query(&self, sql: &str, key: &Hash) -> rusqlite::Result<Option<Accepted>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let read = |row: &rusqlite::Row<'_>| Ok(Accepted { body: row.get(0)?, at: row.get(1)?, fields: row.get(2)? });
        statement.query_row(params![self.target, key.as_slice()], read).optional()
    }

    fn name(&mut self, id: u16) -> rusqlite::Result<String> {
        if let Some(name) = self.names.get(&id) {
            return Ok(name.clone());
        }
        let name: String = self.connection.query_row("SELECT name FROM field WHERE id = ?1", [id], |row| row.get(0))?;
        self.names.insert(id, name.clone());
        Ok(name)
    }
}

fn read(path: &Path) -> Result<Option<(Salt, Known)>, JournalProblem> {
    let Some(connection) = open_to_read(path)? else { return Ok(None) };
    let salt = salt_of(&connection)?;
    // What a run that was killed had accepted is not merged yet, and this may not write: a copy can be searched.
    connection.execute_batch(
        "CREATE TEMP TABLE fresh AS SELECT * FROM main.fresh;
         CREATE INDEX temp.fresh_key ON fresh (target, key);",
    )?;
    let last: Option<i64> =
        connection.query_row("SELECT target FROM run ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()?;
    Ok(last.map(|target| (salt, Known { connection, target, has_repeats: true, names: HashMap::new() })))
}

/// Opens a journal without writing it; `None` if there is none, or nothing in it.
pub(super) fn open_to_read(path: &Path) -> Result<Option<Connection>, JournalProblem> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(is_journal(&connection)?.then_some(connection))
}
