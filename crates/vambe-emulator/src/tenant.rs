//! Tenants: one per API key, each with its own state, faults and request log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rusqlite::Result;

use crate::faults::{Fault, FaultQueue};
use crate::lock::lock;
use crate::request_log::RequestLog;
use crate::seed::Seed;
use crate::store::{Place, Store};

/// What every key begins with that this emulator takes.
pub const KEY_PREFIX: &str = "emulator_";

const LONGEST_KEY: usize = 200;
const KEY_LETTERS: usize = 24;

/// One user of the emulator.
pub(crate) struct Tenant {
    pub(crate) api_key: String,
    pub(crate) seed: Arc<Seed>,
    pub(crate) place: Place,
    pub(crate) faults: Mutex<FaultQueue>,
    pub(crate) log: Mutex<RequestLog>,
}

/// All tenants that were opened so far.
pub(crate) struct Tenants {
    pub(crate) store: Store,
    seed: Arc<Seed>,
    open: Mutex<HashMap<String, Arc<Tenant>>>,
}

/// Draws a key that no tenant has yet.
pub fn new_api_key() -> String {
    let letters = (0..KEY_LETTERS).map(|_| fastrand::alphanumeric());
    KEY_PREFIX.chars().chain(letters).collect()
}

impl Tenants {
    pub(crate) fn new(store: Store, seed: Seed) -> Self {
        Self { store, seed: Arc::new(seed), open: Mutex::default() }
    }

    /// Opens the key's tenant, or makes it; nothing when no tenant can have the key.
    pub(crate) fn open(&self, api_key: &str) -> Result<Option<Arc<Tenant>>> {
        if !api_key.starts_with(KEY_PREFIX) || api_key.len() > LONGEST_KEY {
            return Ok(None);
        }
        let mut open = lock(&self.open);
        if let Some(tenant) = open.get(api_key) {
            return Ok(Some(Arc::clone(tenant)));
        }
        let tenant = Arc::new(Tenant {
            api_key: api_key.to_owned(),
            seed: Arc::clone(&self.seed),
            place: self.store.open(api_key)?,
            faults: Mutex::default(),
            log: Mutex::default(),
        });
        open.insert(api_key.to_owned(), Arc::clone(&tenant));
        Ok(Some(tenant))
    }

    /// Puts the tenant back to what a fresh one knows, without faults and log.
    pub(crate) fn reset(&self, tenant: &Tenant) -> Result<()> {
        self.store.reset(&tenant.place, &tenant.api_key)?;
        *lock(&tenant.faults) = FaultQueue::default();
        *lock(&tenant.log) = RequestLog::default();
        Ok(())
    }
}

impl Tenant {
    /// Replaces the faults, or says which one is impossible and why.
    pub(crate) fn set_faults(&self, faults: Vec<Fault>) -> std::result::Result<(), String> {
        for (at, fault) in faults.iter().enumerate() {
            fault.check().map_err(|reason| format!("fault {at}: {reason}"))?;
        }
        *lock(&self.faults) = FaultQueue::new(faults);
        Ok(())
    }
}
