//! The TOML of a mapping: what stands in it, each with its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};
use toml::value::{Datetime, Offset};
use vambe::{Date, DateTime, Value};

/// Something wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingProblem {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What is wrong with a mapping, as far as it is read.
#[derive(Default)]
pub(super) struct Problems(Vec<MappingProblem>);

/// Something in a mapping: its name, its line, and what it is given.
pub(super) struct Node {
    /// Empty in a list.
    pub(super) name: String,
    pub(super) line: u64,
    pub(super) content: Content,
}

pub(super) enum Content {
    Value(Value),
    /// A value that no record can hold, and why.
    Unusable(&'static str),
    List(Vec<Node>),
    Table(Vec<Node>),
}

impl Problems {
    pub(super) fn add(&mut self, line: u64, message: impl Into<String>) {
        self.0.push(MappingProblem { line, message: message.into() });
    }

    /// Returns all problems, in the order of the file, unless there are none.
    pub(super) fn none_or_all(mut self) -> Result<(), Vec<MappingProblem>> {
        self.0.sort_by_key(|problem| problem.line);
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// Reads TOML; what is none is a problem, and nothing else is then looked at.
pub(super) fn read(text: &str, problems: &mut Problems) -> Vec<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(1, |span| line_at(text, &span));
        problems.add(
            line,
            format!("is no TOML ({}); text stands in quotes, as in contact_name = \"Name\"", error.message()),
        );
    }
    if errors.is_empty() { nodes(table.get_ref(), text) } else { Vec::new() }
}

impl Node {
    /// Returns the text that it must be.
    pub(super) fn text(&self, problems: &mut Problems) -> Option<&str> {
        match &self.content {
            Content::Value(Value::Text(text)) if !text.trim().is_empty() => Some(text.trim()),
            _ => {
                problems.add(self.line, format!("{} must be text in quotes, and not empty", self.shown()));
                None
            }
        }
    }

    /// Returns the texts that it must be a list of, each with its line.
    pub(super) fn texts(&self, problems: &mut Problems) -> Vec<(u64, &str)> {
        match &self.content {
            Content::List(items) if !items.is_empty() => {
                items.iter().filter_map(|item| Some((item.line, item.text(problems)?))).collect()
            }
            _ => {
                problems.add(self.line, format!("{} must be a list of texts, such as [\"A\", \"B\"]", self.name));
                Vec::new()
            }
        }
    }

    /// Returns the value that it must be, of any type.
    pub(super) fn value(&self, problems: &mut Problems) -> Option<Value> {
        let problem = match &self.content {
            Content::Value(value) if !value.is_empty() => return Some(value.clone()),
            Content::Value(_) => "is empty; fill it in, or remove it",
            Content::Unusable(problem) => problem,
            Content::List(_) | Content::Table(_) => "must be text, a number, a boolean or a date",
        };
        problems.add(self.line, format!("{} {problem}", self.shown()));
        None
    }

    fn shown(&self) -> &str {
        if self.name.is_empty() { "what stands in the list" } else { &self.name }
    }
}

fn nodes(table: &DeTable<'_>, text: &str) -> Vec<Node> {
    let node = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &Spanned<std::borrow::Cow<'_, str>> = name;
        Node {
            name: name.get_ref().clone().into_owned(),
            line: line_at(text, &name.span()),
            content: content(value.get_ref(), text),
        }
    };
    table.iter().map(node).collect()
}

fn content(value: &DeValue<'_>, text: &str) -> Content {
    match value {
        DeValue::String(text) => Content::Value(Value::from(text.as_ref())),
        DeValue::Boolean(value) => Content::Value((*value).into()),
        DeValue::Integer(number) => integer(number),
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Content::Value(number.into()),
            _ => Content::Unusable("must be a finite number"),
        },
        DeValue::Datetime(moment) => moment_of(moment),
        DeValue::Array(items) => {
            let item = |item: &Spanned<DeValue<'_>>| Node {
                name: String::new(),
                line: line_at(text, &item.span()),
                content: content(item.get_ref(), text),
            };
            Content::List(items.iter().map(item).collect())
        }
        DeValue::Table(table) => Content::Table(nodes(table, text)),
    }
}

fn integer(number: &DeInteger<'_>) -> Content {
    match i64::from_str_radix(number.as_str(), number.radix()) {
        Ok(number) => Content::Value(number.into()),
        Err(_) => Content::Unusable("is a whole number beyond 64 bits; write it as text"),
    }
}

fn moment_of(moment: &Datetime) -> Content {
    let date = moment.date.and_then(|date| Date::new(date.year, date.month, date.day));
    let value = match (date, moment.time, moment.offset) {
        (Some(date), None, _) => Some(Value::Date(date)),
        (Some(date), Some(time), Some(offset)) => {
            let seconds = match offset {
                Offset::Z => 0,
                Offset::Custom { minutes } => i32::from(minutes) * 60,
            };
            let clock = (time.hour, time.minute, time.second.unwrap_or_default());
            DateTime::new(date, clock, time.nanosecond.unwrap_or_default(), Some(seconds)).map(Value::DateTime)
        }
        _ => None,
    };
    value.map_or(Content::Unusable("must be a date, or a date and time with its offset"), Content::Value)
}

fn line_at(text: &str, span: &Range<usize>) -> u64 {
    let before = text.get(..span.start).unwrap_or(text);
    before.matches('\n').count() as u64 + 1
}
