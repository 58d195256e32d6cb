//! What stands in the way of a connection, and the sentence that says so: place, reason, way out. Pure.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustls::{CertificateError, Error as TlsError};
use url::Url;

use crate::options::Door;
use crate::proxy::{Proxy, Route};

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Obstacle {
    /// The name has no address.
    Name,
    Refused,
    NoRoute,
    /// This machine does not let the connection out.
    Forbidden,
    /// It was closed before it could be used.
    Closed,
    Late(Duration),
    /// Connected, it did not answer in time.
    Silent(Duration),
    Certificate(CertificateFault),
    NotTls,
    NotHttp,
    Tls(String),
    ProxyAuthentication,
    /// The proxy opens no tunnel, and may have said why.
    Tunnel(Option<u16>),
    Unknown,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CertificateFault {
    UnknownIssuer,
    SelfSigned,
    Expired,
    NotYetValid,
    WrongName,
    Other(String),
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    Server,
    Proxy,
}

/// The way to the server, as messages name it.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) server: String,
    pub(crate) is_https: bool,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) runtime: Door,
}

impl Obstacle {
    /// Reads why a connection failed from the error's causes.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Self {
        causes(error).find_map(of_cause).unwrap_or(Self::Unknown)
    }
}

impl Way {
    pub(crate) fn new(endpoint: &Url, route: &Route, runtime: Door) -> Self {
        let host = endpoint.host_str().unwrap_or_default();
        let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        let is_https = endpoint.scheme() == "https";
        Self { server: format!("{host}{port}"), is_https, proxy: route.proxy.clone(), runtime }
    }

    /// Returns where a connection failed that reports these causes.
    pub(crate) fn spot(&self, error: &(dyn StdError + 'static)) -> Spot {
        let is_tunnel = || causes(error).any(|cause| cause.to_string().starts_with(TUNNEL));
        match self.proxy.is_some() && (!self.is_https || is_tunnel()) {
            true => Spot::Proxy,
            false => Spot::Server,
        }
    }

    /// Returns what to tell: the place, the reason and the way out.
    pub(crate) fn sentence(&self, obstacle: &Obstacle, spot: Spot) -> String {
        let server = &self.server;
        let proxy = self.proxy.as_ref();
        let place = match (proxy, spot) {
            (Some(proxy), Spot::Proxy) => format!("the proxy {}", proxy.shown()),
            _ => server.clone(),
        };
        // What says where that place is.
        let source = match (proxy, spot) {
            (Some(proxy), Spot::Proxy) => proxy.source(),
            _ => "base_url",
        };
        let or_proxy = match proxy {
            None => "; where only a proxy leads out, pass proxy or set HTTPS_PROXY",
            Some(_) => "",
        };
        match obstacle {
            Obstacle::Name => format!("the name of {place} cannot be found: check {source} and the DNS{or_proxy}"),
            Obstacle::Refused => {
                format!("{place} refused the connection: check {source}, and that something listens there")
            }
            Obstacle::NoRoute => format!("no route leads to {place}: check {source} and the network{or_proxy}"),
            Obstacle::Forbidden => format!("this machine does not let a connection to {place} out: check its firewall"),
            Obstacle::Closed => format!(
                "{place} closed the connection before it could be used: check {source}, and what stands between, such as a firewall"
            ),
            Obstacle::Late(limit) => format!(
                "the time was over after {} s, while connecting to {server}{}: check the network and the firewall{or_proxy}",
                limit.as_secs_f64(),
                proxy.map(|proxy| format!(" through the proxy {}", proxy.shown())).unwrap_or_default(),
            ),
            Obstacle::Silent(limit) => {
                format!("{place} did not answer within {} s: try later, and check {source}", limit.as_secs_f64())
            }
            Obstacle::Certificate(fault) => {
                format!("the certificate of {place} {}", fault.sentence(source, self.runtime))
            }
            Obstacle::NotTls => {
                format!("what answers at {place} does not speak TLS: check scheme and port in {source}")
            }
            Obstacle::NotHttp => format!("what answers at {place} does not speak HTTP: check {source}"),
            Obstacle::Tls(reason) => format!(
                "no TLS came about with {place} ({reason}): it must speak TLS 1.2 or 1.3; check {source} and what stands between"
            ),
            Obstacle::ProxyAuthentication if proxy.is_some_and(Proxy::has_credentials) => {
                format!("{place} refuses the user and password (407): check those in {source}")
            }
            Obstacle::ProxyAuthentication => format!(
                "{place} asks for a user and password (407): put them into {source}, as in http://user:password@proxy:3128"
            ),
            Obstacle::Tunnel(status) => format!(
                "{place} opens no tunnel to {server}{}: ask its operator to allow it, or put the host into NO_PROXY",
                status.map(|status| format!(" ({status})")).unwrap_or_default(),
            ),
            Obstacle::Unknown => format!("{place} cannot be reached: check {source} and the network{or_proxy}"),
        }
    }
}

impl CertificateFault {
    /// Returns the rest of the sentence: the reason and the way out.
    fn sentence(&self, source: &str, runtime: Door) -> String {
        let clock = "check the clock of this machine";
        match self {
            Self::UnknownIssuer => {
                let or_variable = match runtime {
                    Door::Python => " or REQUESTS_CA_BUNDLE",
                    Door::Node => " or NODE_EXTRA_CA_CERTS",
                    Door::Rust | Door::Cli => "",
                };
                let remedy = format!("pass ca_file, or set SSL_CERT_FILE{or_variable} to a PEM file that holds it");
                format!("is signed by a CA that this machine does not trust: {remedy}")
            }
            Self::SelfSigned => {
                "is a CA's own, which no server may show: give the server one that the CA has signed".to_owned()
            }
            Self::Expired => format!("has expired: {clock}, and tell whoever runs the server"),
            Self::NotYetValid => format!("is not valid yet: {clock}"),
            Self::WrongName => format!("is for another name: check the host in {source}"),
            Self::Other(reason) => format!("is not accepted ({reason}): tell whoever runs the server"),
        }
    }
}

/// Goes down to the first cause, also where an I/O error only wraps another.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn of_cause(cause: &(dyn StdError + 'static)) -> Option<Obstacle> {
    if let Some(error) = cause.downcast_ref::<TlsError>() {
        return Some(of_tls(error));
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return of_io(error.kind());
    }
    // The type has no public name.
    match cause.to_string().strip_prefix(TUNNEL)? {
        "proxy authorization required" => Some(Obstacle::ProxyAuthentication),
        "failed to create underlying connection" | "io error establishing tunnel" => None,
        _ => Some(Obstacle::Tunnel(None)),
    }
}

fn of_io(kind: ErrorKind) -> Option<Obstacle> {
    match kind {
        ErrorKind::ConnectionRefused => Some(Obstacle::Refused),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => Some(Obstacle::NoRoute),
        ErrorKind::PermissionDenied => Some(Obstacle::Forbidden),
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => Some(Obstacle::Closed),
        _ => None,
    }
}

fn of_tls(error: &TlsError) -> Obstacle {
    match error {
        TlsError::InvalidCertificate(problem) => Obstacle::Certificate(of_certificate(problem)),
        TlsError::InvalidMessage(_) | TlsError::PeerSentOversizedRecord => Obstacle::NotTls,
        other => Obstacle::Tls(other.to_string()),
    }
}

fn of_certificate(problem: &CertificateError) -> CertificateFault {
    match problem {
        // A CA that was renewed has its old name and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateFault::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName
        }
        // The kind of error that this holds belongs to another crate.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            CertificateFault::SelfSigned
        }
        other => CertificateFault::Other(other.to_string()),
    }
}

const TUNNEL: &str = "tunnel error: ";

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: impl StdError + 'static) -> String {
        let way = Way::new(&Url::parse("https://x.test").unwrap(), &Route::default(), Door::Rust);
        way.sentence(&Obstacle::of(&error), way.spot(&error))
    }

    #[test]
    fn what_the_system_refuses_is_told_with_the_way_out() {
        let or_proxy = "; where only a proxy leads out, pass proxy or set HTTPS_PROXY";
        for (kind, message) in [
            (
                ErrorKind::NetworkUnreachable,
                format!("no route leads to x.test: check base_url and the network{or_proxy}"),
            ),
            (ErrorKind::HostUnreachable, format!("no route leads to x.test: check base_url and the network{or_proxy}")),
            (
                ErrorKind::PermissionDenied,
                "this machine does not let a connection to x.test out: check its firewall".to_owned(),
            ),
            (ErrorKind::Other, format!("x.test cannot be reached: check base_url and the network{or_proxy}")),
        ] {
            assert_eq!(told(io::Error::from(kind)), message);
        }
    }

    #[test]
    fn a_cause_is_found_however_often_it_is_wrapped() {
        let peer = || TlsError::PeerIncompatible(rustls::PeerIncompatible::NoCipherSuitesInCommon);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, peer()));
        let message = told(wrapped);
        assert!(message.starts_with("no TLS came about with x.test (peer is incompatible: "), "{message}");
        assert_eq!(message, told(peer()));
    }
}
