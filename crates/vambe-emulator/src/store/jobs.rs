//! Metadata jobs: kept with the upsert they come from, processed later.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::id::Id;
use crate::metadata::Finding;

const AT_ONCE: u32 = 256;

/// Metadata that waits to be processed.
#[derive(Debug)]
pub(crate) struct Job {
    id: i64,
    pub(crate) api_key: String,
    pub(crate) contact_id: Id,
    pub(crate) meta_data: Map<String, Value>,
    tenant: i64,
    contact: i64,
}

/// A job with what its processing found.
#[derive(Debug)]
pub(crate) struct Processed {
    pub(crate) job: Job,
    pub(crate) findings: Vec<Finding>,
    /// Whether values of identifiers may be written.
    pub(crate) identifiers: bool,
}

/// What became of one piece of metadata.
#[derive(Debug, Serialize)]
pub(crate) struct JobState {
    /// `waiting` or `done`.
    state: &'static str,
    meta_data: Value,
    /// One entry for each value of the metadata, once it is done.
    trace: Vec<Finding>,
}

/// Keeps metadata to be processed.
pub(super) fn add(
    connection: &Connection,
    tenant: i64,
    contact: i64,
    meta_data: &str,
    delivery: super::Delivery,
) -> Result<()> {
    let insert = "INSERT INTO job (tenant, contact, meta_data, due, deliveries) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![tenant, contact, meta_data, delivery.due, delivery.times];
    connection.prepare_cached(insert)?.execute(row)?;
    Ok(())
}

/// Lists jobs that are due, in the order in which they became so.
pub(super) fn due(connection: &Connection, now: Millis) -> Result<Vec<Job>> {
    let select = selecting("due <= ?1", "due, job.id");
    connection.prepare_cached(&select)?.query_map([now], read)?.collect()
}

/// Lists all jobs of a tenant that wait, in the order of their upserts.
pub(super) fn waiting(connection: &Connection, tenant: i64) -> Result<Vec<Job>> {
    let select = selecting("job.tenant = ?1", "job.id");
    connection.prepare_cached(&select)?.query_map([tenant], read)?.collect()
}

/// Selects jobs by the index that holds waiting ones only; left to itself, SQLite reads all jobs there
/// ever were. Those of a reset tenant are gone.
fn selecting(which: &str, order: &str) -> String {
    format!(
        "SELECT job.id, tenant.api_key, contact.uuid, job.meta_data, job.tenant, contact.id
        FROM job INDEXED BY waiting_job
        CROSS JOIN contact ON contact.id = job.contact CROSS JOIN tenant ON tenant.id = job.tenant
        WHERE deliveries > 0 AND tenant.api_key IS NOT NULL AND {which} ORDER BY {order} LIMIT {AT_ONCE}"
    )
}

fn read(row: &Row<'_>) -> Result<Job> {
    let meta_data: String = row.get(3)?;
    Ok(Job {
        id: row.get(0)?,
        api_key: row.get(1)?,
        contact_id: row.get(2)?,
        meta_data: serde_json::from_str(&meta_data).unwrap_or_default(),
        tenant: row.get(4)?,
        contact: row.get(5)?,
    })
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Millis>> {
    let select =
        "SELECT due FROM job INDEXED BY waiting_job WHERE deliveries > 0 AND due IS NOT NULL ORDER BY due LIMIT 1";
    connection.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()
}

/// Writes the values found and the trace; a job that is gone meanwhile changes nothing.
pub(super) fn finish(connection: &Connection, processed: Processed) -> Result<()> {
    let Processed { job, mut findings, identifiers } = processed;
    // That of a reset tenant may still be there, to be deleted with all it had.
    let customer = "SELECT customer FROM job JOIN contact ON contact.id = job.contact
        WHERE job.id = ?1 AND deliveries > 0";
    let customer: Option<i64> =
        connection.prepare_cached(customer)?.query_row([job.id], |row| row.get(0)).optional()?;
    let Some(customer) = customer else {
        return Ok(());
    };
    for finding in &mut findings {
        write(connection, &job, customer, finding, identifiers)?;
    }
    let trace = serde_json::to_string(&findings).unwrap_or_default();
    let done = "UPDATE job SET deliveries = deliveries - 1, trace = ?2 WHERE id = ?1";
    connection.prepare_cached(done)?.execute(params![job.id, trace])?;
    // One trace a contact is kept, or a nightly sync would fill the disk.
    let forget = "DELETE FROM job INDEXED BY job_of_contact WHERE contact = ?1 AND id < ?2 AND deliveries = 0";
    connection.prepare_cached(forget)?.execute(params![job.contact, job.id])?;
    Ok(())
}

fn write(connection: &Connection, job: &Job, customer: i64, finding: &mut Finding, identifiers: bool) -> Result<()> {
    let Some((key, text, identifier)) = finding.proposed() else {
        return Ok(());
    };
    if identifier && !identifiers {
        finding.leave("the field is an identifier");
        return Ok(());
    }
    // what was given as a custom field value stays.
    let set = "INSERT INTO field_value (customer, key, value, tenant, identifier, from_metadata)
        VALUES (?1, ?2, ?3, ?4, ?5, 1)
        ON CONFLICT DO UPDATE SET value = excluded.value WHERE from_metadata = 1";
    let row = params![customer, key, text, job.tenant, identifier];
    if connection.prepare_cached(set)?.execute(row)? == 0 {
        finding.leave("the field has a value that was given in custom_field_values");
    }
    Ok(())
}

/// Lists the metadata of a contact that waits, and the last that was done; nothing without the contact.
pub(super) fn of_contact(connection: &Connection, tenant: i64, contact: Id) -> Result<Option<Vec<JobState>>> {
    let find = "SELECT id FROM contact WHERE tenant = ?1 AND uuid = ?2";
    let row: Option<i64> =
        connection.prepare_cached(find)?.query_row(params![tenant, contact], |row| row.get(0)).optional()?;
    let Some(row) = row else {
        return Ok(None);
    };
    let select = "SELECT deliveries, meta_data, trace FROM job WHERE contact = ?1 ORDER BY id";
    connection.prepare_cached(select)?.query_map([row], read_state)?.collect::<Result<_>>().map(Some)
}

fn read_state(row: &Row<'_>) -> Result<JobState> {
    let (deliveries, meta_data, trace): (i64, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(JobState {
        state: if deliveries > 0 { "waiting" } else { "done" },
        meta_data: serde_json::from_str(&meta_data).unwrap_or_default(),
        trace: trace.and_then(|trace| serde_json::from_str(&trace).ok()).unwrap_or_default(),
    })
}
