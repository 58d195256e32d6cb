//! The transport over HTTP: what every call goes through.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use http_body::{Body, Frame, SizeHint};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::ClientConfig;

use crate::config::Config;
use crate::error::{Error, Phase};
use crate::obstacle::{Obstacle, Spot, Way};
use crate::proxy::{Proxy, Route};
use crate::tls;
use crate::transport::{Answer, Exchange, ExchangeFuture, Progress, Transport, TransportError, TransportErrorKind};

/// Sends to one URL with one key.
pub(crate) struct Http {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    way: Way,
    connect_timeout: Duration,
}

impl Http {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .tls_backend_preconfigured(tls_config(config)?);
        builder = match &config.route.proxy {
            None => builder.no_proxy(),
            Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy.url().as_str()).map_err(unusable)?),
        };
        let client = builder.build().map_err(unusable)?;
        let (way, connect_timeout) = (config.way(), config.connect_timeout);
        Ok(Self { client, url: config.endpoint.clone(), headers: config.headers(), way, connect_timeout })
    }

    async fn send(&self, exchange: Exchange) -> Result<Answer, TransportError> {
        let progress = exchange.progress.clone();
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        if let Some(trace) = &exchange.trace {
            trace.add_to(request.headers_mut());
        }
        *request.body_mut() = Some(reqwest::Body::wrap(Outgoing { rest: exchange.body, progress: exchange.progress }));
        let mut response = self.client.execute(request).await.map_err(|error| self.lost(error))?;
        let status = response.status().as_u16();
        // Without a tunnel the proxy answers so itself, and has passed nothing on.
        if status == 407 && self.way.proxy.is_some() && !self.way.is_https {
            return Err(self.obstructed(&Obstacle::ProxyAuthentication, Spot::Proxy, None));
        }
        progress.reached(Phase::Body);
        let headers = std::mem::take(response.headers_mut());
        let body = read_body(response).await?;
        Ok(Answer { status, headers, body })
    }

    /// Says what became of a request without an answer.
    fn lost(&self, error: reqwest::Error) -> TransportError {
        if !error.is_connect() {
            return transport_error(error);
        }
        let obstacle = match () {
            () if error.is_timeout() => Obstacle::Late(self.connect_timeout),
            () if error.is_dns() => Obstacle::Name,
            () => Obstacle::of(&error),
        };
        let spot = self.way.spot(&error);
        self.obstructed(&obstacle, spot, Some(error))
    }

    fn obstructed(&self, obstacle: &Obstacle, spot: Spot, error: Option<reqwest::Error>) -> TransportError {
        let kind = match obstacle {
            Obstacle::Late(_) => TransportErrorKind::ConnectTimeout,
            Obstacle::ProxyAuthentication => TransportErrorKind::ProxyAuthentication,
            Obstacle::Certificate(_) => TransportErrorKind::Certificate,
            _ => TransportErrorKind::Connect,
        };
        let message = Some(self.way.sentence(obstacle, spot));
        TransportError { kind, message, source: error.map(|error| error.without_url().into()) }
    }
}

/// Returns the proxy that the settings of macOS or Windows name; elsewhere there are none.
pub(crate) fn system_proxy(endpoint: &Url) -> Option<String> {
    if !cfg!(any(windows, target_os = "macos")) {
        return None;
    }
    let endpoint = endpoint.as_str().parse().ok()?;
    Some(Matcher::from_system().intercept(&endpoint)?.uri().to_string())
}

/// Returns the TLS set-up of a client; roots are read only where TLS is spoken.
fn tls_config(config: &Config) -> Result<ClientConfig, Error> {
    match speaks_tls(&config.endpoint, &config.route) {
        true => config.trust.client_config(),
        false => tls::without_roots(),
    }
}

/// Returns whether the server or the proxy before it speaks TLS.
pub(crate) fn speaks_tls(endpoint: &Url, route: &Route) -> bool {
    std::iter::once(endpoint).chain(route.proxy.as_ref().map(Proxy::url)).any(|url| url.scheme() == "https")
}

fn unusable(error: reqwest::Error) -> Error {
    Error::config("the HTTP client cannot be set up: check the options proxy and ca_file")
        .caused_by(error.without_url())
}

impl Transport for Http {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        Box::pin(self.send(exchange))
    }
}

/// Reads the body, and stops at the limit: no answer of this API is long.
async fn read_body(mut response: reqwest::Response) -> Result<Bytes, TransportError> {
    let Some(first) = response.chunk().await.map_err(transport_error)? else { return Ok(Bytes::new()) };
    let mut body = None::<BytesMut>;
    while let Some(chunk) = response.chunk().await.map_err(transport_error)? {
        let body = body.get_or_insert_with(|| BytesMut::from(first.as_ref()));
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            body.truncate(LARGEST_ANSWER);
            break;
        }
    }
    Ok(body.map_or(first, BytesMut::freeze))
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let is_not_http = std::iter::successors(std::error::Error::source(&error), |source| source.source())
        .filter_map(|source| source.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_parse);
    let kind = if is_not_http { TransportErrorKind::NotHttp } else { TransportErrorKind::CutOff };
    // The URL may hold what the user would rather not see in a log.
    TransportError { kind, message: None, source: Some(Box::new(error.without_url())) }
}

/// A body that tells how much of it the connection has taken.
///
/// Nothing is asked of it before there is a connection, so a call that failed earlier was
/// certainly not sent.
struct Outgoing {
    rest: Bytes,
    progress: Progress,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(FRAME);
        let frame = self.rest.split_to(length);
        self.progress.reached(if self.rest.is_empty() { Phase::Wait } else { Phase::Send });
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

// Below the idle limits of common servers and load balancers, which close what they forget.
const POOL_IDLE: Duration = Duration::from_secs(20);

const FRAME: usize = 64 * 1024;

const LARGEST_ANSWER: usize = 1 << 20;
