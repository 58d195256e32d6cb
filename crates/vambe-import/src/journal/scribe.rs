//! [`Scribe`]: writes what became of rows, many in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::error::ImportError;
use crate::fingerprint::{Fingerprint, Hash};

use super::{Journal, RunId, now};

/// What became of one row.
pub(crate) struct Entry {
    /// Its place among the rows of the source, from 1.
    pub(crate) number: u64,
    pub(crate) line: u64,
    /// The number of its record, if somebody waits for this to be written.
    pub(crate) record: Option<u64>,
    pub(crate) what: What,
}

pub(crate) enum What {
    /// The server took it.
    Accepted { key: Hash, fingerprint: Option<Fingerprint>, contact: String, attempts: u32 },
    /// It was not sent, or failed.
    Rejected { code: &'static str, reason: String, status: Option<u16>, attempts: u32, failure: Option<Failure> },
    /// An earlier run had the same accepted.
    Unchanged { key: Hash },
    /// A later row is about the same customer.
    Superseded,
}

/// What is kept of a row that was to be sent, to send it again.
pub(crate) struct Failure {
    pub(crate) key: Hash,
    /// `None` if it was taken from the journal, which then has it already.
    pub(crate) sent: Option<(String, Fingerprint)>,
    pub(crate) is_retryable: bool,
}

pub(super) struct Scribe {
    journal: Arc<Journal>,
    connection: Connection,
    id: RunId,
    fields: HashMap<String, u16>,
    fresh: usize,
}

impl Scribe {
    pub(super) fn new(journal: Arc<Journal>, id: RunId) -> Result<Self, ImportError> {
        let connection = journal.connect()?;
        Ok(Self { journal, connection, id, fields: HashMap::new(), fresh: 0 })
    }

    /// Writes all entries, or none.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Result<(), ImportError> {
        self.write_all(entries).map_err(|error| self.journal.fail(error))
    }

    fn write_all(&mut self, entries: &[Entry]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for entry in entries {
            let page = Page { transaction: &transaction, id: self.id, fields: &mut self.fields };
            page.write(entry)?;
        }
        transaction.commit()?;
        self.fresh += entries.len();
        if self.fresh >= MOST_FRESH {
            self.fresh = 0;
            merge(&self.connection)?;
        }
        Ok(())
    }
}

/// Finds the place of each customer that was accepted since the last time.
pub(super) fn merge(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         INSERT OR REPLACE INTO customer (target, key, body, fields, contact, at)
             SELECT target, key, body, fields, contact, at FROM fresh ORDER BY target, key, id;
         DELETE FROM fresh;
         COMMIT;",
    )
}

/// After so many rows the next merge would be a long wait.
const MOST_FRESH: usize = 500_000;

struct Page<'a> {
    transaction: &'a Transaction<'a>,
    id: RunId,
    fields: &'a mut HashMap<String, u16>,
}

impl Page<'_> {
    fn write(mut self, entry: &Entry) -> rusqlite::Result<()> {
        match &entry.what {
            What::Accepted { key, fingerprint, contact, attempts } => {
                match fingerprint {
                    Some(fingerprint) => self.accept(key, fingerprint, contact)?,
                    None => self.accept_failed(key, contact)?,
                }
                self.forget_failure(key)?;
                self.outcome(entry, "accepted", None, None, *attempts, Some(contact))
            }
            What::Rejected { code, reason, status, attempts, failure } => {
                if let Some(failure) = failure {
                    self.keep(entry.line, code, failure)?;
                }
                self.outcome(entry, "rejected", Some((code, reason)), *status, *attempts, None)
            }
            What::Unchanged { key } => {
                self.forget_failure(key)?;
                self.outcome(entry, "unchanged", None, None, 0, None)
            }
            What::Superseded => self.outcome(entry, "superseded", None, None, 0, None),
        }
    }

    fn accept(&mut self, key: &Hash, fingerprint: &Fingerprint, contact: &str) -> rusqlite::Result<()> {
        let fields = self.packed(&fingerprint.fields)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO fresh (target, key, body, fields, contact, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![self.id.target, key.as_slice(), fingerprint.body.as_slice(), fields, contact, now()])?;
        Ok(())
    }

    /// Accepts what was kept when it failed.
    fn accept_failed(&self, key: &Hash, contact: &str) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT INTO fresh (target, key, body, fields, contact, at)
                 SELECT target, key, hash, fields, ?3, ?4 FROM failed WHERE target = ?1 AND key = ?2",
            )?
            .execute(params![self.id.target, key.as_slice(), contact, now()])?;
        Ok(())
    }

    fn forget_failure(&self, key: &Hash) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached("DELETE FROM failed WHERE target = ?1 AND key = ?2")?
            .execute(params![self.id.target, key.as_slice()])?;
        Ok(())
    }

    fn keep(&mut self, line: u64, code: &str, failure: &Failure) -> rusqlite::Result<()> {
        let Failure { key, sent, is_retryable } = failure;
        let Some((body, fingerprint)) = sent else {
            self.transaction
                .prepare_cached("UPDATE failed SET code = ?3, retryable = ?4 WHERE target = ?1 AND key = ?2")?
                .execute(params![self.id.target, key.as_slice(), code, is_retryable])?;
            return Ok(());
        };
        let fields = self.packed(&fingerprint.fields)?;
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO failed (target, key, body, hash, fields, line, code, retryable)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.id.target,
                key.as_slice(),
                body,
                fingerprint.body.as_slice(),
                fields,
                line,
                code,
                is_retryable
            ])?;
        Ok(())
    }

    fn outcome(
        &self,
        entry: &Entry,
        outcome: &str,
        why: Option<(&str, &str)>,
        status: Option<u16>,
        attempts: u32,
        contact: Option<&str>,
    ) -> rusqlite::Result<()> {
        let (code, reason) = why.unzip();
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO outcome (run, number, line, outcome, code, reason, http_status, attempts, contact)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.id.run,
                entry.number,
                entry.line,
                outcome,
                code,
                reason,
                status,
                attempts,
                contact
            ])?;
        Ok(())
    }

    /// Packs the hashes of fields, each behind the number of its name.
    fn packed(&mut self, fields: &[(String, u32)]) -> rusqlite::Result<Vec<u8>> {
        let mut packed = Vec::with_capacity(fields.len() * 6);
        for (name, hash) in fields {
            // Beyond so many names, which only rows that name their own values can have, a change is not named.
            if let Some(id) = self.field(name)? {
                packed.extend_from_slice(&id.to_le_bytes());
                packed.extend_from_slice(&hash.to_le_bytes());
            }
        }
        Ok(packed)
    }

    fn field(&mut self, name: &str) -> rusqlite::Result<Option<u16>> {
        if let Some(id) = self.fields.get(name) {
            return Ok(Some(*id));
        }
        if self.fields.len() >= usize::from(u16::MAX) {
            return Ok(None);
        }
        self.transaction.execute("INSERT OR IGNORE INTO field (name) VALUES (?1)", [name])?;
        let id: Option<i64> =
            self.transaction.query_row("SELECT id FROM field WHERE name = ?1", [name], |row| row.get(0)).optional()?;
        let id = id.and_then(|id| u16::try_from(id).ok());
        if let Some(id) = id {
            self.fields.insert(name.to_owned(), id);
        }
        Ok(id)
    }
}
