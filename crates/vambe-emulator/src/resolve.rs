//! Checks a request against what its tenant has: channels, stages, agents, definitions.

use serde_json::{Map, Value};

use crate::basis::{A, Assumptions, Basis};
use crate::contract::{Address, FieldValue, Phone, Upsert};
use crate::id::Id;
use crate::reject::{Problem, Reject};
use crate::rules::{Rule, Rules};
use crate::seed::{Channel, CustomField, Platform, Seed};

/// An upsert that can be written: everything it names exists.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) channel: Id,
    pub(crate) platform: Platform,
    /// What tells contacts of one channel apart: the phone's digits or the external id.
    pub(crate) identity: String,
    pub(crate) phone: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) stage: Option<Id>,
    pub(crate) agent: Option<Id>,
    pub(crate) meta_data: Map<String, Value>,
    /// In the order of the definitions.
    pub(crate) values: Vec<WrittenValue>,
    pub(crate) assumptions: Assumptions,
    pub(crate) rules: Rules,
}

/// A custom field value as it is kept.
#[derive(Debug)]
pub(crate) struct WrittenValue {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) identifier: bool,
}

/// Finds what the request names, or refuses it naming everything that is not there.
pub(crate) fn resolve(upsert: Upsert, seed: &Seed, rules: Rules) -> Result<Write, Reject> {
    let mut assumptions = upsert.assumptions;
    let channel = references(&upsert, seed)?;
    assumptions.note_if(named_otherwise(&upsert.address, channel), A(9));
    let values = custom_values(upsert.values, &seed.custom_fields, rules, &mut assumptions)?;
    let (identity, phone) = identity(upsert.address);
    Ok(Write {
        channel: channel.id,
        platform: channel.platform,
        identity,
        phone,
        name: upsert.name,
        email: upsert.email,
        stage: upsert.stage,
        agent: upsert.agent,
        meta_data: upsert.meta_data,
        values,
        assumptions,
        rules,
    })
}

/// Finds the channel and makes sure that stage and agent exist.
fn references<'a>(upsert: &Upsert, seed: &'a Seed) -> Result<&'a Channel, Reject> {
    let mut problems = Vec::new();
    let mut unknown = |pointer: &str, what: &str| {
        let message = format!("{what} not found");
        problems.push(Problem::new(pointer, "unknown_reference", message));
    };
    let channel = seed.channels.iter().find(|channel| is_at(&upsert.address, channel));
    if channel.is_none() {
        unknown(channel_pointer(&upsert.address), "Channel");
    }
    let known_stage = |id: &Id| seed.stages.iter().any(|stage| stage.id == *id);
    if !upsert.stage.as_ref().is_none_or(known_stage) {
        unknown("/stageId", "Stage");
    }
    let known_agent = |id: &Id| seed.agents.iter().any(|agent| agent.id == *id);
    if !upsert.agent.as_ref().is_none_or(known_agent) {
        unknown("/agentId", "Agent");
    }
    match channel {
        Some(channel) if problems.is_empty() => Ok(channel),
        _ => Err(Reject::content(problems, A(10).into())),
    }
}

fn is_at(address: &Address, known: &Channel) -> bool {
    match address {
        Address::Webchat { channel, .. } => known.platform == Platform::Webchat && known.id == *channel,
        // the schema says "phone number or ID of the channel".
        Address::Phone { platform, channel, .. } => {
            known.platform == *platform && (has_digits_of(known, channel) || Id::parse(channel) == Some(known.id))
        }
    }
}

fn has_digits_of(known: &Channel, given: &str) -> bool {
    let given = Phone::clean(given).digits;
    let phone = known.phone.as_deref().map(Phone::clean);
    phone.is_some_and(|phone| phone.digits == given)
}

fn channel_pointer(address: &Address) -> &'static str {
    match address {
        Address::Webchat { .. } => "/channel_id",
        Address::Phone { .. } => "/channel_phone_number",
    }
}

fn named_otherwise(address: &Address, known: &Channel) -> bool {
    match address {
        Address::Webchat { .. } => false,
        Address::Phone { channel, .. } => known.phone.as_ref() != Some(channel),
    }
}

fn identity(address: Address) -> (String, Option<String>) {
    match address {
        Address::Webchat { user, .. } => (user, None),
        Address::Phone { contact, .. } => (contact.digits, Some(contact.cleaned)),
    }
}

fn custom_values(
    given: Vec<FieldValue>,
    definitions: &[CustomField],
    rules: Rules,
    assumptions: &mut Assumptions,
) -> Result<Vec<WrittenValue>, Reject> {
    all_defined(&given, definitions)?;
    let mut problems = Vec::new();
    let mut values: Vec<Option<WrittenValue>> = definitions.iter().map(|_| None).collect();
    for entry in given {
        let Some(place) = definitions.iter().position(|known| known.key == entry.key) else {
            continue;
        };
        match convert(&entry, &definitions[place], rules, assumptions) {
            // the page does not say which of two equal keys wins; here the last.
            Ok(value) => assumptions.note_if(values[place].replace(value).is_some(), A(23)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(values.into_iter().flatten().collect())
    } else {
        Err(Reject::content(problems, A(11).into()))
    }
}

fn all_defined(given: &[FieldValue], definitions: &[CustomField]) -> Result<(), Reject> {
    let mut missing: Vec<&str> = Vec::new();
    let mut first = 0;
    for entry in given {
        let defined = definitions.iter().any(|known| known.key == entry.key);
        if !defined && !missing.contains(&entry.key.as_str()) {
            first = if missing.is_empty() { entry.at } else { first };
            missing.push(&entry.key);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let pointer = format!("/custom_field_values/{first}/key");
    let message = format!("Custom field definitions not found: {}", missing.join(", "));
    let problem = Problem::new(pointer, "missing_custom_fields", message);
    Err(Reject::content(vec![problem], Basis::from(A(14))))
}

fn convert(
    entry: &FieldValue,
    definition: &CustomField,
    rules: Rules,
    assumptions: &mut Assumptions,
) -> Result<WrittenValue, Problem> {
    let CustomField { key, field_type, identifier, .. } = definition;
    if let Some(choice) = field_type.literals() {
        assumptions.note(choice);
    }
    let converted = field_type.convert(&entry.value);
    let kept_anyway = converted.is_none() && rules.has(Rule::LenientValues);
    assumptions.note_if(kept_anyway, A(11));
    match converted.or_else(|| kept_anyway.then(|| entry.value.clone())) {
        Some(text) => Ok(WrittenValue { key: key.clone(), text, identifier: *identifier }),
        None => Err(Problem::new(
            format!("/custom_field_values/{}/value", entry.at),
            "field_type",
            format!("Custom field {key} does not accept this value: its type is {}", field_type.name()),
        )),
    }
}
