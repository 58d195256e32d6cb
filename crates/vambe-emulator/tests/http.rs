//! Authentication, routes and bodies, and the control API.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use serde_json::{Value, json};
use support::{Caller, UPSERT, raw, whatsapp};
use vambe_emulator::{ControlError, Emulator, Options, announcement};

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{head}\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn only_keys_of_the_emulator_are_taken() {
    let emulator = Emulator::start().await.unwrap();
    let long = format!("emulator_{}", "x".repeat(500));
    let keys = ["", "\r\nx-api-key: live_123", "\r\nauthorization: Bearer emulator_1"];
    let heads = keys.map(|key| format!("POST {UPSERT} HTTP/1.1{key}"));
    let too_long = format!("POST {UPSERT} HTTP/1.1\r\nx-api-key: {long}");
    for head in heads.iter().chain([&too_long]) {
        let answer = raw(&emulator, &request(head, b"{}")).await;
        assert_eq!(answer.status, 401, "{head}");
        assert_eq!(answer.basis(), "documented");
        let expected = json!({
            "statusCode": 401, "message": "Invalid or missing API key", "error": "Unauthorized",
        });
        assert_eq!(answer.json(), expected);
    }
}

#[tokio::test]
async fn any_key_with_the_prefix_opens_a_seeded_tenant() {
    let emulator = Emulator::start().await.unwrap();
    let mut caller = Caller::new(&emulator);
    caller.key = "emulator_mine".to_owned();
    caller.upsert(whatsapp()).await.contact();
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_like_nest() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    for (method, path) in [("GET", "/x"), ("GET", UPSERT), ("POST", "/proxy/api")] {
        let answer = caller.call(method, path, b"").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.basis(), "inferred");
        let message = format!("Cannot {method} {path}");
        let expected = json!({ "statusCode": 404, "message": message, "error": "Not Found" });
        assert_eq!(answer.json(), expected);
    }
    let without_key = raw(&emulator, &request("GET /x HTTP/1.1", b"")).await;
    assert_eq!(without_key.status, 404);
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let deep = [vec![b'['; 5000], vec![b']'; 5000]].concat();
    for body in [&b"{"[..], b"[]", b"null", b"\"x\"", b"{\"channel\":\"\xff\"}", &deep] {
        let answer = caller.call("POST", UPSERT, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.basis(), "inferred");
    }
    assert_eq!(caller.call("POST", UPSERT, b"").await.messages(), ["channel is required"]);
}

#[tokio::test]
async fn of_a_key_that_comes_twice_the_last_value_counts_as_in_javascript() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = whatsapp().to_string().replacen('{', "{\"channel\":\"webchat\",\"contact_name\":\"a\",", 1);
    let twice = body.replacen("\"meta_data\"", "\"contact_name\":\"b\",\"meta_data\"", 1);
    let contact = caller.call("POST", UPSERT, twice.as_bytes()).await.contact();
    assert_eq!((&contact["platform"], &contact["name"]), (&json!("whatsapp"), &json!("b")));
}

#[tokio::test]
async fn a_body_of_another_content_type_is_not_read() {
    let emulator = Emulator::start().await.unwrap();
    let key = emulator.api_key();
    let body = whatsapp().to_string();
    for content_type in ["text/plain", "application/jsonp", "multipart/form-data"] {
        let head = format!("POST {UPSERT} HTTP/1.1\r\nx-api-key: {key}\r\ncontent-type: {content_type}");
        let answer = raw(&emulator, &request(&head, body.as_bytes())).await;
        assert_eq!(answer.messages(), ["channel is required"]);
    }
    let head = format!("POST {UPSERT} HTTP/1.1\r\nx-api-key: {key}\r\ncontent-type: Application/JSON; charset=utf-8");
    raw(&emulator, &request(&head, body.as_bytes())).await.contact();
}

#[tokio::test]
async fn a_body_over_100_kb_is_too_large() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let body = |size: usize| {
        let empty = support::with(whatsapp(), json!({ "contact_name": "" })).to_string();
        let name = "x".repeat(size - empty.len());
        support::with(whatsapp(), json!({ "contact_name": name })).to_string()
    };
    let fits = caller.call("POST", UPSERT, body(102_400).as_bytes()).await;
    assert_eq!(fits.status, 200);
    for size in [102_401, 5_000_000] {
        let answer = caller.call("POST", UPSERT, body(size).as_bytes()).await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.basis(), "inferred");
    }
    let logged = emulator.requests(&caller.key).unwrap();
    assert_eq!(logged[1].status, Some(413));
    assert_eq!(logged[1].body, None);
}

#[tokio::test]
async fn connections_are_kept_for_the_next_request() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut connection = caller.connect().await;
    for _ in 0..3 {
        caller.write(&mut connection, "POST", UPSERT, whatsapp().to_string().as_bytes()).await;
        support::read_answer(&mut connection).await.unwrap().contact();
    }
    assert_eq!(emulator.connections().accepted, 1);
}

#[tokio::test]
async fn the_request_log_holds_everything_but_the_key() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let key = &caller.key;
    let body = whatsapp().to_string();
    let head = format!(
        "POST {UPSERT}?x-api-key={key} HTTP/1.1\r\nx-api-key: {key}\r\nx-copy: my {key}\r\n\
         Authorization: Bearer other\r\nUser-Agent: test\r\nx-two: 1\r\nx-two: 2\r\n\
         content-type: application/json"
    );
    raw(&emulator, &request(&head, body.as_bytes())).await.contact();
    caller.call("POST", UPSERT, b"\xff{").await;
    caller.call("POST", &format!("/{key}"), b"").await;

    let answer = caller.get("/_emulator/requests?since=0").await;
    assert_eq!(answer.basis(), "control");
    assert!(!String::from_utf8_lossy(&answer.body).contains(key.as_str()));
    let log = answer.json();
    assert_eq!(log["latest"], 3);
    let first = &log["requests"][0];
    assert_eq!(first["sequence"], 1);
    assert_eq!(first["method"], "POST");
    assert_eq!(first["path"], UPSERT);
    assert_eq!(first["headers"]["x-api-key"], "[redacted]");
    assert_eq!(first["headers"]["authorization"], "[redacted]");
    assert_eq!(first["headers"]["x-copy"], "[redacted]");
    assert_eq!(first["headers"]["user-agent"], "test");
    assert_eq!(first["headers"]["x-two"], "1, 2");
    assert_eq!(first["body"], body);
    assert_eq!(first["body_base64"], Value::Null);
    assert_eq!(first["status"], 200);
    assert_eq!(first["basis"], "documented");
    assert_eq!(first["fault"], Value::Null);
    assert_eq!(first["received_at"].as_str().unwrap().len(), 24);
    let second = &log["requests"][1];
    assert_eq!(second["body_base64"], "/3s=");
    assert_eq!(second["status"], 400);
    assert_eq!(second["problems"][0]["rule"], "json");
    assert_eq!(log["requests"][2]["path"], "/[redacted]");

    let later = caller.get("/_emulator/requests?since=2").await.json();
    assert_eq!(later["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refusals_are_logged_with_rule_and_pointer() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    caller.upsert(support::with(whatsapp(), support::field("foo", "1"))).await;
    let logged = emulator.requests(&caller.key).unwrap().pop().unwrap();
    assert_eq!(logged.problems[0].rule, "missing_custom_fields");
    assert_eq!(logged.problems[0].pointer, "/custom_field_values/0/key");
}

#[tokio::test]
async fn the_request_log_keeps_the_last_500() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut connection = caller.connect().await;
    for _ in 0..503 {
        caller.write(&mut connection, "POST", UPSERT, b"{}").await;
        support::read_answer(&mut connection).await.unwrap();
    }
    let logged = emulator.requests(&caller.key).unwrap();
    assert_eq!(logged.len(), vambe_emulator::REMEMBERED_REQUESTS);
    assert_eq!(logged[0].sequence, 4);
    assert!(logged.iter().all(|request| request.status == Some(400)));
}

#[tokio::test]
async fn reset_brings_back_a_fresh_tenant() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let before = caller.upsert(whatsapp()).await.contact();
    let faults = json!([{ "status": 500 }]).to_string();
    caller.call("PUT", "/_emulator/faults", faults.as_bytes()).await;
    let answer = caller.call("POST", "/_emulator/reset", b"").await;
    assert_eq!(answer.json(), json!({ "reset": true }));
    assert!(caller.customers().await.is_empty());
    assert!(emulator.requests(&caller.key).unwrap().is_empty());
    let after = caller.upsert(whatsapp()).await.contact();
    assert_ne!(after["id"], before["id"]);
    assert_eq!(after["client_id"], before["client_id"]);
    assert_eq!(emulator.requests(&caller.key).unwrap()[0].sequence, 1);
}

#[tokio::test]
async fn health_counts_connections() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let idle = caller.connect().await;
    let answer = raw(&emulator, &request("GET /_emulator/health HTTP/1.1", b"")).await;
    let health = answer.json();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["connections"]["accepted"], 2);
    assert_eq!(health["connections"]["open"], 2);
    drop(idle);
    while emulator.connections().open > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn fidelity_lists_every_choice() {
    let emulator = Emulator::start().await.unwrap();
    let answer = raw(&emulator, &request("GET /_emulator/fidelity HTTP/1.1", b"")).await.json();
    let ids: Vec<_> = answer["assumptions"].as_array().unwrap().iter().map(|a| &a["id"]).collect();
    assert!(ids.len() > 20);
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(**id, format!("A-{number}"));
    }
    assert!(answer["statement"].as_str().unwrap().contains("Not affiliated"));
}

#[tokio::test]
async fn pages_of_other_origins_cannot_use_the_control_api() {
    let emulator = Emulator::start().await.unwrap();
    let with_origin = |origin: &str| request(&format!("GET /_emulator/health HTTP/1.1\r\norigin: {origin}"), b"");
    for foreign in ["http://evil.example", "http://127.0.0.1:1", "null"] {
        let answer = raw(&emulator, &with_origin(foreign)).await;
        assert_eq!(answer.status, 403, "{foreign}");
        assert_eq!(answer.basis(), "control");
    }
    let own = raw(&emulator, &with_origin(emulator.url())).await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn the_control_api_refuses_in_json() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let cases = [
        (raw(&emulator, &request("GET /_emulator/requests HTTP/1.1", b"")).await, 401),
        (caller.get("/_emulator/requests?since=x").await, 400),
        (caller.get("/_emulator/requests?until=1").await, 400),
        (caller.get("/_emulator/nothing").await, 404),
        (caller.get("/_emulator/reset").await, 405),
        (caller.call("PUT", "/_emulator/faults", b"{").await, 400),
    ];
    for (answer, status) in cases {
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["statusCode"], status);
    }
}

#[tokio::test]
async fn customers_are_listed_in_parts() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    for number in 0..5 {
        let phone = json!({ "contact_phone_number": format!("+5691234567{number}") });
        caller.upsert(support::with(whatsapp(), phone)).await.contact();
    }
    let mut after = 0;
    let mut phones = Vec::new();
    loop {
        let page = caller.get(&format!("/_emulator/customers?limit=2&after={after}")).await.json();
        assert_eq!(page["total"], 5);
        for customer in page["customers"].as_array().unwrap() {
            phones.push(customer["contacts"][0]["identity"].clone());
        }
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(phones.len(), 5);
}

#[tokio::test]
async fn control_needs_a_key_of_the_emulator() {
    let emulator = Emulator::start().await.unwrap();
    assert!(matches!(emulator.reset("live_1"), Err(ControlError::Key)));
    assert!(matches!(emulator.requests("live_1"), Err(ControlError::Key)));
    let options = Options::default().with_api_key("live_1");
    assert!(Emulator::builder().options(options).start().await.is_err());
}

#[tokio::test]
async fn a_program_hears_of_every_answer() {
    let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel();
    let options = Options::default().on_answer(move |answered| {
        let _ = heard.send((answered.path.clone(), answered.status, answered.basis.clone()));
    });
    let emulator = Emulator::builder().options(options).start().await.unwrap();
    Caller::new(&emulator).upsert(whatsapp()).await.contact();
    let expected = (UPSERT.to_owned(), Some(200), "documented".to_owned());
    assert_eq!(hear.recv().await, Some(expected));
}

#[tokio::test]
async fn the_announcement_names_all_that_a_person_needs() {
    let options = Options::default();
    let said = announcement("http://127.0.0.1:4010", &options);
    assert_eq!(said["url"], "http://127.0.0.1:4010");
    assert!(said["api_key"].as_str().unwrap().starts_with("emulator_"));
    assert_eq!(said["channels"][0]["phone"], "+56987654321");
    assert_eq!(said["channels"][2]["platform"], "webchat");
    assert_eq!(said["stages"][0]["id"], support::DOCUMENTED_STAGE);
    assert_eq!(said["custom_fields"][9]["options"], json!(["retail", "wholesale", "online"]));
}

#[tokio::test]
async fn serves_until_it_is_told_to_stop() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(vambe_emulator::serve(listener, Options::default(), async {
        let _ = stopped.await;
    }));
    let idle = tokio::net::TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop(idle);
}

#[tokio::test]
async fn dropping_an_emulator_stops_it() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut idle = caller.connect().await;
    caller.upsert(whatsapp()).await.contact();
    drop(emulator);
    let ended = support::read_answer(&mut idle).await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::UnexpectedEof);
}
