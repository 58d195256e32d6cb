//! TLS: rustls on ring, the platform's roots and Mozilla's, what the caller adds, and no process-wide provider.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use crate::error::Error;
use crate::options::Door;

/// Where certificates come from that are trusted beside the platform's and Mozilla's.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trust {
    pub(crate) authorities: Vec<Authority>,
}

/// A file or folders of certificates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Authority {
    /// The option or the variable that names it.
    pub(crate) named_by: &'static str,
    /// As it is named there: of folders a list.
    pub(crate) path: PathBuf,
}

impl Trust {
    /// Collects what the option and the variables of this runtime name.
    pub(crate) fn of(
        ca_file: Option<PathBuf>,
        runtime: Door,
        environment: impl Fn(&'static str) -> Option<String>,
    ) -> Self {
        let names: &[&'static str] = match runtime {
            Door::Python => &["SSL_CERT_FILE", FOLDERS, "REQUESTS_CA_BUNDLE"],
            Door::Node => &["SSL_CERT_FILE", FOLDERS, "NODE_EXTRA_CA_CERTS"],
            Door::Rust | Door::Cli => &["SSL_CERT_FILE", FOLDERS],
        };
        let option = ca_file.map(|path| Authority { named_by: OPTION, path });
        let given = names.iter().filter_map(|name| Some(Authority { named_by: name, path: environment(name)?.into() }));
        Self { authorities: option.into_iter().chain(given).collect() }
    }

    /// Returns the TLS set-up, made once for one state of these files: reading roots takes long.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, Error> {
        static MADE: Mutex<Vec<(Trust, Vec<Stamp>, ClientConfig)>> = Mutex::new(Vec::new());
        let stamps: Vec<Stamp> = self.authorities.iter().map(Authority::stamp).collect();
        let is_same = |made: &&(Self, Vec<Stamp>, ClientConfig)| made.0 == *self && made.1 == stamps;
        // A forked process may find the lock held by nobody it has: it makes its own.
        let known = MADE.try_lock().ok().and_then(|made| made.iter().find(is_same).map(|made| made.2.clone()));
        if let Some(config) = known {
            return Ok(config);
        }
        let config = self.make()?;
        if let Ok(mut made) = MADE.try_lock() {
            if made.len() == MOST_KEPT {
                made.remove(0);
            }
            made.push((self.clone(), stamps, config.clone()));
        }
        Ok(config)
    }

    /// Trusts the platform's roots, Mozilla's (containers often have none), and the given ones.
    fn make(&self) -> Result<ClientConfig, Error> {
        let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
        for authority in &self.authorities {
            roots.extend(authority.read()?);
        }
        let verifier = Verifier::new_with_extra_roots(distinct(roots), provider()).map_err(unusable)?;
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(unusable)?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }
}

impl Authority {
    /// Reads the certificates that can be used; a file that holds others, or no text at all, is wrong.
    pub(crate) fn read(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let unreadable = |error: io::Error| self.wrong(&format!("cannot be read ({error})"));
        if self.named_by == FOLDERS {
            return read_folders(&self.paths()).map_err(unreadable);
        }
        // Requests takes a folder in the place of a file.
        let is_folder = self.path.is_dir();
        let text = if is_folder { Vec::new() } else { std::fs::read(&self.path).map_err(unreadable)? };
        let found = if is_folder { read_folder(&self.path).map_err(unreadable)? } else { usable(&text) };
        // An empty file, such as /dev/null, is how a variable is told to name nothing.
        let names_nothing = !is_folder && text.is_empty() && self.named_by != OPTION;
        match found.is_empty() && !names_nothing {
            true => Err(self.wrong("holds no certificate in PEM form")),
            false => Ok(found),
        }
    }

    fn wrong(&self, problem: &str) -> Error {
        let Self { named_by, path } = self;
        let kind = if *named_by == FOLDERS { "a folder of PEM files" } else { "a PEM file" };
        let unset = if *named_by == OPTION { "" } else { ", or unset it" };
        Error::config(format!(
            "{named_by} {} {problem}: name {kind} with the certificate of the CA{unset}",
            path.display()
        ))
    }

    fn paths(&self) -> Vec<PathBuf> {
        match self.named_by {
            FOLDERS => std::env::split_paths(&self.path).filter(|path| !path.as_os_str().is_empty()).collect(),
            _ => vec![self.path.clone()],
        }
    }

    fn stamp(&self) -> Stamp {
        let paths = self.paths();
        let found = paths.iter().filter_map(|path| std::fs::metadata(path).ok());
        found.map(|metadata| (metadata.modified().ok(), metadata.len())).collect()
    }
}

/// Returns how many roots the machine has, where they can be counted.
#[allow(clippy::unnecessary_wraps)] // Elsewhere there is nothing to count.
pub(crate) fn platform_roots() -> Option<usize> {
    #[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
    return Some(rustls_native_certs::load_native_certs().certs.len());
    #[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
    return None;
}

/// Returns how many roots of Mozilla's are built in.
pub(crate) fn mozilla_roots() -> usize {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS.len()
}

/// When files were changed, and how long they are.
type Stamp = Vec<(Option<SystemTime>, u64)>;

/// Returns the set-up that trusts nobody, which is enough for plain http and costs nothing.
pub(crate) fn without_roots() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    Ok(builder.map_err(unusable)?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Reads the folders that are there, and fails if none is.
fn read_folders(folders: &[PathBuf]) -> io::Result<Vec<CertificateDer<'static>>> {
    let (read, mut failed): (Vec<_>, Vec<_>) =
        folders.iter().map(|folder| read_folder(folder)).partition(Result::is_ok);
    match (read.is_empty(), failed.pop()) {
        (true, Some(failed)) => failed,
        _ => Ok(distinct(read.into_iter().flatten().flatten().collect())),
    }
}

/// Reads all files of a folder, which often has each twice, by its name and by a hash, and other files as well.
fn read_folder(folder: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let files = std::fs::read_dir(folder)?.flatten();
    let found = files.filter_map(|file| std::fs::read(file.path()).ok()).flat_map(|text| usable(&text));
    Ok(distinct(found.collect()))
}

fn distinct(mut certificates: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    certificates.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
    certificates.dedup();
    certificates
}

/// Returns the certificates that can be roots: bundles hold old ones that cannot.
fn usable(text: &[u8]) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_slice_iter(text).flatten();
    certificates.filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok()).collect()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn unusable(error: rustls::Error) -> Error {
    Error::config("TLS cannot be set up: check the certificates of this machine, or pass ca_file").caused_by(error)
}

const OPTION: &str = "ca_file";
const FOLDERS: &str = "SSL_CERT_DIR";
const MOST_KEPT: usize = 8;
