//! Why a request is refused, and the body that says so.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::basis::Basis;
use crate::rules::{Rule, Rules};

/// One thing wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Where, as a JSON pointer into the body; empty for the whole request.
    pub pointer: String,
    /// Which rule was broken, such as `required` or `missing_custom_fields`.
    pub rule: &'static str,
    /// What the answer says; never repeats a value.
    pub message: String,
    /// The way out; the service would not say it.
    pub hint: &'static str,
}

/// A refused request.
#[derive(Debug, PartialEq)]
pub(crate) struct Reject {
    pub(crate) status: StatusCode,
    pub(crate) problems: Vec<Problem>,
    pub(crate) basis: Basis,
    listed: bool,
}

impl Problem {
    pub(crate) fn new(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), rule, message: message.into(), hint: hint(rule) }
    }
}

impl Reject {
    /// Refuses the whole request for one reason.
    pub(crate) fn whole(status: StatusCode, rule: &'static str, message: &str, basis: Basis) -> Self {
        Self { status, problems: vec![Problem::new("", rule, message)], basis, listed: false }
    }

    /// Refuses a body whose fields do not have the documented form.
    pub(crate) fn form(problems: Vec<Problem>, basis: Basis) -> Self {
        Self { status: StatusCode::BAD_REQUEST, problems, basis, listed: true }
    }

    /// Refuses a well-formed body that names something the tenant does not have.
    pub(crate) fn content(problems: Vec<Problem>, basis: Basis) -> Self {
        Self { listed: problems.len() > 1, ..Self::form(problems, basis) }
    }

    /// Writes the content type and the body, in the shape that Nest gives errors unless a rule says otherwise.
    pub(crate) fn body(&self, rules: Rules) -> (&'static str, String) {
        let messages = || self.problems.iter().map(|problem| problem.message.as_str());
        let joined = || messages().collect::<Vec<_>>().join("; ");
        if rules.has(Rule::TextErrors) {
            return ("text/plain; charset=utf-8", joined());
        }
        let message: Value = if self.listed { messages().collect() } else { joined().into() };
        let body = if rules.has(Rule::IssueErrors) {
            json!({ "message": "Validation failed", "errors": self.problems.iter().map(issue).collect::<Vec<_>>() })
        } else {
            json!({
                "statusCode": self.status.as_u16(),
                "message": message,
                "error": self.status.canonical_reason(),
            })
        };
        (JSON, body.to_string())
    }
}

pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// A problem as zod writes it.
fn issue(problem: &Problem) -> Value {
    let path = problem.pointer.split('/').skip(1);
    let step = |step: &str| step.parse::<u32>().map_or_else(|_| step.into(), Value::from);
    json!({ "path": path.map(step).collect::<Value>(), "code": problem.rule, "message": problem.message })
}

fn hint(rule: &str) -> &'static str {
    match rule {
        "api_key" => "send x-api-key with any key that starts with emulator_",
        "route" => "the upsert is POST /api/public/customer/upsert/info",
        "not_emulated" => "the service documents this route; the emulator does not have it",
        "json" => "send one JSON object in UTF-8",
        "body_size" => "send at most 100 kB",
        "required" => "add the field; which ones a channel needs, docs/contract.md says (R2)",
        "enum" => "use whatsapp, web-whatsapp or webchat, spelled so",
        "type" => "send the documented type; leave the field out when there is no value",
        "min_length" => "send some text",
        "pattern" => "replace the placeholder by a UUID of the dashboard, or here by one of GET /_emulator/seed",
        "phone" => "send a phone number with digits",
        "unknown_field" => "leave it out, or correct its spelling",
        "unknown_reference" => "use what GET /_emulator/seed lists, or add yours to the seed",
        "missing_custom_fields" => "define these keys first: in the dashboard, or here in the seed",
        "field_type" => "send what the type takes: a decimal, YYYY-MM-DD, true or false, or one of the options",
        "rate_limit" => "slow down; this limit was set at /_emulator/rate-limit",
        "state" => "look at the disk under the data folder",
        _ => "",
    }
}
