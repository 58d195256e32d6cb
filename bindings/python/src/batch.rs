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
use vambe::{BatchProgress, CustomerRecord, UpsertManyHandle, UpsertManyOptions};

use crate::port::{Finish, Finished, Port};
use crate::shapes::Outcome;
use crate::watch::Watch;
use crate::{error, record};

/// What is asked of a batch.
pub(crate) struct BatchOptions {
    pub(crate) options: UpsertManyOptions,
    pub(crate) is_paced: bool,
    pub(crate) tells_progress: bool,
}

/// A batch under way. Dropping it ends the calls in flight.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Batch {
    shared: Arc<Shared>,
    handle: UpsertManyHandle,
    task: AbortHandle,
    watch: Option<Watch>,
    pid: u32,
}

/// What Python and the worker both see of a batch.
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Progress as Python takes it: accepted, rejected, in flight, rate, learned limit.
type Numbers = (u64, u64, u64, f64, Option<f64>);

/// What passes between Python and the worker.
#[derive(Default)]
struct State {
    records: VecDeque<CustomerRecord>,
    reads_ahead: bool,
    /// How many records the worker has taken.
    taken: u64,
    is_complete: bool,
    outcomes: Vec<(vambe::Outcome, Option<BatchProgress>)>,
    last_progress: Option<BatchProgress>,
    events: Vec<vambe::CallEvent>,
    has_ended: bool,
    /// The worker, waiting for a record.
    worker: Option<Waker>,
    /// Python, waiting for something to do.
    watcher: Option<Watcher>,
    /// A task of asyncio's that hands over records, waiting for room.
    feeder: Option<(u64, Arc<Finished>)>,
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
            Some(record) => {
                self.taken += 1;
                Poll::Ready(Some(record))
            }
            None if self.is_complete => Poll::Ready(None),
            None => {
                self.worker = Some(worker.clone());
                Poll::Pending
            }
        }
    }

    fn wants_records(&self, below: usize) -> bool {
        // What was read ahead of the pace would only wait, and still be sent after the caller has ended the source.
        let has_room = self.reads_ahead || (self.records.is_empty() && self.worker.is_some());
        // Outcomes that nobody took yet take up room as well.
        has_room && !self.is_complete && !self.has_ended && self.records.len() + self.outcomes.len() < below
    }

    /// Tells a feeder that there is room, if there is, or will be none any more.
    fn tell_feeder(&mut self) {
        if !self.has_ended && !self.wants_records(FEW) {
            return;
        }
        if let Some((number, finished)) = self.feeder.take() {
            finished.push(number, Finish::News);
        }
    }

    /// Returns whether Python has something to do, which handing over records may be or not.
    fn is_worth_a_look(&self, is_for_records: bool) -> bool {
        !self.outcomes.is_empty()
            || !self.events.is_empty()
            || self.has_ended
            || (is_for_records && self.wants_records(FEW))
    }
}

impl Shared {
    pub(crate) fn new(given: &BatchOptions) -> Arc<Self> {
        let last_progress = given.tells_progress.then(BatchProgress::default);
        let state = State { reads_ahead: !given.is_paced, last_progress, ..State::default() };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Returns what queues the events of the batch.
    pub(crate) fn queue(this: &Arc<Self>) -> impl Fn(vambe::CallEvent) + Send + Sync + 'static {
        let shared = Arc::clone(this);
        move |event| shared.change(|state| state.events.push(event))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state on the worker, and tells Python if that gives it something to do.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let changed = change(&mut state);
        let for_records = state.watcher.as_ref().is_some_and(Watcher::is_for_records);
        let watcher = if state.is_worth_a_look(for_records) { state.watcher.take() } else { None };
        state.tell_feeder();
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
        given: BatchOptions,
        shared: Arc<Shared>,
        watch: Option<Watch>,
    ) -> Result<Self, vambe::Error> {
        let source = Arc::clone(&shared);
        let records = stream::poll_fn(move |context| source.change(|state| state.poll_record(context.waker())));
        let progress = Arc::new(Mutex::new(None));
        let options = match given.tells_progress {
            true => given.options.on_progress(remember(Arc::clone(&progress))),
            false => given.options,
        };
        let outcomes = client.upsert_many(records, options)?;
        let handle = outcomes.handle();
        let ending = Ending(Arc::clone(&shared));
        let task = worker.spawn(async move {
            // Each is told with the progress that it made, whenever Python takes it.
            let outcomes = outcomes.map(|outcome| (outcome, *lock(&progress)));
            // Those that are ready together wake Python once.
            let mut outcomes = pin!(outcomes.ready_chunks(MANY));
            while let Some(ready) = outcomes.next().await {
                ending.0.change(|state| state.outcomes.extend(ready));
            }
        });
        Ok(Self { shared, handle, task: task.abort_handle(), watch, pid: std::process::id() })
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

    /// Says that there are no more records, and how many seconds those that there were have.
    fn finish(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let Ok(time) = Duration::try_from_secs_f64(timeout) else {
            return Err(error::config(py, "timeout must be a number of seconds"));
        };
        self.end()?;
        self.handle.give_up_after(time);
        Ok(())
    }

    /// Takes the outcomes that are ready, each with the progress that it made, and tells what happened before.
    fn take(&self, py: Python<'_>) -> PyResult<Vec<(Outcome, Option<Numbers>)>> {
        let mut state = self.state()?;
        let outcomes = std::mem::take(&mut state.outcomes);
        let events = std::mem::take(&mut state.events);
        if let Some((_, progress)) = outcomes.last() {
            state.last_progress = *progress;
        }
        state.tell_feeder();
        // What the source gave before the batch ended without it.
        let left_over = if state.has_ended { std::mem::take(&mut state.records).len() } else { 0 };
        let (first, last_progress) = (state.taken, state.last_progress);
        drop(state);
        for event in &events {
            self.watch.as_ref().map_or(Ok(()), |watch| watch.tell(py, event))?;
        }
        let taken = outcomes.into_iter();
        let taken = taken.map(|(outcome, progress)| Ok((Outcome::from_core(py, outcome)?, progress.map(numbers))));
        let mut taken = taken.collect::<PyResult<Vec<_>>>()?;
        let Some(error) = self.handle.left_over() else { return Ok(taken) };
        for number in 0..left_over as u64 {
            let progress = last_progress.map(|mut progress| {
                progress.rejected += number + 1;
                numbers(progress)
            });
            taken.push((Outcome::left_over(py, first + number, &error)?, progress));
        }
        Ok(taken)
    }

    /// Why the batch stopped before its records ended, if it did.
    fn stopped(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        drop(self.state()?);
        let error = self.handle.stopped().map(|error| error::exception(py, error)).transpose()?;
        Ok(error.map(Bound::unbind))
    }

    /// Whether every outcome has been taken.
    fn is_finished(&self) -> PyResult<bool> {
        let state = self.state()?;
        Ok(state.has_ended && state.outcomes.is_empty() && state.events.is_empty() && state.records.is_empty())
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

    /// Has a future told when there is room for records, or will be none any more; false if that is so already.
    fn watch_room(&self, port: &Port, future: Py<PyAny>) -> PyResult<bool> {
        let mut state = self.state()?;
        if state.has_ended || state.wants_records(FEW) {
            return Ok(false);
        }
        state.feeder = Some(port.expect(future));
        Ok(true)
    }

    /// Whether there will be no room any more.
    fn has_ended(&self) -> PyResult<bool> {
        let state = self.state()?;
        Ok(state.is_complete || state.has_ended)
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

/// Returns what keeps the last progress that it was told.
fn remember(last: Arc<Mutex<Option<BatchProgress>>>) -> impl Fn(&BatchProgress) + Send + Sync + 'static {
    move |progress| *lock(&last) = Some(*progress)
}

fn numbers(progress: BatchProgress) -> Numbers {
    let BatchProgress { accepted, rejected, in_flight, rate, learned_limit, .. } = progress;
    (accepted, rejected, in_flight, rate, learned_limit)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// Records converted in advance: enough to keep the worker busy while Python is elsewhere.
const MANY: usize = 64;
const FEW: usize = 32;

// Short enough for Ctrl-C to feel immediate.
const SLICE: Duration = Duration::from_millis(50);
