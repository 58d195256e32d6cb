//! [`HeaderProblem`]: what is wrong with the names of columns.

use std::fmt;

use crate::constants::key_of;

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
    /// A column that fills what the mapping fills too.
    Mapped {
        /// The name of the column.
        name: String,
        /// The line of the mapping.
        line: u64,
    },
    /// A column that the mapping names and that is not there.
    Absent {
        /// The name in the mapping.
        name: String,
        /// The line of the mapping.
        line: u64,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// Names that are like nothing known, where that was to be an error.
    Unknown {
        /// The names as written.
        names: Vec<String>,
    },
    /// No column says who the customer is: probably there is no header.
    NoIdentity,
}

impl HeaderProblem {
    /// Returns whether the values of a customer can cause this when they are taken for a header.
    pub(super) fn is_chance(&self) -> bool {
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
            Self::Mapped { name, line } => write!(
                f,
                "the column \"{name}\" fills what line {line} of the mapping fills too; name the column there, or rename it"
            ),
            Self::Absent { name, line, suggestion } => {
                write!(f, "there is no column \"{name}\", which line {line} of the mapping names")?;
                match suggestion {
                    Some(suggestion) => write!(f, " (did you mean \"{suggestion}\"?)"),
                    None => f.write_str("; correct it there, or remove the line"),
                }
            }
            Self::Unknown { names } => {
                write!(f, "unknown columns: {}; rename them, or pass --unknown meta or --unknown skip", quoted(names))
            }
            Self::NoIdentity => f.write_str(
                "no column is named contact_phone_number or external_user_id; \
                 the first row must hold the names of the columns: rename one, or let `vambe map` suggest a mapping",
            ),
        }
    }
}

/// Lists names in quotes, for a person.
pub fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
