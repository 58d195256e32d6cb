//! Tells of attempts and retries, and carries the caller's trace.

use vambe::{CallEvent, CallOptions, Client, CustomerRecord, TraceContext};

fn tell(event: &CallEvent) {
    println!("call {}: attempt {} {:?} {:?}", event.call_id, event.attempt, event.kind, event.status);
}

#[tokio::main]
async fn main() -> Result<(), vambe::Error> {
    let client = Client::builder().on_attempt(tell).on_answer(tell).on_retry(tell).build()?;
    let trace = TraceContext::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")?;
    let traced = client.with_options(CallOptions::default().trace_context(trace))?;
    traced.upsert(CustomerRecord::whatsapp("+56987654321", "+56 9 1234 5678")).await?;
    Ok(())
}
