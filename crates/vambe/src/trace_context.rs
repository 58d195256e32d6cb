//! [`TraceContext`]: which trace a call belongs to, as W3C Trace Context has it. Pure.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::error::Error;

/// The trace that a call belongs to: the headers `traceparent` and `tracestate`.
///
/// ```
/// let trace = vambe::TraceContext::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")?;
/// assert_eq!(trace.traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// # Ok::<(), vambe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: HeaderValue,
    tracestate: Option<HeaderValue>,
}

impl TraceContext {
    /// Reads a `traceparent`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](crate::ErrorCode::Config) if it has another form than W3C Trace Context gives it.
    pub fn new(traceparent: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(traceparent).ok().filter(|_| is_traceparent(traceparent.as_bytes()));
        let traceparent = value.ok_or_else(|| {
            Error::config("traceparent must be version, trace id, parent id and flags in lowercase hex: 00-…-…-01")
        })?;
        Ok(Self { traceparent, tracestate: None })
    }

    /// Adds a `tracestate`; an empty one is none.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](crate::ErrorCode::Config) if it holds anything but visible ASCII and blanks.
    pub fn with_tracestate(self, tracestate: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(tracestate).ok().filter(|value| value.to_str().is_ok());
        let value = value.ok_or_else(|| Error::config("tracestate must be a list of key=value in visible ASCII"))?;
        Ok(Self { tracestate: Some(value).filter(|_| !tracestate.trim().is_empty()), ..self })
    }

    /// Reads both from headers by their names; nothing without a `traceparent`, and no other header.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) and [`with_tracestate`](Self::with_tracestate).
    pub fn from_carrier(carrier: &HashMap<String, String>) -> Result<Option<Self>, Error> {
        let Some(traceparent) = carrier.get(TRACEPARENT) else { return Ok(None) };
        let trace = Self::new(traceparent)?;
        carrier.get(TRACESTATE).map_or(Ok(trace.clone()), |tracestate| trace.with_tracestate(tracestate)).map(Some)
    }

    /// Returns the value of the header `traceparent`.
    pub fn traceparent(&self) -> &str {
        self.traceparent.to_str().unwrap_or_default()
    }

    /// Returns the value of the header `tracestate`, if there is one.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_ref()?.to_str().ok()
    }

    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(TRACEPARENT, self.traceparent.clone());
        if let Some(tracestate) = &self.tracestate {
            headers.insert(TRACESTATE, tracestate.clone());
        }
    }
}

/// Where the trace of a call comes from.
#[derive(Clone, Default)]
pub(crate) enum TraceSource {
    #[default]
    Nowhere,
    Given(TraceContext),
    Asked(Arc<Inject>),
}

/// What writes the caller's trace into headers.
pub(crate) type Inject = dyn Fn(&mut HashMap<String, String>) + Send + Sync;

impl TraceSource {
    pub(crate) fn of(trace: Option<TraceContext>) -> Self {
        trace.map_or(Self::Nowhere, Self::Given)
    }

    /// Returns the trace of a call that begins now.
    pub(crate) fn now(&self) -> Result<Option<TraceContext>, Error> {
        match self {
            Self::Nowhere => Ok(None),
            Self::Given(trace) => Ok(Some(trace.clone())),
            Self::Asked(inject) => {
                let mut carrier = HashMap::new();
                inject(&mut carrier);
                TraceContext::from_carrier(&carrier)
            }
        }
    }
}

impl fmt::Debug for TraceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nowhere => "Nowhere",
            Self::Given(_) => "Given",
            Self::Asked(_) => "Asked",
        })
    }
}

/// Of a later version than 00 more may follow, which is passed on as it is.
fn is_traceparent(text: &[u8]) -> bool {
    let part = |from: usize, to: usize| {
        let part = text.get(from..to)?;
        part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
    };
    let is_dash = |at: usize| text.get(at) == Some(&b'-');
    let has_value = |from, to| part(from, to).is_some_and(|part| part.iter().any(|byte| *byte != b'0'));
    let is_whole = match part(0, 2) {
        None | Some(b"ff") => false,
        Some(b"00") => text.len() == LENGTH,
        Some(_) => text.len() == LENGTH || is_dash(LENGTH),
    };
    is_whole && [2, 35, 52].into_iter().all(is_dash) && has_value(3, 35) && has_value(36, 52) && part(53, 55).is_some()
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const LENGTH: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_has_the_form_of_w3c_trace_context() {
        let later = format!("cc{}", &GOOD[2..]);
        for good in [GOOD, &later, &format!("{later}-what-the-future-brings")] {
            assert_eq!(TraceContext::new(good).unwrap().traceparent(), good);
        }
        let bad = [
            String::new(),
            GOOD[..54].to_owned(),
            format!("{GOOD}-more"),
            format!("ff{}", &GOOD[2..]),
            format!("{later}more"),
            GOOD.to_uppercase(),
            GOOD.replace('-', "_"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("00f067aa", "00f067aé"),
            format!("{GOOD}\r\nx: y"),
        ];
        for bad in bad {
            let error = TraceContext::new(&bad).unwrap_err();
            assert!(bad.is_empty() || !error.to_string().contains(&bad));
        }
    }

    #[test]
    fn a_carrier_gives_a_trace_only_with_a_traceparent() {
        let carrier = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            TraceContext::from_carrier(&pairs.collect())
        };
        assert_eq!(carrier(&[("tracestate", "a=b"), ("baggage", "user=maria")]).unwrap(), None);
        let trace = carrier(&[("traceparent", GOOD), ("tracestate", "a=b,c=d")]).unwrap().unwrap();
        assert_eq!(trace.tracestate(), Some("a=b,c=d"));
        assert_eq!(carrier(&[("traceparent", GOOD), ("tracestate", "")]).unwrap().unwrap().tracestate(), None);
        assert!(carrier(&[("traceparent", GOOD), ("tracestate", "a=é")]).is_err());
        assert!(carrier(&[("traceparent", GOOD), ("tracestate", "a\nb")]).is_err());
    }
}
