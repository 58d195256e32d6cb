//! The transport over HTTP: the only file that talks to the network.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use http_body::{Body, Frame, SizeHint};
use reqwest::Url;

use crate::config::Config;
use crate::error::{Error, Phase};
use crate::tls;
use crate::transport::{Answer, Exchange, ExchangeFuture, Progress, Transport, TransportError, TransportErrorKind};

/// Sends to one URL with one key.
pub(crate) struct Http {
    client: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

impl Http {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .tls_backend_preconfigured(tls::config(config)?);
        if config.is_loopback() {
            // No proxy has a way to this machine's own loopback.
            builder = builder.no_proxy();
        } else if let Some(proxy) = &config.proxy {
            let proxy = reqwest::Proxy::all(proxy.as_str());
            builder =
                builder.proxy(proxy.map_err(|_| Error::config("proxy must be a URL, such as http://proxy:3128"))?);
        }
        let client =
            builder.build().map_err(|error| Error::config("the HTTP client cannot be set up").caused_by(error))?;
        Ok(Self { client, url: config.endpoint.clone(), headers: config.headers() })
    }

    async fn send(&self, exchange: Exchange) -> Result<Answer, TransportError> {
        let progress = exchange.progress.clone();
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        if let Some(trace) = &exchange.trace {
            trace.add_to(request.headers_mut());
        }
        *request.body_mut() = Some(reqwest::Body::wrap(Outgoing { rest: exchange.body, progress: exchange.progress }));
        let mut response = self.client.execute(request).await.map_err(transport_error)?;
        progress.reached(Phase::Body);
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = read_body(response).await?;
        Ok(Answer { status, headers, body })
    }
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
    let kind = match () {
        () if error.is_connect() && error.is_timeout() => TransportErrorKind::ConnectTimeout,
        () if error.is_connect() => TransportErrorKind::Connect,
        () if is_not_http => TransportErrorKind::NotHttp,
        () => TransportErrorKind::CutOff,
    };
    // The URL may hold what the user would rather not see in a log.
    TransportError { kind, source: Some(Box::new(error.without_url())) }
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
const POOL_IDLE: std::time::Duration = std::time::Duration::from_secs(20);

const FRAME: usize = 64 * 1024;

const LARGEST_ANSWER: usize = 1 << 20;
