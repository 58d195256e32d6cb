//! The emulator as a process of its own: how much it takes at 64 connections, and how soon it is there.
//!
//! The load is made on the same machine, by plain sockets. What a disk can do changes within
//! minutes, so the time of its `fdatasync` stands beside the durable figures.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rows;

const CONNECTIONS: usize = 64;
const CALLS_PER_ROUND: usize = 20_000;
const ROUNDS: usize = 5;
const STARTS: usize = 15;
const RESETS: usize = 15;
const SYNCS: usize = 50;
const KEY: &str = "emulator_bench";

/// Measures the command at this path.
pub fn run(vambe: &Path) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = std::env::temp_dir().join(format!("vambe-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!("| emulator | measured |");
    println!("|---|---|");
    show("size of the command, shipped", &format!("{:.1} MB", bytes(vambe)? / 1e6));
    let starts: io::Result<Vec<Duration>> = (0..STARTS).map(|_| Ok(Process::start(vambe, &[])?.ready)).collect();
    let ready = median(starts?);
    show("ready after", &milliseconds(ready));
    rows::emit("emulator/ready", ready.as_secs_f64() * 1e3, None)?;
    measure(&runtime, vambe, "in memory", &[], ["emulator/memory", "emulator/reset"])?;
    let data = folder.display().to_string();
    measure(&runtime, vambe, "durable", &["--data", &data], ["emulator/durable", "emulator/reset-durable"])?;
    show("fdatasync of 4 KiB on that disk", &milliseconds(median(syncs(&folder)?)));
    std::fs::remove_dir_all(folder)
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    vambe: &Path,
    what: &str,
    arguments: &[&str],
    [rate_row, reset_row]: [&str; 2],
) -> io::Result<()> {
    let process = Process::start(vambe, arguments)?;
    let resident = process.resident()?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let started = Instant::now();
        runtime.block_on(upserts(&process.address, round))?;
        rounds.push(started.elapsed());
    }
    #[allow(clippy::cast_precision_loss)]
    let rate = CALLS_PER_ROUND as f64 / median(rounds).as_secs_f64();
    show(&format!("upserts/s {what}, {CONNECTIONS} connections"), &format!("{rate:.0}"));
    rows::emit(rate_row, rate, None)?;
    let grown = process.resident()?;
    show(&format!("resident memory {what}, at first / with all contacts"), &format!("{resident:.0} / {grown:.0} MB"));
    let mut resets = Vec::new();
    for _ in 0..RESETS {
        runtime.block_on(upserts(&process.address, ROUNDS))?;
        let started = Instant::now();
        runtime.block_on(async {
            let mut stream = TcpStream::connect(&process.address).await?;
            call(&mut stream, &request("/_emulator/reset", ""), &mut Vec::new()).await
        })?;
        resets.push(started.elapsed());
    }
    let reset = median(resets);
    show(&format!("reset {what}, of {CALLS_PER_ROUND} calls"), &milliseconds(reset));
    rows::emit(reset_row, reset.as_secs_f64() * 1e3, None)
}

/// Sends the calls of a round, each connection one after another; every second call updates.
async fn upserts(address: &str, round: usize) -> io::Result<()> {
    let connections = (0..CONNECTIONS).map(|connection| async move {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut answer = Vec::with_capacity(4096);
        for number in 0..CALLS_PER_ROUND / CONNECTIONS {
            let person = (round * CONNECTIONS + connection) * CALLS_PER_ROUND + number / 2;
            call(&mut stream, &request("/api/public/customer/upsert/info", &body(person)), &mut answer).await?;
        }
        Ok::<_, io::Error>(())
    });
    futures_util::future::try_join_all(connections).await.map(drop)
}

fn body(person: usize) -> String {
    format!(
        r#"{{"channel":"whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+56{person:09}","contact_name":"Maria Rodriguez","contact_email":"maria.rodriguez@example.com","stageId":"550e8400-e29b-41d4-a716-446655440000","meta_data":{{"source":"landing-page","plan":"pro"}},"custom_field_values":[{{"key":"company_name","value":"Acme Corp"}},{{"key":"industry","value":"Retail"}}]}}"#
    )
}

fn request(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends a request and reads its answer, which must be a 200.
async fn call(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> io::Result<()> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = answer.windows(4).position(|part| part == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&answer[..head]).into_owned();
            if !text.starts_with("HTTP/1.1 200") {
                return Err(io::Error::other(text));
            }
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if answer.len() >= head + 4 + length.unwrap_or(0) {
                return Ok(());
            }
        }
    }
}

/// A running emulator; dropping it kills it.
struct Process {
    child: Child,
    address: String,
    ready: Duration,
}

impl Process {
    fn start(vambe: &Path, arguments: &[&str]) -> io::Result<Self> {
        let started = Instant::now();
        let mut command = Command::new(vambe);
        command.args(["emulator", "--quiet", "--key", KEY]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            io::BufReader::new(stdout).read_line(&mut line)?;
        }
        let ready = started.elapsed();
        let announced: serde_json::Value = serde_json::from_str(&line)?;
        let url = announced["url"].as_str().unwrap_or_default();
        Ok(Self { child, address: url.trim_start_matches("http://").to_owned(), ready })
    }

    /// The resident memory in megabytes.
    fn resident(&self) -> io::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kilobytes.and_then(|number| number.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn syncs(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let once = |_| {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        Ok(started.elapsed())
    };
    (0..SYNCS).map(once).collect()
}

#[allow(clippy::cast_precision_loss)]
fn bytes(file: &Path) -> io::Result<f64> {
    Ok(std::fs::metadata(file)?.len() as f64)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn show(what: &str, measured: &str) {
    println!("| {what} | {measured} |");
}
