//! Which row of a batch may be sent: one at a time for each identity, in order. Pure.

use std::collections::{HashMap, VecDeque};

/// Rows that wait for an earlier row of their identity.
#[derive(Debug)]
pub(crate) struct Lanes<Row> {
    // An identity is here while one of its rows is being sent.
    waiting: HashMap<String, VecDeque<Row>>,
    held: usize,
}

impl<Row> Lanes<Row> {
    pub(crate) fn new() -> Self {
        Self { waiting: HashMap::new(), held: 0 }
    }

    /// Returns how many rows are being sent or wait.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Takes a row; gives it back if it may be sent at once.
    pub(crate) fn enter(&mut self, identity: &str, row: Row) -> Option<Row> {
        self.held += 1;
        if let Some(lane) = self.waiting.get_mut(identity) {
            lane.push_back(row);
            return None;
        }
        self.waiting.insert(identity.to_owned(), VecDeque::new());
        Some(row)
    }

    /// Notes that a row of the identity has ended; gives the next one that may be sent.
    pub(crate) fn leave(&mut self, identity: &str) -> Option<Row> {
        self.held -= 1;
        let next = self.waiting.get_mut(identity)?.pop_front();
        if next.is_none() {
            self.waiting.remove(identity);
        }
        next
    }

    /// Notes that a row of the identity has ended, and leaves the others of its lane where they are.
    pub(crate) fn leave_alone(&mut self, identity: &str) {
        self.held -= 1;
        if self.waiting.get(identity).is_some_and(VecDeque::is_empty) {
            self.waiting.remove(identity);
        }
    }

    /// Gives all rows that wait; those being sent stay.
    pub(crate) fn drain_waiting(&mut self) -> impl Iterator<Item = Row> {
        let waiting: Vec<Row> = self.waiting.values_mut().flat_map(std::mem::take).collect();
        self.held -= waiting.len();
        waiting.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_waits_for_the_earlier_rows_of_its_identity_only() {
        let mut lanes = Lanes::new();
        assert_eq!(lanes.enter("a", 1), Some(1));
        assert_eq!(lanes.enter("a", 2), None);
        assert_eq!(lanes.enter("b", 3), Some(3));
        assert_eq!(lanes.enter("a", 4), None);
        assert_eq!(lanes.leave("a"), Some(2));
        assert_eq!(lanes.leave("a"), Some(4));
        assert_eq!((lanes.leave("a"), lanes.leave("b"), lanes.held()), (None, None, 0));
        assert_eq!(lanes.enter("a", 5), Some(5));
    }
}
