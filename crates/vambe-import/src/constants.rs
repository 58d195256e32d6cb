//! [`Constant`]: one value for every row, as `--set field=value` gives it.

use std::fmt;
use std::str::FromStr;

use vambe::Value;

use crate::target::{NameProblem, Target};

/// A value that every row gets where its own columns have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    pub(crate) target: Target,
    pub(crate) value: String,
}

/// Why a text is no `field=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstantError {
    /// There is no `=` in it.
    NoEquals,
    /// There is nothing after the `=`.
    NoValue,
    /// The value cannot be written as text.
    NoText,
    /// What stands before the `=` cannot be set.
    Name {
        /// The name as given.
        name: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
}

impl FromStr for Constant {
    type Err = ConstantError;

    fn from_str(text: &str) -> Result<Self, ConstantError> {
        let (name, value) = text.split_once('=').ok_or(ConstantError::NoEquals)?;
        Self::new(name, value)
    }
}

impl Constant {
    /// Makes one of a value of any kind that can be written as text, as that of a custom field is.
    ///
    /// # Errors
    ///
    /// As those of [`new`](Self::new), and a value that is no text and cannot be made one.
    pub fn of(name: &str, value: &Value) -> Result<Self, ConstantError> {
        let text = value.to_text().map_err(|_| ConstantError::NoText)?;
        Self::new(name, &text)
    }

    /// Makes one of the name of a field, or of `meta_data.<key>` or `custom.<key>`, and its value.
    ///
    /// # Errors
    ///
    /// The name cannot be set, or there is no value.
    pub fn new(name: &str, value: &str) -> Result<Self, ConstantError> {
        let (name, value) = (name.trim(), value.trim());
        let target = Target::parse(name).map_err(|problem| {
            let suggestion = match problem {
                NameProblem::Near(near) => Some(near),
                NameProblem::Object(object) => Some(key_of(object).to_owned()),
                NameProblem::NoKey => Some(format!("{name}<key>")),
                NameProblem::Unknown => None,
            };
            ConstantError::Name { name: name.to_owned(), suggestion }
        })?;
        if value.is_empty() {
            return Err(ConstantError::NoValue);
        }
        Ok(Self { target, value: value.to_owned() })
    }
}

/// Returns how one key of an object field is named.
pub(crate) fn key_of(object: &str) -> &'static str {
    match object {
        "custom_field_values" => "custom.<key>",
        _ => "meta_data.<key>",
    }
}

impl fmt::Display for ConstantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEquals => f.write_str("write it as field=value"),
            Self::NoValue => f.write_str("there is no value; give one, or leave it out"),
            Self::NoText => f.write_str("must be text, a number, true or false, or a date"),
            Self::Name { name, suggestion: Some(near) } => {
                write!(f, "\"{name}\" cannot be set; did you mean {near}?")
            }
            Self::Name { name, suggestion: None } => {
                write!(f, "\"{name}\" is no field; meta_data.{name} or custom.{name} would be accepted")
            }
        }
    }
}

impl std::error::Error for ConstantError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Constant>().unwrap_err().to_string()
    }

    #[test]
    fn reads_a_field_and_its_value() {
        let constant: Constant = "meta_data.source = a=b ".parse().unwrap();
        assert_eq!(constant, Constant { target: Target::Meta("source".into()), value: "a=b".into() });
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(error("channel"), "write it as field=value");
        assert_eq!(error("channel="), "there is no value; give one, or leave it out");
        assert_eq!(error("chanel=whatsapp"), "\"chanel\" cannot be set; did you mean channel?");
        assert_eq!(error("meta_data={}"), "\"meta_data\" cannot be set; did you mean meta_data.<key>?");
        assert_eq!(error("rut=1"), "\"rut\" is no field; meta_data.rut or custom.rut would be accepted");
    }
}
