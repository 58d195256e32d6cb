//! The functions on phone numbers.

use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::{error, shapes};

/// Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`.
#[pyfunction]
#[pyo3(signature = (text, /))]
pub(crate) fn clean_phone(text: &str) -> String {
    vambe::clean_phone(text)
}

/// Returns the number in E.164 form, reading a national number as one of the region's.
#[pyfunction]
#[pyo3(signature = (text, region))]
pub(crate) fn normalize_phone(py: Python<'_>, text: &str, region: &str) -> PyResult<String> {
    vambe::normalize_phone(text, region).map_err(|error| error::raised(py, &error))
}

/// Returns the spellings of one WhatsApp account, the given one first.
#[pyfunction]
#[pyo3(signature = (number, /))]
pub(crate) fn phone_variants<'py>(py: Python<'py>, number: &str) -> PyResult<Bound<'py, PyList>> {
    shapes::shaped(py, "PhoneVariant", serde_json::to_value(vambe::phone_variants(number)))
}
