//! The threads that calls run on: started at first use, shared by all workers of the process.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Handle};

/// The runtime of all clients.
pub(crate) fn clients() -> napi::Result<&'static Handle> {
    static CLIENTS: OnceLock<Option<Handle>> = OnceLock::new();
    started(&CLIENTS, "vambe")
}

/// The runtime of all imports, which look things up in files between calls.
pub(crate) fn imports() -> napi::Result<&'static Handle> {
    static IMPORTS: OnceLock<Option<Handle>> = OnceLock::new();
    started(&IMPORTS, "vambe-import")
}

/// The runtime of all emulators: one that is busy must not slow the calls that it is to answer.
pub(crate) fn emulators() -> napi::Result<&'static Handle> {
    static EMULATORS: OnceLock<Option<Handle>> = OnceLock::new();
    started(&EMULATORS, "vambe-emulator")
}

fn started(slot: &'static OnceLock<Option<Handle>>, name: &str) -> napi::Result<&'static Handle> {
    let handle = slot.get_or_init(|| start(name).ok());
    handle.as_ref().ok_or_else(|| napi::Error::from_reason("the thread for calls cannot be started"))
}

/// Starts a thread that drives a runtime for as long as the process lives.
fn start(name: &str) -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}
