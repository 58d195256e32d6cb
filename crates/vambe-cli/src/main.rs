//! The program `vambe`: signals in, exit code out.

use std::process::ExitCode;

use vambe_cli::{Io, Stop, StopCause, run};

#[tokio::main]
async fn main() -> ExitCode {
    let stop = Stop::new();
    raise_on_signals(stop.clone());
    let code = run(std::env::args_os(), Io::process(), stop).await;
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(unix)]
fn raise_on_signals(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};

    // Without handlers a signal ends the program, which is not wrong either.
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::spawn(async move {
        loop {
            let cause = tokio::select! {
                _ = interrupt.recv() => StopCause::Interrupt,
                _ = terminate.recv() => StopCause::Terminate,
            };
            stop.raise(cause);
        }
    });
}

#[cfg(not(unix))]
fn raise_on_signals(stop: Stop) {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            stop.raise(StopCause::Interrupt);
        }
    });
}
