//! Which proxy calls go through, and why. Pure.
//!
//! A client calls one host, so this is decided once, for sending and for `doctor` alike. The
//! variables are those of curl, Python and Node, lower case first; `NO_PROXY` takes what any
//! of them takes.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::error::Error;

/// How calls reach the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Route {
    pub(crate) proxy: Option<Proxy>,
    /// Why it is this one, or none.
    pub(crate) why: String,
    /// Whether neither option nor environment says anything, so that the system's settings count.
    pub(crate) is_open: bool,
}

/// A proxy, whose user and password only its own request sees.
#[derive(Clone, PartialEq)]
pub(crate) struct Proxy {
    url: Url,
    pub(crate) named_by: &'static str,
}

impl Route {
    /// Decides by the option, then by the environment.
    pub(crate) fn decide(
        endpoint: &Url,
        option: Option<&str>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let given = option.map(|text| Proxy::parse(text, OPTION)).transpose()?;
        if is_loopback(endpoint) {
            return Ok(Self::direct("a proxy has no way to this machine's own loopback"));
        }
        if let Some(proxy) = given {
            return Self::through(proxy, endpoint);
        }
        let first = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, environment(name)?)));
        // A server that runs this as CGI makes HTTP_PROXY of a header that anybody can send.
        let is_cgi = environment("REQUEST_METHOD").is_some();
        let names = match endpoint.scheme() {
            "https" => ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ if is_cgi => ["http_proxy", "all_proxy", "ALL_PROXY", "ALL_PROXY"],
            _ => ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let no_proxy = first(&["no_proxy", "NO_PROXY"]);
        let excluded = no_proxy.and_then(|(name, list)| Some((name, excluding(&list, endpoint)?.to_owned())));
        match (first(&names), excluded) {
            (_, Some((name, entry))) => Ok(Self::direct(&format!("{name} lists {entry}"))),
            (Some((name, text)), None) => Self::through(Proxy::parse(&text, name)?, endpoint),
            (None, None) => Ok(Self { is_open: true, ..Self::direct("neither option nor environment names one") }),
        }
    }

    /// Goes by the system's settings, if nothing else was said.
    pub(crate) fn or_system(self, endpoint: &Url, setting: impl Fn(&Url) -> Option<String>) -> Result<Self, Error> {
        match self.is_open.then(|| setting(endpoint)).flatten() {
            Some(text) => Self::through(Proxy::parse(&text, SYSTEM)?, endpoint),
            None => Ok(self),
        }
    }

    fn direct(why: &str) -> Self {
        Self { proxy: None, why: why.to_owned(), is_open: false }
    }

    fn through(proxy: Proxy, endpoint: &Url) -> Result<Self, Error> {
        // The HTTP client asks for a certificate of the address in brackets, which no certificate can hold.
        if endpoint.scheme() == "https" && matches!(endpoint.host(), Some(Host::Ipv6(_))) {
            let problem = "base_url has an IPv6 address, which https does not reach through a proxy";
            return Err(Error::config(format!("{problem}: give a name instead, or list the address in NO_PROXY")));
        }
        let why = format!("{} names it", proxy.source());
        Ok(Self { proxy: Some(proxy), why, is_open: false })
    }
}

impl Proxy {
    /// Reads a proxy's URL, and never shows it in an error: it may hold a password.
    fn parse(text: &str, named_by: &'static str) -> Result<Self, Error> {
        let wrong = |what: &str| {
            let source = source(named_by);
            Error::config(format!("{source} {what}: give the URL of an HTTP proxy, such as http://proxy:3128"))
        };
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme).ok().filter(Url::has_host).ok_or_else(|| wrong("is no URL with a host"))?;
        if url.scheme().starts_with("socks") {
            return Err(wrong("names a SOCKS proxy, which is not built in"));
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("has another scheme than http or https"));
        }
        if url.query().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
            return Err(wrong("holds a /, ? or # after the host; in a password write them as %2F, %3F and %23"));
        }
        // What reads it later would take what it cannot read for no proxy at all.
        if url.as_str().parse::<http::Uri>().is_err() {
            return Err(wrong("holds a character that no URL has"));
        }
        Ok(Self { url, named_by })
    }

    /// Returns the URL with user and password, for the connection alone.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns what to say of it: scheme, host and port.
    pub(crate) fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn has_credentials(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Returns what names it, as part of a sentence.
    pub(crate) fn source(&self) -> &'static str {
        source(self.named_by)
    }
}

// The URL holds the password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({} by {})", self.shown(), self.named_by)
    }
}

fn source(named_by: &'static str) -> &'static str {
    if named_by == OPTION { "the option proxy" } else { named_by }
}

/// Returns whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the entry of a `NO_PROXY` that covers a URL.
fn excluding<'l>(list: &'l str, url: &Url) -> Option<&'l str> {
    list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).find(|entry| covers(entry, url))
}

fn covers(entry: &str, url: &Url) -> bool {
    if entry == "*" {
        return true;
    }
    let (name, port) = split_port(entry);
    if port.is_some_and(|port| url.port_or_known_default() != port.parse().ok()) {
        return false;
    }
    match url.host() {
        Some(Host::Domain(host)) => is_domain_of(name, host),
        Some(Host::Ipv4(address)) => is_network_of(name, address.into()),
        Some(Host::Ipv6(address)) => is_network_of(name, address.into()),
        None => false,
    }
}

/// Splits `host:port` and `[address]:port`; an IPv6 address without brackets has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

/// Returns whether a host is the named one or below it; a dot or `*.` in front changes nothing.
fn is_domain_of(name: &str, host: &str) -> bool {
    let name = name.trim_start_matches("*.").trim_matches('.').to_ascii_lowercase();
    let above = host.trim_end_matches('.').strip_suffix(&name);
    !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Returns whether an address is the named one, or within the named network.
fn is_network_of(name: &str, address: IpAddr) -> bool {
    let (network, bits) = name.split_once('/').map_or((name, None), |(network, bits)| (network, Some(bits)));
    let Ok(network) = network.parse::<IpAddr>() else { return false };
    let (width, network, address) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (32, u128::from(network.to_bits()), u128::from(address.to_bits()))
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (128, network.to_bits(), address.to_bits()),
        _ => return false,
    };
    let Ok(bits) = bits.map_or(Ok(width), str::parse::<u32>) else { return false };
    // Shifted by all its bits, nothing is left of either.
    width.checked_sub(bits).is_some_and(|shift| network.checked_shr(shift) == address.checked_shr(shift))
}

const OPTION: &str = "proxy";
const SYSTEM: &str = "the system";

#[cfg(test)]
mod tests {
    use super::*;

    fn route(url: &str, option: Option<&str>, environment: &[(&str, &str)]) -> Result<Route, Error> {
        let value = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        Route::decide(&Url::parse(url).unwrap(), option, value)
    }

    fn told(url: &str, option: Option<&str>, environment: &[(&str, &str)]) -> String {
        let route = route(url, option, environment).unwrap();
        format!("{}: {}", route.proxy.map_or("direct".to_owned(), |proxy| proxy.shown()), route.why)
    }

    const API: &str = "https://api.vambe.me/x";

    #[test]
    fn option_beats_environment_and_lower_case_beats_upper() {
        let all = [("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1"), ("ALL_PROXY", "c:1")];
        assert_eq!(told(API, Some("http://o:3128"), &all), "http://o:3128: the option proxy names it");
        assert_eq!(told(API, None, &all), "http://a:1: https_proxy names it");
        assert_eq!(told(API, None, &all[1..]), "http://b:1: HTTPS_PROXY names it");
        assert_eq!(told(API, None, &all[2..]), "http://c:1: ALL_PROXY names it");
        assert_eq!(told(API, None, &[("HTTP_PROXY", "b:1")]), "direct: neither option nor environment names one");
        assert_eq!(told("http://x.test/", None, &[("HTTP_PROXY", "b:1")]), "http://b:1: HTTP_PROXY names it");
    }

    #[test]
    fn a_header_of_a_cgi_request_names_no_proxy() {
        let cgi = [("REQUEST_METHOD", "POST"), ("HTTP_PROXY", "http://evil:1")];
        assert!(told("http://x.test/", None, &cgi).starts_with("direct"));
    }

    #[test]
    fn loopback_takes_no_proxy_and_needs_none_that_works() {
        for url in ["http://127.0.0.1:1/", "http://localhost/", "https://[::1]/", "http://a.localhost/"] {
            let why = told(url, None, &[("ALL_PROXY", "socks5://p:1")]);
            assert_eq!(why, "direct: a proxy has no way to this machine's own loopback", "{url}");
        }
    }

    #[test]
    fn no_proxy_takes_names_ports_addresses_networks_and_the_star() {
        let covered = |list: &str, url: &str| {
            route(url, None, &[("ALL_PROXY", "p:1"), ("NO_PROXY", list)]).unwrap().proxy.is_none()
        };
        for (list, url) in [
            ("*", API),
            ("x.test, *", API),
            ("vambe.me", API),
            (".vambe.me", API),
            ("*.vambe.me", API),
            ("API.Vambe.ME.", API),
            ("a.test api.vambe.me", API),
            ("api.vambe.me:443", API),
            ("10.1.2.3", "https://10.1.2.3/"),
            ("10.0.0.0/8", "https://10.1.2.3/"),
            ("0.0.0.0/0", "https://10.1.2.3/"),
            ("10.1.2.3:8443", "https://10.1.2.3:8443/"),
            ("2001:db8::/32", "https://[2001:db8::7]/"),
            ("2001:db8::7", "https://[2001:db8::7]/"),
            ("[2001:db8::7]:8443", "https://[2001:db8::7]:8443/"),
            ("::/0", "https://[2001:db8::7]/"),
        ] {
            assert!(covered(list, url), "{list} covers {url}");
        }
        for (list, url) in [
            ("", API),
            (".", API),
            ("pi.vambe.me", API),
            ("notvambe.me", API),
            ("me.x", API),
            ("api.vambe.me:80", API),
            ("api.vambe.me:x", API),
            ("10.0.0.0/16", "https://10.1.2.3/"),
            ("10.0.0.0/40", "https://10.1.2.3/"),
            ("10.0.0.0/x", "https://10.1.2.3/"),
            ("::/0", "https://10.1.2.3/"),
            ("10.1.2.3", "https://10.1.2.30/"),
        ] {
            assert!(!covered(list, url), "{list} does not cover {url}");
        }
        let why = told(API, None, &[("ALL_PROXY", "p:1"), ("no_proxy", "a.test,.vambe.me")]);
        assert_eq!(why, "direct: no_proxy lists .vambe.me");
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_and_never_passed_by_or_shown() {
        for (text, reason) in [
            ("socks5://canary:canary@p:1080", "HTTPS_PROXY names a SOCKS proxy, which is not built in: "),
            ("socks5h://p", "HTTPS_PROXY names a SOCKS proxy, which is not built in: "),
            ("ftp://canary@p", "HTTPS_PROXY has another scheme than http or https: "),
            ("http://", "HTTPS_PROXY is no URL with a host: "),
            ("http://canary:can#ary@p:1", "HTTPS_PROXY is no URL with a host: "),
            ("http://canary:1/canary@p:1", "HTTPS_PROXY holds a /, ? or # after the host; "),
            ("not a canary", "HTTPS_PROXY is no URL with a host: "),
        ] {
            let error = route(API, None, &[("HTTPS_PROXY", text)]).unwrap_err();
            assert!(error.message().starts_with(reason), "{error}");
            assert!(error.message().ends_with("give the URL of an HTTP proxy, such as http://proxy:3128"), "{error}");
            assert!(!format!("{error:?}").contains("canary"), "{error}");
            assert!(route(API, Some(text), &[]).unwrap_err().message().starts_with("the option proxy "));
        }
        assert!(route("http://localhost/", Some("socks5://p"), &[]).is_err(), "a wrong option is wrong for any host");
    }

    #[test]
    fn an_ipv6_address_behind_a_proxy_is_refused_for_https_alone() {
        let by =
            |url, environment: &[(&str, &str)]| route(url, Some("p:1").filter(|_| environment.is_empty()), environment);
        let error = by("https://[2001:db8::7]/", &[]).unwrap_err();
        assert!(error.message().starts_with("base_url has an IPv6 address, which https does not reach"), "{error}");
        assert!(by("https://[2001:db8::7]/", &[("ALL_PROXY", "p:1")]).is_err());
        assert!(by("https://[2001:db8::7]/", &[("ALL_PROXY", "p:1"), ("NO_PROXY", "2001:db8::7")]).is_ok());
        assert!(by("http://[2001:db8::7]/", &[]).is_ok());
    }

    #[test]
    fn user_and_password_stay_out_of_sight() {
        let route = route(API, Some("http://canary:canary%40@p:3128"), &[]).unwrap();
        assert!(!format!("{route:?}").contains("canary"), "{route:?}");
        let proxy = route.proxy.unwrap();
        assert!(proxy.has_credentials());
        assert_eq!(proxy.url().password(), Some("canary%40"));
    }

    #[test]
    fn the_systems_settings_count_when_nothing_else_was_said() {
        let ask = |environment| {
            let api = Url::parse(API).unwrap();
            route(API, None, environment).unwrap().or_system(&api, |_| Some("s:8".to_owned())).unwrap()
        };
        assert_eq!(ask(&[]).why, "the system names it");
        assert!(ask(&[("NO_PROXY", "*")]).proxy.is_none());
        assert_eq!(ask(&[("HTTPS_PROXY", "e:8")]).proxy.unwrap().shown(), "http://e:8");
    }
}
