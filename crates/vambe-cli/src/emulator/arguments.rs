//! The arguments of `vambe emulator`, and what `--help` says about them.

// The comments on arguments are shown to people as they stand.
#![allow(clippy::doc_markdown)]

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use vambe_emulator::{Fault, MetadataMode, Options, PRESETS, Rule, Seed};

use crate::exit::{Failure, USAGE};

const AFTER_HELP: &str = "\
Open the URL it prints in a browser to see what arrived, and to turn faults on.
Start over: the button on that page, or POST /_emulator/reset.
The whole of it: docs/emulator.md";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
pub(crate) struct EmulatorArguments {
    #[command(subcommand)]
    pub(super) command: Option<EmulatorCommand>,
    #[command(flatten)]
    pub(super) serve: ServeArguments,
}

#[derive(Subcommand)]
pub(super) enum EmulatorCommand {
    /// Print shell lines that point programs at a running emulator.
    ///
    /// For example: eval "$(vambe emulator env --ready-file ready.json)"
    Env(EnvArguments),
}

/// Every flag can be given as an environment variable too, as containers and CI services like it.
#[derive(Args)]
pub(super) struct ServeArguments {
    /// Address to listen on; 0.0.0.0 lets other machines and containers in
    #[arg(long, env = "VAMBE_EMULATOR_HOST", default_value = "127.0.0.1")]
    pub(super) host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, env = "VAMBE_EMULATOR_PORT", default_value_t = 0)]
    pub(super) port: u16,
    /// YAML or JSON file that says what fresh users know and have
    #[arg(long, value_name = "FILE", env = "VAMBE_EMULATOR_SEED")]
    seed: Option<PathBuf>,
    /// Folder that keeps the state [default: in memory, gone on exit]
    #[arg(long, value_name = "FOLDER", env = "VAMBE_EMULATOR_DATA")]
    pub(super) data: Option<PathBuf>,
    /// Key that is announced; it starts with emulator_ [default: the seed's first, or a fresh one]
    #[arg(long, env = "VAMBE_EMULATOR_KEY")]
    key: Option<String>,
    /// Turn a choice the other way, such as strict-schema; may be repeated
    #[arg(long, value_parser = rule, value_delimiter = ',', env = "VAMBE_EMULATOR_RULES")]
    rule: Vec<Rule>,
    /// Begin with something that goes wrong, such as flaky-429; may be repeated
    #[arg(long, value_name = "PRESET", value_parser = fault, value_delimiter = ',', env = "VAMBE_EMULATOR_FAULTS")]
    fault: Vec<Fault>,
    /// When meta_data is processed: by itself, when asked for, or never
    #[arg(long, value_enum, default_value_t = Metadata::Auto, env = "VAMBE_EMULATOR_METADATA")]
    metadata: Metadata,
    /// How long after the answer, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0, env = "VAMBE_EMULATOR_METADATA_DELAY")]
    metadata_delay: u64,
    /// Make the same ids in each run
    #[arg(long, value_name = "NUMBER", env = "VAMBE_EMULATOR_RANDOM_SEED")]
    random_seed: Option<u64>,
    /// Stop the clock at this time, such as 2024-09-30T10:00:00Z
    #[arg(long, value_name = "TIME", env = "VAMBE_EMULATOR_CLOCK")]
    clock: Option<String>,
    /// Write the announcement to this file once requests are answered, and remove it at the end
    #[arg(long, value_name = "FILE", env = "VAMBE_EMULATOR_READY_FILE")]
    pub(super) ready_file: Option<PathBuf>,
    /// Print no line for each request
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Args)]
pub(super) struct EnvArguments {
    /// The --ready-file of the running emulator
    #[arg(long, value_name = "FILE", env = "VAMBE_EMULATOR_READY_FILE")]
    pub(super) ready_file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Metadata {
    Auto,
    Manual,
    Off,
}

impl ServeArguments {
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let mut options = Options::default().with_seed(self.seed()?).with_metadata(self.metadata());
        options = self.rule.iter().copied().fold(options, Options::with_rule);
        options = self.fault.iter().cloned().fold(options, Options::with_fault);
        if let Some(key) = &self.key {
            options = options.with_api_key(key);
        }
        if let Some(folder) = &self.data {
            options = options.with_data(folder);
        }
        if let Some(number) = self.random_seed {
            options = options.with_random_seed(number);
        }
        match &self.clock {
            Some(time) => options.with_clock(time).map_err(|reason| Failure::new(USAGE, format!("--clock: {reason}"))),
            None => Ok(options),
        }
    }

    fn seed(&self) -> Result<Seed, Failure> {
        let Some(file) = &self.seed else {
            return Ok(Seed::default());
        };
        let failed = |reason: String| Failure::new(USAGE, format!("the seed {} {reason}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| failed(format!("cannot be read ({error})")))?;
        Seed::read(&text).map_err(|error| failed(format!("is wrong: {error}")))
    }

    fn metadata(&self) -> MetadataMode {
        match self.metadata {
            Metadata::Auto => MetadataMode::after(Duration::from_millis(self.metadata_delay)),
            Metadata::Manual => MetadataMode::Manual,
            Metadata::Off => MetadataMode::Off,
        }
    }
}

fn rule(name: &str) -> Result<Rule, String> {
    Rule::named(name).ok_or_else(|| format!("there are {}", Rule::ALL.map(Rule::name).join(", ")))
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::preset(name).ok_or_else(|| format!("there are {}", PRESETS.map(|(name, _)| name).join(", ")))
}
