//! [`Watch`]: who is told of a call's events, and the trace that it belongs to.
//!
//! Events are queued where they happen, and told in the caller's thread: no runtime's thread ever waits for Python.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use vambe::{CallEvent, CallOptions, TraceContext};

use crate::error;

/// What `vambe._events` made for one call.
pub(crate) struct Watch {
    listener: Py<PyAny>,
    wanted: u8,
    /// Whether the caller was asked for the trace, which may have come to none.
    is_asked: bool,
    trace: Option<TraceContext>,
}

impl Watch {
    pub(crate) fn read(listener: &Bound<'_, PyAny>) -> PyResult<Self> {
        let carrier = listener.getattr("carrier")?;
        let is_asked = !carrier.is_none();
        let trace = if is_asked { trace_context(&carrier)? } else { None };
        let wanted = listener.getattr("wanted")?.extract()?;
        Ok(Self { listener: listener.clone().unbind(), wanted, is_asked, trace })
    }

    /// Adds to the options of a call that its events are queued.
    pub(crate) fn options(&self, call: CallOptions, queue: impl Fn(CallEvent) + Send + Sync + 'static) -> CallOptions {
        let mut call = if self.is_asked { call.trace_context(self.trace.clone()) } else { call };
        let queue = Arc::new(queue);
        let hook = || {
            let queue = Arc::clone(&queue);
            move |event: &CallEvent| queue(event.clone())
        };
        if self.wanted & ATTEMPT != 0 {
            call = call.on_attempt(hook());
        }
        if self.wanted & ANSWER != 0 {
            call = call.on_answer(hook());
        }
        if self.wanted & RETRY != 0 {
            call = call.on_retry(hook());
        }
        call
    }

    /// Tells of an event. An exception of a hook is the hook's, and not the call's; Ctrl-C is everybody's.
    pub(crate) fn tell(&self, py: Python<'_>, event: &CallEvent) -> PyResult<()> {
        let kind = serde_json::to_value(event.kind).unwrap_or_default();
        let told = self.listener.call1(
            py,
            (
                kind.as_str().unwrap_or_default(),
                event.call_id,
                event.index,
                event.attempt,
                event.status,
                event.code.map(vambe::ErrorCode::as_str),
                event.request_id.as_deref(),
                event.elapsed.map(|time| time.as_secs_f64()),
                event.wait.map(|time| time.as_secs_f64()),
            ),
        );
        match told {
            Err(raised) if raised.is_instance_of::<PyException>(py) => {
                raised.write_unraisable(py, Some(self.listener.bind(py)));
                Ok(())
            }
            told => told.map(drop),
        }
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self { listener: self.listener.clone_ref(py), trace: self.trace.clone(), ..*self }
    }
}

/// Reads `traceparent` and `tracestate` from a mapping of headers; a value of None is none.
pub(crate) fn trace_context(carrier: &Bound<'_, PyAny>) -> PyResult<Option<TraceContext>> {
    let py = carrier.py();
    let wrong = || error::config(py, "trace_context must be a mapping of header names to text, or a function");
    let headers = PyDict::new(py);
    headers.update(carrier.cast().map_err(|_| wrong())?)?;
    let mut texts = HashMap::new();
    for name in ["traceparent", "tracestate"] {
        if let Some(value) = headers.get_item(name)?.filter(|value| !value.is_none()) {
            texts.insert(name.to_owned(), value.extract().map_err(|_| wrong())?);
        }
    }
    TraceContext::from_carrier(&texts).map_err(|error| error::raised(py, &error))
}

/// What `wanted` is made of; `vambe._events` knows these numbers too.
const ATTEMPT: u8 = 1;
const ANSWER: u8 = 2;
const RETRY: u8 = 4;
