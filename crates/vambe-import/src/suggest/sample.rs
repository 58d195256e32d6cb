//! [`Sample`]: the columns of a source, and what their first values look like.

use std::collections::HashMap;

use vambe::Value;

use super::profile::{Profile, is_email, is_phone};
use crate::row::{Content, Header, Row};
use crate::target::{NameProblem, Target};

/// The columns of a source, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Sample {
    profiles: Vec<Profile>,
    /// Where a key of a row that names its own values stands in the list.
    places: HashMap<String, usize>,
    rows: u64,
}

impl Sample {
    pub(super) fn new(header: Option<&Header>) -> Self {
        let names = header.map(Header::names).unwrap_or_default();
        let profiles = names.iter().map(|name| Profile::new(name.trim().to_owned())).collect();
        Self { profiles, ..Self::default() }
    }

    /// Takes a row into account, unless it does not fit the header.
    pub(super) fn add(&mut self, row: &Row) {
        match row.content() {
            Content::Cells { .. } if row.width() == self.profiles.len() => {
                self.profiles.iter_mut().zip(row.cells()).for_each(|(profile, cell)| profile.add(cell));
            }
            Content::Object(entries) => self.add_entries("", entries),
            Content::Cells { .. } | Content::Other(_) | Content::Broken { .. } => return,
        }
        self.rows += 1;
    }

    /// Returns whether the names look like phones or e-mail addresses, so that they are none.
    pub(super) fn is_named_by_values(&self) -> bool {
        self.profiles.iter().any(|profile| is_phone(&profile.name) || is_email(&profile.name))
    }

    pub(super) fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the values of an object into account, those within another by the path to them.
    fn add_entries(&mut self, before: &str, entries: &[(String, Value)]) {
        for (key, value) in entries {
            let path = format!("{before}{key}");
            match value {
                // Objects of a record go as they are: nothing need name them.
                _ if matches!(Target::parse(&path), Err(NameProblem::Object(_))) => {}
                Value::Object(within) if !within.is_empty() => self.add_entries(&format!("{path}."), within),
                _ => self.profile(path).add_value(value),
            }
        }
    }

    fn profile(&mut self, path: String) -> &mut Profile {
        let place = *self.places.entry(path.clone()).or_insert(self.profiles.len());
        if place == self.profiles.len() {
            self.profiles.push(Profile::new(path));
        }
        &mut self.profiles[place]
    }
}
