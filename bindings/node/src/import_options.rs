//! Options of an import, as JavaScript gives them.

use std::mem::take;

use vambe::Value;
use vambe_import::{Constant, ImportOptions, Job, JobSource, JournalChoice, SendOptions};

use crate::options::{Given, config_error, paced};

/// Reads the options of an import.
pub(crate) fn job(source: JobSource, text: &str) -> napi::Result<Job> {
    let import = ImportOptions { journal: JournalChoice::Beside, ..ImportOptions::default() };
    let mut job = Job { source, mapping: None, events: None, import, send: SendOptions::default() };
    for option in Given::all(text, "an import")? {
        set(&mut job, &option)?;
    }
    Ok(job)
}

fn set(job: &mut Job, option: &Given) -> napi::Result<()> {
    let (import, send) = (&mut job.import, &mut job.send);
    match option.name.as_str() {
        "mapping" => job.mapping = Some(option.text()?.into()),
        "events" => job.events = Some(option.text()?.into()),
        "journal" => import.journal = journal(option)?,
        "rejects" => import.rejects = Some(option.text()?.into()),
        "set" => import.constants = constants(option)?,
        "unknown" => import.unknown = Some(option.parsed()?),
        "limit" => import.limit = Some(option.count()?),
        "format" => import.source.format = Some(option.parsed()?),
        "sheet" => import.source.sheet = Some(option.text()?),
        "delimiter" => import.source.delimiter = Some(option.parsed()?),
        "encoding" => import.source.encoding = Some(option.parsed()?),
        "quote" => import.source.quote = Some(option.parsed()?),
        "force" => send.force = option.flag()?,
        "maxAgeMs" => send.max_age = Some(option.time()?),
        "canary" => send.canary = Some(option.count()?),
        "source" => send.source_name = Some(option.text()?),
        "duplicates" => send.duplicates = option.parsed()?,
        _ => send.batch = paced(take(&mut send.batch), option)?,
    }
    Ok(())
}

/// Reads `false`, or a path.
fn journal(option: &Given) -> napi::Result<JournalChoice> {
    match &option.value {
        Value::Bool(false) => Ok(JournalChoice::None),
        Value::Text(path) => Ok(JournalChoice::At(path.into())),
        _ => Err(option.wrong("a path, or false")),
    }
}

/// Reads `{ channel: 'whatsapp' }`. No message repeats a value, which may be personal.
fn constants(option: &Given) -> napi::Result<Vec<Constant>> {
    let Value::Object(entries) = &option.value else { return Err(option.wrong("an object of field and value")) };
    let constant = |(name, value): &(String, Value)| {
        Constant::of(name, value).map_err(|problem| config_error(&format!("set, {name}: {problem}")))
    };
    entries.iter().map(constant).collect()
}
