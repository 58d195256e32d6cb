//! [`Reason`]: why a row is rejected, in a code for programs and a sentence for people.

use vambe::{Delivery, Error, Violation};

use crate::mapping::ValueProblem;
use crate::row::Row;
use crate::target::Target;

/// Why a row is rejected. It never holds the API key.
#[derive(Default)]
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) text: String,
    /// What the server answered, if it did.
    pub(crate) http_status: Option<u16>,
    /// How many times it was sent, if that is known.
    pub(crate) attempts: Option<u32>,
}

impl Reason {
    fn unsent(code: &'static str, text: String) -> Self {
        Self { code, text, ..Self::default() }
    }

    /// The row does not have one cell for each column.
    pub(crate) fn row_shape(row: &Row, columns: usize) -> Self {
        let cells = row.width();
        let advice = match cells > columns {
            true => "name every column, and put cells that hold a delimiter in quotes",
            false => "add what is missing, or delete the row",
        };
        let text = format!("the row has {}, the header {columns}: {advice}", plural(cells, "cell"));
        Self::unsent("row_shape", text)
    }

    /// The row is text that is no JSON object.
    pub(crate) fn invalid_json(problem: &str) -> Self {
        Self::unsent("invalid_json", format!("the row {problem}: correct it, one JSON object a row"))
    }

    /// The row gives one key of an object field twice, nested and by a name of its own.
    pub(crate) fn duplicate(target: &Target) -> Self {
        Self::unsent("duplicate_field", format!("{target} is given twice: leave one of them out"))
    }

    /// Values are not what the mapping says; the first one gives the code.
    ///
    /// Each has its target, the columns it comes from, and what is wrong with it.
    pub(crate) fn values(problems: &[(&Target, String, ValueProblem)]) -> Self {
        let code = problems.first().map_or("wrong_type", |(_, _, problem)| problem.code());
        let sentences =
            problems.iter().map(|(target, columns, problem)| format!("{target}, from {columns}, {problem}"));
        Self::unsent(code, joined(sentences))
    }

    /// The run was ended before the answer came.
    pub(crate) fn interrupted() -> Self {
        let text = "the import was ended before the answer came, and the row may have arrived: import it again";
        Self { attempts: Some(1), ..Self::unsent("interrupted", text.to_owned()) }
    }

    /// The row breaks rules; the first one gives the code.
    pub(crate) fn violations(violations: &[Violation]) -> Self {
        let code = violations.first().map_or("validation", |violation| violation.code.as_str());
        Self::unsent(code, joined(violations.iter().map(ToString::to_string)))
    }

    /// Sending it failed.
    pub(crate) fn error(error: &Error) -> Self {
        if !error.violations().is_empty() {
            return Self::violations(error.violations());
        }
        let tried = match error.attempts() {
            0 | 1 => String::new(),
            attempts => format!(" (tried {attempts} times)"),
        };
        let doubt = match error.delivery() {
            Delivery::Unknown => "; the row may have arrived all the same",
            _ => "",
        };
        let attempts = Some(error.attempts()).filter(|attempts| *attempts > 0);
        let text = format!("{}{tried}{doubt}", error.message());
        Self { code: error.code().as_str(), text, http_status: error.status(), attempts }
    }
}

/// Joins the first few of many sentences.
fn joined(sentences: impl ExactSizeIterator<Item = String>) -> String {
    let left_out = sentences.len().saturating_sub(MOST_SENTENCES);
    let mut sentences: Vec<_> = sentences.take(MOST_SENTENCES).collect();
    if left_out > 0 {
        sentences.push(format!("and {left_out} more"));
    }
    sentences.join("; ")
}

const MOST_SENTENCES: usize = 5;

fn plural(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use vambe::{CheckOptions, CustomerRecord, validate};

    use super::*;

    #[test]
    fn the_first_violation_gives_the_code_and_all_give_the_reason() {
        let found = validate(&CustomerRecord::whatsapp("+56987654321", "N/A").stage_id("x"), &CheckOptions::default());
        let reason = Reason::violations(&found.violations);
        assert_eq!(reason.code, "phone_empty");
        assert!(reason.text.contains("contact_phone_number") && reason.text.contains("; stageId"), "{}", reason.text);
    }

    #[test]
    fn says_what_is_wrong_with_the_shape_of_a_row() {
        let row = |cells: &[usize]| Row::new(1, 0, "x".repeat(9), cells);
        assert_eq!(
            Reason::row_shape(&row(&[1]), 3).text,
            "the row has 1 cell, the header 3: add what is missing, or delete the row"
        );
        assert!(Reason::row_shape(&row(&[1, 2, 3, 4]), 3).text.ends_with("put cells that hold a delimiter in quotes"));
    }
}
