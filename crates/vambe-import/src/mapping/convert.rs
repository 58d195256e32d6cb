//! [`Type`]: what a text is to become, strictly, or what it should have been.

use std::borrow::Cow;

use vambe::Value;

use super::date_format::{DateFormat, iso_date, iso_date_time};
use super::number::{self, Mark, NotNumber};
use crate::fold::fold_value;

/// The type that a mapping gives a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Integer(Option<Mark>),
    Number(Option<Mark>),
    Boolean,
    Date(Option<DateFormat>),
    DateTime,
}

impl Type {
    /// Converts a value, or says what it should have been.
    pub(crate) fn convert(&self, value: &Value) -> Result<Value, Cow<'static, str>> {
        let converted = match (self, value) {
            (Self::Integer(_), Value::Int(_) | Value::Uint(_) | Value::Float(_)) => number::whole(value.clone()),
            (Self::Number(_), Value::Int(_) | Value::Uint(_) | Value::Float(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Date(_), Value::Date(_))
            | (Self::DateTime, Value::DateTime(_)) => Some(value.clone()),
            (Self::Text, _) => value.to_text().ok().map(|text| Value::Text(text.into_owned())),
            (_, Value::Text(text)) => return self.read(text.trim()),
            (Self::Boolean, Value::Int(number @ (0 | 1))) => Some(Value::Bool(*number == 1)),
            _ => None,
        };
        converted.ok_or_else(|| self.expected())
    }

    fn read(&self, text: &str) -> Result<Value, Cow<'static, str>> {
        let read = match self {
            Self::Text => Some(text.into()),
            Self::Integer(mark) => {
                return number::read_whole(text, *mark).map_err(|problem| self.expected_number(problem));
            }
            Self::Number(mark) => return number::read(text, *mark).map_err(|problem| self.expected_number(problem)),
            Self::Boolean => boolean(text).map(Value::Bool),
            Self::Date(Some(format)) => format.read(text).map(Value::Date),
            Self::Date(None) => iso_date(text).map(Value::Date),
            Self::DateTime => iso_date_time(text).map(Value::DateTime),
        };
        read.ok_or_else(|| self.expected())
    }

    fn expected_number(&self, problem: NotNumber) -> Cow<'static, str> {
        match problem {
            NotNumber::Text => self.expected(),
            NotNumber::Ambiguous => {
                "a number that can be read in one way only; give decimal = \",\" or decimal = \".\"".into()
            }
            NotNumber::TooLong => "a number of fewer digits, which a number keeps exactly; send it as text".into(),
        }
    }

    fn expected(&self) -> Cow<'static, str> {
        match self {
            Self::Text => "text, a number, a boolean or a date".into(),
            Self::Integer(_) => "a whole number".into(),
            Self::Number(Some(mark)) => format!("a number with \"{}\" before the decimals", mark.character()).into(),
            Self::Number(None) => "a number".into(),
            Self::Boolean => "yes or no (s\u{ed}, no, sim, n\u{e3}o, true, false, 1, 0, x)".into(),
            Self::Date(Some(format)) => format!("a date that exists, written {}", format.text()).into(),
            Self::Date(None) => "a date such as 2024-09-30; give format for dates that are written otherwise".into(),
            Self::DateTime => "a date and time with its offset, such as 2024-09-30T10:00:00Z".into(),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match fold_value(text).as_str() {
        "si" | "sim" | "yes" | "true" | "verdadero" | "verdadeiro" | "1" | "x" => Some(true),
        "no" | "nao" | "false" | "falso" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_yes_and_no_in_three_languages() {
        for yes in ["Sí", "SI", "sim", "Yes", "TRUE", "verdadero", "1", "x"] {
            assert_eq!(Type::Boolean.convert(&yes.into()), Ok(Value::Bool(true)), "{yes}");
        }
        for no in ["No", "não", "FALSO", "false", "0"] {
            assert_eq!(Type::Boolean.convert(&no.into()), Ok(Value::Bool(false)), "{no}");
        }
        for neither in ["maybe", "2", "", "-"] {
            assert!(Type::Boolean.convert(&neither.into()).is_err(), "{neither}");
        }
    }

    #[test]
    fn a_value_that_has_a_type_keeps_it_where_it_fits() {
        assert_eq!(Type::Integer(None).convert(&Value::Float(5.0)), Ok(Value::Int(5)));
        assert_eq!(Type::Number(None).convert(&Value::Float(5.5)), Ok(Value::Float(5.5)));
        assert_eq!(Type::Text.convert(&Value::Int(56)), Ok("56".into()));
        for (kind, value) in [
            (Type::Integer(None), Value::Float(5.5)),
            (Type::Boolean, Value::Int(2)),
            (Type::Date(None), Value::Int(2024)),
            (Type::Text, Value::Array(Vec::new())),
        ] {
            assert!(kind.convert(&value).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn says_what_was_expected_and_never_what_was_found() {
        let expected = |kind: Type, text: &str| kind.convert(&text.into()).unwrap_err();
        assert!(expected(Type::Number(None), "1.234").contains("give decimal"));
        assert!(expected(Type::Date(None), "03/04/2026").contains("give format"));
        assert_eq!(expected(Type::Integer(None), "12 monkeys"), "a whole number");
        let format = DateFormat::parse("dd/mm/yyyy");
        assert_eq!(expected(Type::Date(format), "2026-04-03"), "a date that exists, written dd/mm/yyyy");
    }
}
