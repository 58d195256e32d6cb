//! Tenants: one per API key, each with its own state, faults and request log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::clock::{Clock, Millis};
use crate::contract;
use crate::events::{EVENTS_WAITING, Event};
use crate::faults::{Fault, FaultQueue};
use crate::limiter::Limiter;
use crate::lock::lock;
use crate::metadata::MetadataMode;
use crate::request_log::RequestLog;
use crate::resolve::{Write, resolve};
use crate::rules::Rules;
use crate::seed::{Seed, SeedError};
use crate::store::{self, Delivery, KeptCustomer, Place, Store, StoreError};

/// What every key begins with that this emulator takes.
pub const KEY_PREFIX: &str = "emulator_";

const LONGEST_KEY: usize = 200;
const KEY_LETTERS: usize = 24;

/// One user of the emulator.
pub(crate) struct Tenant {
    pub(crate) api_key: String,
    pub(crate) place: Arc<Place>,
    pub(crate) faults: Mutex<FaultQueue>,
    pub(crate) limiter: Mutex<Option<Limiter>>,
    pub(crate) log: Mutex<RequestLog>,
    pub(crate) clock: Mutex<Clock>,
    pub(crate) metadata: Mutex<MetadataMode>,
    seed: Mutex<Arc<Seed>>,
    events: broadcast::Sender<Event>,
}

/// What every fresh tenant begins with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginning {
    pub(crate) seed: Seed,
    pub(crate) faults: Vec<Fault>,
    pub(crate) clock: Clock,
    pub(crate) metadata: MetadataMode,
}

/// All tenants that were opened so far.
pub(crate) struct Tenants {
    pub(crate) store: Store,
    beginning: Beginning,
    open: Mutex<HashMap<String, Arc<Tenant>>>,
}

/// A tenant's state as a document.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    version: u32,
    seed: Value,
    customers: Vec<KeptCustomer>,
}

/// Why a tenant's state was not replaced.
#[derive(Debug)]
pub(crate) enum ReplaceError {
    /// What was given is impossible.
    Given(SeedError),
    Store(StoreError),
}

const STATE_VERSION: u32 = 1;

/// Draws a key that no tenant has yet.
pub fn new_api_key() -> String {
    let letters = (0..KEY_LETTERS).map(|_| fastrand::alphanumeric());
    KEY_PREFIX.chars().chain(letters).collect()
}

impl Tenants {
    pub(crate) fn new(store: Store, beginning: Beginning) -> Self {
        Self { store, beginning, open: Mutex::default() }
    }

    /// Says what is wrong with the seed that fresh tenants are to have.
    pub(crate) fn check(&self) -> Result<(), SeedError> {
        seeded(&self.beginning.seed).map(drop)
    }

    /// Opens the key's tenant, or makes it; nothing when no tenant can have the key.
    pub(crate) fn open(&self, api_key: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        if !api_key.starts_with(KEY_PREFIX) || api_key.len() > LONGEST_KEY {
            return Ok(None);
        }
        let mut open = lock(&self.open);
        if let Some(tenant) = open.get(api_key) {
            return Ok(Some(Arc::clone(tenant)));
        }
        let tenant = Arc::new(self.make(api_key)?);
        open.insert(api_key.to_owned(), Arc::clone(&tenant));
        Ok(Some(tenant))
    }

    fn make(&self, api_key: &str) -> Result<Tenant, StoreError> {
        let Beginning { seed, faults, clock, metadata } = self.beginning.clone();
        let customers = seeded(&seed).map_err(StoreError::new)?;
        let opened = self.store.open(api_key, seed.written(), customers, clock.now())?;
        let seed = Seed::reread(&opened.seed).map_err(StoreError::new)?;
        Ok(Tenant {
            api_key: api_key.to_owned(),
            place: opened.place,
            faults: Mutex::new(FaultQueue::new(faults)),
            limiter: Mutex::default(),
            log: Mutex::default(),
            clock: Mutex::new(clock),
            metadata: Mutex::new(metadata),
            seed: Mutex::new(Arc::new(seed)),
            events: broadcast::Sender::new(EVENTS_WAITING),
        })
    }

    /// Puts the tenant back to what a fresh one knows and has.
    pub(crate) fn reset(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let seed = tenant.seed();
        match self.replace(tenant, Seed::clone(&seed), Vec::new()) {
            Ok(()) => {}
            Err(ReplaceError::Store(error)) => return Err(error),
            // It was possible when it came.
            Err(ReplaceError::Given(error)) => return Err(StoreError::new(error)),
        }
        let Beginning { faults, clock, metadata, .. } = self.beginning.clone();
        *lock(&tenant.faults) = FaultQueue::new(faults);
        *lock(&tenant.limiter) = None;
        *lock(&tenant.log) = RequestLog::default();
        *lock(&tenant.clock) = clock;
        *lock(&tenant.metadata) = metadata;
        Ok(())
    }

    /// Gives the tenant another seed, and nothing but what is in it.
    pub(crate) fn reseed(&self, tenant: &Tenant, seed: Seed) -> Result<(), ReplaceError> {
        self.replace(tenant, seed, Vec::new())
    }

    /// Writes down all the tenant knows and has.
    pub(crate) async fn state(&self, tenant: &Tenant) -> Result<State, StoreError> {
        let customers = self.store.ask(Arc::clone(&tenant.place).take_snapshot()).await?;
        let seed = serde_json::from_str(&tenant.seed().written()).map_err(StoreError::new)?;
        Ok(State { version: STATE_VERSION, seed, customers })
    }

    /// Replaces all the tenant knows and has by what was written down.
    pub(crate) fn set_state(&self, tenant: &Tenant, state: State) -> Result<(), ReplaceError> {
        if state.version != STATE_VERSION {
            let reason =
                format!("version {} of a state is not known; this emulator has {STATE_VERSION}", state.version);
            return Err(ReplaceError::Given(SeedError::new(reason)));
        }
        KeptCustomer::check_all(&state.customers).map_err(SeedError::new)?;
        let seed = Seed::reread(&state.seed.to_string())?;
        self.replace_with(tenant, seed, Vec::new(), state.customers)
    }

    fn replace(&self, tenant: &Tenant, seed: Seed, customers: Vec<KeptCustomer>) -> Result<(), ReplaceError> {
        let seeded = seeded(&seed)?;
        self.replace_with(tenant, seed, seeded, customers)
    }

    /// All or nothing, in one transaction.
    fn replace_with(
        &self,
        tenant: &Tenant,
        seed: Seed,
        seeded: Vec<Write>,
        customers: Vec<KeptCustomer>,
    ) -> Result<(), ReplaceError> {
        let (place, now) = (Arc::clone(&tenant.place), tenant.now());
        let reset = Arc::clone(&place).reset(tenant.api_key.clone(), seed.written());
        self.store.move_tenant(&tenant.place, move |connection| {
            reset(connection)?;
            store::add(connection, &place, &seeded, now)?;
            Arc::clone(&place).restore(customers)(connection)
        })?;
        *lock(&tenant.seed) = Arc::new(seed);
        self.store.tidy_up();
        tenant.tell(Event::State);
        Ok(())
    }
}

impl Tenant {
    /// What the tenant knows.
    pub(crate) fn seed(&self) -> Arc<Seed> {
        Arc::clone(&lock(&self.seed))
    }

    /// The time by the tenant's clock.
    pub(crate) fn now(&self) -> Millis {
        lock(&self.clock).now()
    }

    /// When metadata that comes now is to be processed; nothing when it never is.
    pub(crate) fn delivery(&self, twice: bool) -> Option<Delivery> {
        let due = match *lock(&self.metadata) {
            MetadataMode::Off => return None,
            MetadataMode::Manual => None,
            MetadataMode::Auto { delay_ms } => {
                let delay = Millis::try_from(delay_ms).unwrap_or(Millis::MAX);
                Some(crate::clock::now().saturating_add(delay))
            }
        };
        Some(Delivery { due, times: if twice { 2 } else { 1 } })
    }

    /// Replaces the faults, or says which one is impossible and why.
    pub(crate) fn set_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        Fault::check_all(&faults)?;
        *lock(&self.faults) = FaultQueue::new(faults);
        self.tell(Event::Faults);
        Ok(())
    }

    /// Adds faults after those that wait.
    pub(crate) fn add_faults(&self, faults: Vec<Fault>) -> Result<(), String> {
        Fault::check_all(&faults)?;
        lock(&self.faults).add(faults);
        self.tell(Event::Faults);
        Ok(())
    }

    /// Tells whoever watches the tenant.
    pub(crate) fn tell(&self, event: Event) {
        // It fails when nobody watches.
        let _: Result<usize, _> = self.events.send(event);
    }

    /// Waits until so many requests after the one numbered `since` have had their answer.
    pub(crate) async fn has_answered(&self, since: u64, count: usize) {
        let mut events = self.watch();
        while !lock(&self.log).has_answered(since, count) {
            if let Err(RecvError::Closed) = events.recv().await {
                return;
            }
        }
    }

    pub(crate) fn watch(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }
}

/// Reads the customers of a seed, which are written as upserts.
fn seeded(seed: &Seed) -> Result<Vec<Write>, SeedError> {
    let numbered = seed.customers.iter().enumerate();
    numbered
        .map(|(at, body)| {
            seeded_customer(body, seed).map_err(|reason| SeedError::new(format!("customers[{at}]: {reason}")))
        })
        .collect()
}

fn seeded_customer(body: &Map<String, Value>, seed: &Seed) -> Result<Write, String> {
    let write = contract::upsert(body.clone(), Rules::default()).and_then(|upsert| resolve(upsert, seed, seed.rules));
    write.map_err(|reject| {
        let messages = reject.problems.iter().map(|problem| problem.message.as_str());
        messages.collect::<Vec<_>>().join("; ")
    })
}

impl From<SeedError> for ReplaceError {
    fn from(error: SeedError) -> Self {
        Self::Given(error)
    }
}

impl From<StoreError> for ReplaceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
