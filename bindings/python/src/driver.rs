//! Blocking calls: the calling thread carries its own call, with the GIL released.
//!
//! Handing a call to another thread and waiting for it would cost two switches of thread.
//! Between slices the interpreter may run signal handlers, so Ctrl-C ends a call.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::yield_now;
use tokio::time::timeout;
use vambe::CallEvent;

use crate::watch::Watch;

/// A runtime and a client whose connections live on it.
///
/// One thread uses it at a time. Dropping it closes its connections.
pub(crate) struct Driver {
    runtime: Option<Runtime>,
    client: vambe::Client,
    idle_since: Instant,
}

/// The drivers of one client that no thread is using.
#[derive(Default)]
pub(crate) struct IdleDrivers(Mutex<Vec<Driver>>);

impl IdleDrivers {
    /// Takes the driver that was used last, unless that was long ago.
    pub(crate) fn take(&self) -> Option<Driver> {
        self.with(Vec::pop).filter(|driver| !driver.is_stale())
    }

    /// Gives a driver back for the next call.
    pub(crate) fn put(&self, mut driver: Driver) {
        driver.idle_since = Instant::now();
        let stale: Vec<_> = self.with(|drivers| {
            drivers.push(driver);
            drivers.extract_if(.., |driver| driver.is_stale()).collect()
        });
        drop(stale);
    }

    /// Closes every connection that no call is using.
    pub(crate) fn close(&self) {
        drop(self.with(std::mem::take));
    }

    fn with<T>(&self, run: impl FnOnce(&mut Vec<Driver>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Driver {
    pub(crate) fn new(client: vambe::Client) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), client, idle_since: Instant::now() })
    }

    pub(crate) fn client(&self) -> &vambe::Client {
        &self.client
    }

    /// Carries a call until it has ended, or until a signal handler raises; tells of its events on the way.
    ///
    /// The runtime stands still while a hook runs, so that the hook may make calls of its own.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        mut watched: Option<(&Watch, UnboundedReceiver<CallEvent>)>,
        call: impl Future<Output = T> + Send,
    ) -> PyResult<T> {
        let mut call = Box::pin(call);
        py.detach(|| self.block_on(notice_closed_connections()));
        loop {
            let events = watched.as_mut().map(|(_, events)| events);
            let slice = py.detach(|| self.block_on(async { timeout(SLICE, next(events, call.as_mut())).await.ok() }));
            match (slice.flatten(), &mut watched) {
                (Some(Next::Told(event)), Some((watch, _))) => watch.tell(py, &event)?,
                (Some(Next::Ended(result)), Some((watch, events))) => {
                    while let Ok(event) = events.try_recv() {
                        watch.tell(py, &event)?;
                    }
                    return Ok(result);
                }
                (Some(Next::Ended(result)), None) => return Ok(result),
                (None | Some(Next::Told(_)), _) => py.check_signals()?,
            }
        }
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.runtime.as_ref().map(|runtime| runtime.block_on(future))
    }

    fn is_stale(&self) -> bool {
        self.idle_since.elapsed() > LONGEST_IDLE
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Waiting for a look-up of a name under way could take many seconds.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a call came to in a slice of time.
enum Next<T> {
    Told(CallEvent),
    Ended(T),
}

/// Waits for an event of a call, or for its end.
async fn next<T, F: Future<Output = T>>(
    mut events: Option<&mut UnboundedReceiver<CallEvent>>,
    mut call: Pin<&mut F>,
) -> Next<T> {
    poll_fn(|context| {
        if let Some(Poll::Ready(Some(event))) = events.as_mut().map(|events| events.poll_recv(context)) {
            return Poll::Ready(Next::Told(event));
        }
        call.as_mut().poll(context).map(Next::Ended)
    })
    .await
}

/// Lets the runtime see what happened to its connections while nobody drove it.
async fn notice_closed_connections() {
    yield_now().await;
    yield_now().await;
}

// Short enough for Ctrl-C to feel immediate.
const SLICE: Duration = Duration::from_millis(50);

// As long as the pool itself keeps a connection.
const LONGEST_IDLE: Duration = Duration::from_secs(20);
