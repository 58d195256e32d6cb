//! The arguments of every subcommand, and what `--help` says about them.

// The comments on arguments are shown to people as they stand.
#![allow(clippy::doc_markdown, rustdoc::bare_urls)]

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use vambe_import::{
    Delimiter, Duplicates, FileFormat, JournalChoice, OptionTextError, Quote, SourceOptions, TextEncoding,
    UnknownColumns,
};

use crate::emulator::EmulatorArguments;

/// Upserts customers into Vambe.
///
/// The API key is read from VAMBE_API_KEY, never from an argument. Not affiliated with Vambe.
#[derive(Parser)]
#[command(name = "vambe", bin_name = "vambe", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Send the rows of files: CSV, TSV, XLSX, NDJSON or JSON.
    Import(Box<ImportArguments>),
    /// Check the rows of files; needs neither key nor network.
    Check(CheckArguments),
    /// Suggest which column of a file fills what, as a file to edit and to pass as --mapping.
    Map(MapArguments),
    /// Send again what failed in an import.
    Retry(RetryArguments),
    /// Tell what became of the rows of an import.
    Report(ReportArguments),
    /// Send one customer: JSON on standard input, or --set.
    Upsert(UpsertArguments),
    /// Show what becomes of phone numbers.
    Phone(PhoneArguments),
    /// Find out what keeps calls from working; what it prints answers a support question.
    Doctor(DoctorArguments),
    /// Run the API on this machine, until Ctrl-C.
    Emulator(EmulatorArguments),
}

#[derive(Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    #[command(flatten)]
    pub(crate) checks: RuleArguments,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
    /// Send to an emulator started for this import
    #[arg(long, conflicts_with_all = ["base_url", "dry_run"], help_heading = "Connection")]
    pub(crate) emulator: bool,
    /// Check only, as `vambe check` does
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Send this many rows, then stop, to look at them first
    #[arg(long, value_name = "ROWS", conflicts_with = "dry_run")]
    pub(crate) canary: Option<u64>,
    /// Send customers that are unchanged since the last run, too
    #[arg(long, help_heading = "Journal")]
    pub(crate) force: bool,
    /// Send unchanged customers again after this time, such as 30d, 12h or 90m [default: never]
    #[arg(long, value_name = "TIME", value_parser = age, help_heading = "Journal")]
    pub(crate) max_age: Option<Duration>,
    /// What to do if a customer comes twice in a file: send the last row, or stop with an error
    #[arg(long, value_parser = one_of::<Duplicates>(Duplicates::NAMES), default_value = "last")]
    pub(crate) duplicates: Duplicates,
    /// Name of where the customers come from: sets meta_data.source, importedAt and importedBy where a row does not
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Write a line of JSON for each row to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    #[command(flatten)]
    pub(crate) checks: RuleArguments,
}

#[derive(Args)]
pub(crate) struct MapArguments {
    /// File with a header
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the mapping goes; - is standard output [default: FILE.mapping.toml]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write over a mapping that is there
    #[arg(long)]
    pub(crate) force: bool,
    /// Channel of the customers [default: whatsapp]
    #[arg(long, value_parser = ["whatsapp", "web-whatsapp", "webchat"])]
    pub(crate) channel: Option<String>,
    /// Your own number, to be written into the mapping
    #[arg(long, value_name = "NUMBER")]
    pub(crate) channel_phone_number: Option<String>,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args)]
pub(crate) struct UpsertArguments {
    /// Give a field, meta_data.<key> or custom.<key> a value; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    /// Print the body instead of sending it
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) checks: RuleArguments,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    /// Seconds for the whole call [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Connection")]
    pub(crate) timeout: Option<Duration>,
    /// Times to try again [default: 2]
    #[arg(long, value_name = "TIMES", help_heading = "Connection")]
    pub(crate) max_retries: Option<u32>,
}

#[derive(Args)]
pub(crate) struct PhoneArguments {
    /// Phone numbers as somebody wrote them
    #[arg(required = true)]
    pub(crate) text: Vec<String>,
    /// Country of numbers without country code, such as CL: show E.164 too
    #[arg(long, value_name = "COUNTRY")]
    pub(crate) region: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct FileArguments {
    /// CSV, TSV, XLSX, NDJSON or JSON; text may be packed with gzip or zstd; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Where rejected rows go [default: FILE.rejects.csv, or FILE.rejects.ndjson for JSON]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Give a field, meta_data.<key> or custom.<key> a value in rows that have none; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    /// TOML file that says which column fills what; `vambe map` writes one
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,
    /// Columns that are no field: send as metadata, skip, or stop with an error
    /// [default: what the mapping says, or meta]
    #[arg(long, value_parser = one_of::<UnknownColumns>(UnknownColumns::NAMES))]
    pub(crate) unknown: Option<UnknownColumns>,
    /// Take this many rows of each file at most
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<u64>,
    /// What remembers what was accepted, so that only new and changed customers are sent [default: FILE.journal]
    #[arg(long, value_name = "FILE", help_heading = "Journal")]
    pub(crate) journal: Option<PathBuf>,
    /// Remember nothing, and look nothing up
    #[arg(long, conflicts_with = "journal", help_heading = "Journal")]
    pub(crate) no_journal: bool,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress and no remarks
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args)]
pub(crate) struct FormatArguments {
    /// Kind of file: csv (TSV too), xlsx, ndjson or json [default: found out from its content]
    #[arg(long, value_parser = one_of::<FileFormat>(FileFormat::NAMES), help_heading = "File format")]
    pub(crate) format: Option<FileFormat>,
    /// Sheet of a workbook [default: the first that is visible]
    #[arg(long, value_name = "NAME", help_heading = "File format")]
    pub(crate) sheet: Option<String>,
    /// comma, semicolon, tab, pipe or a character [default: found out]
    #[arg(long, help_heading = "File format")]
    pub(crate) delimiter: Option<Delimiter>,
    /// Such as utf-8, windows-1252, utf-16le [default: found out; for JSON utf-8]
    #[arg(long, help_heading = "File format")]
    pub(crate) encoding: Option<TextEncoding>,
    /// The quote around cells, or none [default: ", or ' if the whole header stands in it]
    #[arg(long, help_heading = "File format")]
    pub(crate) quote: Option<Quote>,
}

#[derive(Args)]
pub(crate) struct RuleArguments {
    /// Channel of records that give none: whatsapp, web-whatsapp or webchat
    #[arg(long, help_heading = "Defaults and checks")]
    pub(crate) channel: Option<String>,
    /// Your own number, for records that give none [default: VAMBE_CHANNEL_PHONE]
    #[arg(long, value_name = "NUMBER", help_heading = "Defaults and checks")]
    pub(crate) channel_phone_number: Option<String>,
    /// Your webchat channel, for records that give none
    #[arg(long, value_name = "UUID", help_heading = "Defaults and checks")]
    pub(crate) channel_id: Option<String>,
    /// Country of numbers without country code, such as CL; sends all numbers as E.164
    #[arg(long, value_name = "COUNTRY", help_heading = "Defaults and checks")]
    pub(crate) default_region: Option<String>,
    /// Reject suspicious e-mail addresses instead of warning
    #[arg(long, help_heading = "Defaults and checks")]
    pub(crate) strict_email: bool,
    /// Only here to say that it must not be
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    pub(crate) api_key: Option<String>,
}

#[derive(Args)]
pub(crate) struct PaceArguments {
    /// Most calls per second [default: what the server bears, found by trying]
    #[arg(long, value_name = "RATE", help_heading = "Connection")]
    pub(crate) max_rate: Option<f64>,
    /// Share of the server's limit to leave to others, such as 20%
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Connection")]
    pub(crate) reserve: Option<f64>,
    /// Folder in which several imports with one key keep to one pace
    #[arg(long, value_name = "FOLDER", env = "VAMBE_PACE_DIR", help_heading = "Connection")]
    pub(crate) pace_dir: Option<PathBuf>,
    /// Keep to no rate; for servers without a limit
    #[arg(long, conflicts_with = "max_rate", help_heading = "Connection")]
    pub(crate) no_pacing: bool,
    /// Most calls at a time, 1 to 1024 [default: 512, or 32 without pacing]
    #[arg(long, value_name = "CALLS", help_heading = "Connection")]
    pub(crate) max_concurrency: Option<usize>,
    /// Seconds for one attempt; each row has several [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Connection")]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct RetryArguments {
    /// Journal of an import
    #[arg(value_name = "JOURNAL")]
    pub(crate) journal: PathBuf,
    /// Send what the server refused, too, not only what failed for a while
    #[arg(long)]
    pub(crate) all: bool,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
    #[command(flatten)]
    pub(crate) pace: PaceArguments,
}

#[derive(Args)]
pub(crate) struct ReportArguments {
    /// Journal of an import
    #[arg(value_name = "JOURNAL")]
    pub(crate) journal: PathBuf,
    /// Only rows with this outcome; lists rows
    #[arg(long, value_enum)]
    pub(crate) outcome: Option<Outcome>,
    /// List the rows of the last run of each file in this form [default: a summary, or CSV with --outcome]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ListFormat>,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Outcome {
    Accepted,
    Rejected,
    Skipped,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ListFormat {
    Csv,
    Json,
    Ndjson,
}

#[derive(Args)]
pub(crate) struct ConnectionArguments {
    /// Where the API is [default: VAMBE_BASE_URL, or https://api.vambe.me]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) base_url: Option<String>,
    /// Allow plain http to another machine, which shows it the key
    #[arg(long, help_heading = "Connection")]
    pub(crate) allow_http: bool,
    /// HTTP proxy [default: HTTPS_PROXY or the system's, unless NO_PROXY lists the host]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) proxy: Option<String>,
    /// PEM file of certificates to trust beside the system's; so are SSL_CERT_FILE and SSL_CERT_DIR
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub(crate) ca_file: Option<PathBuf>,
}

impl FileArguments {
    /// Returns which journal the files have.
    pub(crate) fn journal(&self) -> JournalChoice {
        match &self.journal {
            _ if self.no_journal => JournalChoice::None,
            Some(path) => JournalChoice::At(path.clone()),
            None => JournalChoice::Beside,
        }
    }
}

impl FormatArguments {
    /// Returns how a file is written, where it says so.
    pub(crate) fn source_options(&self) -> SourceOptions {
        SourceOptions {
            format: self.format,
            delimiter: self.delimiter,
            encoding: self.encoding,
            quote: self.quote,
            sheet: self.sheet.clone(),
        }
    }
}

/// Reads a text that is one of a few, which `--help` lists.
fn one_of<T>(names: impl Into<PossibleValuesParser>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = OptionTextError> + Clone + Send + Sync + 'static,
{
    names.into().try_map(|name| name.parse::<T>())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "give a number of seconds, such as 2.5".to_owned())
}

/// Reads `30d`, `12h`, `90m` or `45s`.
fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "give a number and d, h, m or s, such as 30d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(wrong()),
    };
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

/// Reads `20%` or `0.2`; the core says which shares there are.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let share = number.trim().parse::<f64>().map(|share| share / whole);
    share.map_err(|_| "give a share of the limit, such as 20% or 0.2".to_owned())
}
