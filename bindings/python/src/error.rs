//! From [`vambe::Error`] to the exceptions of `vambe._errors`, which are written in Python.

use pyo3::intern;
use pyo3::prelude::*;

use crate::json;

/// Returns the exception of an error: the class of its code, the details as attributes.
pub(crate) fn exception<'py>(py: Python<'py>, error: &vambe::Error) -> PyResult<Bound<'py, PyAny>> {
    let details = serde_json::to_value(error).unwrap_or_default();
    of_details(py, &details, std::error::Error::source(error).map(innermost))
}

/// Returns the exception that an error's details describe.
pub(crate) fn of_details<'py>(
    py: Python<'py>,
    details: &serde_json::Value,
    cause: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "vambe._errors"))?
        .call_method1(intern!(py, "from_details"), (json::object(py, details)?, cause))
}

/// Returns what to raise for an error.
pub(crate) fn raised(py: Python<'_>, error: &vambe::Error) -> PyErr {
    exception(py, error).map_or_else(|error| error, PyErr::from_value)
}

/// Returns what to raise for an option that is wrong, or for a client that is closed.
pub(crate) fn config(py: Python<'_>, message: &str) -> PyErr {
    let class = py.import(intern!(py, "vambe._errors")).and_then(|errors| errors.getattr(intern!(py, "ConfigError")));
    class.and_then(|class| class.call1((message,))).map_or_else(|error| error, PyErr::from_value)
}

/// Returns what the operating system or TLS said.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
