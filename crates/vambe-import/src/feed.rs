//! [`Feed`]: rows read on a thread of their own, so that a slow source holds nothing else up.

use std::thread;

use tokio::sync::mpsc;

use crate::row::Row;
use crate::source::{Source, SourceError, SourceProblem};

/// The rows of a source, a few batches ahead of whoever takes them.
pub(crate) struct Feed {
    batches: mpsc::Receiver<Batch>,
}

type Batch = Result<Vec<Row>, SourceError>;

impl Feed {
    /// Starts reading, up to so many rows.
    pub(crate) fn start(source: Source, limit: Option<u64>) -> Result<Self, SourceError> {
        let path = source.path().to_owned();
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let run = move || read_all(source, limit.unwrap_or(u64::MAX), &sender);
        thread::Builder::new()
            .name("vambe-rows".to_owned())
            .spawn(run)
            .map_err(|error| SourceError::at(&path, None, SourceProblem::Io(error)))?;
        Ok(Self { batches })
    }

    /// Waits for the rows that were read together; `None` at the end.
    pub(crate) async fn next_batch(&mut self) -> Option<Result<Vec<Row>, SourceError>> {
        self.batches.recv().await
    }
}

const BATCHES_AHEAD: usize = 4;
const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 256 * 1024;

fn read_all(mut source: Source, limit: u64, sender: &mpsc::Sender<Batch>) {
    let mut left = limit;
    loop {
        let (rows, error) = read_batch(&mut source, &mut left);
        let is_last = rows.is_empty();
        // Whoever took the rows has gone: so does this thread.
        if !is_last && sender.blocking_send(Ok(rows)).is_err() {
            return;
        }
        match error {
            Some(error) => drop(sender.blocking_send(Err(error))),
            None if !is_last => continue,
            None => {}
        }
        return;
    }
}

fn read_batch(source: &mut Source, left: &mut u64) -> (Vec<Row>, Option<SourceError>) {
    // Who makes rows one at a time is not made to wait for the next before the first is sent.
    let most = if source.is_live() { 1 } else { BATCH_ROWS };
    let (mut rows, mut bytes) = (Vec::with_capacity(most), 0);
    while *left > 0 && rows.len() < most && bytes < BATCH_BYTES {
        match source.next_row() {
            Ok(Some(row)) => {
                *left -= 1;
                bytes += row.size();
                rows.push(row);
                if !source.has_row_at_hand() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}
