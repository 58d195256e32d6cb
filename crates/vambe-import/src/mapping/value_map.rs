//! [`ValueMap`]: what each value of a column becomes.

use std::collections::HashMap;

use vambe::Value;

use crate::fold::fold_value;

/// A table of values, and what becomes of others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueMap {
    exact: HashMap<String, Value>,
    folded: HashMap<String, Value>,
    others: Others,
}

/// What becomes of a value that is not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    Refuse,
    Keep,
    Drop,
}

impl ValueMap {
    /// Makes a table.
    ///
    /// # Errors
    ///
    /// A name that differs from an earlier one in case, accents or blanks only, and becomes something else.
    pub(crate) fn new(entries: Vec<(String, Value)>, others: Others) -> Result<Self, String> {
        let mut folded: HashMap<String, Value> = HashMap::new();
        for (name, value) in &entries {
            match folded.insert(fold_value(name), value.clone()) {
                Some(earlier) if earlier != *value => return Err(name.clone()),
                _ => {}
            }
        }
        let exact = entries.into_iter().map(|(name, value)| (name.trim().to_owned(), value)).collect();
        Ok(Self { exact, folded, others })
    }

    /// Returns what a text becomes, nothing if it is dropped, or an error if it is refused.
    pub(crate) fn convert(&self, text: &str) -> Result<Option<Value>, ()> {
        let found = self.exact.get(text).or_else(|| self.folded.get(&fold_value(text)));
        match (found, self.others) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Others::Keep) => Ok(Some(text.into())),
            (None, Others::Drop) => Ok(None),
            (None, Others::Refuse) => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(others: Others) -> ValueMap {
        let entries = [("Lead", "1"), ("Re\u{f3}pened", "2")].map(|(name, value)| (name.to_owned(), value.into()));
        ValueMap::new(entries.to_vec(), others).unwrap()
    }

    #[test]
    fn finds_a_value_however_it_is_written() {
        for (text, expected) in [("Lead", "1"), ("LEAD", "1"), (" reopened", "2")] {
            assert_eq!(map(Others::Refuse).convert(text), Ok(Some(expected.into())));
        }
    }

    #[test]
    fn others_are_refused_kept_or_dropped() {
        assert_eq!(map(Others::Refuse).convert("New"), Err(()));
        assert_eq!(map(Others::Keep).convert("New"), Ok(Some("New".into())));
        assert_eq!(map(Others::Drop).convert("New"), Ok(None));
    }

    #[test]
    fn names_that_differ_in_case_only_may_not_become_different_things() {
        let twice = |two: &str| ValueMap::new(vec![("a".into(), "1".into()), ("A".into(), two.into())], Others::Drop);
        assert_eq!(twice("2").unwrap_err(), "A");
        assert!(twice("1").is_ok());
    }
}
