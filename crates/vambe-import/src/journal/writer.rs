//! [`Writer`]: a thread that writes outcomes down and says when they are safe.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::error::ImportError;
use crate::journal::JournalProblem;

use super::scribe::{Entry, Scribe};
use super::{Journal, RunId};

/// Takes entries, and gives the numbers of the records whose outcome is on the disk.
pub(crate) struct Writer {
    entries: mpsc::Sender<Entry>,
    written: mpsc::UnboundedReceiver<Vec<u64>>,
    thread: JoinHandle<Result<(), ImportError>>,
}

impl Writer {
    pub(crate) fn start(journal: &Arc<Journal>, id: RunId) -> Result<Self, ImportError> {
        let mut scribe = Scribe::new(Arc::clone(journal), id)?;
        let (entries, mut incoming) = mpsc::channel(ENTRIES_WAITING);
        let (outgoing, written) = mpsc::unbounded_channel();
        let run = move || write_all(&mut scribe, &mut incoming, &outgoing);
        let thread = thread::Builder::new()
            .name("vambe-journal".to_owned())
            .spawn(run)
            .map_err(|error| journal.fail(JournalProblem::Io(error.to_string())))?;
        Ok(Self { entries, written, thread })
    }

    /// Returns where entries go. What is sent after the thread has failed is lost, and [`end`](Self::end) says so.
    pub(crate) fn entries(&self) -> mpsc::Sender<Entry> {
        self.entries.clone()
    }

    /// Waits for records to be written; `None` once the thread has failed.
    pub(crate) async fn written(&mut self) -> Option<Vec<u64>> {
        self.written.recv().await
    }

    /// Waits for everything to be written. All who send entries must have gone.
    pub(crate) async fn end(self) -> Result<(), ImportError> {
        drop((self.entries, self.written));
        let joined = spawn_blocking(|| self.thread.join()).await;
        match joined {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(error) => resume_unwind(error.into_panic()),
        }
    }
}

fn write_all(
    scribe: &mut Scribe,
    entries: &mut mpsc::Receiver<Entry>,
    written: &mpsc::UnboundedSender<Vec<u64>>,
) -> Result<(), ImportError> {
    let mut batch = Vec::with_capacity(MOST_TOGETHER);
    while entries.blocking_recv_many(&mut batch, MOST_TOGETHER) > 0 {
        scribe.write(&batch)?;
        // Nobody waits any more if the run was given up.
        let _ = written.send(batch.iter().filter_map(|entry| entry.record).collect());
        batch.clear();
    }
    Ok(())
}

const ENTRIES_WAITING: usize = 1024;
const MOST_TOGETHER: usize = 256;
