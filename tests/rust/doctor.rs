//! `vambe doctor`: what it finds, and what it never shows.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value as Json, json};
use vambe_emulator::Emulator;
use vambe_tests::command::Folder;
use vambe_tests::tls_server::{Authority, Manner, Proxy, Server, nobody, text};

/// Runs `doctor --json`, and returns the exit code and what it printed.
async fn doctor(folder: &Folder, arguments: &[&str]) -> (Option<i32>, Json) {
    folder.json(&[&["doctor", "--json"][..], arguments].concat()).await
}

fn at(url: &str) -> Folder {
    Folder::new().env("VAMBE_API_KEY", "canary_key_1234567890").env("VAMBE_BASE_URL", url)
}

/// Returns the status and the message of the checks of a name.
fn told<'j>(found: &'j Json, name: &str) -> Vec<(&'j str, &'j str)> {
    let checks = found["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    checks.map(|check| (check["status"].as_str().unwrap(), check["message"].as_str().unwrap())).collect()
}

fn problems(found: &Json) -> Vec<&str> {
    let checks = found["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "problem");
    checks.map(|check| check["message"].as_str().unwrap()).collect()
}

/// Takes out what differs from run to run and from door to door; Python and Node do the same.
fn without_what_differs(mut found: Json, host: &str) -> Json {
    for key in ["door", "runtime", "target", "version"] {
        found.as_object_mut().unwrap().remove(key).unwrap();
    }
    for check in found["checks"].as_array_mut().unwrap() {
        check.as_object_mut().unwrap().remove("ms");
        check.as_object_mut().unwrap().remove("skew_seconds");
    }
    let words = found.to_string().replace(host, "HOST");
    let words: Vec<&str> = words.split(' ').collect();
    let is_time = |at: usize| words.get(at + 1).is_some_and(|next| next.starts_with("ms"));
    let words = words.iter().enumerate().map(|(at, word)| match (is_time(at), word.strip_prefix('(')) {
        (false, _) => *word,
        (true, None) => "0",
        (true, Some(_)) => "(0",
    });
    serde_json::from_str(&words.collect::<Vec<_>>().join(" ")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_with_an_emulator() {
    let emulator = Emulator::start().await.unwrap();
    let folder = Folder::new().env("VAMBE_API_KEY", "emulator_doctor").env("VAMBE_BASE_URL", emulator.url());
    let (code, found) = doctor(&folder, &[]).await;
    assert_eq!((code, &found["door"], &found["runtime"]), (Some(0), &json!("command"), &Json::Null));
    assert_eq!(found["target"]["os"], std::env::consts::OS);
    let expected = std::fs::read_to_string(vambe_tests::repository().join("tests/fixtures/doctor.json")).unwrap();
    let host = emulator.url().strip_prefix("http://").unwrap();
    let expected: Json = serde_json::from_str(&expected).unwrap();
    assert_eq!(without_what_differs(found, host), expected);
    let ran = folder.run(&["doctor"]).await;
    assert_eq!(ran.code, Some(0));
    assert!(ran.stdout.starts_with(concat!("vambe ", env!("CARGO_PKG_VERSION"), ", command, ")), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nok       base_url    http://127.0.0.1:"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n0 problems, 0 warnings\n"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_server_with_tls_is_timed_step_by_step_and_its_clock_compared() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let folder = at(&server.url()).env("SSL_CERT_FILE", &text(&ours.file()));
    let (code, found) = doctor(&folder, &[]).await;
    assert_eq!((code, found["status"].as_str()), (Some(0), Some("warning")));
    let message = format!("1 certificate of {} (SSL_CERT_FILE)", text(&ours.file()));
    assert_eq!(told(&found, "trust")[0], ("ok", message.as_str()));
    let connection = found["checks"].as_array().unwrap().iter().find(|check| check["name"] == "connection").unwrap();
    let steps: Vec<&String> = connection["ms"].as_object().unwrap().keys().collect();
    assert_eq!(steps, ["connect", "TLS", "first_byte"]);
    assert_eq!((&connection["address"], &connection["family"]), (&json!("127.0.0.1"), &json!("IPv4")));
    let (status, message) = told(&found, "clock")[0];
    assert!(status == "warning" && message.contains("s ahead of the Date of 127.0.0.1:"), "{message}");
    assert_eq!(told(&found, "answer"), [("ok", "HTTP 404 to a GET without a key")]);
    let heads = server.heads();
    assert!(heads.len() == 1 && heads[0].starts_with("GET /api/public/customer/upsert/info HTTP/1.1\r\n"), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("x-api-key"), "{heads:?}");
}

#[tokio::test]
async fn a_machine_without_any_roots_has_those_of_mozilla() {
    let folder = at("https://vambe.invalid").env("SSL_CERT_FILE", "/dev/null");
    let (_, found) = doctor(&folder, &[]).await;
    let roots = found["checks"].as_array().unwrap().iter().find(|check| !check["mozilla"].is_null()).unwrap();
    assert_eq!(roots["platform"], 0, "{roots}");
    assert!(roots["mozilla"].as_u64() > Some(100), "{roots}");
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_a_problem_with_the_sentence_of_a_call() {
    let server = Server::tls(Authority::new().certify()).await;
    let (code, found) = doctor(&at(&server.url()), &[]).await;
    assert_eq!(code, Some(1));
    let problem = problems(&found)[0];
    assert!(
        problem.contains("signed by a CA that this machine does not trust: pass --ca-file, or set SSL_CERT_FILE"),
        "{problem}"
    );
    assert!(problem.starts_with(&format!("{} (IPv4): connect ", server.address)), "{problem}");
}

#[tokio::test]
async fn a_proxy_is_named_with_the_reason_and_asked_step_by_step() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let manner = Manner::Guarded("Proxy-Authorization: Basic Y2FuYXJ5X3VzZXI6Y2FuYXJ5X3Bhc3M=");
    let proxy = Proxy::start(server.address, manner).await;
    let with = format!("http://canary_user:canary_pass@{}", proxy.address);
    let folder = at(&server.named_url()).env("HTTPS_PROXY", &with);
    let (code, found) = doctor(&folder, &["--ca-file", &text(&ours.file())]).await;
    assert_eq!(code, Some(0), "{found}");
    let message = format!("{}, with user and password: HTTPS_PROXY names it", proxy.url());
    assert_eq!(told(&found, "proxy"), [("ok", message.as_str())]);
    let connection = told(&found, "connection")[0];
    assert!(connection.1.contains(", tunnel ") && connection.1.contains(", TLS "), "{connection:?}");
    let folder = at(&server.named_url()).env("HTTPS_PROXY", &proxy.url());
    let (code, found) = doctor(&folder, &[]).await;
    assert_eq!(code, Some(1));
    assert!(problems(&found)[0].contains("asks for a user and password (407): put them into HTTPS_PROXY"), "{found}");
    let folder = at(&server.url()).env("HTTPS_PROXY", &proxy.url());
    let (_, found) = doctor(&folder, &["--ca-file", &text(&ours.file())]).await;
    assert_eq!(told(&found, "proxy"), [("ok", "none: a proxy has no way to this machine's own loopback")]);
    let folder = at("https://vambe.invalid").env("HTTPS_PROXY", &proxy.url()).env("NO_PROXY", ".invalid");
    let (code, found) = doctor(&folder, &[]).await;
    assert_eq!((code, told(&found, "proxy")[0].1), (Some(1), "none: NO_PROXY lists .invalid"));
    assert!(problems(&found)[0].starts_with("the name of vambe.invalid cannot be found"), "{found}");
}

#[tokio::test]
async fn a_proxy_that_refuses_says_with_which_status() {
    let proxy = Proxy::start(nobody().await, Manner::Saying("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let (code, found) = doctor(&at("https://vambe.invalid"), &["--proxy", &proxy.url()]).await;
    assert_eq!(code, Some(1));
    assert!(problems(&found)[0].contains("opens no tunnel to vambe.invalid (403): ask its operator"), "{found}");
}

#[tokio::test]
async fn nothing_that_listens_is_a_problem() {
    let nobody = nobody().await;
    let (code, found) = doctor(&at(&format!("http://{nobody}")), &[]).await;
    assert_eq!(code, Some(1));
    let refused = format!("{nobody} refused the connection: check --base-url, and that something listens there");
    assert_eq!(problems(&found), [format!("{nobody} (IPv4): {refused}")]);
}

#[tokio::test]
async fn a_broken_set_up_is_told_part_by_part_and_ends_with_1() {
    let folder = Folder::new().env("VAMBE_BASE_URL", "api.vambe.me");
    let (code, found) = doctor(&folder, &[]).await;
    assert_eq!(code, Some(1));
    let url = "--base-url must be a URL with scheme and host, such as https://api.vambe.me (VAMBE_BASE_URL)";
    let key = "not set: set VAMBE_API_KEY, whose value is in the Vambe dashboard under Developers";
    assert_eq!(problems(&found), [key, url]);
    assert_eq!(told(&found, "connection"), [("warning", "not tried: mend the problems above first")]);
    let folder = at("https://vambe.invalid").env("SSL_CERT_FILE", "/nowhere.pem").env("ALL_PROXY", "socks5://canary@p");
    let (_, found) = doctor(&folder, &[]).await;
    assert!(problems(&found)[0].starts_with("ALL_PROXY names a SOCKS proxy, which is not built in"), "{found}");
    let folder = at("https://vambe.invalid").env("SSL_CERT_FILE", "/nowhere.pem");
    let (_, found) = doctor(&folder, &[]).await;
    assert!(problems(&found)[0].starts_with("SSL_CERT_FILE /nowhere.pem cannot be read"), "{found}");
    let folder = Folder::new().env("VAMBE_API_KEY", "emulator_canary");
    let (_, found) = doctor(&folder, &["--base-url", "https://vambe.invalid"]).await;
    assert!(problems(&found)[0].starts_with("this API key is an emulator's"), "{found}");
    assert_eq!(Folder::new().run(&["doctor", "--nonsense"]).await.code, Some(2));
}

#[tokio::test]
async fn neither_key_nor_password_nor_home_is_shown_in_any_case() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let proxy = Proxy::start(server.address, Manner::Open).await;
    let home = text(&ours.file());
    let home = home.strip_suffix("/ca.pem").unwrap();
    let with = format!("http://canary_user:canary_pass@{}", proxy.address);
    let ca_file = text(&ours.file());
    for (key, url, variable, arguments) in [
        (" canary_key\n", server.named_url(), with.as_str(), vec!["--ca-file", &ca_file]),
        ("canary key", server.named_url(), with.as_str(), vec!["--ca-file", "/canary/no"]),
        ("emulator_canary", server.named_url(), with.as_str(), vec![]),
        ("canary_key", "https://canary:canary@x.invalid".to_owned(), "socks5://canary:canary@p", vec![]),
        ("canary_key", "https://x.invalid".to_owned(), "http://canary:ca#nary@p", vec![]),
        ("canary_key", "https://x.invalid".to_owned(), "http://p.invalid", vec!["--proxy", &with]),
    ] {
        let folder = Folder::new().env("VAMBE_API_KEY", key).env("VAMBE_BASE_URL", &url).env("ALL_PROXY", variable);
        let folder = folder.env("HOME", home);
        for form in [vec!["doctor"], vec!["doctor", "--json"]] {
            let ran = folder.run(&[form, arguments.clone()].concat()).await;
            let all = format!("{}{}", ran.stdout, ran.stderr).replace("/canary/no", "");
            assert!(!all.contains("canary") && !all.contains(home), "{all}");
            assert!(ran.stdout.contains("base_url") && ran.stderr.is_empty(), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn a_name_with_two_addresses_is_tried_at_both() {
    let server = Server::plain().await;
    let (code, found) = doctor(&at(&format!("http://localhost:{}", server.address.port())), &[]).await;
    assert_eq!(code, Some(0), "{found}");
    let connections = told(&found, "connection");
    assert!(connections.iter().any(|(status, message)| *status == "ok" && message.contains("(IPv4)")), "{found}");
    // Where the name has both, the other is a warning: calls get through all the same.
    assert!(
        connections
            .iter()
            .all(|(status, message)| *status != "problem" && (*status == "ok" || message.contains("IPv6")))
    );
}
