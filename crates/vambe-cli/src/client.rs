//! From arguments to a client, or to the options of a check.

use vambe::{CheckOptions, Client, ClientBuilder, Door};

use crate::args::{ConnectionArguments, RuleArguments};
use crate::exit::{Failure, USAGE};

/// Starts a client with the defaults and rules of the arguments.
pub(crate) fn builder(rules: &RuleArguments) -> Result<ClientBuilder, Failure> {
    if rules.api_key.is_some() {
        let message = "an API key is never an argument, where others can read it; set VAMBE_API_KEY instead";
        return Err(Failure::new(USAGE, message));
    }
    let builder = Client::builder().door(Door::Cli).strict_email(rules.strict_email);
    let builder = with(builder, rules.channel.clone(), ClientBuilder::channel);
    let builder = with(builder, rules.channel_phone_number.clone(), ClientBuilder::channel_phone_number);
    let builder = with(builder, rules.channel_id.clone(), ClientBuilder::channel_id);
    Ok(with(builder, rules.default_region.clone(), ClientBuilder::default_region))
}

/// Adds where the API is and how it is reached.
pub(crate) fn connect(builder: ClientBuilder, connection: &ConnectionArguments) -> ClientBuilder {
    let builder = builder.allow_http(connection.allow_http);
    let builder = with(builder, connection.base_url.clone(), ClientBuilder::base_url);
    let builder = with(builder, connection.proxy.clone(), ClientBuilder::proxy);
    with(builder, connection.ca_file.clone(), ClientBuilder::ca_file)
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
