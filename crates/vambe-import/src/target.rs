//! What a column or a `--set` fills: a field, one key of `meta_data`, or one custom field.

use std::fmt;

use vambe::{Field, suggest_field};

/// What a named value becomes in the record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Field(&'static str),
    Meta(String),
    Custom(String),
}

/// Why a name is no target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameProblem {
    /// It is near a name that is one.
    Near(String),
    /// It names an object, which one text cannot be.
    Object(&'static str),
    /// Its key is missing, as in `meta_data.`
    NoKey,
    /// It is like nothing known.
    Unknown,
}

impl Target {
    pub(crate) fn parse(name: &str) -> Result<Self, NameProblem> {
        match Field::from_key(name) {
            Some(field @ (Field::MetaData | Field::CustomFieldValues | Field::Extra)) => {
                return Err(NameProblem::Object(field.name()));
            }
            Some(_) => return Ok(Self::Field(spelling(name))),
            None => {}
        }
        match name.split_once('.') {
            Some(("meta_data" | "custom", "")) => Err(NameProblem::NoKey),
            Some(("meta_data", key)) => Ok(Self::Meta(key.to_owned())),
            Some(("custom", key)) => Ok(Self::Custom(key.to_owned())),
            Some((prefix, key)) => Err(near_prefix(prefix, key)),
            None => Err(suggest_field(name).map_or(NameProblem::Unknown, near)),
        }
    }

    /// Returns whether a header with this name is likely to be one.
    pub(crate) fn is_field_like(name: &str) -> bool {
        !matches!(Self::parse(name.trim()), Err(NameProblem::Unknown))
    }

    /// Returns what two columns must not both fill; `stageId` and `stage_id` are one.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(one), Self::Field(two)) => Field::from_key(one) == Field::from_key(two),
            _ => self == other,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Meta(key) => write!(f, "meta_data.{key}"),
            Self::Custom(key) => write!(f, "custom.{key}"),
        }
    }
}

/// Keeps `stage_id` as it was written, for messages to name it so.
fn spelling(name: &str) -> &'static str {
    match name {
        "stage_id" => "stage_id",
        "agent_id" => "agent_id",
        _ => Field::from_key(name).map_or("", Field::name),
    }
}

fn near(field: &'static str) -> NameProblem {
    NameProblem::Near(match field {
        "meta_data" => "meta_data.<key>".to_owned(),
        "custom_field_values" => "custom.<key>".to_owned(),
        _ => field.to_owned(),
    })
}

fn near_prefix(prefix: &str, key: &str) -> NameProblem {
    let field = Field::from_key(prefix).map(Field::name).or_else(|| suggest_field(prefix));
    match field {
        Some("meta_data") => NameProblem::Near(format!("meta_data.{key}")),
        Some("custom_field_values") => NameProblem::Near(format!("custom.{key}")),
        _ if prefix.eq_ignore_ascii_case("custom") => NameProblem::Near(format!("custom.{key}")),
        _ => NameProblem::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_field_a_key_or_a_problem() {
        let near = |name: &str| Err(NameProblem::Near(name.to_owned()));
        for (name, expected) in [
            ("contact_name", Ok(Target::Field("contact_name"))),
            ("stage_id", Ok(Target::Field("stage_id"))),
            ("meta_data.a.b", Ok(Target::Meta("a.b".to_owned()))),
            ("custom.rut", Ok(Target::Custom("rut".to_owned()))),
            ("custom.", Err(NameProblem::NoKey)),
            ("meta_data", Err(NameProblem::Object("meta_data"))),
            ("extra", Err(NameProblem::Object("extra"))),
            ("Contact Name", near("contact_name")),
            ("metadata", near("meta_data.<key>")),
            ("metadata.source", near("meta_data.source")),
            ("Custom.rut", near("custom.rut")),
            ("custom_field_values.rut", near("custom.rut")),
            ("Sucursal", Err(NameProblem::Unknown)),
            ("Nro. de cliente", Err(NameProblem::Unknown)),
        ] {
            assert_eq!(Target::parse(name), expected, "{name}");
        }
    }

    #[test]
    fn stage_id_and_its_other_spelling_are_one() {
        let parse = |name| Target::parse(name).unwrap();
        assert!(parse("stageId").same_as(&parse("stage_id")));
        assert!(!parse("meta_data.rut").same_as(&parse("custom.rut")));
    }
}
