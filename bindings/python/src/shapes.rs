//! What calls give back: Rust values that become Python objects attribute by attribute, when asked.

use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde_json::Value as Json;

use crate::{error, json};

/// The contact that was created or found, with what the call cost.
#[pyclass(frozen, eq, module = "vambe")]
#[derive(PartialEq)]
pub(crate) struct Contact(pub(crate) vambe::Contact);

/// Writes the methods of a class: attributes of the value it wraps, then others.
macro_rules! methods {
    ($type:ident {
        $($(#[doc = $doc:literal])+ $name:ident: $value:ty => |$this:ident| $get:expr,)+
        ;
        $($others:tt)*
    }) => {
        #[pymethods]
        impl $type {
            $($(#[doc = $doc])+
            #[getter]
            fn $name(&self) -> $value {
                let $this = &self.0;
                $get
            })+
            $($others)*
        }
    };
}

methods! { Contact {
    /// The contact's id (other endpoints of the API call it `aiContactId`).
    id: &str => |contact| &contact.id,
    /// Display name.
    name: Option<&str> => |contact| contact.name.as_deref(),
    /// Phone number as the server keeps it.
    phone: Option<&str> => |contact| contact.phone.as_deref(),
    /// E-mail address.
    email: Option<&str> => |contact| contact.email.as_deref(),
    /// Channel: `whatsapp`, `web-whatsapp`, `webchat`, or one that is newer than this SDK.
    platform: Option<&str> => |contact| contact.platform.as_deref(),
    /// Your organisation's id.
    client_id: Option<&str> => |contact| contact.client_id.as_deref(),
    /// The customer profile, which several contacts may share.
    ai_customer_id: Option<&str> => |contact| contact.ai_customer_id.as_deref(),
    /// When the contact was created, as ISO 8601 text.
    created_at: Option<&str> => |contact| contact.created_at.as_deref(),
    /// The current pipeline stage.
    default_stage_id: Option<&str> => |contact| contact.default_stage_id.as_deref(),
    /// Whether the contact is blocked.
    blocked: Option<bool> => |contact| contact.blocked,
    /// State of the chat, such as `UNATTENDED`.
    chat_status: Option<&str> => |contact| contact.chat_status.as_deref(),
    /// Whether the chat was read.
    is_chat_read: Option<bool> => |contact| contact.is_chat_read,
    /// The answer's JSON as received.
    raw: &str => |contact| &contact.raw,
    /// The HTTP status: any 2xx.
    status: u16 => |contact| contact.status,
    /// The server's id of the request, if it sent one.
    request_id: Option<&str> => |contact| contact.request_id.as_deref(),
    /// How many times the call was tried.
    attempts: u32 => |contact| contact.attempts,
    /// How long the call took, waits included, in seconds.
    elapsed: f64 => |contact| contact.elapsed.as_secs_f64(),
    ;

    /// Reads a contact from the JSON of an answer, for tests and for unpickling.
    #[new]
    #[pyo3(signature = (raw, *, status = 200, request_id = None, attempts = 1, elapsed = 0.0))]
    fn new(raw: &str, status: u16, request_id: Option<String>, attempts: u32, elapsed: f64) -> PyResult<Self> {
        let unreadable = || PyValueError::new_err("raw must be a JSON object with an id");
        let mut contact: vambe::Contact = serde_json::from_str(raw).map_err(|_| unreadable())?;
        if contact.id.trim().is_empty() {
            return Err(unreadable());
        }
        raw.clone_into(&mut contact.raw);
        contact.status = status;
        contact.request_id = request_id;
        contact.attempts = attempts;
        contact.elapsed = Duration::try_from_secs_f64(elapsed)
            .map_err(|_| PyValueError::new_err("elapsed must be a number of seconds"))?;
        Ok(Self(contact))
    }

    /// Every other field of the answer.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extra = PyDict::new(py);
        for (key, value) in &self.0.extra {
            extra.set_item(key, json::object(py, value)?)?;
        }
        Ok(extra)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.0.id.hash(&mut hasher);
        hasher.finish()
    }

    // Names and numbers are personal data, and a repr ends up in logs.
    fn __repr__(&self) -> String {
        let (contact, elapsed) = (&self.0, self.0.elapsed.as_secs_f64());
        format!(
            "Contact(id={:?}, status={}, attempts={}, elapsed={elapsed:.3})",
            contact.id, contact.status, contact.attempts
        )
    }

    fn __reduce__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, contact) = (this.py(), &this.get().0);
        let options = PyDict::new(py);
        options.set_item(intern!(py, "status"), contact.status)?;
        options.set_item(intern!(py, "request_id"), contact.request_id.as_deref())?;
        options.set_item(intern!(py, "attempts"), contact.attempts)?;
        options.set_item(intern!(py, "elapsed"), contact.elapsed.as_secs_f64())?;
        rebuilt_by(&this.get_type().into_any(), &contact.raw, &options)
    }
}}

/// Returns what `pickle` and `copy` call to make an object again.
fn rebuilt_by<'py>(
    class: &Bound<'py, PyAny>,
    argument: &str,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let partial = py.import(intern!(py, "functools"))?.getattr(intern!(py, "partial"))?;
    let partial = partial.call((class,), Some(options))?;
    (partial, (argument,)).into_bound_py_any(py)
}

/// What became of one record of a batch.
#[pyclass(frozen, get_all, module = "vambe")]
pub(crate) struct Outcome {
    /// The record's place in the input, from 0.
    index: u64,
    /// The contact, if the server accepted the record.
    contact: Option<Py<Contact>>,
    /// Why the record was not accepted.
    error: Option<Py<PyAny>>,
    /// How many times the record was sent.
    attempts: u32,
    /// The record's identity, unless it was refused; personal data.
    key: Option<String>,
}

impl Outcome {
    pub(crate) fn from_core(py: Python<'_>, outcome: vambe::Outcome) -> PyResult<Self> {
        let (contact, error) = match outcome.result {
            Ok(contact) => (Some(Py::new(py, Contact(contact))?), None),
            Err(error) => (None, Some(error::exception(py, &error)?.unbind())),
        };
        Ok(Self { index: outcome.index, contact, error, attempts: outcome.attempts, key: outcome.key })
    }

    /// Returns the outcome of a record that a batch ended without.
    pub(crate) fn left_over(py: Python<'_>, index: u64, error: &vambe::Error) -> PyResult<Self> {
        let error = Some(error::exception(py, error)?.unbind());
        Ok(Self { index, contact: None, error, attempts: 0, key: None })
    }
}

#[pymethods]
impl Outcome {
    #[new]
    #[pyo3(signature = (index, contact = None, error = None, attempts = 1, key = None))]
    fn new(
        index: u64,
        contact: Option<Py<Contact>>,
        error: Option<Py<PyAny>>,
        attempts: u32,
        key: Option<String>,
    ) -> PyResult<Self> {
        if contact.is_some() == error.is_some() {
            return Err(PyValueError::new_err("an outcome has either a contact or an error"));
        }
        Ok(Self { index, contact, error, attempts, key })
    }

    /// Whether the server accepted the record.
    #[getter]
    fn ok(&self) -> bool {
        self.contact.is_some()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let result = match (&self.contact, &self.error) {
            (Some(contact), _) => format!("contact={}", contact.get().__repr__()),
            (_, Some(error)) => format!("error={}", error.bind(py).repr()?),
            _ => String::new(),
        };
        Ok(format!("Outcome(index={}, {result})", self.index))
    }

    fn __reduce__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, outcome) = (this.py(), this.get());
        let arguments = (outcome.index, &outcome.contact, &outcome.error, outcome.attempts, outcome.key.as_deref());
        (this.get_type(), arguments).into_bound_py_any(py)
    }
}

/// What would be sent for a record, and how it came about.
#[pyclass(frozen, module = "vambe")]
pub(crate) struct Prepared(pub(crate) vambe::Prepared);

methods! { Prepared {
    /// The JSON body, to the byte.
    body: &str => |prepared| &prepared.body,
    /// The record's identity: records that share it are sent one after another. Personal data.
    key: &str => |prepared| &prepared.key,
    ;

    /// What was changed on the way.
    #[getter]
    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        shaped(py, "Change", serde_json::to_value(&self.0.changes))
    }

    /// What is doubtful, yet sent.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        shaped(py, "Violation", serde_json::to_value(&self.0.warnings))
    }

    fn __repr__(&self) -> String {
        let (changes, warnings) = (self.0.changes.len(), self.0.warnings.len());
        format!("<vambe.Prepared: {} bytes, {changes} changes, {warnings} warnings>", self.0.body.len())
    }
}}

/// Everything a check has to say about one record.
#[pyclass(frozen, module = "vambe")]
pub(crate) struct Validation(pub(crate) vambe::Validation);

methods! { Validation {
    /// Whether there were more than the lists hold.
    truncated: bool => |validation| validation.truncated,
    /// Whether the record may be sent; warnings do not count.
    is_valid: bool => |validation| validation.is_valid(),
    ;

    /// The errors, in the order of the schema: at most 100.
    #[getter]
    fn violations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        shaped(py, "Violation", serde_json::to_value(&self.0.violations))
    }

    /// The warnings, in the same order: at most 100.
    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        shaped(py, "Violation", serde_json::to_value(&self.0.warnings))
    }

    fn __repr__(&self) -> String {
        let (violations, warnings) = (self.0.violations.len(), self.0.warnings.len());
        format!("<vambe.Validation: {violations} violations, {warnings} warnings>")
    }
}}

/// Returns a list of objects of a class of `vambe._shapes`.
pub(crate) fn shaped<'py>(
    py: Python<'py>,
    class: &str,
    items: serde_json::Result<Json>,
) -> PyResult<Bound<'py, PyList>> {
    let class = py.import(intern!(py, "vambe._shapes"))?.getattr(class)?;
    let list = PyList::empty(py);
    for item in items.unwrap_or_default().as_array().into_iter().flatten() {
        let fields = json::object(py, item)?.cast_into::<PyDict>()?;
        list.append(class.call((), Some(&fields))?)?;
    }
    Ok(list)
}
