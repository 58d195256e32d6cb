//! [`Transport`]: one request, one answer. The seam for tests that want no network.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use http::HeaderMap;

use crate::error::Phase;
use crate::trace_context::TraceContext;

/// What carries a body to the server and its answer back.
///
/// The client brings its own; give another to
/// [`ClientBuilder::transport`](crate::ClientBuilder::transport) to test without a network.
/// Dropping the future must end the exchange.
pub trait Transport: Send + Sync + 'static {
    /// Sends one body to the upsert endpoint and reads the answer.
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t>;
}

/// The future of an [`Exchange`].
pub type ExchangeFuture<'t> = Pin<Box<dyn Future<Output = Result<Answer, TransportError>> + Send + 't>>;

/// One attempt: the body to send, and how far it got.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The JSON body, to the byte.
    pub body: Bytes,
    /// To be told of each phase that the attempt reaches.
    pub progress: Progress,
    /// The trace to name in the headers, if any.
    pub trace: Option<TraceContext>,
}

/// How far an attempt got; shared with whoever waits for it.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU8>);

/// The server's answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 1 MiB of it.
    pub body: Bytes,
}

/// Why there was no answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// What went wrong.
    pub kind: TransportErrorKind,
    /// What to tell, with place and way out; without it, what the kind says.
    pub message: Option<String>,
    /// The cause, if there is one to show.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection could be made.
    Connect,
    /// Connecting took longer than `connect_timeout`.
    ConnectTimeout,
    /// The server's certificate, or the proxy's, is not accepted: trying again changes nothing.
    Certificate,
    /// The proxy wants a user and password, or others: trying again changes nothing.
    ProxyAuthentication,
    /// The connection ended too early.
    CutOff,
    /// What came back is not HTTP.
    NotHttp,
}

impl Exchange {
    pub(crate) fn new(body: Bytes, trace: Option<TraceContext>) -> Self {
        Self { body, progress: Progress::default(), trace }
    }
}

impl Progress {
    /// Notes that a phase has begun; an earlier one changes nothing.
    pub fn reached(&self, phase: Phase) {
        let rank = PHASES.iter().position(|known| *known == phase).unwrap_or_default();
        self.0.fetch_max(u8::try_from(rank).unwrap_or_default(), Ordering::Relaxed);
    }

    /// Returns the latest phase that has begun.
    pub fn phase(&self) -> Phase {
        PHASES[usize::from(self.0.load(Ordering::Relaxed))]
    }
}

impl Answer {
    /// Returns an answer with these parts.
    pub fn new(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { status, headers, body: body.into() }
    }
}

// Bodies hold personal data.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_length", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("body_length", &self.body.len()).finish_non_exhaustive()
    }
}

impl TransportError {
    /// Returns an error without a cause.
    pub fn new(kind: TransportErrorKind) -> Self {
        Self { kind, message: None, source: None }
    }
}

const PHASES: [Phase; 4] = [Phase::Connect, Phase::Send, Phase::Wait, Phase::Body];
