//! `vambe emulator`: the API on this machine.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use vambe_emulator::{Answered, Options, announcement, serve};
use vambe_import::Stop;

use crate::args::EmulatorArguments;
use crate::exit::{DONE, FAILED, Failure};
use crate::io::Io;

pub(crate) async fn run(arguments: &EmulatorArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    let address = SocketAddr::new(arguments.host, arguments.port);
    let failed =
        |error| Failure::new(FAILED, format!("the emulator cannot listen on {address} ({error}); try --port 0"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let (sender, mut answers) = mpsc::channel(LINES_WAITING);
    // A line is lost rather than an answer held up.
    let options = Options::default().on_answer(move |answered| drop(sender.try_send(answered.clone())));
    io.print(format_args!("{}", announcement(&url, &options)))?;
    let (end, ended) = oneshot::channel::<()>();
    let mut end = Some(end);
    let mut server = std::pin::pin!(serve(listener, options, async { drop(ended.await) }));
    loop {
        tokio::select! {
            result = &mut server => return result.map(|()| DONE).map_err(failed),
            _ = stop.raised(), if end.is_some() => drop(end.take()),
            _ = stop.raised_again() => return Ok(DONE),
            Some(answered) = answers.recv(), if !arguments.quiet => show(&answered, io),
        }
    }
}

const LINES_WAITING: usize = 1024;

fn show(answered: &Answered, io: &mut Io) {
    let status = answered.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    io.say(format_args!("{} {} {status} ({})", answered.method, answered.path, answered.basis));
}
