//! [`Port`]: one per JavaScript environment; starts and cancels calls, and delivers what they end in.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Env, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// Wakes JavaScript; weak, so that it never keeps the process alive.
type Wake = ThreadsafeFunction<(), (), String, napi::Status, false, true, 0>;

/// What a message says; JavaScript knows these numbers too.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The call succeeded.
    Done = 0,
    /// The call failed, with the error as the core serialises it.
    Failed = 1,
    /// One outcome of a batch, which goes on.
    Outcome = 2,
    /// A paced batch has room for one more record, or an import for rows.
    Wanted = 3,
    /// How far an import is.
    Progress = 4,
    /// Something happened to a call or batch that goes on.
    Event = 5,
}

/// The way between the calls and one JavaScript environment.
///
/// `deliver` is called on the environment's thread with `"id,kind,payload,id,kind,payload,…"`,
/// the inside of a JSON list: all that has happened since it was last called.
#[napi]
pub struct Port {
    shared: Arc<Shared>,
}

#[napi]
impl Port {
    #[napi(constructor)]
    #[allow(missing_docs)]
    pub fn new(env: Env, deliver: Function<'_, String, ()>) -> napi::Result<Self> {
        let queue = Arc::new(Mutex::new(Queue::default()));
        let drained = Arc::clone(&queue);
        let wake = deliver
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(move |_| Ok(lock(&drained).take()))?;
        let closing = Arc::clone(&queue);
        env.add_env_cleanup_hook((), move |()| lock(&closing).close())?;
        Ok(Self { shared: Arc::new(Shared { queue, wake }) })
    }

    /// Ends a call: its connection is closed, and nothing more is heard of it.
    #[napi]
    pub fn cancel(&self, id: u32) {
        if let Some(call) = lock(&self.shared.queue).calls.remove(&id) {
            call.abort();
        }
    }

    /// Runs a call until it ends or is cancelled.
    pub(crate) fn run<F>(&self, runtime: &Handle, id: u32, call: impl FnOnce(Sender) -> F)
    where
        F: Future<Output = Message> + Send + 'static,
    {
        let sender = self.sender(id);
        let call = call(sender.clone());
        // Locked until the call is noted: it may end before this does.
        let mut queue = lock(&self.shared.queue);
        if queue.is_closed {
            return;
        }
        let task = runtime.spawn(async move { sender.finish(&call.await) });
        queue.calls.insert(id, task.abort_handle());
    }

    /// Returns what delivers the messages of a call.
    pub(crate) fn sender(&self, id: u32) -> Sender {
        Sender { id, shared: Arc::clone(&self.shared) }
    }
}

/// A message to JavaScript, as JSON text.
pub(crate) struct Message {
    kind: Kind,
    payload: String,
}

impl Message {
    pub(crate) fn new(kind: Kind, payload: &impl Serialize) -> Self {
        // Maps have text keys and writing to memory cannot fail, so there is no error to report.
        Self { kind, payload: serde_json::to_string(payload).unwrap_or_else(|_| "null".to_owned()) }
    }

    pub(crate) fn of<T: Serialize, E: Serialize>(result: &Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::new(Kind::Done, value),
            Err(error) => Self::new(Kind::Failed, error),
        }
    }
}

/// Delivers the messages of one call.
#[derive(Clone)]
pub(crate) struct Sender {
    id: u32,
    shared: Arc<Shared>,
}

impl Sender {
    /// Delivers a message of a call that goes on.
    pub(crate) fn send(&self, message: &Message) {
        let mut queue = lock(&self.shared.queue);
        if queue.is_first(self.id, message) {
            self.shared.wake(&queue);
        }
    }

    /// As `send`, from the task of a call: to wake JavaScript costs more than to tell it something, so what is told
    /// in one turn of the runtime wakes it once, after the last of it.
    pub(crate) fn send_with_others(&self, message: &Message) {
        self.deliver_with_others(&mut lock(&self.shared.queue), message);
    }

    fn finish(&self, message: &Message) {
        let mut queue = lock(&self.shared.queue);
        queue.calls.remove(&self.id);
        self.deliver_with_others(&mut queue, message);
    }

    fn deliver_with_others(&self, queue: &mut Queue, message: &Message) {
        if queue.is_first(self.id, message) {
            let shared = Arc::clone(&self.shared);
            // A new task comes after all that are ready.
            tokio::spawn(async move { shared.wake(&lock(&shared.queue)) });
        }
    }
}

struct Shared {
    queue: Arc<Mutex<Queue>>,
    wake: Wake,
}

impl Shared {
    // The queue stays locked until JavaScript has been woken: no environment is called after
    // its end, since its clean-up closes the queue first.
    fn wake(&self, queue: &Queue) {
        if !queue.is_closed {
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// What is under way, and what waits to be delivered.
#[derive(Default)]
struct Queue {
    text: String,
    calls: HashMap<u32, AbortHandle>,
    is_closed: bool,
}

impl Queue {
    /// Adds a message, unless nobody listens; whether it is the first that JavaScript has to be woken for.
    fn is_first(&mut self, id: u32, message: &Message) -> bool {
        if self.is_closed {
            return false;
        }
        let is_first = self.text.is_empty();
        if !is_first {
            self.text.push(',');
        }
        // Writing to memory cannot fail.
        let _ = write!(self.text, "{id},{},", message.kind as u8);
        self.text.push_str(&message.payload);
        is_first
    }

    /// Takes what waits, and leaves room for as much again.
    fn take(&mut self) -> String {
        let room = String::with_capacity(self.text.len());
        std::mem::replace(&mut self.text, room)
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.text = String::new();
        for (_, call) in self.calls.drain() {
            call.abort();
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    // Plain data, valid after any panic.
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
