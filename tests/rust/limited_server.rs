//! Batches over real connections, against a server that hides a limit. Prints the share of it that was used.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use vambe::{Client, CustomerRecord, Pacing, UpsertManyOptions};

/// A token bucket behind HTTP.
struct Limit {
    per_second: f64,
    burst: f64,
    tokens: Mutex<(f64, Instant)>,
    sends_retry_after: bool,
    accepted: AtomicU32,
    refused: AtomicU32,
    took: Notify,
}

impl Limit {
    fn new(per_second: f64, burst: f64, sends_retry_after: bool) -> Arc<Self> {
        let tokens = Mutex::new((burst, Instant::now()));
        Arc::new(Self {
            per_second,
            burst,
            tokens,
            sends_retry_after,
            accepted: AtomicU32::default(),
            refused: AtomicU32::default(),
            took: Notify::new(),
        })
    }

    fn take(&self) -> bool {
        let mut state = self.tokens.lock().unwrap();
        let (tokens, at) = *state;
        let tokens = (tokens + at.elapsed().as_secs_f64() * self.per_second).min(self.burst);
        let is_enough = tokens >= 1.0;
        *state = (if is_enough { tokens - 1.0 } else { tokens }, Instant::now());
        let counter = if is_enough { &self.accepted } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        self.took.notify_one();
        is_enough
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).await?;
            let retry_after = if self.sends_retry_after { "retry-after: 1\r\n" } else { "" };
            let answer = match self.take() {
                true => "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":\"c\"}".to_owned(),
                false => format!("HTTP/1.1 429 Too Many Requests\r\n{retry_after}content-length: 0\r\n\r\n"),
            };
            stream.write_all(answer.as_bytes()).await?;
        }
    }
}

async fn serve(limit: Arc<Limit>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&limit).serve(stream));
        }
    });
    url
}

fn numbered(count: usize) -> impl Iterator<Item = CustomerRecord> {
    (0..count).map(|index| CustomerRecord::whatsapp("+56987654321", format!("+569{:08}", 10_000_000 + index)))
}

fn client(url: &str) -> Client {
    Client::builder().api_key("emulator_limit").base_url(url).build().unwrap()
}

/// How many times more records the full round has.
fn rounds() -> usize {
    if std::env::var_os("STRESS").is_some() { 20 } else { 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_limit_is_found_over_real_connections_and_no_record_is_lost() {
    for (per_second, burst, sends_retry_after) in [(60.0, 30.0, false), (200.0, 100.0, true)] {
        let limit = Limit::new(per_second, burst, sends_retry_after);
        let client = client(&serve(Arc::clone(&limit)).await);
        let records = 400 * rounds();
        let started = Instant::now();
        let mut batch = client.upsert_many(stream::iter(numbered(records)), UpsertManyOptions::default()).unwrap();
        let mut accepted = 0;
        while let Some(outcome) = batch.next().await {
            accepted += usize::from(outcome.ok());
        }
        assert!(batch.stopped().is_none());
        assert_eq!(accepted, records);
        let refused = limit.refused.load(Ordering::Relaxed);
        let taken = f64::from(limit.accepted.load(Ordering::Relaxed));
        let share = taken / started.elapsed().as_secs_f64() / per_second;
        let per_thousand = f64::from(refused) * 1000.0 / taken;
        println!("limit {per_second}/s: {share:.2} of it used, {per_thousand:.1} refusals per 1,000");
        assert!(per_thousand <= 100.0, "{per_thousand}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_one_key_and_host_share_one_pace() {
    let limit = Limit::new(100.0, 50.0, false);
    let url = serve(Arc::clone(&limit)).await;
    let one = async |index: usize| {
        let client = client(&url);
        let records = numbered(4 * 150).skip(index * 150).take(150);
        let batch = client.upsert_many(stream::iter(records), UpsertManyOptions::default()).unwrap();
        batch.filter(|outcome| std::future::ready(outcome.ok())).count().await
    };
    let counts = tokio::join!(one(0), one(1), one(2), one(3));
    assert_eq!(counts, (150, 150, 150, 150));
    let refused = limit.refused.load(Ordering::Relaxed);
    println!("four batches on one limit: {refused} refusals of {} calls", 600 + refused);
    assert!(refused <= 60, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_costs_no_record() {
    let limit = Limit::new(1_000_000.0, 1_000_000.0, false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while limit.accepted.load(Ordering::Relaxed) < 30 {
            tokio::select! {
                accepted = listener.accept() => drop(connections.spawn(Arc::clone(&limit).serve(accepted.unwrap().0))),
                () = limit.took.notified() => {}
            }
        }
        // Everything ends at once, whatever was under way.
        connections.shutdown().await;
        drop(listener);
        let listener = TcpListener::bind(address).await.unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&limit).serve(stream));
        }
    });
    let client = client(&format!("http://{address}"));
    let options = UpsertManyOptions::default().pacing(Pacing::Off).max_concurrency(8);
    let batch = client.upsert_many(stream::iter(numbered(500)), options).unwrap();
    assert_eq!(batch.filter(|outcome| std::future::ready(outcome.ok())).count().await, 500);
}
