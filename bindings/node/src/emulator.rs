//! [`Emulator`]: the API on a thread of this process, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use napi_derive::napi;
use serde_json::json;
use vambe_emulator::{ControlError, Fault, Options};

use crate::port::{Kind, Message, Port};
use crate::runtime;

/// An emulator, which runs between `start` and `close`.
#[napi]
pub struct Emulator {
    running: Running,
}

type Running = Arc<Mutex<Option<vambe_emulator::Emulator>>>;

#[napi]
impl Emulator {
    /// Starts an emulator; `port` delivers under `id` where it is and what it knows.
    ///
    /// `options` is what `vambe_emulator::Options` reads from JSON.
    #[napi(constructor)]
    pub fn new(port: &Port, id: u32, options: String) -> napi::Result<Self> {
        let options = Options::from_json(&options).map_err(|reason| refused(&reason))?;
        let running = Running::default();
        let slot = Arc::clone(&running);
        port.run(runtime::emulators()?, id, |_| async move {
            let announce = |url: &str, options: &Options| vambe_emulator::announcement(url, options);
            let mut announcement = announce("", &options);
            match vambe_emulator::Emulator::builder().options(options).start().await {
                Ok(emulator) => {
                    announcement["url"] = json!(emulator.url());
                    *lock(&slot) = Some(emulator);
                    Message::new(Kind::Done, &announcement)
                }
                Err(error) => {
                    let message = format!("the emulator cannot be started: {error}");
                    Message::new(Kind::Failed, &json!({ "code": "config", "message": message }))
                }
            }
        });
        Ok(Self { running })
    }

    /// Returns what arrived, as JSON text.
    #[napi]
    pub fn requests(&self, key: String) -> napi::Result<String> {
        self.tell(|emulator| Ok(json!(emulator.requests(&key)?).to_string()))
    }

    /// Returns the customers it keeps, as JSON text.
    #[napi]
    pub fn customers(&self, key: String) -> napi::Result<String> {
        self.tell(|emulator| Ok(emulator.customers(&key)?.to_string()))
    }

    /// Returns how many connections there were and are, as JSON text.
    #[napi]
    pub fn connections(&self) -> napi::Result<String> {
        self.tell(|emulator| Ok(json!(emulator.connections()).to_string()))
    }

    /// Forgets contacts, faults and requests.
    #[napi]
    pub fn reset(&self, key: String) -> napi::Result<()> {
        self.tell(|emulator| emulator.reset(&key))
    }

    /// Sets what goes wrong with the next calls: a JSON list of faults and names of presets.
    #[napi]
    pub fn set_faults(&self, key: String, faults: String) -> napi::Result<()> {
        let faults = Fault::read_list(&faults).map_err(|reason| refused(&reason))?;
        self.tell(|emulator| emulator.set_faults(&key, faults))
    }

    /// Draws the key of a fresh user.
    #[napi]
    pub fn new_api_key() -> String {
        vambe_emulator::new_api_key()
    }

    /// Stops it; `port` delivers under `id` when it has stopped.
    #[napi]
    pub fn close(&self, port: &Port, id: u32) -> napi::Result<()> {
        let emulator = lock(&self.running).take();
        port.run(runtime::emulators()?, id, |_| async move {
            if let Some(emulator) = emulator {
                emulator.close().await;
            }
            Message::new(Kind::Done, &())
        });
        Ok(())
    }

    fn tell<T>(&self, run: impl FnOnce(&vambe_emulator::Emulator) -> Result<T, ControlError>) -> napi::Result<T> {
        let running = lock(&self.running);
        let emulator = running.as_ref().ok_or_else(|| refused("the emulator is closed"))?;
        run(emulator).map_err(|error| refused(&error.to_string()))
    }
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, Option<vambe_emulator::Emulator>> {
    // An emulator or none, valid after any panic.
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(message: &str) -> napi::Error {
    crate::options::config_error(message)
}
