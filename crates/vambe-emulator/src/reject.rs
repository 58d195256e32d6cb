//! Why a request is refused, and the body that says so.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::basis::Basis;

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
        Self { pointer: pointer.into(), rule, message: message.into() }
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

    /// Writes the body in the shape that Nest gives errors.
    pub(crate) fn body(&self) -> Value {
        let messages = self.problems.iter().map(|problem| problem.message.as_str());
        let message: Value =
            if self.listed { messages.collect() } else { messages.collect::<Vec<_>>().join("; ").into() };
        json!({
            "statusCode": self.status.as_u16(),
            "message": message,
            "error": self.status.canonical_reason(),
        })
    }
}
