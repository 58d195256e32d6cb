//! `vambe check`, and `vambe import --dry-run`: the rows of files, checked offline.

use vambe::CheckOptions;
use vambe_import::{Import, JournalChoice, Report, Stop};

use crate::args::{CheckArguments, FileArguments, RuleArguments};
use crate::client;
use crate::exit::Failure;
use crate::files::{self, RunFile};
use crate::io::Io;
use crate::progress::Progress;
use crate::total::Kind;

pub(crate) async fn run(arguments: &CheckArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    files::run(Offline::new(&arguments.checks, &arguments.files), &arguments.files, io, stop).await
}

/// Checks rows without network or key.
pub(crate) struct Offline {
    options: CheckOptions,
    journal: JournalChoice,
}

impl Offline {
    pub(crate) fn new(rules: &RuleArguments, files: &FileArguments) -> Result<Self, Failure> {
        Ok(Self { options: client::check_options(rules)?, journal: files.journal() })
    }
}

impl RunFile for Offline {
    const KIND: Kind = Kind::Check;

    async fn run(&self, import: Import, stop: &Stop, progress: &mut Progress<'_>) -> Result<Report, Failure> {
        Ok(import.check(&self.options, &self.journal, stop, |now| progress.show(now)).await)
    }
}
