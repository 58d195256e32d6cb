//! From arguments to a client, or to the options of a check.

use vambe::{CheckOptions, Client, ClientBuilder, Door, Pacing, UpsertManyOptions};

use crate::args::{ConnectionArguments, PaceArguments, RuleArguments};
use crate::exit::{Failure, USAGE};
use crate::io::Host;

/// Starts a client for what was checked before.
pub(crate) fn bare() -> ClientBuilder {
    Client::builder().door(Door::Cli)
}

/// Starts a client with the defaults and rules of the arguments.
pub(crate) fn builder(rules: &RuleArguments) -> Result<ClientBuilder, Failure> {
    if rules.api_key.is_some() {
        let message = "an API key is never an argument, where others can read it; set VAMBE_API_KEY instead";
        return Err(Failure::new(USAGE, message));
    }
    let builder = bare().strict_email(rules.strict_email);
    let builder = with(builder, rules.channel.clone(), ClientBuilder::channel);
    let builder = with(builder, rules.channel_phone_number.clone(), ClientBuilder::channel_phone_number);
    let builder = with(builder, rules.channel_id.clone(), ClientBuilder::channel_id);
    Ok(with(builder, rules.default_region.clone(), ClientBuilder::default_region))
}

/// Adds where the API is and how it is reached.
pub(crate) fn connect(builder: ClientBuilder, connection: &ConnectionArguments, host: &Host) -> ClientBuilder {
    let builder = builder.allow_http(connection.allow_http).runtime(host.runtime);
    let builder = with(builder, connection.base_url.clone(), ClientBuilder::base_url);
    let builder = with(builder, connection.proxy.clone(), ClientBuilder::proxy);
    with(builder, connection.ca_file.clone(), ClientBuilder::ca_file)
}

/// Adds what a batch keeps to.
pub(crate) fn pace(builder: ClientBuilder, pace: &PaceArguments) -> ClientBuilder {
    let builder = with(builder, pace.timeout, ClientBuilder::attempt_timeout);
    with(builder, pace.pace_dir.clone(), ClientBuilder::pace_dir)
}

/// Returns the options of a batch to a server that has no limit, or may have one.
pub(crate) fn batch(pace: &PaceArguments, is_unlimited: bool) -> UpsertManyOptions {
    let mut options = UpsertManyOptions::default();
    if let Some(calls) = pace.max_concurrency {
        options = options.max_concurrency(calls);
    }
    if let Some(share) = pace.reserve {
        options = options.reserve(share);
    }
    match pace.max_rate {
        Some(rate) => options.max_rate(rate),
        None if pace.no_pacing || is_unlimited => options.pacing(Pacing::Off),
        None => options,
    }
}

/// Returns what a check goes by, environment included.
pub(crate) fn check_options(rules: &RuleArguments) -> Result<CheckOptions, Failure> {
    Ok(builder(rules)?.check_options()?)
}

pub(crate) fn with<T>(
    builder: ClientBuilder,
    value: Option<T>,
    set: impl FnOnce(ClientBuilder, T) -> ClientBuilder,
) -> ClientBuilder {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}
