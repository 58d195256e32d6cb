//! The arguments of every subcommand, and what `--help` says about them.

// The comments on arguments are shown to people as they stand.
#![allow(clippy::doc_markdown, rustdoc::bare_urls)]

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vambe_import::{Delimiter, Quote, TextEncoding, UnknownColumns};

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
    /// Send the rows of CSV or TSV files.
    Import(ImportArguments),
    /// Check the rows of files; needs neither key nor network.
    Check(CheckArguments),
    /// Send one customer: JSON on standard input, or --set.
    Upsert(UpsertArguments),
    /// Show what becomes of phone numbers.
    Phone(PhoneArguments),
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
    /// Send to an emulator started for this import
    #[arg(long, conflicts_with_all = ["base_url", "dry_run"], help_heading = "Connection")]
    pub(crate) emulator: bool,
    /// Check only, as `vambe check` does
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) files: FileArguments,
    #[command(flatten)]
    pub(crate) checks: RuleArguments,
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
pub(crate) struct FileArguments {
    /// CSV or TSV files with a header
    #[arg(required = true, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Where rejected rows go [default: FILE.rejects.csv]
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Give a field, meta_data.<key> or custom.<key> a value in rows that have none; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    /// Columns that are no field: send as metadata, skip, or stop with an error
    #[arg(long, value_enum, default_value_t = Unknown::Meta)]
    pub(crate) unknown: Unknown,
    /// Take this many rows of each file at most
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<u64>,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress and no remarks
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// comma, semicolon, tab, pipe or a character [default: found out]
    #[arg(long, value_parser = delimiter, help_heading = "File format")]
    pub(crate) delimiter: Option<Delimiter>,
    /// Such as utf-8, windows-1252, utf-16le [default: found out]
    #[arg(long, value_parser = encoding, help_heading = "File format")]
    pub(crate) encoding: Option<TextEncoding>,
    /// The quote around cells, or none [default: "]
    #[arg(long, value_parser = quote, help_heading = "File format")]
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
pub(crate) struct ConnectionArguments {
    /// Where the API is [default: VAMBE_BASE_URL, or https://api.vambe.me]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) base_url: Option<String>,
    /// Allow plain http to another machine, which shows it the key
    #[arg(long, help_heading = "Connection")]
    pub(crate) allow_http: bool,
    /// Proxy [default: HTTPS_PROXY or the system's]
    #[arg(long, value_name = "URL", help_heading = "Connection")]
    pub(crate) proxy: Option<String>,
    /// PEM file of certificates to trust beside the system's
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Unknown {
    Meta,
    Skip,
    Error,
}

impl From<Unknown> for UnknownColumns {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Meta => Self::Meta,
            Unknown::Skip => Self::Skip,
            Unknown::Error => Self::Refuse,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|time| !time.is_zero()).ok_or_else(|| "give a number of seconds, such as 2.5".to_owned())
}

/// Reads `20%` or `0.2`; the core says which shares there are.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let share = number.trim().parse::<f64>().map(|share| share / whole);
    share.map_err(|_| "give a share of the limit, such as 20% or 0.2".to_owned())
}

fn delimiter(text: &str) -> Result<Delimiter, String> {
    let character = match text {
        "comma" => ',',
        "semicolon" => ';',
        "tab" | "\\t" => '\t',
        "pipe" => '|',
        other => single(other).unwrap_or('\0'),
    };
    Delimiter::new(character).ok_or_else(|| "give comma, semicolon, tab, pipe or one ASCII character".to_owned())
}

fn encoding(text: &str) -> Result<TextEncoding, String> {
    TextEncoding::named(text).ok_or_else(|| "give a known encoding, such as utf-8 or windows-1252".to_owned())
}

fn quote(text: &str) -> Result<Quote, String> {
    if text == "none" {
        return Ok(Quote::None);
    }
    let byte = single(text).filter(char::is_ascii_punctuation).and_then(|c| u8::try_from(c).ok());
    byte.map(Quote::Character).ok_or_else(|| "give one ASCII character, or none".to_owned())
}

fn single(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}
