//! [`Batch`]: the core's `upsert_many`, fed by JavaScript and delivering outcome by outcome.

use std::collections::VecDeque;

use futures_util::{Stream, StreamExt as _, stream};
use napi_derive::napi;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vambe::{CustomerRecord, Outcome};

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
    most_held: u32,
    is_paced: bool,
}

#[napi]
impl Batch {
    /// Starts a batch, whose outcomes and end `port` delivers under `id`.
    #[napi(constructor)]
    pub fn new(client: &Client, port: &Port, id: u32, options: String) -> napi::Result<Self> {
        let (options, is_paced) = options::batch(&options)?;
        let client = client.opened()?.clone();
        let most_held = client.most_held(&options).map_err(options::thrown)?;
        let (sender, receiver) = unbounded_channel();
        port.run(runtime::clients()?, id, |messages| async move {
            let ask = is_paced.then(|| messages.clone());
            let mut outcomes = match client.upsert_many(records(receiver, ask), options) {
                Ok(outcomes) => std::pin::pin!(outcomes),
                Err(error) => return Message::new(Kind::Failed, &error),
            };
            while let Some(outcome) = outcomes.next().await {
                messages.send(&Message::new(Kind::Outcome, &Written::new(&outcome)));
            }
            Message::new(Kind::Done, &())
        });
        Ok(Self { records: Some(sender), most_held: u32::try_from(most_held).unwrap_or(u32::MAX), is_paced })
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
    error: Option<&'o vambe::Error>,
}

impl<'o> Written<'o> {
    fn new(outcome: &'o Outcome) -> Self {
        Self {
            index: outcome.index,
            attempts: outcome.attempts,
            key: outcome.key.as_deref(),
            contact: outcome.contact(),
            error: outcome.error(),
        }
    }
}
