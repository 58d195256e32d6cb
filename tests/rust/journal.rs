//! What a journal makes true: nothing is lost or sent twice, whatever dies, and what is unchanged is not sent at all.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;

use serde_json::Value as Json;
use vambe_tests::command::{Folder, HEADER, customers};
use vambe_tests::recording_server::RecordingServer;

const CONCURRENCY: usize = 8;

fn folder(server: &RecordingServer, rows: &str) -> Folder {
    let folder = Folder::new().env("VAMBE_BASE_URL", &server.url).env("VAMBE_API_KEY", "key");
    folder.write("customers.csv", rows);
    folder
}

const IMPORT: [&str; 5] = ["import", "customers.csv", "--json", "--quiet", "--no-pacing"];

async fn import(folder: &Folder, more: &[&str]) -> (Option<i32>, Json) {
    folder.json(&[&IMPORT[..], more].concat()).await
}

/// Counts by which a summary must add up.
fn counts(summary: &Json) -> [u64; 5] {
    ["rows", "accepted", "rejected", "skipped", "not_sent"].map(|key| summary[key].as_u64().unwrap())
}

fn names(bodies: &[Json]) -> BTreeMap<String, Vec<String>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in bodies {
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        names.entry(text("contact_phone_number")).or_default().push(text("contact_name"));
    }
    names
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_and_run_again_loses_nothing_and_repeats_no_more_than_was_in_flight() {
    let rounds: usize = if std::env::var_os("STRESS").is_some() { 50 } else { 10 };
    let rows = rounds * 200;
    let server = RecordingServer::accepting().await;
    // Every tenth customer comes twice, every twentieth row is wrong.
    let mut text = format!("{HEADER}\n");
    let mut last: HashMap<String, String> = HashMap::new();
    for row in 0..rows {
        let customer = if row % 10 == 9 { row - 9 } else { row };
        let phone = if row % 20 == 3 { "N/A".to_owned() } else { format!("+569{customer:08}") };
        writeln!(text, "whatsapp,+56987654321,{phone},Name {row}").unwrap();
        last.insert(phone, format!("Name {row}"));
    }
    last.remove("N/A");
    let folder = folder(&server, &text);
    let arguments = [&IMPORT[..], &["--max-concurrency", "8"]].concat();
    let mut random = fastrand::Rng::with_seed(20_261_125);
    let mut killed = 0;
    for _ in 0..rounds {
        let mut child = folder.command(&arguments).spawn().unwrap();
        let calls = server.count() + random.usize(1..180);
        tokio::select! {
            () = server.wait_for(calls) => {}
            // All is done already.
            _ = child.wait() => break,
        }
        child.start_kill().unwrap();
        killed += 1;
        child.wait().await.unwrap();
    }
    assert!(killed * 4 >= rounds * 3, "{killed} of {rounds} were killed on the way");
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!(code, Some(3), "{summary}");
    let [all, accepted, rejected, skipped, not_sent] = counts(&summary);
    assert_eq!((all, rejected, not_sent), (rows as u64, rows as u64 / 20, 0), "{summary}");
    assert_eq!(accepted + rejected + skipped, all, "{summary}");
    assert_eq!(fs::read_to_string(folder.path("customers.csv.rejects.csv")).unwrap().lines().count(), rows / 20 + 1);

    let received = names(&server.bodies());
    assert_eq!(received.len(), last.len());
    for (phone, name) in &last {
        assert!(received[phone].iter().all(|sent| sent == name), "{phone} was sent as {:?}", received[phone]);
    }
    let repeated = server.count() - last.len();
    assert!(repeated <= killed * 2 * CONCURRENCY, "{repeated} calls were repeated after {killed} kills");

    let before = server.count();
    let (_, summary) = import(&folder, &[]).await;
    assert_eq!((counts(&summary)[1], server.count()), (0, before), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_100_000_rows_that_is_unchanged_costs_no_call() {
    let server = RecordingServer::accepting().await;
    let text = customers((0..100_000).map(|row| row % 99_000));
    let folder = folder(&server, &text);
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(0), [100_000, 99_000, 0, 1000, 0]), "{summary}");
    assert_eq!(server.count(), 99_000);
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(0), [100_000, 0, 0, 100_000, 0]), "{summary}");
    assert_eq!((&summary["unchanged"], &summary["superseded"]), (&99_000.into(), &1000.into()), "{summary}");
    assert_eq!(server.count(), 99_000);
}
