//! What can be wrong with a file: each with its place, its reason and the way out.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::columns::HeaderProblem;
use crate::mapping::MappingProblem;
use crate::source::FileKind;

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
    /// The rejected rows cannot be written.
    Rejects {
        /// The file they were to go to.
        path: PathBuf,
        /// What stands in the way.
        problem: RejectsProblem,
    },
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct SourceError {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The line, from 1, if it is about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: SourceProblem,
}

/// What is wrong with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceProblem {
    /// There is no such file.
    Missing,
    /// It is a directory.
    Directory,
    /// It may not be read.
    NoPermission,
    /// Reading it failed.
    Io(io::Error),
    /// There is nothing in it.
    Empty,
    /// The first row holds values, which are no names of columns.
    NoHeader,
    /// There is nothing below the header.
    HeaderOnly,
    /// It is no text file.
    NotText(FileKind),
    /// There are bytes that its encoding does not have.
    InvalidBytes {
        /// The encoding it was read as.
        encoding: String,
    },
    /// A quoted field has no end.
    UnclosedQuote,
    /// A row is larger than [`MAX_ROW`](crate::MAX_ROW).
    RowTooLong,
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

impl SourceError {
    pub(crate) fn at(path: &Path, line: Option<u64>, problem: SourceProblem) -> Self {
        Self { path: path.to_owned(), line, problem }
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        let problem = match error.kind() {
            io::ErrorKind::NotFound => SourceProblem::Missing,
            io::ErrorKind::IsADirectory => SourceProblem::Directory,
            io::ErrorKind::PermissionDenied => SourceProblem::NoPermission,
            _ => SourceProblem::Io(error),
        };
        Self::at(path, None, problem)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, &self.path, self.line)?;
        self.problem.fmt(f)
    }
}

impl fmt::Display for SourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no such file; check the path",
            Self::Directory => "is a directory; name a file in it",
            Self::NoPermission => "may not be read; give yourself permission to read it",
            Self::Io(error) => return write!(f, "cannot be read ({error}); check the disk and try again"),
            Self::Empty => "is empty; the first row must hold the names of the columns",
            Self::NoHeader => "holds values of customers, not the names of columns; put a row of names above it",
            Self::HeaderOnly => "has a header but no rows; check the export",
            Self::NotText(kind) => kind.way_out(),
            Self::InvalidBytes { encoding } => {
                return write!(
                    f,
                    "a character that is not {encoding}; save the file as UTF-8, \
                     or pass --encoding windows-1252 if that is what it is"
                );
            }
            Self::UnclosedQuote => "a quoted field is never closed; close the quote, or pass --quote none",
            Self::RowTooLong => {
                "a row of more than 1 MiB; look for a quote that is left open there, or pass --quote none"
            }
        })
    }
}

impl FileKind {
    fn way_out(self) -> &'static str {
        match self {
            Self::Workbook => "is a workbook, not text; save it as \"CSV UTF-8\" first",
            Self::Gzip => "is compressed; unpack it with gunzip first",
            Self::Binary => "holds zero bytes, so it is no CSV file; if it is UTF-16 text, pass --encoding utf-16le",
        }
    }
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

impl std::error::Error for ImportError {}

impl std::error::Error for SourceError {}

impl From<SourceError> for ImportError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, path: &Path, line: Option<u64>) -> fmt::Result {
    write!(f, "{}", path.display())?;
    match line {
        Some(line) => write!(f, ", line {line}: "),
        None => f.write_str(": "),
    }
}
