//! `vambe retry`: what failed in an import, sent again.

use vambe::Client;
use vambe_import::{Import, Report, SendOptions, Stop, rows};

use crate::args::RetryArguments;
use crate::client;
use crate::exit::Failure;
use crate::files::{RunFile, run_all};
use crate::io::Io;
use crate::progress::Progress;
use crate::total::{Kind, Total};

pub(crate) async fn run(arguments: &RetryArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    let mut total = Total::new(Kind::Import);
    let failure = send(arguments, &mut total, io, stop).await.err();
    total.print(failure, arguments.json, io)
}

async fn send(arguments: &RetryArguments, total: &mut Total, io: &mut Io, stop: &Stop) -> Result<(), Failure> {
    let builder = client::pace(client::connect(client::bare(), &arguments.connection, &io.host), &arguments.pace);
    let again = Again {
        client: builder.build()?,
        options: SendOptions { batch: client::batch(&arguments.pace, false), ..SendOptions::default() },
    };
    let import = Import::retry(&arguments.journal, &again.client, arguments.all)?;
    let left = import.refused();
    let imports = vec![import];
    let progress = Progress::new(&imports, None, arguments.quiet, io);
    run_all(&again, imports, total, progress, stop).await?;
    if left > 0 && !arguments.quiet {
        let (are, them) = if left == 1 { ("is", "it") } else { ("are", "them") };
        io.say(format_args!("{} that the server refused {are} left alone; --all sends {them} too", rows(left)));
    }
    Ok(())
}

struct Again {
    client: Client,
    options: SendOptions,
}

impl RunFile for Again {
    const KIND: Kind = Kind::Import;

    async fn run(&self, import: Import, stop: &Stop, progress: &mut Progress<'_>) -> Result<Report, Failure> {
        Ok(import.send(&self.client, self.options.clone(), stop, |now| progress.show(now)).await?)
    }
}
