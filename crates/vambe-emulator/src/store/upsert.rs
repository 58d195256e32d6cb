//! One upsert: find the contact, create or update it, set the customer's values.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Ids, Place, jobs, merge};
use crate::basis::{A, Assumptions};
use crate::clock::{self, Millis};
use crate::id::Id;
use crate::resolve::Write;
use crate::rules::Rule;

/// The contact as the API answers it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Contact {
    pub(crate) id: Id,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) platform: &'static str,
    pub(crate) client_id: Id,
    pub(crate) ai_customer_id: Id,
    pub(crate) created_at: String,
    pub(crate) default_stage_id: Option<Id>,
    pub(crate) blocked: bool,
    pub(crate) chat_status: &'static str,
    pub(crate) is_chat_read: bool,
}

/// What an upsert left behind, and the choices it needed.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) contact: Contact,
    pub(crate) created: bool,
    pub(crate) assumptions: Assumptions,
}

/// A contact as it is kept.
struct Kept {
    row: i64,
    uuid: Id,
    customer: i64,
    customer_uuid: Id,
    phone: Option<String>,
    name: Option<String>,
    email: Option<String>,
    stage: Option<Id>,
    agent: Option<Id>,
    meta_data: String,
    created_at: Millis,
}

/// How the metadata of an upsert is to be processed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    /// When; nothing: when it is asked for.
    pub(crate) due: Option<Millis>,
    /// How often: a fault can deliver twice.
    pub(crate) times: u32,
}

pub(super) fn upsert(
    connection: &Connection,
    place: &Place,
    write: &Write,
    now: Millis,
    delivery: Option<Delivery>,
) -> Result<Written> {
    let tenant = place.row();
    let mut assumptions = write.assumptions;
    let owners = owners(connection, tenant, write)?;
    let (mut kept, created) = match find(connection, tenant, write)? {
        Some(kept) => {
            let elsewhere = owners.iter().any(|(owner, _)| *owner != kept.customer);
            assumptions.note_if(elsewhere, A(12));
            (update(connection, kept, write, &mut assumptions)?, false)
        }
        None => (create(connection, place, &owners, write, now, &mut assumptions)?, true),
    };
    if write.rules.has(Rule::MergeCustomers) {
        merge_owners(connection, &mut kept, &owners)?;
    }
    set_values(connection, tenant, kept.customer, write)?;
    if let Some(delivery) = delivery.filter(|_| !write.meta_data.is_empty()) {
        jobs::add(connection, tenant, kept.row, &text(&write.meta_data), delivery)?;
    }
    Ok(Written { contact: contact(kept, place.client, write), created, assumptions })
}

/// Makes one customer of all that share an identifier with this one: the oldest.
fn merge_owners(connection: &Connection, kept: &mut Kept, owners: &[(i64, Id)]) -> Result<()> {
    let own = (kept.customer, kept.customer_uuid);
    let all = || owners.iter().copied().chain([own]);
    let Some(oldest) = all().min_by_key(|(row, _)| *row) else {
        return Ok(());
    };
    for (younger, _) in all().filter(|owner| *owner != oldest) {
        merge::merge(connection, oldest.0, younger)?;
    }
    (kept.customer, kept.customer_uuid) = oldest;
    Ok(())
}

fn find(connection: &Connection, tenant: i64, write: &Write) -> Result<Option<Kept>> {
    let select = "SELECT contact.id, contact.uuid, customer.id, customer.uuid, phone, name, email,
                stage, agent, meta_data, created_at
            FROM contact JOIN customer ON customer.id = contact.customer
            WHERE contact.tenant = ?1 AND channel = ?2 AND identity = ?3";
    connection.prepare_cached(select)?.query_row(params![tenant, write.channel, write.identity], read_kept).optional()
}

fn read_kept(row: &Row<'_>) -> Result<Kept> {
    Ok(Kept {
        row: row.get(0)?,
        uuid: row.get(1)?,
        customer: row.get(2)?,
        customer_uuid: row.get(3)?,
        phone: row.get(4)?,
        name: row.get(5)?,
        email: row.get(6)?,
        stage: row.get(7)?,
        agent: row.get(8)?,
        meta_data: row.get(9)?,
        created_at: row.get(10)?,
    })
}

/// The oldest customer behind each identifier given, in the order of the definitions.
fn owners(connection: &Connection, tenant: i64, write: &Write) -> Result<Vec<(i64, Id)>> {
    let select = "SELECT customer.id, customer.uuid
            FROM field_value JOIN customer ON customer.id = field_value.customer
            WHERE field_value.tenant = ?1 AND key = ?2 AND value = ?3 AND identifier = 1
            ORDER BY field_value.customer LIMIT 1";
    let mut owners = Vec::new();
    for value in write.values.iter().filter(|value| value.identifier) {
        let owner = connection
            .prepare_cached(select)?
            .query_row(params![tenant, value.key, value.text], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        owners.extend(owner);
    }
    Ok(owners)
}

fn create(
    connection: &Connection,
    place: &Place,
    owners: &[(i64, Id)],
    write: &Write,
    now: Millis,
    assumptions: &mut Assumptions,
) -> Result<Kept> {
    // the first identifier that somebody has decides.
    assumptions.note_if(!owners.is_empty(), A(12));
    let several = owners.iter().any(|owner| *owner != owners[0]);
    assumptions.note_if(several, A(13));
    let (customer, customer_uuid) = match owners.first() {
        Some(owner) => *owner,
        None => insert_customer(connection, place, write)?,
    };
    let mut kept = Kept {
        row: 0,
        uuid: new_id(place, "contact", write),
        customer,
        customer_uuid,
        phone: write.phone.clone(),
        name: write.name.clone(),
        email: write.email.clone(),
        stage: write.stage,
        agent: write.agent,
        meta_data: text(&write.meta_data),
        created_at: now,
    };
    kept.row = insert_contact(connection, place.row(), &kept, write)?;
    Ok(kept)
}

/// An id for what comes with this contact; it is made by the contact's identity, if it is made at all.
fn new_id(place: &Place, kind: &str, write: &Write) -> Id {
    match place.ids {
        Ids::Random => Id::random(),
        Ids::Made(_) => place.ids.make(&[kind, &write.channel.to_string(), &write.identity]),
    }
}

fn insert_customer(connection: &Connection, place: &Place, write: &Write) -> Result<(i64, Id)> {
    let uuid = new_id(place, "customer", write);
    connection
        .prepare_cached("INSERT INTO customer (tenant, uuid) VALUES (?1, ?2)")?
        .execute(params![place.row(), uuid])?;
    Ok((connection.last_insert_rowid(), uuid))
}

fn insert_contact(connection: &Connection, tenant: i64, kept: &Kept, write: &Write) -> Result<i64> {
    let insert = "INSERT INTO contact (tenant, channel, identity, customer, uuid, platform, phone,
                name, email, stage, agent, meta_data, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    connection.prepare_cached(insert)?.execute(params![
        tenant,
        write.channel,
        write.identity,
        kept.customer,
        kept.uuid,
        write.platform.as_str(),
        kept.phone,
        kept.name,
        kept.email,
        kept.stage,
        kept.agent,
        kept.meta_data,
        kept.created_at,
    ])?;
    Ok(connection.last_insert_rowid())
}

/// Applies what was given; what was not given stays.
fn update(connection: &Connection, mut kept: Kept, write: &Write, assumptions: &mut Assumptions) -> Result<Kept> {
    assumptions.note_if(kept.phone != write.phone, A(8));
    assumptions.note_if(write.email.is_some() && kept.email != write.email, A(4));
    let email = write.email.clone().filter(|_| !write.rules.has(Rule::KeepEmail));
    let merged = merged(&kept.meta_data, &write.meta_data);
    assumptions.note_if(merged.is_some(), A(22));
    kept.name = write.name.clone().or(kept.name);
    kept.email = email.or(kept.email);
    kept.stage = write.stage.or(kept.stage);
    kept.agent = write.agent.or(kept.agent);
    kept.meta_data = merged.unwrap_or(kept.meta_data);
    let update = "UPDATE contact SET name = ?2, email = ?3, stage = ?4, agent = ?5, meta_data = ?6
            WHERE id = ?1";
    connection.prepare_cached(update)?.execute(params![
        kept.row,
        kept.name,
        kept.email,
        kept.stage,
        kept.agent,
        kept.meta_data,
    ])?;
    Ok(kept)
}

/// Gives the kept metadata with the given keys set, when that changes anything.
fn merged(kept: &str, given: &Map<String, Value>) -> Option<String> {
    if given.is_empty() {
        return None;
    }
    let mut all: Map<String, Value> = serde_json::from_str(kept).unwrap_or_default();
    let mut changed = false;
    for (key, value) in given {
        changed |= all.insert(key.clone(), value.clone()).as_ref() != Some(value);
    }
    changed.then(|| text(&all))
}

fn text(meta_data: &Map<String, Value>) -> String {
    serde_json::to_string(meta_data).unwrap_or_else(|_| "{}".to_owned())
}

fn set_values(connection: &Connection, tenant: i64, customer: i64, write: &Write) -> Result<()> {
    let set = "INSERT INTO field_value (customer, key, value, tenant, identifier, from_metadata)
            VALUES (?1, ?2, ?3, ?4, ?5, 0)
            ON CONFLICT DO UPDATE SET value = excluded.value, from_metadata = 0
                WHERE value <> excluded.value OR from_metadata <> 0";
    for value in &write.values {
        connection.prepare_cached(set)?.execute(params![customer, value.key, value.text, tenant, value.identifier,])?;
    }
    Ok(())
}

fn contact(kept: Kept, client: Id, write: &Write) -> Contact {
    Contact {
        id: kept.uuid,
        name: kept.name,
        phone: kept.phone,
        email: kept.email,
        platform: write.platform.as_str(),
        client_id: client,
        ai_customer_id: kept.customer_uuid,
        created_at: clock::iso(kept.created_at),
        default_stage_id: kept.stage,
        blocked: false,
        chat_status: "UNATTENDED",
        is_chat_read: false,
    }
}
