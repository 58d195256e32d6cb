//! [`Call`]: what a call tells while it goes on, to hooks and to `tracing`.
//!
//! Names and values of the spans follow the semantic conventions of OpenTelemetry for HTTP clients,
//! stable since 1.23. With neither hook nor subscriber this comes to a few comparisons an attempt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info, info_span};

use crate::config::Config;
use crate::contact::Contact;
use crate::error::Error;
use crate::event::{CallEvent, EventKind};
use crate::retry::Failure;
use crate::trace_context::TraceContext;

/// One call under way, alone or as a row of a batch.
pub(crate) struct Call<'c> {
    config: &'c Config,
    id: u64,
    index: Option<u64>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) span: Span,
}

impl<'c> Call<'c> {
    /// Begins a call of its own, in the trace that the caller is in.
    pub(crate) fn alone(config: &'c Config) -> Result<Self, Error> {
        let mut call = Self::new(config, None);
        call.trace = call.span.in_scope(|| config.trace.now())?;
        Ok(call)
    }

    /// Begins the call of a row, in the trace of its batch.
    pub(crate) fn of_row(config: &'c Config, index: u64, trace: Option<TraceContext>) -> Self {
        Self { trace, ..Self::new(config, Some(index)) }
    }

    fn new(config: &'c Config, index: Option<u64>) -> Self {
        let id = LAST_ID.fetch_add(1, Ordering::Relaxed) + 1;
        let span = info_span!(
            target: TARGET,
            "vambe.upsert",
            vambe.call_id = id,
            vambe.index = index,
            vambe.attempts = Empty,
            error.r#type = Empty,
            otel.status_code = Empty,
        );
        Self { config, id, index, trace: None, span }
    }

    /// Carries one attempt, and tells of its beginning and its end.
    pub(crate) async fn attempt(
        &self,
        number: u32,
        attempt: impl Future<Output = Result<Contact, Failure>>,
    ) -> Result<Contact, Failure> {
        let hooks = &self.config.hooks;
        let span = self.attempt_span(number);
        hooks.tell(EventKind::Attempt, || self.event(EventKind::Attempt, number));
        let began = hooks.of(EventKind::Answer).map(|_| Instant::now());
        let result = attempt.instrument(span.clone()).await;
        if !span.is_disabled() {
            record(&span, result.as_ref().map(|contact| contact.status).map_err(|failure| &failure.error));
        }
        hooks.tell(EventKind::Answer, || {
            let told =
                CallEvent { elapsed: began.map(|began| began.elapsed()), ..self.event(EventKind::Answer, number) };
            match &result {
                Ok(contact) => {
                    CallEvent { status: Some(contact.status), request_id: contact.request_id.clone(), ..told }
                }
                Err(failure) => with_error(told, &failure.error),
            }
        });
        result
    }

    /// Tells that the call will be tried again; `wait` is not known where others decide it.
    pub(crate) fn will_retry(&self, number: u32, failure: &Failure, wait: Option<Duration>) {
        info!(
            target: TARGET,
            {
                vambe.call_id = self.id,
                vambe.attempt = number,
                vambe.wait = wait.map(|wait| wait.as_secs_f64()),
                error.r#type = error_type(&failure.error),
            },
            "the call will be tried again"
        );
        self.config.hooks.tell(EventKind::Retry, || {
            with_error(CallEvent { wait, ..self.event(EventKind::Retry, number) }, &failure.error)
        });
    }

    /// Notes on the call's span how it has ended.
    pub(crate) fn ended(&self, attempts: u32, result: Result<(), &Error>) {
        if self.span.is_disabled() {
            return;
        }
        self.span.record("vambe.attempts", attempts);
        if let Err(error) = result {
            record_error(&self.span, error);
        }
    }

    fn attempt_span(&self, number: u32) -> Span {
        let endpoint = &self.config.endpoint;
        info_span!(
            target: TARGET,
            "vambe.attempt",
            otel.name = METHOD,
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = METHOD,
            http.request.resend_count = (number > 1).then(|| number - 1),
            http.response.status_code = Empty,
            url.full = endpoint.as_str(),
            server.address = endpoint.host_str(),
            server.port = endpoint.port_or_known_default(),
            network.protocol.version = "1.1",
            error.r#type = Empty,
        )
    }

    fn event(&self, kind: EventKind, attempt: u32) -> CallEvent {
        let (call_id, index) = (self.id, self.index);
        CallEvent {
            kind,
            call_id,
            index,
            attempt,
            status: None,
            code: None,
            request_id: None,
            elapsed: None,
            wait: None,
        }
    }
}

/// Returns the span of a batch, in which those of its rows are.
pub(crate) fn batch_span() -> Span {
    info_span!(target: TARGET, "vambe.upsert_many", error.r#type = Empty, otel.status_code = Empty)
}

/// Notes on a span why what it stands for has failed.
pub(crate) fn record_error(span: &Span, error: &Error) {
    span.record("error.type", error_type(error).as_str());
    span.record("otel.status_code", "ERROR");
}

fn record(span: &Span, result: Result<u16, &Error>) {
    let status = result.map_or_else(Error::status, Some);
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if let Err(error) = result {
        record_error(span, error);
    }
}

/// The convention: the status where that tells, else a name of the failure.
fn error_type(error: &Error) -> String {
    match error.status() {
        Some(status) if status >= 400 => status.to_string(),
        _ => error.code().as_str().to_owned(),
    }
}

fn with_error(mut event: CallEvent, error: &Error) -> CallEvent {
    event.status = error.status();
    event.code = Some(error.code());
    event.request_id = error.request_id().map(str::to_owned);
    event
}

static LAST_ID: AtomicU64 = AtomicU64::new(0);

const TARGET: &str = "vambe";
const METHOD: &str = "POST";
