//! [`SourceState`]: by what a file is told to have changed.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::source::Fingerprint;

/// A file as it was when somebody looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceState {
    /// Its whole path, so that it is the same file from wherever it is named.
    pub(crate) name: String,
    pub(crate) size: Option<u64>,
    /// In nanoseconds since 1970.
    pub(crate) modified: Option<i64>,
}

impl SourceState {
    /// Looks at a file; of what is no file there is nothing to tell but the name.
    pub(crate) fn of(path: &Path) -> Self {
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let fingerprint = Fingerprint::of(path);
        let modified = fingerprint.and_then(|fingerprint| fingerprint.modified);
        let since_1970 = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            name: whole.to_string_lossy().into_owned(),
            size: fingerprint.map(|fingerprint| fingerprint.size),
            modified: since_1970.and_then(|time| i64::try_from(time.as_nanos()).ok()),
        }
    }
}
