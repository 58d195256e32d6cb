//! The data folder: one database, for one emulator at a time.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, Result};

use super::StoreError;

/// The name of the database in the data folder.
const DATABASE: &str = "vambe-emulator.db";

// "vmbe": tells our databases from others'.
const APPLICATION_ID: i32 = 0x766d_6265;
const SCHEMA_VERSION: i32 = 1;

/// Opens the folder's database, or makes both.
///
/// # Errors
///
/// When another emulator has it open, or it is of another version or program.
pub(super) fn open(folder: &Path) -> Result<Connection, StoreError> {
    let failed = |reason: &dyn std::fmt::Display| {
        StoreError::new(format_args!("the data folder {} cannot be used: {reason}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let connection = Connection::open(folder.join(DATABASE)).map_err(|error| failed(&error))?;
    lock(&connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => failed(&"another emulator uses it; give each a folder of its own"),
        Some(ErrorCode::NotADatabase) => failed(&"vambe-emulator.db in it is no database"),
        _ => failed(&error),
    })?;
    check_version(&connection).map_err(|reason| failed(&reason))?;
    Ok(connection)
}

/// Takes the whole database for as long as the connection lives, also beyond a `kill -9`.
fn lock(connection: &Connection) -> Result<()> {
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // Before the first access, or the lock would be shared.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // An answered upsert is on the disk, not on its way there.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")
}

fn check_version(connection: &Connection) -> Result<(), String> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let read = || Ok::<_, rusqlite::Error>((number("application_id")?, number("user_version")?, tables(connection)?));
    match read().map_err(|error| error.to_string())? {
        (_, _, 0) => create(connection).map_err(|error| error.to_string()),
        (APPLICATION_ID, SCHEMA_VERSION, _) => Ok(()),
        (APPLICATION_ID, other, _) => Err(format!(
            "it was written by another version of vambe (format {other}, this one has {SCHEMA_VERSION}); \
             use that version, or another folder"
        )),
        _ => Err("vambe-emulator.db in it is of another program".to_owned()),
    }
}

fn tables(connection: &Connection) -> Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
}

fn create(connection: &Connection) -> Result<()> {
    let schema = super::SCHEMA;
    connection.execute_batch(&format!(
        "BEGIN; {schema} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT"
    ))
}
