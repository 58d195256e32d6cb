//! From keyword arguments to the options of the core.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use vambe::{CallOptions, CheckOptions, ClientBuilder, Door, Pacing, UpsertManyOptions};

use crate::batch::BatchOptions;
use crate::{error, watch};

/// One keyword argument that was given.
pub(crate) struct Given<'py> {
    pub(crate) name: String,
    pub(crate) value: Bound<'py, PyAny>,
}

impl<'py> Given<'py> {
    pub(crate) fn text(&self) -> PyResult<String> {
        self.read("text")
    }

    pub(crate) fn flag(&self) -> PyResult<bool> {
        self.read("true or false")
    }

    fn seconds(&self) -> PyResult<Duration> {
        let wanted = "a number of seconds";
        Duration::try_from_secs_f64(self.read(wanted)?).map_err(|_| self.wrong(wanted))
    }

    pub(crate) fn read<T>(&self, wanted: &str) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.value.extract().map_err(|_| self.wrong(wanted))
    }

    /// Reads a text that the core or the import crate understands.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self) -> PyResult<T> {
        let problem = |problem| error::config(self.value.py(), &format!("{}: {problem}", self.name));
        self.text()?.parse().map_err(problem)
    }

    pub(crate) fn wrong(&self, wanted: &str) -> PyErr {
        error::config(self.value.py(), &format!("{} must be {wanted}", self.name))
    }

    pub(crate) fn unknown(&self) -> PyErr {
        PyTypeError::new_err(format!("there is no option {}", self.name))
    }
}

/// Goes through the options that were given; None is as good as not given.
pub(crate) fn fold<'py, T>(
    options: Option<&Bound<'py, PyDict>>,
    start: T,
    set: impl Fn(T, &Given<'py>) -> PyResult<T>,
) -> PyResult<T> {
    let mut built = start;
    for (name, value) in options.into_iter().flatten() {
        if !value.is_none() {
            let name = name.cast::<PyString>()?.to_str()?.to_owned();
            built = set(built, &Given { name, value })?;
        }
    }
    Ok(built)
}

/// Reads the options of a client.
pub(crate) fn client(options: &Bound<'_, PyDict>) -> PyResult<ClientBuilder> {
    fold(Some(options), vambe::Client::builder().door(Door::Python), |builder, given| {
        Ok(match given.name.as_str() {
            "api_key" => builder.api_key(given.text()?),
            "base_url" => builder.base_url(given.text()?),
            "channel" => builder.channel(given.text()?),
            "channel_phone_number" => builder.channel_phone_number(given.text()?),
            "channel_id" => builder.channel_id(given.text()?),
            "default_region" => builder.default_region(given.text()?),
            "strict_email" => builder.strict_email(given.flag()?),
            "send_empty_meta_data" => builder.send_empty_meta_data(given.flag()?),
            "timeout" => builder.timeout(given.seconds()?),
            "attempt_timeout" => builder.attempt_timeout(given.seconds()?),
            "connect_timeout" => builder.connect_timeout(given.seconds()?),
            "max_retries" => builder.max_retries(given.read(A_COUNT)?),
            "max_concurrency" => builder.max_concurrency(given.read(A_COUNT)?),
            "max_rate" => builder.max_rate(given.read(A_RATE)?),
            "pace_dir" => builder.pace_dir(given.read::<PathBuf>(A_PATH)?),
            "backoff" => builder.backoff(given.seconds()?),
            "backoff_cap" => builder.backoff_cap(given.seconds()?),
            "proxy" => builder.proxy(given.text()?),
            "ca_file" => builder.ca_file(given.read::<PathBuf>(A_PATH)?),
            "app_info" => builder.app_info(given.text()?),
            "allow_http" => builder.allow_http(given.flag()?),
            "trace_context" => builder.trace_context(watch::trace_context(&given.value)?),
            _ => return Err(given.unknown()),
        })
    })
}

/// Reads the options of a check.
pub(crate) fn check(options: Option<&Bound<'_, PyDict>>) -> PyResult<CheckOptions> {
    fold(options, CheckOptions::default(), |mut check, given| {
        match given.name.as_str() {
            "channel" => check.channel = Some(given.text()?),
            "channel_phone_number" => check.channel_phone_number = Some(given.text()?),
            "channel_id" => check.channel_id = Some(given.text()?),
            "default_region" => check.default_region = Some(given.text()?),
            "strict_email" => check.strict_email = given.flag()?,
            "send_empty_meta_data" => check.send_empty_meta_data = given.flag()?,
            _ => return Err(given.unknown()),
        }
        Ok(check)
    })
}

/// Reads the options of a few calls.
pub(crate) fn call(options: &Bound<'_, PyDict>, unless_given: CallOptions) -> PyResult<CallOptions> {
    fold(Some(options), unless_given, |call, given| {
        Ok(match given.name.as_str() {
            "timeout" => call.timeout(given.seconds()?),
            "attempt_timeout" => call.attempt_timeout(given.seconds()?),
            "max_retries" => call.max_retries(given.read(A_COUNT)?),
            "trace_context" => call.trace_context(watch::trace_context(&given.value)?),
            _ => return Err(given.unknown()),
        })
    })
}

/// Reads the options of a batch.
pub(crate) fn batch(options: &Bound<'_, PyDict>, tells_progress: bool) -> PyResult<BatchOptions> {
    let start = BatchOptions { options: UpsertManyOptions::default(), is_paced: true, tells_progress };
    fold(Some(options), start, |batch, given| {
        let is_paced = batch.is_paced && !(given.name == "pacing" && given.text()? == "off");
        Ok(BatchOptions { options: paced(batch.options, given)?, is_paced, tells_progress })
    })
}

/// Sets what a batch keeps to, which an import keeps to as well.
pub(crate) fn paced(options: UpsertManyOptions, given: &Given<'_>) -> PyResult<UpsertManyOptions> {
    Ok(match given.name.as_str() {
        "max_concurrency" => options.max_concurrency(given.read(A_COUNT)?),
        "max_rate" => options.max_rate(given.read(A_RATE)?),
        "reserve" => options.reserve(given.read("a share of the limit")?),
        "pacing" => match given.text()?.as_str() {
            "learned" => options.pacing(Pacing::Learned),
            "off" => options.pacing(Pacing::Off),
            _ => return Err(given.wrong("learned or off")),
        },
        _ => return Err(given.unknown()),
    })
}

pub(crate) const A_COUNT: &str = "a whole number, 0 or more";
pub(crate) const A_PATH: &str = "a path";
const A_RATE: &str = "a number of calls per second";
