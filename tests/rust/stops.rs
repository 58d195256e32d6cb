//! How a batch ends when the server, the source or the caller does not play along, in virtual time.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep};
use vambe::{
    Answer, BatchProgress, Client, CustomerRecord, Delivery, ErrorCode, Exchange, ExchangeFuture, Outcome, Pacing,
    Phase, Transport, TransportError, TransportErrorKind, UpsertMany, UpsertManyOptions,
};
use vambe_tests::{answer, contact_answer};

/// What a server does with its calls: how late, and what it answers; nothing if it cuts the connection.
type Respond = dyn Fn(usize, Duration) -> (Duration, Option<Answer>) + Send + Sync;

/// A server as a function of a record's number and the time.
#[derive(Clone)]
struct Server {
    respond: Arc<Respond>,
    started: Instant,
    calls: Arc<Mutex<Vec<(Duration, usize)>>>,
}

impl Server {
    fn new(respond: impl Fn(usize, Duration) -> (Duration, Option<Answer>) + Send + Sync + 'static) -> Self {
        Self { respond: Arc::new(respond), started: Instant::now(), calls: Arc::default() }
    }

    fn always(status: u16, body: &'static str) -> Self {
        Self::new(move |_, _| (LATENCY, Some(answer(status, &Json::Null, body))))
    }

    fn client(&self) -> Client {
        let builder = Client::builder().api_key("emulator_stops").base_url("http://127.0.0.1:9");
        builder.transport(self.clone()).build().unwrap()
    }

    fn count(&self, between: std::ops::Range<u64>) -> usize {
        let seconds = |time: &Duration| between.contains(&time.as_secs());
        self.calls.lock().unwrap().iter().filter(|(time, _)| seconds(time)).count()
    }
}

impl Transport for Server {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        Box::pin(async move {
            let body: Json = serde_json::from_slice(&exchange.body).unwrap();
            let number = body["contact_name"].as_str().unwrap().parse().unwrap();
            let now = self.started.elapsed();
            self.calls.lock().unwrap().push((now, number));
            exchange.progress.reached(Phase::Wait);
            let (late, answer) = (self.respond)(number, now);
            sleep(late).await;
            answer.ok_or_else(|| TransportError::new(TransportErrorKind::CutOff))
        })
    }
}

fn numbered(count: usize) -> impl Iterator<Item = CustomerRecord> {
    (0..count).map(|index| {
        CustomerRecord::whatsapp("+56987654321", format!("+569{:08}", 10_000_000 + index))
            .contact_name(index.to_string())
    })
}

fn batch(client: &Client, count: usize, options: UpsertManyOptions) -> UpsertMany<'static> {
    client.upsert_many(stream::iter(numbered(count)), options).unwrap()
}

async fn all(batch: &mut UpsertMany<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(outcome) = batch.next().await {
        outcomes.push(outcome);
    }
    let indices: BTreeSet<u64> = outcomes.iter().map(|outcome| outcome.index).collect();
    assert_eq!(indices.len(), outcomes.len(), "a record has two outcomes");
    assert_eq!(indices.last().map_or(0, |last| last + 1), outcomes.len() as u64, "a record has no outcome");
    outcomes
}

#[allow(clippy::unnecessary_wraps)] // As the other answers are.
fn ok() -> Option<Answer> {
    Some(contact_answer("c"))
}

const LATENCY: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_the_batch_and_only_calls_in_flight_go_on() {
    for pacing in [Pacing::Learned, Pacing::Off] {
        for status in [401, 403] {
            let server = Server::always(status, r#"{"message":"Invalid API key"}"#);
            let mut batch = batch(&server.client(), 10_000, UpsertManyOptions::default().pacing(pacing));
            let outcomes = all(&mut batch).await;
            let calls = server.count(0..u64::MAX);
            assert!(calls <= 32, "{calls} calls");
            assert!(outcomes.len() <= 64);
            let error = batch.stopped().expect("a reason");
            assert_eq!((error.status(), error.delivery()), (Some(status), Delivery::NotSent));
            let unsent = outcomes.iter().filter(|outcome| outcome.attempts == 0);
            assert!(unsent.clone().all(|outcome| outcome.error().unwrap().status() == Some(status)));
            assert_eq!(unsent.count() + calls, outcomes.len());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_refusal_of_20_of_the_first_50_records_stops_the_batch_and_shows_it() {
    let missing = r#"{"statusCode":400,"message":"Custom fields not found: rut, talla"}"#;
    let server = Server::always(400, missing);
    let mut batch = batch(&server.client(), 10_000, UpsertManyOptions::default());
    let outcomes = all(&mut batch).await;
    assert!(outcomes.len() < 40, "{}", outcomes.len());
    let error = batch.stopped().unwrap();
    assert_eq!(error.code(), ErrorCode::BadRequest);
    assert_eq!(error.missing_custom_fields(), ["rut", "talla"]);
    assert!(error.message().contains("talla"), "{}", error.message());
}

#[tokio::test(start_paused = true)]
async fn refusals_of_single_records_do_not_stop_a_batch() {
    let server = Server::new(|number, _| {
        let refusal = || answer(400, &Json::Null, r#"{"message":"contact_name is too long"}"#);
        (LATENCY, if number % 4 == 0 { Some(refusal()) } else { ok() })
    });
    let mut batch = batch(&server.client(), 500, UpsertManyOptions::default());
    let outcomes = all(&mut batch).await;
    assert_eq!((outcomes.len(), outcomes.iter().filter(|outcome| outcome.ok()).count()), (500, 375));
    assert!(batch.stopped().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_minute_costs_few_calls_and_no_record() {
    // 50 calls a second have been learned when every call begins to fail.
    for failure in [None, Some(answer(503, &Json::Null, ""))] {
        let server = Server::new(move |_, now| {
            let is_out = (60..120).contains(&now.as_secs());
            (LATENCY, if is_out { failure.clone() } else { ok() })
        });
        let mut batch = batch(&server.client(), 8_000, UpsertManyOptions::default().max_rate(50.0));
        let outcomes = all(&mut batch).await;
        assert!(outcomes.iter().all(Outcome::ok));
        assert!(batch.stopped().is_none());
        let during = server.count(60..120);
        assert!(during <= 40, "{during} calls in the outage");
        let calls = server.calls.lock().unwrap();
        let per_second = |second: u64| calls.iter().filter(|(time, _)| time.as_secs() == second).count();
        assert!((120..180).any(|second| per_second(second) >= 45), "not back within a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn one_record_that_always_fails_is_rejected_and_slows_nobody() {
    let run = async |poison: Option<usize>| {
        let server = Server::new(move |number, _| {
            (LATENCY, if poison == Some(number) { Some(answer(500, &Json::Null, "")) } else { ok() })
        });
        let started = Instant::now();
        let mut batch = batch(&server.client(), 10_000, UpsertManyOptions::default().max_rate(100.0));
        let outcomes = all(&mut batch).await;
        let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.ok()).map(|o| (o.index, o.attempts)).collect();
        (failed, started.elapsed().as_secs_f64())
    };
    let (nothing_failed, healthy) = run(None).await;
    let (failed, with_poison) = run(Some(5_000)).await;
    assert!(nothing_failed.is_empty());
    assert_eq!(failed, [(5_000, 8)]);
    assert!(with_poison <= healthy * 1.01, "{with_poison} s instead of {healthy} s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_lets_anything_through_ends_the_batch_in_bounded_time() {
    let servers: [(&str, Server); 4] = [
        ("429 only", Server::always(429, "")),
        ("500 only", Server::always(500, "")),
        ("nothing", Server::new(|_, _| (Duration::from_secs(100_000), None))),
        ("cut off", Server::new(|_, _| (LATENCY, None))),
    ];
    for (name, server) in servers {
        for pacing in [Pacing::Learned, Pacing::Off] {
            let started = Instant::now();
            let options = UpsertManyOptions::default().pacing(pacing);
            let mut batch = batch(&server.client(), 10_000, options);
            let outcomes = all(&mut batch).await;
            assert!(outcomes.iter().all(|outcome| !outcome.ok()), "{name}");
            assert!(started.elapsed() <= Duration::from_secs(2 * 3600), "{name}: {:?}", started.elapsed());
            let error = batch.stopped().unwrap_or_else(|| panic!("{name}: no reason"));
            assert!(error.retryable(), "{name}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_whatever_it_says() {
    for (asked, least, most) in
        [("0", 0, 1), ("7", 7, 10), ("-5", 0, 2), ("soon", 0, 2), ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 2)]
    {
        let headers = json!({ "retry-after": asked });
        let server = Server::new(move |_, now| {
            let is_throttled = now < Duration::from_millis(500);
            (LATENCY, if is_throttled { Some(answer(429, &headers, "")) } else { ok() })
        });
        let mut batch = batch(&server.client(), 20, UpsertManyOptions::default());
        assert!(all(&mut batch).await.iter().all(Outcome::ok), "{asked}");
        let calls = server.calls.lock().unwrap();
        let second =
            calls.iter().map(|(time, _)| *time).find(|time| *time >= LATENCY + Duration::from_millis(1)).unwrap();
        assert!(second >= Duration::from_secs(least) && second <= Duration::from_secs(most), "{asked}: {second:?}");
    }
    let server = Server::new(|_, _| (LATENCY, Some(answer(429, &json!({"retry-after": "1000000000"}), ""))));
    let started = Instant::now();
    let mut batch = batch(&server.client(), 100, UpsertManyOptions::default());
    all(&mut batch).await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(batch.stopped().unwrap().retry_after() > Some(Duration::from_secs(3600)));
}

#[tokio::test(start_paused = true)]
async fn finishing_within_a_time_reads_no_more_and_accounts_for_every_record_taken() {
    for (server, accepted) in
        [(Server::new(|_, _| (LATENCY, ok())), true), (Server::new(|_, _| (Duration::from_secs(9), ok())), false)]
    {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let records = stream::iter(numbered(usize::MAX).inspect(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let client = server.client();
        let mut batch = client.upsert_many(records, UpsertManyOptions::default().pacing(Pacing::Off)).unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(50), batch.next()).await;
        let taken = read.load(Ordering::SeqCst);
        batch.handle().finish_within(Duration::from_secs(2));
        let started = Instant::now();
        let outcomes = all(&mut batch).await;
        assert!(started.elapsed() <= Duration::from_millis(2100));
        assert_eq!((outcomes.len(), read.load(Ordering::SeqCst)), (taken, taken));
        assert!(outcomes.iter().all(|outcome| outcome.ok() == accepted));
        if !accepted {
            assert!(outcomes.iter().all(|outcome| outcome.error().unwrap().code() == ErrorCode::Timeout));
            let is_told = |outcome: &Outcome| {
                let delivery = if outcome.attempts > 0 { Delivery::Unknown } else { Delivery::NotSent };
                outcome.error().unwrap().delivery() == delivery
            };
            assert!(outcomes.iter().all(is_told) && outcomes.iter().any(|outcome| outcome.attempts > 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_stops_reading_stops_the_source() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let records = stream::iter(numbered(usize::MAX).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let server = Server::new(|_, _| (LATENCY, ok()));
    let client = server.client();
    let mut batch = client.upsert_many(records, UpsertManyOptions::default()).unwrap();
    batch.next().await.unwrap();
    let before = read.load(Ordering::SeqCst);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(read.load(Ordering::SeqCst), before);
}

#[tokio::test(start_paused = true)]
async fn progress_tells_counts_rate_and_the_limit_that_was_learned() {
    let server = Server::new(|number, now| {
        let is_over = now.as_millis() % 1000 > 500;
        let throttled = || answer(429, &Json::Null, "");
        (LATENCY, if number % 3 == 0 && is_over { Some(throttled()) } else { ok() })
    });
    let told: Arc<Mutex<Vec<BatchProgress>>> = Arc::default();
    let sink = Arc::clone(&told);
    let options = UpsertManyOptions::default().on_progress(move |progress| sink.lock().unwrap().push(*progress));
    let mut batch = batch(&server.client(), 300, options);
    all(&mut batch).await;
    let told = told.lock().unwrap();
    let last = told.last().unwrap();
    assert_eq!((told.len(), last.accepted, last.rejected, last.in_flight), (300, 300, 0, 0));
    assert!(last.rate > 0.0 && last.learned_limit.is_some());
}

#[tokio::test(start_paused = true)]
async fn records_of_one_contact_never_overtake_each_other_whatever_fails() {
    let rows: usize = if std::env::var_os("STRESS").is_some() { 1_000_000 } else { 100_000 };
    let lanes = 1_000;
    let random = Mutex::new(fastrand::Rng::with_seed(7));
    let server = Server::new(move |_, _| {
        let mut random = random.lock().unwrap();
        let late = Duration::from_millis(random.u64(1..200));
        match random.u32(..200) {
            0 => (late, None),
            1 => (late, Some(answer(503, &Json::Null, ""))),
            2 => (late, Some(answer(429, &Json::Null, ""))),
            _ => (late, ok()),
        }
    });
    let spelled = |lane: usize| match lane % 2 {
        0 => format!("+521551{:07}", lane / 2),
        _ => format!("+52551{:07}", lane / 2),
    };
    let records = (0..rows).map(move |index| {
        CustomerRecord::whatsapp("+56987654321", spelled(index % lanes)).contact_name(index.to_string())
    });
    let client = server.client();
    let options = UpsertManyOptions::default().pacing(Pacing::Off).max_concurrency(256);
    let mut batch = client.upsert_many(stream::iter(records), options).unwrap();
    assert_eq!(all(&mut batch).await.len(), rows);
    // Two spellings of one number share a lane.
    let mut last = vec![0; lanes / 2];
    for (_, number) in server.calls.lock().unwrap().iter() {
        let lane = number % lanes / 2;
        assert!(*number >= last[lane], "{number} after {}", last[lane]);
        last[lane] = *number;
    }
}
