//! The bridge to an event loop: finished calls wait in a queue, and one byte wakes the loop for all of them.
//!
//! The worker thread puts results into the queue and writes the byte; it touches nothing of
//! Python. The loop reads the byte, and settles its own futures in its own thread.

use std::collections::HashMap;
use std::future::Future;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::shapes::Contact;
use crate::wake::{self, End};
use crate::watch::Watch;
use crate::{error, worker};

/// One event loop's end of the bridge.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Port {
    finished: Arc<Finished>,
    waiting: Mutex<Waiting>,
}

/// The futures that wait, by the number of their call.
#[derive(Default)]
struct Waiting {
    last: u64,
    futures: HashMap<u64, Waiter>,
}

struct Waiter {
    future: Py<PyAny>,
    call: Option<AbortHandle>,
    watch: Option<Watch>,
}

/// What the worker has finished and the loop has not yet seen.
pub(crate) struct Finished {
    results: Mutex<Vec<(u64, Finish)>>,
    /// Both ends live as long as anybody may write, so writing never raises a signal.
    reader: End,
    writer: End,
}

/// What a future is told.
#[allow(clippy::large_enum_variant)] // Almost all of them are calls.
pub(crate) enum Finish {
    Call(Result<vambe::Contact, vambe::Error>),
    /// Something happened to a call that goes on.
    Event(vambe::CallEvent),
    News,
    Lost,
}

/// A call on the worker, whose future is told of its end even if the call panics.
struct Call {
    number: u64,
    finished: Arc<Finished>,
    has_ended: bool,
}

impl Call {
    fn end(mut self, result: Result<vambe::Contact, vambe::Error>) {
        self.has_ended = true;
        self.finished.push_with_others(self.number, Finish::Call(result));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.has_ended {
            self.finished.push(self.number, Finish::Lost);
        }
    }
}

impl Finished {
    pub(crate) fn push(&self, number: u64, finish: Finish) {
        if self.is_first(number, finish) {
            self.wake();
        }
    }

    /// As `push`, from a task on the worker: to wake the loop costs more than to end a call, so those that end in
    /// one turn of the worker wake it once, after the last of them.
    fn push_with_others(self: &Arc<Self>, number: u64, finish: Finish) {
        if self.is_first(number, finish) {
            let finished = Arc::clone(self);
            // A new task comes after all that are ready.
            tokio::spawn(async move { finished.wake() });
        }
    }

    /// Puts a result into the queue; whether it is the first that the loop has to be woken for.
    fn is_first(&self, number: u64, finish: Finish) -> bool {
        let mut results = lock(&self.results);
        results.push((number, finish));
        results.len() == 1
    }

    fn wake(&self) {
        // A full pipe wakes the loop just as well.
        let _: Result<usize, _> = (&self.writer).write(&[1]);
    }
}

impl Port {
    /// Spawns a call on the worker, for the future to be told how it ended.
    pub(crate) fn start(
        &self,
        number: u64,
        future: Py<PyAny>,
        watch: Option<Watch>,
        call: impl Future<Output = Result<vambe::Contact, vambe::Error>> + Send + 'static,
    ) -> PyResult<u64> {
        let worker = worker::handle()?;
        let mut waiting = lock(&self.waiting);
        let running = Call { number, finished: Arc::clone(&self.finished), has_ended: false };
        let task = worker.spawn(async move { running.end(call.await) });
        waiting.futures.insert(number, Waiter { future, call: Some(task.abort_handle()), watch });
        Ok(number)
    }

    /// Returns the number of the next call.
    pub(crate) fn number(&self) -> u64 {
        lock(&self.waiting).number()
    }

    /// Returns what queues the events of a call.
    pub(crate) fn queue(&self, number: u64) -> impl Fn(vambe::CallEvent) + Send + Sync + 'static {
        let finished = Arc::clone(&self.finished);
        move |event| finished.push(number, Finish::Event(event))
    }

    /// Returns the number under which a future waits for news, and where to tell it.
    pub(crate) fn expect(&self, future: Py<PyAny>) -> (u64, Arc<Finished>) {
        let mut waiting = lock(&self.waiting);
        let number = waiting.number();
        waiting.futures.insert(number, Waiter { future, call: None, watch: None });
        (number, Arc::clone(&self.finished))
    }
}

#[pymethods]
impl Port {
    #[new]
    fn new() -> PyResult<Self> {
        let (reader, writer) = wake::pair()?;
        let finished = Finished { results: Mutex::default(), reader, writer };
        Ok(Self { finished: Arc::new(finished), waiting: Mutex::default() })
    }

    /// What the loop watches for reading.
    fn fileno(&self) -> wake::Number {
        wake::number(&self.finished.reader)
    }

    /// Settles the futures of what has finished.
    fn settle(&self, py: Python<'_>) -> PyResult<()> {
        // Emptied before the queue is: a byte that comes later is for a result that comes later.
        let _: Result<usize, _> = (&self.finished.reader).read(&mut [0; 64]);
        let results = std::mem::take(&mut *lock(&self.finished.results));
        let mut raised = Ok(());
        for (number, finish) in results {
            if let Finish::Event(event) = &finish {
                let watch = lock(&self.waiting).futures.get(&number).and_then(|waiter| waiter.watch(py));
                let told = watch.map_or(Ok(()), |watch| watch.tell(py, event));
                // What has finished is settled first.
                raised = raised.and(told);
                continue;
            }
            let Some(Waiter { future, .. }) = lock(&self.waiting).futures.remove(&number) else { continue };
            let future = future.bind(py);
            // A future that was cancelled meanwhile takes no result.
            if future.call_method0(intern!(py, "done"))?.is_truthy()? {
                continue;
            }
            match finish {
                Finish::Lost => {
                    let error =
                        PyRuntimeError::new_err("the call was lost, which is a mistake in vambe: please report it");
                    future.call_method1(intern!(py, "set_exception"), (error,))?
                }
                Finish::Event(_) | Finish::News => future.call_method1(intern!(py, "set_result"), (py.None(),))?,
                Finish::Call(Ok(contact)) => future.call_method1(intern!(py, "set_result"), (Contact(contact),))?,
                Finish::Call(Err(error)) => {
                    future.call_method1(intern!(py, "set_exception"), (error::exception(py, &error)?,))?
                }
            };
        }
        raised
    }

    /// Ends a call, and closes its connection.
    fn cancel(&self, number: u64) {
        let removed = lock(&self.waiting).futures.remove(&number);
        if let Some(Waiter { call: Some(call), .. }) = removed {
            call.abort();
        }
    }

    /// Ends every call: the loop is closed.
    fn close(&self) {
        let futures = std::mem::take(&mut lock(&self.waiting).futures);
        for waiter in futures.into_values() {
            waiter.call.iter().for_each(AbortHandle::abort);
        }
    }
}

impl Waiter {
    fn watch(&self, py: Python<'_>) -> Option<Watch> {
        Some(self.watch.as_ref()?.clone_ref(py))
    }
}

impl Waiting {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
