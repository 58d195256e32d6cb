//! `vambe phone`: what becomes of phone numbers.

use serde::Serialize;
use vambe::{
    CheckOptions, CustomerRecord, ErrorCode, Field, PhoneVariant, Violation, clean_phone, normalize_phone,
    phone_variants, validate,
};

use crate::args::PhoneArguments;
use crate::exit::{DONE, Failure, REJECTED};
use crate::io::Io;

pub(crate) fn run(arguments: &PhoneArguments, io: &mut Io) -> Result<i32, Failure> {
    let region = arguments.region.as_deref();
    let phones = arguments.text.iter().map(|text| Phone::examine(text, region)).collect::<Result<Vec<_>, _>>()?;
    let refused = phones.iter().any(|phone| !phone.violations.is_empty());
    if arguments.json {
        io.print(format_args!("{}", serde_json::json!({ "phones": phones })))?;
    } else {
        for phone in &phones {
            phone.print(region, io)?;
        }
    }
    Ok(if refused { REJECTED } else { DONE })
}

#[derive(Serialize)]
struct Phone<'a> {
    text: &'a str,
    cleaned: String,
    normalized: Option<String>,
    violations: Vec<Violation>,
    warnings: Vec<Violation>,
    variants: Vec<PhoneVariant>,
}

impl<'a> Phone<'a> {
    fn examine(text: &'a str, region: Option<&str>) -> Result<Self, Failure> {
        let cleaned = clean_phone(text);
        let normalized = match region.map(|region| normalize_phone(text, region)) {
            Some(Err(error)) if error.code() == ErrorCode::Config => return Err(error.into()),
            Some(normalized) => normalized.ok(),
            None => None,
        };
        let options = CheckOptions { default_region: region.map(str::to_owned), ..CheckOptions::default() };
        let found = validate(&CustomerRecord::whatsapp(SOME_CHANNEL, text), &options);
        let of_phone = |violations: Vec<Violation>| {
            violations.into_iter().filter(|found| found.path.to_string() == Field::ContactPhoneNumber.name()).collect()
        };
        let violations: Vec<_> = of_phone(found.violations);
        let best = normalized.as_ref().unwrap_or(&cleaned);
        let variants = if violations.is_empty() { phone_variants(best) } else { Vec::new() };
        Ok(Self { text, cleaned, normalized, violations, warnings: of_phone(found.warnings), variants })
    }

    fn print(&self, region: Option<&str>, io: &mut Io) -> Result<(), Failure> {
        io.print(format_args!("{}", self.text))?;
        io.print(format_args!("  cleaned   {}", self.cleaned))?;
        if let (Some(region), Some(normalized)) = (region, &self.normalized) {
            io.print(format_args!("  {region:<9} {normalized}"))?;
        }
        for (label, violations) in [("refused", &self.violations), ("warning", &self.warnings)] {
            for violation in violations {
                io.print(format_args!("  {label:<9} {violation} [{}]", violation.code))?;
            }
        }
        for variant in self.variants.iter().skip(1) {
            let doubt = if variant.may_be_landline { ", may be a landline" } else { "" };
            io.print(format_args!("  also      {}{doubt}", variant.number))?;
        }
        Ok(())
    }
}

const SOME_CHANNEL: &str = "+10000000000";
