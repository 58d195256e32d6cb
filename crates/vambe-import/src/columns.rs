//! [`Columns`]: which column fills what, and the record that a row becomes.

mod column;
mod header_problem;
mod object;

use vambe::{CustomerRecord, Field, Value};

use crate::constants::Constant;
use crate::fold::closest;
use crate::mapping::{Mapping, Origin, Rule};
use crate::reason::Reason;
use crate::row::{Content, Header, Row};
use crate::target::{NameProblem, Target};

use column::Column;
use object::ObjectRecord;

pub use header_problem::{HeaderProblem, quoted};

/// What becomes of columns that are like no field, and that no mapping names.
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

/// Which column fills which part of a record.
#[derive(Debug, Default)]
pub struct Columns {
    slots: Vec<Slot>,
    width: usize,
    nulls: Vec<String>,
    /// The columns that the mapping names.
    named: Vec<String>,
    naming: Naming,
    unknown: Vec<String>,
    nameless: usize,
}

/// What fills one target.
#[derive(Debug)]
struct Slot {
    target: Target,
    rule: Rule<Column>,
    /// The line of the mapping that says so; a header or a constant has none.
    line: Option<u64>,
}

/// What the names of columns mean where no rule names them.
#[derive(Debug, Clone, Copy, Default)]
struct Naming {
    unknown: UnknownColumns,
    has_mapping: bool,
}

impl Columns {
    /// Matches the columns of a source to what the mapping, their own names and constants say they fill.
    ///
    /// `unknown` beats what the mapping says of unknown columns.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the names, at once.
    pub fn new(
        header: Option<&Header>,
        mapping: &Mapping,
        constants: &[Constant],
        unknown: Option<UnknownColumns>,
    ) -> Result<Self, Vec<HeaderProblem>> {
        let names = header.map(Header::names).unwrap_or_default();
        let unknown = unknown.or(mapping.unknown()).unwrap_or_default();
        let naming = Naming { unknown, has_mapping: !mapping.is_empty() };
        let mut columns = Self { width: names.len(), nulls: mapping.nulls().to_vec(), naming, ..Self::default() };
        let mut problems = Vec::new();
        columns.add_mapping(mapping, header, &mut problems);
        // What is no header, and only taken for one, is personal data: say no more of it.
        if !problems.is_empty() {
            return Err(problems);
        }
        for (index, name) in names.iter().enumerate() {
            columns.add_column(index, name.trim(), &mut problems);
        }
        columns.add_constants(constants);
        // Names of a file without a header are personal data: say nothing of them.
        if header.is_some() && problems.iter().all(HeaderProblem::is_chance) && !columns.has_identity() {
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
        columns.add_constants(constants);
        let mut record = ObjectRecord::default();
        for Slot { target, rule, .. } in columns.slots {
            rule.default.into_iter().for_each(|value| record.set(&target, value));
        }
        record.into_record()
    }

    /// Returns the names of the columns that are like no field, and that no mapping names.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Returns what becomes of them.
    pub fn unknown_columns(&self) -> UnknownColumns {
        self.naming.unknown
    }

    /// Returns how many columns have no name; they are left out.
    pub fn nameless(&self) -> usize {
        self.nameless
    }

    /// Makes a record of a row, or says why it cannot be one.
    ///
    /// Blanks around a cell do not count, and what is nothing is left out.
    pub(crate) fn record(&self, row: &Row) -> Result<CustomerRecord, Reason> {
        match row.content() {
            Content::Object(entries) => self.object_record(row, entries),
            Content::Cells { .. } if row.width() == self.width => self.cell_record(row),
            Content::Cells { .. } => Err(Reason::row_shape(row, self.width)),
            Content::Other(value) => Ok(value.clone().into()),
            Content::Broken { problem, .. } => Err(Reason::invalid_json(problem)),
        }
    }

    fn cell_record(&self, row: &Row) -> Result<CustomerRecord, Reason> {
        let mut record = CustomerRecord::default();
        let (mut meta, mut custom) = (Vec::new(), Vec::new());
        self.each_value(row, |target, value, default| {
            let Some(value) = value.or_else(|| default.cloned()) else { return };
            match target {
                Target::Field(name) => record.set(name, value),
                Target::Meta(key) => meta.push((key.clone(), value)),
                Target::Custom(key) => custom.push((key.clone(), value)),
            }
        })?;
        for (field, entries) in [(Field::MetaData, meta), (Field::CustomFieldValues, custom)] {
            if !entries.is_empty() {
                record.set(field.name(), Value::Object(entries));
            }
        }
        Ok(record)
    }

    fn object_record(&self, row: &Row, entries: &[(String, Value)]) -> Result<CustomerRecord, Reason> {
        let is_something = |value: &Value| match value {
            Value::Text(text) => !self.nulls.iter().any(|null| null == text.trim()),
            value => !value.is_empty(),
        };
        let is_left = |key: &str| !key.starts_with('_') && !self.names(key);
        let own = entries.iter().filter(|(key, value)| is_left(key) && !value.is_empty() && is_something(value));
        let is_ruled =
            |target: &Target| self.slots.iter().any(|slot| slot.has_columns() && slot.target.same_as(target));
        let mut record = ObjectRecord::new(own, self.naming, is_ruled)?;
        self.each_value(row, |target, value, default| match value {
            Some(value) => record.set(target, value),
            None if record.has(target) => {}
            None => default.into_iter().for_each(|default| record.set(target, default.clone())),
        })?;
        Ok(record.into_record())
    }

    /// Gives the value of each slot, and its default, or every reason why there is none.
    fn each_value<'s>(
        &'s self,
        row: &Row,
        mut give: impl FnMut(&'s Target, Option<Value>, Option<&'s Value>),
    ) -> Result<(), Reason> {
        let mut problems = Vec::new();
        for Slot { target, rule, .. } in &self.slots {
            match rule.value(|column| column.find(row, &self.nulls)) {
                Ok(value) => give(target, value, rule.default.as_ref()),
                Err(problem) => problems.push((target, rule.origin.to_string(), problem)),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Reason::values(&problems)) }
    }

    fn add_mapping(&mut self, mapping: &Mapping, header: Option<&Header>, problems: &mut Vec<HeaderProblem>) {
        for entry in mapping.entries() {
            let find = |name: &String| Column { name: name.clone(), index: find(name, entry.line, header, problems) };
            let rule = entry.rule.map(find);
            self.named.extend(rule.origin.columns().into_iter().map(|column| column.name.clone()));
            self.slots.push(Slot { target: entry.target.clone(), rule, line: Some(entry.line) });
        }
    }

    fn add_column(&mut self, index: usize, name: &str, problems: &mut Vec<HeaderProblem>) {
        if name.starts_with('_') || self.named.iter().any(|named| named == name) {
            return;
        }
        if name.is_empty() {
            self.nameless += 1;
            return;
        }
        let written = || name.to_owned();
        match self.naming.target(name) {
            Ok(target) => self.fill(index, name, target, problems),
            Err(NameProblem::Near(suggestion)) => {
                problems.push(HeaderProblem::Near { name: written(), suggestion });
            }
            Err(NameProblem::Object(_)) => problems.push(HeaderProblem::Object { name: written() }),
            Err(NameProblem::NoKey) => problems.push(HeaderProblem::NoKey { name: written() }),
            Err(NameProblem::Unknown) => {
                self.unknown.push(written());
                if self.naming.unknown == UnknownColumns::Meta {
                    self.fill(index, name, Target::Meta(written()), problems);
                }
            }
        }
    }

    fn fill(&mut self, index: usize, name: &str, target: Target, problems: &mut Vec<HeaderProblem>) {
        let written = || name.to_owned();
        match self.slots.iter().find(|slot| slot.target.same_as(&target)) {
            Some(Slot { line: Some(line), .. }) => {
                problems.push(HeaderProblem::Mapped { name: written(), line: *line });
            }
            Some(slot) => {
                let first = slot.rule.origin.columns().iter().find_map(|column| column.index).unwrap_or_default();
                problems.push(HeaderProblem::Duplicate { name: written(), first: first + 1, second: index + 1 });
            }
            None => {
                let rule = Rule::column(Column { name: written(), index: Some(index) });
                self.slots.push(Slot { target, rule, line: None });
            }
        }
    }

    /// Lets constants stand in for what a row lacks; of two for the same, the last one holds.
    fn add_constants(&mut self, constants: &[Constant]) {
        for Constant { target, value } in constants {
            let value = Value::from(value.as_str());
            match self.slots.iter_mut().find(|slot| slot.target.same_as(target)) {
                Some(slot) => slot.rule.default = Some(value),
                None => self.slots.push(Slot { target: target.clone(), rule: Rule::constant(value), line: None }),
            }
        }
    }

    fn has_identity(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.target, Target::Field("contact_phone_number" | "external_user_id")))
    }

    /// Returns whether the mapping names a key of a row, or something in what stands there.
    fn names(&self, key: &str) -> bool {
        let is_within =
            |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.named.iter().any(|name| is_within(name))
    }
}

impl Slot {
    fn has_columns(&self) -> bool {
        !matches!(self.rule.origin, Origin::Nothing)
    }
}

impl Naming {
    /// Returns what a name fills. Whoever gave a mapping has said what is near enough to a field.
    fn target(self, name: &str) -> Result<Target, NameProblem> {
        match Target::parse(name) {
            Err(NameProblem::Near(_)) if self.has_mapping => Err(NameProblem::Unknown),
            target => target,
        }
    }
}

/// Finds a column that the mapping names.
fn find(name: &str, line: u64, header: Option<&Header>, problems: &mut Vec<HeaderProblem>) -> Option<usize> {
    let names = header?.names();
    let mut found = names.iter().enumerate().filter(|(_, own)| own.trim() == name).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            problems.push(HeaderProblem::Duplicate { name: name.to_owned(), first: first + 1, second: second + 1 });
        }
        (Some(index), None) => return Some(index),
        (None, _) => {
            let suggestion = closest(name, names.iter().map(|own| own.trim())).map(str::to_owned);
            problems.push(HeaderProblem::Absent { name: name.to_owned(), line, suggestion });
        }
    }
    None
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
        Columns::new(Some(&Header::new(1, names)), &Mapping::default(), &constants, Some(unknown))
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

    fn mapped(names: &[&str], mapping: &str, set: &[&str]) -> Result<Columns, Vec<HeaderProblem>> {
        let constants: Vec<Constant> = set.iter().map(|text| text.parse().unwrap()).collect();
        let header = Header::new(1, names.iter().map(|name| (*name).to_owned()).collect());
        let header = (!names.is_empty()).then_some(&header);
        Columns::new(header, &Mapping::parse(mapping).unwrap(), &constants, None)
    }

    fn reason(columns: &Columns, row: &Row) -> (&'static str, String) {
        let reason = columns.record(row).err().unwrap();
        (reason.code, reason.text)
    }

    const MAPPING: &str = r#"
        unknown = "skip"
        nulls = ["N/A", "-"]
        channel = { value = "whatsapp" }
        contact_phone_number = { columns = ["Celular", "Fono"] }
        contact_name = { text = "{Nombre?} {Apellido?}" }
        contact_email = { column = "Correo", default = "none@example.com" }
        stageId = { column = "Etapa", values = { "Lead" = "1", "Cliente" = "2" } }
        meta_data.total = { column = "Total", type = "number", decimal = "," }
        meta_data.source = { value = "crm" }
    "#;
    const NAMES: [&str; 8] = ["Celular", "Fono", "Nombre", "Apellido", "Correo", "Etapa", "Total", "Otro"];

    #[test]
    fn a_mapping_says_what_a_row_becomes() {
        let columns = mapped(&NAMES, MAPPING, &[]).unwrap();
        let made = columns.record(&row(&["N/A", "+56", "Ana", "", "-", "LEAD", "1.234,5", "x"])).ok().unwrap();
        let expected = CustomerRecord::whatsapp(Value::Missing, "+56")
            .contact_name("Ana")
            .contact_email("none@example.com")
            .stage_id("1")
            .meta("total", 1234.5)
            .meta("source", "crm");
        assert!(made == expected);
        assert_eq!(columns.unknown(), ["Otro"]);
    }

    #[test]
    fn nothing_stays_nothing() {
        let columns = mapped(&NAMES, MAPPING, &[]).unwrap();
        let made = columns.record(&row(&["-", " ", "", "N/A", "", "", " - ", ""])).ok().unwrap();
        let given: Vec<_> = made.entries().map(|(key, _)| key).collect();
        assert_eq!(given, ["channel", "contact_email", "meta_data"]);
        assert!(*made.get(Field::MetaData) == Value::Object(vec![("source".into(), "crm".into())]));
    }

    #[test]
    fn a_row_that_the_mapping_cannot_read_is_rejected_without_a_word_of_its_values() {
        let columns = mapped(&NAMES, MAPPING, &[]).unwrap();
        let (code, text) = reason(&columns, &row(&["+56", "", "", "", "", "Secret", "$ 5", ""]));
        assert_eq!(code, "unmapped_value");
        assert_eq!(
            text,
            "stageId, from the column \"Etapa\", has a value that the mapping's values lack; add it, or give default \
             or others; meta_data.total, from the column \"Total\", must be a number with \",\" before the decimals"
        );
    }

    #[test]
    fn a_constant_of_the_command_stands_in_for_nothing() {
        let columns = mapped(&NAMES, MAPPING, &["contact_email=set@example.com", "channel=webchat"]).unwrap();
        let made = columns.record(&row(&["+56", "", "", "", "", "", "", ""])).ok().unwrap();
        assert!(*made.get(Field::ContactEmail) == "set@example.com".into());
        assert!(*made.get(Field::Channel) == "webchat".into());
    }

    #[test]
    fn a_mapping_that_does_not_fit_the_header_is_an_error() {
        let mapping = "contact_phone_number = \"Telefono\"\ncontact_name = \"Cliente\"\n";
        let found = mapped(&["Teléfono", "+569"], mapping, &[]).unwrap_err();
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "there is no column \"Telefono\", which line 1 of the mapping names (did you mean \"Teléfono\"?)",
                "there is no column \"Cliente\", which line 2 of the mapping names; correct it there, or remove the line",
            ]
        );
        let twice = mapped(&["Fono", "contact_phone_number"], "contact_phone_number = \"Fono\"", &[]).unwrap_err();
        assert!(twice[0].to_string().contains("fills what line 1 of the mapping fills too"), "{twice:?}");
        let two = mapped(&["Fono", "Fono"], "contact_phone_number = \"Fono\"", &[]).unwrap_err();
        assert_eq!(two[0], HeaderProblem::Duplicate { name: "Fono".into(), first: 1, second: 2 });
    }

    fn object(json: &str) -> Row {
        let Value::Object(entries) = Value::from_json(json).unwrap() else { panic!() };
        Row::object(1, 0, entries)
    }

    #[test]
    fn a_row_that_names_its_values_is_a_record_without_a_mapping() {
        let columns = mapped(&[], "", &["channel=webchat", "meta_data.source=crm"]).unwrap();
        let json = r#"{"channel": "whatsapp", "contact_phone_number": 56, "meta_data": {"a": null, "b": [1]},
            "meta_data.c": true, "custom.rut": "1-9", "Sucursal": "Centro", "stage_id": "", "_id": 3, "phone": "x"}"#;
        let made = columns.record(&object(json)).ok().unwrap();
        let mut expected = CustomerRecord::new("whatsapp").contact_phone_number(56).meta_data(Value::Object(vec![
            ("a".into(), Value::Null),
            ("b".into(), Value::Array(vec![1.into()])),
            ("c".into(), true.into()),
            ("Sucursal".into(), "Centro".into()),
            ("source".into(), "crm".into()),
        ]));
        expected = expected.custom_field("rut", "1-9");
        expected.set("phone", "x");
        assert!(made == expected);
    }

    #[test]
    fn a_mapping_reaches_into_a_row_that_names_its_values() {
        let mapping = r#"
            unknown = "meta"
            nulls = ["N/A"]
            contact_phone_number = { columns = ["customer.mobile", "customer.phone"], type = "text" }
            contact_name = { text = "{customer.first} {customer.last?}" }
            meta_data.total = "order.total"
            meta_data.source = { value = "shop" }
            meta_data.missing = "nowhere"
        "#;
        let columns = mapped(&[], mapping, &[]).unwrap();
        let json = r#"{"customer": {"mobile": "N/A", "phone": 569, "first": "Ana"}, "order": {"total": 12.5},
            "meta_data": {"source": "own", "total": 1}, "note": "N/A", "Email": "a@b.co"}"#;
        let made = columns.record(&object(json)).ok().unwrap();
        let expected = CustomerRecord::default()
            .contact_phone_number("569")
            .contact_name("Ana")
            .meta("source", "own")
            .meta("Email", "a@b.co")
            .meta("total", 12.5);
        assert!(made == expected, "{:?}", made.entries().collect::<Vec<_>>());
    }

    #[test]
    fn a_value_that_is_no_text_cannot_be_put_into_one() {
        let columns = mapped(&[], "contact_name = { text = \"{name}\" }", &[]).unwrap();
        assert_eq!(reason(&columns, &object(r#"{"name": ["Ana"]}"#)).0, "wrong_type");
    }
}
