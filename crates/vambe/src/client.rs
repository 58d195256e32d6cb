//! [`Client`]: one upsert, from the record to the contact.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use crate::call::Call;
use crate::check::{Prepared, check, prepare, validate};
use crate::config::{ClientBuilder, Config};
use crate::contact::Contact;
use crate::doctor::{self, Diagnosis};
use crate::error::{Delivery, Error, ErrorCode, Phase};
use crate::http::{self, Http};
use crate::options::{CallOptions, CheckOptions};
use crate::record::CustomerRecord;
use crate::response::{self, Sent};
use crate::retry::{Failure, Next, Retries, is_retryable};
use crate::shared_pacer::SharedPacer;
use crate::trace_context::TraceContext;
use crate::transport::{Exchange, Transport, TransportError, TransportErrorKind};
use crate::violation::Validation;

/// Upserts customers. Cheap to clone; clones share connections. All clients of one key and host share one pace.
///
/// Needs a tokio runtime with time and I/O. Dropping a call's future ends the call and
/// closes its connection.
///
/// ```no_run
/// # async fn example() -> Result<(), vambe::Error> {
/// use vambe::{Client, CustomerRecord};
///
/// let client = Client::from_env()?;
/// let record = CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678").contact_name("Maria Rodriguez");
/// let contact = client.upsert(record).await?;
/// println!("{}", contact.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    config: Arc<Config>,
    transport: Arc<dyn Transport>,
    shared: Arc<Shared>,
}

/// What all clones of a client have in common, whichever connections they use.
struct Shared {
    /// What replaces HTTP, if the caller gave it.
    replacement: Option<Arc<dyn Transport>>,
    slots: Option<Semaphore>,
    pacer: Arc<SharedPacer>,
}

impl Client {
    /// Starts with nothing said: options, environment and defaults meet in [`ClientBuilder::build`].
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Builds a client from `VAMBE_API_KEY`, `VAMBE_BASE_URL` and `VAMBE_CHANNEL_PHONE`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] names the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    fn new(config: Arc<Config>, replacement: Option<Arc<dyn Transport>>) -> Result<Self, Error> {
        let transport = transport(&config, replacement.as_ref())?;
        // What replaces HTTP stands for a server of its own, whatever the URL says.
        let pacer = if replacement.is_some() { SharedPacer::alone() } else { SharedPacer::of(&config) };
        let shared = Shared { replacement, slots: config.max_concurrency.map(Semaphore::new), pacer };
        Ok(Self { config, transport, shared: Arc::new(shared) })
    }

    /// Creates the customer's contact, or updates it when the channel already knows them.
    ///
    /// The record is checked first. Connection failures, timeouts, 408, 425, 429 and 5xx are
    /// tried again: the API documents the call as idempotent.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`], or [`ErrorCode::Config`] for a malformed trace, before anything is sent; any other code
    /// after the last attempt.
    pub async fn upsert(&self, record: impl Into<CustomerRecord>) -> Result<Contact, Error> {
        let record = record.into();
        let (_, body, _) = check(&record, &self.config.check, None).map_err(Error::validation)?;
        let call = Call::alone(&self.config)?;
        let result = self.carry(&call, &Bytes::from(body)).instrument(call.span.clone()).await;
        let attempts = result.as_ref().map_or_else(Error::attempts, |contact| contact.attempts);
        call.ended(attempts, result.as_ref().map(|_| ()));
        result
    }

    async fn carry(&self, call: &Call<'_>, body: &Bytes) -> Result<Contact, Error> {
        let started = Instant::now();
        let deadline = started + self.config.timeout;
        let mut retries = Retries::new(self.config.retry);
        loop {
            let number = retries.attempts() + 1;
            let failure = match self.attempt_before(call, number, body, deadline).await {
                Ok(Ok(contact)) => return Ok(finish(contact, number, started)),
                Ok(Err(failure)) => failure,
                Err(error) => return Err(retries.conclude(error)),
            };
            let remaining = deadline.saturating_duration_since(Instant::now());
            match retries.after(&failure, remaining, fastrand::f64()) {
                Next::Retry { wait: Duration::ZERO } => call.will_retry(number, &failure, Some(Duration::ZERO)),
                Next::Retry { wait } if self.pacer().may_retry(failure.is_timeout()) => {
                    call.will_retry(number, &failure, Some(wait));
                    sleep(wait).await;
                }
                _ => return Err(retries.conclude(failure.error)),
            }
        }
    }

    /// Checks a record without sending it, and returns every problem at once.
    pub fn validate(&self, record: &CustomerRecord) -> Validation {
        validate(record, &self.config.check)
    }

    /// Returns what would be sent for a record, without sending it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Validation`] with every problem at once.
    pub fn prepare(&self, record: &CustomerRecord) -> Result<Prepared, Error> {
        prepare(record, &self.config.check)
    }

    /// Returns a client with other options for a few calls, on the same connections.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if a time is zero.
    pub fn with_options(&self, options: CallOptions) -> Result<Self, Error> {
        let config = Arc::new(self.config.with_call_options(options)?);
        Ok(Self { config, ..self.clone() })
    }

    /// Returns a client with connections of its own; pauses and `max_concurrency` stay shared.
    ///
    /// For another runtime: a connection kept alive by one that nobody drives hangs its next user.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if the HTTP client cannot be set up.
    pub fn with_own_connections(&self) -> Result<Self, Error> {
        let transport = transport(&self.config, self.shared.replacement.as_ref())?;
        Ok(Self { transport, ..self.clone() })
    }

    /// Returns a client with the same options that shares nothing with this one.
    ///
    /// For a forked process, which must touch neither the connections nor the locks of its
    /// parent: this reads the options only.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] if the HTTP client cannot be set up.
    pub fn rebuilt(&self) -> Result<Self, Error> {
        Self::new(Arc::clone(&self.config), self.shared.replacement.clone())
    }

    /// Returns the defaults and the strictness that this client checks with.
    pub fn check_options(&self) -> &CheckOptions {
        &self.config.check
    }

    /// Returns the URL of the host that is called, without a path.
    pub fn origin(&self) -> String {
        self.config.endpoint.origin().ascii_serialization()
    }

    /// Names the key and the host together, and gives away neither; `salt` makes the name one of its own.
    ///
    /// For whoever keeps something for the next run, such as what was sent or the limit that was learned.
    pub fn fingerprint(&self, salt: &[u8]) -> [u8; 32] {
        self.config.fingerprint(salt)
    }

    /// Returns the server's limit in calls per second, as far as batches have learned it.
    pub fn learned_limit(&self) -> Option<f64> {
        self.pacer().limit()
    }

    /// Tells what limit was learned before: batches start at half of it, unless one has begun already.
    pub fn expect_limit(&self, calls_per_second: f64) {
        self.pacer().expect(calls_per_second);
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn pacer(&self) -> &SharedPacer {
        &self.shared.pacer
    }

    /// Makes one attempt, after the shared pause and a free slot, all before the deadline.
    async fn attempt_before(
        &self,
        call: &Call<'_>,
        number: u32,
        body: &Bytes,
        deadline: Instant,
    ) -> Result<Result<Contact, Failure>, Error> {
        let left = || deadline.saturating_duration_since(Instant::now());
        let pause = self.pacer().asked_left();
        if !pause.is_zero() {
            if pause >= left() {
                return Err(paused(pause));
            }
            sleep(pause).await;
        }
        let slot = match &self.shared.slots {
            None => None,
            Some(_) => timeout(left(), self.slot()).await.map_err(|_| late(Phase::Queue, self.config.timeout).error)?,
        };
        let attempt = self.attempt(call, number, body.clone(), self.config.attempt_timeout.min(left())).await;
        drop(slot);
        let throttled = attempt.as_ref().err().filter(|failure| failure.is_throttled());
        let asked = throttled.and_then(|failure| failure.error.retry_after());
        self.pacer().hear_single(attempt.is_ok(), asked);
        Ok(attempt)
    }

    /// Takes one of the client's slots, if it has a limit.
    pub(crate) async fn slot(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        match &self.shared.slots {
            // The semaphore is never closed.
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        }
    }

    /// Makes one attempt of a call within a time.
    pub(crate) async fn attempt(
        &self,
        call: &Call<'_>,
        number: u32,
        body: Bytes,
        limit: Duration,
    ) -> Result<Contact, Failure> {
        call.attempt(number, self.exchange(body, call.trace.clone(), limit)).await
    }

    async fn exchange(&self, body: Bytes, trace: Option<TraceContext>, limit: Duration) -> Result<Contact, Failure> {
        let exchange = Exchange::new(body.clone(), trace);
        let progress = exchange.progress.clone();
        let answer = match timeout(limit, self.transport.exchange(exchange)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(lost(error, progress.phase(), self.config.connect_timeout)),
            Err(_) => return Err(late(progress.phase(), limit)),
        };
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let context = Sent { body: text, api_key: self.config.api_key(), now: SystemTime::now() };
        response::read(&answer, &context).map_err(|error| Failure { error, cut_off: false })
    }
}

impl ClientBuilder {
    /// Builds the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`] names the option that is missing or wrong.
    pub fn build(mut self) -> Result<Client, Error> {
        let replacement = self.transport.take();
        Client::new(Arc::new(self.resolve(|name| std::env::var(name).ok(), http::system_proxy)?), replacement)
    }
}

impl ClientBuilder {
    /// Looks at the set-up and the way to the server, and sends a GET that holds no key and changes nothing.
    ///
    /// Needs no key, and never fails: what is wrong is in the answer.
    pub async fn diagnose(self) -> Diagnosis {
        doctor::diagnose(self, |name| std::env::var(name).ok()).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.config.endpoint.as_str()).finish_non_exhaustive()
    }
}

fn transport(config: &Config, replacement: Option<&Arc<dyn Transport>>) -> Result<Arc<dyn Transport>, Error> {
    match replacement {
        Some(transport) => Ok(Arc::clone(transport)),
        None => Ok(Arc::new(Http::new(config)?)),
    }
}

/// Adds to a contact what the call cost.
pub(crate) fn finish(contact: Contact, attempts: u32, started: Instant) -> Contact {
    Contact { attempts, elapsed: started.elapsed(), ..contact }
}

fn lost(error: TransportError, phase: Phase, connect_timeout: Duration) -> Failure {
    let message = error.message.unwrap_or_else(|| match error.kind {
        TransportErrorKind::Connect => "the server cannot be reached; check base_url, the network and the proxy".into(),
        TransportErrorKind::NotHttp => "what answered does not speak HTTP; check base_url".into(),
        TransportErrorKind::Certificate => "the server's certificate is not accepted; check ca_file".into(),
        TransportErrorKind::ProxyAuthentication => "the proxy refuses the user and password; check proxy".into(),
        TransportErrorKind::ConnectTimeout => overdue(Phase::Connect, connect_timeout),
        TransportErrorKind::CutOff => "the connection was cut".into(),
    });
    let is_late = error.kind == TransportErrorKind::ConnectTimeout;
    // What a certificate or a proxy refuses now, it refuses always, and has passed nothing on.
    let is_refused = matches!(error.kind, TransportErrorKind::Certificate | TransportErrorKind::ProxyAuthentication);
    let phase = if is_late || is_refused { Phase::Connect } else { phase };
    let code = if is_late { ErrorCode::Timeout } else { ErrorCode::Connection };
    let failed = Error::new(code, message).with(|details| {
        details.phase = Some(phase);
        details.delivery = delivery(phase);
        details.retryable = !is_refused && is_retryable(code, None);
    });
    let cut_off = error.kind == TransportErrorKind::CutOff && phase != Phase::Body;
    let failed = match error.source {
        Some(source) => failed.caused_by(Cause(source)),
        None => failed,
    };
    Failure { error: failed, cut_off }
}

fn late(phase: Phase, limit: Duration) -> Failure {
    let error = Error::new(ErrorCode::Timeout, overdue(phase, limit)).with(|details| {
        details.phase = Some(phase);
        details.delivery = delivery(phase);
        details.retryable = is_retryable(ErrorCode::Timeout, None);
    });
    Failure { error, cut_off: false }
}

fn overdue(phase: Phase, limit: Duration) -> String {
    let doing = match phase {
        Phase::Queue => "waiting for its turn",
        Phase::Connect => "connecting",
        Phase::Send => "sending",
        Phase::Wait => "waiting for the answer",
        Phase::Body => "reading the answer",
    };
    // What was left of a deadline has nine digits, of which nobody asked for the last six.
    let seconds = (limit.as_secs_f64() * 1000.0).round() / 1000.0;
    format!("the time was over after {seconds} s, while {doing}")
}

fn delivery(phase: Phase) -> Delivery {
    match phase {
        Phase::Queue | Phase::Connect => Delivery::NotSent,
        Phase::Send | Phase::Wait | Phase::Body => Delivery::Unknown,
    }
}

fn paused(pause: Duration) -> Error {
    let message =
        format!("the server asked to wait, {:.1} s more, which the timeout does not allow", pause.as_secs_f64());
    Error::new(ErrorCode::RateLimited, message).with(|details| {
        details.retry_after = Some(pause);
        details.retryable = true;
        details.phase = Some(Phase::Queue);
    })
}

/// A boxed cause, which is itself no [`std::error::Error`].
#[derive(Debug)]
struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
