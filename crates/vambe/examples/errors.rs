//! Finds out what to do about an error.

use vambe::{CheckOptions, CustomerRecord, Delivery, ErrorCode, prepare, validate};

fn what_to_do(error: &vambe::Error) -> &'static str {
    match (error.code(), error.delivery()) {
        (ErrorCode::Validation, _) => "mend the record: error.violations() lists every problem",
        (ErrorCode::BadRequest, _) => "mend the record: error.missing_custom_fields() may name keys",
        (ErrorCode::Config | ErrorCode::Authentication | ErrorCode::PermissionDenied, _) => "mend the set-up",
        (_, Delivery::Unknown) => "send it again: the call is idempotent",
        _ if error.retryable() => "try later",
        _ => "look at error.status() and error.body()",
    }
}

fn main() {
    let record = CustomerRecord::whatsapp("+56987654321", "56987654321.0").stage_id("your_leads_stage_id");
    let found = validate(&record, &CheckOptions::default());
    for violation in &found.violations {
        println!("{}: {} ({})", violation.path, violation.code, violation.hint.as_deref().unwrap_or("-"));
    }
    if let Err(error) = prepare(&record, &CheckOptions::default()) {
        println!("{}", what_to_do(&error));
    }
}
