//! The two documented endpoints, from the parsed body to the answer.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::basis::Basis;
use crate::clock;
use crate::contract::{self, Upsert};
use crate::reject::Reject;
use crate::request_log::Arrival;
use crate::resolve::resolve;
use crate::store::Store;
use crate::tenant::Tenant;

/// A documented endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `POST /api/public/customer/upsert/info`.
    Upsert,
    /// `POST /api/public/whatsapp/message/note/send`, which the page calls deprecated.
    Note,
}

/// Answers a request of an authenticated tenant.
pub(crate) fn process(store: &Store, tenant: &Tenant, request: &Arrival) -> Answer {
    let Some(endpoint) = Endpoint::find(&request.method, &request.path) else {
        return not_found(&request.method, &request.path).into();
    };
    // 2. Parse.
    let object = match parse(request) {
        Ok(object) => object,
        Err(reject) => return reject.into(),
    };
    let unread_fields = contract::unread(&object, endpoint.fields());
    // 3. Check, 4. apply, 5. answer.
    let answer = endpoint.apply(object, store, tenant);
    Answer { unread_fields, ..answer.unwrap_or_else(Answer::from) }
}

/// The answer to a route that the service does not have.
pub(crate) fn not_found(method: &Method, path: &str) -> Reject {
    let message = format!("Cannot {method} {path}");
    Reject::whole(StatusCode::NOT_FOUND, "route", &message, Basis::Inferred)
}

impl Endpoint {
    pub(crate) fn find(method: &Method, path: &str) -> Option<Self> {
        match path {
            "/api/public/customer/upsert/info" if method == Method::POST => Some(Self::Upsert),
            "/api/public/whatsapp/message/note/send" if method == Method::POST => Some(Self::Note),
            _ => None,
        }
    }

    fn apply(self, object: Map<String, Value>, store: &Store, tenant: &Tenant) -> Result<Answer, Reject> {
        let upsert = self.check(object)?;
        let write = resolve(upsert, &tenant.seed)?;
        Ok(match store.upsert(&tenant.place, &write, clock::now()) {
            // the page gives success no number.
            Ok(done) => Answer::json(StatusCode::OK, &done.contact, done.assumptions.into()),
            Err(_) => Answer::broken(),
        })
    }

    fn check(self, object: Map<String, Value>) -> Result<Upsert, Reject> {
        match self {
            Self::Upsert => contract::upsert(object),
            Self::Note => contract::note(object),
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
