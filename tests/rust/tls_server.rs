//! Servers on loopback whose certificates are made for the test, and proxies in front of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Names that every certificate of these tests is for, unless it is for another.
pub const NAMES: [&str; 4] = ["127.0.0.1", "::1", "localhost", "vambe.invalid"];

/// A CA of a test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate with its key.
pub struct Certified {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let (params, key) = (authority(), KeyPair::generate().unwrap());
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("certs")).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        for name in ["ca.pem", "certs/ca.crt"] {
            std::fs::write(folder.path().join(name), &pem).unwrap();
        }
        Self { issuer: Issuer::new(params, key), folder }
    }

    /// Returns the file with the CA's certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Returns a folder with that file, and nothing else.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("certs")
    }

    /// Issues a certificate for the usual names.
    pub fn certify(&self) -> Certified {
        self.certify_as(&NAMES, |_| {})
    }

    pub fn certify_as(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Certified {
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Certified::new(params.signed_by(&key, &self.issuer).unwrap().der().clone(), &key)
    }

    pub fn certify_expired(&self) -> Certified {
        self.certify_as(&NAMES, |params| params.not_after = date_time_ymd(2020, 1, 1))
    }

    pub fn certify_for_later(&self) -> Certified {
        self.certify_as(&NAMES, |params| params.not_before = date_time_ymd(3020, 1, 1))
    }
}

impl Certified {
    /// A CA's own certificate, as `openssl req -x509` makes it.
    pub fn by_itself() -> Self {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self::new(params.self_signed(&key).unwrap().der().clone(), &key)
    }

    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        Self { chain: vec![certificate], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }

    fn acceptor(self) -> TlsAcceptor {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        TlsAcceptor::from(Arc::new(builder.with_single_cert(self.chain, self.key).unwrap()))
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "a CA of vambe's tests");
    params
}

/// A server that answers a POST with a contact, and a GET with 404.
pub struct Server {
    pub address: SocketAddr,
    heads: Heads,
}

/// The heads of requests that arrived.
type Heads = Arc<Mutex<Vec<String>>>;

impl Server {
    pub async fn tls(certified: Certified) -> Self {
        Self::start("127.0.0.1:0", Some(certified)).await
    }

    pub async fn tls_at(address: &str, certified: Certified) -> Self {
        Self::start(address, Some(certified)).await
    }

    pub async fn plain() -> Self {
        Self::start("127.0.0.1:0", None).await
    }

    async fn start(address: &str, certified: Option<Certified>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Heads::default();
        let server = Self { address, heads: Arc::clone(&heads) };
        let acceptor = certified.map(Certified::acceptor);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, heads) = (acceptor.clone(), Arc::clone(&heads));
                tokio::spawn(async move {
                    match acceptor {
                        None => answer(socket, &heads).await,
                        Some(acceptor) => match acceptor.accept(socket).await {
                            Ok(stream) => answer(stream, &heads).await,
                            // The client did not like the certificate.
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the URL of a name that only a proxy can find.
    pub fn named_url(&self) -> String {
        format!("https://vambe.invalid:{}", self.address.port())
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, heads: &Heads) -> Option<()> {
    loop {
        let head = read_head(&mut stream).await?;
        heads.lock().unwrap().push(head.clone());
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.ok()?;
        let (status, body) =
            if head.starts_with("POST") { ("200 OK", r#"{"id":"c1"}"#) } else { ("404 Not Found", "") };
        let date = "date: Thu, 01 Jan 2015 00:00:00 GMT";
        let answer = format!("HTTP/1.1 {status}\r\n{date}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// What a proxy does with those who come.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Lets everybody through.
    Open,
    /// Lets those through who bring this `Proxy-Authorization`.
    Guarded(&'static str),
    /// Answers so.
    Saying(&'static str),
}

/// A proxy that takes everybody to one server, whatever name they ask for.
pub struct Proxy {
    pub address: SocketAddr,
    heads: Heads,
}

impl Proxy {
    pub async fn start(target: SocketAddr, manner: Manner) -> Self {
        Self::start_with(target, manner, None).await
    }

    pub async fn start_with(target: SocketAddr, manner: Manner, certified: Option<Certified>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let heads = Heads::default();
        let proxy = Self { address: listener.local_addr().unwrap(), heads: Arc::clone(&heads) };
        let acceptor = certified.map(Certified::acceptor);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, heads) = (acceptor.clone(), Arc::clone(&heads));
                tokio::spawn(async move {
                    match acceptor {
                        None => pass(socket, target, manner, &heads).await,
                        Some(acceptor) => pass(acceptor.accept(socket).await.ok()?, target, manner, &heads).await,
                    }
                });
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn pass(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: SocketAddr,
    manner: Manner,
    heads: &Heads,
) -> Option<()> {
    let head = read_head(&mut stream).await?;
    heads.lock().unwrap().push(head.clone());
    let refusal = match manner {
        Manner::Open => None,
        Manner::Guarded(wanted) => {
            let is_known = head.lines().any(|line| line.to_lowercase() == wanted.to_lowercase());
            (!is_known).then_some("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        }
        Manner::Saying(text) => Some(text),
    };
    if let Some(refusal) = refusal {
        return stream.write_all(refusal.as_bytes()).await.ok();
    }
    let mut server = TcpStream::connect(target).await.ok()?;
    match head.starts_with("CONNECT ") {
        true => stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?,
        false => server.write_all(head.as_bytes()).await.ok()?,
    }
    copy_bidirectional(&mut stream, &mut server).await.ok().map(drop)
}

/// Returns an address at which nothing listens.
pub async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Writes a path as an environment variable or an argument has it.
pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
