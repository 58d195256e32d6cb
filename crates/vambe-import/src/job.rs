//! [`Job`]: one import as a program asks for it, and what the program is told of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::task::spawn_blocking;
use vambe::{Client, Door};

use crate::error::ImportError;
use crate::events::Events;
use crate::import::{Import, ImportOptions};
use crate::ledger::Progress;
use crate::mapping::Mapping;
use crate::report::{Ending, Report, ReportJson};
use crate::send::SendOptions;
use crate::source::Source;
use crate::stop::Stop;

/// One import: where the rows come from, and everything that can be said about it.
pub struct Job {
    /// Where the rows come from.
    pub source: JobSource,
    /// The mapping file.
    pub mapping: Option<PathBuf>,
    /// The file that gets a line of JSON for each row.
    pub events: Option<PathBuf>,
    /// How rows become records. Its mapping is replaced if a file is named.
    pub import: ImportOptions,
    /// How they are sent. Its events are replaced if a file is named.
    pub send: SendOptions,
}

/// Where rows come from.
pub enum JobSource {
    /// A file.
    File(PathBuf),
    /// A program.
    Rows(Box<Source>),
}

/// What a program is told at the end: the same words and shapes in every language.
#[derive(Debug, Serialize)]
pub struct Told {
    /// What became of the rows; `None` if none was looked at.
    pub report: Option<Json>,
    /// Why the import did not come to its end, as [`vambe::Error`] is written; `code` may also be `import_failed`.
    pub error: Option<Json>,
}

impl Job {
    /// Runs the import to its end, or until somebody asks it to stop.
    ///
    /// Progress is told at most ten times a second, but at once when it stops, and once more at the end.
    pub async fn run(
        self,
        client: &Client,
        door: Door,
        stop: &Stop,
        on_progress: impl FnMut(&Progress) + Send,
    ) -> Told {
        let opened = tokio::select! {
            biased;
            _ = stop.raised() => return Told { report: None, error: None },
            opened = spawn_blocking(|| self.open()) => opened,
        };
        let (import, options) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Told { report: None, error: Some(told_error(&error, &error.message(door))) },
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let mut pace = Pace::new(on_progress);
        let sent = import.send(client, options, stop, |progress| pace.hear(progress)).await;
        pace.end();
        match sent {
            Ok(report) => Told::of(&report, door),
            Err(error) => Told { report: None, error: Some(json!(error)) },
        }
    }

    fn open(mut self) -> Result<(Import, SendOptions), ImportError> {
        if let Some(path) = &self.mapping {
            self.import.mapping = Mapping::read(path)?;
        }
        let import = match self.source {
            JobSource::File(path) => Import::open_one(&path, &self.import)?,
            JobSource::Rows(rows) => Import::of_rows(*rows, &self.import)?,
        };
        // Not before: it empties the file.
        if let Some(path) = &self.events {
            self.send.events = Some(Events::create(path).map_err(|error| ImportError::events(path, error))?);
        }
        Ok((import, self.send))
    }
}

impl Told {
    fn of(report: &Report, door: Door) -> Self {
        let message = report.ending.message(report.summary.not_sent, door);
        let error = match &report.ending {
            Ending::Guard(error) => Some(json!(error)),
            Ending::Failed(error) => Some(told_error(error, message.as_deref().unwrap_or_default())),
            _ => None,
        };
        let report = ReportJson::new(&report.summary, report.ending.name(), message.as_deref());
        Self { report: Some(json!(report)), error }
    }
}

/// Tells progress at a pace that people and programs can follow.
struct Pace<F> {
    tell: F,
    now: Progress,
    has_news: bool,
    told: Option<Instant>,
}

impl<F: FnMut(&Progress)> Pace<F> {
    fn new(tell: F) -> Self {
        Self { tell, now: Progress::default(), has_news: false, told: None }
    }

    fn hear(&mut self, progress: &Progress) {
        let has_stopped = progress.stopping && !self.now.stopping;
        // Told of one moment, but true from then on.
        self.now = Progress { stopping: progress.stopping || self.now.stopping, ..*progress };
        self.has_news = true;
        if has_stopped || self.told.is_none_or(|told| told.elapsed() >= PAUSE) {
            self.tell();
        }
    }

    fn end(mut self) {
        if self.has_news {
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.has_news = false;
        self.told = Some(Instant::now());
        (self.tell)(&self.now);
    }
}

/// Writes an error of a file as those of the core are written.
fn told_error(error: &ImportError, message: &str) -> Json {
    let code = if error.is_misuse() { "config" } else { "import_failed" };
    json!({ "code": code, "message": message })
}

const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_at_a_pace_and_at_the_end_and_does_not_forget_that_it_stops() {
        let mut told = Vec::new();
        let mut pace = Pace::new(|progress: &Progress| told.push((progress.accepted, progress.stopping)));
        for accepted in 1..=3 {
            pace.hear(&Progress { accepted, stopping: accepted == 2, ..Progress::default() });
        }
        pace.told = None;
        pace.hear(&Progress { accepted: 4, ..Progress::default() });
        pace.hear(&Progress { accepted: 5, ..Progress::default() });
        pace.end();
        assert_eq!(told, [(1, false), (2, true), (4, true), (5, true)]);
    }
}
