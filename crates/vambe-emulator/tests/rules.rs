//! Every choice that can be turned, turned.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Answer, Caller, UPSERT, field, raw, webchat, whatsapp, with, without};
use vambe_emulator::{Emulator, Options, Rule};

async fn with_rule(rule: Rule) -> Emulator {
    Emulator::builder().options(Options::default().with_rule(rule)).start().await.unwrap()
}

/// Upserts under the rules of one request.
async fn under(emulator: &Emulator, rules: &str, body: &Value) -> Answer {
    let (key, body) = (emulator.api_key(), body.to_string());
    let head = format!(
        "POST {UPSERT} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
         x-emulator-rules: {rules}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    raw(emulator, &[head.as_bytes(), body.as_bytes()].concat()).await
}

#[tokio::test]
async fn strict_schema_requires_metadata_and_refuses_null() {
    let emulator = with_rule(Rule::StrictSchema).await;
    let caller = Caller::new(&emulator);
    let absent = caller.upsert(without(whatsapp(), "meta_data")).await;
    assert_eq!(absent.basis(), "assumed A-1");
    assert_eq!(absent.messages(), ["meta_data is required"]);
    let null = caller.upsert(with(whatsapp(), json!({ "agentId": null }))).await;
    assert_eq!(null.basis(), "assumed A-2");
    assert_eq!(null.messages(), ["agentId must not be null"]);
    caller.upsert(whatsapp()).await.contact();
}

#[tokio::test]
async fn strict_fields_refuses_what_it_does_not_know() {
    let emulator = with_rule(Rule::StrictFields).await;
    let caller = Caller::new(&emulator);
    let refused = caller.upsert(with(whatsapp(), json!({ "stage_id": "x", "a/b": 1 }))).await;
    assert_eq!(refused.basis(), "assumed A-18");
    assert_eq!(refused.messages().len(), 2);
    let problems = &emulator.requests(&caller.key).unwrap()[0].problems;
    assert_eq!(problems[1].pointer, "/a~1b");
    assert!(!problems[0].hint.is_empty());
}

#[tokio::test]
async fn keep_email_leaves_the_address_of_a_contact_that_exists() {
    let emulator = with_rule(Rule::KeepEmail).await;
    let caller = Caller::new(&emulator);
    caller.upsert(with(whatsapp(), json!({ "contact_email": "a@example.com" }))).await.contact();
    let updated = caller.upsert(with(whatsapp(), json!({ "contact_email": "b@example.com" }))).await;
    assert_eq!(updated.basis(), "assumed A-4");
    assert_eq!(updated.contact()["email"], "a@example.com");
}

#[tokio::test]
async fn lenient_values_keeps_what_does_not_convert() {
    let emulator = with_rule(Rule::LenientValues).await;
    let caller = Caller::new(&emulator);
    let kept = caller.upsert(with(whatsapp(), field("lead_score", "abc"))).await;
    assert_eq!(kept.basis(), "assumed A-11,A-21");
    assert_eq!(caller.values().await["lead_score"], "abc");
}

#[tokio::test]
async fn merge_customers_makes_one_of_two_with_one_identifier() {
    let emulator = with_rule(Rule::MergeCustomers).await;
    let caller = Caller::new(&emulator);
    let first = caller.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    let second = caller.upsert(with(webchat(), field("plan", "pro"))).await.contact();
    assert_ne!(first["ai_customer_id"], second["ai_customer_id"]);
    let merged = caller.upsert(with(webchat(), field("rut", "1-9"))).await;
    assert_eq!(merged.basis(), "assumed A-12,A-15");
    assert_eq!(merged.contact()["ai_customer_id"], first["ai_customer_id"]);
    let customers = caller.customers().await;
    assert_eq!(customers.len(), 1);
    assert_eq!(customers[0]["contacts"].as_array().unwrap().len(), 2);
    assert_eq!(caller.values().await["plan"], "pro");
}

#[tokio::test]
async fn created_201_tells_created_from_found() {
    let emulator = with_rule(Rule::Created201).await;
    let caller = Caller::new(&emulator);
    assert_eq!(caller.upsert(whatsapp()).await.status, 201);
    assert_eq!(caller.upsert(whatsapp()).await.status, 200);
}

#[tokio::test]
async fn refusals_come_in_the_shape_that_was_asked_for() {
    let emulator = Emulator::start().await.unwrap();
    let body = with(whatsapp(), json!({ "stageId": 5, "custom_field_values": [{ "key": "plan" }] }));
    let text = under(&emulator, "text-errors", &body).await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    assert!(text.body.starts_with(b"stageId must be a string; "));
    let issues = under(&emulator, "issue-errors", &body).await.json();
    assert_eq!(
        issues["errors"][0],
        json!({ "path": ["stageId"], "code": "type", "message": "stageId must be a string" })
    );
    assert_eq!(issues["errors"][1]["path"], json!(["custom_field_values", 0, "value"]));
}

#[tokio::test]
async fn the_rules_of_a_request_add_to_those_of_its_tenant() {
    let emulator = with_rule(Rule::Created201).await;
    let strict = under(&emulator, "strict-schema, nonsense", &without(whatsapp(), "meta_data")).await;
    assert_eq!(strict.basis(), "assumed A-1");
    assert_eq!(under(&emulator, "strict-schema", &whatsapp()).await.status, 201);
}

#[tokio::test]
async fn the_fidelity_names_every_rule_and_what_it_turns() {
    let emulator = Emulator::start().await.unwrap();
    let rules = Caller::new(&emulator).get("/_emulator/fidelity").await.json()["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 9);
    assert_eq!(rules[0], json!({ "rule": "strict-schema", "turns": ["A-1", "A-2"] }));
}
