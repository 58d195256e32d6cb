//! How far the emulator can be trusted, in its own words.

use serde::Serialize;
use serde_json::{Value, json};

use crate::basis::A;
use crate::rules::Rule;

const STATEMENT: &str = "Emulates what the public documentation of POST \
/api/public/customer/upsert/info states. Where it is silent or contradicts itself we chose, and \
numbered the choice; answers that rest on a choice carry its number in the header \
x-emulator-basis. Choices that are part of every answer (always: true) are listed here only. \
Never compared with the real service. Not affiliated with Vambe.";

const NOT_EMULATED: [&str; 6] = [
    "the service's rate limits and quotas (a rate limit of your choice can be set)",
    "latency",
    "permissions of a key",
    "sending messages",
    "tickets and conversations",
    "the AI that processes meta_data (here: equal names, and conversions that have one reading)",
];

/// One of our choices.
#[derive(Debug, Serialize)]
pub(crate) struct Assumption {
    id: &'static str,
    /// What the page leaves open.
    point: &'static str,
    /// What the emulator does.
    choice: &'static str,
    /// Whether it is part of every answer of its kind, so that no header names it.
    always: bool,
}

const fn sometimes(id: &'static str, point: &'static str, choice: &'static str) -> Assumption {
    Assumption { id, point, choice, always: false }
}

const fn always(id: &'static str, point: &'static str, choice: &'static str) -> Assumption {
    Assumption { always: true, ..sometimes(id, point, choice) }
}

/// Every choice, by its number.
const ASSUMPTIONS: [Assumption; 31] = [
    always(
        "A-0",
        "The page's first curl sends only channel and meta_data",
        "400: its own table requires two more fields for whatsapp, and the table wins",
    ),
    sometimes("A-1", "meta_data is optional in the table, required in the schema, absent in examples", "May be absent"),
    sometimes(
        "A-2",
        "An example sends agentId: null where the schema wants a string",
        "null in an optional field counts as absent",
    ),
    always(
        "A-3",
        "Examples send placeholders such as your_leads_stage_id",
        "400: a placeholder fails the documented UUID pattern",
    ),
    sometimes("A-4", "The list of what an update touches leaves out the e-mail", "An update sets the e-mail too"),
    always("A-5", "The status of success has no number", "200, for created and for updated contacts"),
    always("A-6", "No error body is shown", "NestJS's: statusCode, message (text or list), error"),
    always(
        "A-7",
        "429 is not among the errors, yet the bulk example waits to avoid rate limiting",
        "No rate limit unless one is set; it and faults give 429 with or without Retry-After",
    ),
    sometimes(
        "A-8",
        "Phone numbers are cleaned of \"spaces, dashes, etc.\"",
        "ASCII digits and + are kept; contacts are told apart by the digits alone, and keep the \
         spelling they were created with; a number without digits is a 400",
    ),
    sometimes(
        "A-9",
        "channel_phone_number is a phone number, or a phone number or ID",
        "Both; a phone number is compared by its digits",
    ),
    sometimes("A-10", "The answer to an unknown channel, stage or agent is not stated", "400, and nothing is written"),
    sometimes(
        "A-11",
        "The answer to a value that does not convert to its field's type is not stated",
        "400 naming key and type, and nothing is written",
    ),
    sometimes(
        "A-12",
        "\"Automatic customer deduplication\" by identifier fields is not described",
        "A new contact joins the oldest customer with the same identifier; two existing customers \
         are listed as duplicate candidates and never merged",
    ),
    sometimes("A-13", "Two identifiers may belong to two customers", "The definition that comes first decides"),
    sometimes(
        "A-14",
        "What happens to the rest of a request with unknown custom field keys is not stated",
        "400 listing all of them, and nothing is written",
    ),
    sometimes(
        "A-15",
        "No answer is shown for webchat",
        "The same, with phone null and platform webchat; a phone number given is not used",
    ),
    always(
        "A-16",
        "blocked, chat_status and is_chat_read are in the example, not in the table",
        "Always false, UNATTENDED and false",
    ),
    sometimes(
        "A-17",
        "Of the deprecated note endpoint only the request is shown",
        "to_phone, from_phone and note are required; note becomes meta_data.internal_note; the \
         answer is the new endpoint's",
    ),
    sometimes(
        "A-18",
        "Unknown fields of a request are not mentioned",
        "Accepted, ignored, and listed as unread_fields in the request log",
    ),
    always("A-19", "The page's own rut fails its check digit", "Check digits are never looked at"),
    always(
        "A-20",
        "Whether metadata writes custom fields that were also given, or identifiers, is not stated",
        "What was given as a custom field value stays; metadata writes no identifier",
    ),
    sometimes(
        "A-21",
        "The types of custom fields are named, not what text they accept",
        "number: a decimal, exponent allowed; date: YYYY-MM-DD or a date-time with offset; \
         boolean: true or false in any case; options: one of the words, exactly",
    ),
    sometimes(
        "A-22",
        "Whether metadata of an existing contact is merged or replaced is not stated",
        "Merged: the given keys are set, the others stay; a null is kept as a value",
    ),
    sometimes("A-23", "The same custom field key may come twice in a request", "The last one wins"),
    always("A-24", "How identifier values are compared is not stated", "Character for character, as they are kept"),
    always(
        "A-25",
        "What an update does to fields that it does not give is not stated",
        "They stay; an empty text is a value like any other",
    ),
    always(
        "A-26",
        "Whether agentId replaces or adds to the agents of a contact is not stated",
        "It replaces; an agent belongs to the contact, not to the customer",
    ),
    always(
        "A-27",
        "How fields without a value are answered is not stated",
        "As null; a new contact has no name, e-mail or stage of its own accord",
    ),
    always(
        "A-28",
        "Whether the fields of other channels are allowed is not stated",
        "They must have the documented form and are not used",
    ),
    always(
        "A-29",
        "Which metadata belongs to which custom field, the service's AI decides",
        "Names that are equal once case, accents and separators are put aside: the key, the name and \
         the aliases of a definition; of two values the surer match wins",
    ),
    always(
        "A-30",
        "Which readings of a metadata value the service's AI takes is not stated",
        "Those that have one: ISO dates, plain decimals, true and false, an option but for case and accents",
    ),
];

/// Says what the emulator imitates, what not, and what it chose.
pub(crate) fn statement() -> Value {
    let rules = Rule::ALL.map(|rule| {
        let turns: Vec<String> = rule.turns().iter().map(|A(number)| format!("A-{number}")).collect();
        json!({ "rule": rule.name(), "turns": turns })
    });
    json!({
        "statement": STATEMENT,
        "not_emulated": NOT_EMULATED,
        "assumptions": ASSUMPTIONS,
        "rules": rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_numbered_in_order() {
        for (number, assumption) in ASSUMPTIONS.iter().enumerate() {
            assert_eq!(assumption.id, format!("A-{number}"));
        }
    }
}
