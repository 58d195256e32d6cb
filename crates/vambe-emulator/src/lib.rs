//! The Vambe "customer upsert info" API on your machine, for development and tests.
//!
//! It does what the API's public page states, and keeps state: contacts, customers,
//! custom field values. Where the page is silent or contradicts itself we chose, and
//! numbered the choice; the header `x-emulator-basis` of each answer and
//! `GET /_emulator/fidelity` say which. It was never compared with the real service and
//! is not affiliated with Vambe.
//!
//! A key that starts with `emulator_` opens a tenant of its own, so tests that run at
//! the same time share one emulator. [`Emulator`] is for tests, [`serve`] for programs.
//!
//! The way of a request: `server` accepts the connection, `control` routes it, `api`
//! reads and logs it, `endpoint` takes it through the steps; `contract` and `resolve`
//! check it and know no I/O, `store` applies it. `faults` describes what can go wrong on purpose.

mod announcement;
mod answer;
mod api;
mod app;
mod basis;
mod clock;
mod connections;
mod contract;
mod control;
mod emulator;
mod endpoint;
mod faults;
mod fidelity;
mod field_types;
mod id;
mod lock;
mod observer;
mod reject;
mod request_log;
mod resolve;
mod seed;
mod server;
mod stop;
mod store;
mod tenant;

pub use announcement::announcement;
pub use connections::ConnectionCount;
pub use emulator::{ControlError, Emulator, EmulatorBuilder};
pub use faults::{Action, AppliedFault, Fault};
pub use field_types::FieldType;
pub use id::Id;
pub use observer::Answered;
pub use reject::Problem;
pub use request_log::{LoggedRequest, REMEMBERED_REQUESTS};
pub use seed::{Agent, Channel, CustomField, Platform, Seed, Stage};
pub use server::{Options, serve};
pub use tenant::{KEY_PREFIX, new_api_key};
