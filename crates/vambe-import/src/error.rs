//! What can be wrong with an import: each with its place, its reason and the way out.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::columns::HeaderProblem;
use crate::journal::JournalProblem;
use crate::mapping::MappingProblem;
use crate::source::{SourceError, SourceProblem, is_stdin};

/// Why a file cannot be imported, or not to its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    Source(SourceError),
    /// The names of its columns cannot be matched; nothing was sent.
    Header {
        /// The file.
        path: PathBuf,
        /// The line of the header, if the file has one.
        line: Option<u64>,
        /// Everything that is wrong with it.
        problems: Vec<HeaderProblem>,
    },
    /// The mapping says what nobody can do; nothing was sent.
    Mapping {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<MappingProblem>,
    },
    /// What was accepted cannot be looked up or written down.
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        problem: JournalProblem,
    },
    /// A file beside the rows cannot be written: events, or what does not fit into memory.
    Output {
        /// The file, or what it is for.
        path: PathBuf,
        /// What stands in the way.
        problem: io::Error,
    },
    /// The rejected rows cannot be written.
    Rejects {
        /// The file they were to go to.
        path: PathBuf,
        /// What stands in the way.
        problem: RejectsProblem,
    },
}

/// Why rejected rows cannot be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum RejectsProblem {
    /// The file is one of the inputs.
    IsInput,
    /// The file holds something else.
    NotRejects,
    /// The rejected rows of two inputs would go there.
    Shared,
    /// It cannot be opened or written.
    Io(io::Error),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Header { path, line, problems } => {
                write_place(f, path, *line)?;
                for (index, problem) in problems.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{problem}")?;
                }
                if problems.iter().any(|problem| matches!(problem, HeaderProblem::Near { .. })) {
                    f.write_str("; rename it, or put \"meta_data.\" in front to send it as metadata")?;
                }
                Ok(())
            }
            Self::Mapping { path, problems } => {
                write_place(f, path, None)?;
                for (index, problem) in problems.iter().enumerate() {
                    write!(f, "{}line {}: {}", if index == 0 { "" } else { "; " }, problem.line, problem.message)?;
                }
                Ok(())
            }
            Self::Rejects { path, problem } => {
                write_place(f, path, None)?;
                problem.fmt(f)
            }
            Self::Journal { path, problem } => {
                write_place(f, path, None)?;
                problem.fmt(f)
            }
            Self::Output { path, problem } => {
                write_place(f, path, None)?;
                write!(f, "cannot be written ({problem}); make room, or name another file")
            }
        }
    }
}

impl fmt::Display for RejectsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IsInput => {
                f.write_str("is an input, so rejected rows cannot go there; name another file with --rejects")
            }
            Self::NotRejects => f.write_str(
                "exists and holds no rejected rows, so it is left alone; remove it or name another file with --rejects",
            ),
            Self::Shared => f.write_str("the rejected rows of two inputs would go there; import them one at a time"),
            Self::Io(error) => {
                write!(f, "rejected rows cannot be written there ({error}); name another file with --rejects")
            }
        }
    }
}

impl ImportError {
    /// Returns whether something was asked for that cannot be done, rather than a file or disk failing.
    pub fn is_misuse(&self) -> bool {
        match self {
            Self::Header { .. } | Self::Mapping { .. } => true,
            Self::Rejects { problem, .. } => !matches!(problem, RejectsProblem::Io(_)),
            Self::Journal { problem, .. } => !matches!(
                problem,
                JournalProblem::Damaged | JournalProblem::DiskFull | JournalProblem::InUse | JournalProblem::Io(_)
            ),
            Self::Source(error) => matches!(
                error.problem,
                SourceProblem::NoSheet { .. }
                    | SourceProblem::NoWorkbook
                    | SourceProblem::StdinTwice
                    | SourceProblem::ReadOnce
            ),
            Self::Output { .. } => false,
        }
    }

    pub(crate) fn events(path: &Path, error: io::Error) -> Self {
        Self::Output { path: path.to_owned(), problem: error }
    }

    /// What does not fit into memory could not be written to a temporary file.
    pub(crate) fn temporary(error: &rusqlite::Error) -> Self {
        Self::Output { path: std::env::temp_dir(), problem: io::Error::other(error.to_string()) }
    }
}

impl std::error::Error for ImportError {}

impl From<SourceError> for ImportError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

pub(crate) fn write_place(f: &mut fmt::Formatter<'_>, path: &Path, line: Option<u64>) -> fmt::Result {
    match is_stdin(path) {
        true => f.write_str("standard input")?,
        false => write!(f, "{}", path.display())?,
    }
    match line {
        Some(line) => write!(f, ", line {line}: "),
        None => f.write_str(": "),
    }
}
