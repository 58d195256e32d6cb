//! What a tenant has, customer by customer.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde::Serialize;
use serde_json::Value;

use crate::clock;
use crate::id::Id;

/// A part of a tenant's customers.
#[derive(Debug, Serialize)]
pub(crate) struct CustomerPage {
    customers: Vec<Customer>,
    total: i64,
    /// Where the next part starts; null at the end.
    next: Option<i64>,
}

/// A customer with all that hangs on it.
#[derive(Debug, Serialize)]
pub(crate) struct Customer {
    id: Id,
    contacts: Vec<ListedContact>,
    custom_field_values: Vec<ListedValue>,
    duplicate_candidates: Vec<Candidate>,
}

/// A part of a tenant's contacts.
#[derive(Debug, Serialize)]
pub(crate) struct ContactPage {
    contacts: Vec<ListedContact>,
    total: i64,
    /// Where the next part starts; null at the end.
    next: Option<i64>,
}

/// A contact with its customer.
#[derive(Debug, Serialize)]
pub(crate) struct ListedContact {
    id: Id,
    customer_id: Id,
    platform: String,
    channel_id: Id,
    /// The phone's digits, or the external user id.
    identity: String,
    phone: Option<String>,
    name: Option<String>,
    email: Option<String>,
    stage_id: Option<Id>,
    agent_id: Option<Id>,
    meta_data: Value,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct ListedValue {
    key: String,
    value: String,
    /// Whether the metadata gave it, and no `custom_field_values`.
    from_metadata: bool,
}

/// Another customer with the same identifier: the service would suggest to merge them.
#[derive(Debug, Serialize)]
struct Candidate {
    id: Id,
    key: String,
}

pub(super) fn customers(connection: &Connection, tenant: i64, after: i64, limit: u32) -> Result<CustomerPage> {
    let select = "SELECT id, uuid FROM customer WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    let found: Vec<(i64, Id)> = connection
        .prepare_cached(select)?
        .query_map(params![tenant, after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|(row, _)| *row);
    let count = "SELECT count(*) FROM customer WHERE tenant = ?1";
    let total = connection.prepare_cached(count)?.query_row([tenant], |row| row.get(0))?;
    let customers = found.into_iter();
    let customers = customers.map(|(row, id)| customer(connection, tenant, row, id)).collect::<Result<_>>()?;
    Ok(CustomerPage { customers, total, next })
}

fn customer(connection: &Connection, tenant: i64, row: i64, id: Id) -> Result<Customer> {
    Ok(Customer {
        id,
        contacts: contacts_of(connection, row)?,
        custom_field_values: values(connection, row)?,
        duplicate_candidates: candidates(connection, tenant, row)?,
    })
}

const SELECT_CONTACT: &str = "SELECT contact.uuid, platform, channel, identity, phone, name, email, stage,
        agent, meta_data, created_at, customer.uuid, contact.id
    FROM contact JOIN customer ON customer.id = contact.customer";

fn contacts_of(connection: &Connection, customer: i64) -> Result<Vec<ListedContact>> {
    let select = format!("{SELECT_CONTACT} WHERE customer = ?1 ORDER BY contact.id");
    connection.prepare_cached(&select)?.query_map([customer], read_contact)?.collect()
}

pub(super) fn contacts(connection: &Connection, tenant: i64, after: i64, limit: u32) -> Result<ContactPage> {
    let select = format!("{SELECT_CONTACT} WHERE contact.tenant = ?1 AND contact.id > ?2 ORDER BY contact.id LIMIT ?3");
    let read = |row: &Row<'_>| Ok((row.get(12)?, read_contact(row)?));
    let found: Vec<(i64, ListedContact)> =
        connection.prepare_cached(&select)?.query_map(params![tenant, after, limit], read)?.collect::<Result<_>>()?;
    let full = found.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|(row, _)| *row);
    let count = "SELECT count(*) FROM contact WHERE tenant = ?1";
    let total = connection.prepare_cached(count)?.query_row([tenant], |row| row.get(0))?;
    Ok(ContactPage { contacts: found.into_iter().map(|(_, contact)| contact).collect(), total, next })
}

pub(super) fn contact(connection: &Connection, tenant: i64, id: Id) -> Result<Option<ListedContact>> {
    let select = format!("{SELECT_CONTACT} WHERE contact.tenant = ?1 AND contact.uuid = ?2");
    connection.prepare_cached(&select)?.query_row(params![tenant, id], read_contact).optional()
}

fn read_contact(row: &Row<'_>) -> Result<ListedContact> {
    let meta_data: String = row.get(9)?;
    Ok(ListedContact {
        id: row.get(0)?,
        customer_id: row.get(11)?,
        platform: row.get(1)?,
        channel_id: row.get(2)?,
        identity: row.get(3)?,
        phone: row.get(4)?,
        name: row.get(5)?,
        email: row.get(6)?,
        stage_id: row.get(7)?,
        agent_id: row.get(8)?,
        meta_data: serde_json::from_str(&meta_data).unwrap_or_default(),
        created_at: clock::iso(row.get(10)?),
    })
}

fn values(connection: &Connection, customer: i64) -> Result<Vec<ListedValue>> {
    let select = "SELECT key, value, from_metadata FROM field_value WHERE customer = ?1 ORDER BY key";
    connection
        .prepare_cached(select)?
        .query_map([customer], |row| {
            let [key, value] = [row.get(0)?, row.get(1)?];
            Ok(ListedValue { key, value, from_metadata: row.get(2)? })
        })?
        .collect()
}

fn candidates(connection: &Connection, tenant: i64, customer: i64) -> Result<Vec<Candidate>> {
    let select = "SELECT customer.uuid, theirs.key
            FROM field_value AS ours
            JOIN field_value AS theirs ON theirs.tenant = ?1 AND theirs.key = ours.key
                AND theirs.value = ours.value AND theirs.identifier = 1
            JOIN customer ON customer.id = theirs.customer
            WHERE ours.customer = ?2 AND ours.identifier = 1 AND theirs.customer <> ?2
            ORDER BY theirs.key, customer.id";
    connection
        .prepare_cached(select)?
        .query_map(params![tenant, customer], |row| Ok(Candidate { id: row.get(0)?, key: row.get(1)? }))?
        .collect()
}
