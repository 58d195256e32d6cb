//! Options as JavaScript gives them: camelCase, times in milliseconds, `undefined` for what is not said.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde_json::json;
use vambe::{CallOptions, CheckOptions, Client, ClientBuilder, Door, Pacing, TraceContext, UpsertManyOptions, Value};

use crate::value::read;

/// Reads the options of a client.
pub(crate) fn client(text: &str) -> napi::Result<ClientBuilder> {
    let mut builder = Client::builder().door(Door::Node);
    for option in Given::all(text, "a client")? {
        builder = match option.name.as_str() {
            "apiKey" => builder.api_key(option.text()?),
            "baseUrl" => builder.base_url(option.text()?),
            "channel" => builder.channel(option.text()?),
            "channelPhoneNumber" => builder.channel_phone_number(option.text()?),
            "channelId" => builder.channel_id(option.text()?),
            "defaultRegion" => builder.default_region(option.text()?),
            "strictEmail" => builder.strict_email(option.flag()?),
            "sendEmptyMetaData" => builder.send_empty_meta_data(option.flag()?),
            "timeoutMs" => builder.timeout(option.time()?),
            "attemptTimeoutMs" => builder.attempt_timeout(option.time()?),
            "connectTimeoutMs" => builder.connect_timeout(option.time()?),
            "backoffMs" => builder.backoff(option.time()?),
            "backoffCapMs" => builder.backoff_cap(option.time()?),
            "maxRetries" => builder.max_retries(option.count()?),
            "maxConcurrency" => builder.max_concurrency(option.count()?),
            "maxRate" => builder.max_rate(option.number()?),
            "paceDir" => builder.pace_dir(option.text()?),
            "proxy" => builder.proxy(option.text()?),
            "caFile" => builder.ca_file(option.text()?),
            "appInfo" => builder.app_info(option.text()?),
            "allowHttp" => builder.allow_http(option.flag()?),
            "traceContext" => builder.trace_context(option.trace()?),
            _ => return Err(option.unknown()),
        };
    }
    Ok(builder)
}

/// Reads the options of one call.
pub(crate) fn call(text: &str) -> napi::Result<CallOptions> {
    let mut options = CallOptions::default();
    for option in Given::all(text, "a call")? {
        options = match option.name.as_str() {
            "timeoutMs" => options.timeout(option.time()?),
            "attemptTimeoutMs" => options.attempt_timeout(option.time()?),
            "maxRetries" => options.max_retries(option.count()?),
            "traceContext" => options.trace_context(option.trace()?),
            _ => return Err(option.unknown()),
        };
    }
    Ok(options)
}

/// The options of a batch, and whether it keeps to a rate.
pub(crate) struct Batch {
    pub(crate) options: UpsertManyOptions,
    pub(crate) call: CallOptions,
    pub(crate) is_paced: bool,
}

/// Reads the options of a batch.
pub(crate) fn batch(text: &str) -> napi::Result<Batch> {
    let mut options = UpsertManyOptions::default();
    let mut call = CallOptions::default();
    let mut is_paced = true;
    for option in Given::all(text, "upsertMany")? {
        if option.name == "traceContext" {
            call = call.trace_context(option.trace()?);
            continue;
        }
        is_paced &= !(option.name == "pacing" && option.text()? == "off");
        options = paced(options, &option)?;
    }
    Ok(Batch { options, call, is_paced })
}

/// Sets what a batch keeps to, which an import keeps to as well.
pub(crate) fn paced(options: UpsertManyOptions, option: &Given) -> napi::Result<UpsertManyOptions> {
    Ok(match option.name.as_str() {
        "maxConcurrency" => options.max_concurrency(option.count()?),
        "maxRate" => options.max_rate(option.number()?),
        "reserve" => options.reserve(option.number()?),
        "pacing" => match option.text()?.as_str() {
            "learned" => options.pacing(Pacing::Learned),
            "off" => options.pacing(Pacing::Off),
            _ => return Err(option.wrong("\"learned\" or \"off\"")),
        },
        _ => return Err(option.unknown()),
    })
}

/// Reads the options of a check without a client.
pub(crate) fn check(text: &str) -> napi::Result<CheckOptions> {
    let mut options = CheckOptions::default();
    for option in Given::all(text, "a check")? {
        match option.name.as_str() {
            "channel" => options.channel = Some(option.text()?),
            "channelPhoneNumber" => options.channel_phone_number = Some(option.text()?),
            "channelId" => options.channel_id = Some(option.text()?),
            "defaultRegion" => options.default_region = Some(option.text()?),
            "strictEmail" => options.strict_email = option.flag()?,
            "sendEmptyMetaData" => options.send_empty_meta_data = option.flag()?,
            _ => return Err(option.unknown()),
        }
    }
    Ok(options)
}

/// One option that was given.
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) value: Value,
    of: &'static str,
}

impl Given {
    pub(crate) fn all(text: &str, of: &'static str) -> napi::Result<impl Iterator<Item = Self>> {
        let Value::Object(entries) = read(text) else {
            return Err(config_error(&format!("the options of {of} must be an object")));
        };
        let given = entries.into_iter().filter(|(_, value)| !matches!(value, Value::Missing | Value::Null));
        Ok(given.map(move |(name, value)| Self { name, value, of }))
    }

    pub(crate) fn text(&self) -> napi::Result<String> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(self.wrong("text")),
        }
    }

    pub(crate) fn flag(&self) -> napi::Result<bool> {
        match self.value {
            Value::Bool(flag) => Ok(flag),
            _ => Err(self.wrong("true or false")),
        }
    }

    #[allow(clippy::cast_precision_loss)] // No option is so large.
    pub(crate) fn number(&self) -> napi::Result<f64> {
        match self.value {
            Value::Int(number) => Ok(number as f64),
            Value::Float(number) => Ok(number),
            _ => Err(self.wrong("a number")),
        }
    }

    pub(crate) fn count<T: TryFrom<i64>>(&self) -> napi::Result<T> {
        let count = match self.value {
            Value::Int(number) => T::try_from(number).ok(),
            _ => None,
        };
        count.ok_or_else(|| self.wrong("a whole number, 0 or more"))
    }

    pub(crate) fn time(&self) -> napi::Result<Duration> {
        let time = self.number().ok().and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok());
        time.ok_or_else(|| self.wrong("a number of milliseconds, 0 or more"))
    }

    /// Reads `traceparent` and `tracestate` from an object of headers.
    pub(crate) fn trace(&self) -> napi::Result<Option<TraceContext>> {
        let wrong = || self.wrong("an object of header names and text, or a function");
        let Value::Object(headers) = &self.value else { return Err(wrong()) };
        let mut carrier = HashMap::new();
        for (name, value) in headers {
            match value {
                _ if !["traceparent", "tracestate"].contains(&name.as_str()) => {}
                Value::Missing | Value::Null => {}
                Value::Text(text) => drop(carrier.insert(name.clone(), text.clone())),
                _ => return Err(wrong()),
            }
        }
        TraceContext::from_carrier(&carrier).map_err(thrown)
    }

    /// Reads a text that the import crate understands.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self) -> napi::Result<T> {
        self.text()?.parse().map_err(|problem| config_error(&format!("{}: {problem}", self.name)))
    }

    // Without the value: it may be the key.
    pub(crate) fn wrong(&self, expected: &str) -> napi::Error {
        config_error(&format!("{} must be {expected}", self.name))
    }

    pub(crate) fn unknown(&self) -> napi::Error {
        config_error(&format!("{:?} is not an option of {}", self.name, self.of))
    }
}

/// Returns an error as the core serialises those of a wrong set-up.
pub(crate) fn config_error(message: &str) -> napi::Error {
    napi::Error::from_reason(json!({ "code": "config", "message": message }).to_string())
}

/// Returns an error of the core, for JavaScript to make its own of.
pub(crate) fn thrown(error: vambe::Error) -> napi::Error {
    napi::Error::from_reason(json!(error).to_string())
}
