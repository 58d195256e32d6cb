//! [`Io`]: the streams of a run, and what the run is part of.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};

use indicatif::ProgressDrawTarget;
use vambe::Door;

/// Where a run reads from and writes to.
pub struct Io {
    /// Where a record of `vambe upsert` comes from.
    pub stdin: Box<dyn Read + Send>,
    /// Whether a person would have to type it.
    pub stdin_is_terminal: bool,
    /// Where results go.
    pub stdout: Box<dyn Write + Send>,
    /// Where progress, remarks and errors go.
    pub stderr: Box<dyn Write + Send>,
    /// Where a progress bar may be drawn; without it progress comes in lines.
    pub bar: Option<ProgressDrawTarget>,
    /// What the run is part of.
    pub host: Host,
}

/// The program that a run is part of: the command itself, or an interpreter.
#[derive(Debug, Clone)]
pub struct Host {
    /// Whose variables for certificates count.
    pub runtime: Door,
    /// The interpreter's version.
    pub version: Option<String>,
}

impl Default for Host {
    fn default() -> Self {
        Self { runtime: Door::Cli, version: None }
    }
}

impl Io {
    /// Returns the streams of this process.
    pub fn process() -> Self {
        Self {
            stdin: Box::new(io::stdin()),
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout: Box::new(io::stdout()),
            stderr: Box::new(io::stderr()),
            bar: io::stderr().is_terminal().then(ProgressDrawTarget::stderr),
            host: Host::default(),
        }
    }

    /// Prints a line of the result.
    pub(crate) fn print(&mut self, line: Arguments<'_>) -> io::Result<()> {
        match writeln!(self.stdout, "{line}").and_then(|()| self.stdout.flush()) {
            // Whoever reads has seen enough, as with `| head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says something beside the result. Nobody can be told if that fails.
    pub(crate) fn say(&mut self, line: Arguments<'_>) {
        let _ = writeln!(self.stderr, "{line}").and_then(|()| self.stderr.flush());
    }
}
