//! The command `vambe`, as a function: [`run`] takes arguments and streams, and gives an exit code.
//!
//! It reads no global state but the environment variables of `vambe`, prints nothing past
//! its [`Io`], and leaves signals to its caller, who raises [`Stop`] on them. So the
//! program, the Python package and the npm package share one command.

mod args;
mod blocking;
mod check;
mod client;
mod doctor;
mod emulator;
mod exit;
mod files;
mod import;
mod io;
mod map;
mod phone;
mod progress;
mod report;
mod retry;
mod target;
mod total;
mod upsert;
mod words;

use std::ffi::OsString;

use clap::Parser as _;

pub use io::{Host, Io};
pub use vambe_import::{Stop, StopCause};

use args::{Arguments, Command};

/// Runs the command; the first argument is the program's name.
///
/// Exit codes: 0 all accepted, 1 input/output or internal error, 2 usage or configuration,
/// 3 finished with rejected rows, 4 stopped because the service refuses the key,
/// 130 interrupted, 143 terminated.
pub async fn run(args: impl IntoIterator<Item = OsString>, mut io: Io, stop: Stop) -> i32 {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => return exit::usage(&error, &mut io),
    };
    let result = match arguments.command {
        Command::Import(arguments) => import::run(&arguments, &mut io, &stop).await,
        Command::Check(arguments) => check::run(&arguments, &mut io, &stop).await,
        Command::Map(arguments) => map::run(&arguments, &mut io, &stop).await,
        Command::Retry(arguments) => retry::run(&arguments, &mut io, &stop).await,
        Command::Report(arguments) => report::run(&arguments, &mut io),
        Command::Upsert(arguments) => upsert::run(&arguments, &mut io, &stop).await,
        Command::Phone(arguments) => phone::run(&arguments, &mut io),
        Command::Doctor(arguments) => doctor::run(&arguments, &mut io, &stop).await,
        Command::Emulator(arguments) => emulator::run(&arguments, &mut io, &stop).await,
    };
    exit::code(result, &mut io)
}
