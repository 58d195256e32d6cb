//! [`Rule`]: where the value of one target comes from, and what is made of it.

use std::borrow::Cow;
use std::fmt;

use vambe::Value;

use super::convert::Type;
use super::template::Template;
use super::value_map::ValueMap;

/// Where a value comes from, what it becomes, and what stands in for nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule<C> {
    pub(crate) origin: Origin<C>,
    pub(crate) convert: Convert,
    pub(crate) default: Option<Value>,
}

/// The columns that a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin<C> {
    /// None: the default is all there is.
    Nothing,
    Column(C),
    /// The first that holds something.
    First(Vec<C>),
    Text(Template<C>),
}

/// What becomes of a value that is not nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Convert {
    Keep,
    To(Type),
    Values(ValueMap),
}

/// Why a value cannot be what the mapping says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueProblem {
    /// It should have been something else.
    WrongType { expected: Cow<'static, str> },
    /// It is not in the table of values.
    Unmapped,
}

/// A value in a row: the text of a cell, or what a row says itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'r> {
    Text(&'r str),
    Value(&'r Value),
}

impl<C> Rule<C> {
    /// Takes what a column holds as it is.
    pub(crate) fn column(column: C) -> Self {
        Self { origin: Origin::Column(column), convert: Convert::Keep, default: None }
    }

    /// Gives every row the same.
    pub(crate) fn constant(value: Value) -> Self {
        Self { origin: Origin::Nothing, convert: Convert::Keep, default: Some(value) }
    }

    /// Returns the same rule with other columns.
    pub(crate) fn map<D>(&self, mut to: impl FnMut(&C) -> D) -> Rule<D> {
        let origin = match &self.origin {
            Origin::Nothing => Origin::Nothing,
            Origin::Column(column) => Origin::Column(to(column)),
            Origin::First(columns) => Origin::First(columns.iter().map(to).collect()),
            Origin::Text(template) => Origin::Text(template.map(to)),
        };
        Rule { origin, convert: self.convert.clone(), default: self.default.clone() }
    }

    /// Makes the value, from what a row has in each column; nothing counts as nothing.
    ///
    /// The default is left to the caller: a row may say elsewhere what it stands in for.
    pub(crate) fn value<'r>(&self, find: impl Fn(&C) -> Option<Found<'r>>) -> Result<Option<Value>, ValueProblem> {
        let found = match &self.origin {
            Origin::Nothing => None,
            Origin::Column(column) => find(column),
            Origin::First(columns) => columns.iter().find_map(find),
            Origin::Text(template) => {
                let text_of = |column: &C| find(column).map(Found::text).transpose();
                let text = template.fill(text_of)?;
                return text.map_or(Ok(None), |text| self.convert.apply(Found::Text(&text)));
            }
        };
        found.map_or(Ok(None), |found| self.convert.apply(found))
    }
}

impl<C> Origin<C> {
    pub(crate) fn columns(&self) -> Vec<&C> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Column(column) => vec![column],
            Self::First(columns) => columns.iter().collect(),
            Self::Text(template) => template.columns().collect(),
        }
    }
}

impl<C: fmt::Display> fmt::Display for Origin<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.columns().into_iter().map(|column| format!("\"{column}\"")).collect();
        write!(f, "the column{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
    }
}

impl Convert {
    fn apply(&self, found: Found<'_>) -> Result<Option<Value>, ValueProblem> {
        match self {
            Self::Keep => Ok(Some(found.value())),
            Self::To(kind) => {
                let wrong = |expected| ValueProblem::WrongType { expected };
                kind.convert(&found.value()).map(Some).map_err(wrong)
            }
            Self::Values(values) => values.convert(found.text()?.trim()).map_err(|()| ValueProblem::Unmapped),
        }
    }
}

impl<'r> Found<'r> {
    fn value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Value(value) => value.clone(),
        }
    }

    fn text(self) -> Result<Cow<'r, str>, ValueProblem> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Value(value) => {
                let not_text = |_| ValueProblem::WrongType { expected: "text, a number, a boolean or a date".into() };
                value.to_text().map_err(not_text)
            }
        }
    }
}

impl ValueProblem {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::WrongType { .. } => "wrong_type",
            Self::Unmapped => "unmapped_value",
        }
    }
}

impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType { expected } => write!(f, "must be {expected}"),
            Self::Unmapped => {
                f.write_str("has a value that the mapping's values lack; add it, or give default or others")
            }
        }
    }
}
