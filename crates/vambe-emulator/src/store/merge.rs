//! Two customers become one, when the tenant's rules say so.

use rusqlite::{Connection, Result, params};

/// Moves all that the younger customer has to the older, whose own values stay.
pub(super) fn merge(connection: &Connection, older: i64, younger: i64) -> Result<()> {
    let values = "INSERT INTO field_value (customer, key, value, tenant, identifier, from_metadata)
        SELECT ?1, key, value, tenant, identifier, from_metadata FROM field_value WHERE customer = ?2
        ON CONFLICT DO NOTHING";
    let steps = [
        "UPDATE contact SET customer = ?1 WHERE customer = ?2",
        values,
        "DELETE FROM field_value WHERE customer = ?2 AND ?1 <> ?2",
        "DELETE FROM customer WHERE id = ?2 AND ?1 <> ?2",
    ];
    for step in steps {
        connection.prepare_cached(step)?.execute(params![older, younger])?;
    }
    Ok(())
}
