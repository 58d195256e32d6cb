//! The two documented endpoints, from the parsed body to the answer.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::app::App;
use crate::basis::Basis;
use crate::contract::{self, Upsert};
use crate::reject::Reject;
use crate::request_log::Arrival;
use crate::resolve::{Write, resolve};
use crate::routes::Route;
use crate::rules::{Rule, Rules};
use crate::seed::Seed;
use crate::tenant::Tenant;

/// The header that turns choices for one request, like the `rules` of a seed.
const RULES_HEADER: &str = "x-emulator-rules";

/// A documented endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /api/public/customer/upsert/info`.
    Upsert,
    /// `POST /api/public/whatsapp/message/note/send`, which the page calls deprecated.
    Note,
}

/// Answers a request of an authenticated tenant; a fault may have its metadata processed `twice`.
pub(crate) async fn process(app: &App, tenant: &Tenant, request: &Arrival, twice: bool) -> Answer {
    let seed = tenant.seed();
    let rules = rules(request, &seed);
    let endpoint = match Route::find(&request.method, &request.path) {
        Route::Served(endpoint) => endpoint,
        other => return Answer::refusal(not_served(other, &request.method, &request.path), rules),
    };
    // 2. Parse.
    let object = match parse(request) {
        Ok(object) => object,
        Err(reject) => return Answer::refusal(reject, rules),
    };
    let unread_fields = contract::unread(&object, endpoint.fields());
    // 3. Check, 4. apply, 5. answer.
    let answer = match endpoint.check(object, rules).and_then(|upsert| resolve(upsert, &seed, rules)) {
        Ok(write) => apply(app, tenant, write, twice).await,
        Err(reject) => Answer::refusal(reject, rules),
    };
    Answer { unread_fields, ..answer }
}

/// The answer to a route that the emulator does not serve.
pub(crate) fn not_served(route: Route, method: &Method, path: &str) -> Reject {
    match route {
        Route::NotEmulated(name) => {
            let message = format!("The emulator does not have this route ({name})");
            Reject::whole(StatusCode::NOT_IMPLEMENTED, "not_emulated", &message, Basis::NotEmulated)
        }
        Route::Served(_) | Route::Unknown => {
            let message = format!("Cannot {method} {path}");
            Reject::whole(StatusCode::NOT_FOUND, "route", &message, Basis::Inferred)
        }
    }
}

/// The rules of the tenant and of the request.
pub(crate) fn rules(request: &Arrival, seed: &Seed) -> Rules {
    let listed = request.headers.get(RULES_HEADER).and_then(|list| list.to_str().ok());
    seed.rules.with_listed(listed.unwrap_or_default())
}

async fn apply(app: &App, tenant: &Tenant, write: Write, twice: bool) -> Answer {
    let created_201 = write.rules.has(Rule::Created201);
    let delivery = tenant.delivery(twice).filter(|_| !write.meta_data.is_empty());
    let upsert = Arc::clone(&tenant.place).upsert(write, tenant.now(), delivery);
    let written = match app.tenants.store.ask(upsert).await {
        Ok(written) => written,
        Err(error) => return Answer::broken(&error),
    };
    if delivery.is_some_and(|delivery| delivery.due.is_some()) {
        app.metadata.look();
    }
    // the page gives success no number.
    let status = if created_201 && written.created { StatusCode::CREATED } else { StatusCode::OK };
    Answer::json(status, &written.contact, written.assumptions.into())
}

impl Endpoint {
    fn check(self, object: Map<String, Value>, rules: Rules) -> Result<Upsert, Reject> {
        match self {
            Self::Upsert => contract::upsert(object, rules),
            Self::Note => contract::note(object, rules),
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Upsert => contract::UPSERT_FIELDS,
            Self::Note => contract::NOTE_FIELDS,
        }
    }
}

fn parse(request: &Arrival) -> Result<Map<String, Value>, Reject> {
    match &request.body {
        Some(body) => contract::object(&request.headers, body),
        None => {
            Err(Reject::whole(StatusCode::PAYLOAD_TOO_LARGE, "body_size", "request entity too large", Basis::Inferred))
        }
    }
}
