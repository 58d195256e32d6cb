//! Imports: the run goes on on a thread of its own, while the calling thread makes rows, hears of progress and obeys
//! signals.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator};
use tokio::runtime::Builder;
use vambe::{Door, Value};
use vambe_import::{Job, JobSource, Progress, Source, SourceError, SourceProblem, Stop, StopCause, Told};

use crate::client::Client;
use crate::import_options;
use crate::{error, json, record};

/// What an import ends with: its report, and the exception to raise.
type Ended = (Option<Py<PyAny>>, Option<Py<PyAny>>);

/// Imports a file; blocks until the run has ended.
#[pyfunction]
#[pyo3(signature = (client, path, options, on_progress))]
pub(crate) fn import_file(
    client: &Bound<'_, Client>,
    path: PathBuf,
    options: &Bound<'_, PyDict>,
    on_progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Ended> {
    let job = import_options::job(JobSource::File(path), options)?;
    let link = Arc::<Link>::default();
    link.lock().end_of_rows = Some(Ok(()));
    run(client, job, Caller { link, rows: None, on_progress, stop: Stop::new(), raised: None })
}

/// Imports the rows that an iterator gives; blocks until the run has ended.
#[pyfunction]
#[pyo3(signature = (client, rows, name, options, on_progress))]
pub(crate) fn import_rows(
    client: &Bound<'_, Client>,
    rows: Bound<'_, PyIterator>,
    name: PathBuf,
    options: &Bound<'_, PyDict>,
    on_progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Ended> {
    let link = Arc::<Link>::default();
    let source = Source::from_rows(name.clone(), Rows { link: Arc::clone(&link), name });
    let job = import_options::job(JobSource::Rows(Box::new(source)), options)?;
    run(client, job, Caller { link, rows: Some(rows), on_progress, stop: Stop::new(), raised: None })
}

fn run(client: &Bound<'_, Client>, job: Job, mut caller: Caller<'_>) -> PyResult<Ended> {
    let py = client.py();
    let client = client.get().for_another_runtime(py)?;
    let ending = Ending { link: Arc::clone(&caller.link), told: None };
    let stop = caller.stop.clone();
    thread::Builder::new().name("vambe-import".to_owned()).spawn(move || carry(&client, job, &stop, ending))?;
    let told = caller.attend(py);
    if let Some(raised) = caller.raised {
        return Err(raised);
    }
    let Some(told) = told else {
        return Err(PyRuntimeError::new_err("the import was lost, which is a mistake in vambe: please report it"));
    };
    let report = told.report.map(|report| json::object(py, &report)).transpose()?;
    let error = told.error.map(|details| error::of_details(py, &details, None)).transpose()?;
    Ok((report.map(Bound::unbind), error.map(Bound::unbind)))
}

/// Runs an import on this thread.
fn carry(client: &vambe::Client, job: Job, stop: &Stop, mut ending: Ending) {
    // Without a runtime the caller is told that the import was lost.
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    let link = Arc::clone(&ending.link);
    let on_progress = move |progress: &Progress| link.change(|state| state.progress = Some(*progress));
    ending.told = Some(runtime.block_on(job.run(client, Door::Python, stop, on_progress)));
    // Reading what gives nothing cannot be interrupted.
    runtime.shutdown_background();
}

/// What passes between the caller and the import.
#[derive(Default)]
struct Link {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    rows: VecDeque<Value>,
    /// How the rows ended, once there are no more.
    end_of_rows: Option<Result<(), String>>,
    progress: Option<Progress>,
    told: Option<Told>,
    is_over: bool,
}

impl State {
    fn wants_rows(&self, below: usize) -> bool {
        self.end_of_rows.is_none() && !self.is_over && self.rows.len() < below
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes whoever waits for that.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.lock());
        self.changed.notify_all();
        changed
    }
}

/// The rows as the import takes them.
struct Rows {
    link: Arc<Link>,
    name: PathBuf,
}

impl Iterator for Rows {
    type Item = Result<Value, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let has_news = |state: &mut State| state.rows.is_empty() && state.end_of_rows.is_none();
        let waited = self.link.changed.wait_while(self.link.lock(), has_news);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = state.rows.pop_front() {
            let is_low = state.rows.len() + 1 == FEW;
            drop(state);
            if is_low {
                self.link.changed.notify_all();
            }
            return Some(Ok(row));
        }
        let message = state.end_of_rows.clone()?.err()?;
        Some(Err(SourceError { path: self.name.clone(), line: None, problem: SourceProblem::Program(message) }))
    }

    // Those that are here already: no other row waits for more.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.link.lock().rows.len(), None)
    }
}

/// Ends the import for the caller however it ends on its thread.
struct Ending {
    link: Arc<Link>,
    told: Option<Told>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let told = self.told.take();
        self.link.change(|state| {
            state.told = told;
            state.is_over = true;
            // Whoever reads rows ahead must not wait for ever.
            state.end_of_rows.get_or_insert(Ok(()));
        });
    }
}

/// The calling thread, and what it has to say to the import.
struct Caller<'py> {
    link: Arc<Link>,
    rows: Option<Bound<'py, PyIterator>>,
    on_progress: Option<Bound<'py, PyAny>>,
    stop: Stop,
    /// What is to be raised at the end.
    raised: Option<PyErr>,
}

impl Caller<'_> {
    /// Attends to the import until it is over.
    fn attend(&mut self, py: Python<'_>) -> Option<Told> {
        loop {
            let link = &self.link;
            let (progress, is_over) = py.detach(|| link.wait_a_slice());
            if let Err(error) = py.check_signals() {
                self.stop_for(error);
            }
            if let Some(progress) = progress {
                self.tell(&progress);
            }
            if is_over {
                return self.link.lock().told.take();
            }
            self.feed(py);
        }
    }

    fn tell(&mut self, progress: &Progress) {
        let Some(on_progress) = &self.on_progress else { return };
        let Progress { reading, accepted, rejected, skipped, rows, bytes, in_flight, rate, .. } = *progress;
        let (limit, stopping) = (progress.learned_limit, progress.stopping);
        let numbers = (reading, accepted, rejected, skipped, rows, bytes, in_flight, rate, limit, stopping);
        if let Err(error) = on_progress.call1(numbers) {
            self.on_progress = None;
            self.stop_for(error);
        }
    }

    /// Makes rows while there is room for them.
    fn feed(&mut self, py: Python<'_>) {
        while let Some(rows) = &mut self.rows {
            if !self.link.lock().wants_rows(MANY) {
                return;
            }
            let row = rows.next().map(|row| row.and_then(|row| record::row(&row)));
            match row {
                Some(Ok(row)) => self.link.change(|state| state.rows.push_back(row)),
                None => self.end_rows(Ok(())),
                // What came before is still sent.
                Some(Err(error)) if error.is_instance_of::<PyException>(py) => {
                    let message = format!("{} was raised", error.get_type(py));
                    self.raised.get_or_insert(error);
                    self.end_rows(Err(message));
                }
                Some(Err(error)) => self.stop_for(error),
            }
        }
    }

    /// Takes no more rows, and ends at once the second time; the exception is raised when the import is over.
    fn stop_for(&mut self, error: PyErr) {
        self.raised = Some(error);
        self.end_rows(Ok(()));
        self.stop.raise(StopCause::Interrupt);
    }

    fn end_rows(&mut self, end: Result<(), String>) {
        self.rows = None;
        self.link.change(|state| state.end_of_rows.get_or_insert(end).is_ok());
    }
}

impl Link {
    /// Waits until there is something to do for the caller, or a while.
    fn wait_a_slice(&self) -> (Option<Progress>, bool) {
        let has_nothing = |state: &mut State| state.progress.is_none() && !state.is_over && !state.wants_rows(FEW);
        let waited = self.changed.wait_timeout_while(self.lock(), SLICE, has_nothing);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        (state.progress.take(), state.is_over)
    }
}

// Rows made in advance: enough to keep the import busy while Python is elsewhere.
const MANY: usize = 64;
const FEW: usize = 32;

// Short enough for Ctrl-C to feel immediate.
const SLICE: Duration = Duration::from_millis(50);
