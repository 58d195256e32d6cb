//! The examples of the API's page, word for word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::json;
use support::{Caller, NOTE, UPSERT};
use vambe_emulator::Emulator;

const FIRST_CURL: &str = r#"
{
  "channel": "whatsapp",
  "meta_data": {
    "source": "landing-page"
  }
}
"#;

const WHATSAPP_CURL: &str = r#"{
    "channel_phone_number": "+56987654321",
    "channel": "whatsapp",
    "contact_phone_number": "+56912345678",
    "contact_name": "Maria Rodriguez",
    "contact_email": "maria.rodriguez@example.com",
    "stageId": "550e8400-e29b-41d4-a716-446655440000",
    "agentId": "228d7a0d-9072-4ca8-939b-959b75cc606a",
    "meta_data": {
      "company": "Acme Corp",
      "position": "CEO",
      "industry": "Technology",
      "source": "LinkedIn Campaign"
    },
    "custom_field_values": [
      { "key": "company_name", "value": "Acme Corp" },
      { "key": "rut", "value": "12345678-9" }
    ]
  }"#;

const WEBCHAT_CURL: &str = r#"{
    "channel": "webchat",
    "channel_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "external_user_id": "user-abc-123",
    "contact_name": "Jane Doe",
    "contact_email": "jane@example.com",
    "custom_field_values": [
      { "key": "plan", "value": "premium" },
      { "key": "account_id", "value": "ACC-9876" }
    ]
  }"#;

#[tokio::test]
async fn the_first_curl_lacks_two_required_fields() {
    let emulator = Emulator::start().await.unwrap();
    let answer = Caller::new(&emulator).call("POST", UPSERT, FIRST_CURL.as_bytes()).await;
    assert_eq!(answer.basis(), "documented");
    assert_eq!(
        answer.messages(),
        ["channel_phone_number is required for whatsapp", "contact_phone_number is required for whatsapp",]
    );
}

#[tokio::test]
async fn the_whatsapp_curl_answers_like_the_example_response() {
    let emulator = Emulator::start().await.unwrap();
    let answer = Caller::new(&emulator).call("POST", UPSERT, WHATSAPP_CURL.as_bytes()).await;
    assert_eq!(answer.basis(), "documented");
    let contact = answer.contact();
    let expected = json!({
        "id": contact["id"],
        "name": "Maria Rodriguez",
        "phone": "+56912345678",
        "email": "maria.rodriguez@example.com",
        "platform": "whatsapp",
        "client_id": contact["client_id"],
        "ai_customer_id": contact["ai_customer_id"],
        "created_at": contact["created_at"],
        "default_stage_id": "550e8400-e29b-41d4-a716-446655440000",
        "blocked": false,
        "chat_status": "UNATTENDED",
        "is_chat_read": false,
    });
    assert_eq!(contact, expected);
}

#[tokio::test]
async fn the_webchat_curl_makes_a_contact_without_phone() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let answer = caller.call("POST", UPSERT, WEBCHAT_CURL.as_bytes()).await;
    assert_eq!(answer.basis(), "assumed A-1,A-15");
    let contact = answer.contact();
    assert_eq!(contact["name"], "Jane Doe");
    assert_eq!(contact["email"], "jane@example.com");
    assert_eq!(contact["platform"], "webchat");
    assert!(contact["phone"].is_null());
    let values = caller.values().await;
    assert_eq!(values["plan"], "premium");
    assert_eq!(values["account_id"], "ACC-9876");
}

#[tokio::test]
async fn the_crm_import_runs_once_its_placeholder_is_replaced() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = |stage: &str| {
        json!({
            "channel_phone_number": "+56987654321",
            "channel": "whatsapp",
            "contact_name": "Maria",
            "contact_phone_number": "+56 9 1234 5678",
            "contact_email": "maria@example.com",
            "stageId": stage,
            "custom_field_values": [
                { "key": "company_name", "value": "Acme Corp" },
                { "key": "industry", "value": "Technology" },
                { "key": "lead_score", "value": "85" },
            ],
            "meta_data": { "source": "crm", "notes": "met at a fair" },
        })
    };
    let refused = caller.upsert(body("your_initial_stage_id")).await;
    assert_eq!(refused.basis(), "documented");
    assert_eq!(refused.messages(), ["stageId must be a UUID"]);
    let stage = "6b1d4f02-93c8-4d5e-8f27-1a90c3e6b745";
    let contact = caller.upsert(body(stage)).await.contact();
    assert_eq!(contact["default_stage_id"], stage);
}

#[tokio::test]
async fn the_deprecated_note_becomes_an_internal_note() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let note = json!({
        "to_phone": "+56912345678",
        "from_phone": "+56987654321",
        "note": "Internal note",
        "contact_name": "John Doe",
        "meta_data": { "source": "legacy" },
        "stage_id": support::DOCUMENTED_STAGE,
    });
    let answer = caller.call("POST", NOTE, note.to_string().as_bytes()).await;
    assert_eq!(answer.basis(), "assumed A-17");
    let contact = answer.contact();
    assert_eq!(contact["platform"], "whatsapp");
    assert_eq!(contact["phone"], "+56912345678");
    let upserted = caller.upsert(support::whatsapp()).await.contact();
    assert_eq!(upserted, contact);
    let listed = &caller.customers().await[0]["contacts"][0];
    let expected = json!({ "source": "legacy", "internal_note": "Internal note" });
    assert_eq!(listed["meta_data"], expected);

    let refused = caller.call("POST", NOTE, b"{}").await;
    assert_eq!(refused.messages().len(), 3);
}
