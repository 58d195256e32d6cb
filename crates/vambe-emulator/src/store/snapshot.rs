//! A tenant's customers as a document, out and in again.

use std::collections::HashSet;
use std::hash::Hash;

use rusqlite::{Connection, Result, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock;
use crate::id::Id;
use crate::seed::Platform;

/// A customer with all that hangs on it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptCustomer {
    pub(crate) id: Id,
    #[serde(default)]
    pub(crate) custom_field_values: Vec<KeptValue>,
    pub(crate) contacts: Vec<KeptContact>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptValue {
    pub(crate) key: String,
    value: String,
    #[serde(default)]
    pub(crate) identifier: bool,
    #[serde(default)]
    from_metadata: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptContact {
    id: Id,
    platform: Platform,
    channel_id: Id,
    identity: String,
    phone: Option<String>,
    name: Option<String>,
    email: Option<String>,
    stage_id: Option<Id>,
    agent_id: Option<Id>,
    #[serde(default)]
    meta_data: Map<String, Value>,
    created_at: String,
}

impl KeptCustomer {
    /// Says what makes customers impossible, by themselves or together.
    pub(crate) fn check_all(customers: &[Self]) -> Result<(), String> {
        customers.iter().try_for_each(Self::check)?;
        let contacts = || customers.iter().flat_map(|customer| &customer.contacts);
        let values = customers
            .iter()
            .flat_map(|customer| customer.custom_field_values.iter().map(|value| (customer.id, &value.key)));
        if let Some(id) = twice(customers.iter().map(|customer| customer.id)) {
            return Err(format!("customer {id} is there twice"));
        }
        if let Some(id) = twice(contacts().map(|contact| contact.id)) {
            return Err(format!("contact {id} is there twice"));
        }
        if let Some((channel, _)) = twice(contacts().map(|contact| (contact.channel_id, &contact.identity))) {
            return Err(format!("two contacts of channel {channel} have one identity"));
        }
        match twice(values) {
            Some((id, key)) => Err(format!("customer {id} has two values of {key}")),
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let wrong = self.contacts.iter().find(|contact| clock::moment(&contact.created_at).is_none());
        match wrong {
            Some(contact) => Err(format!("created_at of contact {} is no RFC 3339 date-time", contact.id)),
            None if self.contacts.is_empty() => Err(format!("customer {} has no contact", self.id)),
            None => Ok(()),
        }
    }
}

/// Returns the first that has come before.
fn twice<T: Clone + Eq + Hash>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    all.into_iter().find(|one| !seen.insert(one.clone()))
}

pub(super) fn take(connection: &Connection, tenant: i64) -> Result<Vec<KeptCustomer>> {
    let select = "SELECT id, uuid FROM customer WHERE tenant = ?1 ORDER BY id";
    let found: Vec<(i64, Id)> = connection
        .prepare_cached(select)?
        .query_map([tenant], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let kept = |(row, id)| {
        Ok(KeptCustomer { id, custom_field_values: values(connection, row)?, contacts: contacts(connection, row)? })
    };
    found.into_iter().map(kept).collect()
}

fn values(connection: &Connection, customer: i64) -> Result<Vec<KeptValue>> {
    let select = "SELECT key, value, identifier, from_metadata FROM field_value WHERE customer = ?1 ORDER BY key";
    let read = |row: &rusqlite::Row<'_>| {
        let [key, value] = [row.get(0)?, row.get(1)?];
        Ok(KeptValue { key, value, identifier: row.get(2)?, from_metadata: row.get(3)? })
    };
    connection.prepare_cached(select)?.query_map([customer], read)?.collect()
}

fn contacts(connection: &Connection, customer: i64) -> Result<Vec<KeptContact>> {
    let select = "SELECT uuid, platform, channel, identity, phone, name, email, stage, agent, meta_data, created_at
        FROM contact WHERE customer = ?1 ORDER BY id";
    let read = |row: &rusqlite::Row<'_>| {
        let (platform, meta_data): (String, String) = (row.get(1)?, row.get(9)?);
        Ok(KeptContact {
            id: row.get(0)?,
            platform: Platform::parse(&platform).unwrap_or(Platform::Whatsapp),
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
    };
    connection.prepare_cached(select)?.query_map([customer], read)?.collect()
}

pub(super) fn restore(connection: &Connection, tenant: i64, customers: &[KeptCustomer]) -> Result<()> {
    for customer in customers {
        let insert = "INSERT INTO customer (tenant, uuid) VALUES (?1, ?2)";
        connection.prepare_cached(insert)?.execute(params![tenant, customer.id])?;
        let row = connection.last_insert_rowid();
        for value in &customer.custom_field_values {
            let insert = "INSERT INTO field_value (customer, key, value, tenant, identifier, from_metadata)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let values = params![row, value.key, value.value, tenant, value.identifier, value.from_metadata];
            connection.prepare_cached(insert)?.execute(values)?;
        }
        for contact in &customer.contacts {
            restore_contact(connection, tenant, row, contact)?;
        }
    }
    Ok(())
}

fn restore_contact(connection: &Connection, tenant: i64, customer: i64, contact: &KeptContact) -> Result<()> {
    let insert = "INSERT INTO contact (tenant, channel, identity, customer, uuid, platform, phone, name,
            email, stage, agent, meta_data, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    connection.prepare_cached(insert)?.execute(params![
        tenant,
        contact.channel_id,
        contact.identity,
        customer,
        contact.id,
        contact.platform.as_str(),
        contact.phone,
        contact.name,
        contact.email,
        contact.stage_id,
        contact.agent_id,
        serde_json::to_string(&contact.meta_data).unwrap_or_default(),
        clock::moment(&contact.created_at).unwrap_or_default(),
    ])?;
    Ok(())
}
