//! What happens at a tenant, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{error, failed};
use crate::answer::BASIS_HEADER;
use crate::api;
use crate::app::App;
use crate::events::Event;
use crate::stop::Stop;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The key, which the browser's `EventSource` cannot put into a header.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    key: Option<String>,
}

pub(super) async fn events(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(watched): Query<Watched>,
) -> Response {
    let tenant = match &watched.key {
        Some(key) => app.tenants.open(key),
        None => api::authenticate(&app, &headers),
    };
    match tenant {
        Ok(Some(tenant)) => {
            let lines = lines(tenant.watch(), app.stop.clone());
            let mut response = Sse::new(lines).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
            response.headers_mut().insert(BASIS_HEADER, HeaderValue::from_static("control"));
            response
        }
        Ok(None) => error(StatusCode::UNAUTHORIZED, "name a tenant in x-api-key, or as ?key=emulator_…"),
        Err(reason) => failed(&reason),
    }
}

/// Ends when the emulator stops; a watcher that was too slow is told that it missed something.
fn lines(events: Receiver<Event>, stop: Stop) -> impl Stream<Item = Result<Line, Infallible>> {
    let greeting = stream::once(async { Ok(Line::default().data("{\"kind\":\"ready\"}")) });
    let rest = stream::unfold((events, stop), |(mut events, stop)| async move {
        let event = tokio::select! {
            event = events.recv() => event,
            () = stop.stopped() => return None,
        };
        let data = match event {
            Ok(event) => serde_json::to_string(&event).unwrap_or_default(),
            Err(RecvError::Lagged(_)) => "{\"kind\":\"missed\"}".to_owned(),
            Err(RecvError::Closed) => return None,
        };
        Some((Ok(Line::default().data(data)), (events, stop)))
    });
    stream::StreamExt::chain(greeting, rest)
}
