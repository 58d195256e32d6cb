//! The clients that are compared, each doing the same POST and reading the same answer.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use vambe::{Client, CustomerRecord};

type Failure = Box<dyn std::error::Error>;

/// One way to make the call.
pub enum Peer {
    /// What a careful developer writes with reqwest: typed body, typed answer, nothing else.
    Reqwest { client: reqwest::Client, url: String },
    /// Ours, with checks, cleaning, deadline and retries.
    Vambe { client: Client, record: Box<CustomerRecord> },
}

impl Peer {
    /// Returns the peers; the first is what the others are compared with.
    pub fn all(url: &str) -> Result<Vec<Self>, Failure> {
        let reqwest = Self::Reqwest { client: plain_reqwest()?, url: format!("{url}/api/public/customer/upsert/info") };
        let client = Client::builder().api_key(KEY).base_url(url).build()?;
        Ok(vec![reqwest, Self::Vambe { client, record: Box::new(record()) }])
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Reqwest { .. } => "plain reqwest",
            Self::Vambe { .. } => "vambe",
        }
    }

    /// Makes so many calls, with so many in flight.
    pub async fn call(&self, calls: usize, in_flight: usize) -> Result<(), Failure> {
        let calls = stream::iter(0..calls).map(|_| self.one());
        calls.buffer_unordered(in_flight).try_for_each(|()| async { Ok(()) }).await
    }

    async fn one(&self) -> Result<(), Failure> {
        match self {
            Self::Reqwest { client, url } => {
                let request = client.post(url).header("x-api-key", KEY).json(&Body::sample());
                let contact: Contact = request.send().await?.error_for_status()?.json().await?;
                assert_eq!(contact.id.len(), 36);
            }
            Self::Vambe { client, record } => {
                let contact = client.upsert(CustomerRecord::clone(record)).await?;
                assert_eq!(contact.id.len(), 36);
            }
        }
        Ok(())
    }
}

fn plain_reqwest() -> Result<reqwest::Client, Failure> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().http1_only().no_proxy().tls_backend_preconfigured(tls).build()?)
}

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56 9 1234-5678")
        .contact_name("Maria Rodriguez")
        .contact_email("maria.rodriguez@example.com")
        .stage_id("550e8400-e29b-41d4-a716-446655440000")
        .agent_id("228d7a0d-9072-4ca8-939b-959b75cc606a")
        .meta("company", "Acme Corp")
        .meta("position", "CEO")
        .meta("industry", "Technology")
        .meta("source", "LinkedIn Campaign")
        .custom_field("company_name", "Acme Corp")
        .custom_field("rut", "12345678-9")
}

#[derive(Serialize)]
struct Body {
    channel: &'static str,
    channel_phone_number: &'static str,
    contact_phone_number: &'static str,
    contact_name: &'static str,
    contact_email: &'static str,
    #[serde(rename = "stageId")]
    stage_id: &'static str,
    #[serde(rename = "agentId")]
    agent_id: &'static str,
    meta_data: BTreeMap<&'static str, &'static str>,
    custom_field_values: Vec<CustomField>,
}

#[derive(Serialize)]
struct CustomField {
    key: &'static str,
    value: &'static str,
}

impl Body {
    fn sample() -> Self {
        Self {
            channel: "whatsapp",
            channel_phone_number: "+56987654321",
            contact_phone_number: "+56912345678",
            contact_name: "Maria Rodriguez",
            contact_email: "maria.rodriguez@example.com",
            stage_id: "550e8400-e29b-41d4-a716-446655440000",
            agent_id: "228d7a0d-9072-4ca8-939b-959b75cc606a",
            meta_data: BTreeMap::from([
                ("company", "Acme Corp"),
                ("position", "CEO"),
                ("industry", "Technology"),
                ("source", "LinkedIn Campaign"),
            ]),
            custom_field_values: vec![
                CustomField { key: "company_name", value: "Acme Corp" },
                CustomField { key: "rut", value: "12345678-9" },
            ],
        }
    }
}

#[derive(Deserialize)]
#[allow(dead_code)] // Read for what it costs.
struct Contact {
    id: String,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    platform: Option<String>,
    client_id: Option<String>,
    ai_customer_id: Option<String>,
    created_at: Option<String>,
    default_stage_id: Option<String>,
    blocked: Option<bool>,
    chat_status: Option<String>,
    is_chat_read: Option<bool>,
}

const KEY: &str = "emulator_bench";
