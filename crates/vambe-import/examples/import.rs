//! Imports a file, as `vambe import` does.

use vambe::Client;
use vambe_import::{Import, ImportOptions, SendOptions, Stop};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let stop = Stop::new();
    for import in Import::open(&["examples/customers-semicolon.csv".into()], &ImportOptions::default())? {
        let report = import.send(&client, SendOptions::default(), &stop, |_| {}).await?;
        println!("{} rows accepted", report.summary.accepted);
    }
    Ok(())
}
