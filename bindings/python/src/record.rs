//! From what a Python call was given to a [`CustomerRecord`].

use pyo3::prelude::*;
use pyo3::types::PyDict;
use vambe::{CustomerRecord, Value};

use crate::error;
use crate::value::{Converter, plain_text};

/// A record that is not made of Python objects: what `from_note` gives.
#[pyclass(frozen, module = "vambe", name = "Record")]
pub(crate) struct Record(CustomerRecord);

#[pymethods]
impl Record {
    fn __repr__(&self) -> String {
        format!("<vambe.Record of {:?}>", self.0)
    }
}

/// Reads a record from an object and keyword arguments, which add to it.
pub(crate) fn read(record: Option<&Bound<'_, PyAny>>, fields: Option<&Bound<'_, PyDict>>) -> PyResult<CustomerRecord> {
    let mut read = CustomerRecord::default();
    if let Some(object) = record {
        fill(&mut read, object)?;
    }
    if let Some(fields) = fields {
        set_all(&mut read, fields)?;
    }
    Ok(read)
}

/// Reads a row of an import: an object, or what the check will refuse.
pub(crate) fn row(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    match object.cast_exact::<Record>() {
        Ok(record) => {
            let entries = record.get().0.entries();
            Ok(Value::Object(entries.map(|(key, value)| (key.to_owned(), value.clone())).collect()))
        }
        Err(_) => Converter::default().value(object),
    }
}

// Fills what is there, for a record is large to move.
fn fill(record: &mut CustomerRecord, object: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(fields) = object.cast_exact::<PyDict>()
        && set_all(record, fields)?
    {
        return Ok(());
    }
    *record = match object.cast_exact::<Record>() {
        Ok(record) => record.get().0.clone(),
        // What is no object becomes a record that every check refuses, so that a batch has an outcome for it.
        Err(_) => Converter::default().value(object)?.into(),
    };
    Ok(())
}

/// Sets every field of a dict; false if a key is no text, and the record of no use.
fn set_all(record: &mut CustomerRecord, fields: &Bound<'_, PyDict>) -> PyResult<bool> {
    let mut converter = Converter::default();
    converter.enter(fields.as_any());
    for (key, value) in fields {
        let Some(key) = plain_text(&key) else { return Ok(false) };
        match plain_text(&value) {
            Some(text) => record.set(key, text),
            None => record.set(key, converter.value(&value)?),
        }
    }
    Ok(true)
}

/// Translates the payload of the deprecated note endpoint.
#[pyfunction]
#[pyo3(signature = (payload, /))]
pub(crate) fn from_note(py: Python<'_>, payload: &Bound<'_, PyAny>) -> PyResult<Record> {
    let payload = Converter::default().value(payload)?;
    CustomerRecord::from_note(payload).map(Record).map_err(|error| error::raised(py, &error))
}
