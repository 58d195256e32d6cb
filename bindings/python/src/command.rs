//! The command `vambe`, in the process of the interpreter.

use std::ffi::OsString;
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::Builder;
use tokio::time::timeout;
use vambe::Door;
use vambe_cli::{Host, Io, Stop, StopCause, run};

/// One run of the command, and the way to stop it.
#[pyclass(frozen, module = "vambe._native")]
pub(crate) struct Command(Stop);

#[pymethods]
impl Command {
    #[new]
    fn new() -> Self {
        Self(Stop::new())
    }

    /// Runs to the end, and returns the exit code; signal handlers run meanwhile.
    fn run(&self, py: Python<'_>, arguments: Vec<OsString>) -> PyResult<i32> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let version = py.version_info();
        let version = format!("{}.{}.{}", version.major, version.minor, version.patch);
        let io = Io { host: Host { runtime: Door::Python, version: Some(version) }, ..Io::process() };
        let mut running = Box::pin(run(arguments, io, self.0.clone()));
        loop {
            if let Ok(code) = py.detach(|| runtime.block_on(async { timeout(SLICE, &mut running).await })) {
                runtime.shutdown_background();
                return Ok(code);
            }
            py.check_signals()?;
        }
    }

    /// Takes no more rows, as Ctrl-C does; a second time ends at once.
    fn interrupt(&self) {
        self.0.raise(StopCause::Interrupt);
    }

    /// Takes no more rows, as `SIGTERM` does; a second time ends at once.
    fn terminate(&self) {
        self.0.raise(StopCause::Terminate);
    }
}

// Short enough for Ctrl-C to feel immediate.
const SLICE: Duration = Duration::from_millis(50);
