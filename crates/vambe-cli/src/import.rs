//! `vambe import`: the rows of files, sent.

use vambe::Client;
use vambe_emulator::Emulator;
use vambe_import::{Events, Import, ImportOptions, JournalChoice, Report, SendOptions, Stop};

use crate::args::ImportArguments;
use crate::check::Offline;
use crate::client;
use crate::exit::{FAILED, Failure};
use crate::files::{self, RunFile};
use crate::io::{Host, Io};
use crate::progress::Progress;
use crate::total::Kind;

pub(crate) async fn run(arguments: &ImportArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    if arguments.dry_run {
        return files::run(Offline::new(&arguments.checks, &arguments.files), &arguments.files, io, stop).await;
    }
    let online = Online::new(arguments, &io.host).await;
    files::run(online, &arguments.files, io, stop).await
}

struct Online {
    client: Client,
    options: SendOptions,
    journal: JournalChoice,
    is_rehearsal: bool,
    // Stops when it is dropped.
    _emulator: Option<Emulator>,
}

impl Online {
    async fn new(arguments: &ImportArguments, host: &Host) -> Result<Self, Failure> {
        let failed = |error| Failure::new(FAILED, format!("the emulator cannot be started: {error}"));
        let emulator = if arguments.emulator { Some(Emulator::start().await.map_err(failed)?) } else { None };
        let client = build_client(arguments, emulator.as_ref(), host)?;
        Ok(Self {
            client,
            options: send_options(arguments)?,
            // An emulator that ends with the import remembers nothing.
            journal: if arguments.emulator {
                arguments.files.journal.clone().map_or(JournalChoice::None, JournalChoice::At)
            } else {
                arguments.files.journal()
            },
            is_rehearsal: arguments.emulator,
            _emulator: emulator,
        })
    }
}

fn send_options(arguments: &ImportArguments) -> Result<SendOptions, Failure> {
    let create = |path: &std::path::PathBuf| {
        Events::create(path).map_err(|error| {
            let message = format!(
                "{}: events cannot be written there ({error}); name another file with --events",
                path.display()
            );
            Failure::new(FAILED, message)
        })
    };
    Ok(SendOptions {
        batch: client::batch(&arguments.pace, arguments.emulator),
        force: arguments.force,
        max_age: arguments.max_age,
        canary: arguments.canary,
        source_name: arguments.source.clone(),
        duplicates: arguments.duplicates,
        events: arguments.events.as_ref().map(create).transpose()?,
    })
}

impl RunFile for Online {
    const KIND: Kind = Kind::Import;

    fn prepare(&self, options: &mut ImportOptions) {
        options.journal.clone_from(&self.journal);
        options.is_rehearsal = self.is_rehearsal;
    }

    async fn run(&self, import: Import, stop: &Stop, progress: &mut Progress<'_>) -> Result<Report, Failure> {
        Ok(import.send(&self.client, self.options.clone(), stop, |now| progress.show(now)).await?)
    }
}

fn build_client(arguments: &ImportArguments, emulator: Option<&Emulator>, host: &Host) -> Result<Client, Failure> {
    let builder = client::connect(client::builder(&arguments.checks)?, &arguments.connection, host);
    let builder = client::pace(builder, &arguments.pace);
    let builder = match emulator {
        Some(emulator) => builder.api_key(emulator.api_key()).base_url(emulator.url()),
        None => builder,
    };
    Ok(builder.build()?)
}
