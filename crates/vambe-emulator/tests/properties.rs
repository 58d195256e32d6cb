//! What holds for every sequence of upserts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Caller, field, webchat, whatsapp, with};
use vambe_emulator::{Emulator, MetadataMode, Options};

/// One upsert among few identities, so that they meet.
#[derive(Debug, Clone)]
struct Step {
    tenant: usize,
    channel: usize,
    person: u8,
    rut: Option<u8>,
    is_wrong: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let fields = (0..2usize, 0..3usize, 0..4u8, prop::option::of(0..3u8), prop::bool::weighted(0.2));
    fields.prop_map(|(tenant, channel, person, rut, is_wrong)| Step { tenant, channel, person, rut, is_wrong })
}

impl Step {
    fn body(&self) -> Value {
        let channel = ["whatsapp", "web-whatsapp", "webchat"][self.channel];
        let identity = match self.channel {
            2 => with(webchat(), json!({ "external_user_id": self.person.to_string() })),
            _ => with(whatsapp(), json!({ "channel": channel, "contact_phone_number": format!("+5{}", self.person) })),
        };
        let body = with(identity, json!({ "meta_data": { "person": self.person } }));
        let body = self.rut.map_or(body.clone(), |rut| with(body, field("rut", &rut.to_string())));
        if self.is_wrong { with(body, json!({ "stageId": "your_stage" })) } else { body }
    }
}

async fn manual() -> Emulator {
    let options = Options::default().with_metadata(MetadataMode::Manual);
    Emulator::builder().options(options).start().await.unwrap()
}

async fn check(steps: Vec<Step>) {
    let emulator = manual().await;
    let callers = [Caller::new(&emulator), Caller::another(&emulator)];
    // What each tenant, channel and person was answered first.
    let mut known: HashMap<(usize, usize, u8), (String, String)> = HashMap::new();
    for step in steps {
        let caller = &callers[step.tenant];
        let before = caller.customers().await;
        let answer = caller.upsert(step.body()).await;
        if step.is_wrong {
            assert_eq!(answer.status, 400);
            assert_eq!(caller.customers().await, before, "a 400 wrote something");
            continue;
        }
        let contact = answer.contact();
        let ids = (contact["id"].to_string(), contact["ai_customer_id"].to_string());
        let place = (step.tenant, step.channel, step.person);
        assert_eq!(*known.entry(place).or_insert_with(|| ids.clone()), ids, "the same contact has other ids");
        assert_eq!(caller.upsert(step.body()).await.contact(), contact, "the same body twice");
    }
    let contacts: HashSet<&String> = known.values().map(|(contact, _)| contact).collect();
    assert_eq!(contacts.len(), known.len(), "a contact is shared");
    let customers = |tenant| known.iter().filter(move |(place, _)| place.0 == tenant).map(|(_, ids)| &ids.1);
    let (one, two): (HashSet<_>, HashSet<_>) = (customers(0).collect(), customers(1).collect());
    assert!(one.is_disjoint(&two), "a customer is in two tenants");
    assert_eq!(callers[0].customers().await.len(), one.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn identities_hold_and_refusals_write_nothing(steps in prop::collection::vec(step(), 1..30)) {
        tokio::runtime::Runtime::new().unwrap().block_on(check(steps));
    }

    #[test]
    fn any_body_is_answered_and_the_emulator_lives_on(body in prop::collection::vec(any::<u8>(), 0..300)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let emulator = manual().await;
            let caller = Caller::new(&emulator);
            let status = caller.call("POST", support::UPSERT, &body).await.status;
            assert!(matches!(status, 200 | 400), "{status}");
            for path in ["seed", "state", "faults", "rate-limit", "metadata"] {
                let status = caller.call("PUT", &format!("/_emulator/{path}"), &body).await.status;
                assert!(matches!(status, 200 | 400), "{path} {status}");
            }
            let status = caller.call("POST", "/_emulator/clock", &body).await.status;
            assert_eq!(status, 400);
            caller.call("POST", "/_emulator/reset", b"").await;
        });
    }
}
