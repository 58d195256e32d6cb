//! Compares the client with what people would use instead, side by side in one run.
//!
//! The peers take turns against one server in a process of its own, so that drift of the
//! machine hits both alike; the medians and their ratio are what counts.

mod emulator;
mod import;
mod peers;
mod rows;
mod server;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use peers::Peer;

const IN_FLIGHT: usize = 32;
const CALLS_PER_ROUND: u32 = 4_000;
const ROUNDS: usize = 15;

/// What one round of one peer took.
#[derive(Clone, Copy)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => return Ok(server::run()?),
        Some("command") => return import::run_command(&arguments[1..]),
        Some("import") => return import::measure(),
        Some("emulator") => {
            return Ok(emulator::run(arguments.get(1).map(String::as_str).unwrap_or_default().as_ref())?);
        }
        _ => {}
    }
    let server = Server::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let costs = runtime.block_on(measure(&server.url))?;
    Ok(print_table(&costs)?)
}

async fn measure(url: &str) -> Result<Vec<(Peer, Vec<Cost>)>, Box<dyn std::error::Error>> {
    let mut costs: Vec<(Peer, Vec<Cost>)> = Peer::all(url)?.into_iter().map(|peer| (peer, Vec::new())).collect();
    // The first round warms up connections and caches, and is not counted.
    for round in 0..=ROUNDS {
        for (peer, costs) in &mut costs {
            let (wall, cpu) = (Instant::now(), process_cpu());
            peer.call(CALLS_PER_ROUND as usize, IN_FLIGHT).await?;
            let cost = Cost { cpu: process_cpu().saturating_sub(cpu), wall: wall.elapsed() };
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    Ok(costs)
}

fn print_table(costs: &[(Peer, Vec<Cost>)]) -> std::io::Result<()> {
    println!(
        "{IN_FLIGHT} calls in flight, {CALLS_PER_ROUND} calls a round, median of {ROUNDS} interleaved rounds, one thread\n"
    );
    println!("| client | CPU per call | ratio | calls/s | ratio |");
    println!("|---|---|---|---|---|");
    let per_call = |time: fn(&Cost) -> Duration, costs: &[Cost]| {
        let mut times: Vec<f64> =
            costs.iter().map(|cost| time(cost).as_secs_f64() / f64::from(CALLS_PER_ROUND)).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let base = &costs[0].1;
    let (base_cpu, base_wall) = (per_call(|cost| cost.cpu, base), per_call(|cost| cost.wall, base));
    for (peer, costs) in costs {
        let (cpu, wall) = (per_call(|cost| cost.cpu, costs), per_call(|cost| cost.wall, costs));
        println!(
            "| {} | {:.1} µs | {:.2} | {:.0} | {:.2} |",
            peer.name(),
            cpu * 1e6,
            cpu / base_cpu,
            1.0 / wall,
            base_wall / wall
        );
        if let Peer::Vambe { .. } = peer {
            rows::emit("rust/cpu", cpu * 1e6, Some(base_cpu * 1e6))?;
        }
    }
    Ok(())
}

/// Returns the CPU time of this process, user and system.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The server's process and where it listens.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> std::io::Result<Self> {
        use std::io::BufRead as _;
        let mut process = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        if let Some(stdout) = process.stdout.take() {
            std::io::BufReader::new(stdout).read_line(&mut url)?;
        }
        Ok(Self { process, url: url.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, which is as well.
        let _ = self.process.kill();
    }
}
