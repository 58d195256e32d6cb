//! What `--source` adds to `meta_data`, as the API's page advises (`docs/contract.md`).

use std::time::{SystemTime, UNIX_EPOCH};

use vambe::DateTime;

/// Returns the source, the time, and what imports, by their keys.
pub(crate) fn stamps(source: &str) -> Vec<(String, String)> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let now = DateTime::utc(seconds).map(|now| now.to_string()).unwrap_or_default();
    let stamp = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    vec![stamp("source", source), stamp("importedAt", &now), stamp("importedBy", IMPORTER)]
}

const IMPORTER: &str = concat!("vambe ", env!("CARGO_PKG_VERSION"));
