//! `vambe emulator`: the API on this machine.

mod arguments;
mod env;

use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use vambe_emulator::{Answered, Emulator, announcement};
use vambe_import::Stop;

pub(crate) use self::arguments::EmulatorArguments;
use self::arguments::{EmulatorCommand, ServeArguments};
use crate::exit::{DONE, FAILED, Failure, USAGE};
use crate::io::Io;

pub(crate) async fn run(arguments: &EmulatorArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    match &arguments.command {
        Some(EmulatorCommand::Env(arguments)) => env::run(arguments, io),
        None => serve(&arguments.serve, io, stop).await,
    }
}

async fn serve(arguments: &ServeArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    let (sender, mut answers) = mpsc::channel(LINES_WAITING);
    // A line is lost rather than an answer held up.
    let options = arguments.options()?.on_answer(move |answered| drop(sender.try_send(answered.clone())));
    let address = SocketAddr::new(arguments.host, arguments.port);
    let taken =
        |error| Failure::new(FAILED, format!("the emulator cannot listen on {address} ({error}); try --port 0"));
    let listener = TcpListener::bind(address).await.map_err(taken)?;
    let url = format!("http://{}", listener.local_addr().map_err(taken)?);
    let line = announcement(&url, &options).to_string();
    let cannot = |error| Failure::new(USAGE, format!("the emulator cannot start: {error}"));
    let emulator = Emulator::builder().options(options).start_on(listener).map_err(cannot)?;
    io.print(format_args!("{line}"))?;
    if arguments.data.is_none() && !arguments.quiet {
        io.say(format_args!("The state is in memory, gone on exit; --data FOLDER keeps it. The page: {url}"));
    }
    let _ready = arguments.ready_file.as_deref().map(|file| ReadyFile::write(file, &line)).transpose()?;
    loop {
        tokio::select! {
            _ = stop.raised() => break,
            Some(answered) = answers.recv(), if !arguments.quiet => show(&answered, io),
        }
    }
    tokio::select! {
        () = emulator.close() => {}
        _ = stop.raised_again() => {}
    }
    Ok(DONE)
}

const LINES_WAITING: usize = 1024;

fn show(answered: &Answered, io: &mut Io) {
    let status = answered.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    io.say(format_args!("{} {} {status} ({})", answered.method, answered.path, answered.basis));
}

/// The file that says that the emulator is ready; it goes when the emulator goes.
struct ReadyFile<'a>(&'a Path);

impl<'a> ReadyFile<'a> {
    /// Puts the file there as a whole: whoever sees it can read it.
    fn write(file: &'a Path, line: &str) -> Result<Self, Failure> {
        let failed = |error| {
            let file = file.display();
            Failure::new(FAILED, format!("the ready file {file} cannot be written ({error}); check its folder"))
        };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = folder.join(format!(".vambe-emulator-{}.part", std::process::id()));
        std::fs::write(&part, format!("{line}\n")).map_err(failed)?;
        std::fs::rename(&part, file).map_err(failed)?;
        Ok(Self(file))
    }
}

impl Drop for ReadyFile<'_> {
    fn drop(&mut self) {
        // It may have been taken away already.
        let _ = std::fs::remove_file(self.0);
    }
}
