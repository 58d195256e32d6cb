//! Customer files in, outcomes out: what `vambe import` is made of.
//!
//! A [`Source`] gives the rows of a file, however it is encoded and separated.
//! [`Columns`] match its header to the fields of a record. An [`Import`] puts both
//! together and accounts for every row: it is accepted, or stands in the file of rejected
//! rows with the reason, or is counted as not sent.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use vambe_import::{Import, ImportOptions, SendOptions, Stop};
//!
//! let client = vambe::Client::from_env()?;
//! for import in Import::open(&["customers.csv".into()], &ImportOptions::default())? {
//!     let report = import.send(&client, SendOptions::default(), &Stop::new(), |_| {}).await?;
//!     println!("{} rows accepted", report.summary.accepted);
//! }
//! # Ok(())
//! # }
//! ```

mod account;
mod check;
mod columns;
mod constants;
mod error;
mod events;
mod feed;
mod fingerprint;
mod fold;
mod gate;
mod import;
mod in_flight;
mod job;
mod journal;
mod judge;
mod ledger;
mod mapping;
mod option_text;
mod reason;
mod rejects;
mod repeats;
mod report;
mod row;
mod run;
mod send;
mod source;
mod source_state;
mod spelling;
mod stamp;
mod stop;
mod suggest;
mod summary;
mod survey;
mod target;
mod words;

pub use columns::{Columns, HeaderProblem, UnknownColumns, quoted};
pub use constants::{Constant, ConstantError};
pub use error::{ImportError, RejectsProblem};
pub use events::Events;
pub use import::{Import, ImportOptions, JournalChoice};
pub use job::{Job, JobSource, Told};
pub use journal::{FailureReport, JournalProblem, JournalReport, LastRun, RowFormat, RowOutcome, RunReport};
pub use ledger::Progress;
pub use mapping::{Mapping, MappingProblem};
pub use option_text::OptionTextError;
pub use report::{Ending, Report, ReportJson};
pub use row::{Header, Row};
pub use send::{Duplicates, SendOptions};
pub use source::{
    Compression, CsvFormat, Delimiter, FileFormat, FileKind, Fingerprint, Format, JsonFormat, JsonLayout, LineEnds,
    MAX_ROW, Quote, Source, SourceError, SourceOptions, SourceProblem, TextEncoding, TextFormat, XlsxFormat,
};
pub use spelling::{message_of_core, spelled};
pub use stop::{Stop, StopCause};
pub use suggest::{SuggestOptions, SuggestedColumn, Suggestion, Sureness, suggest};
pub use summary::{Changes, Count, Summary};
pub use words::{grouped, rows};
