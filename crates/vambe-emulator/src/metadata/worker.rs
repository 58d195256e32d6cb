//! The thread that processes metadata after the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use std::{io, thread};

use super::Engine;
use crate::clock;
use crate::events::Event;
use crate::rules::Rule;
use crate::store::{self, Job, Processed, StoreError};
use crate::tenant::{Tenant, Tenants};

// So long the worker waits when the store fails, a full disk say.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The thread and the way to call it; dropping it waits for what it has begun.
pub(crate) struct Worker {
    calls: Option<Sender<Call>>,
    /// Whether a call to look is on its way, so that a flood of upserts makes one of them.
    looking: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

enum Call {
    /// A job has come that is due at some time.
    Look,
    /// Processes what a tenant has waiting, due or not, and tells how much that was.
    Drain(Arc<Tenant>, Box<dyn FnOnce(Result<usize, StoreError>) + Send>),
}

impl Worker {
    pub(crate) fn start(tenants: Arc<Tenants>, engine: impl Engine) -> io::Result<Self> {
        let (calls, called) = mpsc::channel();
        let looking = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&looking);
        let run = move || run(&tenants, &engine, &called, &seen);
        let thread = Builder::new().name("vambe-emulator-metadata".to_owned()).spawn(run)?;
        // A data folder may hold jobs of an earlier run.
        let _: Result<(), _> = calls.send(Call::Look);
        Ok(Self { calls: Some(calls), looking, thread: Some(thread) })
    }

    /// Says that a job has come.
    pub(crate) fn look(&self) {
        if !self.looking.swap(true, Ordering::AcqRel) {
            self.call(Call::Look);
        }
    }

    /// Processes what the tenant has waiting; `answer` hears how much that was.
    pub(crate) fn drain(&self, tenant: Arc<Tenant>, answer: impl FnOnce(Result<usize, StoreError>) + Send + 'static) {
        self.call(Call::Drain(tenant, Box::new(answer)));
    }

    fn call(&self, call: Call) {
        if let Some(calls) = &self.calls {
            // It fails when the thread has ended; whoever waits for an answer notices.
            let _: Result<(), _> = calls.send(call);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.calls.take());
        if let Some(thread) = self.thread.take() {
            // It can only have failed by a panic, which has been reported.
            let _: thread::Result<()> = thread.join();
        }
    }
}

fn run(tenants: &Tenants, engine: &dyn Engine, calls: &Receiver<Call>, looking: &AtomicBool) {
    let mut wait = LONGEST_WAIT;
    loop {
        match calls.recv_timeout(wait) {
            Ok(Call::Drain(tenant, answer)) => answer(drain(tenants, engine, &tenant)),
            Ok(Call::Look) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        looking.store(false, Ordering::Release);
        wait = process_due(tenants, engine).unwrap_or(PAUSE);
    }
}

/// Processes one part of what is due, and tells how long to wait for the next.
fn process_due(tenants: &Tenants, engine: &dyn Engine) -> Result<Duration, StoreError> {
    let now = clock::now();
    let jobs = tenants.store.wait_for(store::due_jobs(now))?;
    process(tenants, engine, jobs)?;
    let next = tenants.store.wait_for(store::next_due)?;
    let wait = next.map(|due| u64::try_from(due.saturating_sub(clock::now())).unwrap_or(0));
    Ok(wait.map_or(LONGEST_WAIT, Duration::from_millis).min(LONGEST_WAIT))
}

fn drain(tenants: &Tenants, engine: &dyn Engine, tenant: &Tenant) -> Result<usize, StoreError> {
    let mut processed = 0;
    loop {
        let jobs = tenants.store.wait_for(Arc::clone(&tenant.place).waiting_jobs())?;
        if jobs.is_empty() {
            return Ok(processed);
        }
        processed += jobs.len();
        process(tenants, engine, jobs)?;
    }
}

/// At least once: a crash in here leaves the jobs waiting.
fn process(tenants: &Tenants, engine: &dyn Engine, jobs: Vec<Job>) -> Result<(), StoreError> {
    let mut processed = Vec::new();
    let mut events = Vec::new();
    for job in jobs {
        let Some(tenant) = tenants.open(&job.api_key)? else {
            continue;
        };
        let seed = tenant.seed();
        let findings = engine.find(&job.meta_data, &seed.custom_fields);
        events.push((tenant, Event::Metadata { contact_id: job.contact_id }));
        processed.push(Processed { job, findings, identifiers: seed.rules.has(Rule::MetadataIdentifiers) });
    }
    if processed.is_empty() {
        return Ok(());
    }
    tenants.store.wait_for(store::finish_jobs(processed))?;
    for (tenant, event) in events {
        tenant.tell(event);
    }
    Ok(())
}
