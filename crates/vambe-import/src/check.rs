//! The run that sends nothing: every row checked, offline, and compared with what was accepted before.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use vambe::CheckOptions;

use crate::error::ImportError;
use crate::feed::Feed;
use crate::fingerprint::Salt;
use crate::import::{Import, JournalChoice};
use crate::journal::Known;
use crate::judge::{Judge, Judged, Ready, judged};
use crate::ledger::{Ledger, Progress};
use crate::repeats::{LastRows, Repeats};
use crate::report::{Ending, Report};
use crate::stop::Stop;
use crate::survey::survey;

impl Import {
    /// Checks every row without network or key.
    ///
    /// Rows with errors are rejected, as an import would; rows with warnings are counted. Where there is a journal,
    /// customers are compared with what its last run's server and key have accepted; it is not written.
    pub async fn check(
        mut self,
        options: &CheckOptions,
        journal: &JournalChoice,
        stop: &Stop,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Report {
        let path = self.source.path().to_owned();
        let mut ledger = Ledger::new(path.clone(), self.rejects.take(), None);
        let known = match journal.path_for(&path).map(|journal| Known::of_last_run(&journal)).transpose() {
            Ok(known) => known.flatten(),
            Err(error) => return Report::new(ledger, Ending::Failed(error), None),
        };
        let (salt, known) = known.unzip();
        let judge = Arc::new(Judge {
            columns: self.columns,
            options: options.clone(),
            salt: salt.unwrap_or_else(Salt::random),
            compared_without: known.is_some().then_some(self.first_time_only),
        });
        // A customer's last row is what would be sent, and so what is compared.
        let again = match known.is_some().then(|| self.source.again()).transpose() {
            Ok(again) => again.flatten(),
            Err(error) => return Report::new(ledger, Ending::Failed(error.into()), None),
        };
        let last = match survey(again, &judge, self.limit, stop, &mut on_progress).await {
            Ok(survey) => survey.last,
            Err(ending) => return Report::new(ledger, ending, None),
        };
        let repeats = Repeats::new(self.source.expected_bytes());
        let feed = match Feed::start(self.source, self.limit) {
            Ok(feed) => feed,
            Err(error) => return Report::new(ledger, Ending::Failed(error.into()), None),
        };
        let mut checked = Checked { known, last, repeats, repeated: 0 };
        let mut batches = pin!(judged(feed, judge, true));
        let ending = loop {
            let batch = tokio::select! {
                biased;
                cause = stop.raised() => break Ending::Stopped(cause),
                batch = batches.next() => batch,
            };
            let settled = match batch {
                None => break Ending::Finished,
                Some(batch) => {
                    batch.map_err(ImportError::from).and_then(|batch| checked.settle(batch, &mut ledger, &path))
                }
            };
            if let Err(error) = settled {
                break Ending::Failed(error);
            }
            ledger.flush();
            on_progress(&ledger.progress());
            if ledger.has_failed() {
                break Ending::Finished;
            }
        };
        ledger.repeated(checked.repeated);
        let is_whole = matches!(ending, Ending::Finished) && !ledger.has_failed();
        Report::new(ledger, ending, is_whole.then_some(0))
    }
}

/// What rows are compared with: each other, and what was accepted before.
struct Checked {
    known: Option<Known>,
    last: LastRows,
    repeats: Repeats,
    repeated: u64,
}

impl Checked {
    fn settle(&mut self, batch: Vec<Judged>, ledger: &mut Ledger, path: &Path) -> Result<(), ImportError> {
        for Judged { row, number, found, warnings } in batch {
            ledger.look_at(&row);
            ledger.warn(&row, &warnings);
            match found {
                Err(reason) => ledger.reject(&row, &reason),
                Ok(ready) => {
                    ledger.accept(&row, None);
                    if ready.other_key.is_some_and(|key| self.repeats.has_seen(key)) {
                        ledger.warn_of(&row, "phone_other_spelling");
                    }
                    let was_seen =
                        self.repeats.see(number, ready.key).map_err(|error| ImportError::temporary(&error))?;
                    self.repeated += u64::from(was_seen);
                    let is_last = self.last.is_last(number, &ready.key);
                    if !is_last.map_err(|error| ImportError::temporary(&error))? {
                        continue;
                    }
                    let compared = self.compare(&ready, ledger);
                    compared.map_err(|error| ImportError::Journal { path: path.to_owned(), problem: error.into() })?;
                }
            }
        }
        Ok(())
    }

    /// Notes whether the customer is new, has changed, or would be skipped.
    fn compare(&mut self, ready: &Ready, ledger: &mut Ledger) -> rusqlite::Result<()> {
        let (Some(known), Some(fingerprint)) = (&mut self.known, &ready.fingerprint) else { return Ok(()) };
        let Some(accepted) = known.find(&ready.key)? else {
            ledger.compare(|changes| changes.new += 1);
            return Ok(());
        };
        if accepted.body == fingerprint.body {
            ledger.compare(|changes| changes.unchanged += 1);
            return Ok(());
        }
        let fields = known.fields(&accepted)?;
        ledger.compare(|changes| {
            changes.changed += 1;
            for name in fingerprint.changed_from(&fields) {
                *changes.fields.entry(name.to_owned()).or_default() += 1;
            }
        });
        Ok(())
    }
}
