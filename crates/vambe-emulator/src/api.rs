//! The way of an API request: authenticate, read, log, process, perhaps fail, answer.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::answer::Answer;
use crate::app::App;
use crate::basis::{A, Basis};
use crate::clock::{self, Millis};
use crate::contract::BODY_LIMIT;
use crate::endpoint;
use crate::events::Event;
use crate::faults::{Cut, Taken, deliver};
use crate::lock::lock;
use crate::observer::Answered;
use crate::reject::Reject;
use crate::request_log::{Arrival, Outcome};
use crate::routes::Route;
use crate::rules::Rules;
use crate::store::StoreError;
use crate::tenant::Tenant;

// Reading on past the limit lets the caller see the 413 instead of a broken pipe.
const DRAINED: usize = 16 << 20;

/// A logged request of a tenant.
struct Call {
    app: Arc<App>,
    tenant: Arc<Tenant>,
    arrival: Arc<Arrival>,
    sequence: u64,
}

/// The caller went away before its request was complete.
struct Gone;

/// Answers every request that is not for the control API.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // 1. Authenticate.
    match authenticate(&app, &parts.headers) {
        Ok(Some(tenant)) => answer(app, tenant, parts, body).await,
        Ok(None) => refuse_key(&app, parts, body).await,
        Err(error) => Answer::broken(&error).into_response(),
    }
}

/// Opens the tenant of the key in `x-api-key`.
pub(crate) fn authenticate(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Tenant>>, StoreError> {
    key(headers).map_or(Ok(None), |key| app.tenants.open(key))
}

async fn answer(app: Arc<App>, tenant: Arc<Tenant>, parts: Parts, body: Body) -> Response {
    let mut arrival = arrival(parts, tenant.now());
    let path = arrival.path.clone();
    let mut fault = lock(&tenant.faults).take_before_read(&path);
    if fault.is_none() {
        arrival.body = match read(body).await {
            Ok(bytes) => bytes,
            Err(Gone) => return Cut::Close.into_response(),
        };
        if let Some(refusal) = over_limit(&tenant) {
            return Call::log(app, tenant, arrival).answer(refusal);
        }
        let bytes = arrival.body.as_deref().unwrap_or_default();
        fault = lock(&tenant.faults).take(&path, bytes);
    }
    let call = Call::log(app, tenant, arrival);
    match fault {
        None => call.respond().await,
        Some(fault) => call.fail(&fault).await,
    }
}

/// The refusal of a call that the tenant's rate limit does not let through.
fn over_limit(tenant: &Tenant) -> Option<Answer> {
    let mut limiter = lock(&tenant.limiter);
    let limiter = limiter.as_mut()?;
    limiter.take(Instant::now()).err().map(|wait| {
        let message = "Too Many Requests";
        let reject = Reject::whole(StatusCode::TOO_MANY_REQUESTS, "rate_limit", message, A(7).into());
        let mut answer = Answer::refusal(reject, Rules::default());
        answer.headers.extend(limiter.limit().retry_after().header(wait).map(|value| (header::RETRY_AFTER, value)));
        answer
    })
}

async fn refuse_key(app: &App, parts: Parts, body: Body) -> Response {
    // What is unread when an answer is complete costs the caller its connection.
    let _ = read(body).await;
    let arrival = arrival(parts, clock::now());
    let reject = match Route::find(&arrival.method, &arrival.path) {
        Route::Unknown => endpoint::not_served(Route::Unknown, &arrival.method, &arrival.path),
        _ => unauthorized(),
    };
    let answer = Answer::refusal(reject, Rules::default());
    app.observer.tell(|| answered(&arrival, Some(answer.status.as_u16()), answer.basis));
    answer.into_response()
}

impl Call {
    fn log(app: Arc<App>, tenant: Arc<Tenant>, arrival: Arrival) -> Self {
        let arrival = Arc::new(arrival);
        let sequence = lock(&tenant.log).arrive(Arc::clone(&arrival));
        Self { app, tenant, arrival, sequence }
    }

    async fn respond(self) -> Response {
        let answer = endpoint::process(&self.app, &self.tenant, &self.arrival, false).await;
        self.answer(answer)
    }

    fn answer(self, answer: Answer) -> Response {
        let outcome = Outcome { status: Some(answer.status.as_u16()), ..Outcome::new(answer.basis, Some(&answer)) };
        self.complete(outcome);
        answer.into_response()
    }

    async fn fail(self, fault: &Taken) -> Response {
        let real = match fault.applies() {
            true => Some(endpoint::process(&self.app, &self.tenant, &self.arrival, fault.delivers_twice()).await),
            false => None,
        };
        let mut outcome = Outcome { fault: Some(fault.summary()), ..Outcome::new(Basis::Fault, real.as_ref()) };
        // Marked before the fault plays out: the caller may leave in the middle of it.
        lock(&self.tenant.log).complete(self.sequence, outcome.clone());
        let response = deliver(&fault.fault, real, &self.app.stop).await;
        if response.extensions().get::<Cut>().is_none() {
            outcome.status = Some(response.status().as_u16());
        }
        self.complete(outcome);
        response
    }

    fn complete(&self, outcome: Outcome) {
        self.app.observer.tell(|| answered(&self.arrival, outcome.status, outcome.basis));
        let event = Event::Request { sequence: self.sequence, status: outcome.status };
        lock(&self.tenant.log).complete(self.sequence, Outcome { is_final: true, ..outcome });
        self.tenant.tell(event);
    }
}

fn arrival(parts: Parts, now: Millis) -> Arrival {
    let mut arrival = Arrival {
        received_at: now,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: None,
    };
    arrival.redact();
    arrival
}

fn answered(arrival: &Arrival, status: Option<u16>, basis: Basis) -> Answered {
    Answered { method: arrival.method.to_string(), path: arrival.path.clone(), status, basis: basis.to_string() }
}

fn key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-api-key").and_then(|key| key.to_str().ok())
}

fn unauthorized() -> Reject {
    let message = "Invalid or missing API key";
    Reject::whole(StatusCode::UNAUTHORIZED, "api_key", message, Basis::Documented)
}

/// Reads the whole body; nothing when it is longer than the service takes.
async fn read(mut body: Body) -> Result<Option<Bytes>, Gone> {
    let mut bytes = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Gone)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(data);
        } else if length > DRAINED {
            break;
        }
    }
    Ok((length <= BODY_LIMIT).then(|| bytes.freeze()))
}
