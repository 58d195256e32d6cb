//! [`Events`]: what happens to rows, as lines of JSON, for programs that follow a run.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// A file that gets a line of JSON for each row and for the start and end of each source. It holds no personal data
/// but ids of contacts.
#[derive(Clone)]
pub struct Events {
    path: PathBuf,
    file: Arc<Mutex<BufWriter<File>>>,
}

/// One line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    Started {
        file: &'a Path,
        rows: Option<u64>,
    },
    Row {
        file: &'a Path,
        line: u64,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        contact_id: Option<&'a str>,
    },
    Finished {
        file: &'a Path,
        ending: &'a str,
        summary: &'a crate::summary::Summary,
    },
}

impl Events {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: Arc::new(Mutex::new(BufWriter::new(File::create(path)?))) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, event: &Event<'_>) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut *file, event)?;
        file.write_all(b"\n")
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Events").field(&self.path).finish()
    }
}
