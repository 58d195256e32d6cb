//! Who may use the control API, and whose tenant a request is about.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{error, failed};
use crate::api;
use crate::app::App;
use crate::tenant::Tenant;

/// The tenant whose key the request carries.
pub(super) struct Owner(pub(super) Arc<Tenant>);

impl FromRequestParts<Arc<App>> for Owner {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match api::authenticate(app, &parts.headers) {
            Ok(Some(tenant)) => Ok(Self(tenant)),
            Ok(None) => {
                Err(error(StatusCode::UNAUTHORIZED, "x-api-key must name a tenant: a key that starts with emulator_"))
            }
            Err(reason) => Err(failed(&reason)),
        }
    }
}

/// Keeps web pages of other origins out: a browser would let them steer the emulator.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if is_foreign(request.headers(), &app) {
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

fn is_foreign(headers: &HeaderMap, app: &App) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let port = app.address.port();
    let own = ["127.0.0.1", "localhost", "[::1]"];
    let at_home = own.iter().any(|host| *origin == format!("http://{host}:{port}"));
    // Only who listens for other machines is called by other names; on loopback a foreign name is
    // one that was rebound to this machine.
    let called_so = !app.address.ip().is_loopback() && is_same(origin, headers.get(header::HOST));
    !(at_home || called_so)
}

fn is_same(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let authority = origin.as_bytes().strip_prefix(b"http://");
    authority.is_some() && authority == host.map(HeaderValue::as_bytes)
}
