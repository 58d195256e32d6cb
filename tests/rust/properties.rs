//! What holds for every input, tried on random ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use vambe::{
    CheckOptions, Client, CustomerRecord, Value, clean_phone, normalize_phone, phone_variants, prepare, validate,
};
use vambe_emulator::Emulator;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[+0-9 ().eExX,;/@:#a-zñ٣３\\u{202a}-]{0,24}",
        "(tel:|https://wa\\.me/)?\\+?[0-9 -]{0,20}"
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        any_text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((any_text(), inner), 0..5).prop_map(Value::Object),
        ]
    })
}

fn any_record() -> impl Strategy<Value = CustomerRecord> {
    let keys = prop_oneof![
        "(channel|channel_phone_number|contact_phone_number|channel_id|external_user_id|contact_name|contact_email)",
        "(stageId|stage_id|agentId|meta_data|custom_field_values|extra|foo)",
    ];
    let values = prop_oneof![any_value(), Just("whatsapp".into()), Just("webchat".into())];
    proptest::collection::vec((keys, values), 0..10).prop_map(|fields| {
        let mut record = CustomerRecord::default();
        for (key, value) in fields {
            record.set(&key, value);
        }
        record
    })
}

/// A customer that no rule refuses, of what a form would hold.
fn valid_customer() -> impl Strategy<Value = CustomerRecord> {
    let phone = "\\+569[0-9]{8}";
    let text = "[^\\p{C}\\p{Z}]([^\\p{C}]{0,20}[^\\p{C}\\p{Z}])?";
    let meta = proptest::collection::vec((text, any_json()), 0..4);
    let fields = (proptest::option::of(text), proptest::option::of("[a-z]{1,8}@[a-z]{1,8}\\.cl"), meta, text);
    (prop_oneof![Just("whatsapp"), Just("web-whatsapp"), Just("webchat")], phone, fields).prop_map(
        |(channel, phone, (name, email, meta, company))| {
            let record = match channel {
                "webchat" => CustomerRecord::webchat("a1b2c3d4-e5f6-7890-abcd-ef1234567890", phone),
                _ => CustomerRecord::whatsapp("+56987654321", phone).channel(channel),
            };
            record
                .contact_name(name)
                .contact_email(email)
                .custom_field("company_name", company)
                .meta_data(Value::Object(meta))
                .stage_id("550e8400-e29b-41d4-a716-446655440000")
        },
    )
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any_text().prop_map(Value::Text)
    ]
}

proptest! {
    #[test]
    fn cleaning_a_phone_is_idempotent_and_keeps_digits_and_plus_only(text in any_text()) {
        let cleaned = clean_phone(&text);
        prop_assert!(cleaned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+'));
        prop_assert_eq!(clean_phone(&cleaned), cleaned);
    }

    #[test]
    fn no_phone_text_makes_a_check_panic(text in any_text()) {
        let _ = validate(&CustomerRecord::whatsapp("+56987654321", text.as_str()), &CheckOptions::default());
        let _ = normalize_phone(&text, "BR");
        let _ = phone_variants(&text);
    }

    #[test]
    fn a_normalized_phone_stays_as_it_is(digits in "[0-9]{6,12}", region in "(CL|MX|AR|BR|CO|PE|US|ES)") {
        if let Ok(number) = normalize_phone(&digits, &region) {
            prop_assert_eq!(normalize_phone(&number, &region).unwrap(), number);
        }
    }

    #[test]
    fn no_record_makes_a_check_panic_and_what_is_valid_has_a_body_of_json(record in any_record()) {
        let found = validate(&record, &CheckOptions::default());
        match prepare(&record, &CheckOptions::default()) {
            Ok(prepared) => {
                prop_assert!(found.is_valid());
                let body: serde_json::Value = serde_json::from_str(&prepared.body).unwrap();
                prop_assert!(body["channel"].is_string());
            }
            Err(error) => {
                prop_assert_eq!(error.violations(), &found.violations[..]);
                prop_assert!(!found.is_valid());
            }
        }
    }

    #[test]
    fn no_text_makes_reading_a_record_panic(text in any_text()) {
        let _ = CustomerRecord::from_json(&text);
    }
}

#[test]
fn the_emulator_accepts_every_valid_customer() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let emulator = runtime.block_on(Emulator::start()).unwrap();
    let client = Client::builder().api_key(emulator.api_key()).base_url(emulator.url());
    let client = runtime.block_on(async { client.build().unwrap() });
    let mut runner = proptest::test_runner::TestRunner::default();
    let outcome = runner.run(&valid_customer(), |customer| {
        let contact = runtime.block_on(client.upsert(customer));
        prop_assert!(contact.is_ok(), "{contact:?}");
        Ok(())
    });
    outcome.unwrap();
}
