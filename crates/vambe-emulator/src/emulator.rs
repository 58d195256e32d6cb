//! An emulator inside a test or a program.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::connections::ConnectionCount;
use crate::faults::Fault;
use crate::id::Id;
use crate::limiter::RateLimit;
use crate::lock::lock;
use crate::options::Options;
use crate::request_log::LoggedRequest;
use crate::seed::Seed;
use crate::server::Server;
use crate::store::StoreError;
use crate::tenant::{Tenant, new_api_key};

/// A running emulator; dropping it stops it.
///
/// It runs on the tokio runtime it was started in.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use vambe_emulator::{Emulator, Fault};
///
/// let emulator = Emulator::start().await?;
/// let key = emulator.api_key();
/// emulator.set_faults(key, vec![Fault::answer(503).times(2)]).unwrap();
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// assert!(emulator.requests(key).unwrap().is_empty());
/// emulator.close().await;
/// # Ok(())
/// # }
/// ```
pub struct Emulator {
    app: Arc<App>,
    url: String,
    api_key: String,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// Says where and how an emulator starts.
#[derive(Debug)]
pub struct EmulatorBuilder {
    address: SocketAddr,
    options: Options,
}

/// Why an emulator did not do what it was told.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControlError {
    /// The key does not start with `emulator_`, or is too long.
    Key,
    /// A fault or a rate limit is impossible; the text says which one and why.
    Fault(String),
    /// The tenant has no such contact.
    Contact,
    /// The state cannot be read or written.
    State(Box<dyn std::error::Error + Send + Sync>),
}

impl Emulator {
    /// Starts an emulator on a free port of the loopback address.
    ///
    /// # Errors
    ///
    /// When no port can be bound or the state cannot be set up.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts with other settings than the defaults.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder { address: (Ipv4Addr::LOCALHOST, 0).into(), options: Options::default() }
    }

    /// Where it listens, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key of a fresh tenant.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// Draws the key of another fresh tenant.
    pub fn new_api_key(&self) -> String {
        new_api_key()
    }

    /// Puts the key's tenant back to what a fresh one knows, without faults and log.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or the state cannot be written.
    pub fn reset(&self, api_key: &str) -> Result<(), ControlError> {
        let tenant = self.tenant(api_key)?;
        self.app.tenants.reset(&tenant).map_err(ControlError::state)
    }

    /// Gives what arrived with the key, oldest first, the last
    /// [`REMEMBERED_REQUESTS`](crate::REMEMBERED_REQUESTS) at most.
    ///
    /// # Errors
    ///
    /// When the key names no tenant.
    pub fn requests(&self, api_key: &str) -> Result<Vec<LoggedRequest>, ControlError> {
        let tenant = self.tenant(api_key)?;
        let requests = lock(&tenant.log).since(0);
        Ok(requests)
    }

    /// Gives the customers the key's tenant has, as `GET /_emulator/customers` lists them.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or the state cannot be read.
    pub fn customers(&self, api_key: &str) -> Result<Value, ControlError> {
        let tenant = self.tenant(api_key)?;
        let all = Arc::clone(&tenant.place).customers(0, u32::MAX);
        listed(self.app.tenants.store.wait_for(all), "customers")
    }

    /// Gives the contacts the key's tenant has, as `GET /_emulator/contacts` lists them.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or the state cannot be read.
    pub fn contacts(&self, api_key: &str) -> Result<Value, ControlError> {
        let tenant = self.tenant(api_key)?;
        let all = Arc::clone(&tenant.place).contacts(0, u32::MAX);
        listed(self.app.tenants.store.wait_for(all), "contacts")
    }

    /// Waits until so many requests after the one numbered `since` have had their answer, and
    /// gives those that arrived; fewer once the time is over.
    ///
    /// # Errors
    ///
    /// When the key names no tenant.
    pub async fn wait_for_requests(
        &self,
        api_key: &str,
        since: u64,
        count: usize,
        longest: Duration,
    ) -> Result<Vec<LoggedRequest>, ControlError> {
        let tenant = self.tenant(api_key)?;
        // Past the time, what there is is the answer.
        let _ = tokio::time::timeout(longest, tenant.has_answered(since, count)).await;
        let requests = lock(&tenant.log).since(since);
        Ok(requests)
    }

    /// Processes the metadata that waits, due or not, and tells how much that was.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or the state cannot be written.
    pub async fn drain(&self, api_key: &str) -> Result<usize, ControlError> {
        let tenant = self.tenant(api_key)?;
        self.app.drain(tenant).await.map_err(ControlError::state)
    }

    /// Tells what became of a contact's metadata, as `GET /_emulator/contacts/{id}/metadata` does.
    ///
    /// # Errors
    ///
    /// When the key names no tenant, the tenant no such contact, or the state cannot be read.
    pub fn metadata(&self, api_key: &str, contact_id: &str) -> Result<Value, ControlError> {
        let tenant = self.tenant(api_key)?;
        let id = Id::parse(contact_id).ok_or(ControlError::Contact)?;
        let found = self.app.tenants.store.wait_for(Arc::clone(&tenant.place).metadata(id));
        let jobs = found.map_err(ControlError::state)?.ok_or(ControlError::Contact)?;
        serde_json::to_value(jobs).map_err(|error| ControlError::State(Box::new(error)))
    }

    /// Sets what goes wrong with the key's next calls, instead of what was set before.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or a fault is impossible; then nothing is changed.
    pub fn set_faults(&self, api_key: &str, faults: Vec<Fault>) -> Result<(), ControlError> {
        let tenant = self.tenant(api_key)?;
        tenant.set_faults(faults).map_err(ControlError::Fault)
    }

    /// Lets only so many of the key's calls through; none: all of them.
    ///
    /// # Errors
    ///
    /// When the key names no tenant or the limit is impossible; then nothing is changed.
    pub fn set_rate_limit(&self, api_key: &str, limit: Option<RateLimit>) -> Result<(), ControlError> {
        let tenant = self.tenant(api_key)?;
        tenant.set_rate_limit(limit).map_err(ControlError::Fault)
    }

    /// Counts the connections.
    pub fn connections(&self) -> ConnectionCount {
        self.app.connections.count()
    }

    /// Stops it: idle connections close at once, requests in flight have a second.
    pub async fn close(mut self) {
        self.stop.take();
        // It can only have failed by a panic, which the runtime has reported.
        let _ = (&mut self.running).await;
    }

    fn tenant(&self, api_key: &str) -> Result<Arc<Tenant>, ControlError> {
        let tenant = self.app.tenants.open(api_key).map_err(ControlError::state)?;
        tenant.ok_or(ControlError::Key)
    }
}

fn listed<P: Serialize>(page: Result<P, StoreError>, list: &str) -> Result<Value, ControlError> {
    let page = page.map_err(ControlError::state)?;
    let mut listed = serde_json::to_value(page).map_err(|error| ControlError::State(Box::new(error)))?;
    Ok(listed[list].take())
}

impl EmulatorBuilder {
    /// Listens here instead of on a free port of the loopback address.
    #[must_use]
    pub fn address(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Gives every fresh tenant this seed.
    #[must_use]
    pub fn seed(self, seed: Seed) -> Self {
        Self { options: self.options.with_seed(seed), ..self }
    }

    /// Serves with these options.
    #[must_use]
    pub fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Starts the emulator on the runtime this is awaited in.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or the state cannot be set up.
    pub async fn start(self) -> io::Result<Emulator> {
        let listener = TcpListener::bind(self.address).await?;
        self.start_on(listener)
    }

    /// Starts the emulator on a listener that is already bound, on the runtime this is called in.
    ///
    /// # Errors
    ///
    /// When the state cannot be set up, or an option is impossible.
    pub fn start_on(self, listener: TcpListener) -> io::Result<Emulator> {
        let url = format!("http://{}", listener.local_addr()?);
        let api_key = self.options.api_key().to_owned();
        let server = Server::new(&listener, self.options)?;
        let app = Arc::clone(&server.app);
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(listener, async {
            let _: Result<(), _> = stopped.await;
        }));
        Ok(Emulator { app, url, api_key, stop: Some(stop), running })
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ControlError {
    fn state(error: StoreError) -> Self {
        Self::State(Box::new(error))
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("the API key of an emulator starts with emulator_"),
            Self::Fault(reason) => f.write_str(reason),
            Self::Contact => f.write_str("this tenant has no contact with this id"),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ControlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::State(error) => error.source(),
            Self::Key | Self::Fault(_) | Self::Contact => None,
        }
    }
}
