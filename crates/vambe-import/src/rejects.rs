//! [`Rejects`]: the rows that were not accepted, as they stood, with the reason.

mod cells;
mod objects;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{ImportError, RejectsProblem};
use crate::reason::Reason;
use crate::row::{Header, Row};
use crate::source::{Format, Source, is_stdin};

use cells::CellsWriter;
use objects::ObjectsWriter;

/// A file of rejected rows, which can be mended and imported in turn.
///
/// It comes into being with the first of them, and only its owner may read it, for it
/// holds personal data. It is in UTF-8 and otherwise written as the input is: CSV for
/// cells, NDJSON for objects. What it adds stands in front, so that a row with too many
/// cells keeps them all.
pub(crate) struct Rejects {
    path: PathBuf,
    format: Format,
    header: Header,
    replaces: bool,
    writer: Option<Writer>,
}

enum Writer {
    Cells(Box<CellsWriter>),
    Objects(ObjectsWriter),
}

/// What it adds to a row. The names start with `_`, so that they are left out of the next import.
const OWN_NAMES: [&str; 5] = ["_line", "_code", "_reason", "_http_status", "_attempts"];

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Rejects {
    /// Makes sure that rows can be written, and leaves nothing behind.
    pub(crate) fn prepare(path: PathBuf, source: &Source, inputs: &[PathBuf]) -> Result<Self, ImportError> {
        let replaces = match prove_writable(&path, inputs) {
            Ok(replaces) => replaces,
            Err(problem) => return Err(ImportError::Rejects { path, problem }),
        };
        let header = source.header().cloned().unwrap_or_default();
        Ok(Self { path, format: source.format(), header, replaces, writer: None })
    }

    /// Returns the file, once there is one.
    pub(crate) fn written_to(&self) -> Option<&Path> {
        self.writer.is_some().then_some(self.path.as_path())
    }

    pub(crate) fn write(&mut self, row: &Row, reason: &Reason) -> Result<(), ImportError> {
        let written = match &mut self.writer {
            None => self.create().and_then(|writer| self.writer.insert(writer).write(row, reason)),
            Some(writer) => writer.write(row, reason),
        };
        written.map_err(|error| self.fail(error))
    }

    pub(crate) fn flush(&mut self) -> Result<(), ImportError> {
        match self.writer.as_mut().map(Writer::flush) {
            Some(Err(error)) => Err(self.fail(error)),
            _ => Ok(()),
        }
    }

    /// Removes what an earlier run left, if this one rejected nothing.
    pub(crate) fn remove_outdated(&self) -> Result<(), ImportError> {
        if self.replaces && self.writer.is_none() {
            fs::remove_file(&self.path).map_err(|error| self.fail(error))?;
        }
        Ok(())
    }

    fn create(&self) -> io::Result<Writer> {
        let file = create_private(&self.path, self.replaces)?;
        Ok(match is_of_objects(&self.format) {
            true => Writer::Objects(ObjectsWriter::new(file)),
            false => Writer::Cells(Box::new(CellsWriter::start(file, &self.format, &self.header)?)),
        })
    }

    fn fail(&self, error: io::Error) -> ImportError {
        ImportError::Rejects { path: self.path.clone(), problem: RejectsProblem::Io(error) }
    }
}

impl Writer {
    fn write(&mut self, row: &Row, reason: &Reason) -> io::Result<()> {
        match self {
            Self::Cells(writer) => writer.write(row, reason),
            Self::Objects(writer) => writer.write(row, reason),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Cells(writer) => writer.flush(),
            Self::Objects(writer) => writer.flush(),
        }
    }
}

/// Returns where rejected rows of an input go, unless somebody says otherwise.
pub(crate) fn default_path(input: &Path, format: &Format) -> PathBuf {
    let mut name = if is_stdin(input) { OsString::from("stdin") } else { OsString::from(input) };
    name.push(if is_of_objects(format) { ".rejects.ndjson" } else { ".rejects.csv" });
    name.into()
}

fn is_of_objects(format: &Format) -> bool {
    matches!(format, Format::Json(_) | Format::Program)
}

fn create_private(path: &Path, replaces: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The mode above is for a file that is new.
    #[cfg(unix)]
    if replaces {
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = replaces;
    Ok(file)
}

/// Returns whether there is an older file to replace.
fn prove_writable(path: &Path, inputs: &[PathBuf]) -> Result<bool, RejectsProblem> {
    let is_input = |input: &PathBuf| same_file(input, path);
    if inputs.iter().any(is_input) {
        return Err(RejectsProblem::IsInput);
    }
    match fs::metadata(path) {
        Ok(metadata) => {
            let replaces = metadata.is_file();
            if replaces && !holds_rejects(path).map_err(RejectsProblem::Io)? {
                return Err(RejectsProblem::NotRejects);
            }
            OpenOptions::new().append(true).open(path).map_err(RejectsProblem::Io)?;
            Ok(replaces)
        }
        Err(_) => {
            File::create_new(path).and_then(|_| fs::remove_file(path)).map_err(RejectsProblem::Io)?;
            Ok(false)
        }
    }
}

fn same_file(one: &Path, two: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(two)) {
        (Ok(one), Ok(two)) => one == two,
        _ => one == two,
    }
}

fn holds_rejects(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    let text = start.strip_prefix(UTF8_MARK).unwrap_or(&start);
    let first = text.iter().position(|byte| !matches!(byte, b'{' | b'"' | b'\'')).unwrap_or(text.len());
    Ok(text.is_empty() || text[first..].starts_with(OWN_NAMES[0].as_bytes()))
}
