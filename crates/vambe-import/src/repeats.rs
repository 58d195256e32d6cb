//! [`Repeats`]: which rows of a source are about a customer that a later row is about too, in bounded memory.
//!
//! A Bloom filter says of most rows that their customer has not been seen. Of the others the last row is kept
//! exactly: in memory while they are few, in a temporary file once they are many. So a customer that the filter
//! only takes for seen is its own last row, and nothing is lost by the mistake.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fingerprint::Hash;

/// Takes the customers of all rows, in order.
pub(crate) struct Repeats {
    seen: Bloom,
    last: LastRows,
}

/// Knows of each customer that came more than once where it came last.
#[derive(Default)]
pub(crate) struct LastRows {
    few: HashMap<Hash, u64>,
    many: Option<Connection>,
}

impl Repeats {
    /// Makes room for as many rows as fit into so many bytes.
    pub(crate) fn new(source: Option<u64>) -> Self {
        Self { seen: Bloom::new(source), last: LastRows::default() }
    }

    /// Takes a row's customer; returns whether it was seen before, as far as the filter can tell.
    pub(crate) fn see(&mut self, number: u64, key: Hash) -> rusqlite::Result<bool> {
        let was_seen = self.seen.insert(key);
        if was_seen {
            self.last.few.insert(key, number);
            if self.last.few.len() >= FEW {
                self.last.move_to_file()?;
            }
        }
        Ok(was_seen)
    }

    /// Returns whether a customer was seen, as far as the filter can tell.
    pub(crate) fn has_seen(&self, key: Hash) -> bool {
        self.seen.contains(key)
    }

    /// Ends the taking, and gives the filter's memory back.
    pub(crate) fn finish(mut self) -> rusqlite::Result<LastRows> {
        if self.last.many.is_some() {
            self.last.move_to_file()?;
        }
        Ok(self.last)
    }
}

impl LastRows {
    /// Returns whether no later row is about the same customer.
    pub(crate) fn is_last(&self, number: u64, key: &Hash) -> rusqlite::Result<bool> {
        let last = match &self.many {
            None => self.few.get(key).copied(),
            Some(many) => many
                .prepare_cached("SELECT number FROM last WHERE key = ?1")?
                .query_row([key.as_slice()], |row| row.get(0))
                .optional()?,
        };
        Ok(last.is_none_or(|last| last <= number))
    }

    fn move_to_file(&mut self) -> rusqlite::Result<()> {
        if self.many.is_none() {
            self.many = Some(temporary()?);
        }
        let Some(many) = &mut self.many else { return Ok(()) };
        // In the order of the keys, neighbours share a page of the file.
        let mut rows: Vec<_> = std::mem::take(&mut self.few).into_iter().collect();
        rows.sort_unstable();
        let transaction = many.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO last (key, number) VALUES (?1, ?2)")?;
            for (key, number) in rows {
                insert.execute(params![key.as_slice(), number])?;
            }
        }
        transaction.commit()
    }
}

/// Opens a database that nobody else sees, and that goes with this process.
fn temporary() -> rusqlite::Result<Connection> {
    let connection = Connection::open("")?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4096;
         CREATE TABLE last (key BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;",
    )?;
    Ok(connection)
}

/// How many repeated customers are kept in memory: 6 MB of them.
const FEW: usize = 100_000;

/// A Bloom filter whose bits of one key lie in one cache line.
struct Bloom {
    lines: Vec<[u64; 8]>,
}

impl Bloom {
    /// With 16 MiB, ten million keys have 13 bits each: of a hundred, fewer than one is wrongly taken for seen.
    fn new(source: Option<u64>) -> Self {
        let bytes = source.map_or(MOST_BYTES, |size| (size / 8).clamp(LEAST_BYTES, MOST_BYTES));
        let lines = usize::try_from(bytes / 64).unwrap_or(1);
        Self { lines: vec![[0; 8]; lines] }
    }

    /// Adds a key; returns whether it seems to be there already.
    fn insert(&mut self, key: Hash) -> bool {
        let (line, bits) = self.place(key);
        let line = &mut self.lines[line];
        let mut was_there = true;
        for (word, bit) in bits {
            was_there &= line[word] & bit != 0;
            line[word] |= bit;
        }
        was_there
    }

    fn contains(&self, key: Hash) -> bool {
        let (line, bits) = self.place(key);
        bits.iter().all(|(word, bit)| self.lines[line][*word] & bit != 0)
    }

    /// Returns the line of a key, and its bits there: the word of each, and its mask.
    fn place(&self, key: Hash) -> (usize, [(usize, u64); BITS_A_KEY]) {
        let (line, bits) = key.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let line = usize::try_from(number(line) % self.lines.len() as u64).unwrap_or(0);
        let bits = number(bits);
        let bit = |index: usize| {
            let bits = bits >> (9 * index);
            ((bits >> 6 & 7) as usize, 1_u64 << (bits & 63))
        };
        (line, std::array::from_fn(bit))
    }
}

const MOST_BYTES: u64 = 16 * 1024 * 1024;
const LEAST_BYTES: u64 = 64 * 1024;
const BITS_A_KEY: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Salt;

    fn key(number: u64) -> Hash {
        Salt([0; 16]).key(&number.to_string())
    }

    fn last_rows(keys: &[u64], source: Option<u64>) -> Vec<bool> {
        let mut repeats = Repeats::new(source);
        for (number, name) in keys.iter().enumerate() {
            repeats.see(number as u64, key(*name)).unwrap();
        }
        let last = repeats.finish().unwrap();
        keys.iter().enumerate().map(|(number, name)| last.is_last(number as u64, &key(*name)).unwrap()).collect()
    }

    #[test]
    fn of_rows_about_one_customer_the_last_counts() {
        assert_eq!(last_rows(&[1, 2, 1, 3, 1, 2], None), [false, false, false, true, true, true]);
    }

    #[test]
    fn a_filter_that_is_far_too_small_costs_nothing_but_memory() {
        let keys: Vec<u64> = (0..300_000).chain(0..1000).collect();
        let last = last_rows(&keys, Some(0));
        let superseded = last.iter().filter(|is_last| !**is_last).count();
        assert_eq!(superseded, 1000);
        assert!(last[..1000].iter().all(|is_last| !is_last));
    }

    #[test]
    fn a_filter_of_the_right_size_is_seldom_wrong() {
        let mut repeats = Repeats::new(Some(80 * 200_000));
        let wrong = (0..200_000).filter(|number| repeats.see(*number, key(*number)).unwrap()).count();
        assert!(wrong <= 2, "{wrong} of 200,000 taken for seen");
    }

    proptest::proptest! {
        #[test]
        fn exactly_one_row_of_each_customer_is_its_last(keys in proptest::collection::vec(0_u64..40, 0..200)) {
            let last = last_rows(&keys, Some(0));
            for name in 0..40 {
                let places: Vec<_> = keys.iter().zip(&last).filter(|(key, _)| **key == name).collect();
                let is_right = places.iter().rev().enumerate().all(|(from_end, (_, is_last))| **is_last == (from_end == 0));
                proptest::prop_assert!(is_right);
            }
        }
    }
}
