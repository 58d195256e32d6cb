//! [`ClientBuilder`]: what the caller said; [`Config`]: the same with defaults applied.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use reqwest::Url;
use ring::digest::{Context, SHA256};

use crate::api_key::ApiKey;
use crate::error::Error;
use crate::event::{CallEvent, Hooks};
use crate::obstacle::Way;
use crate::options::{CallOptions, CheckOptions, Door};
use crate::phone::Region;
use crate::proxy::{Route, is_loopback};
use crate::retry::RetryPolicy;
use crate::tls::Trust;
use crate::trace_context::{TraceContext, TraceSource};
use crate::transport::Transport;

/// Collects the options of a [`Client`](crate::Client).
///
/// What is not said is taken from the environment (`VAMBE_API_KEY`, `VAMBE_BASE_URL`,
/// `VAMBE_CHANNEL_PHONE`, `VAMBE_PACE_DIR`, the variables of proxies and certificates; empty
/// means unset), then from the defaults.
#[derive(Default)]
pub struct ClientBuilder {
    pub(crate) api_key: Option<String>,
    pub(crate) base_url: Option<String>,
    check: CheckOptions,
    timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    max_retries: Option<u32>,
    max_concurrency: Option<usize>,
    max_rate: Option<f64>,
    pace_dir: Option<PathBuf>,
    backoff: Option<Duration>,
    backoff_cap: Option<Duration>,
    pub(crate) proxy: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    app_info: Option<String>,
    pub(crate) door: Door,
    runtime: Option<Door>,
    hooks: Hooks,
    trace: TraceSource,
    pub(crate) allow_http: bool,
    pub(crate) transport: Option<Arc<dyn Transport>>,
}

/// The options of a client, checked and complete.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    api_key: ApiKey,
    pub(crate) endpoint: Url,
    pub(crate) check: CheckOptions,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) max_concurrency: Option<usize>,
    pub(crate) max_rate: Option<f64>,
    pub(crate) pace_dir: Option<PathBuf>,
    pub(crate) route: Route,
    pub(crate) trust: Trust,
    app_info: Option<HeaderValue>,
    door: Door,
    runtime: Door,
    pub(crate) hooks: Hooks,
    pub(crate) trace: TraceSource,
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty => |$builder:ident, $value:ident| $set:expr;)+) => {
        $($(#[doc = $doc])+
        #[must_use]
        pub fn $name(self, $value: $type) -> Self {
            let mut $builder = self;
            $set;
            $builder
        })+
    };
}

impl ClientBuilder {
    options! {
        /// Sets the API key (Vambe dashboard, Developers). Default: `VAMBE_API_KEY`.
        api_key: impl Into<String> => |builder, key| builder.api_key = Some(key.into());
        /// Sets where the API is; a path in it is kept. Default: `VAMBE_BASE_URL`, or `https://api.vambe.me`.
        base_url: impl Into<String> => |builder, url| builder.base_url = Some(url.into());
        /// Sets the `channel` of records that give none. Default: none.
        channel: impl Into<String> => |builder, channel| builder.check.channel = Some(channel.into());
        /// Sets the `channel_phone_number` of WhatsApp records that give none. Default: `VAMBE_CHANNEL_PHONE`.
        channel_phone_number: impl Into<String> => |builder, number| builder.check.channel_phone_number = Some(number.into());
        /// Sets the `channel_id` of webchat records that give none. Default: none.
        channel_id: impl Into<String> => |builder, id| builder.check.channel_id = Some(id.into());
        /// Sets the country of numbers without country code, such as `CL`. Default: none, numbers are only cleaned.
        default_region: impl Into<String> => |builder, region| builder.check.default_region = Some(region.into());
        /// Makes a suspicious e-mail address an error. Default: a warning.
        strict_email: bool => |builder, strict| builder.check.strict_email = strict;
        /// Sets whether `meta_data` is sent as `{}` when there is none. Default: yes.
        send_empty_meta_data: bool => |builder, send| builder.check.send_empty_meta_data = send;
        /// Sets the time of a whole call: all attempts, waits and bodies. Default: 30 s.
        timeout: Duration => |builder, timeout| builder.timeout = Some(timeout);
        /// Sets the time of one attempt. Default: 10 s.
        attempt_timeout: Duration => |builder, timeout| builder.attempt_timeout = Some(timeout);
        /// Sets the time to connect. Default: 5 s.
        connect_timeout: Duration => |builder, timeout| builder.connect_timeout = Some(timeout);
        /// Sets how often a failed call is tried again. Default: 2.
        max_retries: u32 => |builder, retries| builder.max_retries = Some(retries);
        /// Sets how many calls may be in flight, 1 to 1024. Default: no limit for `upsert`; for `upsert_many` 512, or 32 without pacing.
        max_concurrency: usize => |builder, calls| builder.max_concurrency = Some(calls);
        /// Sets the calls per second of `upsert_many`, a ceiling. Default: none, the server's limit is learned.
        max_rate: f64 => |builder, rate| builder.max_rate = Some(rate);
        /// Sets a folder in which processes that use one key keep to one pace. Default: `VAMBE_PACE_DIR`, or none: each learns alone.
        pace_dir: impl Into<PathBuf> => |builder, folder| builder.pace_dir = Some(folder.into());
        /// Sets the longest first wait before a retry; each next one doubles. Default: 0.25 s.
        backoff: Duration => |builder, wait| builder.backoff = Some(wait);
        /// Sets the longest wait before a retry. Default: 8 s.
        backoff_cap: Duration => |builder, wait| builder.backoff_cap = Some(wait);
        /// Sets the HTTP proxy, as a URL, which may hold user and password. Default: `HTTPS_PROXY` and its like, unless `NO_PROXY` lists the host.
        proxy: impl Into<String> => |builder, proxy| builder.proxy = Some(proxy.into());
        /// Sets a PEM file of certificates to trust beside the platform's, Mozilla's, and those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Default: none.
        ca_file: impl Into<PathBuf> => |builder, file| builder.ca_file = Some(file.into());
        /// Sets the name and version of your program, added to the `User-Agent`. Default: none.
        app_info: impl Into<String> => |builder, info| builder.app_info = Some(info.into());
        /// Sets what the core is used through, which the `User-Agent` names. Default: this crate.
        door: Door => |builder, door| builder.door = door;
        /// Sets the language whose runtime this is, and whose variables for certificates count. Default: the door's.
        runtime: Door => |builder, runtime| builder.runtime = Some(runtime);
        /// Allows plain http to a host that is not loopback. Default: no.
        allow_http: bool => |builder, allow| builder.allow_http = allow;
        /// Sets what is told when an attempt begins, where the call is polled. Default: nothing.
        on_attempt: impl Fn(&CallEvent) + Send + Sync + 'static => |builder, hook| builder.hooks.attempt = Some(Arc::new(hook));
        /// Sets what is told when an attempt has ended, with or without an answer. Default: nothing.
        on_answer: impl Fn(&CallEvent) + Send + Sync + 'static => |builder, hook| builder.hooks.answer = Some(Arc::new(hook));
        /// Sets what is told when a call will be tried again, before the wait. Default: nothing.
        on_retry: impl Fn(&CallEvent) + Send + Sync + 'static => |builder, hook| builder.hooks.retry = Some(Arc::new(hook));
        /// Sets the trace that all calls belong to. Default: none is sent.
        trace_context: impl Into<Option<TraceContext>> => |builder, trace| builder.trace = TraceSource::of(trace.into());
        /// Sets what writes the caller's trace into headers, whenever a call begins. Default: none is sent.
        trace_context_with: impl Fn(&mut HashMap<String, String>) + Send + Sync + 'static => |builder, inject| builder.trace = TraceSource::Asked(Arc::new(inject));
        /// Replaces HTTP, for tests without a network.
        transport: impl Transport => |builder, transport| builder.transport = Some(Arc::new(transport));
    }

    /// Returns what a client of these options would check with; needs no key.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](crate::ErrorCode::Config) if `default_region` is no country.
    pub fn check_options(&self) -> Result<CheckOptions, Error> {
        self.resolve_check(|name| std::env::var(name).ok())
    }

    fn resolve_check(&self, environment: impl Fn(&str) -> Option<String>) -> Result<CheckOptions, Error> {
        check_region(self.check.default_region.as_deref())?;
        let mut check = self.check.clone();
        let number = || environment("VAMBE_CHANNEL_PHONE").filter(|number| !number.trim().is_empty());
        check.channel_phone_number = check.channel_phone_number.or_else(number);
        Ok(check)
    }

    /// Applies the environment, the system's proxy and the defaults.
    pub(crate) fn resolve(
        self,
        environment: impl Fn(&str) -> Option<String>,
        system_proxy: impl Fn(&Url) -> Option<String>,
    ) -> Result<Config, Error> {
        let environment = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let check = self.resolve_check(environment)?;
        let runtime = self.runtime_here();
        let api_key = ApiKey::new(&self.api_key.or_else(|| environment("VAMBE_API_KEY")).unwrap_or_default())?;
        let base_url = self.base_url.or_else(|| environment("VAMBE_BASE_URL"));
        let endpoint = endpoint(base_url.as_deref().unwrap_or(DEFAULT_BASE_URL), self.allow_http)?;
        let config = Config {
            route: Route::decide(&endpoint, self.proxy.as_deref(), environment)?.or_system(&endpoint, system_proxy)?,
            trust: Trust::of(self.ca_file, runtime, environment),
            api_key,
            endpoint,
            check,
            timeout: at_least_a_moment("timeout", self.timeout, DEFAULT_TIMEOUT)?,
            attempt_timeout: at_least_a_moment("attempt_timeout", self.attempt_timeout, DEFAULT_ATTEMPT_TIMEOUT)?,
            connect_timeout: at_least_a_moment("connect_timeout", self.connect_timeout, DEFAULT_CONNECT_TIMEOUT)?,
            retry: RetryPolicy {
                max_retries: self.max_retries.unwrap_or(DEFAULT_MAX_RETRIES),
                backoff: self.backoff.unwrap_or(DEFAULT_BACKOFF),
                backoff_cap: self.backoff_cap.unwrap_or(DEFAULT_BACKOFF_CAP),
            },
            max_concurrency: self.max_concurrency.map(check_concurrency).transpose()?,
            max_rate: self.max_rate.map(check_rate).transpose()?,
            pace_dir: self.pace_dir.or_else(|| environment("VAMBE_PACE_DIR").map(PathBuf::from)),
            app_info: self.app_info.map(|info| check_app_info(&info)).transpose()?,
            door: self.door,
            runtime,
            hooks: self.hooks,
            trace: self.trace,
        };
        check_emulator_key(&config.api_key, &config.endpoint, self.allow_http)?;
        Ok(config)
    }

    pub(crate) fn runtime_here(&self) -> Door {
        self.runtime.unwrap_or(self.door)
    }

    pub(crate) fn connect_limit(&self) -> Duration {
        self.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT).clamp(Duration::from_millis(1), LONGEST_TIME)
    }
}

impl Config {
    pub(crate) fn api_key(&self) -> &ApiKey {
        &self.api_key
    }

    pub(crate) fn with_call_options(&self, options: CallOptions) -> Result<Self, Error> {
        let mut config = self.clone();
        config.timeout = at_least_a_moment("timeout", options.timeout, self.timeout)?;
        config.attempt_timeout = at_least_a_moment("attempt_timeout", options.attempt_timeout, self.attempt_timeout)?;
        config.retry.max_retries = options.max_retries.unwrap_or(self.retry.max_retries);
        config.hooks = options.hooks.or(&self.hooks);
        config.trace = options.trace.unwrap_or_else(|| self.trace.clone());
        Ok(config)
    }

    /// Returns the way to the server, as messages name it.
    pub(crate) fn way(&self) -> Way {
        Way::new(&self.endpoint, &self.route, self.runtime)
    }

    /// Names the key and the host together, and gives away neither.
    pub(crate) fn fingerprint(&self, salt: &[u8]) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        hash.update(salt);
        hash.update(self.api_key.header().as_bytes());
        hash.update(&[0]);
        hash.update(self.endpoint.origin().ascii_serialization().as_bytes());
        let mut name = [0; 32];
        name.copy_from_slice(hash.finish().as_ref());
        name
    }

    /// Returns the headers of every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, self.user_agent());
        headers.insert("x-api-key", self.api_key.header());
        headers
    }

    fn user_agent(&self) -> HeaderValue {
        let ours = self.door.product();
        let app_info = self.app_info.as_ref().and_then(|info| info.to_str().ok());
        let user_agent = app_info.and_then(|info| HeaderValue::try_from(format!("{ours} {info}")).ok());
        user_agent.unwrap_or(HeaderValue::from_static(ours))
    }
}

/// A test that forgot its base URL must not write to a real account.
pub(crate) fn check_emulator_key(key: &ApiKey, endpoint: &Url, allow_http: bool) -> Result<(), Error> {
    let is_plain = endpoint.scheme() == "http" && allow_http;
    if key.is_for_emulator() && !is_loopback(endpoint) && !is_plain {
        let problem = "this API key is an emulator's, and base_url is not this machine";
        return Err(Error::config(format!("{problem}: set VAMBE_BASE_URL to the emulator's URL")));
    }
    Ok(())
}

pub(crate) fn endpoint(base_url: &str, allow_http: bool) -> Result<Url, Error> {
    let wrong = || Error::config("base_url must be a URL with scheme and host, such as https://api.vambe.me");
    let mut url = Url::parse(base_url.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::config("base_url must hold no user, password, query or fragment"));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_http {
        let problem = "base_url is plain http, which would show the API key to the network";
        return Err(Error::config(format!("{problem}: use https, or pass allow_http")));
    }
    let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn at_least_a_moment(name: &str, given: Option<Duration>, default: Duration) -> Result<Duration, Error> {
    match given.unwrap_or(default) {
        Duration::ZERO => Err(Error::config(format!("{name} must be longer than zero"))),
        // Beyond this, adding it to a point in time could overflow.
        time => Ok(time.min(LONGEST_TIME)),
    }
}

pub(crate) fn check_concurrency(calls: usize) -> Result<usize, Error> {
    match calls {
        1..=MOST_IN_FLIGHT => Ok(calls),
        _ => Err(Error::config(format!("max_concurrency must be from 1 to {MOST_IN_FLIGHT}"))),
    }
}

pub(crate) fn check_rate(rate: f64) -> Result<f64, Error> {
    match rate.is_finite() && rate >= SLOWEST_RATE {
        true => Ok(rate),
        false => Err(Error::config(format!("max_rate must be a number of calls per second, {SLOWEST_RATE} or more"))),
    }
}

pub(crate) fn check_reserve(share: f64) -> Result<f64, Error> {
    match (0.0..=MOST_RESERVED).contains(&share) {
        true => Ok(share),
        false => Err(Error::config(format!("reserve must be a share of the limit from 0 to {MOST_RESERVED}"))),
    }
}

fn check_region(region: Option<&str>) -> Result<(), Error> {
    match region {
        Some(code) if Region::new(code).is_none() => {
            Err(Error::config("default_region must be a two-letter country code, such as CL"))
        }
        _ => Ok(()),
    }
}

fn check_app_info(info: &str) -> Result<HeaderValue, Error> {
    let wrong = || Error::config("app_info must be visible ASCII, such as my-shop/1.2");
    HeaderValue::from_str(info.trim()).ok().filter(|value| value.to_str().is_ok()).ok_or_else(wrong)
}

pub(crate) const DEFAULT_BASE_URL: &str = "https://api.vambe.me";
pub(crate) const PATH: &str = "/api/public/customer/upsert/info";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DEFAULT_MAX_RETRIES: u32 = 2;
const DEFAULT_BACKOFF: Duration = Duration::from_millis(250);
const DEFAULT_BACKOFF_CAP: Duration = Duration::from_secs(8);
pub(crate) const LONGEST_TIME: Duration = Duration::from_secs(30 * 24 * 3600);
const MOST_IN_FLIGHT: usize = 1024;
const SLOWEST_RATE: f64 = 0.001;
const MOST_RESERVED: f64 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(builder: ClientBuilder, environment: &[(&str, &str)]) -> Result<Config, Error> {
        let value = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        builder.resolve(value, |_| None)
    }

    #[test]
    fn explicit_beats_environment_beats_default() {
        let environment =
            [("VAMBE_API_KEY", "k"), ("VAMBE_BASE_URL", "https://env.example"), ("VAMBE_CHANNEL_PHONE", "+561")];
        let config = resolve(ClientBuilder::default(), &environment).unwrap();
        assert_eq!(config.endpoint.host_str(), Some("env.example"));
        assert_eq!(config.check.channel_phone_number.as_deref(), Some("+561"));
        let explicit = ClientBuilder::default().base_url("https://mine.example").channel_phone_number("+562");
        let config = resolve(explicit, &environment).unwrap();
        assert_eq!(config.endpoint.host_str(), Some("mine.example"));
        assert_eq!(config.check.channel_phone_number.as_deref(), Some("+562"));
        let config = resolve(ClientBuilder::default().api_key("k"), &[]).unwrap();
        assert_eq!(config.endpoint.as_str(), "https://api.vambe.me/api/public/customer/upsert/info");
    }

    #[test]
    fn keeps_the_path_of_the_base_url() {
        let builder = ClientBuilder::default().api_key("k").base_url("https://gate.example/vambe/");
        assert_eq!(resolve(builder, &[]).unwrap().endpoint.path(), "/vambe/api/public/customer/upsert/info");
    }

    #[test]
    fn refuses_urls_that_are_wrong_or_would_leak_the_key() {
        for url in [
            "api.vambe.me",
            "localhost:8080",
            "ftp://x.example",
            "https://",
            "https://u:p@x.example",
            "https://x.example/?a=b",
            "http://x.example",
            "http://192.168.0.1",
        ] {
            assert!(resolve(ClientBuilder::default().api_key("k").base_url(url), &[]).is_err(), "{url}");
        }
        for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://x.example"] {
            assert!(resolve(ClientBuilder::default().api_key("k").base_url(url), &[]).is_ok(), "{url}");
        }
        assert!(
            resolve(ClientBuilder::default().api_key("k").base_url("http://x.example").allow_http(true), &[]).is_ok()
        );
    }

    #[test]
    fn refuses_an_emulator_key_for_any_other_machine() {
        let build =
            |url, allow| resolve(ClientBuilder::default().api_key("emulator_a").base_url(url).allow_http(allow), &[]);
        assert!(build("https://api.vambe.me", false).is_err());
        assert!(build("https://api.vambe.me", true).is_err());
        assert!(build("http://127.0.0.1:1", false).is_ok());
        assert!(build("http://emulator:1", true).is_ok());
    }
}
