//! What every request handler shares.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Result;

use crate::connections::Connections;
use crate::observer::Observer;
use crate::stop::Stop;
use crate::tenant::{Tenant, Tenants};

const PURGE_PAUSE: Duration = Duration::from_millis(1);

/// The emulator behind its sockets.
pub(crate) struct App {
    pub(crate) tenants: Tenants,
    pub(crate) connections: Connections,
    pub(crate) observer: Observer,
    pub(crate) stop: Stop,
    pub(crate) port: u16,
}

impl App {
    /// Resets the tenant and lets a thread delete what it had.
    pub(crate) fn reset(self: &Arc<Self>, tenant: &Tenant) -> Result<()> {
        self.tenants.reset(tenant)?;
        let app = Arc::clone(self);
        let purge = move || {
            while app.tenants.store.purge().unwrap_or(false) {
                // The lock is not fair: without a pause nobody else would get it.
                std::thread::sleep(PURGE_PAUSE);
            }
        };
        // Without a thread the next reset's will do it.
        let _ = std::thread::Builder::new().spawn(purge);
        Ok(())
    }
}
