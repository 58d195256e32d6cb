//! [`Import`]: a file or the rows of a program, sent on a thread of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender as RowSender, channel};

use napi_derive::napi;
use vambe::{Door, Value};
use vambe_import::{JobSource, Progress, Source, SourceError, SourceProblem, Stop, StopCause};

use crate::client::Client;
use crate::import_options;
use crate::options;
use crate::port::{Kind, Message, Port, Sender};
use crate::runtime;
use crate::value::read;

/// An import under way.
#[napi]
pub struct Import {
    stop: Stop,
    // JavaScript hands over rows only when they are asked for, so the channel needs no limit.
    rows: Option<RowSender<Fed>>,
}

/// What JavaScript hands over.
enum Fed {
    /// A JSON list of rows.
    Rows(String),
    /// The name of what the rows have thrown.
    Failure(String),
}

#[napi]
impl Import {
    /// Starts an import, whose progress and end `port` delivers under `id`: of the file that `target` names, or of
    /// rows of that name, which are handed over.
    #[napi(constructor)]
    pub fn new(
        client: &Client,
        port: &Port,
        id: u32,
        target: String,
        takes_rows: bool,
        options: String,
    ) -> napi::Result<Self> {
        let client = client.opened()?.with_own_connections().map_err(options::thrown)?;
        let (sender, receiver) = channel();
        let (source, rows) = match takes_rows {
            true => {
                let name = PathBuf::from(&target);
                let rows = Rows { receiver, waiting: VecDeque::new(), ask: port.sender(id), name };
                (JobSource::Rows(Box::new(Source::from_rows(target, rows))), Some(sender))
            }
            false => (JobSource::File(target.into()), None),
        };
        let job = import_options::job(source, &options)?;
        let stop = Stop::new();
        let raised = stop.clone();
        port.run(runtime::imports()?, id, |messages| async move {
            let on_progress = |progress: &Progress| messages.send(&Message::new(Kind::Progress, progress));
            Message::new(Kind::Done, &job.run(&client, Door::Node, &raised, on_progress).await)
        });
        Ok(Self { stop, rows })
    }

    /// Hands over rows: a JSON list.
    #[napi]
    pub fn feed(&self, rows: String) {
        self.hand_over(Fed::Rows(rows));
    }

    /// Says that there are no more rows.
    #[napi]
    pub fn end(&mut self) {
        self.rows = None;
    }

    /// Says that there are no more rows, since something was thrown: what came before is still sent.
    #[napi]
    pub fn fail(&mut self, name: String) {
        self.hand_over(Fed::Failure(name));
        self.end();
    }

    /// Takes no more rows, and finishes what is in flight; a second time ends at once.
    #[napi]
    pub fn stop(&self) {
        self.stop.raise(StopCause::Interrupt);
    }

    fn hand_over(&self, fed: Fed) {
        if let Some(sender) = &self.rows {
            // An import that has ended takes no more.
            let _ = sender.send(fed);
        }
    }
}

/// The rows as the import takes them.
struct Rows {
    receiver: Receiver<Fed>,
    waiting: VecDeque<Value>,
    ask: Sender,
    name: PathBuf,
}

impl Iterator for Rows {
    type Item = Result<Value, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() {
            self.ask.send(&Message::new(Kind::Wanted, &()));
            match self.receiver.recv().ok()? {
                Fed::Rows(text) => match read(&text) {
                    Value::Array(rows) => self.waiting.extend(rows),
                    other => self.waiting.push_back(other),
                },
                Fed::Failure(name) => {
                    let problem = SourceProblem::Program(format!("{name} was thrown"));
                    return Some(Err(SourceError { path: self.name.clone(), line: None, problem }));
                }
            }
        }
        self.waiting.pop_front().map(Ok)
    }

    // Those that are here already: no other row waits for more.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.waiting.len(), None)
    }
}
