//! The state: tenants, customers, contacts, values and metadata jobs in one SQLite database.

mod folder;
mod jobs;
mod listing;
mod merge;
mod snapshot;
mod upsert;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;

use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Result, params};
use tokio::sync::oneshot;

pub(crate) use self::jobs::{Job, JobState, Processed};
pub(crate) use self::listing::{ContactPage, CustomerPage, ListedContact};
pub(crate) use self::snapshot::KeptCustomer;
pub(crate) use self::upsert::{Delivery, Written};
pub(crate) use self::writer::StoreError;
use self::writer::Writer;
use crate::clock::Millis;
use crate::id::Id;
use crate::resolve::Write;

const SCHEMA: &str = include_str!("store/schema.sql");
const CACHED_STATEMENTS: usize = 64;
const PURGED_AT_ONCE: usize = 200;
const NO_ROW: i64 = -1;

/// All state, behind one writer.
pub(crate) struct Store {
    writer: Writer,
    random_seed: Option<u64>,
}

/// Where a tenant's rows are, its organization id, and how its other ids are made.
#[derive(Debug)]
pub(crate) struct Place {
    /// Read and changed only on the writer's thread, so that no write outlives a reset.
    row: AtomicI64,
    client: Id,
    ids: Ids,
}

/// A tenant as the store knew it or made it.
pub(crate) struct Opened {
    pub(crate) place: Arc<Place>,
    /// Its seed as text; what was given if the tenant is new.
    pub(crate) seed: String,
}

/// Makes the ids of a tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ids {
    Random,
    /// By what they name, so that neither order nor other tenants matter.
    Made(u64),
}

impl Store {
    /// Opens an empty store that lives in memory.
    pub(crate) fn in_memory(random_seed: Option<u64>) -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(SCHEMA)?;
        Self::over(connection, random_seed)
    }

    /// Opens the store in this folder, or makes it; each answer is on disk before it is given.
    pub(crate) fn in_folder(folder: &Path, random_seed: Option<u64>) -> Result<Self, StoreError> {
        Self::over(folder::open(folder)?, random_seed)
    }

    fn over(connection: Connection, random_seed: Option<u64>) -> Result<Self, StoreError> {
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Or SQLite would plan a query anew for each value it is given.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let writer = Writer::start(connection).map_err(StoreError::new)?;
        Ok(Self { writer, random_seed })
    }

    /// Does the work on the writer's thread, waiting without blocking.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.writer.submit(work, |done| drop(sender.send(done)));
        receiver.await.unwrap_or_else(|_| Err(StoreError::stopped()))
    }

    /// Does the work on the writer's thread, blocking until it is committed.
    pub(crate) fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = mpsc::channel();
        self.writer.submit(work, move |done| drop(sender.send(done)));
        receiver.recv().unwrap_or_else(|_| Err(StoreError::stopped()))
    }

    /// Does work that gives the tenant another place; unless it is committed, the old one holds.
    pub(crate) fn move_tenant(
        &self,
        place: &Arc<Place>,
        work: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::channel();
        let (inside, after) = (Arc::clone(place), Arc::clone(place));
        let left = Arc::new(AtomicI64::new(NO_ROW));
        let come_from = Arc::clone(&left);
        let work = move |connection: &Connection| {
            let row = inside.row();
            match work(connection) {
                Ok(()) => left.store(row, Ordering::Relaxed),
                Err(error) => {
                    inside.row.store(row, Ordering::Relaxed);
                    return Err(error);
                }
            }
            Ok(())
        };
        // Answers are given on the writer's thread, so that nothing is written in between.
        self.writer.submit_guarded(work, move |done| {
            let row = come_from.load(Ordering::Relaxed);
            if done.is_err() && row != NO_ROW {
                after.row.store(row, Ordering::Relaxed);
            }
            drop(sender.send(done));
        });
        receiver.recv().unwrap_or_else(|_| Err(StoreError::stopped()))
    }

    /// Opens the key's tenant, or makes it with this seed and these customers.
    pub(crate) fn open(
        &self,
        api_key: &str,
        seed: String,
        customers: Vec<Write>,
        now: Millis,
    ) -> Result<Opened, StoreError> {
        let ids = self.random_seed.map_or(Ids::Random, |seed| Ids::Made(crate::id::hash(seed, &[api_key])));
        let api_key = api_key.to_owned();
        self.wait_for(move |connection| {
            let known = "SELECT id, client, seed FROM tenant WHERE api_key = ?1";
            let known = connection
                .prepare_cached(known)?
                .query_row([&api_key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            if let Some((row, client, seed)) = known {
                return Ok(Opened { place: Arc::new(Place { row: AtomicI64::new(row), client, ids }), seed });
            }
            let client = ids.make(&["client"]);
            let row = AtomicI64::new(insert_tenant(connection, &api_key, client, &seed)?);
            let place = Arc::new(Place { row, client, ids });
            add(connection, &place, &customers, now)?;
            Ok(Opened { place, seed })
        })
    }

    /// Lists the keys of all tenants, oldest first.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let select = "SELECT api_key FROM tenant WHERE api_key IS NOT NULL ORDER BY id";
        self.ask(|connection| connection.prepare_cached(select)?.query_map([], |row| row.get(0))?.collect()).await
    }

    /// Lets the writer delete what resets left behind.
    pub(crate) fn tidy_up(&self) {
        self.writer.tidy_up();
    }
}

impl Place {
    fn row(&self) -> i64 {
        self.row.load(Ordering::Relaxed)
    }

    /// Creates or updates the contact, its customer and its values, all or nothing.
    pub(crate) fn upsert(
        self: Arc<Self>,
        write: Write,
        now: Millis,
        delivery: Option<Delivery>,
    ) -> impl FnOnce(&Connection) -> Result<Written> + Send + 'static {
        move |connection| upsert::upsert(connection, &self, &write, now, delivery)
    }

    /// Lists the customers, oldest first, from the one after `after`.
    pub(crate) fn customers(
        self: Arc<Self>,
        after: i64,
        limit: u32,
    ) -> impl FnOnce(&Connection) -> Result<CustomerPage> + Send + 'static {
        move |connection| listing::customers(connection, self.row(), after, limit)
    }

    /// Lists the contacts, oldest first, from the one after `after`.
    pub(crate) fn contacts(
        self: Arc<Self>,
        after: i64,
        limit: u32,
    ) -> impl FnOnce(&Connection) -> Result<ContactPage> + Send + 'static {
        move |connection| listing::contacts(connection, self.row(), after, limit)
    }

    /// Finds one contact.
    pub(crate) fn contact(
        self: Arc<Self>,
        id: Id,
    ) -> impl FnOnce(&Connection) -> Result<Option<ListedContact>> + Send + 'static {
        move |connection| listing::contact(connection, self.row(), id)
    }

    /// Tells what became of a contact's metadata.
    pub(crate) fn metadata(
        self: Arc<Self>,
        contact: Id,
    ) -> impl FnOnce(&Connection) -> Result<Option<Vec<JobState>>> + Send + 'static {
        move |connection| jobs::of_contact(connection, self.row(), contact)
    }

    /// Takes jobs that wait, whether they are due or not.
    pub(crate) fn waiting_jobs(self: Arc<Self>) -> impl FnOnce(&Connection) -> Result<Vec<Job>> + Send + 'static {
        move |connection| jobs::waiting(connection, self.row())
    }

    /// Gives the tenant an empty place with this seed. What it had stays behind until the
    /// writer has nothing else to do, so a reset takes the same time however much there is.
    pub(crate) fn reset(
        self: Arc<Self>,
        api_key: String,
        seed: String,
    ) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
        move |connection| {
            let forget = "UPDATE tenant SET api_key = NULL WHERE api_key = ?1";
            connection.prepare_cached(forget)?.execute([&api_key])?;
            let row = insert_tenant(connection, &api_key, self.client, &seed)?;
            self.row.store(row, Ordering::Relaxed);
            Ok(())
        }
    }

    /// Gives all customers, to be kept elsewhere.
    pub(crate) fn take_snapshot(
        self: Arc<Self>,
    ) -> impl FnOnce(&Connection) -> Result<Vec<KeptCustomer>> + Send + 'static {
        move |connection| snapshot::take(connection, self.row())
    }

    /// Adds customers that were kept elsewhere.
    pub(crate) fn restore(
        self: Arc<Self>,
        customers: Vec<KeptCustomer>,
    ) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
        move |connection| snapshot::restore(connection, self.row(), &customers)
    }
}

/// Adds customers; their metadata is not processed.
pub(crate) fn add(connection: &Connection, place: &Place, customers: &[Write], now: Millis) -> Result<()> {
    customers.iter().try_for_each(|write| upsert::upsert(connection, place, write, now, None).map(drop))
}

/// Takes jobs that are due, of any tenant.
pub(crate) fn due_jobs(now: Millis) -> impl FnOnce(&Connection) -> Result<Vec<Job>> + Send + 'static {
    move |connection| jobs::due(connection, now)
}

/// Tells when the next job is due.
pub(crate) fn next_due(connection: &Connection) -> Result<Option<Millis>> {
    jobs::next_due(connection)
}

/// Writes what processed jobs have found.
pub(crate) fn finish_jobs(processed: Vec<Processed>) -> impl FnOnce(&Connection) -> Result<()> + Send + 'static {
    move |connection| processed.into_iter().try_for_each(|job| jobs::finish(connection, job))
}

impl Ids {
    fn make(self, words: &[&str]) -> Id {
        match self {
            Self::Random => Id::random(),
            Self::Made(seed) => Id::of(seed, words),
        }
    }
}

fn insert_tenant(connection: &Connection, api_key: &str, client: Id, seed: &str) -> Result<i64> {
    let insert = "INSERT INTO tenant (api_key, client, seed) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(insert)?.execute(params![api_key, client, seed])?;
    Ok(connection.last_insert_rowid())
}

/// Deletes a part of what resets left behind; false when nothing is left.
fn purge(connection: &Connection) -> Result<bool> {
    let transaction = connection.unchecked_transaction()?;
    let forgotten = "SELECT id FROM tenant WHERE api_key IS NULL";
    let select = format!("SELECT id FROM customer WHERE tenant IN ({forgotten}) LIMIT {PURGED_AT_ONCE}");
    let contacts = format!("SELECT id FROM contact WHERE customer IN ({select})");
    for (table, column, rows) in
        [("job", "contact", &contacts), ("field_value", "customer", &select), ("contact", "customer", &select)]
    {
        let delete = format!("DELETE FROM {table} WHERE {column} IN ({rows})");
        transaction.prepare_cached(&delete)?.execute([])?;
    }
    let delete = format!("DELETE FROM customer WHERE id IN ({select})");
    let deleted = transaction.prepare_cached(&delete)?.execute([])?;
    if deleted < PURGED_AT_ONCE {
        transaction.execute("DELETE FROM tenant WHERE api_key IS NULL", [])?;
    }
    transaction.commit()?;
    Ok(deleted == PURGED_AT_ONCE)
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
