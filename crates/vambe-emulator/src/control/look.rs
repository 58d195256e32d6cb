//! Looking: what there is, and what arrived.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::access::Owner;
use super::{done, error, failed};
use crate::app::App;
use crate::fidelity;
use crate::id::Id;
use crate::lock::lock;

const LARGEST_PAGE: u32 = 10_000;
const LONGEST_WAIT_MS: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Later {
    since: u64,
    /// Waits so long for `count` answered requests.
    wait_ms: u64,
    count: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Part {
    after: i64,
    limit: u32,
}

impl Default for Later {
    fn default() -> Self {
        Self { since: 0, wait_ms: 0, count: 1 }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self { after: 0, limit: 1000 }
    }
}

pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let health = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "state": if app.keeps { "kept in the data folder" } else { "in memory, gone on exit" },
        "connections": app.connections.count(),
    });
    done(&health)
}

pub(super) async fn fidelity() -> Response {
    done(&fidelity::statement())
}

pub(super) async fn tenants(State(app): State<Arc<App>>) -> Response {
    match app.tenants.store.keys().await {
        Ok(keys) => done(&json!({ "keys": keys })),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn requests(Owner(tenant): Owner, Query(query): Query<Later>) -> Response {
    let wait = Duration::from_millis(query.wait_ms.min(LONGEST_WAIT_MS));
    // Past the wait, what there is is the answer.
    let _ = tokio::time::timeout(wait, tenant.has_answered(query.since, query.count)).await;
    let log = lock(&tenant.log);
    let listed = json!({ "requests": log.since(query.since), "latest": log.latest() });
    drop(log);
    done(&listed)
}

pub(super) async fn customers(State(app): State<Arc<App>>, Owner(tenant): Owner, Query(part): Query<Part>) -> Response {
    let limit = part.limit.clamp(1, LARGEST_PAGE);
    match app.tenants.store.ask(Arc::clone(&tenant.place).customers(part.after, limit)).await {
        Ok(page) => done(&page),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn contacts(State(app): State<Arc<App>>, Owner(tenant): Owner, Query(part): Query<Part>) -> Response {
    let limit = part.limit.clamp(1, LARGEST_PAGE);
    match app.tenants.store.ask(Arc::clone(&tenant.place).contacts(part.after, limit)).await {
        Ok(page) => done(&page),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn contact(State(app): State<Arc<App>>, Owner(tenant): Owner, Path(id): Path<String>) -> Response {
    let Some(id) = Id::parse(&id) else {
        return no_contact();
    };
    match app.tenants.store.ask(Arc::clone(&tenant.place).contact(id)).await {
        Ok(Some(contact)) => done(&contact),
        Ok(None) => no_contact(),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn contact_metadata(
    State(app): State<Arc<App>>,
    Owner(tenant): Owner,
    Path(id): Path<String>,
) -> Response {
    let Some(id) = Id::parse(&id) else {
        return no_contact();
    };
    match app.tenants.store.ask(Arc::clone(&tenant.place).metadata(id)).await {
        Ok(Some(jobs)) => done(&json!({ "metadata": jobs })),
        Ok(None) => no_contact(),
        Err(reason) => failed(&reason),
    }
}

fn no_contact() -> Response {
    error(StatusCode::NOT_FOUND, "this tenant has no contact with this id")
}
