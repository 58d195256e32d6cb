//! What `--source` adds to `meta_data`, as the API's page advises (`docs/contract.md`).

use vambe::DateTime;

use crate::journal::now;

/// Returns the source, the time, and what imports, by their keys.
pub(crate) fn stamps(source: &str) -> Vec<(String, String)> {
    let now = DateTime::utc(now()).map(|now| now.to_string()).unwrap_or_default();
    let stamp = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    vec![stamp("source", source), stamp("importedAt", &now), stamp("importedBy", IMPORTER)]
}

const IMPORTER: &str = concat!("vambe ", env!("CARGO_PKG_VERSION"));
