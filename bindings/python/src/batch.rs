//! `upsert_many`: the worker carries the batch; Python feeds records in and takes outcomes out.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use vambe::{CustomerRecord, UpsertManyOptions};

use crate::port::{Finish, Finished, Port};
use crate::record;
use crate::shapes::Outcome;

/// A batch under way. Dropping it ends the calls in flight.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Batch {
    shared: Arc<Shared>,
    task: AbortHandle,
    pid: u32,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// What passes between Python and the worker.
#[derive(Default)]
struct State {
    records: VecDeque<CustomerRecord>,
    is_complete: bool,
    outcomes: Vec<vambe::Outcome>,
    has_ended: bool,
    /// The worker, waiting for a record.
    worker: Option<Waker>,
    /// Python, waiting for something to do.
    watcher: Option<Watcher>,
}

enum Watcher {
    Thread,
    Future { number: u64, finished: Arc<Finished>, is_for_records: bool },
}

impl Watcher {
    fn is_for_records(&self) -> bool {
        match self {
            Self::Thread => true,
            Self::Future { is_for_records, .. } => *is_for_records,
        }
    }
}

impl State {
    fn poll_record(&mut self, worker: &Waker) -> Poll<Option<CustomerRecord>> {
        match self.records.pop_front() {
            Some(record) => Poll::Ready(Some(record)),
            None if self.is_complete => Poll::Ready(None),
            None => {
                self.worker = Some(worker.clone());
                Poll::Pending
            }
        }
    }

    fn wants_records(&self, below: usize) -> bool {
        // Outcomes that nobody took yet take up room as well.
        !self.is_complete && !self.has_ended && self.records.len() + self.outcomes.len() < below
    }

    /// Returns whether Python has something to do, which handing over records may be or not.
    fn is_worth_a_look(&self, is_for_records: bool) -> bool {
        !self.outcomes.is_empty() || self.has_ended || (is_for_records && self.wants_records(FEW))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state on the worker, and tells Python if that gives it something to do.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let for_records = state.watcher.as_ref().is_some_and(Watcher::is_for_records);
        let watcher = if state.is_worth_a_look(for_records) { state.watcher.take() } else { None };
        drop(state);
        match watcher {
            None => {}
            Some(Watcher::Thread) => self.changed.notify_all(),
            Some(Watcher::Future { number, finished, .. }) => finished.push(number, Finish::News),
        }
        changed
    }
}

/// Ends the batch for Python however it ends on the worker.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.change(|state| state.has_ended = true);
    }
}

impl Batch {
    pub(crate) fn start(
        worker: &Handle,
        client: &vambe::Client,
        options: UpsertManyOptions,
    ) -> Result<Self, vambe::Error> {
        let shared = Arc::new(Shared::default());
        let source = Arc::clone(&shared);
        let records = stream::poll_fn(move |context| source.change(|state| state.poll_record(context.waker())));
        let outcomes = client.upsert_many(records, options)?;
        let ending = Ending(Arc::clone(&shared));
        let task = worker.spawn(async move {
            // Those that are ready together wake Python once.
            let mut outcomes = pin!(outcomes.ready_chunks(MANY));
            while let Some(ready) = outcomes.next().await {
                ending.0.change(|state| state.outcomes.extend(ready));
            }
        });
        Ok(Self { shared, task: task.abort_handle(), pid: std::process::id() })
    }

    fn state(&self) -> PyResult<MutexGuard<'_, State>> {
        match self.is_inherited() {
            true => Err(PyRuntimeError::new_err("this upsert_many was begun before the process was forked")),
            false => Ok(self.shared.lock()),
        }
    }

    fn is_inherited(&self) -> bool {
        self.pid != std::process::id()
    }

    fn wake_worker(mut state: MutexGuard<'_, State>) {
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}

#[pymethods]
impl Batch {
    /// Whether there is room for more records.
    fn wants_records(&self) -> PyResult<bool> {
        Ok(self.state()?.wants_records(MANY))
    }

    /// Adds a record.
    fn push(&self, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let record = record::read(Some(record), None)?;
        let mut state = self.state()?;
        state.records.push_back(record);
        Self::wake_worker(state);
        Ok(())
    }

    /// Says that there are no more records.
    fn end(&self) -> PyResult<()> {
        let mut state = self.state()?;
        state.is_complete = true;
        Self::wake_worker(state);
        Ok(())
    }

    /// Takes the outcomes that are ready.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<Outcome>> {
        let outcomes = std::mem::take(&mut self.state()?.outcomes);
        outcomes.into_iter().map(|outcome| Outcome::from_core(py, outcome)).collect()
    }

    /// Whether every outcome has been taken.
    fn is_finished(&self) -> PyResult<bool> {
        let state = self.state()?;
        Ok(state.has_ended && state.outcomes.is_empty())
    }

    /// Blocks until there is something to do.
    fn wait(&self, py: Python<'_>) -> PyResult<()> {
        drop(self.state()?);
        while !py.detach(|| self.wait_a_slice()) {
            py.check_signals()?;
        }
        Ok(())
    }

    /// Has a future told when there are outcomes, or (if asked for) when there is room for
    /// records; false if there are already.
    fn watch(&self, port: &Port, future: Py<PyAny>, is_for_records: bool) -> PyResult<bool> {
        let mut state = self.state()?;
        if state.is_worth_a_look(is_for_records) {
            return Ok(false);
        }
        let (number, finished) = port.expect(future);
        state.watcher = Some(Watcher::Future { number, finished, is_for_records });
        Ok(true)
    }

    /// Ends the calls in flight.
    fn close(&self) {
        if !self.is_inherited() {
            self.task.abort();
        }
    }
}

impl Batch {
    fn wait_a_slice(&self) -> bool {
        let mut state = self.shared.lock();
        if !state.is_worth_a_look(true) {
            state.watcher = Some(Watcher::Thread);
            let waited = self.shared.changed.wait_timeout(state, SLICE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_worth_a_look(true)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.close();
    }
}

// Records converted in advance: enough to keep the worker busy while Python is elsewhere.
const MANY: usize = 64;
const FEW: usize = 32;

// Short enough for Ctrl-C to feel immediate.
const SLICE: Duration = Duration::from_millis(50);
