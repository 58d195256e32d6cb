//! [`Batch`]: the core's `upsert_many`, fed by JavaScript and delivering outcome by outcome.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use napi_derive::napi;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vambe::{BatchProgress, CustomerRecord, Error, Outcome, UpsertManyHandle};

use crate::client::Client;
use crate::options;
use crate::port::{Kind, Message, Port, Sender};
use crate::runtime;
use crate::value::read_records;

/// A batch under way.
#[napi]
pub struct Batch {
    // JavaScript feeds no more than `most_held` records ahead, so the channel needs no limit.
    records: Option<UnboundedSender<String>>,
    handle: UpsertManyHandle,
    most_held: u32,
    is_paced: bool,
}

#[napi]
impl Batch {
    /// Starts a batch, whose outcomes and end `port` delivers under `id`, with its progress and the events that are
    /// wanted.
    #[napi(constructor)]
    pub fn new(
        client: &Client,
        port: &Port,
        id: u32,
        options: String,
        tells_progress: bool,
        wanted: u32,
    ) -> napi::Result<Self> {
        let options::Batch { mut options, call, is_paced } = options::batch(&options)?;
        let client = client.watched(call, wanted, port, id)?;
        let most_held = client.most_held(&options).map_err(options::thrown)?;
        let last = LastProgress::default();
        if tells_progress {
            let slot = Arc::clone(&last);
            options = options.on_progress(move |progress| *lock(&slot) = Some(*progress));
        }
        let (sender, receiver) = unbounded_channel();
        let ask = is_paced.then(|| port.sender(id));
        let mut outcomes = client.upsert_many(records(receiver, ask), options).map_err(options::thrown)?;
        let handle = outcomes.handle();
        port.run(runtime::clients()?, id, |messages| async move {
            while let Some(outcome) = outcomes.next().await {
                let progress = lock(&last).take();
                messages.send_with_others(&Message::new(Kind::Outcome, &Written::new(&outcome, progress)));
            }
            let handle = outcomes.handle();
            Message::new(Kind::Done, &Ended { stopped: handle.stopped(), left_over: handle.left_over() })
        });
        Ok(Self { records: Some(sender), handle, most_held: u32::try_from(most_held).unwrap_or(u32::MAX), is_paced })
    }

    /// Returns how many records may be under way, outcomes that nobody took included.
    #[napi]
    pub fn most_held(&self) -> u32 {
        self.most_held
    }

    /// Returns whether to hand over a record only when it is asked for: in a paced batch it would
    /// wait here, and still be sent after its source has ended.
    #[napi]
    pub fn is_paced(&self) -> bool {
        self.is_paced
    }

    /// Hands over records: a JSON list.
    #[napi]
    pub fn feed(&self, records: String) {
        if let Some(sender) = &self.records {
            // A batch that was cancelled takes no more, and wants none.
            let _ = sender.send(records);
        }
    }

    /// Says that there are no more records.
    #[napi]
    pub fn end(&mut self) {
        self.records = None;
    }

    /// Gives the records that were handed over so many milliseconds.
    #[napi]
    pub fn finish(&self, millis: f64) {
        // What is too long for a duration is no limit.
        self.handle.give_up_after(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or(Duration::MAX));
    }
}

/// The progress at the outcome that was last given, from where the core tells it to where it is sent on.
type LastProgress = Arc<Mutex<Option<BatchProgress>>>;

fn lock(last: &Mutex<Option<BatchProgress>>) -> MutexGuard<'_, Option<BatchProgress>> {
    // Plain numbers, valid after any panic.
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the records that are handed over, and asks for each if there is a way to ask.
fn records(receiver: UnboundedReceiver<String>, ask: Option<Sender>) -> impl Stream<Item = CustomerRecord> + Send {
    stream::unfold((receiver, VecDeque::new(), ask), |(mut receiver, mut waiting, ask)| async move {
        loop {
            if let Some(record) = waiting.pop_front() {
                return Some((record, (receiver, waiting, ask)));
            }
            if let Some(ask) = &ask {
                ask.send(&Message::new(Kind::Wanted, &()));
            }
            waiting.extend(read_records(&receiver.recv().await?));
        }
    })
}

/// An outcome as JavaScript reads it.
#[derive(Serialize)]
struct Written<'o> {
    index: u64,
    attempts: u32,
    key: Option<&'o str>,
    contact: Option<&'o vambe::Contact>,
    error: Option<&'o Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
}

/// What JavaScript cannot count itself.
#[derive(Serialize)]
struct Progress {
    in_flight: u64,
    rate: f64,
    learned_limit: Option<f64>,
}

/// How a batch ended: why before its records did, and what became of those that nobody took.
#[derive(Serialize)]
struct Ended<'e> {
    stopped: Option<&'e Error>,
    left_over: Option<Error>,
}

impl<'o> Written<'o> {
    fn new(outcome: &'o Outcome, progress: Option<BatchProgress>) -> Self {
        Self {
            index: outcome.index,
            attempts: outcome.attempts,
            key: outcome.key.as_deref(),
            contact: outcome.contact(),
            error: outcome.error(),
            progress: progress.map(|BatchProgress { in_flight, rate, learned_limit, .. }| Progress {
                in_flight,
                rate,
                learned_limit,
            }),
        }
    }
}
