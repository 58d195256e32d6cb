//! Measures `vambe import` and `vambe check` on generated files, against the server that costs least.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use vambe_cli::{Io, Stop, run};

use crate::{Server, rows};

const ROWS: u32 = 200_000;
const MANY_ROWS: u32 = 10_000_000;
const ROUNDS: usize = 5;

/// One way to run the command.
struct Case {
    what: &'static str,
    arguments: &'static [&'static str],
    /// The row of `targets.json`, if it has one.
    row: Option<&'static str>,
    /// Whether the journal of the round before is kept.
    keeps_journal: bool,
}

const CASES: [Case; 4] = [
    Case {
        what: "import, with journal",
        arguments: &["import", "--no-pacing"],
        row: Some("import/rate"),
        keeps_journal: false,
    },
    Case { what: "import again, unchanged", arguments: &["import", "--no-pacing"], row: None, keeps_journal: true },
    Case {
        what: "import, without journal",
        arguments: &["import", "--no-pacing", "--no-journal"],
        row: None,
        keeps_journal: true,
    },
    Case { what: "check", arguments: &["check", "--no-journal"], row: Some("import/check-rate"), keeps_journal: true },
];

/// Runs the command inside this process, and says how much memory it took.
pub fn run_command(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let io = Io { stdout: Box::new(io::sink()), ..Io::process() };
    let words = std::iter::once("vambe".to_owned()).chain(arguments.iter().cloned()).map(Into::into);
    let code = runtime.block_on(run(words.collect::<Vec<_>>(), io, Stop::new()));
    if code != 0 {
        return Err(format!("the command ended with {code}").into());
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("{}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}

/// Measures every case.
pub fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("vambe-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = measure_in(&folder);
    fs::remove_dir_all(&folder)?;
    result
}

fn measure_in(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start()?;
    let file = generate(&folder.join("customers.csv"), ROWS)?;
    println!("{ROWS} rows, one process beside the server, median of {ROUNDS} rounds in turn\n");
    println!("| what | rows/s | resident |");
    println!("|---|---|---|");
    let mut rates = [const { Vec::new() }; CASES.len()];
    let mut peaks = [0; CASES.len()];
    for _ in 0..ROUNDS {
        for (index, case) in CASES.iter().enumerate() {
            if !case.keeps_journal {
                let _ = fs::remove_file(folder.join("customers.csv.journal"));
            }
            let began = Instant::now();
            peaks[index] = peak_of(case.arguments, &file, &server.url)?.max(peaks[index]);
            rates[index].push(f64::from(ROWS) / began.elapsed().as_secs_f64());
        }
    }
    for ((case, rates), peak) in CASES.iter().zip(&mut rates).zip(peaks) {
        rates.sort_by(f64::total_cmp);
        println!("| {} | {:.0} | {:.1} MB |", case.what, rates[ROUNDS / 2], megabytes(peak));
        if let Some(row) = case.row {
            rows::emit(row, rates[ROUNDS / 2], None)?;
        }
    }
    let file = generate(&folder.join("many.csv"), MANY_ROWS)?;
    println!("\n{MANY_ROWS} rows, {:.0} MB\n", megabytes(fs::metadata(&file)?.len() / 1024));
    println!("| what | seconds | resident |");
    println!("|---|---|---|");
    for (what, arguments, row) in [
        ("check", &["check", "--no-journal"][..], "import/check-memory"),
        ("import: read whole, 100,000 rows sent", &["import", "--no-pacing", "--canary", "100000"], "import/memory"),
    ] {
        let began = Instant::now();
        let peak = peak_of(arguments, &file, &server.url)?;
        println!("| {what} | {:.0} | {:.1} MB |", began.elapsed().as_secs_f64(), megabytes(peak));
        rows::emit(row, megabytes(peak), None)?;
    }
    Ok(())
}

/// Runs the command in a process of its own, and returns how many kB it held at most.
fn peak_of(arguments: &[&str], file: &Path, url: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let output = Command::new(std::env::current_exe()?)
        .arg("command")
        .args(arguments)
        .arg("--quiet")
        .arg(file)
        .env("VAMBE_API_KEY", "key")
        .env("VAMBE_BASE_URL", url)
        .stderr(Stdio::inherit())
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Writes customers as a CRM exports them, every one of whom comes once.
fn generate(path: &Path, rows: u32) -> io::Result<PathBuf> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "channel,channel_phone_number,contact_phone_number,contact_name,contact_email,custom.rut,meta_data.source,meta_data.notes"
    )?;
    for row in 0..rows {
        writeln!(
            file,
            "whatsapp,+56987654321,+569{row:08},María Rodríguez {row},maria{row}@example.com,{row}-9,Sitio web,Llamar en la tarde"
        )?;
    }
    file.flush()?;
    Ok(path.to_owned())
}

#[allow(clippy::cast_precision_loss)] // For people.
fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
