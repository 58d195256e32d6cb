//! An answer before it is on the wire.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::basis::Basis;
use crate::reject::{JSON, Problem, Reject};
use crate::rules::Rules;
use crate::store::StoreError;

/// The name of the header that says what an answer rests on.
pub(crate) const BASIS_HEADER: &str = "x-emulator-basis";

/// A complete answer, with what the request log wants to know about it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) basis: Basis,
    pub(crate) problems: Vec<Problem>,
    pub(crate) unread_fields: Vec<String>,
}

impl Answer {
    /// Answers with a JSON value.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize, basis: Basis) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static(JSON);
        headers.insert(header::CONTENT_TYPE, json);
        Self { status, headers, body: body.into(), basis, problems: Vec::new(), unread_fields: Vec::new() }
    }

    /// Answers with nothing but a status and the error body that belongs to it.
    pub(crate) fn bare(status: StatusCode, basis: Basis) -> Self {
        let error = json!({ "statusCode": status.as_u16(), "message": status.canonical_reason() });
        let mut answer = Self::json(status, &error, basis);
        if status.as_u16() < 400 {
            answer.headers.clear();
            answer.body = Bytes::new();
        }
        answer
    }

    /// Answers when the store fails; the page documents the 500. Why, only the log and the control API tell.
    pub(crate) fn broken(error: &StoreError) -> Self {
        let answer = Self::bare(StatusCode::INTERNAL_SERVER_ERROR, Basis::Documented);
        Self { problems: vec![Problem::new("", "state", error.to_string())], ..answer }
    }

    /// Gives the head, to which any body can be put.
    pub(crate) fn head(&self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        if let Ok(basis) = HeaderValue::try_from(self.basis.to_string()) {
            response.headers_mut().insert(BASIS_HEADER, basis);
        }
        response
    }
}

impl Answer {
    /// Refuses, in the shape that the rules say.
    pub(crate) fn refusal(reject: Reject, rules: Rules) -> Self {
        let (content_type, body) = reject.body(rules);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let Reject { status, basis, problems, .. } = reject;
        Self { status, headers, body: body.into(), basis, problems, unread_fields: Vec::new() }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        self.head().map(|_| Body::from(self.body))
    }
}
