//! Upserts several customers, and prints what became of each.

use futures_util::{StreamExt, stream};
use vambe::{Client, CustomerRecord, UpsertManyOptions};

#[tokio::main]
async fn main() -> Result<(), vambe::Error> {
    let client = Client::from_env()?;
    let phones = ["+56911111111", "+56922222222", "56933333333.0"];
    let records = phones.map(|phone| CustomerRecord::whatsapp("+56987654321", phone));
    let mut outcomes = client.upsert_many(stream::iter(records), UpsertManyOptions::default())?;
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(contact) => println!("{}: {}", outcome.index, contact.id),
            Err(error) => println!("{}: {} {error}", outcome.index, error.code()),
        }
    }
    // A wrong key, for example, would have ended it before the last record.
    outcomes.stopped().map_or(Ok(()), |reason| Err(reason.clone()))
}
