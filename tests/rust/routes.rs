//! Every route to a server, {works, wrong CA, refused, 407}, and what is said of each that does not work.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vambe::{
    Client, ClientBuilder, CustomerRecord, Delivery, Door, Error, ErrorCode, Pacing, Phase, UpsertManyOptions,
};
use vambe_tests::command::{Folder, Ran, customers};
use vambe_tests::tls_server::{Authority, Certified, Manner, Proxy, Server, nobody, text};

const UNTRUSTED: &str = "signed by a CA that this machine does not trust: pass ca_file, or set SSL_CERT_FILE to a PEM \
    file that holds it";

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56912345678")
}

/// Retries are on, so that an error that is tried again shows.
fn builder(url: &str) -> ClientBuilder {
    Client::builder().api_key("k").base_url(url).backoff(Duration::from_millis(1))
}

async fn failure(builder: ClientBuilder) -> Error {
    builder.build().unwrap().upsert(record()).await.unwrap_err()
}

/// Asserts what is said of a way that stays closed, and that nobody tries it again.
async fn assert_closed(builder: ClientBuilder, message: &str) {
    let error = failure(builder).await;
    assert_eq!(error.message(), message);
    assert_eq!(
        (error.code(), error.delivery(), error.phase()),
        (ErrorCode::Connection, Delivery::NotSent, Some(Phase::Connect))
    );
    assert_eq!((error.retryable(), error.attempts()), (false, 1), "{message}");
}

/// Asserts what is said of a way that may open again, and that it is tried again.
async fn assert_tried_again(builder: ClientBuilder, message: &str) {
    let error = failure(builder).await;
    assert_eq!(error.message(), message);
    assert_eq!((error.code(), error.delivery()), (ErrorCode::Connection, Delivery::NotSent));
    assert!(error.retryable() && error.attempts() > 1, "{message}");
}

// Certificates, named by the option

#[tokio::test]
async fn a_ca_file_is_trusted_and_another_is_not() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.certify()).await;
    let contact = builder(&server.url()).ca_file(ours.file()).build().unwrap().upsert(record()).await.unwrap();
    assert_eq!(contact.id, "c1");
    let message = format!("the certificate of {} is {UNTRUSTED}", server.address);
    assert_closed(builder(&server.url()).ca_file(other.file()), &message).await;
    let nobody = nobody().await;
    let refused = format!("{nobody} refused the connection: check base_url, and that something listens there");
    assert_tried_again(builder(&format!("https://{nobody}")).ca_file(ours.file()), &refused).await;
}

#[tokio::test]
async fn the_way_out_names_the_variables_of_the_language() {
    let server = Server::tls(Authority::new().certify()).await;
    for (runtime, variables) in [
        (Door::Rust, "SSL_CERT_FILE to"),
        (Door::Python, "SSL_CERT_FILE or REQUESTS_CA_BUNDLE to"),
        (Door::Node, "SSL_CERT_FILE or NODE_EXTRA_CA_CERTS to"),
    ] {
        let error = failure(builder(&server.url()).runtime(runtime)).await;
        assert!(error.message().contains(&format!("pass ca_file, or set {variables}")), "{error}");
    }
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_words_and_is_not_tried_again() {
    let ours = Authority::new();
    let clock = "check the clock of this machine";
    for (certified, fault) in [
        (ours.certify_expired(), format!("has expired: {clock}, and tell whoever runs the server")),
        (ours.certify_for_later(), format!("is not valid yet: {clock}")),
        (ours.certify_as(&["other.test"], |_| {}), "is for another name: check the host in base_url".to_owned()),
        (
            Certified::by_itself(),
            "is a CA's own, which no server may show: give the server one that the CA has signed".to_owned(),
        ),
    ] {
        let server = Server::tls(certified).await;
        let message = format!("the certificate of {} {fault}", server.address);
        assert_closed(builder(&server.url()).ca_file(ours.file()), &message).await;
    }
}

#[tokio::test]
async fn a_ca_file_that_is_missing_or_holds_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    let missing = folder.path().join("missing.pem");
    for (path, problem) in [
        (key, "holds no certificate in PEM form"),
        (missing, "cannot be read (No such file or directory (os error 2))"),
    ] {
        let error = builder("https://api.vambe.me").ca_file(&path).build().unwrap_err();
        let way_out = "name a PEM file with the certificate of the CA";
        assert_eq!(error.message(), format!("ca_file {} {problem}: {way_out}", path.display()));
        assert_eq!(error.code(), ErrorCode::Config);
        assert!(builder("http://127.0.0.1:1").ca_file(&path).build().is_ok(), "plain http reads no certificates");
    }
}

#[tokio::test]
async fn a_file_that_changes_is_read_again_by_the_next_client() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.certify()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::copy(other.file(), &file).unwrap();
    assert_eq!(failure(builder(&server.url()).ca_file(&file)).await.code(), ErrorCode::Connection);
    let both = [std::fs::read(ours.file()).unwrap(), std::fs::read(other.file()).unwrap()].concat();
    std::fs::write(&file, both).unwrap();
    builder(&server.url()).ca_file(&file).build().unwrap().upsert(record()).await.unwrap();
}

// Certificates, named by the environment: only another process can have one of its own.

async fn run(folder: Folder, url: &str, arguments: &[&str]) -> Ran {
    let folder = folder.env("VAMBE_API_KEY", "k").env("VAMBE_BASE_URL", url);
    let phones = ["--set", "contact_phone_number=+56911111111", "--set", "channel_phone_number=+56987654321"];
    let upsert = ["upsert", "--max-retries", "0", "--set", "channel=whatsapp"];
    folder.run(&[&upsert[..], &phones, arguments].concat()).await
}

fn assert_sent(ran: &Ran) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "{\"id\":\"c1\"}\n"), "{ran:?}");
}

fn assert_said(ran: &Ran, code: i32, message: &str) {
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(code), format!("vambe: {message}\n").as_str()));
}

#[tokio::test]
async fn ssl_cert_file_and_ssl_cert_dir_are_trusted_and_others_are_not() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.certify()).await;
    let nobody = nobody().await;
    let untrusted = UNTRUSTED.replace("ca_file", "--ca-file");
    for (name, path, wrong) in
        [("SSL_CERT_FILE", ours.file(), other.file()), ("SSL_CERT_DIR", ours.folder(), other.folder())]
    {
        let (path, wrong) = (text(&path), text(&wrong));
        assert_sent(&run(Folder::new().env(name, &path), &server.url(), &[]).await);
        let ran = run(Folder::new().env(name, &wrong), &server.url(), &[]).await;
        assert_said(&ran, 3, &format!("the certificate of {} is {untrusted}", server.address));
        let ran = run(Folder::new().env(name, &path), &format!("https://{nobody}"), &[]).await;
        assert_said(
            &ran,
            3,
            &format!("{nobody} refused the connection: check --base-url, and that something listens there"),
        );
    }
    let several = format!("/nowhere:{}:{}", text(&other.folder()), text(&ours.folder()));
    assert_sent(&run(Folder::new().env("SSL_CERT_DIR", &several), &server.url(), &[]).await);
    assert_sent(&run(Folder::new().env("SSL_CERT_FILE", &text(&ours.folder())), &server.url(), &[]).await);
    let both = Folder::new().env("SSL_CERT_FILE", &text(&other.file()));
    assert_sent(&run(both, &server.url(), &["--ca-file", &text(&ours.file())]).await);
}

#[tokio::test]
async fn variables_of_other_languages_do_not_count() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let file = text(&ours.file());
    let folder = Folder::new().env("REQUESTS_CA_BUNDLE", &file).env("NODE_EXTRA_CA_CERTS", &file);
    assert_eq!(run(folder, &server.url(), &[]).await.code, Some(3));
}

#[tokio::test]
async fn a_variable_that_names_nothing_usable_is_told_and_an_empty_one_is_not() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let ca_file = text(&ours.file());
    for nothing in ["", " ", "/dev/null"] {
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if (name, nothing) != ("SSL_CERT_DIR", "/dev/null") {
                let folder = Folder::new().env(name, nothing);
                assert_sent(&run(folder, &server.url(), &["--ca-file", &ca_file]).await);
            }
        }
    }
    let way_out = "with the certificate of the CA, or unset it";
    let ran = run(Folder::new().env("SSL_CERT_FILE", "/no-cert-file.crt"), &server.url(), &[]).await;
    let problem = "SSL_CERT_FILE /no-cert-file.crt cannot be read (No such file or directory (os error 2))";
    assert_said(&ran, 2, &format!("{problem}: name a PEM file {way_out}"));
    let ran = run(Folder::new().env("SSL_CERT_FILE", "/proc/version"), &server.url(), &[]).await;
    assert_said(
        &ran,
        2,
        &format!("SSL_CERT_FILE /proc/version holds no certificate in PEM form: name a PEM file {way_out}"),
    );
    let ran = run(Folder::new().env("SSL_CERT_DIR", "/nowhere"), &server.url(), &[]).await;
    let problem = "SSL_CERT_DIR /nowhere cannot be read (No such file or directory (os error 2))";
    assert_said(&ran, 2, &format!("{problem}: name a folder of PEM files {way_out}"));
}

// Proxies

const WELCOME: &str = "Proxy-Authorization: Basic dXNlcjpwQHNz";

fn asks(proxy: &Proxy, source: &str) -> String {
    let example = "http://user:password@proxy:3128";
    format!("the proxy {} asks for a user and password (407): put them into {source}, as in {example}", proxy.url())
}

fn refuses(address: SocketAddr, source: &str) -> String {
    format!("the proxy http://{address} refused the connection: check {source}, and that something listens there")
}

#[tokio::test]
async fn the_option_proxy_leads_to_a_name_that_only_the_proxy_can_find() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.certify()).await;
    let open = Proxy::start(server.address, Manner::Open).await;
    let by = |proxy: &str| builder(&server.named_url()).ca_file(ours.file()).proxy(proxy);
    by(&open.url()).build().unwrap().upsert(record()).await.unwrap();
    assert_eq!(open.heads().len(), 1);
    assert!(open.heads()[0].starts_with("CONNECT vambe.invalid:"), "{:?}", open.heads());
    assert!(!open.heads()[0].to_lowercase().contains("x-api-key"), "{:?}", open.heads());
    let place = format!("vambe.invalid:{}", server.address.port());
    let message = format!("the certificate of {place} is {UNTRUSTED}");
    assert_closed(by(&open.url()).ca_file(other.file()), &message).await;
    let nobody = nobody().await;
    assert_tried_again(by(&format!("http://{nobody}")), &refuses(nobody, "the option proxy")).await;
    let gone = Proxy::start(nobody, Manner::Open).await;
    assert_eq!(failure(by(&gone.url())).await.code(), ErrorCode::Connection);
}

#[tokio::test]
async fn user_and_password_open_a_guarded_proxy_and_are_asked_for_without_them() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let guarded = Proxy::start(server.address, Manner::Guarded(WELCOME)).await;
    let by = |proxy: &str| builder(&server.named_url()).ca_file(ours.file()).proxy(proxy);
    let with = |credentials: &str| by(&format!("http://{credentials}@{}", guarded.address));
    with("user:p%40ss").build().unwrap().upsert(record()).await.unwrap();
    assert!(guarded.heads()[0].to_lowercase().contains(&WELCOME.to_lowercase()), "{:?}", guarded.heads());
    assert!(server.heads().iter().all(|head| !head.to_lowercase().contains("proxy-authorization")));
    assert_closed(by(&guarded.url()), &asks(&guarded, "the option proxy")).await;
    let message =
        format!("the proxy {} refuses the user and password (407): check those in the option proxy", guarded.url());
    assert_closed(with("user:canary"), &message).await;
}

#[tokio::test]
async fn a_proxy_that_refuses_the_tunnel_or_is_none_is_told() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    for answer in ["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n"] {
        let proxy = Proxy::start(server.address, Manner::Saying(answer)).await;
        let message = format!(
            "the proxy {} opens no tunnel to vambe.invalid:{}: ask its operator to allow it, or put the host into NO_PROXY",
            proxy.url(),
            server.address.port()
        );
        assert_tried_again(builder(&server.named_url()).proxy(proxy.url()), &message).await;
    }
    let by = builder("https://vambe.invalid").proxy("http://proxy.invalid:3128");
    let message = "the name of the proxy http://proxy.invalid:3128 cannot be found: check the option proxy and the DNS";
    assert_tried_again(by, message).await;
    for socks in ["socks5://user:canary@127.0.0.1:1080", "socks5h://127.0.0.1", "socks4://127.0.0.1"] {
        let error = builder("https://vambe.invalid").proxy(socks).build().unwrap_err();
        let problem = "the option proxy names a SOCKS proxy, which is not built in";
        assert_eq!(error.message(), format!("{problem}: give the URL of an HTTP proxy, such as http://proxy:3128"));
    }
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_reached_and_its_certificate_is_judged_as_its_own() {
    let ours = Authority::new();
    let server = Server::tls(ours.certify()).await;
    let proxy = Proxy::start_with(server.address, Manner::Open, Some(ours.certify())).await;
    let by = |address| builder(&server.named_url()).ca_file(ours.file()).proxy(format!("https://{address}"));
    by(proxy.address).build().unwrap().upsert(record()).await.unwrap();
    let proxy = Proxy::start_with(server.address, Manner::Open, Some(Authority::new().certify())).await;
    let message = format!("the certificate of the proxy https://{} is {UNTRUSTED}", proxy.address);
    assert_closed(by(proxy.address), &message).await;
}

#[tokio::test]
async fn plain_http_goes_through_a_proxy_too_and_its_407_is_no_answer_of_the_api() {
    let server = Server::plain().await;
    let guarded = Proxy::start(server.address, Manner::Guarded(WELCOME)).await;
    let by = |proxy: String| builder("http://vambe.invalid").allow_http(true).proxy(proxy);
    let with = format!("http://user:p%40ss@{}", guarded.address);
    by(with).build().unwrap().upsert(record()).await.unwrap();
    assert!(guarded.heads()[0].starts_with("POST http://vambe.invalid/api/"), "{:?}", guarded.heads());
    assert_closed(by(guarded.url()), &asks(&guarded, "the option proxy")).await;
    let nobody = nobody().await;
    assert_tried_again(by(format!("http://{nobody}")), &refuses(nobody, "the option proxy")).await;
}

#[tokio::test]
async fn variables_name_proxies_in_either_case_and_no_proxy_leads_past_them() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.certify()).await;
    let open = Proxy::start(server.address, Manner::Open).await;
    let guarded = Proxy::start(server.address, Manner::Guarded(WELCOME)).await;
    let (nobody, url) = (nobody().await, server.named_url());
    let ca_file = ["--ca-file", &text(&ours.file())];
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let by = |proxy: String| Folder::new().env(name, &proxy);
        assert_sent(&run(by(open.url()), &url, &ca_file).await);
        assert_sent(&run(by(format!("http://user:p%40ss@{}", guarded.address)), &url, &ca_file).await);
        let ran = run(by(open.url()), &url, &["--ca-file", &text(&other.file())]).await;
        assert!(ran.stderr.contains(&UNTRUSTED.replace("ca_file", "--ca-file")), "{ran:?}");
        assert_said(&run(by(format!("http://{nobody}")), &url, &ca_file).await, 3, &refuses(nobody, name));
        assert_said(&run(by(guarded.url()), &url, &ca_file).await, 3, &asks(&guarded, name));
        let ran = run(by("socks5://user:canary@127.0.0.1:1".to_owned()), &url, &ca_file).await;
        let problem = format!("{name} names a SOCKS proxy, which is not built in");
        assert_said(&ran, 2, &format!("{problem}: give the URL of an HTTP proxy, such as http://proxy:3128"));
        let ran = run(by(open.url()).env("NO_PROXY", "a.test, .invalid"), &url, &ca_file).await;
        assert!(ran.stderr.contains("the name of vambe.invalid"), "{ran:?}");
    }
    let plain = Folder::new().env("HTTP_PROXY", &format!("http://{nobody}"));
    assert!(
        run(plain, &url, &ca_file).await.stderr.contains("the name of vambe.invalid"),
        "https does not go by HTTP_PROXY"
    );
    let past = Folder::new().env("HTTPS_PROXY", &format!("http://{nobody}"));
    assert_sent(&run(past, &server.url(), &ca_file).await);
}

// The network

#[tokio::test]
async fn an_ipv6_address_and_a_name_of_this_machine_are_reached() {
    let ours = Authority::new();
    let six = Server::tls_at("[::1]:0", ours.certify()).await;
    builder(&six.url()).ca_file(ours.file()).build().unwrap().upsert(record()).await.unwrap();
    assert!(six.heads()[0].contains(&format!("host: {}", six.address)), "{:?}", six.heads());
    let four = Server::tls(ours.certify()).await;
    let by_name = format!("https://localhost:{}", four.address.port());
    builder(&by_name).ca_file(ours.file()).build().unwrap().upsert(record()).await.unwrap();
}

#[tokio::test]
async fn a_name_without_an_address_is_told_with_the_way_out() {
    let message = "the name of vambe.invalid cannot be found: check base_url and the DNS; where only a proxy leads out, \
        pass proxy or set HTTPS_PROXY";
    assert_tried_again(builder("https://vambe.invalid"), message).await;
}

#[tokio::test]
async fn a_server_that_keeps_silent_while_connecting_is_told_and_tried_again() {
    // Takes connections, since the system does, and answers none.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = failure(builder(&format!("https://{address}")).connect_timeout(Duration::from_millis(100))).await;
    let place = format!("the time was over after 0.1 s, while connecting to {address}");
    let way_out = "check the network and the firewall; where only a proxy leads out, pass proxy or set HTTPS_PROXY";
    assert_eq!(error.message(), format!("{place}: {way_out}"));
    assert_eq!((error.code(), error.phase()), (ErrorCode::Timeout, Some(Phase::Connect)));
    assert_eq!((error.delivery(), error.attempts()), (Delivery::NotSent, 3));
}

/// Listens, says the same to everybody, and closes.
async fn saying(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(bytes).await;
            let _ = socket.read(&mut [0; 1024]).await;
        }
    });
    address
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_or_closes_at_once_is_told() {
    let (ssh, closing) = (saying(b"SSH-2.0-OpenSSH_9.2\r\n").await, saying(b"").await);
    let message = format!("what answers at {ssh} does not speak TLS: check scheme and port in base_url");
    assert_tried_again(builder(&format!("https://{ssh}")), &message).await;
    let message = format!(
        "{closing} closed the connection before it could be used: check base_url, and what stands between, such as a firewall"
    );
    assert_tried_again(builder(&format!("https://{closing}")), &message).await;
}

#[tokio::test]
async fn an_import_whose_way_is_closed_rejects_no_row() {
    let server = Server::tls(Authority::new().certify()).await;
    let folder = Folder::with(&[("customers.csv", &customers(1..200))]);
    let folder = folder.env("VAMBE_API_KEY", "k").env("VAMBE_BASE_URL", &server.url());
    let (code, total) = folder.json(&["import", "customers.csv", "--json", "-q"]).await;
    assert_eq!((code, &total["accepted"], &total["rejected"]), (Some(4), &json!(0), &json!(0)), "{total}");
    assert!(!folder.path("customers.csv.rejects.csv").exists());
    assert!(total.to_string().contains("that this machine does not trust: pass --ca-file"), "{total}");
}

#[tokio::test]
async fn a_batch_stops_at_the_first_way_that_stays_closed() {
    let server = Server::tls(Authority::new().certify()).await;
    let client = builder(&server.url()).build().unwrap();
    let records =
        (0..500).map(|index| CustomerRecord::whatsapp("+56987654321", format!("+569{:08}", 10_000_000 + index)));
    let options = UpsertManyOptions::default().pacing(Pacing::Off).max_concurrency(4);
    let mut outcomes = client.upsert_many(stream::iter(records), options).unwrap();
    let mut count = 0;
    while let Some(outcome) = outcomes.next().await {
        assert_eq!(outcome.result.unwrap_err().delivery(), Delivery::NotSent);
        count += 1;
    }
    assert!(count < 50, "{count} records for one certificate");
    let reason = outcomes.stopped().unwrap().to_string();
    assert!(
        reason.starts_with("the batch was stopped, no other record would get through either: the certificate"),
        "{reason}"
    );
}
