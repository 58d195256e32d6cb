//! Reading that cannot be interrupted, kept away from whoever must hear of a stop.

use std::thread;

use tokio::sync::oneshot;
use vambe_import::Stop;

use crate::exit::{FAILED, Failure};

/// Does something on a thread of its own, and leaves it behind when somebody asks to stop.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    stop: &Stop,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, done) = oneshot::channel();
    let work = move || {
        // After a stop nobody waits for it.
        let _ = sender.send(work());
    };
    let failed = |reason: &str| Failure::new(FAILED, format!("a thread {reason}; try again"));
    thread::Builder::new().spawn(work).map_err(|error| failed(&format!("cannot be started ({error})")))?;
    tokio::select! {
        result = done => result.map_err(|_| failed("ended early")),
        cause = stop.raised() => Err(Failure::stopped(cause)),
    }
}
