//! The client over real connections: what each way of failing is called, and what it costs.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use vambe::{
    Client, ClientBuilder, CustomerRecord, Delivery, Error, ErrorCode, Outcome, Pacing, Phase, UpsertManyOptions,
};
use vambe_emulator::{Action, Emulator, Fault};

fn builder(emulator: &Emulator) -> ClientBuilder {
    let builder = Client::builder().api_key(emulator.api_key()).base_url(emulator.url());
    builder.backoff(Duration::from_millis(1)).backoff_cap(Duration::from_millis(1))
}

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678").contact_name("Maria Rodriguez")
}

/// Upserts once against an emulator with faults, and gives the error and the requests that arrived.
async fn failure(faults: Vec<Fault>, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> (Error, usize) {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_faults(emulator.api_key(), faults).unwrap();
    let client = change(builder(&emulator)).build().unwrap();
    let error = client.upsert(record()).await.unwrap_err();
    (error, emulator.requests(emulator.api_key()).unwrap().len())
}

#[tokio::test]
async fn what_arrives_is_the_prepared_body_to_the_byte_with_the_key_and_our_name() {
    let emulator = Emulator::start().await.unwrap();
    let client = builder(&emulator).app_info("shop/1.2").build().unwrap();
    let contact = client.upsert(record()).await.unwrap();
    assert_eq!(contact.phone.as_deref(), Some("+56912345678"));
    let requests = emulator.requests(emulator.api_key()).unwrap();
    let request = &requests[0];
    assert_eq!(request.body.as_deref(), Some(client.prepare(&record()).unwrap().body.as_str()));
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["user-agent"], concat!("vambe-rust/", env!("CARGO_PKG_VERSION"), " shop/1.2"));
    assert_eq!(request.path, "/api/public/customer/upsert/info");
}

/// Returns the body of a curl of the API's page, as it stands there.
fn body_of_the_page(file: &str) -> String {
    let text = std::fs::read_to_string(vambe_tests::repository().join("examples/api-page").join(file)).unwrap();
    let (_, data) = text.split_once("--data").unwrap();
    data[data.find('\'').unwrap() + 1..data.rfind('\'').unwrap()].to_owned()
}

/// Sends a body as it is, and reads the answer.
async fn call_as_curl_does(emulator: &Emulator, body: &str) -> serde_json::Value {
    let mut connection = TcpStream::connect(emulator.url().strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /api/public/customer/upsert/info HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\nx-api-key: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        emulator.api_key(),
        body.len()
    );
    connection.write_all((head + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn the_curls_of_the_page_give_the_same_contact_through_the_crate() {
    let emulator = Emulator::start().await.unwrap();
    let client = builder(&emulator).build().unwrap();
    for file in ["whatsapp.sh", "webchat.sh"] {
        let body = body_of_the_page(file);
        let raw = call_as_curl_does(&emulator, &body).await;
        let contact = client.upsert(CustomerRecord::from_json(&body).unwrap()).await.unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&contact.raw).unwrap(), raw, "{file}");
    }
    let record = CustomerRecord::from_json(&body_of_the_page("overview.sh")).unwrap();
    let error = client.upsert(record).await.unwrap_err();
    let missing: Vec<String> = error.violations().iter().map(|violation| violation.path.to_string()).collect();
    assert_eq!(
        missing,
        ["channel_phone_number", "contact_phone_number"],
        "the page's first curl is refused as it stands"
    );
}

#[tokio::test]
async fn the_same_record_gives_the_same_contact() {
    let emulator = Emulator::start().await.unwrap();
    let client = builder(&emulator).build().unwrap();
    let (first, second) = (client.upsert(record()).await.unwrap(), client.upsert(record()).await.unwrap());
    assert_eq!(first.id, second.id);
    assert_eq!(emulator.connections().accepted, 1, "connections are kept alive");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_an_authentication_error() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::builder().api_key("someone_else").base_url(emulator.url()).build().unwrap();
    let error = client.upsert(record()).await.unwrap_err();
    assert_eq!((error.code(), error.status(), error.attempts()), (ErrorCode::Authentication, Some(401), 1));
    assert_eq!(error.delivery(), Delivery::Rejected);
}

#[tokio::test]
async fn missing_custom_fields_are_named() {
    let emulator = Emulator::start().await.unwrap();
    let client = builder(&emulator).build().unwrap();
    let error = client.upsert(record().custom_field("nope", "1").custom_field("nada", "2")).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (ErrorCode::BadRequest, false));
    assert_eq!(error.missing_custom_fields(), ["nope", "nada"]);
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_tried_once_more_for_free() {
    for action in [Action::CloseBeforeRead, Action::CloseAfterRead, Action::Reset] {
        let emulator = Emulator::start().await.unwrap();
        emulator.set_faults(emulator.api_key(), vec![Fault::action(action)]).unwrap();
        let client = builder(&emulator).max_retries(0).build().unwrap();
        assert_eq!(client.upsert(record()).await.unwrap().attempts, 2, "{action:?}");
        let (error, _) = failure(vec![Fault::action(action).times(2)], |builder| builder.max_retries(0)).await;
        assert_eq!((error.code(), error.delivery()), (ErrorCode::Connection, Delivery::Unknown), "{action:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_applied_once() {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_faults(emulator.api_key(), vec![Fault::action(Action::CloseAfterRead).apply(true)]).unwrap();
    let client = builder(&emulator).build().unwrap();
    let contact = client.upsert(record()).await.unwrap();
    assert_eq!(contact.attempts, 2);
    assert_eq!(client.upsert(record()).await.unwrap().id, contact.id);
}

#[tokio::test]
async fn an_answer_that_stalls_ends_with_the_time_and_names_the_phase() {
    let limit = |builder: ClientBuilder| builder.max_retries(0).attempt_timeout(Duration::from_millis(200));
    let (error, _) = failure(vec![Fault::action(Action::Stall)], limit).await;
    assert_eq!(
        (error.code(), error.phase(), error.delivery()),
        (ErrorCode::Timeout, Some(Phase::Wait), Delivery::Unknown)
    );
    let (error, _) = failure(vec![Fault::action(Action::StallBody)], limit).await;
    assert_eq!((error.code(), error.phase()), (ErrorCode::Timeout, Some(Phase::Body)));
    let (error, _) = failure(vec![Fault::action(Action::SlowBody).bytes_per_second(10)], limit).await;
    assert_eq!((error.code(), error.phase()), (ErrorCode::Timeout, Some(Phase::Body)));
}

#[tokio::test]
async fn an_answer_that_lies_about_its_length_is_a_cut_connection() {
    let (error, requests) = failure(vec![Fault::action(Action::TruncateBody).times(9)], |builder| builder).await;
    assert_eq!((error.code(), error.phase(), error.attempts()), (ErrorCode::Connection, Some(Phase::Body), 3));
    assert_eq!((error.delivery(), requests), (Delivery::Unknown, 3));
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_no_success() {
    for body in ["<html>login</html>", "{\"id\":", "{}", "", "[]", "{\"id\":null}", "{\"id\":\"\"}"] {
        let (error, requests) = failure(vec![Fault::answer(200).body(body)], |builder| builder).await;
        assert_eq!((error.code(), error.status()), (ErrorCode::InvalidResponse, Some(200)), "{body}");
        assert_eq!((error.delivery(), requests), (Delivery::Unknown, 1), "{body}");
    }
}

#[tokio::test]
async fn errors_in_html_and_in_plain_text_keep_their_status() {
    let html =
        Fault::answer(502).header("content-type", "text/html").body("<html><h1>Bad Gateway</h1></html>").times(3);
    let (error, _) = failure(vec![html], |builder| builder).await;
    assert_eq!((error.code(), error.message()), (ErrorCode::Server, "the server failed (502)"));
    assert!(error.body().unwrap().contains("Bad Gateway"));
    let (error, _) = failure(vec![Fault::answer(400).body("channel is wrong")], |builder| builder).await;
    assert_eq!(error.message(), "the server refused the record (400): channel is wrong");
}

#[tokio::test]
async fn a_redirect_is_an_error_and_never_followed() {
    let redirect = Fault::answer(307).header("location", "http://127.0.0.1:1/");
    let (error, requests) = failure(vec![redirect], |builder| builder).await;
    assert_eq!((error.code(), error.status(), requests), (ErrorCode::Api, Some(307), 1));
}

#[tokio::test]
async fn a_refused_connection_was_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::builder().api_key("k").base_url(url).backoff(Duration::from_millis(1)).build().unwrap();
    let error = client.upsert(record()).await.unwrap_err();
    assert_eq!((error.code(), error.delivery(), error.attempts()), (ErrorCode::Connection, Delivery::NotSent, 3));
    assert_eq!(error.phase(), Some(Phase::Connect));
}

/// A server that says the same bytes to everybody.
async fn saying(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    url
}

#[tokio::test]
async fn something_that_does_not_speak_http_is_named_so() {
    let url = saying(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let client = Client::builder().api_key("k").base_url(url).max_retries(0).build().unwrap();
    let error = client.upsert(record()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Connection);
    assert!(error.message().contains("does not speak HTTP"), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_a_megabyte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 8192]).await;
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat();
        while socket.write_all(&chunk).await.is_ok() {}
    });
    let client = Client::builder().api_key("k").base_url(url).max_retries(0).build().unwrap();
    let error = client.upsert(record()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidResponse);
    assert_eq!(error.body().unwrap().len(), 4096);
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_costs_no_retry() {
    // Answers one request on each connection, then closes it although it promised to keep it.
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read(&mut [0; 8192]).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":\"a\"}").await;
            }
        });
        url
    };
    let client = Client::builder().api_key("k").base_url(url).max_retries(0).build().unwrap();
    for _ in 0..50 {
        client.upsert(record()).await.unwrap();
    }
}

#[tokio::test]
async fn dropping_a_call_closes_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client =
        Client::builder().api_key("k").base_url(format!("http://{}", listener.local_addr().unwrap())).build().unwrap();
    let call = tokio::spawn(async move { client.upsert(record()).await });
    let (mut socket, _) = listener.accept().await.unwrap();
    assert!(socket.read(&mut [0; 8192]).await.unwrap() > 0);
    call.abort();
    let rest = tokio::time::timeout(Duration::from_secs(5), read_to_end(&mut socket)).await;
    assert!(rest.is_ok(), "the connection is still open");
}

async fn read_to_end(socket: &mut TcpStream) -> usize {
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.unwrap_or_default()
}

#[tokio::test]
async fn a_batch_through_flaky_connections_loses_nothing() {
    let emulator = Emulator::start().await.unwrap();
    let faults = [
        Fault::answer(503).containing("+56910000003").times(2),
        Fault::answer(429).header("retry-after", "0").containing("+56910000005").times(9),
        Fault::action(Action::CloseAfterRead).apply(true).containing("+56910000007").times(3),
        Fault::action(Action::TruncateBody).containing("+56910000009").times(2),
        Fault::answer(400).body("no").containing("+56910000011"),
    ];
    emulator.set_faults(emulator.api_key(), faults.to_vec()).unwrap();
    let records =
        (0..200).map(|index| CustomerRecord::whatsapp("+56987654321", format!("+569{:08}", 10_000_000 + index)));
    let client = builder(&emulator).build().unwrap();
    let options = UpsertManyOptions::default().pacing(Pacing::Off).max_concurrency(8);
    let outcomes: Vec<Outcome> = client.upsert_many(stream::iter(records), options).unwrap().collect().await;
    let refused: Vec<_> = outcomes.iter().filter(|outcome| !outcome.ok()).map(|outcome| outcome.index).collect();
    assert_eq!((outcomes.len(), refused), (200, vec![11]));
    assert_eq!(outcomes.iter().find(|outcome| outcome.index == 5).unwrap().attempts, 10);
}

#[tokio::test]
async fn the_note_of_the_old_endpoint_arrives_as_metadata() {
    let emulator = Emulator::start().await.unwrap();
    let note =
        json!({"to_phone": "+56912345678", "from_phone": "+56987654321", "note": "VIP", "contact_name": "John Doe"});
    let record = CustomerRecord::from_note(note).unwrap();
    builder(&emulator).build().unwrap().upsert(record).await.unwrap();
    let requests = emulator.requests(emulator.api_key()).unwrap();
    assert!(requests[0].body.as_ref().unwrap().contains(r#""meta_data":{"internal_note":"VIP"}"#));
}
