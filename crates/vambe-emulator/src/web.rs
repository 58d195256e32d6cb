//! What is served beside the API: the page, its parts, and the description of the API.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::{api, control};

/// Routes the page and the control API; everything else is the emulated API's.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(async || asset("text/html; charset=utf-8", include_str!("web/page.html"))))
        .route("/_emulator/page.css", get(async || asset("text/css; charset=utf-8", include_str!("web/page.css"))))
        .route("/_emulator/page.js", get(async || asset("text/javascript; charset=utf-8", include_str!("web/page.js"))))
        .route("/openapi.json", get(async || asset("application/json", include_str!("web/openapi.json"))))
        .merge(control::routes(&app))
        .fallback(api::handle)
        .with_state(app)
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, content_type),
        // What is shown was sent by anybody; nothing of it may run.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
