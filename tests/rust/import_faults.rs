//! What becomes of an import when the network, the server or the answers go away in the middle.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::{Instant, sleep};
use vambe::{Client, Exchange, ExchangeFuture, Phase, Transport, TransportError, TransportErrorKind};
use vambe_emulator::{Action, Emulator, Fault};
use vambe_import::{Ending, Import, ImportOptions, JournalChoice, Report, SendOptions, Stop};
use vambe_tests::command::{Folder, customers};
use vambe_tests::contact_answer;

/// A network that is gone for a time, and counts what it lets through.
#[derive(Clone)]
struct Network {
    started: Instant,
    gone: std::ops::Range<u64>,
    served: Arc<Mutex<Vec<String>>>,
}

impl Transport for Network {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        Box::pin(async move {
            sleep(Duration::from_millis(100)).await;
            if self.gone.contains(&self.started.elapsed().as_secs()) {
                return Err(TransportError::new(TransportErrorKind::Connect));
            }
            exchange.progress.reached(Phase::Wait);
            let body: Json = serde_json::from_slice(&exchange.body).unwrap();
            self.served.lock().unwrap().push(body["contact_phone_number"].as_str().unwrap().to_owned());
            Ok(contact_answer("c"))
        })
    }
}

async fn import(client: &Client, path: &Path) -> Report {
    let options = ImportOptions { journal: JournalChoice::Beside, ..ImportOptions::default() };
    let import = Import::open(&[path.to_owned()], &options).unwrap().remove(0);
    import.send(client, SendOptions::default(), &Stop::new(), |_| {}).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_gone_for_ten_minutes_costs_time_and_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("customers.csv");
    fs::write(&path, customers(0..300)).unwrap();
    let network = Network { started: Instant::now(), gone: 3..603, served: Arc::default() };
    let builder = Client::builder().api_key("emulator_faults").base_url("http://127.0.0.1:9");
    let client = builder.transport(network.clone()).build().unwrap();
    let report = import(&client, &path).await;
    assert!(matches!(report.ending, Ending::Finished), "{report:?}");
    assert_eq!((report.summary.accepted, report.summary.rejected), (300, 0), "{:?}", report.summary);
    let mut served = network.served.lock().unwrap().clone();
    served.sort();
    served.dedup();
    assert_eq!(served.len(), 300);
    assert!(network.started.elapsed() > Duration::from_secs(603));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_after_the_server_has_applied_the_call_is_asked_for_again() {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_faults(emulator.api_key(), vec![Fault::action(Action::Reset).apply(true).times(3)]).unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(0..20))]).calling(&emulator);
    let (code, summary) = folder.json(&["import", "customers.csv", "--json", "--quiet", "--no-pacing"]).await;
    assert_eq!((code, &summary["accepted"]), (Some(0), &20.into()), "{summary}");
    assert_eq!(emulator.requests(emulator.api_key()).unwrap().len(), 23);
    let (_, summary) = folder.json(&["import", "customers.csv", "--json", "--quiet", "--no-pacing"]).await;
    assert_eq!((&summary["accepted"], &summary["skipped"]), (&0.into(), &20.into()), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_under_an_import_ends_up_with_every_customer() {
    let emulator = Emulator::start().await.unwrap();
    let address = emulator.url().strip_prefix("http://").unwrap().parse().unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(0..300))]).calling(&emulator);
    let arguments = ["import", "customers.csv", "--json", "--quiet", "--max-rate", "300"];
    let child = folder.command(&arguments).spawn().unwrap();
    let key = emulator.api_key().to_owned();
    while emulator.requests(&key).unwrap().len() < 20 {
        tokio::task::yield_now().await;
    }
    emulator.close().await;
    let restarted = Emulator::builder().address(address).start().await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let summary: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["accepted"], &summary["rejected"]), (&300.into(), &0.into()), "{summary}");
    assert!(restarted.requests(&key).unwrap().len() >= 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_changed_while_it_is_read_is_not_taken_for_done() {
    let emulator = Emulator::start().await.unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(0..100))]).calling(&emulator);
    let options = ImportOptions::default();
    let import = Import::open(&[folder.path("customers.csv")], &options).unwrap().remove(0);
    let client = Client::builder().api_key(emulator.api_key()).base_url(emulator.url()).build().unwrap();
    let path = folder.path("customers.csv");
    let mut is_changed = false;
    let grow = |progress: &vambe_import::Progress| {
        if progress.accepted > 0 && !is_changed {
            is_changed = true;
            fs::write(&path, customers(0..50)).unwrap();
        }
    };
    let report = import.send(&client, SendOptions::default(), &Stop::new(), grow).await.unwrap();
    let Ending::Failed(error) = &report.ending else { panic!("{report:?}") };
    assert!(error.to_string().contains("was changed while it was read; import it again"), "{error}");
}
