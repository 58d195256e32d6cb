//! [`Mapping`]: which column fills what, as a file says.
//!
//! `docs/import.md#mapping` tells what can stand in one.

mod convert;
mod date_format;
mod document;
mod entry;
mod number;
mod rule;
mod template;
mod value_map;

use std::fs;
use std::path::Path;

use vambe::Field;

use crate::columns::UnknownColumns;
use crate::error::ImportError;
use crate::fold::closest;
use crate::source::SourceError;
use crate::target::{NameProblem, Target};

use document::{Content, Node, Problems};

pub use document::MappingProblem;

pub(crate) use date_format::DateFormat;
pub(crate) use number::{Mark, is_number};
pub(crate) use rule::{Found, Origin, Rule, ValueProblem};

/// Which column fills which part of a record, and what its values become.
///
/// The default says nothing: the names of the columns tell what they fill.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    unknown: Option<UnknownColumns>,
    nulls: Vec<String>,
    first_time_only: Vec<String>,
    entries: Vec<Entry>,
}

/// One line of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) line: u64,
    pub(crate) target: Target,
    pub(crate) rule: Rule<String>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let text = fs::read_to_string(path).map_err(|error| SourceError::io(path, error))?;
        Self::parse(&text).map_err(|problems| ImportError::Mapping { path: path.to_owned(), problems })
    }

    /// Reads the text of a mapping file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn parse(text: &str) -> Result<Self, Vec<MappingProblem>> {
        let mut problems = Problems::default();
        let mut mapping = Self::default();
        for node in document::read(text, &mut problems) {
            mapping.add(&node, &mut problems);
        }
        problems.none_or_all().map(|()| mapping)
    }

    /// Returns the fields that a customer gets only when new: their names, as columns would have them.
    pub fn first_time_only(&self) -> &[String] {
        &self.first_time_only
    }

    pub(crate) fn unknown(&self) -> Option<UnknownColumns> {
        self.unknown
    }

    pub(crate) fn nulls(&self) -> &[String] {
        &self.nulls
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns whether it says nothing of any column.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn add(&mut self, node: &Node, problems: &mut Problems) {
        match node.name.as_str() {
            "unknown" => self.unknown = unknown(node, problems),
            "nulls" => {
                self.nulls = node.texts(problems).into_iter().map(|(_, null)| null.to_owned()).collect();
            }
            "first_time_only" => self.first_time_only = first_time_only(node, problems),
            prefix => match &node.content {
                Content::Table(entries) if matches!(prefix, "meta_data" | "custom" | "custom_field_values") => {
                    for entry in entries {
                        self.add_entry(&format!("{prefix}.{}", entry.name), entry, problems);
                    }
                }
                _ => self.add_entry(prefix, node, problems),
            },
        }
    }

    fn add_entry(&mut self, name: &str, node: &Node, problems: &mut Problems) {
        let target = match Target::parse(name) {
            Ok(target) => target,
            Err(problem) => return problems.add(node.line, wrong_name(name, problem)),
        };
        if let Some(first) = self.entries.iter().find(|entry| entry.target.same_as(&target)) {
            let (one, line) = (&first.target, first.line);
            return problems.add(node.line, format!("{name} fills the same as {one} in line {line}; keep one of them"));
        }
        if let Some(rule) = entry::read(&target, node, problems) {
            self.entries.push(Entry { line: node.line, target, rule });
        }
    }
}

const SETTINGS: [&str; 3] = ["unknown", "nulls", "first_time_only"];

fn wrong_name(name: &str, problem: NameProblem) -> String {
    match problem {
        NameProblem::Near(near) => format!("\"{name}\" is no field; did you mean {near}?"),
        NameProblem::Object(object) => format!("{name} is an object; write {}", crate::constants::key_of(object)),
        NameProblem::NoKey => format!("{name} lacks a key after the dot"),
        NameProblem::Unknown => match closest(name, SETTINGS) {
            Some(near) => format!("\"{name}\" is no field; did you mean {near}?"),
            None => format!("\"{name}\" is no field; write meta_data.{name} or custom.{name}"),
        },
    }
}

fn unknown(node: &Node, problems: &mut Problems) -> Option<UnknownColumns> {
    match node.text(problems)? {
        "meta" => Some(UnknownColumns::Meta),
        "skip" => Some(UnknownColumns::Skip),
        "error" => Some(UnknownColumns::Refuse),
        _ => {
            problems.add(node.line, "unknown must be \"meta\", \"skip\" or \"error\"");
            None
        }
    }
}

fn first_time_only(node: &Node, problems: &mut Problems) -> Vec<String> {
    let mut names = Vec::new();
    for (line, name) in node.texts(problems) {
        match Target::parse(name) {
            Ok(Target::Field(field)) if identifies(field) => {
                problems.add(line, format!("{field} says who the customer is, so it is needed every time"));
            }
            // As the API spells it, whichever way it was written.
            Ok(Target::Field(field)) => names.push(Field::from_key(field).map_or(field, Field::name).to_owned()),
            Ok(target) => names.push(target.to_string()),
            Err(problem) => problems.add(line, format!("first_time_only: {}", wrong_name(name, problem))),
        }
    }
    names
}

fn identifies(field: &str) -> bool {
    matches!(field, "channel" | "channel_phone_number" | "contact_phone_number" | "channel_id" | "external_user_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let found = Mapping::parse(text).unwrap_err();
        found.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect()
    }

    #[test]
    fn entries_keep_the_order_of_the_file_and_their_lines() {
        let text = "channel = { value = \"whatsapp\" }\nmeta_data.b = \"B\"\n\n[custom]\nrut = \"RUT\"\n";
        let mapping = Mapping::parse(text).unwrap();
        let entries: Vec<_> = mapping.entries().iter().map(|entry| (entry.line, entry.target.to_string())).collect();
        let expected = [(1, "channel"), (2, "meta_data.b"), (5, "custom.rut")];
        assert_eq!(entries, expected.map(|(line, name)| (line, name.to_owned())));
    }

    #[test]
    fn settings_are_read() {
        let text =
            "unknown = \"error\"\nnulls = [\" N/A \", \"-\"]\nfirst_time_only = [\"stage_id\", \"custom.plan\"]\n";
        let mapping = Mapping::parse(text).unwrap();
        assert_eq!(mapping.unknown(), Some(UnknownColumns::Refuse));
        assert_eq!(mapping.nulls(), ["N/A", "-"]);
        assert_eq!(mapping.first_time_only(), ["stageId", "custom.plan"]);
        assert!(mapping.is_empty());
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_line() {
        let text = r#"
            unknown = "drop"
            nul = ["-"]
            first_time_only = ["contact_phone_number", "stagId"]
            contact_nam = "Nombre"
            contact_phone_number = { colum = "Tel" }
            contact_name = 5
            contact_email = { column = "A", text = "{B}" }
            stageId = "Etapa"
            stage_id = "Etapa"
            agentId = { column = "A", type = "integer" }
            custom.a = { column = "A", type = "date", format = "dd/mm/yy" }
            custom.b = { column = "B", others = "keep" }
            custom.c = { column = "C", type = "numer" }
            meta_data.d = { text = "{D" }
            meta_data.e = { value = "" }
            meta_data.f = { column = "F", values = { "x" = "1", "X" = "2" } }
            meta_data.g = { value = "1", default = "2" }
            custom_field_values.rut = "RUT"
        "#;
        let expected = [
            "2: unknown must be \"meta\", \"skip\" or \"error\"",
            "3: \"nul\" is no field; did you mean nulls?",
            "4: contact_phone_number says who the customer is, so it is needed every time",
            "4: first_time_only: \"stagId\" is no field; did you mean stageId?",
            "5: \"contact_nam\" is no field; did you mean contact_name?",
            "6: contact_phone_number cannot have \"colum\"; did you mean column?",
            "6: contact_phone_number needs one of column, columns, text, value",
            "7: contact_name must be the name of a column in quotes, or a table such as { value = \"\u{2026}\" }",
            "8: contact_email takes only one of column, columns, text, value",
            "10: stage_id fills the same as stageId in line 9; keep one of them",
            "11: agentId is sent as text; types are for meta_data and custom fields",
            "12: custom.a takes a format of dd, mm and yyyy between -, / or ., such as dd/mm/yyyy; a year has four digits",
            "13: custom.b has others, which means something beside values only",
            "14: custom.c takes a type of text, integer, number, boolean, date, datetime; did you mean number?",
            "15: meta_data.d has a text that has a { without its }; write {{ for a brace",
            "16: value is empty; fill it in, or remove it",
            "17: meta_data.f has \"X\" in values twice, but for case, accents or blanks",
            "18: meta_data.g takes value or default, not both",
            "19: \"custom_field_values.rut\" is no field; did you mean custom.rut?",
        ];
        assert_eq!(problems(text), expected);
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let found = problems("contact_name = \"A\"\ncontact_email = Correo\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("2: is no TOML ("), "{found:?}");
        assert!(problems("channel = { value = \"a\" }\nchannel = \"b\"")[0].contains("duplicate key"));
    }

    #[test]
    fn values_of_toml_keep_their_type_in_metadata_only() {
        let text = "meta_data.a = { value = 5 }\nmeta_data.b = { value = 2024-09-30 }\n\
            meta_data.c = { column = \"C\", default = 1.5 }\ncustom.d = { value = true }\n";
        assert!(Mapping::parse(text).is_ok());
        assert_eq!(problems("stageId = { value = 5 }"), ["1: stageId is sent as text; put its value in quotes"]);
        let naive = "meta_data.a = { value = 2024-09-30T10:00:00 }";
        assert_eq!(problems(naive), ["1: value must be a date, or a date and time with its offset"]);
        assert_eq!(
            problems("meta_data.a = { value = 10_000_000_000_000_000_000 }"),
            ["1: value is a whole number beyond 64 bits; write it as text"]
        );
    }
}
