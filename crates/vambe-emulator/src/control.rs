//! The control API under `/_emulator/`: what tests and people use to look and to steer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::api;
use crate::app::App;
use crate::basis::Basis;
use crate::faults::Fault;
use crate::fidelity;
use crate::lock::lock;
use crate::tenant::Tenant;

const LONGEST_BODY: usize = 4 << 20;
const LARGEST_PAGE: u32 = 10_000;

/// Routes the control API; everything else is the emulated API's.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/_emulator/health", get(health))
        .route("/_emulator/fidelity", get(fidelity))
        .route("/_emulator/reset", post(reset))
        .route("/_emulator/requests", get(requests))
        .route("/_emulator/customers", get(customers))
        .route("/_emulator/faults", put(put_faults).get(get_faults).delete(delete_faults))
        .route_layer(DefaultBodyLimit::max(LONGEST_BODY))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .fallback(api::handle)
        .with_state(app)
}

type Shared = State<Arc<App>>;

/// The tenant whose key the request carries.
struct Owner(Arc<Tenant>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Part {
    after: i64,
    limit: u32,
}

impl Default for Part {
    fn default() -> Self {
        Self { after: 0, limit: 1000 }
    }
}

async fn health(State(app): Shared) -> Response {
    let health = json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "connections": app.connections.count(),
    });
    done(&health)
}

async fn fidelity() -> Response {
    done(&fidelity::statement())
}

async fn reset(State(app): Shared, Owner(tenant): Owner) -> Response {
    match app.reset(&tenant) {
        Ok(()) => done(&json!({ "reset": true })),
        Err(_) => Answer::broken().into_response(),
    }
}

async fn requests(Owner(tenant): Owner, Query(query): Query<Since>) -> Response {
    let log = lock(&tenant.log);
    let listed = json!({ "requests": log.since(query.since), "latest": log.latest() });
    drop(log);
    done(&listed)
}

async fn customers(State(app): Shared, Owner(tenant): Owner, Query(part): Query<Part>) -> Response {
    let limit = part.limit.clamp(1, LARGEST_PAGE);
    match app.tenants.store.customers(&tenant.place, part.after, limit) {
        Ok(page) => done(&page),
        Err(_) => Answer::broken().into_response(),
    }
}

async fn put_faults(Owner(tenant): Owner, body: Bytes) -> Response {
    let faults: Vec<Fault> = match serde_json::from_slice(&body) {
        Ok(faults) => faults,
        Err(error) => return refused(&error.to_string()),
    };
    match tenant.set_faults(faults) {
        Ok(()) => waiting_faults(&tenant),
        Err(reason) => refused(&reason),
    }
}

async fn get_faults(Owner(tenant): Owner) -> Response {
    waiting_faults(&tenant)
}

async fn delete_faults(Owner(tenant): Owner) -> Response {
    *lock(&tenant.faults) = crate::faults::FaultQueue::default();
    waiting_faults(&tenant)
}

fn waiting_faults(tenant: &Tenant) -> Response {
    let waiting = lock(&tenant.faults).waiting();
    done(&json!({ "faults": waiting }))
}

fn done(value: &impl Serialize) -> Response {
    Answer::json(StatusCode::OK, value, Basis::Control).into_response()
}

fn refused(reason: &str) -> Response {
    error(StatusCode::BAD_REQUEST, reason)
}

fn error(status: StatusCode, reason: &str) -> Response {
    let body: Value = json!({
        "statusCode": status.as_u16(),
        "message": reason,
        "error": status.canonical_reason(),
    });
    Answer::json(status, &body, Basis::Control).into_response()
}

impl FromRequestParts<Arc<App>> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match api::authenticate(app, &parts.headers) {
            Ok(Some(tenant)) => Ok(Self(tenant)),
            Ok(None) => {
                Err(error(StatusCode::UNAUTHORIZED, "x-api-key must name a tenant: a key that starts with emulator_"))
            }
            Err(_) => Err(Answer::broken().into_response()),
        }
    }
}

/// Keeps web pages of other origins out: a browser would let them steer the emulator.
async fn guard(State(app): Shared, request: Request, next: Next) -> Response {
    if is_foreign(request.headers(), app.port) {
        return error(StatusCode::FORBIDDEN, "Not for pages of another origin");
    }
    let response = next.run(request).await;
    if response.headers().contains_key(crate::answer::BASIS_HEADER) {
        return response;
    }
    // What axum itself refuses has neither our header nor our shape.
    let status = response.status();
    error(status, status.canonical_reason().unwrap_or_default())
}

fn is_foreign(headers: &HeaderMap, port: u16) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let own = ["127.0.0.1", "localhost", "[::1]"];
    !own.iter().any(|host| *origin == format!("http://{host}:{port}"))
}
