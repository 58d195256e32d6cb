//! Upserts customers into [Vambe](https://vambe.ai) over its public HTTP API.
//!
//! A [`CustomerRecord`] may be wrong; it is checked before anything is sent, and every
//! problem is reported at once. A call has one deadline, tries again where that is safe,
//! and ends in a [`Contact`] or an [`Error`] that carries data to act on.
//!
//! ```no_run
//! # async fn example() -> Result<(), vambe::Error> {
//! use vambe::{Client, CustomerRecord};
//!
//! let client = Client::builder().api_key("your_api_key").build()?;
//! let contact = client.upsert(CustomerRecord::whatsapp("+56987654321", "+56912345678")).await?;
//! println!("{}", contact.id);
//! # Ok(())
//! # }
//! ```
//!
//! Not affiliated with Vambe. What its API documents, and what is inferred or assumed,
//! stands in `docs/contract.md`.

mod api_key;
mod batch;
mod call;
mod change;
mod check;
mod client;
mod config;
mod contact;
mod customer;
mod date;
mod doctor;
mod email;
mod error;
mod event;
mod field;
mod http;
mod json;
mod lanes;
mod obstacle;
mod options;
mod pace_file;
mod pacer;
mod phone;
mod proxy;
mod record;
mod response;
mod retry;
mod shared_pacer;
mod tls;
mod trace_context;
mod transport;
mod uuid;
mod value;
mod violation;

pub use batch::{BatchProgress, Outcome, Pacing, UpsertMany, UpsertManyHandle, UpsertManyOptions};
pub use change::{Change, ChangeAction};
pub use check::{Prepared, prepare, validate};
pub use client::Client;
pub use config::ClientBuilder;
pub use contact::Contact;
pub use customer::{Channel, Customer, WhatsAppIdentity};
pub use date::{Date, DateTime};
pub use doctor::{Check, CheckStatus, Diagnosis};
pub use error::{Delivery, Error, ErrorCode, Phase};
pub use event::{CallEvent, EventKind};
pub use field::{Field, suggest_field};
pub use options::{CallOptions, CheckOptions, Door};
pub use phone::{PhoneVariant, clean_phone, normalize_phone, phone_variants};
pub use record::CustomerRecord;
pub use trace_context::TraceContext;
pub use transport::{Answer, Exchange, ExchangeFuture, Progress, Transport, TransportError, TransportErrorKind};
pub use value::{InvalidValue, Value};
pub use violation::{Path, Segment, Severity, Validation, Violation, ViolationCode};

/// The pacer by itself, for the simulator; it may change at any time.
#[doc(hidden)]
pub mod pacing {
    pub use crate::pacer::{Pace, Pacer, Permit, Verdict};
}
