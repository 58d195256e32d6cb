//! The native half of `Client` and `AsyncClient`: options in, calls out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use vambe::CallOptions;

use crate::batch::Batch;
use crate::driver::{Driver, IdleDrivers};
use crate::port::Port;
use crate::process::PerProcess;
use crate::shapes::{Contact, Prepared, Validation};
use crate::{error, options, record, worker};

/// A client of the core, with what blocking and asyncio calls need around it.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Client {
    shared: Arc<Shared>,
    call: CallOptions,
}

/// What a client and those made from it by `with_options` have in common.
struct Shared {
    here: PerProcess<Here>,
    is_closed: AtomicBool,
}

/// What belongs to one process.
struct Here {
    client: vambe::Client,
    drivers: IdleDrivers,
}

impl Here {
    fn driver(&self, py: Python<'_>) -> PyResult<Driver> {
        if let Some(driver) = self.drivers.take() {
            return Ok(driver);
        }
        let client = py.detach(|| self.client.with_own_connections());
        Ok(Driver::new(client.map_err(|error| error::raised(py, &error))?)?)
    }
}

#[pymethods]
impl Client {
    #[new]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let builder = options::client(options)?;
        // Reading the certificates of the machine takes long.
        let client = py.detach(|| builder.build()).map_err(|error| error::raised(py, &error))?;
        let here = PerProcess::new(Here { client, drivers: IdleDrivers::default() });
        let shared = Arc::new(Shared { here, is_closed: AtomicBool::new(false) });
        Ok(Self { shared, call: CallOptions::default() })
    }

    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let call = options::call(options, self.call)?;
        let other = Self { shared: Arc::clone(&self.shared), call };
        other.client(py)?;
        Ok(other)
    }

    #[pyo3(signature = (record, fields))]
    fn upsert(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Contact> {
        let record = record::read(record, fields)?;
        let here = self.here(py)?;
        let driver = here.driver(py)?;
        let client = self.with_call_options(py, driver.client())?;
        // A call that a signal has ended drops its driver, and so its connection.
        let result = driver.run(py, async move { client.upsert(record).await })?;
        if !self.shared.is_closed.load(Ordering::Acquire) {
            here.drivers.put(driver);
        }
        result.map(Contact).map_err(|error| error::raised(py, &error))
    }

    /// Starts a call whose end the port tells to the future; returns the call's number.
    #[pyo3(signature = (port, future, record, fields))]
    fn start(
        &self,
        py: Python<'_>,
        port: &Port,
        future: Py<PyAny>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let record = record::read(record, fields)?;
        let client = self.client(py)?;
        port.start(future, async move { client.upsert(record).await })
    }

    fn batch(&self, py: Python<'_>, options: &Bound<'_, PyDict>, tells_progress: bool) -> PyResult<Batch> {
        let options = options::batch(options, tells_progress)?;
        Batch::start(&worker::handle()?, &self.client(py)?, options).map_err(|error| error::raised(py, &error))
    }

    #[pyo3(signature = (record, fields))]
    fn validate(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Validation> {
        let record = record::read(record, fields)?;
        Ok(Validation(self.here(py)?.client.validate(&record)))
    }

    #[pyo3(signature = (record, fields))]
    fn prepare(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Prepared> {
        let record = record::read(record, fields)?;
        self.here(py)?.client.prepare(&record).map(Prepared).map_err(|error| error::raised(py, &error))
    }

    fn close(&self, py: Python<'_>) {
        if let Ok(here) = self.here(py) {
            self.shared.is_closed.store(true, Ordering::Release);
            py.detach(|| here.drivers.close());
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("{:?}", self.client(py)?))
    }
}

impl Client {
    /// Returns what belongs to this process, made anew after a fork.
    fn here(&self, py: Python<'_>) -> PyResult<&Here> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(error::config(py, "the client is closed"));
        }
        let remake = |first: &Here| Ok(Here { client: first.client.rebuilt()?, drivers: IdleDrivers::default() });
        self.shared.here.get(remake).map_err(|error: vambe::Error| error::raised(py, &error))
    }

    /// Returns a client whose connections belong to nobody yet.
    pub(crate) fn for_another_runtime(&self, py: Python<'_>) -> PyResult<vambe::Client> {
        let client = self.client(py)?;
        py.detach(|| client.with_own_connections()).map_err(|error| error::raised(py, &error))
    }

    fn client(&self, py: Python<'_>) -> PyResult<vambe::Client> {
        self.with_call_options(py, &self.here(py)?.client)
    }

    fn with_call_options(&self, py: Python<'_>, client: &vambe::Client) -> PyResult<vambe::Client> {
        let CallOptions { timeout: None, attempt_timeout: None, max_retries: None, .. } = self.call else {
            return client.with_options(self.call).map_err(|error| error::raised(py, &error));
        };
        Ok(client.clone())
    }
}

/// Checks a record without sending it, and returns every problem at once.
///
/// >>> validate({"channel": "webchat"}).is_valid
/// False
#[pyfunction]
#[pyo3(signature = (record, /, **options))]
pub(crate) fn validate(record: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Validation> {
    Ok(Validation(vambe::validate(&record::read(Some(record), None)?, &options::check(options)?)))
}

/// Returns what would be sent for a record, without sending it.
///
/// Raises a `ValidationError` with every problem at once.
///
/// >>> phones = {"channel_phone_number": "+56987654321", "contact_phone_number": "+56 9 1234 5678"}
/// >>> prepare({"channel": "whatsapp", **phones}).key
/// 'whatsapp/56987654321/56912345678'
#[pyfunction]
#[pyo3(signature = (record, /, **options))]
pub(crate) fn prepare(
    py: Python<'_>,
    record: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Prepared> {
    let record = record::read(Some(record), None)?;
    vambe::prepare(&record, &options::check(options)?).map(Prepared).map_err(|error| error::raised(py, &error))
}

/// Every code of an error.
#[pyfunction]
pub(crate) fn error_codes() -> Vec<&'static str> {
    vambe::ErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}

/// Every code of a violation.
#[pyfunction]
pub(crate) fn violation_codes() -> Vec<&'static str> {
    vambe::ViolationCode::ALL.iter().map(|code| code.as_str()).collect()
}
