//! Seeds, resets, documents of state, fixed ids and clocks, and the data folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Caller, field, webchat, whatsapp, with};
use vambe_emulator::{Emulator, Options, Seed};

const SEED: &str = "
keys: [emulator_shop, emulator_office]
channels:
  - { platform: whatsapp, phone: +56922222222, name: Shop }
custom_fields:
  - { key: size, type: options, options: [S, M], name: Talla }
  - { key: member, type: number, identifier: true }
customers:
  - channel: whatsapp
    channel_phone_number: '+56922222222'
    contact_phone_number: '+56911111111'
    contact_name: Ana
    custom_field_values: [{ key: size, value: M }, { key: member, value: '7' }]
";

async fn started(options: Options) -> Emulator {
    Emulator::builder().options(options).start().await.unwrap()
}

#[tokio::test]
async fn a_seed_file_says_what_fresh_tenants_know_and_have() {
    let emulator = Emulator::builder().seed(Seed::read(SEED).unwrap()).start().await.unwrap();
    assert_eq!(emulator.api_key(), "emulator_shop");
    let shop = Caller::new(&emulator);
    let customers = shop.customers().await;
    assert_eq!(customers[0]["contacts"][0]["name"], "Ana");
    let same = json!({ "custom_field_values": [{ "key": "member", "value": "7" }] });
    let joined = shop.upsert(with(webchat(), same)).await.contact();
    assert_eq!(joined["ai_customer_id"], customers[0]["id"]);
    let keys = shop.get("/_emulator/tenants").await.json();
    assert_eq!(keys, json!({ "keys": ["emulator_shop", "emulator_office"] }));
    emulator.reset(&shop.key).unwrap();
    assert_eq!(shop.customers().await.len(), 1);
    let another = Caller::another(&emulator);
    assert_eq!(another.customers().await.len(), 1);
}

#[tokio::test]
async fn an_impossible_seed_is_told_at_the_start() {
    let customers = "customers: [{ channel: webchat }]";
    let seeds = [customers, "customers: [{ channel: whatsapp, channel_phone_number: '1', contact_phone_number: '2' }]"];
    for seed in seeds {
        let failed = Emulator::builder().seed(Seed::read(seed).unwrap()).start().await.unwrap_err();
        assert!(failed.to_string().starts_with("seed: customers[0]: "), "{failed}");
    }
}

#[tokio::test]
async fn a_tenant_can_be_given_another_seed() {
    let emulator = Emulator::start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    one.upsert(whatsapp()).await.contact();
    let put = one.call("PUT", "/_emulator/seed", SEED.as_bytes()).await;
    assert_eq!(put.status, 200, "{}", put.json());
    assert_eq!(put.json()["custom_fields"][10]["name"], "Talla");
    assert_eq!(one.get("/_emulator/seed").await.json(), put.json());
    assert_eq!(one.customers().await.len(), 1);
    assert_eq!(one.upsert(with(whatsapp(), field("size", "S"))).await.status, 200);
    assert_eq!(two.upsert(with(whatsapp(), field("size", "S"))).await.status, 400);
    for impossible in ["stages: 5", "customers: [{}]", "\u{1}"] {
        let refused = one.call("PUT", "/_emulator/seed", impossible.as_bytes()).await;
        assert_eq!(refused.status, 400, "{impossible}");
    }
    assert_eq!(one.customers().await.len(), 2);
    emulator.reset(&one.key).unwrap();
    assert_eq!(one.customers().await[0]["contacts"][0]["name"], "Ana");
}

#[tokio::test]
async fn a_state_goes_out_and_comes_in_again() {
    let emulator = Emulator::start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    one.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    one.upsert(with(webchat(), field("rut", "1-9"))).await.contact();
    emulator.drain(&one.key).await.unwrap();
    let state = one.get("/_emulator/state").await;
    assert_eq!(state.json()["version"], 1);
    two.upsert(whatsapp()).await.contact();
    assert_eq!(two.call("PUT", "/_emulator/state", &state.body).await.status, 200);
    assert_eq!(two.customers().await, one.customers().await);
    assert_eq!(two.upsert(whatsapp()).await.contact()["id"], one.upsert(whatsapp()).await.contact()["id"]);
    let before = two.customers().await;
    let mut unknown = state.json();
    unknown["version"] = json!(2);
    let mut undated = state.json();
    undated["customers"][0]["contacts"][0]["created_at"] = json!("yesterday");
    let mut twice = state.json();
    let again = twice["customers"][0].clone();
    twice["customers"].as_array_mut().unwrap().push(again);
    for (wrong, status) in [(json!({}), 400), (unknown, 400), (undated, 400), (twice, 400)] {
        let refused = two.call("PUT", "/_emulator/state", wrong.to_string().as_bytes()).await;
        assert_eq!(refused.status, status, "{wrong}");
    }
    assert_eq!(two.customers().await, before);
}

#[tokio::test]
async fn ids_are_the_same_each_time_whatever_the_order() {
    let ids = async |first: Value, second: Value| {
        let options = Options::default().with_random_seed(42).with_api_key("emulator_fixed");
        let emulator = started(options).await;
        let caller = Caller::new(&emulator);
        Caller::another(&emulator).upsert(webchat()).await.contact();
        let answers = [caller.upsert(first).await.contact(), caller.upsert(second).await.contact()];
        emulator.reset(&caller.key).unwrap();
        assert_eq!(caller.upsert(whatsapp()).await.contact()["client_id"], answers[0]["client_id"]);
        answers.map(|contact| [contact["id"].clone(), contact["ai_customer_id"].clone(), contact["client_id"].clone()])
    };
    let [phone, chat] = ids(whatsapp(), webchat()).await;
    assert_eq!(ids(webchat(), whatsapp()).await, [chat.clone(), phone.clone()]);
    assert_ne!(phone, chat);
}

#[tokio::test]
async fn the_clock_stands_where_it_is_told_and_goes_on() {
    let emulator = started(Options::default().with_clock("2024-09-30T10:00:00Z").unwrap()).await;
    let caller = Caller::new(&emulator);
    assert_eq!(caller.upsert(whatsapp()).await.contact()["created_at"], "2024-09-30T10:00:00.000Z");
    let set = async |change: Value| caller.call("POST", "/_emulator/clock", change.to_string().as_bytes()).await;
    let advanced = set(json!({ "advance_ms": 90_000 })).await;
    assert_eq!(advanced.json(), json!({ "now": "2024-09-30T10:01:30.000Z", "running": false }));
    assert_eq!(caller.upsert(webchat()).await.contact()["created_at"], "2024-09-30T10:01:30.000Z");
    assert_eq!(emulator.requests(&caller.key).unwrap()[1].received_at, "2024-09-30T10:01:30.000Z");
    assert_eq!(set(json!({ "now": "2030-01-01T00:00:00+01:00" })).await.json()["now"], "2029-12-31T23:00:00.000Z");
    assert_eq!(set(json!({ "running": true })).await.json()["running"], true);
    for wrong in [json!({}), json!({ "now": "noon" }), json!({ "running": false }), json!({ "advance_ms": "1" })] {
        assert_eq!(set(wrong.clone()).await.status, 400, "{wrong}");
    }
    let ahead = set(json!({ "advance_ms": 86_400_000 })).await.json();
    assert_eq!(caller.get("/_emulator/clock").await.json()["running"], ahead["running"]);
}

#[tokio::test]
async fn a_data_folder_outlives_the_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("made/on/demand");
    let options = || Options::default().with_api_key("emulator_kept").with_data(&data);
    let emulator = started(options()).await;
    let caller = Caller::new(&emulator);
    let first = caller.upsert(with(whatsapp(), field("rut", "1-9"))).await.contact();
    caller.call("PUT", "/_emulator/seed", b"custom_fields: [{ key: kept, type: text }]").await;
    let second = caller.upsert(with(whatsapp(), field("kept", "yes"))).await.contact();
    assert_ne!(first["id"], second["id"]);
    let health = caller.get("/_emulator/health").await.json();
    assert_eq!(health["state"], "kept in the data folder");
    emulator.close().await;

    let emulator = started(options()).await;
    let caller = Caller::new(&emulator);
    assert_eq!(caller.upsert(with(whatsapp(), field("kept", "no"))).await.contact(), second);
    assert_eq!(caller.customers().await.len(), 1);
    assert!(emulator.requests(&caller.key).unwrap().len() == 1);
}

#[tokio::test]
async fn without_a_folder_nothing_is_kept_and_the_health_says_so() {
    let emulator = Emulator::start().await.unwrap();
    let health = Caller::new(&emulator).get("/_emulator/health").await.json();
    assert_eq!(health["state"], "in memory, gone on exit");
}

#[tokio::test]
async fn two_emulators_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options::default().with_data(folder.path());
    let emulator = started(options()).await;
    let refused = Emulator::builder().options(options()).start().await.unwrap_err();
    assert!(refused.to_string().contains("another emulator uses it"), "{refused}");
    emulator.close().await;
    started(options()).await.close().await;
}

#[tokio::test]
async fn a_folder_of_another_version_or_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vambe-emulator.db");
    let start = async || Emulator::builder().options(Options::default().with_data(folder.path())).start().await;
    start().await.unwrap().close().await;
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = start().await.unwrap_err().to_string();
    assert!(refused.contains("another version of vambe (format 99, this one has 1)"), "{refused}");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "application_id", 1).unwrap();
    let refused = start().await.unwrap_err().to_string();
    assert!(refused.contains("of another program"), "{refused}");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "my diary, which nobody may overwrite, and long enough for a header").unwrap();
    let refused = start().await.unwrap_err().to_string();
    assert!(refused.contains("is no database"), "{refused}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("my diary"));
    let not_a_folder = Options::default().with_data(&file);
    assert!(Emulator::builder().options(not_a_folder).start().await.is_err());
}

#[tokio::test]
async fn a_reset_takes_no_longer_with_more_to_forget() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut connection = caller.connect().await;
    for number in 0..3000 {
        let phone = json!({ "contact_phone_number": format!("+569{number:08}"), "meta_data": { "plan": "pro" } });
        let body = with(whatsapp(), phone).to_string();
        caller.write(&mut connection, "POST", support::UPSERT, body.as_bytes()).await;
        support::read_answer(&mut connection).await.unwrap().contact();
    }
    let started = Instant::now();
    emulator.reset(&caller.key).unwrap();
    // Ten times what it may take on a free machine.
    assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
    assert!(caller.customers().await.is_empty());
    caller.upsert(whatsapp()).await.contact();
}

/// The code block of this language in the documentation.
fn documented(language: &str) -> String {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_seed_and_the_faults_of_the_documentation_work() {
    let emulator = Emulator::builder().seed(Seed::read(&documented("yaml")).unwrap()).start().await.unwrap();
    let caller = Caller::new(&emulator);
    assert_eq!((&*caller.key, caller.customers().await.len()), ("emulator_shop", 1));
    let set = caller.call("PUT", "/_emulator/faults", documented("json").as_bytes()).await;
    assert_eq!(set.json()["faults"].as_array().map(Vec::len), Some(3), "{}", set.json());
}
