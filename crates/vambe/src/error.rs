//! [`Error`]: one type for all that can go wrong, carrying data rather than text to be parsed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::violation::{Validation, Violation};

macro_rules! names {
    ($(#[$attribute:meta])* $enum:ident { $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $enum { $($(#[doc = $doc])+ $variant,)+ }

        impl $enum {
            /// Every one of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the stable `snake_case` spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $enum {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

names! {
    /// What kind of error it is, by what the caller does next.
    ErrorCode {
        /// A bad key, URL or option: mend the set-up.
        Config = "config",
        /// The record breaks a rule; nothing was sent: mend the record.
        Validation = "validation",
        /// 400 or 422: the server refused the record.
        BadRequest = "bad_request",
        /// 401: the key is wrong.
        Authentication = "authentication",
        /// 403: the key may not do this.
        PermissionDenied = "permission_denied",
        /// 404: the base URL is probably wrong.
        NotFound = "not_found",
        /// 429 after the last attempt: slow down.
        RateLimited = "rate_limited",
        /// 5xx after the last attempt: try later.
        Server = "server",
        /// Any other status.
        Api = "api",
        /// The server was never reached, or cut the connection.
        Connection = "connection",
        /// The time was over.
        Timeout = "timeout",
        /// A success that cannot be read.
        InvalidResponse = "invalid_response",
    }
}

names! {
    /// Whether the server may have applied the call.
    Delivery {
        /// It never left this machine.
        NotSent = "not_sent",
        /// The server answered that it refuses.
        Rejected = "rejected",
        /// It was sent, and nobody knows what became of it.
        Unknown = "unknown",
    }
}

names! {
    /// What a call was doing when it ended.
    Phase {
        /// Waiting for its turn.
        Queue = "queue",
        /// Connecting.
        Connect = "connect",
        /// Sending the request.
        Send = "send",
        /// Waiting for the answer.
        Wait = "wait",
        /// Reading the answer.
        Body = "body",
    }
}

/// Everything that can go wrong, with the data to act on it.
///
/// Every door shows the same attributes under the same names; serialising the error gives
/// them all. `Display` and `Debug` hold neither the key nor personal data; [`Error::body`] may.
///
/// ```
/// let error = vambe::Client::builder().build().unwrap_err();
/// assert_eq!(error.code(), vambe::ErrorCode::Config);
/// ```
#[derive(Clone)]
pub struct Error {
    details: Box<Details>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What an error carries, as all doors show it.
#[derive(Clone, Serialize)]
pub(crate) struct Details {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) warnings: Vec<Violation>,
    pub(crate) truncated: bool,
    pub(crate) missing_custom_fields: Vec<String>,
    #[serde(serialize_with = "seconds")]
    pub(crate) retry_after: Option<Duration>,
    pub(crate) retryable: bool,
    pub(crate) delivery: Delivery,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) phase: Option<Phase>,
    pub(crate) body: Option<String>,
}

impl Error {
    /// Returns what kind of error it is.
    pub fn code(&self) -> ErrorCode {
        self.details.code
    }

    /// Returns the message: place, reason and way out, in English.
    pub fn message(&self) -> &str {
        &self.details.message
    }

    /// Returns the HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.details.status
    }

    /// Returns every broken rule of a record that was not sent.
    pub fn violations(&self) -> &[Violation] {
        &self.details.violations
    }

    /// Returns the warnings found beside the violations.
    pub fn warnings(&self) -> &[Violation] {
        &self.details.warnings
    }

    /// Returns whether there were more violations or warnings than the lists hold.
    pub fn truncated(&self) -> bool {
        self.details.truncated
    }

    /// Returns the custom field keys that the server said do not exist.
    pub fn missing_custom_fields(&self) -> &[String] {
        &self.details.missing_custom_fields
    }

    /// Returns how long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details.retry_after
    }

    /// Returns whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        self.details.retryable
    }

    /// Returns whether the server may have applied the call.
    pub fn delivery(&self) -> Delivery {
        self.details.delivery
    }

    /// Returns the server's id of the request, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.details.request_id.as_deref()
    }

    /// Returns how many times the call was tried.
    pub fn attempts(&self) -> u32 {
        self.details.attempts
    }

    /// Returns what the call was doing when it ended.
    pub fn phase(&self) -> Option<Phase> {
        self.details.phase
    }

    /// Returns the answer's text, at most 4 KiB of it; it may hold personal data.
    pub fn body(&self) -> Option<&str> {
        self.details.body.as_deref()
    }

    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let details = Details {
            code,
            message: message.into(),
            status: None,
            violations: Vec::new(),
            warnings: Vec::new(),
            truncated: false,
            missing_custom_fields: Vec::new(),
            retry_after: None,
            retryable: false,
            delivery: Delivery::NotSent,
            request_id: None,
            attempts: 0,
            phase: None,
            body: None,
        };
        Self { details: Box::new(details), source: None }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Config, message)
    }

    pub(crate) fn validation(found: Validation) -> Self {
        let mut error = Self::new(ErrorCode::Validation, violations_message(&found));
        error.details.violations = found.violations;
        error.details.warnings = found.warnings;
        error.details.truncated = found.truncated;
        error
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(&mut self.details);
        self
    }

    pub(crate) fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

fn violations_message(found: &Validation) -> String {
    let shown: Vec<_> = found.violations.iter().take(VIOLATIONS_IN_MESSAGE).map(ToString::to_string).collect();
    let rest = match found.violations.len().saturating_sub(VIOLATIONS_IN_MESSAGE) {
        0 => String::new(),
        rest => format!("; and {rest} more"),
    };
    format!("the record was not sent: {}{rest}", shown.join("; "))
}

#[allow(clippy::ref_option)] // serde hands over a reference to the field.
fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.details.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.details.code)
            .field("message", &self.details.message)
            .field("status", &self.details.status)
            .field("delivery", &self.details.delivery)
            .field("attempts", &self.details.attempts)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.details.serialize(serializer)
    }
}

const VIOLATIONS_IN_MESSAGE: usize = 5;
