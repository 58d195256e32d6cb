//! The native half of `Client` and `AsyncClient`: options in, calls out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::sync::mpsc::unbounded_channel;
use vambe::CallOptions;

use crate::batch::{self, Batch};
use crate::driver::{Driver, IdleDrivers};
use crate::port::Port;
use crate::process::PerProcess;
use crate::shapes::{Contact, Prepared, Validation};
use crate::watch::Watch;
use crate::{error, options, record, worker};

/// A client of the core, with what blocking and asyncio calls need around it.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Client {
    shared: Arc<Shared>,
    call: CallOptions,
    has_call_options: bool,
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
        Ok(Self { shared, call: CallOptions::default(), has_call_options: false })
    }

    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let call = options::call(options, self.call.clone())?;
        let other = Self { shared: Arc::clone(&self.shared), call, has_call_options: true };
        other.client(py)?;
        Ok(other)
    }

    #[pyo3(signature = (record, fields, watch))]
    fn upsert(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
        watch: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Contact> {
        let record = record::read(record, fields)?;
        let watch = watch.map(Watch::read).transpose()?;
        let here = self.here(py)?;
        let driver = here.driver(py)?;
        // A call that a signal has ended drops its driver, and so its connection.
        let result = match watch {
            None => {
                let client = self.with_call_options(py, driver.client())?;
                driver.run(py, None, async move { client.upsert(record).await })
            }
            Some(watch) => {
                let (queue, events) = unbounded_channel();
                // The receiver outlives the call.
                let options = watch.options(self.call.clone(), move |event| drop(queue.send(event)));
                let client = driver.client().with_options(options).map_err(|error| error::raised(py, &error))?;
                driver.run(py, Some((&watch, events)), async move { client.upsert(record).await })
            }
        }?;
        if !self.shared.is_closed.load(Ordering::Acquire) {
            here.drivers.put(driver);
        }
        result.map(Contact).map_err(|error| error::raised(py, &error))
    }

    /// Starts a call whose end the port tells to the future; returns the call's number.
    #[pyo3(signature = (port, future, record, fields, watch))]
    fn start(
        &self,
        py: Python<'_>,
        port: &Port,
        future: Py<PyAny>,
        record: Option<&Bound<'_, PyAny>>,
        fields: Option<&Bound<'_, PyDict>>,
        watch: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u64> {
        let record = record::read(record, fields)?;
        let number = port.number();
        let watch = watch.map(Watch::read).transpose()?;
        let client = self.watched(py, watch.as_ref(), port.queue(number))?;
        port.start(number, future, watch, async move { client.upsert(record).await })
    }

    #[pyo3(signature = (options, tells_progress, watch))]
    fn batch(
        &self,
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        tells_progress: bool,
        watch: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Batch> {
        let options = options::batch(options, tells_progress)?;
        let watch = watch.map(Watch::read).transpose()?;
        let shared = batch::Shared::new(&options);
        let client = self.watched(py, watch.as_ref(), batch::Shared::queue(&shared))?;
        let started = Batch::start(&worker::handle()?, &client, options, shared, watch);
        started.map_err(|error| error::raised(py, &error))
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
        match self.has_call_options {
            true => client.with_options(self.call.clone()).map_err(|error| error::raised(py, &error)),
            false => Ok(client.clone()),
        }
    }

    /// Returns a client of the core that queues what the watch wants to know.
    fn watched(
        &self,
        py: Python<'_>,
        watch: Option<&Watch>,
        queue: impl Fn(vambe::CallEvent) + Send + Sync + 'static,
    ) -> PyResult<vambe::Client> {
        let Some(watch) = watch else { return self.client(py) };
        let options = watch.options(self.call.clone(), queue);
        self.here(py)?.client.with_options(options).map_err(|error| error::raised(py, &error))
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
