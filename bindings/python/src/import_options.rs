//! From keyword arguments to an import.

use std::mem::take;
use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use vambe_import::{Constant, ImportOptions, Job, JobSource, JournalChoice, SendOptions};

use crate::error;
use crate::options::{A_COUNT, A_PATH, Given, fold, paced};
use crate::value::Converter;

/// Reads the options of an import.
pub(crate) fn job(source: JobSource, options: &Bound<'_, PyDict>) -> PyResult<Job> {
    let import = ImportOptions { journal: JournalChoice::Beside, ..ImportOptions::default() };
    let job = Job { source, mapping: None, events: None, import, send: SendOptions::default() };
    fold(Some(options), job, |mut job, given| {
        set(&mut job, given)?;
        Ok(job)
    })
}

fn set(job: &mut Job, given: &Given<'_>) -> PyResult<()> {
    let (import, send) = (&mut job.import, &mut job.send);
    match given.name.as_str() {
        "mapping" => job.mapping = Some(given.read(A_PATH)?),
        "events" => job.events = Some(given.read(A_PATH)?),
        "journal" => import.journal = journal(given)?,
        "rejects" => import.rejects = Some(given.read(A_PATH)?),
        "set" => import.constants = constants(given)?,
        "unknown" => import.unknown = Some(given.parsed()?),
        "limit" => import.limit = Some(given.read(A_COUNT)?),
        "format" => import.source.format = Some(given.parsed()?),
        "sheet" => import.source.sheet = Some(given.text()?),
        "delimiter" => import.source.delimiter = Some(given.parsed()?),
        "encoding" => import.source.encoding = Some(given.parsed()?),
        "quote" => import.source.quote = Some(given.parsed()?),
        "force" => send.force = given.flag()?,
        "max_age" => send.max_age = Some(age(given)?),
        "canary" => send.canary = Some(given.read(A_COUNT)?),
        "source" => send.source_name = Some(given.text()?),
        "duplicates" => send.duplicates = given.parsed()?,
        _ => send.batch = paced(take(&mut send.batch), given)?,
    }
    Ok(())
}

/// Reads `False`, or a path.
fn journal(given: &Given<'_>) -> PyResult<JournalChoice> {
    if given.value.extract::<bool>().is_ok_and(|is_wanted| !is_wanted) {
        return Ok(JournalChoice::None);
    }
    given.read::<PathBuf>("a path, or False").map(JournalChoice::At)
}

fn age(given: &Given<'_>) -> PyResult<Duration> {
    let seconds = given.value.extract::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match seconds {
        Some(age) => Ok(age),
        None => given.read("a number of seconds or a timedelta, 0 or more"),
    }
}

/// Reads `{"channel": "whatsapp"}`. No message repeats a value, which may be personal.
fn constants(given: &Given<'_>) -> PyResult<Vec<Constant>> {
    let Ok(entries) = given.value.cast::<PyDict>() else { return Err(given.wrong("a dict of field and value")) };
    let constant = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract().map_err(|_| given.wrong("a dict of field and value"))?;
        let value = Converter::default().value(&value)?;
        let problem = |problem| error::config(given.value.py(), &format!("set, {name}: {problem}"));
        Constant::of(&name, &value).map_err(problem)
    };
    entries.iter().map(constant).collect()
}
