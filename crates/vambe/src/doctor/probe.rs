//! One request by hand, step by step, which tells how long each step takes and where it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::Host;

use crate::obstacle::{Obstacle, Spot, Way};

/// A request that changes nothing: a GET where the API takes a POST, without key and body.
pub(super) struct Probe<'p> {
    endpoint: &'p Url,
    way: &'p Way,
    tls: TlsConnector,
    user_agent: &'static str,
    limit: Duration,
}

/// What was done, and how long it took.
type Steps = Vec<(&'static str, Duration)>;

/// How far the request got by way of one address.
pub(super) struct Attempt {
    pub(super) address: SocketAddr,
    pub(super) steps: Steps,
    pub(super) end: Result<Head, Fault>,
}

/// The head of the answer.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) is_html: bool,
    pub(super) date: Option<SystemTime>,
    pub(super) came: SystemTime,
}

/// What ended an attempt, and where.
pub(super) struct Fault {
    obstacle: Obstacle,
    spot: Spot,
}

impl Fault {
    pub(super) fn sentence(&self, way: &Way) -> String {
        way.sentence(&self.obstacle, self.spot)
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl<'p> Probe<'p> {
    pub(super) fn new(
        endpoint: &'p Url,
        way: &'p Way,
        tls: &ClientConfig,
        user_agent: &'static str,
        limit: Duration,
    ) -> Self {
        Self { endpoint, way, tls: TlsConnector::from(Arc::new(tls.clone())), user_agent, limit }
    }

    /// Returns the host that is connected to: the proxy's, if there is one.
    pub(super) fn first_host(&self) -> String {
        host(self.first_url())
    }

    /// Returns the addresses of that host, and how long it took to find them.
    pub(super) async fn resolve(&self) -> Result<(Vec<SocketAddr>, Duration), Fault> {
        let began = Instant::now();
        let found = timeout(self.limit, tokio::net::lookup_host((self.first_host(), port(self.first_url())))).await;
        let mut addresses: Vec<SocketAddr> = match found {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) => return Err(Fault { obstacle: Obstacle::Name, spot: self.first_spot() }),
            Err(_) => return Err(self.late()),
        };
        addresses.dedup();
        addresses.truncate(MOST_ADDRESSES);
        match addresses.is_empty() {
            true => Err(Fault { obstacle: Obstacle::Name, spot: self.first_spot() }),
            false => Ok((addresses, began.elapsed())),
        }
    }

    /// Tries all addresses side by side.
    pub(super) async fn attempts(&self, addresses: &[SocketAddr]) -> Vec<Attempt> {
        join_all(addresses.iter().map(|address| self.attempt(*address))).await
    }

    async fn attempt(&self, address: SocketAddr) -> Attempt {
        let mut steps = Vec::new();
        let end = match timeout(self.limit, self.connect(address, &mut steps)).await {
            Ok(Ok(stream)) => self.first_byte(stream, &mut steps).await,
            Ok(Err(fault)) => Err(fault),
            Err(_) => Err(self.late()),
        };
        Attempt { address, steps, end }
    }

    async fn connect(&self, address: SocketAddr, steps: &mut Steps) -> Result<Box<dyn Stream>, Fault> {
        let mut began = Instant::now();
        let mut done = |step| {
            steps.push((step, began.elapsed()));
            began = Instant::now();
        };
        let first = self.first_spot();
        let socket = TcpStream::connect(address).await.map_err(|error| fault(&error, first))?;
        let mut stream: Box<dyn Stream> = Box::new(socket);
        done("connect");
        if let Some(proxy) = &self.way.proxy {
            if proxy.url().scheme() == "https" {
                stream = self.secure(stream, proxy.url(), Spot::Proxy).await?;
                done("proxy TLS");
            }
            if self.way.is_https {
                self.tunnel(&mut stream).await?;
                done("tunnel");
            }
        }
        if self.way.is_https {
            stream = self.secure(stream, self.endpoint, Spot::Server).await?;
            done("TLS");
        }
        Ok(stream)
    }

    async fn first_byte(&self, mut stream: Box<dyn Stream>, steps: &mut Steps) -> Result<Head, Fault> {
        let began = Instant::now();
        let silent = Fault { obstacle: Obstacle::Silent(self.limit), spot: Spot::Server };
        let head = timeout(self.limit, self.ask(&mut stream)).await.map_err(|_| silent)??;
        steps.push(("first byte", began.elapsed()));
        Ok(head)
    }

    async fn secure(&self, stream: Box<dyn Stream>, url: &Url, spot: Spot) -> Result<Box<dyn Stream>, Fault> {
        let name = ServerName::try_from(host(url)).map_err(|_| Fault { obstacle: Obstacle::Name, spot })?;
        let secured = self.tls.connect(name, stream).await.map_err(|error| fault(&error, spot))?;
        Ok(Box::new(secured))
    }

    async fn tunnel(&self, stream: &mut Box<dyn Stream>) -> Result<(), Fault> {
        let host = self.endpoint.host_str().unwrap_or_default();
        let target = format!("{host}:{}", port(self.endpoint));
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n", self.proxy_authorization());
        let head = exchange(stream, &request).await.map_err(|error| fault(&error, Spot::Proxy))?;
        let obstacle = match head.map(|head| head.status) {
            Some(200) => return Ok(()),
            Some(407) => Obstacle::ProxyAuthentication,
            status => Obstacle::Tunnel(status),
        };
        Err(Fault { obstacle, spot: Spot::Proxy })
    }

    async fn ask(&self, stream: &mut Box<dyn Stream>) -> Result<Head, Fault> {
        let is_forwarded = self.way.proxy.is_some() && !self.way.is_https;
        let (path, authorization) = match is_forwarded {
            true => (self.endpoint.as_str(), self.proxy_authorization()),
            false => (self.endpoint.path(), String::new()),
        };
        let host = &self.way.server;
        let agent = self.user_agent;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: application/json\r\n\
             Connection: close\r\n{authorization}\r\n"
        );
        let spot = if is_forwarded { Spot::Proxy } else { Spot::Server };
        match exchange(stream, &request).await.map_err(|error| fault(&error, spot))? {
            None => Err(Fault { obstacle: Obstacle::NotHttp, spot }),
            Some(head) if is_forwarded && head.status == 407 => {
                Err(Fault { obstacle: Obstacle::ProxyAuthentication, spot })
            }
            Some(head) => Ok(head),
        }
    }

    /// Returns the header with the proxy's user and password, as calls send it.
    fn proxy_authorization(&self) -> String {
        let Some(proxy) = &self.way.proxy else { return String::new() };
        let matcher = Matcher::builder().all(proxy.url().to_string()).build();
        let intercept = self.endpoint.as_str().parse().ok().and_then(|endpoint| matcher.intercept(&endpoint));
        let value = intercept.as_ref().and_then(|intercept| intercept.basic_auth()?.to_str().ok());
        value.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default()
    }

    fn first_url(&self) -> &Url {
        self.way.proxy.as_ref().map_or(self.endpoint, |proxy| proxy.url())
    }

    fn first_spot(&self) -> Spot {
        if self.way.proxy.is_some() { Spot::Proxy } else { Spot::Server }
    }

    fn late(&self) -> Fault {
        Fault { obstacle: Obstacle::Late(self.limit), spot: self.first_spot() }
    }
}

/// Sends a request, and reads the head of the answer; there is none if what comes is not HTTP.
async fn exchange(stream: &mut Box<dyn Stream>, request: &str) -> std::io::Result<Option<Head>> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        // Byte by byte: what follows the head belongs to somebody else.
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if !head.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(parse(&String::from_utf8_lossy(&head)))
}

fn parse(head: &str) -> Option<Head> {
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim()))
        .collect();
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    let is_html = value("content-type").is_some_and(|kind| kind.contains("html"));
    let date = value("date").and_then(|date| httpdate::parse_http_date(date).ok());
    Some(Head { status, is_html, date, came: SystemTime::now() })
}

fn fault(error: &std::io::Error, spot: Spot) -> Fault {
    Fault { obstacle: Obstacle::of(error), spot }
}

/// Returns the host as a resolver and TLS want it, without brackets.
fn host(url: &Url) -> String {
    match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => host.to_string(),
        None => String::new(),
    }
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or_default()
}

const MOST_ADDRESSES: usize = 6;
const LONGEST_HEAD: usize = 16 * 1024;
