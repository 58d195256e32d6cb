//! Every fault, as a raw client sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Caller, UPSERT, read_answer, read_head, read_more, whatsapp, with};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use vambe_emulator::{Action, ControlError, Emulator, Fault, Options, RateLimit, RetryAfter};

async fn post(caller: &Caller<'_>) -> TcpStream {
    caller.send("POST", UPSERT, whatsapp().to_string().as_bytes()).await
}

async fn ending(mut connection: TcpStream) -> ErrorKind {
    read_answer(&mut connection).await.unwrap_err().kind()
}

/// Waits until the emulator holds no connection any more.
async fn all_closed(emulator: &Emulator) {
    let closed = async {
        while emulator.connections().open > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("a closed connection");
}

#[tokio::test]
async fn answers_what_the_fault_says_for_the_next_calls() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = json!([
        { "times": 2, "status": 429, "headers": { "retry-after": "7" } },
        { "status": 502, "headers": { "content-type": "text/html" }, "body": "<h1>Bad</h1>" },
        { "status": 200, "body": { "id": 5 } },
        { "status": 200, "body": "" },
        { "status": 204 },
    ]);
    let set = caller.call("PUT", "/_emulator/faults", faults.to_string().as_bytes()).await;
    assert_eq!(set.status, 200, "{}", String::from_utf8_lossy(&set.body));
    assert_eq!(set.json()["faults"][0]["times"], 2);
    for _ in 0..2 {
        let answer = caller.upsert(whatsapp()).await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.basis(), "fault");
        assert_eq!(answer.headers["retry-after"], "7");
        assert_eq!(answer.json(), json!({ "statusCode": 429, "message": "Too Many Requests" }));
    }
    let html = caller.upsert(whatsapp()).await;
    assert_eq!(html.status, 502);
    assert_eq!(html.headers["content-type"], "text/html");
    assert_eq!(html.body, b"<h1>Bad</h1>");
    assert_eq!(caller.upsert(whatsapp()).await.json(), json!({ "id": 5 }));
    assert!(caller.upsert(whatsapp()).await.body.is_empty());
    let mut connection = post(&caller).await;
    assert_eq!(read_head(&mut connection).await.unwrap().0, 204);
    assert!(caller.customers().await.is_empty());
    let real = caller.upsert(whatsapp()).await;
    assert_eq!(real.basis(), "documented");
    real.contact();

    let logged = emulator.requests(&caller.key).unwrap();
    let hit: Vec<_> = logged.iter().map(|r| r.fault.as_ref().map(|f| f.index)).collect();
    assert_eq!(hit, [Some(0), Some(0), Some(1), Some(2), Some(3), Some(4), None]);
    assert_eq!(logged[0].status, Some(429));
    assert_eq!(logged[0].basis.as_deref(), Some("fault"));
}

#[tokio::test]
async fn faults_hit_only_what_they_match() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![
        Fault::answer(500).on_path("/api/public/tags"),
        Fault::answer(501).containing("912345679"),
        Fault::answer(503),
    ];
    emulator.set_faults(&caller.key, faults).unwrap();
    let other = json!({ "contact_phone_number": "+56912345679" });
    assert_eq!(caller.upsert(whatsapp()).await.status, 503);
    assert_eq!(caller.upsert(whatsapp()).await.status, 200);
    assert_eq!(caller.upsert(with(whatsapp(), other)).await.status, 501);
    assert_eq!(caller.get("/api/public/tags").await.status, 500);
    let waiting = caller.get("/_emulator/faults").await.json();
    assert_eq!(waiting, json!({ "faults": [], "hits": [1, 1, 1] }));
}

#[tokio::test]
async fn faults_are_a_tenants_own_and_can_be_deleted() {
    let emulator = Emulator::start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    emulator.set_faults(&one.key, vec![Fault::answer(503).times(9)]).unwrap();
    assert_eq!(two.upsert(whatsapp()).await.status, 200);
    assert_eq!(one.upsert(whatsapp()).await.status, 503);
    let left = one.get("/_emulator/faults").await.json();
    let expected = json!([{ "times": 8, "action": "answer", "delay_ms": 0, "status": 503 }]);
    assert_eq!(left["faults"], expected);
    one.call("DELETE", "/_emulator/faults", b"").await;
    assert_eq!(one.upsert(whatsapp()).await.status, 200);
}

#[tokio::test]
async fn a_delay_keeps_the_real_answer_back() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::delay(120)]).unwrap();
    let started = Instant::now();
    let answer = caller.upsert(whatsapp()).await;
    assert!(started.elapsed() >= Duration::from_millis(120));
    assert_eq!(answer.basis(), "fault");
    answer.contact();
}

#[tokio::test]
async fn a_request_can_take_effect_although_its_answer_is_lost() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![
        Fault::action(Action::CloseAfterRead).apply(true),
        Fault::answer(500).apply(true),
        Fault::action(Action::Reset).apply(true),
    ];
    emulator.set_faults(&caller.key, faults).unwrap();
    assert_eq!(ending(post(&caller).await).await, ErrorKind::UnexpectedEof);
    let id = caller.customers().await[0]["contacts"][0]["id"].clone();
    let failed = caller.upsert(whatsapp()).await;
    assert_eq!(failed.json(), json!({ "statusCode": 500, "message": "Internal Server Error" }));
    assert_eq!(ending(post(&caller).await).await, ErrorKind::ConnectionReset);
    assert_eq!(caller.upsert(whatsapp()).await.contact()["id"], id);
    let logged = emulator.requests(&caller.key).unwrap();
    assert_eq!(logged[0].status, None);
    assert!(logged[0].fault.as_ref().unwrap().applied);
}

#[tokio::test]
async fn closes_before_and_after_reading_without_a_byte() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![Fault::action(Action::CloseAfterRead), Fault::action(Action::CloseBeforeRead)];
    emulator.set_faults(&caller.key, faults).unwrap();
    assert_eq!(ending(post(&caller).await).await, ErrorKind::UnexpectedEof);

    let mut connection = caller.connect().await;
    let head = format!("POST {UPSERT} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: 9\r\n\r\n", caller.key);
    tokio::io::AsyncWriteExt::write_all(&mut connection, head.as_bytes()).await.unwrap();
    assert_eq!(ending(connection).await, ErrorKind::UnexpectedEof);
    let logged = emulator.requests(&caller.key).unwrap();
    assert!(logged[0].body.is_some());
    assert_eq!(logged[1].body, None);
    assert_eq!(logged[1].fault.as_ref().unwrap().action, Action::CloseBeforeRead);
    assert!(caller.customers().await.is_empty());
}

#[tokio::test]
async fn a_truncated_body_ends_before_the_length_it_announced() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![
        Fault::action(Action::TruncateBody),
        Fault::action(Action::TruncateBody).body("0123456789").after_bytes(4),
        Fault::action(Action::TruncateBody).body("").after_bytes(4),
    ];
    emulator.set_faults(&caller.key, faults).unwrap();
    for expected in [None, Some(&b"0123"[..]), Some(b"")] {
        let mut connection = post(&caller).await;
        let (status, headers, mut body) = read_head(&mut connection).await.unwrap();
        connection.read_to_end(&mut body).await.unwrap();
        let announced: usize = headers["content-length"].parse().unwrap();
        assert_eq!(status, 200);
        assert!(body.len() < announced, "{} of {announced}", body.len());
        match expected {
            Some(expected) => assert_eq!(body, expected),
            None => assert!(body.starts_with(b"{\"id\":")),
        }
    }
}

#[tokio::test]
async fn a_stall_ends_when_the_caller_goes_away() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![Fault::action(Action::Stall), Fault::action(Action::StallBody)];
    emulator.set_faults(&caller.key, faults).unwrap();
    let silent = post(&caller).await;
    while emulator.requests(&caller.key).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(emulator.connections().open, 1);
    drop(silent);
    all_closed(&emulator).await;
    assert!(caller.customers().await.is_empty());

    let mut partial = post(&caller).await;
    let (_, headers, mut body) = read_head(&mut partial).await.unwrap();
    let announced: usize = headers["content-length"].parse().unwrap();
    while body.len() < announced / 2 {
        read_more(&mut partial, &mut body).await.unwrap();
    }
    assert_eq!(body.len(), announced / 2);
    drop(partial);
    all_closed(&emulator).await;
    assert_eq!(emulator.requests(&caller.key).unwrap()[1].status, Some(200));
}

#[tokio::test]
async fn stalls_and_delays_end_when_the_emulator_closes() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let faults = vec![
        Fault::action(Action::Stall),
        Fault::action(Action::StallBody),
        Fault::delay(600_000),
        Fault::action(Action::SlowBody).bytes_per_second(1),
    ];
    emulator.set_faults(&caller.key, faults).unwrap();
    let mut connections = Vec::new();
    for number in 1..=4 {
        connections.push(post(&caller).await);
        while emulator.requests(&caller.key).unwrap().len() < number {
            tokio::task::yield_now().await;
        }
    }
    let idle = caller.connect().await;
    let started = Instant::now();
    emulator.close().await;
    assert!(started.elapsed() < Duration::from_millis(900));
    for connection in connections {
        ending(connection).await;
    }
    drop(idle);
}

#[tokio::test]
async fn a_slow_body_comes_at_its_pace() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let slow = Fault::action(Action::SlowBody).body("0123456789").bytes_per_second(100);
    emulator.set_faults(&caller.key, vec![slow]).unwrap();
    let started = Instant::now();
    let answer = caller.upsert(whatsapp()).await;
    assert_eq!(answer.body, b"0123456789");
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn impossible_faults_are_refused_and_change_nothing() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::answer(503)]).unwrap();
    let impossible = [
        json!({}),
        json!([{ "colour": "red" }]),
        json!([{ "match": { "method": "POST" } }]),
        json!([{ "match": { "path": "/api/public/typo" } }]),
        json!(["nonsense"]),
        json!([{ "probability": 0 }]),
        json!([{ "probability": 1.5 }]),
        json!([{ "status": 500, "metadata_twice": true }]),
        json!([{ "action": "reset_before_read", "match": { "identity": "1" } }]),
        json!([{ "action": "explode" }]),
        json!([{ "times": 0 }]),
        json!([{ "times": -1 }]),
        json!([{ "status": 99 }]),
        json!([{ "status": 101 }]),
        json!([{ "delay_ms": 600_001 }]),
        json!([{ "headers": { "a b": "c" } }]),
        json!([{ "headers": { "content-length": "5" } }]),
        json!([{ "action": "close_before_read", "match": { "contains": "x" } }]),
        json!([{ "action": "close_before_read", "apply": true }]),
        json!([{ "action": "stall", "status": 500 }]),
        json!([{ "action": "answer", "after_bytes": 5 }]),
        json!([{ "action": "slow_body" }]),
        json!([{ "action": "slow_body", "bytes_per_second": 0 }]),
        json!([{ "bytes_per_second": 5 }]),
    ];
    for faults in impossible {
        let body = faults.to_string();
        let answer = caller.call("PUT", "/_emulator/faults", body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["message"].is_string());
    }
    let refused = emulator.set_faults(&caller.key, vec![Fault::answer(503), Fault::answer(9)]);
    assert!(matches!(refused, Err(ControlError::Fault(reason)) if reason.starts_with("fault 1: ")));
    assert_eq!(caller.upsert(whatsapp()).await.status, 503);
}

#[tokio::test]
async fn what_the_builder_makes_reads_back_from_json() {
    let fault = Fault::action(Action::TruncateBody)
        .times(3)
        .on_path(UPSERT)
        .containing("rut")
        .for_identity("user-1")
        .probability(0.5, 7)
        .retry_after_date_in(9)
        .apply(false)
        .delay_ms(5)
        .status(502)
        .header("x", "y")
        .body(json!({ "a": 1 }))
        .after_bytes(2);
    let written = serde_json::to_value(&fault).unwrap();
    let expected: Value = json!({
        "times": 3, "match": { "path": UPSERT, "contains": "rut", "identity": "user-1" },
        "probability": 0.5, "seed": 7, "retry_after_date_in": 9, "action": "truncate_body",
        "apply": false, "delay_ms": 5, "status": 502, "headers": { "x": "y" },
        "body": { "a": 1 }, "after_bytes": 2,
    });
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_value::<Fault>(written).unwrap(), fault);
}

#[tokio::test]
async fn a_fault_can_be_for_one_contact() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let fault = Fault::answer(503).for_identity("+56 9 1234 5679").always();
    emulator.set_faults(&caller.key, vec![fault]).unwrap();
    let other = with(whatsapp(), json!({ "contact_phone_number": "56912345679" }));
    assert_eq!(caller.upsert(whatsapp()).await.status, 200);
    for _ in 0..3 {
        assert_eq!(caller.upsert(other.clone()).await.status, 503);
    }
    let listed = caller.get("/_emulator/faults").await.json();
    assert_eq!(listed["hits"], json!([3]));
    assert_eq!(listed["faults"][0]["times"], json!(null));
}

#[tokio::test]
async fn chance_hits_the_same_calls_each_time() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let fault = Fault::answer(503).probability(0.3, seed).always();
        emulator.set_faults(&caller.key, vec![fault]).unwrap();
        let mut hit = Vec::new();
        for _ in 0..60 {
            hit.push(caller.upsert(whatsapp()).await.status == 503);
        }
        runs.push(hit);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let hits = runs[0].iter().filter(|hit| **hit).count();
    assert!((6..=30).contains(&hits), "{hits}");
}

#[tokio::test]
async fn faults_can_be_added_by_name_after_those_that_wait() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::answer(500)]).unwrap();
    let names = json!(["html-502", "429-date", "429-bare", "malformed-json"]).to_string();
    assert_eq!(caller.call("POST", "/_emulator/faults", names.as_bytes()).await.status, 200);
    assert_eq!(caller.upsert(whatsapp()).await.status, 500);
    let html = caller.upsert(whatsapp()).await;
    assert_eq!((html.status, &*html.headers["content-type"]), (502, "text/html"));
    let date = caller.upsert(whatsapp()).await.headers["retry-after"].clone();
    assert!(date.ends_with(" GMT"), "{date}");
    assert!(!caller.upsert(whatsapp()).await.headers.contains_key("retry-after"));
    let broken = caller.upsert(whatsapp()).await;
    assert_eq!(broken.headers["content-type"], "application/json");
    assert!(serde_json::from_slice::<Value>(&broken.body).is_err());
    let presets = caller.get("/_emulator/presets").await.json();
    assert_eq!(presets["presets"][0]["name"], "flaky-429");
}

#[tokio::test]
async fn a_reset_can_come_before_the_request_was_read() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    emulator.set_faults(&caller.key, vec![Fault::action(Action::ResetBeforeRead)]).unwrap();
    let mut connection = caller.connect().await;
    let head = format!("POST {UPSERT} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: 9\r\n\r\n", caller.key);
    tokio::io::AsyncWriteExt::write_all(&mut connection, head.as_bytes()).await.unwrap();
    assert_eq!(ending(connection).await, ErrorKind::ConnectionReset);
    assert_eq!(emulator.requests(&caller.key).unwrap()[0].body, None);
}

#[tokio::test]
async fn every_fresh_tenant_begins_with_the_faults_of_the_start() {
    let options = Options::default().with_fault(Fault::answer(503));
    let emulator = Emulator::builder().options(options).start().await.unwrap();
    let (one, two) = (Caller::new(&emulator), Caller::another(&emulator));
    for caller in [&one, &two] {
        assert_eq!(caller.upsert(whatsapp()).await.status, 503);
        assert_eq!(caller.upsert(whatsapp()).await.status, 200);
    }
    emulator.reset(&one.key).unwrap();
    assert_eq!(one.upsert(whatsapp()).await.status, 503);
    let impossible = Options::default().with_fault(Fault::answer(9));
    assert!(Emulator::builder().options(impossible).start().await.is_err());
}

#[tokio::test]
async fn a_rate_limit_lets_so_many_through_and_says_when_to_come_back() {
    let emulator = Emulator::start().await.unwrap();
    let caller = Caller::new(&emulator);
    let limits = [
        (json!({ "kind": "bucket", "rate": 0.01, "burst": 2 }), Some("100")),
        (json!({ "kind": "window", "calls": 2, "window_ms": 80_000_000, "retry_after": "none" }), None),
    ];
    for (limit, retry_after) in limits {
        let set = caller.call("PUT", "/_emulator/rate-limit", limit.to_string().as_bytes()).await;
        assert_eq!(set.status, 200, "{}", set.json());
        let answers =
            [caller.upsert(whatsapp()).await, caller.upsert(whatsapp()).await, caller.upsert(whatsapp()).await];
        assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 429]);
        assert_eq!(answers[2].basis(), "assumed A-7");
        assert_eq!(answers[2].headers.get("retry-after").map(String::as_str), retry_after);
        assert_eq!(caller.get("/_emulator/rate-limit").await.json()["refused"], 1);
    }
    let limit = RateLimit::Bucket { rate: 0.01, burst: 1, retry_after: RetryAfter::Date };
    emulator.set_rate_limit(&caller.key, Some(limit)).unwrap();
    caller.upsert(whatsapp()).await.contact();
    assert!(caller.upsert(whatsapp()).await.headers["retry-after"].ends_with("GMT"));
    assert_eq!(Caller::another(&emulator).upsert(whatsapp()).await.status, 200);
    caller.call("DELETE", "/_emulator/rate-limit", b"").await;
    caller.upsert(whatsapp()).await.contact();
    for wrong in ["{}", r#"{"kind": "bucket", "rate": 0, "burst": 1}"#, r#"{"kind": "hourglass"}"#] {
        assert_eq!(caller.call("PUT", "/_emulator/rate-limit", wrong.as_bytes()).await.status, 400, "{wrong}");
    }
}
