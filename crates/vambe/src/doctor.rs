//! `doctor`: what the set-up is, why, and how far a request gets, so that one paste answers a question.

mod probe;

use std::time::{Duration, SystemTime};

use reqwest::Url;
use rustls::ClientConfig;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::api_key::ApiKey;
use crate::config::{ClientBuilder, DEFAULT_BASE_URL, PATH, check_emulator_key, endpoint};
use crate::error::Error;
use crate::http::{speaks_tls, system_proxy};
use crate::obstacle::Way;
use crate::proxy::Route;
use crate::tls::{self, Trust};

use self::probe::{Attempt, Head, Probe};

/// What [`ClientBuilder::diagnose`] found, in the order in which it looked.
///
/// Serialising it gives an object with `status` and `checks`. It holds neither the key nor a
/// part of it, nor the user and password of a proxy.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The worst of all checks.
    pub status: CheckStatus,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What it is about, such as `proxy`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub status: CheckStatus,
    /// What was found; of a problem also the way out.
    pub message: String,
    /// The same as data.
    #[serde(flatten)]
    pub details: Map<String, Json>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// It is.
    Ok,
    /// Calls work, but something is odd.
    Warning,
    /// Calls cannot work.
    Problem,
}

impl CheckStatus {
    /// Returns the stable `snake_case` spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Check {
    fn new(name: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self { name, status, message: message.into(), details: Map::new() }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Ok, message)
    }

    fn problem(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Problem, message)
    }

    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}

/// Looks at the set-up, then sends a request that changes nothing and holds no key.
pub(crate) async fn diagnose(builder: ClientBuilder, variable: impl Fn(&str) -> Option<String>) -> Diagnosis {
    let environment = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let (mut checks, target) = set_up(&builder, &environment);
    match target {
        Some(target) => checks.extend(network(&target, &builder).await),
        None => checks.push(Check::new("connection", CheckStatus::Warning, "not tried: mend the problems above first")),
    }
    let home = environment("HOME").or_else(|| environment("USERPROFILE")).filter(|home| home.len() > 1);
    for check in &mut checks {
        // Whoever reads this need not know whose folder it is.
        check.message = home.as_ref().map_or_else(|| check.message.clone(), |home| check.message.replace(home, "~"));
    }
    let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
    Diagnosis { status, checks }
}

/// What a set-up without problems leads to.
struct Target {
    endpoint: Url,
    route: Route,
    tls: ClientConfig,
}

fn set_up(builder: &ClientBuilder, environment: &dyn Fn(&str) -> Option<String>) -> (Vec<Check>, Option<Target>) {
    let (base_url, endpoint) = base_url(builder, environment);
    let mut checks = vec![key(builder, environment, endpoint.as_ref()), base_url];
    let Some(endpoint) = endpoint else { return (checks, None) };
    let decided = Route::decide(&endpoint, builder.proxy.as_deref(), environment);
    let route = decided.and_then(|route| route.or_system(&endpoint, system_proxy));
    checks.push(proxy(&route));
    let Ok(route) = route else { return (checks, None) };
    let trust = Trust::of(builder.ca_file.clone(), builder.runtime_here(), environment);
    if !speaks_tls(&endpoint, &route) {
        checks.push(Check::ok("trust", "no certificates are needed for plain http"));
        return (checks, tls::without_roots().ok().map(|tls| Target { endpoint, route, tls }));
    }
    checks.extend(certificates(&trust));
    match trust.client_config() {
        Ok(tls) => (checks, Some(Target { endpoint, route, tls })),
        Err(error) => {
            // A file that is at fault has been named.
            if checks.iter().all(|check| check.name != "trust" || check.status == CheckStatus::Ok) {
                checks.push(Check::problem("trust", error.message()));
            }
            (checks, None)
        }
    }
}

fn key(builder: &ClientBuilder, environment: &dyn Fn(&str) -> Option<String>, endpoint: Option<&Url>) -> Check {
    let (text, from) = match (&builder.api_key, environment("VAMBE_API_KEY")) {
        (Some(text), _) => (text.clone(), "option"),
        (None, Some(text)) => (text, "VAMBE_API_KEY"),
        (None, None) => {
            let message = "not set: set VAMBE_API_KEY, whose value is in the Vambe dashboard under Developers";
            return Check::problem("key", message).with("is_set", false);
        }
    };
    let trimmed = text.trim();
    let length = trimmed.chars().count();
    let key = ApiKey::new(&text);
    let is_for_emulator = key.as_ref().is_ok_and(ApiKey::is_for_emulator);
    let check = match &key {
        Err(error) => Check::problem("key", error.message()),
        Ok(key) => match endpoint.map(|endpoint| check_emulator_key(key, endpoint, builder.allow_http)) {
            Some(Err(error)) => Check::problem("key", error.message()),
            _ => {
                let blanks = if trimmed.len() < text.len() { ", blanks around it removed" } else { "" };
                let whose = if is_for_emulator { ", of an emulator" } else { "" };
                Check::ok("key", format!("{length} characters, visible ASCII{blanks}{whose} ({from})"))
            }
        },
    };
    check
        .with("is_set", true)
        .with("from", from)
        .with("length", length)
        .with("was_trimmed", trimmed.len() < text.len())
        .with("is_visible_ascii", key.is_ok())
        .with("is_for_emulator", is_for_emulator)
}

fn base_url(builder: &ClientBuilder, environment: &dyn Fn(&str) -> Option<String>) -> (Check, Option<Url>) {
    let (text, from) = match (&builder.base_url, environment("VAMBE_BASE_URL")) {
        (Some(text), _) => (text.clone(), "option"),
        (None, Some(text)) => (text, "VAMBE_BASE_URL"),
        (None, None) => (DEFAULT_BASE_URL.to_owned(), "default"),
    };
    match endpoint(&text, builder.allow_http) {
        // Not the text itself, which may hold what was meant for another place.
        Err(error) => (Check::problem("base_url", format!("{} ({from})", error.message())).with("from", from), None),
        Ok(url) => {
            let shown = url.as_str().trim_end_matches(PATH).to_owned();
            (Check::ok("base_url", format!("{shown} ({from})")).with("url", shown).with("from", from), Some(url))
        }
    }
}

fn proxy(route: &Result<Route, Error>) -> Check {
    match route {
        Err(error) => Check::problem("proxy", error.message()),
        Ok(Route { proxy: None, why, .. }) => {
            Check::ok("proxy", format!("none: {why}")).with("proxy", Json::Null).with("why", why.as_str())
        }
        Ok(Route { proxy: Some(proxy), why, .. }) => {
            let hidden = if proxy.has_credentials() { ", with user and password" } else { "" };
            Check::ok("proxy", format!("{}{hidden}: {why}", proxy.shown()))
                .with("proxy", proxy.shown())
                .with("has_credentials", proxy.has_credentials())
                .with("why", why.as_str())
        }
    }
}

/// Lists the files that are trusted, and then the roots.
fn certificates(trust: &Trust) -> Vec<Check> {
    let mut checks: Vec<Check> = trust.authorities.iter().map(authority).collect();
    let mozilla = tls::mozilla_roots();
    let message = match tls::platform_roots() {
        Some(platform) => format!("{platform} roots of this machine, {mozilla} of Mozilla"),
        None => format!("the system decides, {mozilla} roots of Mozilla beside it"),
    };
    checks.push(Check::ok("trust", message).with("platform", tls::platform_roots()).with("mozilla", mozilla));
    checks
}

fn authority(authority: &tls::Authority) -> Check {
    let named_by = authority.named_by;
    let check = match authority.read() {
        Err(error) => Check::problem("trust", error.message()),
        Ok(found) => {
            let path = authority.path.display();
            let certificates = if found.len() == 1 { "certificate" } else { "certificates" };
            let message = format!("{} {certificates} of {path} ({named_by})", found.len());
            Check::ok("trust", message).with("found", found.len())
        }
    };
    check.with("from", named_by)
}

async fn network(target: &Target, builder: &ClientBuilder) -> Vec<Check> {
    let way = Way::new(&target.endpoint, &target.route, builder.runtime_here());
    let user_agent = builder.door.product();
    let probe = Probe::new(&target.endpoint, &way, &target.tls, user_agent, builder.connect_limit());
    let resolved = probe.resolve().await;
    let host = probe.first_host();
    let (addresses, took) = match resolved {
        Err(fault) => return vec![Check::problem("dns", fault.sentence(&way))],
        Ok(resolved) => resolved,
    };
    let names: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let message = match names.contains(&host) {
        true => format!("{host} is an address"),
        false => format!("{host} is {} ({} ms)", names.join(", "), millis(took)),
    };
    let mut checks =
        vec![Check::ok("dns", message).with("host", host).with("addresses", names).with("ms", millis(took))];
    let attempts = probe.attempts(&addresses).await;
    let is_open = attempts.iter().any(|attempt| attempt.end.is_ok());
    checks.extend(attempts.iter().map(|attempt| connection(attempt, &way, is_open)));
    if let Some(head) = attempts.iter().find_map(|attempt| attempt.end.as_ref().ok()) {
        checks.push(answer(head));
        checks.push(clock(head, &way));
    }
    checks
}

fn connection(attempt: &Attempt, way: &Way, is_open: bool) -> Check {
    let address = attempt.address;
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    let steps: Vec<String> = attempt.steps.iter().map(|(step, time)| format!("{step} {} ms", millis(*time))).collect();
    let steps = steps.join(", ");
    let check = match &attempt.end {
        Ok(_) => Check::ok("connection", format!("{address} ({family}): {steps}")),
        Err(fault) => {
            // Others lead there as well, and calls try them too.
            let status = if is_open { CheckStatus::Warning } else { CheckStatus::Problem };
            let before = if steps.is_empty() { String::new() } else { format!("{steps}, then ") };
            Check::new("connection", status, format!("{address} ({family}): {before}{}", fault.sentence(way)))
        }
    };
    let times = attempt.steps.iter().map(|(step, time)| (step.replace([' ', '-'], "_"), json!(millis(*time))));
    check.with("address", address.ip().to_string()).with("family", family).with("ms", times.collect::<Map<_, _>>())
}

/// Judges the answer to a GET where the API takes a POST.
fn answer(head: &Head) -> Check {
    let status = head.status;
    let told = format!("HTTP {status} to a GET without a key");
    let odd = match status {
        200..300 if head.is_html => {
            "a page answers instead of the API: check base_url, and whether this network asks for a log-in"
        }
        300..400 => "the server redirects, which is not followed: check base_url",
        500.. => "the server fails: try later",
        _ => return Check::ok("answer", told).with("http_status", status),
    };
    Check::new("answer", CheckStatus::Warning, format!("{told}; {odd}")).with("http_status", status)
}

fn clock(head: &Head, way: &Way) -> Check {
    let server = &way.server;
    let Some(date) = head.date else {
        return Check::ok("clock", format!("cannot be compared: the answer of {server} has no Date"));
    };
    let (skew, side) = skew(head.came, date);
    let compared = match skew {
        0..=2 => format!("agrees with the Date of {server}"),
        _ => format!("{skew} s {side} the Date of {server}"),
    };
    let check = match skew {
        0..=SKEW => Check::ok("clock", compared),
        _ => Check::new("clock", CheckStatus::Warning, format!("{compared}: set it, certificates are judged by it")),
    };
    check
        .with("skew_seconds", if side == "behind" { json!(-i128::from(skew)) } else { json!(skew) })
        .with("server", server.as_str())
}

/// Returns how many whole seconds this clock is ahead of a date or behind it.
fn skew(now: SystemTime, date: SystemTime) -> (u64, &'static str) {
    match now.duration_since(date) {
        Ok(ahead) => (ahead.as_secs(), "ahead of"),
        Err(behind) => (behind.duration().as_secs(), "behind"),
    }
}

/// Returns milliseconds with one digit after the point.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

const SKEW: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_by_more_than_a_minute_is_told() {
        let way = Way::new(&Url::parse("https://x.test").unwrap(), &Route::default(), crate::options::Door::Rust);
        let told = |now: u64, date: u64| {
            let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            let head = Head { status: 404, is_html: false, date: Some(at(date)), came: at(now) };
            let check = clock(&head, &way);
            (check.status, check.message, check.details["skew_seconds"].clone())
        };
        assert_eq!(told(1001, 1000), (CheckStatus::Ok, "agrees with the Date of x.test".into(), json!(1)));
        assert_eq!(told(1000, 1030), (CheckStatus::Ok, "30 s behind the Date of x.test".into(), json!(-30)));
        let (status, message, _) = told(4600, 1000);
        assert_eq!(status, CheckStatus::Warning);
        assert_eq!(message, "3600 s ahead of the Date of x.test: set it, certificates are judged by it");
    }

    #[test]
    fn a_page_a_redirect_and_a_failing_server_are_odd_and_a_refusal_is_not() {
        let status = |status, is_html| answer(&Head { status, is_html, date: None, came: SystemTime::now() }).status;
        assert_eq!([status(404, true), status(401, false), status(405, false)], [CheckStatus::Ok; 3]);
        assert_eq!([status(200, true), status(302, false), status(503, true)], [CheckStatus::Warning; 3]);
    }
}
