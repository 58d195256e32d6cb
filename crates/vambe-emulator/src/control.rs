//! The control API under `/_emulator/`: what tests and people use to look and to steer.

mod access;
mod events;
mod faults;
mod look;
mod state;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::app::App;
use crate::basis::Basis;
use crate::store::StoreError;

// A state with a million contacts is some hundred megabytes.
const LONGEST_BODY: usize = 1 << 30;

/// Routes the control API.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/_emulator/health", get(look::health))
        .route("/_emulator/fidelity", get(look::fidelity))
        .route("/_emulator/tenants", get(look::tenants))
        .route("/_emulator/requests", get(look::requests))
        .route("/_emulator/customers", get(look::customers))
        .route("/_emulator/contacts", get(look::contacts))
        .route("/_emulator/contacts/{id}", get(look::contact))
        .route("/_emulator/contacts/{id}/metadata", get(look::contact_metadata))
        .route("/_emulator/events", get(events::events))
        .route("/_emulator/reset", post(state::reset))
        .route("/_emulator/seed", put(state::put_seed).get(state::get_seed))
        .route("/_emulator/state", put(state::put_state).get(state::get_state))
        .route("/_emulator/clock", post(state::set_clock).get(state::get_clock))
        .route("/_emulator/metadata", put(state::put_metadata).get(state::get_metadata))
        .route("/_emulator/drain", post(state::drain))
        .route("/_emulator/presets", get(faults::presets))
        .route(
            "/_emulator/faults",
            put(faults::put_faults).post(faults::add_faults).get(faults::get_faults).delete(faults::delete_faults),
        )
        .route("/_emulator/rate-limit", put(faults::put_limit).get(faults::get_limit).delete(faults::delete_limit))
        .route_layer(DefaultBodyLimit::max(LONGEST_BODY))
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), access::guard))
}

fn done(value: &impl Serialize) -> Response {
    Answer::json(StatusCode::OK, value, Basis::Control).into_response()
}

fn refused(reason: &str) -> Response {
    error(StatusCode::BAD_REQUEST, reason)
}

fn failed(reason: &StoreError) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string())
}

fn error(status: StatusCode, reason: &str) -> Response {
    let body: Value = json!({
        "statusCode": status.as_u16(),
        "message": reason,
        "error": status.canonical_reason(),
    });
    Answer::json(status, &body, Basis::Control).into_response()
}
