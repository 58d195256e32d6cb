//! What every request handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::connections::Connections;
use crate::metadata::Worker;
use crate::observer::Observer;
use crate::stop::Stop;
use crate::store::StoreError;
use crate::tenant::{Tenant, Tenants};

/// The emulator behind its sockets.
pub(crate) struct App {
    // Before the tenants: it uses them until it has ended.
    pub(crate) metadata: Worker,
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) connections: Connections,
    pub(crate) observer: Observer,
    pub(crate) stop: Stop,
    pub(crate) address: SocketAddr,
    /// Whether the state outlives the emulator.
    pub(crate) keeps: bool,
}

impl App {
    /// Processes the metadata that waits at the tenant; tells how much that was.
    pub(crate) async fn drain(&self, tenant: Arc<Tenant>) -> Result<usize, StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.metadata.drain(tenant, |done| drop(sender.send(done)));
        receiver.await.unwrap_or_else(|_| Err(StoreError::new("the emulator is stopping")))
    }
}
