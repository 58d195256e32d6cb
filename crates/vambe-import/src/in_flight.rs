//! [`InFlight`]: the rows whose outcome is not known yet, or not written down yet, by the number of their record.

use std::collections::HashMap;

use vambe::CustomerRecord;

use crate::fingerprint::{Fingerprint, Hash};
use crate::row::Row;

/// A row on its way.
pub(crate) struct Flight {
    pub(crate) row: Row,
    pub(crate) number: u64,
    pub(crate) key: Hash,
    /// What it was sent as, and how that compares, if it is to be written down.
    pub(crate) sent: Option<(CustomerRecord, Option<Fingerprint>)>,
    pub(crate) landing: Option<Landing>,
}

/// What a row has come to.
pub(crate) enum Landing {
    /// The server took it; the contact's id.
    Accepted(String),
    Rejected(crate::reason::Reason),
}

/// Rows on their way.
#[derive(Default)]
pub(crate) struct InFlight {
    flights: HashMap<u64, Flight>,
    keys: HashMap<Hash, u32>,
    next_record: u64,
}

impl InFlight {
    pub(crate) fn take_off(&mut self, flight: Flight) {
        *self.keys.entry(flight.key).or_default() += 1;
        self.flights.insert(self.next_record, flight);
        self.next_record += 1;
    }

    /// Returns whether a row of the customer is on its way, so that what is known of them is about to change.
    pub(crate) fn has(&self, key: &Hash) -> bool {
        self.keys.contains_key(key)
    }

    pub(crate) fn flight(&mut self, record: u64) -> Option<&mut Flight> {
        self.flights.get_mut(&record)
    }

    pub(crate) fn land(&mut self, record: u64) -> Option<Flight> {
        let flight = self.flights.remove(&record)?;
        if let Some(rows) = self.keys.get_mut(&flight.key) {
            *rows -= 1;
            if *rows == 0 {
                self.keys.remove(&flight.key);
            }
        }
        Some(flight)
    }

    pub(crate) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Gives all rows that are left, in the order of the source.
    pub(crate) fn drain(&mut self) -> Vec<(u64, Flight)> {
        let mut flights: Vec<_> = std::mem::take(&mut self.flights).into_iter().collect();
        self.keys.clear();
        flights.sort_unstable_by_key(|(record, _)| *record);
        flights
    }
}
