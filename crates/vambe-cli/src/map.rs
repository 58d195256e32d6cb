//! `vambe map`: which column of a file fills what, suggested.

use std::env;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use vambe_import::{ImportError, Source, Stop, SuggestOptions, SuggestedColumn, Suggestion, suggest};

use crate::args::MapArguments;
use crate::blocking::on_a_thread;
use crate::exit::{DONE, FAILED, Failure, USAGE};
use crate::io::Io;

pub(crate) async fn run(arguments: &MapArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    let options = SuggestOptions {
        channel: arguments.channel.clone(),
        channel_phone_number: arguments.channel_phone_number.clone(),
        has_number_in_environment: env::var_os("VAMBE_CHANNEL_PHONE").is_some_and(|number| !number.is_empty()),
    };
    let (path, source_options) = (arguments.file.clone(), arguments.format.source_options());
    let look = move || Source::open(&path, &source_options).and_then(|source| suggest(source, &options));
    let suggestion = on_a_thread(stop, look).await?.map_err(ImportError::from)?;
    let out = arguments.out.clone().unwrap_or_else(|| beside(&arguments.file));
    if out == Path::new("-") {
        for line in explain(&suggestion) {
            io.say(format_args!("{line}"));
        }
        io.print(format_args!("{}", suggestion.mapping.trim_end()))?;
        return Ok(DONE);
    }
    write(&out, &suggestion.mapping, arguments.force)?;
    for line in explain(&suggestion) {
        io.print(format_args!("{line}"))?;
    }
    let (file, out) = (arguments.file.display(), out.display());
    io.say(format_args!("Written to {out}. Edit it, then: vambe check {file} --mapping {out}"));
    Ok(DONE)
}

/// Says of each column what it is taken for, and why.
fn explain(suggestion: &Suggestion) -> Vec<String> {
    let shown = |column: &SuggestedColumn| column.target.clone().unwrap_or_else(|| "(left out)".to_owned());
    let columns = &suggestion.columns;
    let width = columns.iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
    let target_width = columns.iter().map(|column| shown(column).chars().count()).max().unwrap_or_default();
    let line = |column: &SuggestedColumn| {
        let SuggestedColumn { name, why, sureness, .. } = column;
        format!("{name:width$}  {:target_width$}  {why} ({sureness})", shown(column))
    };
    columns.iter().map(line).collect()
}

fn beside(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".mapping.toml");
    name.into()
}

fn write(path: &Path, mapping: &str, force: bool) -> Result<(), Failure> {
    let opened = match force {
        true => File::create(path),
        false => OpenOptions::new().write(true).create_new(true).open(path),
    };
    let written = opened.and_then(|mut file| file.write_all(mapping.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            USAGE,
            format!("{}: is there already; pass --force to write over it, or --out FILE", path.display()),
        ),
        _ => Failure::new(FAILED, format!("{}: cannot be written ({error}); pass --out FILE", path.display())),
    })
}
