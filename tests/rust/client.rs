//! One call, in virtual time and without a network.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tokio::time::Instant;
use vambe::{
    CallOptions, CheckOptions, Client, CustomerRecord, Delivery, Error, ErrorCode, InvalidValue, Phase,
    TransportErrorKind, Value,
};
use vambe_tests::{Script, Step, answer, contact_answer};

const KEY: &str = "emulator_canary_5f3a";

fn client(script: Script) -> Client {
    Client::builder().api_key(KEY).base_url("http://127.0.0.1:9").transport(script).build().unwrap()
}

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678")
        .contact_name("Ana Pérez")
        .contact_email("ana@example.com")
}

fn failing(status: u16) -> Step {
    Step::Answer(answer(status, &Json::Null, ""))
}

fn accepted() -> Step {
    Step::Answer(contact_answer("c1"))
}

#[tokio::test(start_paused = true)]
async fn sends_the_prepared_body_and_returns_the_contact() {
    let script = Script::new([accepted()]);
    let client = client(script.clone());
    let contact = client.upsert(record()).await.unwrap();
    assert_eq!((contact.id.as_str(), contact.attempts, contact.status), ("c1", 1, 200));
    assert_eq!(script.seen()[0].1, client.prepare(&record()).unwrap().body);
}

#[tokio::test(start_paused = true)]
async fn sends_nothing_when_a_rule_is_broken() {
    let script = Script::new([]);
    let error = client(script.clone()).upsert(record().stage_id("lead")).await.unwrap_err();
    assert_eq!((error.code(), error.delivery(), error.attempts()), (ErrorCode::Validation, Delivery::NotSent, 0));
    assert_eq!(error.violations()[0].path.to_string(), "stageId");
    assert!(script.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_every_attempt_and_wait() {
    let script = Script::new(vec![Step::Stall(Phase::Wait); 5]);
    let started = Instant::now();
    let error = client(script.clone()).upsert(record()).await.unwrap_err();
    assert_eq!((error.code(), error.phase()), (ErrorCode::Timeout, Some(Phase::Wait)));
    assert!(started.elapsed() <= Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(script.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_before_anything_was_sent_says_so() {
    let script = Script::new(vec![Step::Stall(Phase::Connect); 3]);
    let error = client(script).upsert(record()).await.unwrap_err();
    assert_eq!((error.phase(), error.delivery()), (Some(Phase::Connect), Delivery::NotSent));
    let script = Script::new(vec![Step::Stall(Phase::Body); 3]);
    let error = client(script).upsert(record()).await.unwrap_err();
    assert_eq!((error.phase(), error.delivery()), (Some(Phase::Body), Delivery::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_may_have_arrived_is_not_forgotten_when_the_last_one_was_not_sent() {
    let refused = Step::Fail(TransportErrorKind::Connect, Phase::Connect);
    let script = Script::new([failing(503), refused.clone(), refused.clone()]);
    let error = client(script).upsert(record()).await.unwrap_err();
    assert_eq!((error.code(), error.delivery()), (ErrorCode::Connection, Delivery::Unknown));
    let error = client(Script::new(vec![refused; 3])).upsert(record()).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
}

#[tokio::test(start_paused = true)]
async fn other_options_for_a_call_leave_the_client_as_it_is() {
    let script = Script::new([failing(503), failing(503), accepted()]);
    let client = client(script.clone());
    let patient = client.with_options(CallOptions::default().max_retries(0)).unwrap();
    assert_eq!(patient.upsert(record()).await.unwrap_err().attempts(), 1);
    assert_eq!(client.upsert(record()).await.unwrap().attempts, 2);
    assert!(client.with_options(CallOptions::default().timeout(Duration::ZERO)).is_err());
}

#[test]
fn a_value_that_is_no_object_is_a_record_that_every_check_refuses() {
    for (value, code) in [(Value::from("text"), "type"), (Value::Invalid(InvalidValue::NonTextKey), "non_text_key")] {
        let record = CustomerRecord::from(value.clone());
        let found = vambe::validate(&record, &CheckOptions::default());
        assert_eq!((found.violations.len(), found.violations[0].code.as_str()), (1, code));
        assert!(found.violations[0].path.segments().is_empty());
        assert_eq!(CustomerRecord::from_value(value).unwrap_err().violations()[0].code.as_str(), code);
    }
}

#[test]
fn the_entries_of_a_record_are_what_was_given_as_it_was_spelled() {
    let record = CustomerRecord::from_value(json!({"stage_id": "x", "phone": "1", "channel": "webchat"})).unwrap();
    let keys: Vec<_> = record.entries().map(|(key, _)| key).collect();
    assert_eq!(keys, ["channel", "stage_id", "phone"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_holds_back_the_other_calls_of_the_client() {
    let slow_down = answer(429, &json!({"retry-after": "3"}), "");
    let script = Script::new([Step::Answer(slow_down), accepted(), accepted()]);
    let client = client(script.clone());
    let (first, second) = tokio::join!(client.upsert(record()), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        client.upsert(record()).await
    });
    assert_eq!((first.unwrap().attempts, second.unwrap().attempts), (2, 1));
    let seen = script.seen();
    assert!(seen[1].0 - seen[0].0 >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_pause_outlasts_fails_at_once_with_the_time_to_wait() {
    let slow_down = answer(429, &json!({"retry-after": "60"}), "");
    let script = Script::new([Step::Answer(slow_down)]);
    let client = client(script);
    let first = client.upsert(record()).await.unwrap_err();
    assert_eq!((first.status(), first.retry_after()), (Some(429), Some(Duration::from_secs(60))));
    let second = client.upsert(record()).await.unwrap_err();
    assert_eq!((second.code(), second.delivery(), second.attempts()), (ErrorCode::RateLimited, Delivery::NotSent, 0));
    assert!(second.retry_after().unwrap() > Duration::from_secs(59));
}

#[tokio::test(start_paused = true)]
async fn a_full_client_makes_a_call_wait_and_says_what_it_waited_for() {
    let script = Script::new([Step::Stall(Phase::Wait)]);
    let client = Client::builder().api_key(KEY).base_url("http://127.0.0.1:9").transport(script).max_concurrency(1);
    let client = client.timeout(Duration::from_secs(5)).build().unwrap();
    let (first, second) = tokio::join!(client.upsert(record()), client.upsert(record()));
    assert_eq!(first.unwrap_err().phase(), Some(Phase::Wait));
    let second = second.unwrap_err();
    assert_eq!((second.phase(), second.delivery(), second.attempts()), (Some(Phase::Queue), Delivery::NotSent, 0));
}

fn all_texts(error: &Error) -> String {
    let sources: Vec<_> = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(|error| format!("{error} {error:?} {error:#?}"))
        .collect();
    sources.join("\n")
}

#[tokio::test(start_paused = true)]
async fn no_text_of_an_error_holds_the_key_or_personal_data() {
    let echo = format!("{{\"message\":\"key {KEY} may not write Ana Pérez ana@example.com +56912345678\"}}");
    for status in [200, 302, 400, 401, 403, 404, 418, 429, 500] {
        let steps = vec![Step::Answer(answer(status, &Json::Null, &echo)); 3];
        let error = client(Script::new(steps)).upsert(record()).await.unwrap_err();
        for secret in [KEY, "Ana", "ana@", "912345678"] {
            assert!(!all_texts(&error).contains(secret), "{status}: {}", all_texts(&error));
        }
        assert!(!json!(error).to_string().contains(KEY));
    }
    let client = client(Script::new([]));
    assert!(!format!("{client:?} {:?} {:?}", record(), client.prepare(&record())).contains("912345678"));
    assert!(!format!("{client:?}").contains(KEY));
    let broken = client.upsert(record().stage_id("Ana")).await.unwrap_err();
    assert!(!all_texts(&broken).contains("Ana"), "{}", all_texts(&broken));
}

#[test]
fn a_set_up_that_cannot_work_is_refused_with_the_way_out() {
    let build = |key: &str, url: &str| Client::builder().api_key(key).base_url(url).build().unwrap_err().to_string();
    assert_eq!(build("", "https://api.vambe.me"), "the API key is missing: set VAMBE_API_KEY or pass api_key");
    let broken = build("canary\nkey", "https://api.vambe.me");
    assert!(broken.contains("line break") && !broken.contains("canary"), "{broken}");
    assert_eq!(build("k", "api.vambe.me"), "base_url must be a URL with scheme and host, such as https://api.vambe.me");
    assert!(build("k", "http://api.vambe.me").contains("use https, or pass allow_http"));
    assert!(build(KEY, "https://api.vambe.me").contains("VAMBE_BASE_URL"));
}

#[tokio::test]
async fn a_client_for_https_can_be_built_with_and_without_its_own_certificates() {
    let build = || Client::builder().api_key("k").base_url("https://api.vambe.me");
    build().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = build().ca_file(file.path()).build().unwrap_err();
    assert!(error.message().contains("no certificate in PEM form"), "{error}");
    assert!(build().proxy("not a url").build().is_err());
    assert!(build().default_region("Chile").build().is_err());
    assert!(build().default_region("XX").build().is_err());
    assert!(Client::builder().default_region("CL").check_options().is_ok());
    assert!(build().max_rate(0.0).build().is_err());
    assert!(build().max_concurrency(0).build().is_err());
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (400_u16..600, proptest::option::of(0_u32..40)).prop_map(|(status, wait)| {
            let headers = wait.map_or(Json::Null, |wait| json!({"retry-after": wait.to_string()}));
            Step::Answer(answer(status, &headers, ""))
        }),
        Just(Step::Stall(Phase::Wait)),
        Just(Step::Fail(TransportErrorKind::CutOff, Phase::Wait)),
        Just(Step::Fail(TransportErrorKind::Connect, Phase::Connect)),
        Just(Step::Answer(contact_answer("c1"))),
    ]
}

proptest! {
    #[test]
    fn no_call_outlives_its_deadline(steps in proptest::collection::vec(any_step(), 12), retries in 0_u32..10, timeout in 1_u64..40) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (result, elapsed) = runtime.block_on(async {
            let timeout = Duration::from_secs(timeout);
            let options = CallOptions::default().timeout(timeout).max_retries(retries);
            let client = client(Script::new(steps)).with_options(options).unwrap();
            let started = Instant::now();
            (client.upsert(record()).await, started.elapsed())
        });
        // Timers have a resolution of a millisecond.
        prop_assert!(elapsed <= Duration::from_secs(timeout) + Duration::from_millis(2), "{elapsed:?}");
        let attempts = result.map_or_else(|error| error.attempts(), |contact| contact.attempts);
        prop_assert!(attempts <= retries + 2);
    }
}
