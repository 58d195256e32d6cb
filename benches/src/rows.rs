//! Hands figures to `report.py`: a JSON object a line, in the file that `BENCH_ROWS` names.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use serde_json::json;

/// Appends the figure of a row of `targets.json`, and the peer's that it is compared with.
pub fn emit(row: &str, figure: f64, peer: Option<f64>) -> io::Result<()> {
    let Some(path) = std::env::var_os("BENCH_ROWS") else { return Ok(()) };
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    writeln!(file, "{}", json!({ "row": row, "figure": figure, "peer": peer }))
}
