//! [`Import`]: a file that is ready to be imported, and what came of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use vambe::Error;

use crate::columns::{Columns, UnknownColumns};
use crate::constants::Constant;
use crate::error::{ImportError, RejectsProblem};
use crate::ledger::Ledger;
use crate::mapping::Mapping;
use crate::rejects::Rejects;
use crate::row::Header;
use crate::source::{Format, Source, SourceOptions};
use crate::stop::StopCause;
use crate::summary::Summary;

/// How files become records, and where rejected rows go.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// How the files are written, where that should not be found out.
    pub source: SourceOptions,
    /// Which column fills what. Default: the names of the columns say so.
    pub mapping: Mapping,
    /// What becomes of columns that are like no field. Default: what the mapping says, else they are metadata.
    pub unknown: Option<UnknownColumns>,
    /// Values for every row, where its own columns have none.
    pub constants: Vec<Constant>,
    /// The most rows to take of each file. Default: all.
    pub limit: Option<u64>,
    /// Where rejected rows go. Default: the file's name with `.rejects.csv` added.
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
    /// # Errors
    ///
    /// The first file that cannot be imported, before anything is sent of any.
    pub fn open(paths: &[PathBuf], options: &ImportOptions) -> Result<Vec<Self>, ImportError> {
        let mut outputs: Vec<PathBuf> = Vec::new();
        let mut imports = Vec::new();
        for path in paths {
            let output = options.rejects.clone().unwrap_or_else(|| default_rejects(path));
            if outputs.contains(&output) {
                return Err(ImportError::Rejects { path: output, problem: RejectsProblem::Shared });
            }
            imports.push(Self::open_one(path, output.clone(), paths, options)?);
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

    fn open_one(
        path: &Path,
        output: PathBuf,
        inputs: &[PathBuf],
        options: &ImportOptions,
    ) -> Result<Self, ImportError> {
        let source = Source::open(path, &options.source)?;
        let columns = Columns::new(source.header(), &options.mapping, &options.constants, options.unknown);
        let columns = columns.map_err(|problems| ImportError::Header {
            path: path.to_owned(),
            line: source.header().map(Header::line),
            problems,
        })?;
        let rejects = Rejects::prepare(output, &source, inputs)?;
        Ok(Self { source, columns, rejects, limit: options.limit })
    }
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

fn default_rejects(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".rejects.csv");
    name.into()
}
