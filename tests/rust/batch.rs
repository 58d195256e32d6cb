//! Many records: order, bounds, pace and one outcome for each, in virtual time.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};
use tokio::time::{Instant, sleep};
use vambe::{
    Answer, Client, CustomerRecord, ErrorCode, Exchange, ExchangeFuture, Outcome, Pacing, Transport, UpsertManyOptions,
};
use vambe_tests::{answer, contact_answer};

/// What is answered to a body, by how often it has been seen, and how late.
type Respond = dyn Fn(&Json, usize) -> (Duration, Answer) + Send + Sync;

/// A server as a function.
#[derive(Clone)]
struct Server {
    respond: Arc<Respond>,
    log: Arc<Mutex<Vec<(Instant, String)>>>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
}

impl Server {
    fn new(respond: impl Fn(&Json, usize) -> (Duration, Answer) + Send + Sync + 'static) -> Self {
        Self {
            respond: Arc::new(respond),
            log: Arc::default(),
            in_flight: Arc::default(),
            most_in_flight: Arc::default(),
        }
    }

    fn names(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|(_, name)| name.clone()).collect()
    }

    fn client(&self) -> Client {
        let builder = Client::builder().api_key("emulator_batch").base_url("http://127.0.0.1:9");
        builder.transport(self.clone()).build().unwrap()
    }
}

impl Transport for Server {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        Box::pin(async move {
            let body: Json = serde_json::from_slice(&exchange.body).unwrap();
            let name = body["contact_name"].as_str().unwrap().to_owned();
            let seen = self.names().iter().filter(|known| **known == name).count();
            self.log.lock().unwrap().push((Instant::now(), name.clone()));
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            let (delay, answer) = (self.respond)(&body, seen);
            sleep(delay).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            Ok(answer)
        })
    }
}

fn record(phone: impl Into<String>, name: impl Into<String>) -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", phone.into()).contact_name(name.into())
}

fn numbered(count: usize) -> impl Iterator<Item = CustomerRecord> {
    (0..count).map(|index| record(format!("+569{:08}", 10_000_000 + index), index.to_string()))
}

fn unpaced() -> UpsertManyOptions {
    UpsertManyOptions::default().pacing(Pacing::Off)
}

async fn outcomes(
    client: &Client,
    records: impl IntoIterator<Item = CustomerRecord, IntoIter: Send>,
    options: UpsertManyOptions,
) -> Vec<Outcome> {
    client.upsert_many(stream::iter(records), options).unwrap().collect().await
}

const LATENCY: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn every_record_has_one_outcome_tied_to_it_by_index() {
    let server = Server::new(|body, _| (LATENCY, contact_answer(body["contact_name"].as_str().unwrap())));
    let records =
        numbered(100).enumerate().map(|(index, record)| if index % 10 == 3 { record.stage_id("x") } else { record });
    let outcomes = outcomes(&server.client(), records, unpaced()).await;
    let by_index: HashMap<u64, &Outcome> = outcomes.iter().map(|outcome| (outcome.index, outcome)).collect();
    assert_eq!((outcomes.len(), by_index.len()), (100, 100));
    for (index, outcome) in by_index {
        match index % 10 {
            3 => assert_eq!(outcome.error().unwrap().code(), ErrorCode::Validation),
            _ => assert_eq!(outcome.contact().unwrap().id, index.to_string()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_record_of_one_contact_never_overtakes_an_earlier_one() {
    // The first record of the contact fails three times; its second spelling must wait.
    let server = Server::new(|body, seen| {
        let is_stuck = body["contact_name"] == "first" && seen < 3;
        (LATENCY, if is_stuck { answer(503, &Json::Null, "") } else { contact_answer("c") })
    });
    let mut records = vec![record("+5215512345678", "first"), record("+525512345678", "second")];
    records.extend(numbered(20));
    let outcomes = outcomes(&server.client(), records, unpaced().max_concurrency(16)).await;
    assert!(outcomes.iter().all(Outcome::ok));
    let names = server.names();
    let last_first = names.iter().rposition(|name| name == "first").unwrap();
    assert!(names.iter().position(|name| name == "second").unwrap() > last_first);
    assert_eq!(names.iter().filter(|name| *name == "first").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_record_stuck_in_retry_holds_no_slot() {
    let server = Server::new(|body, _| {
        (LATENCY, if body["contact_name"] == "stuck" { answer(500, &Json::Null, "") } else { contact_answer("c") })
    });
    let records = std::iter::once(record("+56911111111", "stuck")).chain(numbered(50));
    let started = Instant::now();
    let mut others = None;
    let client = server.client();
    let mut stream = std::pin::pin!(client.upsert_many(stream::iter(records), unpaced().max_concurrency(1)).unwrap());
    let mut accepted = 0;
    let mut stuck = None;
    while let Some(outcome) = stream.next().await {
        accepted += usize::from(outcome.ok());
        if accepted == 50 && others.is_none() {
            others = Some(started.elapsed());
        }
        stuck = outcome.error().cloned().or(stuck);
    }
    assert_eq!(accepted, 50);
    assert_eq!(stuck.unwrap().attempts(), 8);
    // Fifty calls of 50 ms, and the stuck record's attempts among them.
    assert!(others.unwrap() < Duration::from_secs(3), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_source_is_read_only_as_far_as_needed() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let records = (0..).map(move |index: usize| {
        counter.fetch_add(1, Ordering::SeqCst);
        record(format!("+569{:08}", 10_000_000 + index), "x")
    });
    let server = Server::new(|_, _| (Duration::from_secs(9), contact_answer("c")));
    let client = server.client();
    let mut stream = std::pin::pin!(client.upsert_many(stream::iter(records), unpaced().max_concurrency(4)).unwrap());
    assert!(tokio::time::timeout(Duration::from_secs(5), stream.next()).await.is_err());
    assert_eq!(read.load(Ordering::SeqCst), 8);
    assert_eq!(client.most_held(&unpaced().max_concurrency(4)).unwrap(), 8);
    assert_eq!(server.most_in_flight.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn records_of_one_contact_do_not_fill_memory_either() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let records = std::iter::repeat_with(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        record("+56911111111", "same")
    });
    let server = Server::new(|_, _| (LATENCY, contact_answer("c")));
    let client = server.client();
    let mut stream = std::pin::pin!(client.upsert_many(stream::iter(records), unpaced().max_concurrency(4)).unwrap());
    for _ in 0..20 {
        stream.next().await.unwrap();
    }
    assert_eq!(server.most_in_flight.load(Ordering::SeqCst), 1);
    assert!(read.load(Ordering::SeqCst) <= 20 + 8);
}

#[tokio::test(start_paused = true)]
async fn max_rate_is_a_ceiling_that_no_two_calls_break() {
    let server = Server::new(|_, _| (LATENCY, contact_answer("c")));
    let started = Instant::now();
    outcomes(&server.client(), numbered(501), UpsertManyOptions::default().max_rate(50.0)).await;
    let elapsed = started.elapsed().as_secs_f64();
    assert!((10.0..15.0).contains(&elapsed), "{elapsed}");
    let log = server.log.lock().unwrap();
    assert!(log.windows(2).all(|pair| pair[1].0 - pair[0].0 >= Duration::from_millis(20)));
}

#[tokio::test(start_paused = true)]
async fn a_paced_batch_reads_no_record_before_its_turn() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let records = numbered(100).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let server = Server::new(|_, _| (Duration::from_millis(300), contact_answer("c")));
    let client = server.client();
    let options = UpsertManyOptions::default().max_rate(5.0);
    let mut stream = std::pin::pin!(client.upsert_many(stream::iter(records), options).unwrap());
    let waited = tokio::time::timeout(Duration::from_millis(2_900), async { while stream.next().await.is_some() {} });
    assert!(waited.await.is_err());
    assert_eq!(server.names().len(), 15);
    assert_eq!(read.load(Ordering::SeqCst), 16);
}

#[tokio::test(start_paused = true)]
async fn starts_at_the_pace_of_the_api_page_and_grows_while_the_server_bears_it() {
    let server = Server::new(|_, _| (LATENCY, contact_answer("c")));
    let started = Instant::now();
    outcomes(&server.client(), numbered(1000), UpsertManyOptions::default()).await;
    let log = server.log.lock().unwrap();
    assert!(log[1].0 - log[0].0 >= Duration::from_millis(200));
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn one_429_pauses_all_and_spends_no_attempt() {
    let server = Server::new(|body, seen| {
        let is_throttled = body["contact_name"] == "0" && seen < 12;
        let throttled = || answer(429, &json!({"retry-after": "2"}), "");
        (LATENCY, if is_throttled { throttled() } else { contact_answer("c") })
    });
    let outcomes = outcomes(&server.client(), numbered(3), unpaced().max_concurrency(1)).await;
    assert!(outcomes.iter().all(Outcome::ok));
    assert_eq!(outcomes.iter().find(|outcome| outcome.index == 0).unwrap().attempts, 13);
    let log = server.log.lock().unwrap();
    let throttled = |index: usize| log[index].1 == "0";
    for index in 1..log.len() {
        if throttled(index - 1) && log[index - 1..].iter().any(|(_, name)| name == "0") && index < 13 {
            assert!(log[index].0 - log[index - 1].0 >= Duration::from_secs(2), "call {index}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_throttles_is_given_up_after_an_hour() {
    let server = Server::new(|_, _| (LATENCY, answer(429, &Json::Null, "")));
    let started = Instant::now();
    let outcomes = outcomes(&server.client(), numbered(1), unpaced()).await;
    assert_eq!(outcomes[0].error().unwrap().code(), ErrorCode::RateLimited);
    assert!(started.elapsed() < Duration::from_secs(3700));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_stream_ends_the_calls_in_flight() {
    let server = Server::new(|_, _| (Duration::from_secs(9), contact_answer("c")));
    let client = server.client();
    let mut stream = Box::pin(client.upsert_many(stream::iter(numbered(10)), unpaced()).unwrap());
    let waited = tokio::time::timeout(Duration::from_secs(1), stream.next()).await;
    assert!(waited.is_err());
    drop(stream);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(server.in_flight.load(Ordering::SeqCst), 10, "the exchanges were dropped where they stood");
}

#[tokio::test(start_paused = true)]
async fn what_a_door_has_read_gets_its_time_and_an_error_if_that_was_not_enough() {
    let server = Server::new(|_, _| (Duration::from_secs(1), contact_answer("c")));
    // The door's source has ended, and nothing that it read has been taken yet.
    let options = unpaced().max_concurrency(2);
    let mut running = server.client().upsert_many(stream::iter(numbered(10)), options).unwrap();
    let handle = running.handle();
    assert!(handle.left_over().is_none());
    handle.give_up_after(Duration::from_secs(60));
    // A later order counts, whether it is longer or shorter.
    let began = Instant::now();
    assert!(running.next().await.unwrap().ok());
    handle.give_up_after(Duration::from_millis(1500));
    let rest: Vec<Outcome> = running.collect().await;
    assert_eq!(began.elapsed(), Duration::from_millis(2500));
    // Two a second, and twice two at most were held; the others are the door's to account for.
    assert_eq!((rest.iter().filter(|outcome| outcome.ok()).count(), rest.len()), (3, 7));
    let late = rest.last().and_then(Outcome::error).unwrap();
    assert_eq!(late.code(), ErrorCode::Timeout);
    assert_eq!(handle.left_over().unwrap().message(), late.message());
    // Far off is not too far for a clock.
    handle.finish_within(Duration::MAX);
}

#[tokio::test]
async fn an_option_out_of_range_is_refused_at_once() {
    let client = Server::new(|_, _| (LATENCY, contact_answer("c"))).client();
    for options in [unpaced().max_concurrency(0), unpaced().max_rate(0.0), unpaced().max_rate(f64::NAN)] {
        let refused = client.upsert_many(stream::iter(numbered(1)), options);
        assert_eq!(refused.err().unwrap().code(), ErrorCode::Config);
    }
}
