//! Choices that a tenant can make otherwise than the emulator does by default.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::basis::A;

/// A choice of ours, turned the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// `meta_data` is required, and null is no value for an optional field.
    StrictSchema,
    /// An unknown field of a request is a 400.
    StrictFields,
    /// An update leaves the e-mail address as it was.
    KeepEmail,
    /// A custom field value that does not convert is kept as text.
    LenientValues,
    /// Two customers with one identifier become one.
    MergeCustomers,
    /// Metadata may set custom fields that are identifiers.
    MetadataIdentifiers,
    /// A created contact is answered with 201.
    #[serde(rename = "created-201")]
    Created201,
    /// A refusal is answered in plain text.
    TextErrors,
    /// A refusal is answered as a list of issues with paths.
    IssueErrors,
}

/// The rules that hold for a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rules(u16);

impl Rule {
    /// Every rule there is.
    pub const ALL: [Self; 9] = [
        Self::StrictSchema,
        Self::StrictFields,
        Self::KeepEmail,
        Self::LenientValues,
        Self::MergeCustomers,
        Self::MetadataIdentifiers,
        Self::Created201,
        Self::TextErrors,
        Self::IssueErrors,
    ];

    /// The rule's name, as seeds and the command spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StrictSchema => "strict-schema",
            Self::StrictFields => "strict-fields",
            Self::KeepEmail => "keep-email",
            Self::LenientValues => "lenient-values",
            Self::MergeCustomers => "merge-customers",
            Self::MetadataIdentifiers => "metadata-identifiers",
            Self::Created201 => "created-201",
            Self::TextErrors => "text-errors",
            Self::IssueErrors => "issue-errors",
        }
    }

    /// Finds the rule of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// The numbered choices that it turns.
    pub(crate) const fn turns(self) -> &'static [A] {
        match self {
            Self::StrictSchema => &[A(1), A(2)],
            Self::StrictFields => &[A(18)],
            Self::KeepEmail => &[A(4)],
            Self::LenientValues => &[A(11)],
            Self::MergeCustomers => &[A(12)],
            Self::MetadataIdentifiers => &[A(20)],
            Self::Created201 => &[A(5)],
            Self::TextErrors | Self::IssueErrors => &[A(6)],
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Rules {
    pub(crate) fn has(self, rule: Rule) -> bool {
        self.0 & bit(rule) != 0
    }

    pub(crate) fn with(self, rule: Rule) -> Self {
        Self(self.0 | bit(rule))
    }

    /// Adds the rules of a list such as `strict-schema, created-201`; unknown words change nothing.
    pub(crate) fn with_listed(self, list: &str) -> Self {
        list.split(',').filter_map(|name| Rule::named(name.trim())).fold(self, Self::with)
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        rules.into_iter().fold(Self::default(), Self::with)
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(Rule::ALL.into_iter().filter(|rule| self.has(*rule)))
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Rule>::deserialize(deserializer)?.into_iter().collect())
    }
}

const fn bit(rule: Rule) -> u16 {
    1 << rule as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_spelled_in_one_way() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
            assert_eq!(Rule::named(rule.name()), Some(rule));
        }
    }

    #[test]
    fn a_list_adds_to_what_holds() {
        let rules = Rules::from_iter([Rule::KeepEmail]).with_listed("strict-schema, nonsense ,created-201");
        let expected = ["strict-schema", "keep-email", "created-201"];
        assert_eq!(serde_json::to_value(rules).unwrap(), serde_json::json!(expected));
    }
}
