//! The control API: waiting, watching, contacts, and who may use it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::{Caller, UPSERT, raw, webchat, whatsapp, with};
use vambe_emulator::{Action, Emulator, Fault};

#[tokio::test]
async fn requests_can_be_waited_for() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut waiting = caller.send("GET", "/_emulator/requests?count=2&wait_ms=20000", b"").await;
    caller.upsert(whatsapp()).await.contact();
    caller.upsert(webchat()).await.contact();
    let arrived = support::read_answer(&mut waiting).await.unwrap().json();
    assert_eq!(arrived["requests"].as_array().unwrap().len(), 2);
    let none = caller.get("/_emulator/requests?since=2&wait_ms=1").await.json();
    assert_eq!(none["requests"], json!([]));
    let both = emulator.wait_for_requests(&caller.key, 0, 2, Duration::from_secs(20)).await.unwrap();
    assert_eq!(both.len(), 2);
}

#[tokio::test]
async fn a_request_without_an_answer_is_not_waited_for_forever() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::action(Action::Stall)]).unwrap();
    let silent = caller.send("POST", UPSERT, whatsapp().to_string().as_bytes()).await;
    while emulator.requests(&caller.key).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    let seen = emulator.wait_for_requests(&caller.key, 0, 1, Duration::from_millis(30)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert_eq!(seen[0].status, None);
    drop(silent);
}

#[tokio::test]
async fn whoever_watches_hears_what_happens_at_their_tenant_only() {
    let emulator = Emulator::start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    let request = format!("GET /_emulator/events?key={} HTTP/1.1\r\nhost: x\r\n\r\n", one.key);
    let mut events = one.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut events, request.as_bytes()).await.unwrap();
    support::read_until(&mut events, "ready").await;
    two.upsert(whatsapp()).await.contact();
    one.call("PUT", "/_emulator/faults", br#"["429-seconds"]"#).await;
    let heard = support::read_until(&mut events, "faults").await;
    assert!(!heard.contains("\"kind\":\"request\""), "{heard}");
    one.upsert(whatsapp()).await;
    support::read_until(&mut events, r#"{"kind":"request","sequence":1,"status":429}"#).await;
    emulator.reset(&one.key).unwrap();
    support::read_until(&mut events, r#"{"kind":"state"}"#).await;
    emulator.close().await;
}

#[tokio::test]
async fn watching_needs_a_key() {
    let emulator = Emulator::start().await.unwrap();
    for path in ["/_emulator/events", "/_emulator/events?key=live_1", "/_emulator/events?colour=red"] {
        let answer = raw(&emulator, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
        assert!(matches!(answer.status, 400 | 401), "{path}");
    }
}

#[tokio::test]
async fn contacts_are_listed_in_parts_and_one_by_one() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    for number in 0..3 {
        let phone = json!({ "contact_phone_number": format!("+5691234567{number}") });
        caller.upsert(with(whatsapp(), phone)).await.contact();
    }
    let first = caller.get("/_emulator/contacts?limit=2").await.json();
    assert_eq!((first["contacts"].as_array().unwrap().len(), &first["total"]), (2, &json!(3)));
    let rest = caller.get(&format!("/_emulator/contacts?limit=2&after={}", first["next"])).await.json();
    assert_eq!(rest["contacts"][0]["phone"], "+56912345672");
    assert_eq!(rest["next"], json!(null));
    let id = rest["contacts"][0]["id"].as_str().unwrap();
    assert_eq!(caller.get(&format!("/_emulator/contacts/{id}")).await.json(), rest["contacts"][0]);
    assert_eq!(emulator.contacts(&caller.key).unwrap().as_array().unwrap().len(), 3);
    for path in ["/_emulator/contacts/x", "/_emulator/contacts/11111111-1111-4111-8111-111111111111/metadata"] {
        assert_eq!(caller.get(path).await.status, 404, "{path}");
    }
    let other = Caller::another(&emulator);
    assert_eq!(other.get(&format!("/_emulator/contacts/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_page_that_came_by_another_name_may_steer_only_who_listens_for_other_machines() {
    let request = |port: u16| {
        let own = format!("emulator.test:{port}");
        format!("GET /_emulator/health HTTP/1.1\r\nhost: {own}\r\norigin: http://{own}\r\n\r\n").into_bytes()
    };
    let port = |emulator: &Emulator| emulator.url().rsplit(':').next().unwrap().parse().unwrap();
    let home = Emulator::start().await.unwrap();
    assert_eq!(raw(&home, &request(port(&home))).await.status, 403);
    let open = Emulator::builder().address("0.0.0.0:0".parse().unwrap()).start().await.unwrap();
    assert_eq!(raw(&open, &request(port(&open))).await.status, 200);
    let foreign = b"GET /_emulator/health HTTP/1.1\r\nhost: emulator.test\r\norigin: http://evil.test\r\n\r\n";
    assert_eq!(raw(&open, foreign).await.status, 403);
}

#[tokio::test]
async fn the_page_and_the_description_of_the_api_are_served() {
    let emulator = Emulator::start().await.unwrap();
    let get = async |path: &str| raw(&emulator, format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await;
    let page = get("/").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    for (path, kind) in [("/_emulator/page.css", "text/css"), ("/_emulator/page.js", "text/javascript")] {
        assert!(get(path).await.headers["content-type"].starts_with(kind));
    }
    assert!(get("/openapi.json").await.json().is_object());
}

#[tokio::test]
async fn documented_routes_that_are_not_emulated_are_told_from_typing_errors() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let known = caller.get("/api/public/pipeline").await;
    assert_eq!((known.status, known.basis()), (501, "not emulated"));
    assert_eq!(known.json()["message"], "The emulator does not have this route (get pipelines)");
    assert_eq!(caller.get("/api/public/pipelines").await.status, 404);
    let without_key = raw(&emulator, b"GET /api/public/tags HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(without_key.status, 401);
}
