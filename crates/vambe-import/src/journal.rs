//! [`Journal`]: what was sent and what became of it, in an SQLite file that outlives the run.
//!
//! A row's outcome is written after the server's answer, never before: whatever dies, a row that is not in the
//! journal is sent again, which the API documents as harmless. One run at a time writes; others may read.

mod failed;
mod known;
mod lock;
mod problem;
mod report;
mod scribe;
mod writer;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use tokio::sync::mpsc;
use vambe::Client;

use crate::error::ImportError;
use crate::fingerprint::{Hash, Salt};
use crate::source_state::SourceState;

pub(crate) use known::{Accepted, Known};
pub use problem::JournalProblem;
pub use report::{FailureReport, JournalReport, RowFormat, RowOutcome, RunReport};
pub(crate) use scribe::{Entry, Failure, What};
pub(crate) use writer::Writer;

use lock::JournalLock;
use scribe::merge;

/// A journal that this run may write.
pub(crate) struct Journal {
    path: PathBuf,
    salt: Salt,
    _lock: JournalLock,
}

/// What a journal says of the last run of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastRun {
    /// When it began, in seconds since 1970.
    pub started_at: u64,
    /// Whether it came to its end; otherwise this run goes on where it stopped.
    pub has_ended: bool,
    /// Whether the file has changed since.
    pub is_changed: bool,
}

/// One run in a journal.
#[derive(Clone, Copy)]
pub(crate) struct RunId {
    pub(crate) run: i64,
    pub(crate) target: i64,
}

/// A run that looks customers up, and writes down what becomes of rows.
pub(crate) struct Session {
    pub(crate) id: RunId,
    pub(crate) known: Known,
    pub(crate) entries: mpsc::Sender<Entry>,
    pub(crate) journal: Arc<Journal>,
}

impl Session {
    pub(crate) fn find(&self, key: &Hash) -> Result<Option<Accepted>, ImportError> {
        self.known.find(key).map_err(|error| self.journal.fail(error))
    }
}

impl Journal {
    /// Opens a journal, or makes one that only its owner may read.
    pub(crate) fn open(path: &Path) -> Result<Arc<Self>, ImportError> {
        let fail = |problem| ImportError::Journal { path: path.to_owned(), problem };
        create(path).map_err(|error| fail(JournalProblem::Io(error.to_string())))?;
        let lock = JournalLock::take(path).map_err(|error| fail(JournalProblem::Io(error.to_string())))?;
        let lock = lock.ok_or_else(|| fail(JournalProblem::InUse))?;
        let salt = connect(path).and_then(|connection| prepare(&connection)).map_err(fail)?;
        Ok(Arc::new(Self { path: path.to_owned(), salt, _lock: lock }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn salt(&self) -> Salt {
        self.salt
    }

    /// Returns what became of the source the last time, whoever it was sent to.
    pub(crate) fn last_run(&self, source: &SourceState) -> Result<Option<LastRun>, ImportError> {
        self.with(|connection| last_run(connection, source))
    }

    /// Begins a run, and forgets what became of each row of the source before.
    ///
    /// Where a customer may come twice in it, what is accepted is looked up as well.
    pub(crate) fn begin(&self, client: &Client, source: &SourceState, has_repeats: bool) -> Result<RunId, ImportError> {
        let name = client.fingerprint(&self.salt.0);
        let host = client.origin();
        self.with(|connection| {
            // What a run that was killed had accepted.
            merge(connection)?;
            connection.execute_batch(match has_repeats {
                true => "CREATE INDEX IF NOT EXISTS fresh_key ON fresh (target, key)",
                false => "DROP INDEX IF EXISTS fresh_key",
            })?;
            connection.execute(
                "INSERT INTO target (name, host) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
                params![name.as_slice(), host],
            )?;
            let target: i64 =
                connection.query_row("SELECT id FROM target WHERE name = ?1", [name.as_slice()], |row| row.get(0))?;
            connection.execute(
                "DELETE FROM outcome WHERE run IN (SELECT id FROM run WHERE target = ?1 AND source = ?2)",
                params![target, source.name],
            )?;
            connection.execute(
                "INSERT INTO run (target, source, size, modified, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![target, source.name, source.size, source.modified, now()],
            )?;
            Ok(RunId { run: connection.last_insert_rowid(), target })
        })
    }

    /// Returns the limit of a server that an earlier run has learned.
    pub(crate) fn learned_limit(&self, id: RunId) -> Result<Option<f64>, ImportError> {
        self.with(|connection| {
            connection.query_row("SELECT learned_limit FROM target WHERE id = ?1", [id.target], |row| row.get(0))
        })
    }

    /// Ends a run, and leaves one file behind instead of three.
    pub(crate) fn end(
        &self,
        id: RunId,
        ending: &str,
        summary: &str,
        learned_limit: Option<f64>,
    ) -> Result<(), ImportError> {
        self.with(|connection| {
            connection.execute(
                "UPDATE run SET ended_at = ?2, ending = ?3, summary = ?4 WHERE id = ?1",
                params![id.run, now(), ending, summary],
            )?;
            connection.execute(
                "UPDATE target SET learned_limit = coalesce(?2, learned_limit) WHERE id = ?1",
                params![id.target, learned_limit],
            )?;
            merge(connection)?;
            // Where somebody reads it at this moment, it stays as it is.
            let _ = connection.pragma_update(None, "journal_mode", "DELETE");
            Ok(())
        })
    }

    pub(crate) fn connect(&self) -> Result<Connection, ImportError> {
        connect(&self.path).map_err(|problem| self.fail(problem))
    }

    pub(crate) fn fail(&self, problem: impl Into<JournalProblem>) -> ImportError {
        ImportError::Journal { path: self.path.clone(), problem: problem.into() }
    }

    fn with<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ImportError> {
        let connection = self.connect()?;
        run(&connection).map_err(|error| self.fail(error))
    }
}

fn last_run(connection: &Connection, source: &SourceState) -> rusqlite::Result<Option<LastRun>> {
    let mut statement = connection.prepare(
        "SELECT started_at, coalesce(ending IN ('finished', 'canary'), 0), size IS NOT ?2 OR modified IS NOT ?3 FROM run
         WHERE source = ?1 ORDER BY id DESC LIMIT 1",
    )?;
    let last_run = statement.query_row(params![source.name, source.size, source.modified], |row| {
        Ok(LastRun { started_at: row.get(0)?, has_ended: row.get(1)?, is_changed: row.get(2)? })
    });
    last_run.optional()
}

/// Makes the file before SQLite does, since it holds personal data.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn connect(path: &Path) -> Result<Connection, JournalProblem> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LONGEST_WAIT)?;
    // What is lost in a power cut is sent again; a process that is killed loses nothing.
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096;")?;
    Ok(connection)
}

/// Makes sure that the file is a journal, and that it can be read and written by this version.
fn prepare(connection: &Connection) -> Result<Salt, JournalProblem> {
    if !is_journal(connection)? {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;",
            include_str!("journal/schema.sql")
        ))?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    salt_of(connection)
}

/// Returns whether the file is a journal, or still empty.
pub(super) fn is_journal(connection: &Connection) -> Result<bool, JournalProblem> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (number("application_id")?, number("user_version")?, number("schema_version")?) {
        (APPLICATION, VERSION, _) => Ok(true),
        (APPLICATION, version, _) => Err(JournalProblem::Version { version }),
        (0, 0, 0) => Ok(false),
        _ => Err(JournalProblem::NotJournal),
    }
}

fn salt_of(connection: &Connection) -> Result<Salt, JournalProblem> {
    let salt: Vec<u8> = connection.query_row("SELECT salt FROM salt", [], |row| row.get(0))?;
    salt.try_into().map(Salt).map_err(|_| JournalProblem::Damaged)
}

/// Returns the time in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl From<rusqlite::Error> for JournalProblem {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotJournal,
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// "Vamb", which the file's own kind is told by.
const APPLICATION: i64 = 0x5661_6d62;
const VERSION: i64 = 1;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
