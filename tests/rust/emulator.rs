//! `vambe emulator` as a process: what it says first, what a kill leaves, what a crowd does to it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(unix)]

use std::collections::HashMap;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use vambe_tests::repository;

const UPSERT: &str = "/api/public/customer/upsert/info";
const KEY: &str = "emulator_process";

/// A running emulator; dropping it kills it.
struct Process {
    child: Child,
    announced: Json,
}

impl Process {
    async fn start(arguments: &[&str]) -> Self {
        Self::spawn(command(arguments)).await
    }

    /// Starts it under a limit that the shell sets.
    async fn limited(limit: &str, arguments: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limit}; exec \"$@\""), "sh", PROGRAM, "emulator", "--quiet", "--key", KEY]);
        shell.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        Self::spawn(shell).await
    }

    async fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let announced = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no announcement: {line}"));
        Self { child, announced }
    }

    fn address(&self) -> &str {
        self.announced["url"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    async fn caller(&self) -> Caller {
        Caller(BufReader::new(TcpStream::connect(self.address()).await.unwrap()))
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_vambe-under-test");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["emulator", "--quiet", "--key", KEY]).args(arguments).env_clear().kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// One connection to an emulator.
struct Caller(BufReader<TcpStream>);

impl Caller {
    async fn call(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, Json)> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        );
        self.0.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn upsert(&mut self, user: &str) -> io::Result<(u16, Json)> {
        let body = json!({
            "channel": "webchat", "channel_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "external_user_id": user,
            "meta_data": { "plan": "pro", "note": "n" },
            "custom_field_values": [{ "key": "company_name", "value": "Acme" }],
        });
        self.call("POST", UPSERT, &body.to_string()).await
    }

    /// The ids of all contacts, by external user id.
    async fn contacts(&mut self) -> HashMap<String, String> {
        let mut found = HashMap::new();
        let mut after = json!(0);
        while !after.is_null() {
            let path = format!("/_emulator/contacts?limit=10000&after={after}");
            let (_, page) = self.call("GET", &path, "").await.unwrap();
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            let contacts = page["contacts"].as_array().unwrap();
            found.extend(contacts.iter().map(|contact| (text(&contact["identity"]), text(&contact["id"]))));
            after = page["next"].clone();
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_loses_no_upsert_that_was_answered() {
    let rounds = if std::env::var("STRESS").is_ok_and(|rounds| rounds == "full") { 50 } else { 10 };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let acknowledged = Arc::new(Mutex::new(HashMap::new()));
    for round in 0..rounds {
        let process = Process::start(&["--data", data]).await;
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (address, acknowledged) = (process.address().to_owned(), Arc::clone(&acknowledged));
                tokio::spawn(async move {
                    let mut connection = Caller(BufReader::new(TcpStream::connect(&address).await.unwrap()));
                    for number in 0.. {
                        // Every fourth call updates a contact of an earlier one.
                        let user = format!("{round}-{caller}-{}", number / 4 * 3 + number % 4);
                        let Ok((status, contact)) = connection.upsert(&user).await else { return };
                        assert_eq!(status, 200, "{contact}");
                        let id = contact["id"].as_str().unwrap().to_owned();
                        acknowledged.lock().unwrap().insert(user, id);
                    }
                })
            })
            .collect();
        // The kill meets the emulator at a moment that differs from round to round.
        let enough = 60 + 37 * round;
        let before = acknowledged.lock().unwrap().len();
        while acknowledged.lock().unwrap().len() < before + enough {
            tokio::task::yield_now().await;
        }
        process.kill().await;
        for caller in callers {
            caller.await.unwrap();
        }
    }
    let process = Process::start(&["--data", data]).await;
    let mut caller = process.caller().await;
    let kept = caller.contacts().await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    for (user, id) in &acknowledged {
        assert_eq!(kept.get(user), Some(id), "{user} was answered and is lost");
    }
    let (status, _) = caller.call("POST", "/_emulator/drain", "").await.unwrap();
    assert_eq!(status, 200);
    println!("{rounds} kills, {} contacts answered, {} kept", acknowledged.len(), kept.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_500_with_its_reason_in_the_log_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    // Files of at most 600 blocks of 512 bytes; past that, writing fails as on a full disk.
    let process = Process::limited("trap '' XFSZ; ulimit -f 600", &["--data", data, "--metadata", "off"]).await;
    let mut caller = process.caller().await;
    let mut acknowledged = Vec::new();
    let failed = loop {
        let user = format!("user-{}", acknowledged.len());
        let (status, body) = caller.upsert(&user).await.unwrap();
        if status != 200 {
            break (status, body);
        }
        acknowledged.push(user);
        assert!(acknowledged.len() < 100_000, "the disk never fills");
    };
    assert_eq!(failed, (500, json!({ "statusCode": 500, "message": "Internal Server Error" })));
    let (_, log) = caller.call("GET", "/_emulator/requests", "").await.unwrap();
    let last = log["requests"].as_array().unwrap().last().unwrap();
    assert_eq!(last["problems"][0]["rule"], "state", "{last}");
    process.kill().await;
    let process = Process::start(&["--data", data]).await;
    let kept = process.caller().await.contacts().await;
    assert!(acknowledged.iter().all(|user| kept.contains_key(user)));
    assert_eq!(process.caller().await.upsert("after").await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_and_slow_readers_hold_nobody_up() {
    let process = Process::limited("ulimit -n 4096", &[]).await;
    let mut idle = Vec::new();
    for number in 0..2000 {
        let mut connection = TcpStream::connect(process.address()).await.unwrap();
        if number % 2 == 0 {
            // Sends a part of a request and reads nothing.
            connection.write_all(b"POST / HTTP/1.1\r\nhost:").await.unwrap();
        }
        idle.push(connection);
    }
    for _ in 0..20 {
        // Asks for a long answer and does not read it.
        let mut reader = process.caller().await;
        let head = format!("GET /_emulator/fidelity HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n").repeat(300);
        reader.0.write_all(head.as_bytes()).await.unwrap();
        idle.push(reader.0.into_inner());
    }
    let started = Instant::now();
    let mut caller = process.caller().await;
    for number in 0..50 {
        assert_eq!(caller.upsert(&format!("user-{number}")).await.unwrap().0, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let (_, health) = caller.call("GET", "/_emulator/health", "").await.unwrap();
    assert!(health["connections"]["open"].as_u64().unwrap() > 2000, "{health}");
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ready_file_tells_programs_where_the_emulator_is() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let file = ready.to_str().unwrap();
    let mut process = Process::start(&["--ready-file", file]).await;
    while !ready.exists() {
        tokio::task::yield_now().await;
    }
    let written: Json = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    assert_eq!(written, process.announced);
    let env = || Command::new(PROGRAM).args(["emulator", "env", "--ready-file", file]).env_clear().output();
    let lines = String::from_utf8(env().await.unwrap().stdout).unwrap();
    let url = process.announced["url"].as_str().unwrap();
    assert_eq!(lines, format!("export VAMBE_BASE_URL='{url}'\nexport VAMBE_API_KEY='{KEY}'\n"));
    let pid = process.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert_eq!(process.child.wait().await.unwrap().code(), Some(0));
    assert!(!ready.exists());
    let gone = env().await.unwrap();
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("is vambe emulator --ready-file running?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_and_variables_say_what_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.yaml");
    std::fs::write(&seed, "keys: [emulator_file]\ncustom_fields: [{ key: size, type: number }]\n").unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["emulator", "--quiet", "--seed", seed.to_str().unwrap(), "--random-seed", "7"]).env_clear();
    command.args(["--clock", "2024-09-30T10:00:00Z", "--fault", "429-seconds"]).stdin(Stdio::null());
    command.env("VAMBE_EMULATOR_RULES", "created-201,strict-schema").env("VAMBE_EMULATOR_KEY", KEY);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let process = Process::spawn(command).await;
    assert_eq!(process.announced["api_key"], KEY);
    assert_eq!(process.announced["custom_fields"][10]["key"], "size");
    let mut caller = process.caller().await;
    assert_eq!(caller.upsert("user").await.unwrap().0, 429);
    let (status, contact) = caller.upsert("user").await.unwrap();
    assert_eq!((status, &contact["created_at"]), (201, &json!("2024-09-30T10:00:00.000Z")));
    let (_, keys) = caller.call("GET", "/_emulator/tenants", "").await.unwrap();
    assert_eq!(keys["keys"], json!([KEY, "emulator_file"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = folder.path().join("file");
    std::fs::write(&file, "stages: 5").unwrap();
    let (file, nowhere) = (file.to_str().unwrap(), folder.path().join("no/where"));
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--port", &port], 1, "try --port 0"),
        (&["--data", file], 2, "the emulator cannot start: the data folder"),
        (&["--seed", file], 2, "is wrong: "),
        (&["--seed", nowhere.to_str().unwrap()], 2, "cannot be read"),
        (&["--ready-file", nowhere.to_str().unwrap()], 1, "check its folder"),
        (&["--clock", "noon"], 2, "--clock: give the time as"),
        (&["--rule", "fast"], 2, "there are strict-schema, "),
        (&["--fault", "nonsense"], 2, "there are flaky-429, "),
    ];
    for (arguments, code, reason) in cases {
        let ended = command(arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?} {said}");
        assert!(said.contains(reason), "{arguments:?} {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let first = Process::start(&["--data", data]).await;
    let second = command(&["--data", data]).output().await.unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another emulator uses it"));
    first.kill().await;
    Process::start(&["--data", data]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_with_the_way_out() {
    let first = Process::start(&[]).await;
    let (_, port) = first.announced["url"].as_str().unwrap().rsplit_once(':').unwrap();
    let second = command(&["--port", port]).output().await.unwrap();
    let stderr = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")) && stderr.contains("try --port 0"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_commands_of_the_page_run_through_curl() {
    let process = Process::start(&[]).await;
    for (file, expected) in [("overview.sh", 400), ("whatsapp.sh", 200), ("webchat.sh", 200)] {
        let text = std::fs::read_to_string(repository().join("examples/api-page").join(file)).unwrap();
        let text = text.replace("https://api.vambe.me", process.announced["url"].as_str().unwrap());
        let text = text.replace("your_api_key_here", KEY).replace("<x-api-key>", KEY);
        let script = format!("curl() {{ command curl --silent --write-out '\\n%{{http_code}}' \"$@\"; }}\n{text}");
        let ran = Command::new("sh").args(["-c", &script]).output().await.unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "curl is needed: {}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(printed.lines().last(), Some(&*expected.to_string()), "{file}: {printed}");
    }
    assert_eq!(process.caller().await.contacts().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_data_folder_nothing_is_left_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&[]);
    command.current_dir(&folder).env("TMPDIR", folder.path()).env("HOME", folder.path());
    let process = Process::spawn(command).await;
    for number in 0..100 {
        assert_eq!(process.caller().await.upsert(&number.to_string()).await.unwrap().0, 200);
    }
    process.kill().await;
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}
