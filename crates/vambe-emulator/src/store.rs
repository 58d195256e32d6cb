//! The state: tenants, customers, contacts and values in one SQLite database.

mod listing;
mod upsert;

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, Transaction, TransactionBehavior, params};

pub(crate) use self::listing::Page;
pub(crate) use self::upsert::Written;
use crate::clock::Millis;
use crate::id::Id;
use crate::lock::lock;
use crate::resolve::Write;

const SCHEMA: &str = include_str!("store/schema.sql");
const CACHED_STATEMENTS: usize = 64;
const PURGED_AT_ONCE: usize = 200;

/// All state, behind one writer.
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

/// Where a tenant's rows are, and its organization id.
#[derive(Debug)]
pub(crate) struct Place {
    /// Read and changed only under the store's lock, so that no write outlives a reset.
    row: AtomicI64,
    client: Id,
}

impl Store {
    /// Opens an empty store that lives in memory.
    pub(crate) fn in_memory() -> Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Or SQLite would plan a query anew for each value it is given.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Opens the key's tenant, or makes it.
    pub(crate) fn open(&self, api_key: &str) -> Result<Place> {
        self.write(|transaction| {
            let known = "SELECT id, client FROM tenant WHERE api_key = ?1";
            let known = transaction
                .prepare_cached(known)?
                .query_row([api_key], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let (row, client) = match known {
                Some(known) => known,
                None => insert_tenant(transaction, api_key, Id::random())?,
            };
            Ok(Place { row: AtomicI64::new(row), client })
        })
    }

    /// Creates or updates the contact, its customer and its values, all or nothing.
    pub(crate) fn upsert(&self, place: &Place, write: &Write, now: Millis) -> Result<Written> {
        self.write(|transaction| {
            let tenant = place.row.load(Ordering::Relaxed);
            upsert::upsert(transaction, tenant, place.client, write, now)
        })
    }

    /// Lists a tenant's customers, oldest first, from the one after `after`.
    pub(crate) fn customers(&self, place: &Place, after: i64, limit: u32) -> Result<Page> {
        let connection = lock(&self.connection);
        listing::customers(&connection, place.row.load(Ordering::Relaxed), after, limit)
    }

    /// Gives the tenant an empty place. What it had stays behind until [`Store::purge`],
    /// so a reset takes the same time however much there is to forget.
    pub(crate) fn reset(&self, place: &Place, api_key: &str) -> Result<()> {
        self.write(|transaction| {
            let forget = "UPDATE tenant SET api_key = NULL WHERE api_key = ?1";
            transaction.prepare_cached(forget)?.execute([api_key])?;
            let (row, _) = insert_tenant(transaction, api_key, place.client)?;
            place.row.store(row, Ordering::Relaxed);
            Ok(())
        })
    }

    /// Deletes a part of what resets left behind; false when nothing is left.
    pub(crate) fn purge(&self) -> Result<bool> {
        self.write(|transaction| {
            let forgotten = "SELECT id FROM tenant WHERE api_key IS NULL";
            let select = format!("SELECT id FROM customer WHERE tenant IN ({forgotten}) LIMIT {PURGED_AT_ONCE}");
            for table in ["field_value", "contact"] {
                let delete = format!("DELETE FROM {table} WHERE customer IN ({select})");
                transaction.prepare_cached(&delete)?.execute([])?;
            }
            let delete = format!("DELETE FROM customer WHERE id IN ({select})");
            let deleted = transaction.prepare_cached(&delete)?.execute([])?;
            if deleted < PURGED_AT_ONCE {
                transaction.execute("DELETE FROM tenant WHERE api_key IS NULL", [])?;
            }
            Ok(deleted == PURGED_AT_ONCE)
        })
    }

    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

fn insert_tenant(transaction: &Transaction<'_>, api_key: &str, client: Id) -> Result<(i64, Id)> {
    let insert = "INSERT INTO tenant (api_key, client) VALUES (?1, ?2)";
    transaction.prepare_cached(insert)?.execute(params![api_key, client])?;
    Ok((transaction.last_insert_rowid(), client))
}

impl ToSql for Id {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(Self::from_bytes)
    }
}
