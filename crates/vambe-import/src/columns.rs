//! [`Columns`]: which column fills what, and the record that a row becomes.

use std::fmt;

use vambe::{CustomerRecord, Field, Value};

use crate::constants::{Constant, key_of};
use crate::reason::Reason;
use crate::row::{Content, Header, Row};
use crate::self_named::SelfNamed;
use crate::target::{NameProblem, Target};

/// What becomes of columns that are like no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownColumns {
    /// They are sent as keys of `meta_data`.
    #[default]
    Meta,
    /// They are left out.
    Skip,
    /// They are an error.
    Refuse,
}

/// What is wrong with the names of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// A name that is near one that is known.
    Near {
        /// The name as written.
        name: String,
        /// What was probably meant.
        suggestion: String,
    },
    /// A name of an object, which the text of a cell cannot be.
    Object {
        /// The name as written.
        name: String,
    },
    /// A prefix without a key behind it.
    NoKey {
        /// The name as written.
        name: String,
    },
    /// Two columns that fill the same.
    Duplicate {
        /// The name of the second.
        name: String,
        /// The position of the first, from 1.
        first: usize,
        /// The position of the second.
        second: usize,
    },
    /// Names that are like nothing known, where that was to be an error.
    Unknown {
        /// The names as written.
        names: Vec<String>,
    },
    /// No column says who the customer is: probably there is no header.
    NoIdentity,
}

/// Which column fills which part of a record.
#[derive(Debug, Default)]
pub struct Columns {
    slots: Vec<Slot>,
    width: usize,
    unknown: Vec<String>,
    nameless: usize,
    self_named: SelfNamed,
}

#[derive(Debug)]
struct Slot {
    target: Target,
    column: Option<usize>,
    constant: Option<String>,
}

impl Columns {
    /// Matches the names of a header to the fields of a record; without one, every row names its values itself.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the names, at once.
    pub fn new(
        header: Option<&Header>,
        constants: &[Constant],
        unknown: UnknownColumns,
    ) -> Result<Self, Vec<HeaderProblem>> {
        let Some(names) = header.map(Header::names) else {
            return Ok(Self { self_named: SelfNamed::new(constants, unknown), ..Self::default() });
        };
        let mut columns = Self { width: names.len(), ..Self::default() };
        let mut problems = Vec::new();
        for (index, name) in names.iter().enumerate() {
            columns.add_column(index, name.trim(), unknown, &mut problems);
        }
        for constant in constants {
            columns.add_constant(constant);
        }
        // Names of a file without a header are personal data: say nothing of them.
        if problems.iter().all(HeaderProblem::is_chance) && !columns.has_identity() {
            return Err(vec![HeaderProblem::NoIdentity]);
        }
        if unknown == UnknownColumns::Refuse && !columns.unknown.is_empty() {
            problems.push(HeaderProblem::Unknown { names: columns.unknown.clone() });
        }
        if problems.is_empty() { Ok(columns) } else { Err(problems) }
    }

    /// Makes a record of constants alone; of two for the same, the last one holds.
    pub fn record_of(constants: &[Constant]) -> CustomerRecord {
        let mut columns = Self::default();
        for constant in constants {
            columns.add_constant(constant);
        }
        columns.fill_record(&Row::default())
    }

    /// Returns the names of the columns that are like no field.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns how many columns have no name; they are left out.
    pub fn nameless(&self) -> usize {
        self.nameless
    }

    /// Makes a record of a row, or says why it cannot be one.
    ///
    /// Blanks around a cell do not count, and empty cells are left out.
    pub(crate) fn record(&self, row: &Row) -> Result<CustomerRecord, Reason> {
        match row.content() {
            Content::Cells { ends, .. } if ends.len() == self.width => Ok(self.fill_record(row)),
            Content::Cells { .. } => Err(Reason::row_shape(row, self.width)),
            Content::Object(entries) => self.self_named.record(entries),
            Content::Broken { problem, .. } => Err(Reason::invalid_json(problem)),
        }
    }

    fn fill_record(&self, row: &Row) -> CustomerRecord {
        let mut record = CustomerRecord::default();
        let (mut meta, mut custom) = (Vec::new(), Vec::new());
        for slot in &self.slots {
            let Some(value) = slot.value(row) else { continue };
            match &slot.target {
                Target::Field(name) => record.set(name, value),
                Target::Meta(key) => meta.push((key.clone(), Value::from(value))),
                Target::Custom(key) => custom.push((key.clone(), Value::from(value))),
            }
        }
        for (field, entries) in [(Field::MetaData, meta), (Field::CustomFieldValues, custom)] {
            if !entries.is_empty() {
                record.set(field.name(), Value::Object(entries));
            }
        }
        record
    }

    fn add_column(&mut self, index: usize, name: &str, unknown: UnknownColumns, problems: &mut Vec<HeaderProblem>) {
        if name.starts_with('_') {
            return;
        }
        if name.is_empty() {
            self.nameless += 1;
            return;
        }
        let written = || name.to_owned();
        match Target::parse(name) {
            Ok(target) => self.fill(index, name, target, problems),
            Err(NameProblem::Near(suggestion)) => {
                problems.push(HeaderProblem::Near { name: written(), suggestion });
            }
            Err(NameProblem::Object(_)) => problems.push(HeaderProblem::Object { name: written() }),
            Err(NameProblem::NoKey) => problems.push(HeaderProblem::NoKey { name: written() }),
            Err(NameProblem::Unknown) => {
                self.unknown.push(written());
                if unknown == UnknownColumns::Meta {
                    self.fill(index, name, Target::Meta(written()), problems);
                }
            }
        }
    }

    fn fill(&mut self, index: usize, name: &str, target: Target, problems: &mut Vec<HeaderProblem>) {
        match self.slots.iter().find(|slot| slot.target.same_as(&target)) {
            Some(Slot { column: Some(first), .. }) => {
                problems.push(HeaderProblem::Duplicate { name: name.to_owned(), first: first + 1, second: index + 1 });
            }
            _ => self.slots.push(Slot { target, column: Some(index), constant: None }),
        }
    }

    fn add_constant(&mut self, constant: &Constant) {
        let value = Some(constant.value.clone());
        match self.slots.iter_mut().find(|slot| slot.target.same_as(&constant.target)) {
            Some(slot) => slot.constant = value,
            None => {
                self.slots.push(Slot { target: constant.target.clone(), column: None, constant: value });
            }
        }
    }

    fn has_identity(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.target, Target::Field("contact_phone_number" | "external_user_id")))
    }
}

impl Slot {
    fn value<'a>(&'a self, row: &'a Row) -> Option<&'a str> {
        let cell = self.column.map_or("", |column| row.cell(column).trim());
        if cell.is_empty() { self.constant.as_deref() } else { Some(cell) }
    }
}

impl HeaderProblem {
    /// Returns whether the values of a customer can cause this when they are taken for a header.
    fn is_chance(&self) -> bool {
        matches!(self, Self::Duplicate { .. })
    }
}

impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near { name, suggestion } => {
                write!(f, "the column \"{name}\" is no field (did you mean {suggestion}?)")
            }
            Self::Object { name } => {
                let key = key_of(name);
                write!(
                    f,
                    "the column \"{name}\" is an object, which a cell cannot hold; write one column per key, {key}"
                )
            }
            Self::NoKey { name } => write!(f, "the column \"{name}\" lacks a key after the dot"),
            Self::Duplicate { name, first, second } => {
                write!(f, "the columns {first} and {second} (\"{name}\") fill the same; rename or remove one of them")
            }
            Self::Unknown { names } => {
                write!(f, "unknown columns: {}; rename them, or pass --unknown meta or --unknown skip", quoted(names))
            }
            Self::NoIdentity => f.write_str(
                "no column is named contact_phone_number or external_user_id; \
                 the first row must hold the names of the columns",
            ),
        }
    }
}

/// Lists names in quotes, for a person.
pub fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Row {
        let mut ends = Vec::new();
        let mut text = String::new();
        for cell in cells {
            text.push_str(cell);
            ends.push(text.len());
        }
        Row::new(1, 0, text, &ends)
    }

    fn matched(names: &[&str], set: &[&str], unknown: UnknownColumns) -> Result<Columns, Vec<HeaderProblem>> {
        let constants: Vec<Constant> = set.iter().map(|text| text.parse().unwrap()).collect();
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Columns::new(Some(&Header::new(1, names)), &constants, unknown)
    }

    fn problems(names: &[&str], unknown: UnknownColumns) -> Vec<String> {
        matched(names, &[], unknown).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_becomes_a_record() {
        let columns = matched(
            &["channel", " contact_phone_number ", "custom.rut", "Sucursal", "_reason", "", "stage_id"],
            &["channel=webchat", "meta_data.source=crm", "channel_phone_number=+1"],
            UnknownColumns::Meta,
        )
        .unwrap();
        assert_eq!((columns.unknown(), columns.nameless()), (&["Sucursal".to_owned()][..], 1));
        let record = columns.record(&row(&["whatsapp", " +56 ", "1-9", "Centro", "old", "x", "  "])).ok().unwrap();
        let expected = CustomerRecord::whatsapp("+1", "+56")
            .meta("Sucursal", "Centro")
            .meta("source", "crm")
            .custom_field("rut", "1-9");
        assert!(record == expected);
    }

    #[test]
    fn a_constant_fills_empty_cells_only() {
        let columns =
            matched(&["contact_phone_number", "meta_data.a"], &["meta_data.a=all"], UnknownColumns::Meta).unwrap();
        let value = |cell| columns.record(&row(&["1", cell])).ok().unwrap().get(Field::MetaData).clone();
        assert!(value("own") == Value::Object(vec![("a".into(), "own".into())]));
        assert!(value(" ") == Value::Object(vec![("a".into(), "all".into())]));
    }

    #[test]
    fn every_wrong_name_is_reported_at_once() {
        let found = problems(
            &["Phone", "Email", "stageId", "stage_id", "contact_phone_number", "meta_data", "Plan"],
            UnknownColumns::Refuse,
        );
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found[0].starts_with("the column \"Phone\" is no field (did you mean contact_phone_number?)"));
        assert_eq!(found[2], "the columns 3 and 4 (\"stage_id\") fill the same; rename or remove one of them");
        assert!(found[4].starts_with("unknown columns: \"Plan\";"));
    }

    #[test]
    fn an_unknown_column_may_not_repeat_a_key_of_meta_data() {
        let names = ["contact_phone_number", "meta_data.plan", "plan"];
        assert_eq!(problems(&names, UnknownColumns::Meta).len(), 1);
        assert!(matched(&names, &[], UnknownColumns::Skip).is_ok());
    }

    #[test]
    fn a_file_without_header_is_refused_without_a_word_of_its_data() {
        let found = problems(&["whatsapp", "+56911111111", "Ana", "Ana"], UnknownColumns::Meta);
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("Ana") && found[0].contains("the first row must hold"));
    }
}
