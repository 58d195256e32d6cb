//! What can be wrong with a journal: each with its reason and the way out.

use std::fmt;

/// What is wrong with a journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum JournalProblem {
    /// Another run writes it.
    InUse,
    /// The file is something else.
    NotJournal,
    /// Another version has written it.
    Version {
        /// The version of its form.
        version: i64,
    },
    /// It contradicts itself.
    Damaged,
    /// There is no room for it.
    DiskFull,
    /// It holds nothing to send again.
    NothingFailed,
    /// There is no such file.
    Missing,
    /// A mapping needs one to know which customers are new.
    Needed,
    /// It cannot be opened, read or written.
    Io(String),
}

impl fmt::Display for JournalProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InUse => "another run is writing this journal; wait for it, or name another with --journal",
            Self::NotJournal => "is no journal, so it is left alone; name another file with --journal",
            Self::Version { version } => {
                return write!(
                    f,
                    "the journal has form {version}, which this version of vambe cannot read; use the version that wrote it, or another --journal"
                );
            }
            Self::Damaged => {
                "the journal is damaged; move it away and import again: rows that were accepted are then sent once more, which does no harm"
            }
            Self::DiskFull => {
                "there is no room for the journal; make room and import again: what is in the journal is skipped"
            }
            Self::NothingFailed => "holds nothing to send again",
            Self::Missing => "there is no such journal; check the path",
            Self::Needed => "first_time_only needs a journal to know which customers are new; pass --journal FILE",
            Self::Io(error) => {
                return write!(f, "the journal cannot be used ({error}); name another file with --journal, or pass --no-journal");
            }
        })
    }
}
