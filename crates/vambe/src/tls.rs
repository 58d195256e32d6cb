//! TLS: rustls on ring, the platform's roots and Mozilla's, and no process-wide provider.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

use crate::config::Config;
use crate::error::Error;

/// Returns the TLS set-up of a client.
pub(crate) fn config(config: &Config) -> Result<ClientConfig, Error> {
    match &config.ca_file {
        _ if config.endpoint.scheme() == "http" && config.proxy.is_none() => without_roots(),
        Some(ca_file) => with_roots(read_certificates(ca_file)?),
        None => shared(),
    }
}

/// Returns the set-up without a `ca_file`, made once: reading the platform's roots takes long.
fn shared() -> Result<ClientConfig, Error> {
    static SHARED: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = SHARED.get() {
        return Ok(config.clone());
    }
    let config = with_roots(Vec::new())?;
    Ok(SHARED.get_or_init(|| config).clone())
}

/// Trusts the platform's roots, Mozilla's (containers often have none), and the given ones.
fn with_roots(certificates: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let roots = certificates.into_iter().chain(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let verifier = Verifier::new_with_extra_roots(roots, provider()).map_err(unusable)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(unusable)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Trusts nobody, which is enough for plain http and costs nothing.
fn without_roots() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    Ok(builder.map_err(unusable)?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn read_certificates(ca_file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let place = ca_file.display();
    let unreadable =
        |error| Error::config(format!("ca_file {place} holds no certificate in PEM form")).caused_by(error);
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(ca_file).and_then(Iterator::collect).map_err(unreadable)?;
    match certificates.is_empty() {
        true => Err(Error::config(format!("ca_file {place} holds no certificate in PEM form"))),
        false => Ok(certificates),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn unusable(error: rustls::Error) -> Error {
    Error::config("TLS cannot be set up: check the certificates of this machine, or pass ca_file").caused_by(error)
}
