//! What an upsert does to the state.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::json;
use support::{Caller, DOCUMENTED_STAGE, field, webchat, whatsapp, with, without};
use vambe_emulator::Emulator;

#[tokio::test]
async fn the_same_request_twice_gives_the_same_answer() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = with(whatsapp(), field("rut", "12345678-9"));
    let first = caller.upsert(body.clone()).await.contact();
    let second = caller.upsert(body).await.contact();
    assert_eq!(first, second);
    assert_eq!(caller.customers().await.len(), 1);
}

#[tokio::test]
async fn answers_with_every_documented_field_in_order() {
    let emulator = Emulator::start().await.unwrap();
    let contact = Caller::new(&emulator).upsert(whatsapp()).await.contact();
    let fields: Vec<_> = contact.as_object().unwrap().keys().collect();
    let documented = [
        "id",
        "name",
        "phone",
        "email",
        "platform",
        "client_id",
        "ai_customer_id",
        "created_at",
        "default_stage_id",
        "blocked",
        "chat_status",
        "is_chat_read",
    ];
    assert_eq!(fields, documented);
    let created_at = contact["created_at"].as_str().unwrap();
    assert!(created_at.len() == 24 && created_at.ends_with('Z'), "{created_at}");
    for field in ["name", "email", "default_stage_id"] {
        assert!(contact[field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn an_update_changes_what_it_gives_and_nothing_else() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let all = json!({
        "contact_name": "Ana", "contact_email": "ana@example.com", "stageId": DOCUMENTED_STAGE,
        "agentId": "228d7a0d-9072-4ca8-939b-959b75cc606a",
        "meta_data": { "source": "web", "kept": 1 },
    });
    let created = caller.upsert(with(whatsapp(), all)).await.contact();
    let nothing = caller.upsert(whatsapp()).await;
    assert_eq!(nothing.basis(), "documented");
    assert_eq!(nothing.contact(), created);

    let some = json!({
        "contact_name": "Ana María", "contact_email": "am@example.com",
        "meta_data": { "source": "form", "none": null },
    });
    let updated = caller.upsert(with(whatsapp(), some)).await;
    assert_eq!(updated.basis(), "assumed A-4,A-22");
    let updated = updated.contact();
    assert_eq!(updated["id"], created["id"]);
    assert_eq!(updated["created_at"], created["created_at"]);
    assert_eq!(updated["name"], "Ana María");
    assert_eq!(updated["email"], "am@example.com");
    assert_eq!(updated["default_stage_id"], DOCUMENTED_STAGE);
    let contact = &caller.customers().await[0]["contacts"][0];
    assert_eq!(contact["meta_data"], json!({ "source": "form", "kept": 1, "none": null }));
    assert_eq!(contact["agent_id"], "228d7a0d-9072-4ca8-939b-959b75cc606a");
}

#[tokio::test]
async fn phones_are_told_apart_by_their_digits() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let phone = |number: &str| with(whatsapp(), json!({ "contact_phone_number": number }));
    let first = caller.upsert(phone("+56 9 1234-5678")).await;
    assert_eq!(first.basis(), "documented");
    let first = first.contact();
    assert_eq!(first["phone"], "+56912345678");
    let without_plus = caller.upsert(phone("(56) 912345678")).await;
    assert_eq!(without_plus.basis(), "assumed A-8");
    assert_eq!(without_plus.contact(), first);
    let other = caller.upsert(phone("+56912345679")).await.contact();
    assert_ne!(other["id"], first["id"]);
    assert_ne!(other["ai_customer_id"], first["ai_customer_id"]);
}

#[tokio::test]
async fn each_channel_has_its_own_contacts() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let whatsapp_contact = caller.upsert(whatsapp()).await.contact();
    let web = with(whatsapp(), json!({ "channel": "web-whatsapp" }));
    let web_contact = caller.upsert(web).await.contact();
    assert_ne!(whatsapp_contact["id"], web_contact["id"]);
    assert_eq!(web_contact["platform"], "web-whatsapp");
    assert_eq!(whatsapp_contact["client_id"], web_contact["client_id"]);
    assert_eq!(caller.customers().await.len(), 2);
}

#[tokio::test]
async fn webchat_contacts_have_no_phone_and_are_told_apart_by_the_external_id() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = with(webchat(), json!({ "contact_phone_number": "+56912345678" }));
    let first = caller.upsert(body).await;
    assert_eq!(first.basis(), "assumed A-15");
    let first = first.contact();
    assert!(first["phone"].is_null());
    assert_eq!(first["platform"], "webchat");
    let same = caller.upsert(webchat()).await.contact();
    assert_eq!(same["id"], first["id"]);
    let other = with(webchat(), json!({ "external_user_id": "USER-abc-123" }));
    assert_ne!(caller.upsert(other).await.contact()["id"], first["id"]);
}

#[tokio::test]
async fn a_new_contact_with_a_known_identifier_joins_its_customer() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let first = caller.upsert(with(whatsapp(), field("rut", "12345678-9"))).await.contact();
    let second = json!({ "custom_field_values": [
        { "key": "plan", "value": "premium" }, { "key": "rut", "value": "12345678-9" },
    ]});
    let second = caller.upsert(with(webchat(), second)).await;
    assert_eq!(second.basis(), "assumed A-12,A-15");
    let second = second.contact();
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["ai_customer_id"], first["ai_customer_id"]);
    let customer = &caller.customers().await[0];
    assert_eq!(customer["contacts"].as_array().unwrap().len(), 2);
    assert_eq!(caller.values().await["plan"], "premium");
}

#[tokio::test]
async fn a_value_that_identifies_nobody_joins_nobody() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    caller.upsert(with(whatsapp(), field("plan", "premium"))).await.contact();
    caller.upsert(with(webchat(), field("plan", "premium"))).await.contact();
    assert_eq!(caller.customers().await.len(), 2);
}

#[tokio::test]
async fn two_existing_customers_become_duplicate_candidates_and_stay_apart() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let first = caller.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    let second = caller.upsert(webchat()).await.contact();
    let claimed = caller.upsert(with(webchat(), field("rut", "1-9"))).await;
    assert_eq!(claimed.basis(), "assumed A-12,A-15");
    assert_eq!(claimed.contact()["ai_customer_id"], second["ai_customer_id"]);
    let customers = caller.customers().await;
    let candidate = |of: usize| customers[of]["duplicate_candidates"].clone();
    assert_eq!(candidate(0), json!([{ "id": second["ai_customer_id"], "key": "rut" }]));
    assert_eq!(candidate(1), json!([{ "id": first["ai_customer_id"], "key": "rut" }]));
}

#[tokio::test]
async fn of_two_identifiers_the_definition_that_comes_first_decides() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let by_number = caller.upsert(with(whatsapp(), field("customer_number", "7"))).await;
    let by_rut = caller.upsert(with(webchat(), field("rut", "1-9"))).await.contact();
    let both = json!({ "contact_phone_number": "+56911111111", "custom_field_values": [
        { "key": "customer_number", "value": "7" }, { "key": "rut", "value": "1-9" },
    ]});
    let both = caller.upsert(with(whatsapp(), both)).await;
    assert_eq!(both.basis(), "assumed A-12,A-13");
    let customer = both.contact()["ai_customer_id"].clone();
    assert_eq!(customer, by_rut["ai_customer_id"]);
    assert_ne!(customer, by_number.contact()["ai_customer_id"]);
}

#[tokio::test]
async fn an_identifier_that_changed_identifies_no_longer() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    caller.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    caller.upsert(with(whatsapp(), field("rut", "2-7"))).await.contact();
    caller.upsert(with(webchat(), field("rut", "1-9"))).await.contact();
    assert_eq!(caller.customers().await.len(), 2);
}

#[tokio::test]
async fn every_missing_key_is_listed_and_nothing_is_written() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = json!({ "custom_field_values": [
        { "key": "foo", "value": "1" }, { "key": "plan", "value": "premium" },
        { "key": "bar", "value": "2" }, { "key": "foo", "value": "3" },
    ]});
    let refused = caller.upsert(with(whatsapp(), body)).await;
    assert_eq!(refused.basis(), "assumed A-14");
    assert_eq!(refused.messages(), ["Custom field definitions not found: foo, bar"]);
    assert!(refused.json()["message"].is_string());
    assert!(caller.customers().await.is_empty());
}

#[tokio::test]
async fn a_refused_update_leaves_the_contact_as_it_was() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    caller.upsert(with(whatsapp(), field("lead_score", "1"))).await.contact();
    let before = caller.customers().await;
    let body = json!({ "contact_name": "Ana", "custom_field_values": [
        { "key": "plan", "value": "premium" }, { "key": "lead_score", "value": "abc" },
    ]});
    caller.upsert(with(whatsapp(), body)).await.messages();
    assert_eq!(caller.customers().await, before);
}

#[tokio::test]
async fn each_field_type_accepts_and_refuses() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let accepted = [
        ("company_name", "Acme Corp", "documented"),
        ("lead_score", "85.5", "assumed A-21"),
        ("birthday", "1990-02-28", "assumed A-21"),
        ("newsletter", "true", "assumed A-21"),
        ("segment", "retail", "assumed A-21"),
    ];
    for (key, value, basis) in accepted {
        let answer = caller.upsert(with(whatsapp(), field(key, value))).await;
        assert_eq!(answer.basis(), basis, "{key}");
        assert_eq!(caller.values().await[key], value);
    }
    let refused = [
        ("lead_score", "abc", "number"),
        ("birthday", "28/02/1990", "date"),
        ("newsletter", "quizás", "boolean"),
        ("segment", "Retail", "options"),
    ];
    for (key, value, name) in refused {
        let answer = caller.upsert(with(whatsapp(), field(key, value))).await;
        assert_eq!(answer.basis(), "assumed A-11", "{key}");
        let message = &answer.messages()[0];
        assert!(message.contains(key) && message.ends_with(name), "{message}");
        assert!(!message.contains(value), "{message}");
    }
}

#[tokio::test]
async fn unknown_channel_stage_and_agent_are_refused_together() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let unknown = "11111111-1111-4111-8111-111111111111";
    let all = json!({
        "channel_phone_number": "+5699", "stageId": unknown, "agentId": unknown,
    });
    let refused = caller.upsert(with(whatsapp(), all)).await;
    assert_eq!(refused.basis(), "assumed A-10");
    assert_eq!(refused.messages(), ["Channel not found", "Stage not found", "Agent not found"]);
    let other_kind = json!({ "channel_id": "3f2a6c1e-5b7d-4e80-9a41-6d0c52b817f3" });
    let refused = caller.upsert(with(webchat(), other_kind)).await;
    assert_eq!(refused.messages(), ["Channel not found"]);
    assert!(caller.customers().await.is_empty());
}

#[tokio::test]
async fn the_channel_may_be_named_by_its_digits_or_its_id() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let first = caller.upsert(whatsapp()).await.contact();
    for name in ["56987654321", "3F2A6C1E-5B7D-4E80-9A41-6D0C52B817F3"] {
        let answer = caller.upsert(with(whatsapp(), json!({ "channel_phone_number": name }))).await;
        assert_eq!(answer.basis(), "assumed A-9");
        assert_eq!(answer.contact(), first);
    }
}

#[tokio::test]
async fn what_the_page_leaves_open_is_accepted_and_labelled() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let absent = caller.upsert(without(whatsapp(), "meta_data")).await;
    assert_eq!(absent.basis(), "assumed A-1");
    let null = caller.upsert(with(whatsapp(), json!({ "agentId": null }))).await;
    assert_eq!(null.basis(), "assumed A-2");
    let unread = caller.upsert(with(whatsapp(), json!({ "stage_id": "x", "tags": [] }))).await;
    assert_eq!(unread.basis(), "assumed A-18");
    let logged = emulator.requests(&caller.key).unwrap().pop().unwrap();
    assert_eq!(logged.unread_fields, ["stage_id", "tags"]);
    let twice = json!({ "custom_field_values": [
        { "key": "plan", "value": "a" }, { "key": "plan", "value": "b" },
    ]});
    assert_eq!(caller.upsert(with(whatsapp(), twice)).await.basis(), "assumed A-23");
    assert_eq!(caller.values().await["plan"], "b");
    let no_digits = with(whatsapp(), json!({ "contact_phone_number": "n/a" }));
    let refused = caller.upsert(no_digits).await;
    assert_eq!(refused.basis(), "assumed A-8");
    assert_eq!(refused.messages(), ["contact_phone_number must contain digits"]);
}

#[tokio::test]
async fn tenants_know_nothing_of_each_other() {
    let emulator = Emulator::start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    let first = one.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    let second = two.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    for field in ["id", "ai_customer_id", "client_id"] {
        assert_ne!(first[field], second[field], "{field}");
    }
    emulator.reset(&one.key).unwrap();
    assert!(one.customers().await.is_empty());
    assert_eq!(two.customers().await.len(), 1);
    assert_eq!(emulator.requests(&two.key).unwrap().len(), 1);
}

#[tokio::test]
async fn parallel_upserts_of_one_contact_make_one_contact() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let calls = (0..20).map(|_| caller.upsert(with(whatsapp(), field("rut", "1-9"))));
    let answers = futures_util::future::join_all(calls).await;
    let first = answers[0].contact();
    assert!(answers.iter().all(|answer| answer.contact() == first));
    assert_eq!(caller.customers().await.len(), 1);
}

#[tokio::test]
async fn any_value_in_any_field_is_accepted_or_refused() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let full = with(
        webchat(),
        json!({
            "channel_phone_number": "+56987654321", "contact_phone_number": "+56912345678",
            "contact_name": "Ana", "contact_email": "a@example.com", "stageId": DOCUMENTED_STAGE,
            "agentId": null, "custom_field_values": [], "extra": 1,
        }),
    );
    let odd = [
        json!(null),
        json!(true),
        json!(-1.5e300),
        json!(""),
        json!("\u{0}\u{1f600}'; DROP TABLE contact; --"),
        json!("é".repeat(36)),
        json!([]),
        json!([null, {}, { "key": "rut", "value": "\u{0}" }, { "key": "", "value": "" }]),
        json!({ "": { "a": [[[]]] } }),
    ];
    for channel in ["whatsapp", "web-whatsapp", "webchat"] {
        let full = with(full.clone(), json!({ "channel": channel }));
        for field in full.as_object().unwrap().keys() {
            for value in &odd {
                let mut body = full.clone();
                body[field] = value.clone();
                let status = caller.upsert(body).await.status;
                assert!(matches!(status, 200 | 400), "{channel} {field} {value}: {status}");
            }
        }
    }
}
