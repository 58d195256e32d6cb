//! What the phone codes say to a person, and the way out of each.

use crate::violation::{Path, Violation, ViolationCode as Code};

/// Returns the violation for a phone code: a warning for doubts, an error for the others.
pub(crate) fn violation(path: Path, code: Code) -> Violation {
    let (problem, hint) = describe(code);
    let violation = Violation::new(path, code, problem).hint(hint);
    match code {
        Code::PhoneMissingPlus
        | Code::PhoneLeading00
        | Code::PhoneTrunkZero
        | Code::PhoneTooShort
        | Code::PhoneCountryCode
        | Code::PhoneUnverified => violation.warning(),
        _ => violation,
    }
}

fn describe(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::PhoneEmpty => ("holds no digits", "give the number with its country code, such as +56…"),
        Code::PhoneFloatText => {
            ("went through a decimal number, whose zero would be appended", "read the column as text")
        }
        Code::PhoneScientific => {
            ("is in scientific notation, so digits are lost", "format the column as text and export again")
        }
        Code::PhoneMultiple => ("holds more than one number", "give one number for each customer"),
        Code::PhoneExtension => ("holds an extension, which would become part of the number", "remove the extension"),
        Code::PhoneLetters => ("has letters between its digits", "write digits only"),
        Code::PhoneNonAsciiDigits => {
            ("has digits of another script, which would be dropped", "write the digits as 0-9")
        }
        Code::PhonePlus => ("has a plus that is not in front", "keep one plus, before the country code"),
        Code::PhoneUrl => ("is a link with more digits than the number", "take the number out of the link"),
        Code::PhoneDevice => ("is a WhatsApp id with a device number", "drop the colon and what follows it"),
        Code::PhoneIsUserId => ("is a WhatsApp user id, not a phone number", "ask the customer for the number"),
        Code::PhoneTooLong => ("has more than 15 digits", "check for two numbers in one field"),
        Code::PhoneImpossible => {
            ("cannot be a number of that country", "check the digits, or give the country code with +")
        }
        Code::PhoneMissingPlus => (
            "has no +, so it may be read as a number of the sender's country",
            "put + and the country code in front, or set default_region",
        ),
        Code::PhoneLeading00 => ("starts with 00 instead of +", "write + instead of 00, or set default_region"),
        Code::PhoneTrunkZero => ("has a zero after the country code", "remove the zero, unless the country keeps it"),
        Code::PhoneTooShort => ("has fewer digits than numbers have", "check that it is complete"),
        Code::PhoneCountryCode => ("begins with a country code that does not exist", "check the digits after +"),
        _ => ("has a form that the numbering data does not know", "check it, if messages do not arrive"),
    }
}
