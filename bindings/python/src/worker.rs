//! The thread that carries asyncio calls and batches; it never touches Python.

use std::io;
use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::process::PerProcess;

/// A runtime on a thread of its own, which ends when this is dropped.
struct Worker {
    handle: Handle,
    _alive: oneshot::Sender<()>,
}

/// Returns the runtime of this process's worker, which the first call starts.
pub(crate) fn handle() -> io::Result<Handle> {
    static WORKER: OnceLock<PerProcess<Worker>> = OnceLock::new();
    let worker = match WORKER.get() {
        Some(worker) => worker,
        None => {
            let started = PerProcess::new(Worker::start()?);
            WORKER.get_or_init(|| started)
        }
    };
    worker.get(|_| Worker::start()).map(|worker| worker.handle.clone())
}

impl Worker {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("vambe".to_owned()).spawn(move || {
            let _: Result<(), _> = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _alive: alive })
    }
}
