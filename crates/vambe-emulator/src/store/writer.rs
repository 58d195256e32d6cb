//! One thread that owns the connection, and commits together what waits together.
//!
//! A commit to disk takes as long for one upsert as for hundreds, so whatever has
//! queued up during one commit goes into the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{Builder, JoinHandle};
use std::{fmt, io};

use rusqlite::{Connection, Result};

use super::purge;

const LARGEST_BATCH: usize = 512;

/// Why the state could not be read or written.
#[derive(Debug, Clone)]
pub(crate) struct StoreError(Arc<str>);

/// The thread and the way to give it work; dropping it waits for the thread.
pub(super) struct Writer {
    queue: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    untidy: Arc<AtomicBool>,
}

/// A piece of work inside the transaction, which leaves an answer for after it, and says
/// why the transaction must not be committed, if so.
type Work = Box<dyn FnOnce(&Connection) -> (Answer, Option<StoreError>) + Send>;

type Answer = Box<dyn FnOnce(std::result::Result<(), StoreError>) + Send>;

impl Writer {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, work) = mpsc::channel();
        // What resets of an earlier run left behind is still there.
        let untidy = Arc::new(AtomicBool::new(true));
        let leftovers = Arc::clone(&untidy);
        let run = move || run(&connection, &work, &leftovers);
        let thread = Builder::new().name("vambe-emulator-store".to_owned()).spawn(run)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), untidy })
    }

    /// Does work that fails only when the disk does, and answers once it is committed.
    ///
    /// When it fails, all that would have been committed with it fails too: nobody was answered
    /// yet. Without an answer, the writer has stopped or could not begin.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        answer: impl FnOnce(std::result::Result<T, StoreError>) + Send + 'static,
    ) {
        self.send(move |connection| {
            let done = work(connection).map_err(StoreError::from);
            let spoilt = done.as_ref().err().cloned();
            (Box::new(move |committed| answer(committed.and(done))), spoilt)
        });
    }

    /// Does work that may fail alone: what it has written is then taken back, and nothing else.
    ///
    /// It costs a copy of every page that the work touches.
    pub(super) fn submit_guarded<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
        answer: impl FnOnce(std::result::Result<T, StoreError>) + Send + 'static,
    ) {
        self.send(move |connection| {
            let done = in_savepoint(connection, work).map_err(StoreError::from);
            (Box::new(move |committed| answer(committed.and(done))), None)
        });
    }

    fn send(&self, work: impl FnOnce(&Connection) -> (Answer, Option<StoreError>) + Send + 'static) {
        if let Some(queue) = &self.queue {
            // It fails when the thread has ended; the answer is then dropped unheard.
            let _: std::result::Result<(), _> = queue.send(Box::new(work));
        }
    }

    /// Lets the thread delete, when it has nothing else to do, what resets left behind.
    pub(super) fn tidy_up(&self) {
        self.untidy.store(true, Ordering::Relaxed);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // It can only have failed by a panic, which has been reported.
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

fn run(connection: &Connection, work: &Receiver<Work>, untidy: &AtomicBool) {
    loop {
        let first = if untidy.load(Ordering::Relaxed) {
            match work.try_recv() {
                Ok(first) => Some(first),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return,
            }
        } else {
            match work.recv() {
                Ok(first) => Some(first),
                Err(_) => return,
            }
        };
        match first {
            Some(first) => commit(connection, std::iter::once(first).chain(work.try_iter()).take(LARGEST_BATCH)),
            // A failure will be met, and told, by the next piece of work.
            None => untidy.store(purge(connection).unwrap_or(false), Ordering::Relaxed),
        }
    }
}

/// Does all of the batch in one transaction; what is not reached is dropped unanswered.
fn commit(connection: &Connection, batch: impl Iterator<Item = Work>) {
    if connection.execute_batch("BEGIN IMMEDIATE").is_err() {
        return drop(batch.collect::<Vec<_>>());
    }
    let mut answers = Vec::new();
    let mut spoilt = None;
    for work in batch {
        let (answer, reason) = work(connection);
        answers.push(answer);
        // A full disk makes SQLite end the transaction by itself.
        spoilt = reason.or_else(|| connection.is_autocommit().then(StoreError::stopped));
        if spoilt.is_some() {
            break;
        }
    }
    let committed = match spoilt {
        Some(reason) => Err(reason),
        None => connection.execute_batch("COMMIT").map_err(StoreError::from),
    };
    if committed.is_err() && !connection.is_autocommit() {
        // Should it fail, every later piece of work will hear that no transaction can begin.
        let _: Result<()> = connection.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(committed.clone());
    }
}

fn in_savepoint<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("SAVEPOINT work")?.execute([])?;
    let done = work(connection);
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK TO work")?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE work")?.execute([])?;
    }
    done
}

impl StoreError {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().into())
    }

    /// The writer has stopped or could not begin a transaction.
    pub(super) fn stopped() -> Self {
        Self::new("the emulator cannot write its state: is the disk full?")
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(format_args!("the emulator cannot read or write its state ({error})"))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered<T: Send + 'static>(
        writer: &Writer,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (sender, receiver) = mpsc::channel();
        writer.submit_guarded(work, move |done| sender.send(done).unwrap());
        receiver.recv().unwrap()
    }

    fn numbers() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(super::super::SCHEMA).unwrap();
        connection.execute_batch("CREATE TABLE n (n INTEGER UNIQUE)").unwrap();
        Writer::start(connection).unwrap()
    }

    #[test]
    fn guarded_work_that_fails_takes_nothing_else_with_it() {
        let writer = numbers();
        let insert = |n: i64| move |connection: &Connection| connection.execute("INSERT INTO n VALUES (?1)", [n]);
        answered(&writer, insert(1)).unwrap();
        let failed = answered(&writer, move |connection| {
            connection.execute("INSERT INTO n VALUES (2)", [])?;
            connection.execute("INSERT INTO n VALUES (1)", [])
        });
        assert!(failed.is_err());
        answered(&writer, insert(3)).unwrap();
        let count = |connection: &Connection| connection.query_row("SELECT count(*) FROM n", [], |row| row.get(0));
        assert_eq!(answered::<i64>(&writer, count).unwrap(), 2);
    }
    #[test]
    fn a_batch_is_committed_whole_or_not_at_all() {
        let writer = numbers();
        let (sender, receiver) = mpsc::channel();
        let (queued, wait) = mpsc::channel::<()>();
        // Keeps the thread busy until all three are in the queue.
        writer.submit(move |_| Ok(wait.recv().is_ok()), |_| {});
        for n in [1, 2, 1] {
            let sender = sender.clone();
            let insert = move |connection: &Connection| connection.execute("INSERT INTO n VALUES (?1)", [n]);
            writer.submit(insert, move |done| sender.send(done.is_ok()).unwrap());
        }
        drop(queued);
        let answers: Vec<bool> = receiver.iter().take(3).collect();
        assert_eq!(answers, [false; 3]);
        let count = |connection: &Connection| connection.query_row("SELECT count(*) FROM n", [], |row| row.get(0));
        assert_eq!(answered::<i64>(&writer, count).unwrap(), 0);
    }
}
