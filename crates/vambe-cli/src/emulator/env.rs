//! `vambe emulator env`: shell lines that point programs at a running emulator.

use std::path::Path;

use serde::Deserialize;

use super::arguments::EnvArguments;
use crate::exit::{DONE, FAILED, Failure};
use crate::io::Io;

/// What is needed of the announcement.
#[derive(Deserialize)]
struct Announced {
    url: String,
    api_key: String,
}

pub(super) fn run(arguments: &EnvArguments, io: &mut Io) -> Result<i32, Failure> {
    let announced = read(&arguments.ready_file)?;
    io.print(format_args!("export VAMBE_BASE_URL={}", quoted(&announced.url)))?;
    io.print(format_args!("export VAMBE_API_KEY={}", quoted(&announced.api_key)))?;
    Ok(DONE)
}

fn read(file: &Path) -> Result<Announced, Failure> {
    let failed = |reason: String| {
        let message = format!("{} {reason}; is vambe emulator --ready-file running?", file.display());
        Failure::new(FAILED, message)
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(format!("cannot be read ({error})")))?;
    serde_json::from_str(&text).map_err(|_| failed("is no announcement of an emulator".to_owned()))
}

/// One word for any shell of the family of sh.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
