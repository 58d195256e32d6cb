//! [`suggest`]: a mapping for a file that nobody has written one for.
//!
//! What it says rests on the names of the columns and on what the first rows look like; a person decides.

mod plan;
mod profile;
mod sample;
mod text;
mod words;

use std::fmt;

use crate::source::{Source, SourceError, SourceProblem};

use plan::Plan;
use sample::Sample;

/// What is known of the channel before a file is looked at.
#[derive(Debug, Clone, Default)]
pub struct SuggestOptions {
    /// The channel: `whatsapp`, `web-whatsapp` or `webchat`. Default: `whatsapp`.
    pub channel: Option<String>,
    /// Your own number, to be written into the mapping.
    pub channel_phone_number: Option<String>,
    /// Whether the environment gives your own number, so that the mapping need not.
    pub has_number_in_environment: bool,
}

/// A mapping that somebody should look at, and why it is as it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Suggestion {
    /// How many rows were looked at.
    pub rows: u64,
    /// What each column is taken for, in the order of the file.
    pub columns: Vec<SuggestedColumn>,
    /// The mapping, with the reasons as comments. Of the rows it holds nothing but the names of stages.
    pub mapping: String,
}

/// What a column is taken for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SuggestedColumn {
    /// Its name.
    pub name: String,
    /// What it fills; nothing if it is left out.
    pub target: Option<String>,
    /// Why.
    pub why: String,
    /// How sure that is.
    pub sureness: Sureness,
}

/// How sure a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sureness {
    /// The name says so, and the values do not contradict.
    Sure,
    /// Only the name, or only the values say so.
    Likely,
    /// Somebody has to decide; the mapping has it in a comment.
    Unsure,
}

/// Looks at the first thousand rows of a source, and suggests a mapping.
///
/// # Errors
///
/// The source cannot be read, or has no names of columns.
pub fn suggest(mut source: Source, options: &SuggestOptions) -> Result<Suggestion, SourceError> {
    let mut sample = Sample::new(source.header());
    // Names are repeated in what is suggested: personal data must not be.
    if let (Some(header), true) = (source.header(), sample.is_named_by_values()) {
        return Err(SourceError::at(source.path(), Some(header.line()), SourceProblem::NoHeader));
    }
    while sample.rows() < MOST_ROWS {
        match source.next_row()? {
            Some(row) => sample.add(&row),
            None => break,
        }
    }
    Ok(suggest_for(&sample, options))
}

const MOST_ROWS: u64 = 1000;

fn suggest_for(sample: &Sample, options: &SuggestOptions) -> Suggestion {
    let plan = Plan::new(sample, options);
    let mapping = text::write(&plan, sample, options);
    Suggestion { rows: sample.rows(), columns: plan.into_columns(), mapping }
}

impl fmt::Display for Sureness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sure => "sure",
            Self::Likely => "likely",
            Self::Unsure => "unsure",
        })
    }
}

#[cfg(test)]
mod tests {
    use vambe::Value;

    use super::*;
    use crate::mapping::Mapping;
    use crate::row::{Header, Row};

    fn of_rows(names: &[&str], rows: &[&[&str]]) -> Suggestion {
        let header = Header::new(1, names.iter().map(|name| (*name).to_owned()).collect());
        let mut sample = Sample::new(Some(&header));
        for cells in rows {
            let mut ends = Vec::new();
            let text = cells.iter().fold(String::new(), |text, cell| {
                ends.push(text.len() + cell.len());
                text + cell
            });
            sample.add(&Row::new(1, 0, text, &ends));
        }
        suggest_for(&sample, &SuggestOptions::default())
    }

    fn active_lines(suggestion: &Suggestion) -> Vec<&str> {
        let lines = suggestion.mapping.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.split("  # ").next().unwrap_or_default()).collect()
    }

    const ROWS: &[&[&str]] = &[
        &["+56911111111", "Ana", "Paz", "a@x.co", "Lead", "1-9", "1.234,5", "31/12/2026", ""],
        &["+56922222222", "Luz", "Ros", "", "Cliente", "2-7", "2,5", "01/02/2026", ""],
        &["", "Sol", "Mar", "N/A", "Lead", "", "3", "15/02/2026", ""],
    ];

    #[test]
    fn suggests_what_a_person_would() {
        let names =
            ["Celular", "Nombre", "Apellidos", "Correo", "Etapa", "RUT", "Total", "Fecha de alta", "Vac\u{ed}o"];
        let suggestion = of_rows(&names, ROWS);
        assert_eq!(
            active_lines(&suggestion),
            [
                "unknown = \"skip\"",
                "nulls = [\"N/A\"]",
                "channel = { value = \"whatsapp\" }",
                "contact_phone_number = \"Celular\"",
                "contact_name = { text = \"{Nombre?} {Apellidos?}\" }",
                "contact_email = \"Correo\"",
                "meta_data.rut = \"RUT\"",
                "meta_data.etapa = \"Etapa\"",
                "meta_data.total = { column = \"Total\", type = \"number\", decimal = \",\" }",
                "meta_data.fecha_de_alta = { column = \"Fecha de alta\", type = \"date\", format = \"dd/mm/yyyy\" }",
            ]
        );
        let prepared =
            "#stageId.column = \"Etapa\"\n#stageId.values.\"Cliente\" = \"\"\n#stageId.values.\"Lead\" = \"\"\n";
        assert!(suggestion.mapping.contains(prepared), "{}", suggestion.mapping);
        assert!(suggestion.mapping.contains("#custom.rut = \"RUT\""));
        assert!(Mapping::parse(&suggestion.mapping).is_ok());
        assert_eq!(suggestion.columns.len(), names.len());
    }

    #[test]
    fn holds_no_value_but_the_names_of_stages() {
        let names = ["Celular", "Nombre", "Apellidos", "Correo", "Etapa", "RUT", "Total", "Fecha", "Nada"];
        let suggestion = of_rows(&names, ROWS);
        for value in ["56911111111", "Ana", "Paz", "a@x.co", "1-9", "1.234,5", "31/12/2026"] {
            assert!(!suggestion.mapping.contains(value), "{value}");
        }
    }

    #[test]
    fn what_is_unsure_or_cannot_be_named_is_left_to_a_person() {
        let names = ["Fono", "", "_line", "Nota", "Nota", "\"odd\"\n{name}", "\u{2014}"];
        let suggestion = of_rows(&names, &[&["ask", "x", "7", "a", "b", "c", "d"][..]; 5]);
        assert_eq!(
            active_lines(&suggestion),
            [
                "unknown = \"skip\"",
                "channel = { value = \"whatsapp\" }",
                "meta_data.fono = \"Fono\"",
                "meta_data.odd_name = \"\\\"odd\\\"\\u000A{name}\"",
                "meta_data.column_7 = \"\u{2014}\"",
            ]
        );
        assert!(suggestion.mapping.contains("#contact_phone_number = \"\""));
        assert!(Mapping::parse(&suggestion.mapping).is_ok(), "{}", suggestion.mapping);
        let fates: Vec<_> = suggestion.columns.iter().map(|column| column.target.is_some()).collect();
        assert_eq!(fates, [true, false, false, false, false, true, true]);
    }

    #[test]
    fn finds_a_phone_and_an_address_that_no_name_tells_of() {
        let suggestion = of_rows(&["A", "B"], &[&["+56911111111", "a@x.co"], &["+56922222222", "b@x.co"]]);
        let lines = active_lines(&suggestion);
        assert!(lines.contains(&"contact_phone_number = \"A\"") && lines.contains(&"contact_email = \"B\""));
        assert!(suggestion.columns.iter().all(|column| column.sureness == Sureness::Likely));
    }

    #[test]
    fn rows_that_name_their_values_are_known_by_paths() {
        let json = r#"{"customer": {"firstName": "Ana", "lastName": "Paz", "phone": "+56911111111"},
            "total": 12.5, "tags": ["a"], "meta_data": {"x": 1}, "custom_field_values": []}"#;
        let mut sample = Sample::new(None);
        let Value::Object(entries) = Value::from_json(json).unwrap() else { panic!() };
        sample.add(&Row::object(1, 0, entries));
        let suggestion = suggest_for(&sample, &SuggestOptions::default());
        assert_eq!(
            active_lines(&suggestion)[2..],
            [
                "contact_phone_number = \"customer.phone\"",
                "contact_name = { text = \"{customer.firstName?} {customer.lastName?}\" }",
                "meta_data.total = \"total\"",
                "meta_data.tags = \"tags\"",
            ]
        );
    }

    #[test]
    fn a_webchat_needs_an_id_of_the_user() {
        let options = SuggestOptions { channel: Some("webchat".to_owned()), ..SuggestOptions::default() };
        let mut sample = Sample::new(Some(&Header::new(1, vec!["User ID".to_owned()])));
        sample.add(&Row::new(2, 0, "7".to_owned(), &[1]));
        let suggestion = suggest_for(&sample, &options);
        assert!(active_lines(&suggestion).contains(&"external_user_id = \"User ID\""));
        assert!(suggestion.mapping.contains("#channel_id = "));
    }
}
