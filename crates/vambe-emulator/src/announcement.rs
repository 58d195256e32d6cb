//! What a program that serves should say first.

use serde_json::{Value, json};

use crate::options::Options;

/// Gives the one line that tells where the emulator is and what a person can try there.
///
/// `{"url", "api_key", "channels", "stages", "agents", "custom_fields", "control"}`:
/// every id that a fresh tenant knows, and where the control API is.
pub fn announcement(url: &str, options: &Options) -> Value {
    let seed = options.seed();
    json!({
        "url": url,
        "api_key": options.api_key(),
        "channels": seed.channels,
        "stages": seed.stages,
        "agents": seed.agents,
        "custom_fields": seed.custom_fields,
        "control": format!("{url}/_emulator"),
    })
}
