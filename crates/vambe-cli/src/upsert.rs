//! `vambe upsert`: one customer, sent.

use std::io::Read;

use vambe::{Client, ClientBuilder, CustomerRecord};
use vambe_import::{Columns, Stop};

use crate::args::UpsertArguments;
use crate::blocking::on_a_thread;
use crate::client;
use crate::exit::{DONE, FAILED, Failure, USAGE};
use crate::files::constants;
use crate::io::{Host, Io};

pub(crate) async fn run(arguments: &UpsertArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    if arguments.dry_run {
        let options = client::check_options(&arguments.checks)?;
        let record = record(arguments, io, stop).await?;
        return show(&vambe::prepare(&record, &options)?, io);
    }
    let client = build_client(arguments, &io.host)?;
    let record = record(arguments, io, stop).await?;
    let contact = tokio::select! {
        contact = client.upsert(record) => contact?,
        cause = stop.raised() => return Err(Failure::stopped(cause)),
    };
    io.print(format_args!("{}", one_line(&contact.raw)))?;
    Ok(DONE)
}

fn build_client(arguments: &UpsertArguments, host: &Host) -> Result<Client, Failure> {
    let builder = client::connect(client::builder(&arguments.checks)?, &arguments.connection, host);
    let builder = client::with(builder, arguments.timeout, ClientBuilder::timeout);
    // One attempt may take all the time there is, when somebody asks for a long one.
    let builder = client::with(builder, arguments.timeout, ClientBuilder::attempt_timeout);
    Ok(client::with(builder, arguments.max_retries, ClientBuilder::max_retries).build()?)
}

async fn record(arguments: &UpsertArguments, io: &mut Io, stop: &Stop) -> Result<CustomerRecord, Failure> {
    if !arguments.set.is_empty() {
        return Ok(Columns::record_of(&constants(&arguments.set)?));
    }
    if io.stdin_is_terminal {
        let message = "there is no record; give it as JSON on standard input, or with --set field=value";
        return Err(Failure::new(USAGE, message));
    }
    let input = std::mem::replace(&mut io.stdin, Box::new(std::io::empty()));
    let text = on_a_thread(stop, || read_all(input)).await??;
    CustomerRecord::from_json(&text).map_err(|error| Failure::from(error).at("standard input"))
}

fn read_all(input: Box<dyn Read + Send>) -> Result<String, Failure> {
    let unreadable = |reason: &str| Failure::new(FAILED, format!("standard input {reason}"));
    let mut bytes = Vec::new();
    input
        .take(MOST_INPUT)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&format!("cannot be read ({error}); check where it comes from")))?;
    if bytes.len() as u64 == MOST_INPUT {
        return Err(unreadable("is larger than 4 MiB; send less"));
    }
    String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8; convert it first"))
}

// A body has at most 1 MiB, and JSON escapes can make a text longer.
const MOST_INPUT: u64 = 4 * 1024 * 1024;

fn show(prepared: &vambe::Prepared, io: &mut Io) -> Result<i32, Failure> {
    for change in &prepared.changes {
        let action = serde_json::to_value(change.action).unwrap_or_default();
        io.say(format_args!("{}: {}", change.path, action.as_str().unwrap_or("changed")));
    }
    for warning in &prepared.warnings {
        io.say(format_args!("warning: {warning} [{}]", warning.code));
    }
    io.print(format_args!("{}", prepared.body))?;
    Ok(DONE)
}

fn one_line(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}
