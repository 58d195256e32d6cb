//! Customer files in, outcomes out: what `vambe import` is made of.
//!
//! A [`Source`] gives the rows of a file, however it is encoded and separated.
//! [`Columns`] match its header to the fields of a record. An [`Import`] puts both
//! together and accounts for every row: it is accepted, or stands in the file of rejected
//! rows with the reason, or is counted as not sent.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use vambe_import::{Import, ImportOptions, Stop};
//!
//! let client = vambe::Client::from_env()?;
//! for import in Import::open(&["customers.csv".into()], &ImportOptions::default())? {
//!     let report = import.send(&client, Default::default(), &Stop::new(), |_| {}).await?;
//!     println!("{} rows accepted", report.summary.accepted);
//! }
//! # Ok(())
//! # }
//! ```

mod check;
mod columns;
mod constants;
mod error;
mod feed;
mod fold;
mod import;
mod in_flight;
mod ledger;
mod mapping;
mod reason;
mod rejects;
mod row;
mod send;
mod source;
mod stop;
mod suggest;
mod summary;
mod target;

pub use columns::{Columns, HeaderProblem, UnknownColumns, quoted};
pub use constants::{Constant, ConstantError};
pub use error::{ImportError, RejectsProblem, SourceError, SourceProblem};
pub use import::{Ending, Import, ImportOptions, Report};
pub use ledger::Progress;
pub use mapping::{Mapping, MappingProblem};
pub use row::{Header, Row};
pub use source::{CsvFormat, Delimiter, FileKind, Format, MAX_ROW, Quote, Source, SourceOptions, TextEncoding};
pub use stop::{Stop, StopCause};
pub use suggest::{SuggestOptions, SuggestedColumn, Suggestion, Sureness, suggest};
pub use summary::{Count, Summary};
