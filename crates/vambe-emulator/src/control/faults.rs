//! Steering what goes wrong: faults and the rate limit.

use std::time::Instant;

use axum::body::Bytes;
use axum::response::Response;
use serde_json::json;

use super::access::Owner;
use super::{done, refused};
use crate::events::Event;
use crate::faults::{self, FaultQueue};
use crate::limiter::{Limiter, RateLimit};
use crate::lock::lock;
use crate::tenant::Tenant;

pub(super) async fn presets() -> Response {
    let listed = faults::PRESETS.map(|(name, does)| json!({ "name": name, "does": does }));
    done(&json!({ "presets": listed }))
}

pub(super) async fn put_faults(Owner(tenant): Owner, body: Bytes) -> Response {
    answered(&tenant, faults::read_list(&body).and_then(|faults| tenant.set_faults(faults)))
}

pub(super) async fn add_faults(Owner(tenant): Owner, body: Bytes) -> Response {
    answered(&tenant, faults::read_list(&body).and_then(|faults| tenant.add_faults(faults)))
}

pub(super) async fn get_faults(Owner(tenant): Owner) -> Response {
    waiting(&tenant)
}

pub(super) async fn delete_faults(Owner(tenant): Owner) -> Response {
    *lock(&tenant.faults) = FaultQueue::default();
    tenant.tell(Event::Faults);
    waiting(&tenant)
}

pub(super) async fn put_limit(Owner(tenant): Owner, body: Bytes) -> Response {
    let limit: RateLimit = match serde_json::from_slice(&body) {
        Ok(limit) => limit,
        Err(error) => return refused(&error.to_string()),
    };
    match tenant.set_rate_limit(Some(limit)) {
        Ok(()) => limited(&tenant),
        Err(reason) => refused(&reason),
    }
}

pub(super) async fn get_limit(Owner(tenant): Owner) -> Response {
    limited(&tenant)
}

pub(super) async fn delete_limit(Owner(tenant): Owner) -> Response {
    match tenant.set_rate_limit(None) {
        Ok(()) => limited(&tenant),
        Err(reason) => refused(&reason),
    }
}

fn answered(tenant: &Tenant, changed: Result<(), String>) -> Response {
    match changed {
        Ok(()) => waiting(tenant),
        Err(reason) => refused(&reason),
    }
}

fn waiting(tenant: &Tenant) -> Response {
    let faults = lock(&tenant.faults);
    let listed = json!({ "faults": faults.waiting(), "hits": faults.hits() });
    drop(faults);
    done(&listed)
}

fn limited(tenant: &Tenant) -> Response {
    let limiter = lock(&tenant.limiter);
    let refused = limiter.as_ref().map_or(0, Limiter::refused);
    let limit = limiter.as_ref().map(Limiter::limit);
    drop(limiter);
    done(&json!({ "rate_limit": limit, "refused": refused }))
}

impl Tenant {
    /// Sets the rate limit, or says what makes it impossible.
    pub(crate) fn set_rate_limit(&self, limit: Option<RateLimit>) -> Result<(), String> {
        limit.as_ref().map_or(Ok(()), RateLimit::check)?;
        *lock(&self.limiter) = limit.map(|limit| Limiter::new(limit, Instant::now()));
        self.tell(Event::Faults);
        Ok(())
    }
}
