//! [`Import`]: a file that is ready to be imported, and what came of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use vambe::Error;

use crate::columns::{Columns, UnknownColumns};
use crate::constants::Constant;
use crate::error::{ImportError, RejectsProblem, SourceError, SourceProblem};
use crate::ledger::Ledger;
use crate::rejects::{Rejects, default_path};
use crate::row::Header;
use crate::source::{Format, Source, SourceOptions, is_stdin};
use crate::stop::StopCause;
use crate::summary::Summary;

/// How files become records, and where rejected rows go.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// How the files are written, where that should not be found out.
    pub source: SourceOptions,
    /// What becomes of columns that are like no field.
    pub unknown: UnknownColumns,
    /// Values for every row, where its own columns have none.
    pub constants: Vec<Constant>,
    /// The most rows to take of each file. Default: all.
    pub limit: Option<u64>,
    /// Where rejected rows go. Default: the file's name with `.rejects.csv` added, or `.rejects.ndjson` for JSON.
    pub rejects: Option<PathBuf>,
}

/// A file that was opened, understood, and can be imported or checked.
pub struct Import {
    pub(crate) source: Source,
    pub(crate) columns: Columns,
    pub(crate) rejects: Rejects,
    pub(crate) limit: Option<u64>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// What became of the rows.
    pub summary: Summary,
    /// How the run ended.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// Every row was looked at.
    Finished,
    /// Somebody asked it to stop.
    Stopped(StopCause),
    /// Going on made no sense: the service refuses the key.
    Guard(Error),
    /// The file could not be read to its end, or rejected rows not be written.
    Failed(ImportError),
}

impl Import {
    /// Opens files, matches their columns, and makes sure that rejected rows can be written.
    ///
    /// The path `-` is standard input.
    ///
    /// # Errors
    ///
    /// The first file that cannot be imported, before anything is sent of any.
    pub fn open(paths: &[PathBuf], options: &ImportOptions) -> Result<Vec<Self>, ImportError> {
        Self::open_with(paths, options, Box::new(io::stdin()))
    }

    /// Opens files as [`open`](Self::open) does, with a reader in the place of standard input.
    ///
    /// # Errors
    ///
    /// As those of [`open`](Self::open).
    pub fn open_with(
        paths: &[PathBuf],
        options: &ImportOptions,
        stdin: Box<dyn Read + Send>,
    ) -> Result<Vec<Self>, ImportError> {
        let mut stdin = Some(stdin);
        let mut outputs: Vec<PathBuf> = Vec::new();
        let mut imports = Vec::new();
        for path in paths {
            let source = open_source(path, &options.source, &mut stdin)?;
            let output = options.rejects.clone().unwrap_or_else(|| default_path(path, &source.format()));
            if outputs.contains(&output) {
                return Err(ImportError::Rejects { path: output, problem: RejectsProblem::Shared });
            }
            imports.push(Self::of_source(source, output.clone(), paths, options)?);
            outputs.push(output);
        }
        Ok(imports)
    }

    /// Returns the file, as it was named.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Returns how the file turned out to be written.
    pub fn format(&self) -> Format {
        self.source.format()
    }

    /// Returns the size of the file in bytes; `None` for a pipe.
    pub fn size(&self) -> Option<u64> {
        self.source.size()
    }

    /// Returns what its columns fill.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    fn of_source(
        source: Source,
        output: PathBuf,
        inputs: &[PathBuf],
        options: &ImportOptions,
    ) -> Result<Self, ImportError> {
        let columns = Columns::new(source.header(), &options.constants, options.unknown).map_err(|problems| {
            let line = source.header().map(Header::line);
            ImportError::Header { path: source.path().to_owned(), line, problems }
        })?;
        let rejects = Rejects::prepare(output, &source, inputs)?;
        Ok(Self { source, columns, rejects, limit: options.limit })
    }
}

fn open_source(
    path: &Path,
    options: &SourceOptions,
    stdin: &mut Option<Box<dyn Read + Send>>,
) -> Result<Source, SourceError> {
    if !is_stdin(path) {
        return Source::open(path, options);
    }
    let bytes = stdin.take().ok_or_else(|| SourceError::at(path, None, SourceProblem::StdinTwice))?;
    Source::from_reader(path, bytes, options)
}

impl Report {
    /// Closes the account of a run that ended in a way.
    pub(crate) fn new(ledger: Ledger, ending: Ending) -> Self {
        let (summary, failure) = ledger.close(matches!(ending, Ending::Finished));
        match failure {
            Some(error) => Self { summary, ending: Ending::Failed(error) },
            None => Self { summary, ending },
        }
    }
}
