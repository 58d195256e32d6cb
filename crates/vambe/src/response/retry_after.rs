//! How long the server asks to wait, in whichever header it says so.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// Reads `Retry-After` (seconds or a date), `Retry-After-Ms`, or the longest
/// `Retry-After-<name>`, which servers with several limits send instead.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let named = || {
        let named = headers.iter().filter(|(name, _)| name.as_str().starts_with("retry-after-"));
        named.filter_map(|(_, value)| seconds(value.to_str().ok()?, 1.0)).max()
    };
    value("retry-after-ms")
        .and_then(|text| seconds(text, 0.001))
        .or_else(|| value("retry-after").and_then(|text| seconds(text, 1.0).or_else(|| date(text, now))))
        .or_else(named)
}

fn seconds(text: &str, unit: f64) -> Option<Duration> {
    let number: f64 = text.trim().parse().ok()?;
    let wait = number * unit;
    (wait.is_finite() && wait >= 0.0).then(|| Duration::from_secs_f64(wait.min(LONGEST_WAIT)))
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let then = httpdate::parse_http_date(text).ok()?;
    let wait = then.duration_since(now).unwrap_or_default();
    Some(wait.min(Duration::from_secs_f64(LONGEST_WAIT)))
}

// A year: what is longer means "never" and must not overflow.
const LONGEST_WAIT: f64 = 365.0 * 86_400.0;
