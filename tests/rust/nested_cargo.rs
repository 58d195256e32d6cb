//! A cargo that a program starts which cargo has started.

use std::process::Command;

/// Cargo, as a shell would start it. The build script of ring watches the variables that cargo sets for a program it
/// runs: with them ring, and all that stands on it, would be built once more here, and again by whoever builds next.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    cargo
}
