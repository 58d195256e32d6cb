//! What becomes of `meta_data` after the answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Caller, field, webchat, whatsapp, with};
use vambe_emulator::{Emulator, Fault, MetadataMode, Options, Rule};

async fn manual() -> Emulator {
    let options = Options::default().with_metadata(MetadataMode::Manual);
    Emulator::builder().options(options).start().await.unwrap()
}

fn meta(meta_data: &Value) -> Value {
    with(whatsapp(), json!({ "meta_data": meta_data }))
}

async fn trace(caller: &Caller<'_>, contact: &Value) -> Value {
    let path = format!("/_emulator/contacts/{}/metadata", contact["id"].as_str().unwrap());
    caller.get(&path).await.json()["metadata"].clone()
}

#[tokio::test]
async fn metadata_is_stored_at_once_and_processed_when_it_is_asked_for() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    let sent = json!({ "companyName": "Acme", "lead_score": "85", "segment": "RETAIL", "colour": "red", "rut": "1-9" });
    let contact = caller.upsert(meta(&sent)).await.contact();
    let listed = caller.get(&format!("/_emulator/contacts/{}", contact["id"].as_str().unwrap())).await.json();
    assert_eq!(listed["meta_data"], sent);
    assert_eq!(listed["customer_id"], contact["ai_customer_id"]);
    assert!(caller.values().await.is_empty());
    assert_eq!(trace(&caller, &contact).await[0]["state"], "waiting");

    let drained = caller.call("POST", "/_emulator/drain", b"").await.json();
    assert_eq!(drained, json!({ "processed": 1 }));
    let values = caller.values().await;
    assert_eq!(values.len(), 3);
    assert_eq!((&*values["company_name"], &*values["lead_score"], &*values["segment"]), ("Acme", "85", "retail"));
    let done = trace(&caller, &contact).await;
    assert_eq!(done[0]["state"], "done");
    let trace = done[0]["trace"].as_array().unwrap();
    assert_eq!(trace[0]["rule"], "normalised_key");
    assert_eq!(trace[0]["written"], true);
    let reasons: Vec<_> = trace.iter().filter(|value| value["written"] == false).map(|v| &v["reason"]).collect();
    assert_eq!(reasons, ["no custom field has this name", "the field is an identifier"]);
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 0);
}

#[tokio::test]
async fn it_is_processed_by_itself_after_the_answer() {
    let options = Options::default().with_metadata(MetadataMode::after(Duration::from_millis(30)));
    let emulator = Emulator::builder().options(options).start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut events = caller.send("GET", "/_emulator/events", b"").await;
    support::read_until(&mut events, "ready").await;
    caller.upsert(meta(&json!({ "plan": "pro" }))).await.contact();
    assert!(caller.values().await.is_empty());
    support::read_until(&mut events, "\"kind\":\"metadata\"").await;
    assert_eq!(caller.values().await["plan"], "pro");
}

#[tokio::test]
async fn it_can_be_left_alone() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let off = caller.call("PUT", "/_emulator/metadata", br#"{"mode": "off"}"#).await;
    assert_eq!(off.json(), json!({ "mode": "off" }));
    let contact = caller.upsert(meta(&json!({ "plan": "pro" }))).await.contact();
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 0);
    assert_eq!(trace(&caller, &contact).await, json!([]));
    assert_eq!(caller.get("/_emulator/metadata").await.json()["mode"], "off");
    assert_eq!(caller.call("PUT", "/_emulator/metadata", br#"{"mode": "never"}"#).await.status, 400);
}

#[tokio::test]
async fn what_was_given_as_a_custom_field_value_stays() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    caller.upsert(with(meta(&json!({ "plan": "from metadata", "industry": "Retail" })), field("plan", "given"))).await;
    emulator.drain(&caller.key).await.unwrap();
    let values = caller.values().await;
    assert_eq!((&*values["plan"], &*values["industry"]), ("given", "Retail"));
    // Given later, it replaces what the metadata said; later metadata does not replace it.
    caller.upsert(with(meta(&json!({ "industry": "Mining" })), field("industry", "given"))).await;
    emulator.drain(&caller.key).await.unwrap();
    assert_eq!(caller.values().await["industry"], "given");
}

#[tokio::test]
async fn later_metadata_wins_and_one_trace_a_contact_is_kept() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    for plan in ["one", "two", "three"] {
        caller.upsert(meta(&json!({ "plan": plan }))).await.contact();
    }
    let contact = caller.upsert(whatsapp()).await.contact();
    assert_eq!(trace(&caller, &contact).await.as_array().unwrap().len(), 3);
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 3);
    assert_eq!(caller.values().await["plan"], "three");
    let kept = emulator.metadata(&caller.key, contact["id"].as_str().unwrap()).unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 1);
    assert_eq!(kept[0]["meta_data"], json!({ "plan": "three" }));
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::metadata_twice()]).unwrap();
    caller.upsert(meta(&json!({ "plan": "pro" }))).await.contact();
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 2);
    assert_eq!(caller.values().await["plan"], "pro");
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 0);
}

#[tokio::test]
async fn a_rule_lets_metadata_set_identifiers() {
    let options = Options::default().with_metadata(MetadataMode::Manual).with_rule(Rule::MetadataIdentifiers);
    let emulator = Emulator::builder().options(options).start().await.unwrap();
    let caller = Caller::new(&emulator);
    let contact = caller.upsert(meta(&json!({ "rut": "1-9" }))).await.contact();
    emulator.drain(&caller.key).await.unwrap();
    let joined = caller.upsert(with(webchat(), field("rut", "1-9"))).await.contact();
    assert_eq!(joined["ai_customer_id"], contact["ai_customer_id"]);
}

#[tokio::test]
async fn metadata_that_waits_is_gone_after_a_reset() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    caller.upsert(meta(&json!({ "plan": "pro" }))).await.contact();
    emulator.reset(&caller.key).unwrap();
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 0);
    assert!(caller.customers().await.is_empty());
}

#[tokio::test]
async fn metadata_that_waits_outlives_the_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options::default().with_api_key("emulator_kept").with_data(folder.path());
    let late = options().with_metadata(MetadataMode::after(Duration::from_millis(1)));
    let emulator = Emulator::builder().options(options().with_metadata(MetadataMode::Manual)).start().await.unwrap();
    let caller = Caller::new(&emulator);
    caller.upsert(meta(&json!({ "plan": "pro" }))).await.contact();
    emulator.close().await;
    let emulator = Emulator::builder().options(late).start().await.unwrap();
    let caller = Caller::new(&emulator);
    assert_eq!(emulator.drain(&caller.key).await.unwrap(), 1);
    assert_eq!(caller.values().await["plan"], "pro");
}

#[tokio::test]
async fn a_value_in_the_listing_says_whether_metadata_gave_it() {
    let emulator = manual().await;
    let caller = Caller::new(&emulator);
    caller.upsert(with(meta(&json!({ "plan": "pro" })), field("industry", "Retail"))).await.contact();
    emulator.drain(&caller.key).await.unwrap();
    let customer = &caller.customers().await[0];
    let expected = json!([
        { "key": "industry", "value": "Retail", "from_metadata": false },
        { "key": "plan", "value": "pro", "from_metadata": true },
    ]);
    assert_eq!(customer["custom_field_values"], expected);
}
