//! [`Client`]: the core's client, with records and options as JSON text.

use napi::bindgen_prelude::Env;
use napi_derive::napi;
use serde_json::json;
use vambe::CallOptions;

use crate::events;
use crate::options;
use crate::port::{Message, Port};
use crate::runtime;
use crate::value::read_record;

/// The core's client, until it is closed.
#[napi(custom_finalize)]
pub struct Client {
    client: Option<vambe::Client>,
}

#[napi]
impl Client {
    #[napi(constructor)]
    #[allow(missing_docs)]
    pub fn new(env: Env, options: String) -> napi::Result<Self> {
        let client = options::client(&options)?.build().map_err(options::thrown)?;
        // Lets the collector know that more hangs on this object than it can see.
        env.adjust_external_memory(WEIGHT)?;
        Ok(Self { client: Some(client) })
    }

    /// Starts an upsert, whose end `port` delivers under `id`, with the events that are wanted.
    #[napi]
    pub fn upsert(
        &self,
        port: &Port,
        id: u32,
        record: String,
        options: Option<String>,
        wanted: u32,
    ) -> napi::Result<()> {
        let client = match options.map(|text| options::call(&text)).transpose()? {
            None if wanted == 0 => self.opened()?.clone(),
            call => self.watched(call.unwrap_or_default(), wanted, port, id)?,
        };
        port.run(runtime::clients()?, id, |_| async move { Message::of(&client.upsert(read_record(&record)).await) });
        Ok(())
    }

    /// Returns the violations and warnings of a record as JSON text.
    #[napi]
    pub fn validate(&self, record: String) -> napi::Result<String> {
        Ok(json!(self.opened()?.validate(&read_record(&record))).to_string())
    }

    /// Returns what would be sent for a record, as JSON text.
    #[napi]
    pub fn prepare(&self, record: String) -> napi::Result<String> {
        let prepared = self.opened()?.prepare(&read_record(&record)).map_err(options::thrown)?;
        Ok(json!(prepared).to_string())
    }

    /// Lets idle connections go now: when the collector comes, nobody knows.
    #[napi]
    pub fn close(&mut self) {
        self.client = None;
    }

    /// Returns a client with these options, whose calls deliver the events that are wanted.
    pub(crate) fn watched(&self, call: CallOptions, wanted: u32, port: &Port, id: u32) -> napi::Result<vambe::Client> {
        let call = events::told(call, wanted, &port.sender(id));
        self.opened()?.with_options(call).map_err(options::thrown)
    }

    pub(crate) fn opened(&self) -> napi::Result<&vambe::Client> {
        self.client.as_ref().ok_or_else(|| options::config_error("the client is closed: make a new one"))
    }
}

impl napi::bindgen_prelude::ObjectFinalize for Client {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-WEIGHT).map(drop)
    }
}

/// About what a client with one idle connection takes.
const WEIGHT: i64 = 32 * 1024;
