//! What a call tells while it goes on: hooks, spans, and the trace that it belongs to.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use vambe::{
    CallEvent, CallOptions, Client, ClientBuilder, CustomerRecord, ErrorCode, EventKind, Exchange, ExchangeFuture,
    Phase, TraceContext, Transport, TransportErrorKind, UpsertManyOptions,
};
use vambe_tests::{Script, Step, answer, contact_answer};

const KEY: &str = "emulator_canary_5f3a";
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Runs a future in virtual time: waits take none.
fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

fn builder(transport: impl Transport) -> ClientBuilder {
    Client::builder().api_key(KEY).base_url("http://127.0.0.1:9/gate").transport(transport)
}

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56912345678").contact_name("Maria Canary").contact_email("canary@x.cl")
}

fn failing_once() -> Script {
    let refused = answer(503, &json!({"x-request-id": "r-1"}), r#"{"message":"no +56912345678"}"#);
    Script::new([Step::Answer(refused), Step::Answer(contact_answer("c-1"))])
}

/// Something that was told, for comparison.
type Told = Arc<Mutex<Vec<CallEvent>>>;

fn keeps(told: &Told) -> impl Fn(&CallEvent) + Send + Sync + 'static + use<> {
    let told = Arc::clone(told);
    move |event| told.lock().unwrap().push(event.clone())
}

fn kinds(told: &Told) -> Vec<EventKind> {
    told.lock().unwrap().iter().map(|event| event.kind).collect()
}

/// A subscriber that remembers every span, with its parent, and every event.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    spans: Vec<Span>,
    events: Vec<Fields>,
    entered: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Span {
    name: &'static str,
    parent: Option<u64>,
    fields: Fields,
}

type Fields = BTreeMap<String, String>;

struct Reader<'f>(&'f mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "vambe"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut recorded = self.0.lock().unwrap();
        let parent = recorded.entered.last().copied().filter(|_| attributes.is_contextual());
        let mut fields = Fields::new();
        attributes.record(&mut Reader(&mut fields));
        recorded.spans.push(Span { name: attributes.metadata().name(), parent, fields });
        Id::from_u64(recorded.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let place = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Reader(&mut self.0.lock().unwrap().spans[place].fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Reader(&mut fields));
        self.0.lock().unwrap().events.push(fields);
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.0.lock().unwrap().entered.pop(), Some(span.into_u64()));
    }
}

/// Runs a future in virtual time, and returns the spans and events that came of it.
fn recorded(future: impl Future<Output = ()>) -> (Vec<Span>, Vec<Fields>) {
    let subscriber = Recorder::default();
    let kept = subscriber.clone();
    tracing::subscriber::with_default(subscriber, || in_virtual_time(future));
    let seen = kept.0.lock().unwrap();
    (seen.spans.clone(), seen.events.clone())
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_call_has_a_span_and_each_attempt_a_client_span_after_the_conventions() {
    let (spans, events) = recorded(async {
        builder(failing_once()).build().unwrap().upsert(record()).await.unwrap();
    });
    let [call, first, second] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((call.name, call.parent), ("vambe.upsert", None));
    assert_eq!(call.fields["vambe.attempts"], "2");
    assert!(!call.fields.contains_key("error.type"));
    assert_eq!([first.parent, second.parent], [Some(1); 2]);
    let common = [
        ("otel.name", "POST"),
        ("otel.kind", "client"),
        ("http.request.method", "POST"),
        ("url.full", "http://127.0.0.1:9/gate/api/public/customer/upsert/info"),
        ("server.address", "127.0.0.1"),
        ("server.port", "9"),
        ("network.protocol.version", "1.1"),
    ];
    let failed = [("http.response.status_code", "503"), ("error.type", "503"), ("otel.status_code", "ERROR")];
    assert_eq!(first.fields, fields(&[&common[..], &failed].concat()));
    let succeeded = [("http.response.status_code", "200"), ("http.request.resend_count", "1")];
    assert_eq!(second.fields, fields(&[&common[..], &succeeded].concat()));
    let [retry] = &events[..] else { panic!("{events:?}") };
    assert_eq!((retry["vambe.attempt"].as_str(), retry["error.type"].as_str()), ("1", "503"));
    assert!(retry["vambe.wait"].parse::<f64>().unwrap() <= 0.25);
}

#[test]
fn what_ends_without_an_answer_names_its_code() {
    let (spans, _) = recorded(async {
        let script = Script::new([Step::Fail(TransportErrorKind::Connect, Phase::Connect)]);
        builder(script).max_retries(0).build().unwrap().upsert(record()).await.unwrap_err();
    });
    for span in &spans {
        assert_eq!(span.fields["error.type"], "connection", "{span:?}");
        assert_eq!(span.fields["otel.status_code"], "ERROR");
    }
    assert!(!spans[1].fields.contains_key("http.response.status_code"));
}

#[test]
fn a_batch_has_a_span_that_holds_those_of_its_records() {
    let (spans, _) = recorded(async {
        let script = Script::new((0..3).map(|number| Step::Answer(contact_answer(&format!("c-{number}")))));
        let client = builder(script).build().unwrap();
        let records = (0..3).map(|number| CustomerRecord::whatsapp("+56987654321", format!("+5691234567{number}")));
        let outcomes = client.upsert_many(stream::iter(records), UpsertManyOptions::default()).unwrap();
        assert_eq!(outcomes.filter(|outcome| std::future::ready(outcome.ok())).count().await, 3);
    });
    assert_eq!((spans[0].name, spans[0].parent), ("vambe.upsert_many", None));
    let of_kind = |name| spans.iter().filter(move |span| span.name == name);
    let mut indices: Vec<_> = of_kind("vambe.upsert").map(|span| span.fields["vambe.index"].clone()).collect();
    indices.sort();
    assert_eq!(indices, ["0", "1", "2"]);
    assert!(of_kind("vambe.upsert").all(|span| span.parent == Some(1)));
    for attempt in of_kind("vambe.attempt") {
        let parent = usize::try_from(attempt.parent.unwrap()).unwrap();
        assert_eq!(spans[parent - 1].name, "vambe.upsert");
    }
}

#[test]
fn hooks_of_a_few_calls_replace_the_clients_and_are_called_in_the_task() {
    tokio::task_local! { static REQUEST: u32; }
    let (clients, own) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    in_virtual_time(async {
        let client = builder(failing_once()).on_attempt(keeps(&clients)).on_answer(keeps(&clients)).build().unwrap();
        let kept = Arc::clone(&own);
        let hook = move |event: &CallEvent| kept.lock().unwrap().push((REQUEST.get(), event.attempt));
        let options = CallOptions::default().on_attempt(hook).on_retry(keeps(&clients));
        REQUEST.scope(7, client.with_options(options).unwrap().upsert(record())).await.unwrap();
    });
    assert_eq!(own.lock().unwrap()[..], [(7, 1), (7, 2)]);
    assert_eq!(kinds(&clients), [EventKind::Answer, EventKind::Retry, EventKind::Answer]);
}

#[test]
fn a_hook_that_panics_changes_nothing() {
    let told = Told::default();
    let contact = in_virtual_time(async {
        let broken = |_: &CallEvent| panic!("a hook of a test");
        let builder = builder(failing_once()).on_attempt(broken).on_retry(broken).on_answer(keeps(&told));
        builder.build().unwrap().upsert(record()).await
    });
    assert_eq!(contact.unwrap().attempts, 2);
    assert_eq!(kinds(&told), [EventKind::Answer; 2]);
}

#[test]
fn events_of_a_batch_name_the_record_and_a_shared_pause_has_no_wait() {
    let told = Told::default();
    in_virtual_time(async {
        let throttled = answer(429, &json!({"retry-after": "2"}), "");
        let script = Script::new([Step::Answer(throttled), Step::Answer(contact_answer("c-1"))]);
        let client = builder(script).on_attempt(keeps(&told)).on_retry(keeps(&told)).build().unwrap();
        let outcomes = client.upsert_many(stream::iter([record()]), UpsertManyOptions::default()).unwrap();
        assert_eq!(outcomes.collect::<Vec<_>>().await[0].attempts, 2);
    });
    let told = told.lock().unwrap();
    assert_eq!(told.iter().map(|event| event.index).collect::<Vec<_>>(), [Some(0); 3]);
    assert_eq!((told[1].kind, told[1].attempt, told[1].wait), (EventKind::Retry, 1, None));
    assert_eq!((told[1].status, told[1].code), (Some(429), Some(ErrorCode::RateLimited)));
}

#[test]
fn a_retry_is_told_before_its_wait_and_an_answer_knows_how_long_it_took() {
    let (told, times) = (Told::default(), Arc::new(Mutex::new(Vec::new())));
    in_virtual_time(async {
        let script = Script::new([Step::Stall(Phase::Wait), Step::Answer(contact_answer("c-1"))]);
        let kept = Arc::clone(&times);
        let builder = builder(script).attempt_timeout(Duration::from_secs(3)).backoff(Duration::from_secs(20));
        let builder = builder.timeout(Duration::from_secs(60)).backoff_cap(Duration::from_secs(20));
        let client = builder
            .on_retry(move |event| kept.lock().unwrap().push((tokio::time::Instant::now(), event.wait.unwrap())))
            .on_answer(keeps(&told))
            .build()
            .unwrap();
        client.upsert(record()).await.unwrap();
        let (at, wait) = times.lock().unwrap()[0];
        assert!(at.elapsed() >= wait && at.elapsed() <= wait + Duration::from_millis(2));
    });
    assert_eq!(told.lock().unwrap()[0].elapsed.map(|time| time.as_secs()), Some(3));
}

/// A transport that remembers the trace of each exchange, and fails the first of them.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<Option<TraceContext>>>>);

impl Transport for Traced {
    fn exchange<'t>(&'t self, exchange: Exchange) -> ExchangeFuture<'t> {
        let mut seen = self.0.lock().unwrap();
        seen.push(exchange.trace);
        let is_first = seen.len() == 1;
        Box::pin(async move {
            // Calls that run at once take turns here.
            tokio::task::yield_now().await;
            Ok(if is_first { answer(503, &Json::Null, "") } else { contact_answer("c-1") })
        })
    }
}

impl Traced {
    fn parents(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|trace| trace.as_ref().map_or("", TraceContext::traceparent).to_owned()).collect()
    }
}

fn traceparent(number: u32) -> String {
    format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{number:016x}-01")
}

#[test]
fn the_trace_is_taken_once_when_a_call_begins_and_kept_by_its_retries() {
    let transport = Traced::default();
    in_virtual_time(async {
        let asked = Arc::new(Mutex::new(0));
        let client = builder(transport.clone()).trace_context_with(move |carrier: &mut HashMap<_, _>| {
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            carrier.insert("traceparent".to_owned(), traceparent(*asked));
        });
        let client = client.build().unwrap();
        client.upsert(record()).await.unwrap();
        client.upsert(record()).await.unwrap();
        let outcomes = client.upsert_many(stream::iter([record(), record()]), UpsertManyOptions::default()).unwrap();
        assert_eq!(outcomes.count().await, 2);
        client.with_options(CallOptions::default().trace_context(None)).unwrap().upsert(record()).await.unwrap();
    });
    assert_eq!(
        transport.parents(),
        [1, 1, 2, 3, 3].map(traceparent).into_iter().chain([String::new()]).collect::<Vec<_>>()
    );
}

#[test]
fn calls_at_the_same_time_carry_their_own_traces() {
    tokio::task_local! { static NUMBER: u32; }
    let transport = Traced::default();
    in_virtual_time(async {
        let client = builder(transport.clone())
            .trace_context_with(|carrier| drop(carrier.insert("traceparent".to_owned(), traceparent(NUMBER.get()))))
            .build()
            .unwrap();
        let call = |number| NUMBER.scope(number, client.upsert(record()));
        let (one, two) = tokio::join!(call(1), call(2));
        assert!(one.is_ok() && two.is_ok());
    });
    assert_eq!(transport.parents(), [1, 2, 1].map(traceparent));
}

#[test]
fn a_malformed_trace_is_told_before_anything_is_sent() {
    let transport = Traced::default();
    in_virtual_time(async {
        let wrong =
            |carrier: &mut HashMap<_, _>| drop(carrier.insert("traceparent".to_owned(), "00-CANARY".to_owned()));
        let client = builder(transport.clone()).trace_context_with(wrong).build().unwrap();
        let error = client.upsert(record()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Config);
        assert!(!error.to_string().contains("CANARY"));
        let batch = client.upsert_many(stream::iter([record()]), UpsertManyOptions::default());
        assert_eq!(batch.unwrap_err().code(), ErrorCode::Config);
    });
    assert!(transport.parents().is_empty());
}

#[test]
fn nothing_that_is_told_holds_the_key_or_personal_data() {
    let told = Told::default();
    let hooks = told.clone();
    let (spans, events) = recorded(async move {
        let bad = answer(400, &Json::Null, &format!(r#"{{"message":"{KEY}: Maria Canary, +56912345678"}}"#));
        let steps = [answer(503, &Json::Null, "canary@x.cl"), contact_answer("c-1"), bad];
        let builder = builder(Script::new(steps.map(Step::Answer))).trace_context(TraceContext::new(TRACE).unwrap());
        let builder = builder.on_attempt(keeps(&hooks)).on_answer(keeps(&hooks)).on_retry(keeps(&hooks));
        let client = builder.build().unwrap();
        client.upsert(record()).await.unwrap();
        client.upsert(record()).await.unwrap_err();
    });
    let told = told.lock().unwrap();
    let shown = format!("{spans:?} {events:?} {told:?} {}", json!(*told));
    assert!(spans.len() == 5 && events.len() == 1 && told.len() == 7, "{shown}");
    for canary in ["anary", "12345678", "87654321", "Maria", KEY] {
        assert!(!shown.contains(canary), "{canary}: {shown}");
    }
}
