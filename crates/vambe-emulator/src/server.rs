//! The server: accepts connections and speaks HTTP/1.1 on each.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::connections::{Connections, ResetSwitch};
use crate::control;
use crate::faults::Cut;
use crate::observer::{Answered, Observer};
use crate::seed::Seed;
use crate::stop::Stop;
use crate::store::Store;
use crate::tenant::{Tenants, new_api_key};

const LONGEST_HEAD: usize = 64 << 10;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
// How long requests in flight may take once the server stops.
const GRACE: Duration = Duration::from_secs(1);
// So long an accept loop that fails, for want of file descriptors say, waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How to serve.
#[derive(Debug)]
pub struct Options {
    api_key: String,
    seed: Seed,
    observer: Observer,
}

impl Options {
    /// Sets the key whose tenant is opened at the start, instead of a fresh one.
    #[must_use]
    pub fn with_api_key(self, api_key: impl Into<String>) -> Self {
        Self { api_key: api_key.into(), ..self }
    }

    /// Sets what every fresh tenant knows.
    #[must_use]
    pub fn with_seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// Calls this for each API request once its outcome is known.
    #[must_use]
    pub fn on_answer(self, hear: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        Self { observer: Observer::new(hear), ..self }
    }

    /// The key whose tenant is opened at the start.
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// What every fresh tenant knows.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { api_key: new_api_key(), seed: Seed::default(), observer: Observer::default() }
    }
}

/// Serves until `shutdown` is done, then gives requests in flight a second to end.
///
/// # Errors
///
/// When the listener has no address, the state cannot be set up, or the key in the
/// options does not start with `emulator_`.
pub async fn serve(listener: TcpListener, options: Options, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    Server::new(&listener, options)?.run(listener, shutdown).await;
    Ok(())
}

/// A server that is set up and not running yet.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    stopping: watch::Sender<bool>,
}

impl Server {
    pub(crate) fn new(listener: &TcpListener, options: Options) -> io::Result<Self> {
        let store = Store::in_memory().map_err(io::Error::other)?;
        let (stopping, stop) = Stop::channel();
        let app = App {
            tenants: Tenants::new(store, options.seed),
            connections: Connections::default(),
            observer: options.observer,
            stop,
            port: listener.local_addr()?.port(),
        };
        let tenant = app.tenants.open(&options.api_key).map_err(io::Error::other)?;
        if tenant.is_none() {
            let reason = "the API key of an emulator starts with emulator_";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        Ok(Self { app: Arc::new(app), stopping })
    }

    pub(crate) async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let router = control::routes(Arc::clone(&self.app));
        let mut open = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        open.spawn(connection(Arc::clone(&self.app), stream, router.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = open.join_next() => {}
            }
        }
        drop(listener);
        self.stopping.send_replace(true);
        let all_closed = async { while open.join_next().await.is_some() {} };
        // Past the grace, dropping the set closes what is still open.
        let _ = tokio::time::timeout(GRACE, all_closed).await;
    }
}

async fn connection(app: Arc<App>, stream: TcpStream, router: Router) {
    // Answers are small and complete: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let socket = app.connections.accept(stream);
    let reset = socket.reset_switch();
    let service = TowerToHyperService::new(router);
    let respond = service_fn(move |request: hyper::Request<Incoming>| {
        let response = service.call(request);
        let reset = reset.clone();
        async move { cut_or_answer(response.await, &reset) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(socket), respond);
    tokio::pin!(connection);
    tokio::select! {
        // A connection that fails has nobody left to hear of it.
        _ = connection.as_mut() => return,
        () = app.stop.stopped() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Turns a [`Cut`] into an error, which makes hyper drop the connection.
fn cut_or_answer(answer: Result<Response, Infallible>, reset: &ResetSwitch) -> io::Result<Response> {
    let Ok(response) = answer;
    match response.extensions().get::<Cut>() {
        None => Ok(response),
        Some(cut) => {
            if *cut == Cut::Reset {
                reset.turn_on();
            }
            Err(io::Error::other("a fault ends this connection"))
        }
    }
}
