//! What a journal makes true: nothing is lost or sent twice, whatever dies, and what is unchanged is not sent at all.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value as Json;
use vambe_emulator::{Emulator, RateLimit, RetryAfter};
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

/// Rows of customers by the number and the name.
fn named(rows: &[(u64, &str)]) -> String {
    let row = |(number, name): &(u64, &str)| format!("whatsapp,+56987654321,+569{number:08},{name}\n");
    format!("{HEADER}\n{}", rows.iter().map(row).collect::<String>())
}

fn sent(server: &RecordingServer) -> Vec<String> {
    server.bodies().iter().map(|body| body["contact_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_has_changed_is_sent_however_the_file_is_arranged() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &named(&[(1, "Ana"), (2, "Berta")]));
    import(&folder, &[]).await;
    folder.write(
        "customers.csv",
        "contact_name;contact_phone_number;channel;channel_phone_number\n\
         Ana;+56 9 0000 0001;whatsapp;+56987654321\nBeatriz;+56900000002;whatsapp;+56987654321\n\
         Carla;+56900000003;whatsapp;+56987654321\n",
    );
    let ran = folder.run(&["check", "customers.csv", "--quiet"]).await;
    assert!(
        ran.stdout.contains(
            "against the journal\n  new                                1\n  changed                            1\n  \
             unchanged                          1\n    contact_name                     1\n"
        ),
        "{ran:?}"
    );
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(0), [3, 2, 0, 1, 0]), "{summary}");
    let mut names = sent(&server).split_off(2);
    names.sort();
    assert_eq!(names, ["Beatriz", "Carla"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_one_key_and_host_says_nothing_of_another() {
    let (server, other) = (RecordingServer::accepting().await, RecordingServer::accepting().await);
    let folder = folder(&server, &customers(0..5));
    import(&folder, &[]).await;
    let (_, summary) = import(&folder, &["--base-url", &other.url]).await;
    assert_eq!(counts(&summary)[1], 5, "{summary}");
    let folder = folder.env("VAMBE_API_KEY", "another");
    let (_, summary) = import(&folder, &[]).await;
    assert_eq!(counts(&summary)[1], 5, "{summary}");
    let folder = folder.env("VAMBE_API_KEY", "key");
    let (_, summary) = import(&folder, &[]).await;
    assert_eq!(counts(&summary), [5, 0, 0, 5, 0], "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_customers_are_sent_again_when_that_is_asked_for() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..5));
    import(&folder, &[]).await;
    for (more, accepted) in
        [(&["--max-age", "1d"][..], 0), (&["--force"], 5), (&["--max-age", "0s"], 5), (&["--no-journal"], 5)]
    {
        let (_, summary) = import(&folder, more).await;
        assert_eq!(counts(&summary)[1], accepted, "{more:?}: {summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_customer_who_comes_twice_the_last_valid_row_is_sent_or_none_of_the_file() {
    let server = RecordingServer::accepting().await;
    let text = named(&[(1, "Ana"), (2, "Berta"), (1, "Anna")]) + "whatsapp,+56987654321,+56900000001.0,Anne\n";
    let folder = folder(&server, &text);
    let ran = folder.run(&[&IMPORT[..], &["--duplicates", "error"]].concat()).await;
    assert_eq!((ran.code, server.count()), (Some(1), 0), "{ran:?}");
    assert!(ran.stderr.contains("customers.csv: 1 rows are about customers of earlier rows"), "{ran:?}");
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(3), [4, 2, 1, 1, 0]), "{summary}");
    assert_eq!(summary["superseded"], 1);
    let mut names = sent(&server);
    names.sort();
    assert_eq!(names, ["Anna", "Berta"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_read_once_is_sent_in_order_and_compared_with_what_it_has_just_sent() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, "");
    let rows = named(&[(1, "Ana"), (1, "Anna"), (1, "Ana"), (2, "Berta"), (1, "Ana")]);
    let arguments = [
        "import",
        "/dev/stdin",
        "--json",
        "--quiet",
        "--no-pacing",
        "--journal",
        "a.journal",
        "--max-concurrency",
        "1",
    ];
    let ran = folder.run_with_input(&arguments, &rows).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let names: Vec<_> = sent(&server).into_iter().filter(|name| name != "Berta").collect();
    // The last one may be known to be unchanged by then, or not.
    assert_eq!(names[..3], ["Ana", "Anna", "Ana"]);
    let ran = folder.run_with_input(&[&arguments[..], &["--duplicates", "error"]].concat(), &rows).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("can be read only once"), "{ran:?}");
    let ran = folder.run_with_input(&arguments, &named(&[(1, "Ana"), (2, "Berta")])).await;
    assert!(ran.stdout.contains(r#""accepted":0,"rejected":0,"skipped":2"#), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_sends_a_few_rows_and_the_next_run_the_rest() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..20));
    let ran = folder.run(&["import", "customers.csv", "--quiet", "--no-pacing", "--canary", "3"]).await;
    assert_eq!((ran.code, server.count()), (Some(0), 3), "{ran:?}");
    assert!(ran.stdout.ends_with("run it again without --canary to send 17 rows.\n"), "{ran:?}");
    let (_, summary) = import(&folder, &["--canary", "100"]).await;
    assert_eq!((counts(&summary), &summary["ending"]), ([20, 17, 0, 3, 0], &"finished".into()), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_and_time_of_an_import_are_sent_and_are_no_change() {
    let server = RecordingServer::accepting().await;
    let text = "channel,channel_phone_number,contact_phone_number,meta_data.source\n\
                whatsapp,+56987654321,+56900000001,\nwhatsapp,+56987654321,+56900000002,own\n";
    let folder = folder(&server, text);
    import(&folder, &["--source", "CRM of Ana"]).await;
    let mut meta: Vec<_> = server.bodies().into_iter().map(|body| body["meta_data"].clone()).collect();
    meta.sort_by_key(|meta| meta["source"].to_string());
    assert_eq!((&meta[0]["source"], &meta[1]["source"]), (&"CRM of Ana".into(), &"own".into()));
    let time = meta[1]["importedAt"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    assert_eq!(meta[1]["importedBy"], format!("vambe {}", env!("CARGO_PKG_VERSION")));
    let (_, summary) = import(&folder, &["--source", "CRM of Ana"]).await;
    assert_eq!(counts(&summary), [2, 0, 0, 2, 0], "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_has_one_event_and_none_tells_who_it_is_about() {
    let server = RecordingServer::accepting().await;
    let folder =
        folder(&server, &(named(&[(1, "Ana"), (2, "Berta"), (1, "Anna")]) + "whatsapp,+56987654321,N/A,Carla\n"));
    import(&folder, &["--events", "events.ndjson"]).await;
    let text = folder.read("events.ndjson");
    let mut events: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["event"], &events[0]["rows"]), (&"started".into(), &4.into()));
    assert_eq!((&events[5]["event"], &events[5]["summary"]["accepted"]), (&"finished".into(), &2.into()));
    events[1..5].sort_by_key(|event| event["line"].as_u64());
    let told: Vec<_> = events[1..5]
        .iter()
        .map(|event| {
            (event["line"].as_u64().unwrap(), event["outcome"].as_str().unwrap(), event["code"].as_str().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        told,
        [(2, "skipped", "superseded"), (3, "accepted", ""), (4, "accepted", ""), (5, "rejected", "phone_empty")]
    );
    assert!(events[2]["contact_id"].as_str().unwrap().starts_with("contact-"));
    assert!(!["Ana", "Berta", "Carla", "569"].iter().any(|personal| text.contains(personal)), "{text}");
}

/// Refuses the customers whose name says so, until it is told to take them.
async fn moody() -> (RecordingServer, Arc<AtomicBool>) {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mood = Arc::clone(&is_mended);
    let answer = move |number: usize, body: &Json| match body["contact_name"].as_str() {
        Some(name) if name.starts_with("400") && !mood.load(Ordering::Relaxed) => {
            (400, r#"{"message":"Custom fields not found: rut"}"#.to_owned())
        }
        _ => (200, format!(r#"{{"id":"contact-{number}"}}"#)),
    };
    (RecordingServer::start(answer).await, is_mended)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refused_is_reported_and_sent_again_on_request() {
    let (server, is_mended) = moody().await;
    let folder = folder(&server, &named(&[(1, "Ana"), (2, "400 Berta"), (3, "Carla")]));
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(3), [3, 2, 1, 0, 0]), "{summary}");

    let ran = folder.run(&["report", "customers.csv.journal"]).await;
    assert_eq!(ran.code, Some(0));
    let told: Vec<_> = ran.stdout.lines().skip(1).collect();
    assert!(told[0].ends_with("(finished)"), "{ran:?}");
    assert_eq!(
        told[1..],
        [
            "  accepted                           2",
            "  rejected                           1",
            "1 row refused by the server",
            "  bad_request                        1",
            "  vambe retry customers.csv.journal --all, once the reason is mended"
        ]
    );
    let ran = folder.run(&["report", "customers.csv.journal", "--outcome", "rejected"]).await;
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "file,line,outcome,code,reason,http_status,attempts,contact_id");
    assert!(lines[1].contains(",3,rejected,bad_request,") && lines[1].ends_with(",400,1,"), "{ran:?}");
    let rows: Vec<Json> = {
        let ran = folder.run(&["report", "customers.csv.journal", "--format", "json"]).await;
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let outcomes: Vec<_> = rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["accepted", "rejected", "accepted"]);
    let ran = folder.run(&["report", "customers.csv.journal", "--format", "ndjson", "--outcome", "skipped"]).await;
    assert_eq!(ran.stdout, "");

    let ran = folder.run(&["retry", "customers.csv.journal", "--no-pacing"]).await;
    assert_eq!((ran.code, server.count()), (Some(0), 3), "{ran:?}");
    assert_eq!(ran.stderr, "1 row that the server refused is left alone; --all sends it too\n");
    let retry = ["retry", "customers.csv.journal", "--no-pacing", "--json", "--all"];
    let (code, summary) = folder.json(&retry).await;
    assert_eq!((code, counts(&summary)), (Some(3), [1, 0, 1, 0, 0]), "{summary}");
    is_mended.store(true, Ordering::Relaxed);
    let (code, summary) = folder.json(&retry).await;
    assert_eq!((code, counts(&summary)), (Some(0), [1, 1, 0, 0, 0]), "{summary}");
    assert_eq!(sent(&server)[3..], ["400 Berta", "400 Berta"]);
    let ran = folder.run(&retry).await;
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(2), "vambe: customers.csv.journal: holds nothing to send again\n")
    );
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!((code, counts(&summary)), (Some(0), [3, 0, 0, 3, 0]), "what was sent again is known: {summary}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_one_file_that_only_its_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..5));
    import(&folder, &[]).await;
    let mut names: Vec<_> = fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["customers.csv", "customers.csv.journal"]);
    let mode = fs::metadata(folder.path("customers.csv.journal")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = fs::read(folder.path("customers.csv.journal")).unwrap();
    for personal in ["Ana", "+5690000", "5690000", "key"] {
        let is_there = bytes.windows(personal.len()).any(|window| window == personal.as_bytes());
        // The name of a column of the journal.
        assert!(!is_there || personal == "key", "{personal} stands in the journal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_journal_is_left_alone() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..5));
    folder.write("notes.txt", "x".repeat(5000));
    let database = rusqlite::Connection::open(folder.path("other.db")).unwrap();
    database.execute_batch("CREATE TABLE a (b); PRAGMA user_version = 1;").unwrap();
    drop(database);
    for name in ["notes.txt", "other.db"] {
        let before = fs::read(folder.path(name)).unwrap();
        let ran = folder.run(&[&IMPORT[..], &["--journal", name]].concat()).await;
        assert_eq!((ran.code, server.count()), (Some(2), 0), "{ran:?}");
        assert_eq!(
            ran.stderr,
            format!("vambe: {name}: is no journal, so it is left alone; name another file with --journal\n")
        );
        assert_eq!(fs::read(folder.path(name)).unwrap(), before);
        let ran = folder.run(&["report", name]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    let ran = folder.run(&["report", "missing.journal"]).await;
    assert_eq!(ran.stderr, "vambe: missing.journal: there is no such journal; check the path\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_another_version_or_in_pieces_is_told_apart() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..500));
    import(&folder, &[]).await;
    let path = folder.path("customers.csv.journal");
    let whole = fs::read(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let ran = folder.run(&IMPORT).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("the journal has form 2, which this version of vambe cannot read"), "{ran:?}");

    let mut broken = whole.clone();
    broken[4096..].fill(0xAA);
    fs::write(&path, &broken).unwrap();
    let before = server.count();
    let ran = folder.run(&IMPORT).await;
    assert_eq!((ran.code, server.count()), (Some(1), before), "{ran:?}");
    assert!(ran.stderr.contains("the journal is damaged; move it away and import again"), "{ran:?}");

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let ran = folder.run(&IMPORT).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_at_a_time_writes_a_journal() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..5));
    let mut first = folder
        .command(&["import", "/dev/stdin", "--no-pacing", "--journal", "a.journal"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = first.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, customers(0..5).as_bytes()).await.unwrap();
    // With a whole MiB of rows the header is read, and with the journal open they are sent.
    tokio::io::AsyncWriteExt::write_all(&mut input, customers(0..40_000).split_once('\n').unwrap().1.as_bytes())
        .await
        .unwrap();
    server.wait_for(1).await;
    let ran = folder.run(&[&IMPORT[..], &["--journal", "a.journal"]].concat()).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "vambe: a.journal: another run is writing this journal; wait for it, or name another with --journal\n"
    );
    // To read it does no harm.
    assert_eq!(folder.run(&["report", "a.journal"]).await.code, Some(0));
    first.start_kill().unwrap();
    first.wait().await.unwrap();
    let (code, _) = import(&folder, &["--journal", "a.journal"]).await;
    assert_eq!(code, Some(0), "the lock of a run that was killed is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_what_the_last_one_left() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..5));
    let remark = async |folder: &Folder| {
        let ran = folder.run(&["import", "customers.csv", "--no-pacing"]).await;
        ran.stderr.lines().nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(remark(&folder).await, "");
    assert_eq!(remark(&folder).await, "customers.csv: has not changed since the last run");
    folder.write("customers.csv", customers(0..6));
    assert_eq!(remark(&folder).await, "customers.csv: has changed since the last run; what is unchanged is skipped");
    let journal = rusqlite::Connection::open(folder.path("customers.csv.journal")).unwrap();
    journal.execute("UPDATE run SET ending = NULL", []).unwrap();
    assert_eq!(
        remark(&folder).await,
        "customers.csv: the last run did not come to its end; what it had accepted is skipped"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_for_the_journal_the_run_ends_and_the_next_goes_on() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &customers(0..20_000));
    let command = folder.command(&IMPORT);
    let program = command.as_std().get_program().to_str().unwrap().to_owned();
    let script = format!("trap '' XFSZ; ulimit -f 2000; exec '{program}' {}", IMPORT.join(" "));
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder.path("")).env_clear();
    let environment = [("VAMBE_BASE_URL", server.url.as_str()), ("VAMBE_API_KEY", "key"), ("PATH", "/usr/bin:/bin")];
    let output = shell.envs(environment).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("customers.csv.journal: the journal cannot be used"), "{stderr}");
    let sent = server.count();
    assert!(sent > 50 && sent < 20_000, "{sent}");
    let (code, summary) = import(&folder, &[]).await;
    assert_eq!(code, Some(0), "{summary}");
    let [rows, accepted, _, skipped, _] = counts(&summary);
    assert_eq!((rows, accepted + skipped), (20_000, 20_000), "{summary}");
    assert!(server.count() - 20_000 <= 2 * 32, "{} calls", server.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_mended_are_known_by_the_journal_of_the_file_they_came_from() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &(named(&[(1, "Ana")]) + "whatsapp,+56987654321,N/A,Berta\n"));
    import(&folder, &[]).await;
    let mended = folder.read("customers.csv.rejects.csv").replace("N/A", "+56900000002");
    folder.write("customers.csv.rejects.csv", mended.clone());
    let ran = folder.run(&["import", "customers.csv.rejects.csv", "--quiet", "--no-pacing"]).await;
    assert_eq!((ran.code, sent(&server)), (Some(0), vec!["Ana".to_owned(), "Berta".to_owned()]), "{ran:?}");
    folder.write("customers.csv", named(&[(1, "Ana"), (2, "Berta")]));
    let (_, summary) = import(&folder, &[]).await;
    assert_eq!(counts(&summary), [2, 0, 0, 2, 0], "{summary}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_without_an_answer_are_sent_again_by_a_retry() {
    let server = RecordingServer::start(|number, _| match number {
        1 => (0, String::new()),
        _ => (200, format!(r#"{{"id":"contact-{number}"}}"#)),
    })
    .await;
    let folder = folder(&server, &named(&[(1, "Ana"), (2, "Berta"), (3, "Carla")]));
    let arguments = [&IMPORT[..], &["--max-concurrency", "1"]].concat();
    let mut child = folder.command(&arguments).spawn().unwrap();
    server.wait_for(2).await;
    let pid = child.id().unwrap().to_string();
    // Signals of one kind that come together are one: the second is of another.
    for signal in ["-INT", "-TERM"] {
        assert!(tokio::process::Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }
    assert!(matches!(child.wait().await.unwrap().code(), Some(130 | 143)));
    let (code, summary) = folder.json(&["retry", "customers.csv.journal", "--no-pacing", "--json"]).await;
    assert_eq!((code, &summary["rejected"]), (Some(0), &0.into()), "{summary}");
    let received = sent(&server);
    assert_eq!(received[..2], ["Ana", "Berta"]);
    assert!(received[2..].contains(&"Berta".to_owned()), "{received:?}");
    let (code, _) = import(&folder, &[]).await;
    let mut received = sent(&server);
    received.sort();
    received.dedup();
    assert_eq!((code, received.len()), (Some(0), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_known_is_not_moved_back_to_the_first_stage() {
    let server = RecordingServer::accepting().await;
    let stage = "550e8400-e29b-41d4-a716-446655440000";
    let rows = |rows: &[(u64, &str)]| {
        let row = |(number, name): &(u64, &str)| format!("+569{number:08},{name},Lead\n");
        format!("Celular,Nombre,Etapa\n{}", rows.iter().map(row).collect::<String>())
    };
    let folder = folder(&server, &rows(&[(1, "Ana")]));
    folder.write(
        "map.toml",
        format!(
            "first_time_only = [\"stage_id\"]\nchannel = {{ value = \"whatsapp\" }}\n\
             channel_phone_number = {{ value = \"+56987654321\" }}\ncontact_phone_number = \"Celular\"\n\
             contact_name = \"Nombre\"\nstageId = {{ column = \"Etapa\", values = {{ Lead = \"{stage}\" }} }}\n"
        ),
    );
    let mapped = ["--mapping", "map.toml"];
    let ran = folder.run(&[&IMPORT[..], &mapped, &["--no-journal"]].concat()).await;
    assert_eq!((ran.code, server.count()), (Some(2), 0), "{ran:?}");
    assert!(ran.stderr.contains("first_time_only needs a journal"), "{ran:?}");
    import(&folder, &mapped).await;
    folder.write("customers.csv", rows(&[(1, "Anna"), (2, "Berta")]));
    let (_, summary) = import(&folder, &mapped).await;
    assert_eq!(counts(&summary), [2, 2, 0, 0, 0], "{summary}");
    let stages: BTreeMap<_, _> = server
        .bodies()
        .iter()
        .map(|body| (body["contact_name"].as_str().unwrap().to_owned(), body["stageId"].as_str() == Some(stage)))
        .collect();
    let expected = [("Ana", true), ("Anna", false), ("Berta", true)];
    assert_eq!(stages, expected.map(|(name, has_stage)| (name.to_owned(), has_stage)).into());
    folder.write("customers.csv", rows(&[(1, "Anna"), (2, "Berta")]).replace("Lead", ""));
    let (_, summary) = import(&folder, &mapped).await;
    assert_eq!(counts(&summary)[3], 2, "the stage is no change: {summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_spellings_of_one_number_are_both_sent_and_warned_about() {
    let server = RecordingServer::accepting().await;
    let rows = ["+5215512345678", "+525512345678", "+56900000001"];
    let rows = rows.map(|phone| format!("whatsapp,+56987654321,{phone},Ana\n"));
    let folder = folder(&server, &format!("{HEADER}\n{}", rows.concat()));
    let (_, summary) = import(&folder, &[]).await;
    assert_eq!(
        (counts(&summary), &summary["warnings"]["phone_other_spelling"]),
        ([3, 3, 0, 0, 0], &1.into()),
        "{summary}"
    );
    let (_, summary) = folder.json(&["check", "customers.csv", "--json"]).await;
    assert_eq!(summary["warnings"]["phone_other_spelling"], 1, "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_is_reported_for_the_row_it_came_from() {
    // The contact's id tells whose it is; answers come in any order.
    let server = RecordingServer::start(|_, body| {
        (200, format!(r#"{{"id":"of {}"}}"#, body["contact_phone_number"].as_str().unwrap()))
    })
    .await;
    let folder = folder(&server, &customers(0..2000));
    import(&folder, &[]).await;
    let ran = folder.run(&["report", "customers.csv.journal", "--format", "ndjson"]).await;
    let rows: Vec<Json> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2000);
    for row in rows {
        let line = row["line"].as_u64().unwrap();
        assert_eq!(row["contact_id"], format!("of +569{:08}", line - 2), "line {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_journal_serves_several_files() {
    let server = RecordingServer::accepting().await;
    let folder = folder(&server, &named(&[(1, "Ana"), (2, "Berta")]));
    folder.write("more.csv", named(&[(2, "Berta"), (3, "Carla")]));
    let arguments =
        ["import", "customers.csv", "more.csv", "--json", "--quiet", "--no-pacing", "--journal", "all.journal"];
    let (code, summary) = folder.json(&arguments).await;
    assert_eq!((code, counts(&summary)), (Some(0), [4, 3, 0, 1, 0]), "{summary}");
    let ran = folder.run(&["report", "all.journal"]).await;
    let (customers, more) = ran.stdout.split_once("more.csv to ").unwrap();
    assert!(customers.contains("accepted                           2"), "{ran:?}");
    assert!(more.contains("accepted                           1"), "{ran:?}");
    assert!(more.contains("unchanged                          1"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_that_a_run_has_learned_is_kept_for_the_next() {
    let emulator = Emulator::start().await.unwrap();
    let limit = RateLimit::Bucket { rate: 20.0, burst: 5, retry_after: RetryAfter::None };
    emulator.set_rate_limit(emulator.api_key(), Some(limit)).unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(0..60))]).calling(&emulator);
    let (code, summary) = folder.json(&["import", "customers.csv", "--json", "--quiet"]).await;
    assert_eq!((code, &summary["accepted"]), (Some(0), &60.into()), "{summary}");
    let journal = rusqlite::Connection::open(folder.path("customers.csv.journal")).unwrap();
    let learned: f64 = journal.query_row("SELECT learned_limit FROM target", [], |row| row.get(0)).unwrap();
    assert!((5.0..40.0).contains(&learned), "{learned}");
}
