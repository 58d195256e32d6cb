//! The command `vambe` in this process, for `npx vambe`.

use std::ffi::OsString;

use napi_derive::napi;
use vambe::Door;
use vambe_cli::{Host, Io, Stop, StopCause};

use crate::port::{Kind, Message, Port};
use crate::runtime;

/// A run of the command.
#[napi]
pub struct Command {
    stop: Stop,
}

#[napi]
impl Command {
    /// Starts the command in Node of this version; `port` delivers its exit code under `id`.
    #[napi(constructor)]
    pub fn new(port: &Port, id: u32, arguments: Vec<String>, version: String) -> napi::Result<Self> {
        let stop = Stop::new();
        let raised = stop.clone();
        port.run(runtime::clients()?, id, |_| async move {
            let arguments = arguments.into_iter().map(OsString::from);
            let io = Io { host: Host { runtime: Door::Node, version: Some(version) }, ..Io::process() };
            Message::new(Kind::Done, &vambe_cli::run(arguments, io, raised).await)
        });
        Ok(Self { stop })
    }

    /// Stops the run as Ctrl-C does, or as a termination.
    #[napi]
    pub fn stop(&self, interrupted: bool) {
        self.stop.raise(if interrupted { StopCause::Interrupt } else { StopCause::Terminate });
    }
}
