//! `vambe report`: what a journal says of the rows of an import.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use vambe_import::{JournalReport, RowFormat, RowOutcome, grouped, rows};

use crate::args::{ListFormat, Outcome, ReportArguments};
use crate::exit::{DONE, FAILED, Failure};
use crate::io::Io;

pub(crate) fn run(arguments: &ReportArguments, io: &mut Io) -> Result<i32, Failure> {
    let report = JournalReport::open(&arguments.journal)?;
    let format = arguments.format.or(arguments.outcome.map(|_| ListFormat::Csv));
    let mut out = output(arguments.out.as_deref(), io)?;
    match format {
        None => summarize(&report, &arguments.journal, &mut out)?,
        Some(format) => report.write_rows(format.into(), arguments.outcome.map(RowOutcome::from), &mut out)?,
    }
    match out.flush() {
        // Whoever reads has seen enough, as with `| head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(DONE),
        result => Ok(result.map(|()| DONE)?),
    }
}

fn output<'io>(path: Option<&Path>, io: &'io mut Io) -> Result<Box<dyn Write + 'io>, Failure> {
    let Some(path) = path else { return Ok(Box::new(&mut io.stdout)) };
    let failed =
        |error| Failure::new(FAILED, format!("{}: cannot be written ({error}); name another file", path.display()));
    Ok(Box::new(BufWriter::new(File::create(path).map_err(failed)?)))
}

/// Says of each file what became of its rows, and what is to be done.
fn summarize(report: &JournalReport, journal: &Path, out: &mut impl Write) -> Result<(), Failure> {
    for run in report.last_runs()? {
        writeln!(out, "{} to {}", run.source, run.host)?;
        writeln!(out, "  {} ({})", run.started_at, run.ending.as_deref().unwrap_or("did not come to its end"))?;
        for (outcome, number) in run.outcomes {
            writeln!(out, "  {outcome:<24} {:>11}", grouped(number))?;
        }
    }
    let failures = report.failures()?;
    for (is_retryable, what) in [(true, "failed, to be sent again"), (false, "refused by the server")] {
        let of_kind: Vec<_> = failures.iter().filter(|failure| failure.is_retryable == is_retryable).collect();
        let number: u64 = of_kind.iter().map(|failure| failure.rows).sum();
        if number == 0 {
            continue;
        }
        writeln!(out, "{} {what}", rows(number))?;
        for failure in of_kind {
            writeln!(out, "  {:<24} {:>11}", failure.code, grouped(failure.rows))?;
        }
        let all = if is_retryable { "" } else { " --all, once the reason is mended" };
        writeln!(out, "  vambe retry {}{all}", journal.display())?;
    }
    Ok(())
}

impl From<Outcome> for RowOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted,
            Outcome::Rejected => Self::Rejected,
            Outcome::Skipped => Self::Skipped,
        }
    }
}

impl From<ListFormat> for RowFormat {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::Csv => Self::Csv,
            ListFormat::Json => Self::Json,
            ListFormat::Ndjson => Self::Ndjson,
        }
    }
}
