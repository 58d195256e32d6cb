//! Steering a tenant's state, seed, clock and metadata.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Owner;
use super::{done, failed, refused};
use crate::app::App;
use crate::clock::{self, Clock, Millis};
use crate::lock::lock;
use crate::metadata::MetadataMode;
use crate::seed::Seed;
use crate::tenant::{ReplaceError, Tenant};

/// What to do to a clock: one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum ClockChange {
    /// Stop at this moment.
    Now(String),
    /// Go so many milliseconds ahead.
    AdvanceMs(Millis),
    /// Run with the machine's clock again.
    Running(Running),
}

/// `true`, and nothing else.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct Running;

impl TryFrom<bool> for Running {
    type Error = &'static str;

    fn try_from(running: bool) -> Result<Self, Self::Error> {
        running.then_some(Self).ok_or("running takes true; to stop the clock, give now")
    }
}

pub(super) async fn reset(State(app): State<Arc<App>>, Owner(tenant): Owner) -> Response {
    match app.tenants.reset(&tenant) {
        Ok(()) => done(&json!({ "reset": true })),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn put_seed(State(app): State<Arc<App>>, Owner(tenant): Owner, body: Bytes) -> Response {
    let Ok(text) = str::from_utf8(&body) else {
        return refused("a seed is YAML or JSON in UTF-8");
    };
    let seed = match Seed::read(text) {
        Ok(seed) => seed,
        Err(error) => return refused(&error.to_string()),
    };
    replaced(app.tenants.reseed(&tenant, seed), &tenant)
}

pub(super) async fn get_seed(Owner(tenant): Owner) -> Response {
    seed(&tenant)
}

pub(super) async fn get_state(State(app): State<Arc<App>>, Owner(tenant): Owner) -> Response {
    match app.tenants.state(&tenant).await {
        Ok(state) => done(&state),
        Err(reason) => failed(&reason),
    }
}

pub(super) async fn put_state(State(app): State<Arc<App>>, Owner(tenant): Owner, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(state) => replaced(app.tenants.set_state(&tenant, state), &tenant),
        Err(error) => refused(&error.to_string()),
    }
}

pub(super) async fn set_clock(Owner(tenant): Owner, body: Bytes) -> Response {
    let change: ClockChange = match serde_json::from_slice(&body) {
        Ok(change) => change,
        Err(error) => return refused(&error.to_string()),
    };
    let mut clock = lock(&tenant.clock);
    match change {
        ClockChange::Now(text) => match clock::moment(&text) {
            Some(moment) => *clock = Clock::frozen(moment),
            None => return refused("give the time as 2024-09-30T10:00:00Z"),
        },
        ClockChange::AdvanceMs(by) => clock.advance(by),
        ClockChange::Running(Running) => *clock = Clock::default(),
    }
    shown(*clock)
}

pub(super) async fn get_clock(Owner(tenant): Owner) -> Response {
    let clock = *lock(&tenant.clock);
    shown(clock)
}

pub(super) async fn put_metadata(Owner(tenant): Owner, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(mode) => {
            *lock(&tenant.metadata) = mode;
            done(&mode)
        }
        Err(error) => refused(&error.to_string()),
    }
}

pub(super) async fn get_metadata(Owner(tenant): Owner) -> Response {
    let mode: MetadataMode = *lock(&tenant.metadata);
    done(&mode)
}

pub(super) async fn drain(State(app): State<Arc<App>>, Owner(tenant): Owner) -> Response {
    match app.drain(tenant).await {
        Ok(processed) => done(&json!({ "processed": processed })),
        Err(reason) => failed(&reason),
    }
}

fn replaced(outcome: Result<(), ReplaceError>, tenant: &Tenant) -> Response {
    match outcome {
        Ok(()) => seed(tenant),
        Err(ReplaceError::Given(error)) => refused(&error.to_string()),
        Err(ReplaceError::Store(error)) => failed(&error),
    }
}

fn seed(tenant: &Tenant) -> Response {
    let seed: Value = serde_json::from_str(&tenant.seed().written()).unwrap_or_default();
    done(&seed)
}

fn shown(clock: Clock) -> Response {
    done(&json!({ "now": clock::iso(clock.now()), "running": !clock.is_frozen() }))
}
