//! The native part of the npm package `vambe`: converts and forwards, and decides nothing.
//!
//! Values cross the border as JSON text, in which `value.rs` tags what JSON cannot hold. Calls
//! run on one runtime of the process, imports on another (`runtime.rs`); what they end in is queued and handed to
//! JavaScript in batches (`port.rs`), which keeps the promises.
//!
//! No function is `async` here: a promise kept by napi-rs crashes a worker that ends while
//! its call is in flight.

mod batch;
mod client;
mod command;
mod emulator;
mod events;
mod functions;
mod import;
mod import_options;
mod options;
mod port;
mod runtime;
mod value;
