//! [`Import`]: a file that is ready to be imported.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vambe::Client;

use crate::columns::{Columns, UnknownColumns};
use crate::constants::Constant;
use crate::error::{ImportError, RejectsProblem};
use crate::journal::{Journal, JournalProblem, LastRun};
use crate::mapping::Mapping;
use crate::rejects::{Rejects, default_path};
use crate::row::Header;
use crate::source::{Format, Source, SourceError, SourceOptions, SourceProblem, is_stdin};
use crate::source_state::SourceState;

/// How files become records, and where what becomes of them is written.
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
    /// Where rejected rows go. Default: the file's name with `.rejects.csv` added, or `.rejects.ndjson` for JSON.
    pub rejects: Option<PathBuf>,
    /// What remembers from run to run what was accepted.
    pub journal: JournalChoice,
    /// Whether the server starts empty and is thrown away, so that every customer is new to it.
    pub is_rehearsal: bool,
}

/// Which journal a file has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum JournalChoice {
    /// None: every row is sent in every run.
    #[default]
    None,
    /// One beside each file: its name with `.journal` added; none for what is no file.
    Beside,
    /// This one, for all files.
    At(PathBuf),
}

/// A file that was opened, understood, and can be imported or checked.
pub struct Import {
    pub(crate) source: Source,
    pub(crate) columns: Columns,
    pub(crate) rejects: Option<Rejects>,
    pub(crate) limit: Option<u64>,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) first_time_only: Vec<String>,
    pub(crate) is_rehearsal: bool,
    /// Whether its rows are those that failed before, taken from the journal.
    pub(crate) is_retry: bool,
    refused: u64,
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
        let mut journals: Vec<Arc<Journal>> = Vec::new();
        let mut imports = Vec::new();
        for path in paths {
            let source = open_source(path, &options.source, &mut stdin)?;
            let output = options.rejects.clone().unwrap_or_else(|| default_path(path, &source.format()));
            if outputs.contains(&output) {
                return Err(ImportError::Rejects { path: output, problem: RejectsProblem::Shared });
            }
            let mut import = Self::of_source(source, options)?;
            import.rejects = Some(Rejects::prepare(output.clone(), &import.source, paths)?);
            import.journal =
                options.journal.path_for(path).map(|path| open_journal(&path, &mut journals)).transpose()?;
            imports.push(import);
            outputs.push(output);
        }
        Ok(imports)
    }

    /// Opens one file, as [`open`](Self::open) does.
    ///
    /// # Errors
    ///
    /// The file cannot be imported; nothing was sent.
    pub fn open_one(path: &Path, options: &ImportOptions) -> Result<Self, ImportError> {
        let source = open_source(path, &options.source, &mut Some(Box::new(io::stdin())))?;
        let output = options.rejects.clone().unwrap_or_else(|| default_path(path, &source.format()));
        let journal = options.journal.path_for(path);
        Self::of_source(source, options)?.writing_to(Some(output), &[path.to_owned()], journal.as_deref())
    }

    /// Takes rows of a program, which have rejected rows and a journal only where the options name a file.
    ///
    /// # Errors
    ///
    /// A file that cannot be written, or what the options say cannot be done.
    pub fn of_rows(rows: Source, options: &ImportOptions) -> Result<Self, ImportError> {
        let journal = match &options.journal {
            JournalChoice::At(path) => Some(path.as_path()),
            JournalChoice::None | JournalChoice::Beside => None,
        };
        Self::of_source(rows, options)?.writing_to(options.rejects.clone(), &[], journal)
    }

    /// Opens a journal to send again what failed for a server and key: what may succeed by itself, or all.
    ///
    /// # Errors
    ///
    /// There is no such journal, or nothing in it that failed.
    pub fn retry(journal: &Path, client: &Client, all: bool) -> Result<Self, ImportError> {
        if !journal.exists() {
            return Err(ImportError::Journal { path: journal.to_owned(), problem: JournalProblem::Missing });
        }
        let open = Journal::open(journal)?;
        let rows = open.failed(client, all)?;
        let (limit, refused) = (Some(rows.count), rows.refused);
        let source = Source::given(journal, rows);
        let columns = Columns::new(None, &Mapping::default(), &[], Some(UnknownColumns::Refuse))
            .map_err(|problems| ImportError::Header { path: journal.to_owned(), line: None, problems })?;
        Ok(Self {
            source,
            columns,
            rejects: None,
            limit,
            journal: Some(open),
            first_time_only: Vec::new(),
            is_rehearsal: false,
            is_retry: true,
            refused,
        })
    }

    /// Returns how many rows a retry leaves out since the server refused them.
    pub fn refused(&self) -> u64 {
        self.refused
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

    /// Returns the journal that remembers what was accepted.
    pub fn journal(&self) -> Option<&Path> {
        self.journal.as_deref().map(Journal::path)
    }

    /// Returns what the journal says of the last run of this file.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn last_run(&self) -> Result<Option<LastRun>, ImportError> {
        let state = SourceState::of(self.source.path());
        self.journal.as_ref().map_or(Ok(None), |journal| journal.last_run(&state))
    }

    /// Returns what its columns fill.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Makes sure that what becomes of the rows can be written.
    fn writing_to(
        mut self,
        rejects: Option<PathBuf>,
        inputs: &[PathBuf],
        journal: Option<&Path>,
    ) -> Result<Self, ImportError> {
        self.rejects = rejects.map(|path| Rejects::prepare(path, &self.source, inputs)).transpose()?;
        self.journal = journal.map(Journal::open).transpose()?;
        Ok(self)
    }

    fn of_source(source: Source, options: &ImportOptions) -> Result<Self, ImportError> {
        let columns = Columns::new(source.header(), &options.mapping, &options.constants, options.unknown);
        let columns = columns.map_err(|problems| {
            let line = source.header().map(Header::line);
            ImportError::Header { path: source.path().to_owned(), line, problems }
        })?;
        Ok(Self {
            source,
            columns,
            rejects: None,
            limit: options.limit,
            journal: None,
            first_time_only: options.mapping.first_time_only().iter().map(ToString::to_string).collect(),
            is_rehearsal: options.is_rehearsal,
            is_retry: false,
            refused: 0,
        })
    }
}

impl JournalChoice {
    /// Returns the journal of a file. Rejected rows that were mended have that of the file they came from.
    pub fn path_for(&self, source: &Path) -> Option<PathBuf> {
        match self {
            Self::At(path) => Some(path.clone()),
            Self::Beside if source.is_file() => {
                let name = source.as_os_str().to_string_lossy();
                let original = REJECTS.iter().find_map(|ending| name.strip_suffix(ending));
                let mut name = original.map_or_else(|| source.as_os_str().to_owned(), OsString::from);
                name.push(".journal");
                Some(name.into())
            }
            Self::None | Self::Beside => None,
        }
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

const REJECTS: [&str; 2] = [".rejects.csv", ".rejects.ndjson"];

/// Opens a journal, or gives the one that another file of the same run has opened.
fn open_journal(path: &Path, journals: &mut Vec<Arc<Journal>>) -> Result<Arc<Journal>, ImportError> {
    if let Some(open) = journals.iter().find(|journal| journal.path() == path) {
        return Ok(Arc::clone(open));
    }
    let journal = Journal::open(path)?;
    journals.push(Arc::clone(&journal));
    Ok(journal)
}
