//! [`CheckOptions`]: what a check takes for granted; [`CallOptions`]: what differs for a few calls; [`Door`]: what
//! the core is used through.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{CallEvent, Hooks};
use crate::trace_context::{TraceContext, TraceSource};

/// Defaults and strictness of a check; a [`Client`](crate::Client) has its own set.
///
/// ```
/// use vambe::{CheckOptions, CustomerRecord, prepare};
///
/// let options = CheckOptions { default_region: Some("CL".into()), ..CheckOptions::default() };
/// let record = CustomerRecord::whatsapp("+56987654321", "9 8765 4321");
/// assert!(prepare(&record, &options)?.body.contains("+56987654321"));
/// # Ok::<(), vambe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOptions {
    /// `channel` of records that give none.
    pub channel: Option<String>,
    /// `channel_phone_number` of WhatsApp records that give none.
    pub channel_phone_number: Option<String>,
    /// `channel_id` of webchat records that give none.
    pub channel_id: Option<String>,
    /// Country of numbers without country code, such as `CL`; all numbers become E.164.
    /// Default: none, and numbers are only cleaned.
    pub default_region: Option<String>,
    /// Whether a suspicious e-mail address is an error. Default: a warning.
    pub strict_email: bool,
    /// Whether `meta_data` is sent as `{}` when there is none. Default: yes, since the
    /// API's page calls it optional in one place and required in another.
    pub send_empty_meta_data: bool,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            channel: None,
            channel_phone_number: None,
            channel_id: None,
            default_region: None,
            strict_email: false,
            send_empty_meta_data: true,
        }
    }
}

/// Options that differ for a few calls; see [`Client::with_options`](crate::Client::with_options).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// Time of a whole call; unchanged if not set.
    pub timeout: Option<Duration>,
    /// Time of one attempt; unchanged if not set.
    pub attempt_timeout: Option<Duration>,
    /// How often a failed call is tried again; unchanged if not set.
    pub max_retries: Option<u32>,
    pub(crate) hooks: Hooks,
    pub(crate) trace: Option<TraceSource>,
}

impl CallOptions {
    /// Sets the time of a whole call.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the time of one attempt.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Sets how often a failed call is tried again.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// Sets what is told when an attempt begins, instead of the client's.
    #[must_use]
    pub fn on_attempt(mut self, hook: impl Fn(&CallEvent) + Send + Sync + 'static) -> Self {
        self.hooks.attempt = Some(Arc::new(hook));
        self
    }

    /// Sets what is told when an attempt has ended, instead of the client's.
    #[must_use]
    pub fn on_answer(mut self, hook: impl Fn(&CallEvent) + Send + Sync + 'static) -> Self {
        self.hooks.answer = Some(Arc::new(hook));
        self
    }

    /// Sets what is told when a call will be tried again, instead of the client's.
    #[must_use]
    pub fn on_retry(mut self, hook: impl Fn(&CallEvent) + Send + Sync + 'static) -> Self {
        self.hooks.retry = Some(Arc::new(hook));
        self
    }

    /// Sets the trace that the calls belong to; `None` sends none, whatever the client has.
    #[must_use]
    pub fn trace_context(mut self, trace: impl Into<Option<TraceContext>>) -> Self {
        self.trace = Some(TraceSource::of(trace.into()));
        self
    }

    /// Sets what writes the caller's trace into headers, whenever a call begins.
    #[must_use]
    pub fn trace_context_with(mut self, inject: impl Fn(&mut HashMap<String, String>) + Send + Sync + 'static) -> Self {
        self.trace = Some(TraceSource::Asked(Arc::new(inject)));
        self
    }
}

/// What the core is used through, which the `User-Agent` names.
///
/// The bindings and the command say which they are; a program in Rust has nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Door {
    /// This crate.
    #[default]
    Rust,
    /// The Python package.
    Python,
    /// The npm package.
    Node,
    /// The command.
    Cli,
}

impl Door {
    pub(crate) const fn product(self) -> &'static str {
        match self {
            Self::Rust => concat!("vambe-rust/", env!("CARGO_PKG_VERSION")),
            Self::Python => concat!("vambe-python/", env!("CARGO_PKG_VERSION")),
            Self::Node => concat!("vambe-node/", env!("CARGO_PKG_VERSION")),
            Self::Cli => concat!("vambe-cli/", env!("CARGO_PKG_VERSION")),
        }
    }
}
