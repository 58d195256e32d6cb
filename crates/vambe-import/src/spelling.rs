//! Options in messages, spelled as whoever reads them has to write them.

use vambe::{Door, Error};

use crate::error::ImportError;

/// Returns the message of an error of the core, which names options as Rust does, as a door names them.
pub fn message_of_core(error: &Error, door: Door) -> String {
    spelled(error.message(), door)
}

/// Returns a sentence of the core, which names options as Rust does, as a door names them.
pub fn spelled(sentence: &str, door: Door) -> String {
    match door {
        Door::Cli => replace_all(sentence, &OF_THE_CORE),
        _ => sentence.to_owned(),
    }
}

impl ImportError {
    /// Returns the message, which names options as the command does, as a door names them.
    pub fn message(&self, door: Door) -> String {
        match door {
            Door::Cli => self.to_string(),
            // Each is one word, and so the same in every language.
            _ => replace_all(&self.to_string(), &FLAGS),
        }
    }
}

fn replace_all(message: &str, spellings: &[(&str, &str)]) -> String {
    spellings.iter().fold(message.to_owned(), |message, (from, to)| message.replace(from, to))
}

const OF_THE_CORE: [(&str, &str); 10] = [
    (" or pass api_key", ""),
    ("base_url", "--base-url"),
    ("allow_http", "--allow-http"),
    ("default_region", "--default-region"),
    ("max_concurrency", "--max-concurrency"),
    ("max_rate", "--max-rate"),
    ("reserve must", "--reserve must"),
    ("ca_file", "--ca-file"),
    ("pass proxy", "pass --proxy"),
    ("the option proxy", "the option --proxy"),
];

// With the blank before them, which they have in no path.
const FLAGS: [(&str, &str); 11] = [
    (", or pass --no-journal", ", or do without one"),
    (" --journal FILE", " journal"),
    (" --journal", " journal"),
    (" --rejects", " rejects"),
    (" --mapping", " mapping"),
    (" --unknown", " unknown"),
    (" --duplicates", " duplicates"),
    (" --format", " format"),
    (" --sheet", " sheet"),
    (" --encoding", " encoding"),
    (" --quote", " quote"),
];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::journal::JournalProblem;

    #[test]
    fn every_door_reads_its_own_options() {
        let problem = JournalProblem::Io("full".to_owned());
        let error = ImportError::Journal { path: PathBuf::from("a--sheet b.csv"), problem };
        assert_eq!(
            error.message(Door::Cli),
            "a--sheet b.csv: the journal cannot be used (full); name another file with --journal, or pass --no-journal"
        );
        assert_eq!(
            error.message(Door::Python),
            "a--sheet b.csv: the journal cannot be used (full); name another file with journal, or do without one"
        );
    }
}
