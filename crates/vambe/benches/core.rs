//! What the pure parts cost: cleaning, a record to its body, and an answer to its contact.
#![allow(missing_docs)]

use std::sync::Arc;

use divan::{Bencher, black_box};
use vambe::{
    Answer, CallEvent, CheckOptions, Client, ClientBuilder, Contact, CustomerRecord, Exchange, ExchangeFuture,
    Transport, clean_phone, normalize_phone, prepare, validate,
};

fn main() {
    divan::main();
}

#[divan::bench]
fn clean() -> String {
    clean_phone(black_box("+56 (9) 1234-5678"))
}

#[divan::bench]
fn normalize() -> Option<String> {
    normalize_phone(black_box("09 8765 4321"), "CL").ok()
}

fn record() -> CustomerRecord {
    CustomerRecord::whatsapp("+56987654321", "+56 9 1234-5678")
        .contact_name("Maria Rodriguez")
        .contact_email("maria.rodriguez@example.com")
        .stage_id("550e8400-e29b-41d4-a716-446655440000")
        .agent_id("228d7a0d-9072-4ca8-939b-959b75cc606a")
        .meta("company", "Acme Corp")
        .meta("position", "CEO")
        .meta("industry", "Technology")
        .meta("source", "LinkedIn Campaign")
        .custom_field("company_name", "Acme Corp")
        .custom_field("rut", "12345678-9")
}

#[divan::bench]
fn record_to_validation(bencher: Bencher<'_, '_>) {
    let (record, options) = (record(), CheckOptions::default());
    bencher.bench(|| validate(black_box(&record), &options).is_valid());
}

#[divan::bench]
fn record_to_body(bencher: Bencher<'_, '_>) {
    let (record, options) = (record(), CheckOptions::default());
    bencher.bench(|| prepare(black_box(&record), &options).map(|prepared| prepared.body.len()));
}

#[divan::bench]
fn json_text_to_body(bencher: Bencher<'_, '_>) {
    let options = CheckOptions::default();
    let Ok(text) = prepare(&record(), &options).map(|prepared| prepared.body) else { return };
    bencher.bench(|| {
        let record = CustomerRecord::from_json(black_box(&text))?;
        prepare(&record, &options).map(|prepared| prepared.body.len())
    });
}

#[divan::bench]
fn body_to_contact() -> Option<Contact> {
    serde_json::from_str(black_box(CONTACT)).ok()
}

/// Answers at once, so that a call costs what the client itself costs.
struct Instantly(Arc<Answer>);

impl Transport for Instantly {
    fn exchange<'t>(&'t self, _: Exchange) -> ExchangeFuture<'t> {
        Box::pin(std::future::ready(Ok(Answer::clone(&self.0))))
    }
}

#[divan::bench]
fn call_without_network(bencher: Bencher<'_, '_>) {
    bench_call(bencher, Client::builder());
}

#[divan::bench]
fn call_without_network_whose_events_are_heard(bencher: Bencher<'_, '_>) {
    let hear = |event: &CallEvent| {
        black_box(event);
    };
    bench_call(bencher, Client::builder().on_attempt(hear).on_answer(hear));
}

fn bench_call(bencher: Bencher<'_, '_>, builder: ClientBuilder) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    let answer = Answer::new(200, http::HeaderMap::new(), CONTACT);
    let builder = builder.api_key("emulator_bench").base_url("http://127.0.0.1:9");
    let client = runtime.block_on(async { builder.transport(Instantly(Arc::new(answer))).build() });
    let (Ok(client), record) = (client, record()) else { return };
    bencher.bench_local(|| runtime.block_on(client.upsert(record.clone())).is_ok());
}

const CONTACT: &str = r#"{"id":"df980fc8-b6db-4820-bf22-2969482d106d","name":"Maria Rodriguez","phone":"+56912345678","email":"maria.rodriguez@example.com","platform":"whatsapp","client_id":"550e8400-e29b-41d4-a716-446655440000","ai_customer_id":"660e8400-e29b-41d4-a716-446655440001","created_at":"2024-09-30T10:00:00.000Z","default_stage_id":"550e8400-e29b-41d4-a716-446655440000","blocked":false,"chat_status":"UNATTENDED","is_chat_read":false}"#;
