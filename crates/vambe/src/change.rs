//! [`Change`]: what a check did to a record before it was fit to send.

use std::fmt;

use serde::Serialize;

use crate::violation::Path;

/// One difference between the record as given and the body as sent.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// Where, as the caller spelled it.
    pub path: Path,
    /// What was done.
    pub action: ChangeAction,
    /// The text before; personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The text after; personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What was done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeAction {
    /// Nothing was in it, so it is not sent.
    Dropped,
    /// Only the digits and `+` of a phone number were kept.
    Cleaned,
    /// Surrounding blanks were removed.
    Trimmed,
    /// A phone number became E.164.
    Normalized,
    /// A number, boolean or date became text.
    Converted,
    /// A default of the options was used.
    Filled,
    /// An empty `meta_data` was added.
    Added,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({} {:?})", self.path, self.action)
    }
}
