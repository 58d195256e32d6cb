//! Upserts one customer.

use vambe::{Client, CustomerRecord};

#[tokio::main]
async fn main() -> Result<(), vambe::Error> {
    let client = Client::from_env()?;
    let record = CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678")
        .contact_name("Maria Rodriguez")
        .custom_field("rut", "12345678-9")
        .meta("source", "landing-page");
    let contact = client.upsert(record).await?;
    println!("{} {}", contact.id, contact.phone.unwrap_or_default());
    Ok(())
}
