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
use crate::faults::{Cut, Fault};
use crate::metadata::{ExactEngine, Worker};
use crate::options::Options;
use crate::stop::Stop;
use crate::tenant::Tenants;

const LONGEST_HEAD: usize = 64 << 10;
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
// How long requests in flight may take once the server stops.
const GRACE: Duration = Duration::from_secs(1);
// So long an accept loop that fails, for want of file descriptors say, waits.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves until `shutdown` is done, then gives requests in flight a second to end.
///
/// # Errors
///
/// When the listener has no address, the state cannot be set up, or an option is
/// impossible: a key that does not start with `emulator_`, say.
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
        let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
        let store = options.open_store().map_err(io::Error::other)?;
        let tenants = Arc::new(Tenants::new(store, options.beginning()));
        Fault::check_all(&options.faults).map_err(invalid)?;
        tenants.check().map_err(|error| invalid(format!("seed: {error}")))?;
        for key in [&options.api_key].into_iter().chain(&options.seed.keys) {
            let tenant = tenants.open(key).map_err(io::Error::other)?;
            tenant.ok_or_else(|| invalid("the API key of an emulator starts with emulator_".to_owned()))?;
        }
        let (stopping, stop) = Stop::channel();
        let app = App {
            metadata: Worker::start(Arc::clone(&tenants), ExactEngine)?,
            tenants,
            connections: Connections::default(),
            observer: options.observer,
            stop,
            address: listener.local_addr()?,
            keeps: options.data.is_some(),
        };
        Ok(Self { app: Arc::new(app), stopping })
    }

    pub(crate) async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let router = crate::web::routes(Arc::clone(&self.app));
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
        if tokio::time::timeout(GRACE, all_closed).await.is_err() {
            open.shutdown().await;
        }
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
