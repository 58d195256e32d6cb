//! [`Total`]: what became of all rows of a run, for a person or as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use vambe::Door;
use vambe_import::{Changes, Count, Ending, Report, ReportJson, Summary, grouped, rows};

use crate::exit::{DONE, FAILED, Failure, GUARD, INTERRUPTED, REJECTED, TERMINATED, import_code};
use crate::io::Io;
use crate::words::{rate, time};

/// Whether rows were sent or only checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Import,
    Check,
}

/// The sum over the files of a run.
pub(crate) struct Total {
    kind: Kind,
    summary: Summary,
    files: Vec<(PathBuf, Summary)>,
    ending: Ending,
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    report: ReportJson<'a>,
    dry_run: bool,
    files: Vec<JsonFile<'a>>,
}

#[derive(Serialize)]
struct JsonFile<'a> {
    file: &'a PathBuf,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl Total {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, summary: Summary::nothing(), files: Vec::new(), ending: Ending::Finished }
    }

    pub(crate) fn add(&mut self, path: PathBuf, report: Report) {
        self.summary.add(&report.summary);
        self.files.push((path, report.summary));
        self.ending = report.ending;
    }

    /// Notes that so many files were not begun.
    pub(crate) fn leave_out(&mut self, files: usize) {
        if files > 0 {
            self.summary.not_sent = None;
        }
    }

    /// Prints the result, and returns the exit code or why the run did not end as it should.
    ///
    /// A failure given is one that no file's ending tells of.
    pub(crate) fn print(mut self, failure: Option<Failure>, as_json: bool, io: &mut Io) -> Result<i32, Failure> {
        if let [(_, only)] = self.files.as_slice() {
            self.summary.rejects.clone_from(&only.rejects);
        }
        let failure = failure.or_else(|| self.failure());
        if as_json {
            io.print(format_args!("{}", self.json(failure.as_ref())))?;
        } else if !self.files.is_empty() {
            io.print(format_args!("{}", self.text().trim_end()))?;
        }
        match failure {
            Some(failure) => Err(failure),
            None if self.summary.rejected > 0 => Ok(REJECTED),
            None => Ok(DONE),
        }
    }

    fn failure(&self) -> Option<Failure> {
        let message = match self.kind {
            Kind::Import => self.ending.message(self.summary.not_sent, Door::Cli),
            Kind::Check => self.ending.message_of_check(self.summary.not_sent, Door::Cli),
        };
        let code = match &self.ending {
            Ending::Stopped(cause) => Failure::stopped(*cause).code,
            Ending::Guard(_) => GUARD,
            Ending::Failed(error) => import_code(error),
            _ => FAILED,
        };
        message.map(|message| Failure::new(code, message))
    }

    fn json(&self, failure: Option<&Failure>) -> String {
        let ending = match failure.map(|failure| failure.code) {
            None => self.ending.name(),
            Some(GUARD) => "guard",
            Some(INTERRUPTED) => "interrupted",
            Some(TERMINATED) => "terminated",
            Some(_) => "failed",
        };
        let message = failure.map(|failure| failure.message.as_str());
        let json = Json {
            report: ReportJson::new(&self.summary, ending, message),
            dry_run: self.kind == Kind::Check,
            files: self.files.iter().map(|(file, summary)| JsonFile { file, summary }).collect(),
        };
        serde_json::to_string(&json).unwrap_or_default()
    }

    fn text(&self) -> String {
        let summary = &self.summary;
        let accepted = if self.kind == Kind::Import { "accepted" } else { "valid" };
        let mut text = String::new();
        // Over a moment, a rate says nothing.
        let speed = match summary.elapsed >= Duration::from_secs(1) {
            true => format!(" ({})", rate(summary.rate())),
            false => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} in {}{speed}", rows(summary.done() + summary.skipped), time(summary.elapsed));
        let _ = writeln!(text, "{accepted:<9} {:>11}", grouped(summary.accepted));
        let _ = writeln!(text, "rejected  {:>11}", grouped(summary.rejected));
        text.push_str(&counts(&summary.codes, self.files.len()));
        if summary.skipped > 0 {
            let _ = writeln!(text, "skipped   {:>11}", grouped(summary.skipped));
            text.push_str(&line("unchanged", summary.unchanged));
            text.push_str(&line("superseded by a later row", summary.superseded));
        }
        if let Some(changes) = &summary.changes {
            text.push_str(&compared(changes));
        }
        if summary.repeated > 0 {
            let _ = writeln!(text, "{} of a customer who came before: the last one counts", rows(summary.repeated));
        }
        if !summary.warnings.is_empty() {
            text.push_str("warnings\n");
            text.push_str(&counts(&summary.warnings, self.files.len()));
        }
        if matches!(self.ending, Ending::Canary) {
            let left = summary.not_sent.map_or_else(|| "the rest".to_owned(), rows);
            let _ = writeln!(text, "Canary: look at what was sent, then run it again without --canary to send {left}.");
        }
        for rejects in self.files.iter().filter_map(|(_, summary)| summary.rejects.as_ref()) {
            let _ = writeln!(text, "Rejected rows, with reasons: {}", rejects.display());
        }
        text
    }
}

/// Says how the valid rows compare with what earlier runs had accepted.
fn compared(changes: &Changes) -> String {
    let mut text = String::from("against the journal\n");
    for (what, rows) in [("new", changes.new), ("changed", changes.changed), ("unchanged", changes.unchanged)] {
        text.push_str(&line(what, rows));
    }
    let mut fields: Vec<_> = changes.fields.iter().collect();
    fields.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    for (name, rows) in fields {
        let _ = writeln!(text, "    {name:<22} {:>11}", grouped(*rows));
    }
    text
}

fn line(what: &str, rows: u64) -> String {
    if rows > 0 { format!("  {what:<24} {:>11}\n", grouped(rows)) } else { String::new() }
}

fn counts(counts: &BTreeMap<String, Count>, files: usize) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(count.rows));
    let line = |(code, count): (&String, &Count)| {
        // With several files a line alone says nothing.
        let first = if files == 1 { format!("  first on line {}", count.first_line) } else { String::new() };
        format!("  {code:<24} {:>11}{first}\n", grouped(count.rows))
    };
    sorted.into_iter().map(line).collect()
}
