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
//! The way of a request: `server` accepts the connection, `web` routes it, `api` reads and
//! logs it, `endpoint` takes it through the steps; `contract` and `resolve` check it and
//! know no I/O, `store` applies it on its one thread, and `metadata` does later what the
//! service does later. `faults` and `limiter` describe what can go wrong on purpose; `control`
//! is how to look and to steer.

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
mod events;
mod faults;
mod fidelity;
mod field_types;
mod id;
mod limiter;
mod lock;
mod metadata;
mod observer;
mod options;
mod reject;
mod request_log;
mod resolve;
mod routes;
mod rules;
mod seed;
mod server;
mod stop;
mod store;
mod tenant;
mod web;

pub use announcement::announcement;
pub use connections::ConnectionCount;
pub use emulator::{ControlError, Emulator, EmulatorBuilder};
pub use faults::{Action, AppliedFault, Fault, PRESETS};
pub use field_types::FieldType;
pub use id::Id;
pub use limiter::{RateLimit, RetryAfter};
pub use metadata::MetadataMode;
pub use observer::Answered;
pub use options::Options;
pub use reject::Problem;
pub use request_log::{LoggedRequest, REMEMBERED_REQUESTS};
pub use rules::Rule;
pub use seed::{Agent, Channel, CustomField, Platform, Seed, SeedError, Stage};
pub use server::serve;
pub use tenant::{KEY_PREFIX, new_api_key};
