//! The five types of custom fields and the text each accepts.

use serde::Serialize;

use crate::basis::A;
use crate::clock;

/// The type of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "options", rename_all = "lowercase")]
pub enum FieldType {
    /// Any text.
    Text,
    /// A decimal number such as `12`, `-0.5` or `1e21`.
    Number,
    /// `YYYY-MM-DD`, or a date-time with an offset.
    Date,
    /// `true` or `false`.
    Boolean,
    /// One of the listed words, spelled exactly so.
    Options(Vec<String>),
}

impl FieldType {
    /// Makes the type whose values are the given words.
    pub fn options<T: Into<String>>(words: impl IntoIterator<Item = T>) -> Self {
        Self::Options(words.into_iter().map(Into::into).collect())
    }

    /// The type's name as the page spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Options(_) => "options",
        }
    }

    /// Gives the value as it is kept, or nothing when it does not convert.
    pub(crate) fn convert(&self, value: &str) -> Option<String> {
        let trimmed = value.trim();
        match self {
            Self::Text => Some(value.to_owned()),
            Self::Number => is_number(trimmed).then(|| trimmed.to_owned()),
            Self::Date => (clock::is_date(trimmed) || clock::is_date_time(trimmed)).then(|| trimmed.to_owned()),
            Self::Boolean => {
                let lower = trimmed.to_ascii_lowercase();
                matches!(lower.as_str(), "true" | "false").then_some(lower)
            }
            Self::Options(words) => words.iter().find(|word| *word == value).cloned(),
        }
    }

    /// The choice that decides which text converts; the page names the types only.
    pub(crate) fn literals(&self) -> Option<A> {
        (*self != Self::Text).then_some(A(21))
    }
}

fn is_number(text: &str) -> bool {
    let number_like = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(number_like) && text.parse().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field_type: &FieldType, accepted: &[&str], refused: &[&str]) {
        for value in accepted {
            assert!(field_type.convert(value).is_some(), "{field_type:?} {value}");
        }
        for value in refused {
            assert!(field_type.convert(value).is_none(), "{field_type:?} {value}");
        }
    }

    #[test]
    fn each_type_accepts_and_refuses() {
        check(&FieldType::Text, &["", "anything", "12"], &[]);
        check(
            &FieldType::Number,
            &["0", "-1", "85.5", "1e21", " 7 "],
            &["", "abc", "1,5", "NaN", "inf", "Infinity", "1e999", "0x10", "1_000"],
        );
        check(
            &FieldType::Date,
            &["1990-02-28", "2024-09-30T10:00:00.000Z"],
            &["", "30/09/2024", "2023-02-29", "2024-09-30T10:00:00", "tomorrow"],
        );
        check(&FieldType::Boolean, &["true", "False"], &["", "yes", "1", "0"]);
        let segment = FieldType::options(["retail"]);
        check(&segment, &["retail"], &["", "Retail", "retail "]);
    }

    #[test]
    fn booleans_are_kept_in_lower_case_and_text_as_given() {
        assert_eq!(FieldType::Boolean.convert("TRUE").as_deref(), Some("true"));
        assert_eq!(FieldType::Text.convert(" a ").as_deref(), Some(" a "));
    }
}
