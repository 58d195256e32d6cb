//! How a run ends: exit codes, and errors as one paragraph each.

use std::io;

use clap::error::ErrorKind;
use vambe::{Door, ErrorCode};
use vambe_import::{ImportError, StopCause, message_of_core};

use crate::io::Io;

pub(crate) const DONE: i32 = 0;
pub(crate) const FAILED: i32 = 1;
pub(crate) const USAGE: i32 = 2;
pub(crate) const REJECTED: i32 = 3;
pub(crate) const GUARD: i32 = 4;
pub(crate) const INTERRUPTED: i32 = 130;
pub(crate) const TERMINATED: i32 = 143;

/// Why a command did not do what it was asked to.
pub(crate) struct Failure {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Puts the place in front.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    pub(crate) fn stopped(cause: StopCause) -> Self {
        match cause {
            StopCause::Interrupt => Self::new(INTERRUPTED, "interrupted"),
            StopCause::Terminate => Self::new(TERMINATED, "terminated"),
        }
    }
}

impl From<vambe::Error> for Failure {
    fn from(error: vambe::Error) -> Self {
        let code = match error.code() {
            ErrorCode::Config => USAGE,
            ErrorCode::Authentication | ErrorCode::PermissionDenied => GUARD,
            _ => REJECTED,
        };
        Self::new(code, message_of_core(&error, Door::Cli))
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        Self::new(import_code(&error), error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(FAILED, format!("standard output cannot be written ({error}); check where it goes"))
    }
}

pub(crate) fn import_code(error: &ImportError) -> i32 {
    if error.is_misuse() { USAGE } else { FAILED }
}

/// Ends a run whose arguments were understood.
pub(crate) fn code(result: Result<i32, Failure>, io: &mut Io) -> i32 {
    match result {
        Ok(code) => code,
        Err(failure) => {
            io.say(format_args!("vambe: {}", failure.message));
            failure.code
        }
    }
}

/// Ends a run whose arguments were not understood, or asked for help.
pub(crate) fn usage(error: &clap::Error, io: &mut Io) -> i32 {
    let text = error.render().to_string();
    let text = text.trim_end();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            code(io.print(format_args!("{text}")).map(|()| DONE).map_err(Failure::from), io)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            io.say(format_args!("{text}"));
            USAGE
        }
        _ => {
            io.say(format_args!("vambe: {}", text.strip_prefix("error: ").unwrap_or(text)));
            USAGE
        }
    }
}
