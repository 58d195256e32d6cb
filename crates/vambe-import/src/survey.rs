//! The first reading of a source, before anything is sent: how many rows it has, and which customers come again.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;

use crate::error::ImportError;
use crate::feed::Feed;
use crate::judge::{Judge, Judged, judged};
use crate::ledger::Progress;
use crate::repeats::{LastRows, Repeats};
use crate::report::Ending;
use crate::source::Source;
use crate::stop::Stop;
use crate::summary::Count;

/// What one reading tells.
#[derive(Default)]
pub(crate) struct Survey {
    /// How many rows there are; `None` where the source can be read only once.
    pub(crate) rows: Option<u64>,
    pub(crate) last: LastRows,
    /// How many rows are about a customer of an earlier row.
    pub(crate) repeated: u64,
    /// How many rows spell a number otherwise than an earlier row, and the line of the first.
    pub(crate) respelled: Option<Count>,
}

/// Reads a source that is opened once more for this; there is none where it can be read only once.
///
/// # Errors
///
/// How the run ends, if it is to end here.
pub(crate) async fn survey(
    source: Option<Source>,
    judge: &Arc<Judge>,
    limit: Option<u64>,
    stop: &Stop,
    on_progress: &mut (impl FnMut(&Progress) + Send),
) -> Result<Survey, Ending> {
    let failed = |error: ImportError| Ending::Failed(error);
    let Some(source) = source else { return Ok(Survey::default()) };
    let mut repeats = Repeats::new(source.expected_bytes());
    let feed = Feed::start(source, limit).map_err(|error| failed(error.into()))?;
    let mut batches = pin!(judged(feed, Arc::clone(judge), false));
    let mut survey = Survey { rows: Some(0), ..Survey::default() };
    let mut progress = Progress { reading: true, ..Progress::default() };
    loop {
        let batch = tokio::select! {
            biased;
            cause = stop.raised() => return Err(Ending::Stopped(cause)),
            batch = batches.next() => batch,
        };
        let Some(batch) = batch else { break };
        let batch = batch.map_err(|error| failed(error.into()))?;
        progress.bytes = batch.last().map_or(progress.bytes, |judged| judged.row.end());
        survey.rows = survey.rows.map(|rows| rows + batch.len() as u64);
        survey.take(&batch, &mut repeats).map_err(|error| failed(ImportError::temporary(&error)))?;
        on_progress(&progress);
    }
    survey.last = repeats.finish().map_err(|error| failed(ImportError::temporary(&error)))?;
    Ok(survey)
}

impl Survey {
    fn take(&mut self, batch: &[Judged], repeats: &mut Repeats) -> rusqlite::Result<()> {
        for judged in batch {
            let Ok(ready) = &judged.found else { continue };
            self.repeated += u64::from(repeats.see(judged.number, ready.key)?);
            if ready.other_key.is_some_and(|key| repeats.has_seen(key)) {
                let count = self.respelled.get_or_insert(Count { rows: 0, first_line: judged.row.line() });
                count.rows += 1;
            }
        }
        Ok(())
    }
}
