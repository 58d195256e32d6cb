//! [`Report`]: what came of a run, and how it is told.

use serde::Serialize;
use vambe::{Door, Error};

use crate::error::ImportError;
use crate::journal::{Journal, RunId};
use crate::ledger::Ledger;
use crate::spelling::message_of_core;
use crate::stop::StopCause;
use crate::summary::Summary;
use crate::words::rows;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What became of the rows.
    pub summary: Summary,
    /// How the run ended.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// Every row was looked at.
    Finished,
    /// As many rows were sent as were to be tried.
    Canary,
    /// Somebody asked it to stop.
    Stopped(StopCause),
    /// Going on made no sense: the service refuses the key.
    Guard(Error),
    /// The file could not be read to its end, or something not be written.
    Failed(ImportError),
}

/// A report as one JSON object: the same of the command and of every package.
#[derive(Debug, Serialize)]
pub struct ReportJson<'r> {
    #[serde(flatten)]
    summary: &'r Summary,
    rows_per_second: f64,
    ending: &'r str,
    message: Option<&'r str>,
}

impl Report {
    /// Closes the account of a run that ended in a way, with so many rows left; `None` where nobody can know.
    pub(crate) fn new(ledger: Ledger, ending: Ending, not_sent: Option<u64>) -> Self {
        let name = if ledger.has_failed() { "failed" } else { ending.name() };
        let (summary, failure) = ledger.close(not_sent, name);
        match failure {
            Some(error) => Self { summary, ending: Ending::Failed(error) },
            None => Self { summary, ending },
        }
    }

    /// Notes in the journal that the run has ended, and how.
    pub(crate) fn noted(self, journal: &Journal, id: RunId, learned_limit: Option<f64>) -> Self {
        let summary = serde_json::to_string(&self.summary).unwrap_or_default();
        match journal.end(id, self.ending.name(), &summary, learned_limit) {
            Err(error) if !matches!(self.ending, Ending::Failed(_)) => Self { ending: Ending::Failed(error), ..self },
            _ => self,
        }
    }
}

impl Ending {
    /// Returns the word for it in summaries and events.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Canary => "canary",
            Self::Stopped(StopCause::Interrupt) => "interrupted",
            Self::Stopped(StopCause::Terminate) => "terminated",
            Self::Guard(_) => "guard",
            Self::Failed(_) => "failed",
        }
    }

    /// Says why a run did not come to its end, and how many rows that left to be sent; `None` if it did.
    pub fn message(&self, not_sent: Option<u64>, door: Door) -> Option<String> {
        self.told(not_sent, "sent", "; to send a row twice does no harm", door)
    }

    /// Says the same of a run that only checks.
    pub fn message_of_check(&self, not_checked: Option<u64>, door: Door) -> Option<String> {
        self.told(not_checked, "checked", "", door)
    }

    fn told(&self, left: Option<u64>, done: &str, harmless: &str, door: Door) -> Option<String> {
        let left = match left {
            Some(number) => format!("{} not {done}", rows(number)),
            None => format!("the rest was not {done}"),
        };
        match self {
            Self::Finished | Self::Canary => None,
            Self::Stopped(_) => Some(format!("{}: {left}; run it again{harmless}", self.name())),
            Self::Guard(error) => Some(format!("{} ({left})", message_of_core(error, door))),
            Self::Failed(error) => Some(format!("{} ({left})", error.message(door))),
        }
    }
}

impl<'r> ReportJson<'r> {
    /// Puts a summary together with how the run ended, and why.
    pub fn new(summary: &'r Summary, ending: &'r str, message: Option<&'r str>) -> Self {
        Self { summary, rows_per_second: (summary.rate() * 10.0).round() / 10.0, ending, message }
    }
}
