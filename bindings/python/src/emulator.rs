//! The emulator on a thread and a runtime of its own, for `vambe.testing`.

use std::sync::{Mutex, PoisonError, mpsc};
use std::{io, thread};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use vambe_emulator::Options;

/// A running emulator; dropping it stops it.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Emulator {
    url: String,
    api_key: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    pid: u32,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

#[pymethods]
impl Emulator {
    /// `options` is what `vambe_emulator::Options` reads from JSON.
    #[new]
    fn new(py: Python<'_>, options: &str) -> PyResult<Self> {
        let options = Options::from_json(options).map_err(PyValueError::new_err)?;
        let (announce, announced) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("vambe-emulator".to_owned()).spawn(move || {
            if let Err(error) = serve(options, &announce, stopped) {
                let _: Result<(), _> = announce.send(Err(error));
            }
        })?;
        let started = py.detach(move || announced.recv()).map_err(|_| io::Error::other("the emulator has ended"))?;
        let (url, api_key) = started.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
            _ => error.into(),
        })?;
        let running = Mutex::new(Some(Running { pid: std::process::id(), stop, thread }));
        Ok(Self { url, api_key, running })
    }

    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn api_key(&self) -> &str {
        &self.api_key
    }

    #[staticmethod]
    fn new_api_key() -> String {
        vambe_emulator::new_api_key()
    }

    fn close(&self, py: Python<'_>) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            // A forked process has inherited the handle, but not the thread.
            if running.pid == std::process::id() {
                drop(running.stop);
                // It can only have failed by a panic, which has been reported.
                let _: Result<(), _> = py.detach(|| running.thread.join());
            } else {
                std::mem::forget(running);
            }
        }
    }
}

type Announcement = io::Result<(String, String)>;

fn serve(options: Options, announce: &mpsc::Sender<Announcement>, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let emulator = vambe_emulator::Emulator::builder().options(options).start().await?;
        let _: Result<(), _> = announce.send(Ok((emulator.url().to_owned(), emulator.api_key().to_owned())));
        let _: Result<(), _> = stopped.await;
        emulator.close().await;
        Ok(())
    })
}
