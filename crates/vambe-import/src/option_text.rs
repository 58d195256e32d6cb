//! Options as people write them: texts that the command, Python and Node read alike.

use std::fmt;
use std::str::FromStr;

use crate::columns::UnknownColumns;
use crate::send::Duplicates;
use crate::source::{Delimiter, FileFormat, Quote, TextEncoding};

/// Why a text is not what an option can be; it says what can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionTextError(&'static str);

impl fmt::Display for OptionTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "give {}", self.0)
    }
}

impl std::error::Error for OptionTextError {}

impl FromStr for Delimiter {
    type Err = OptionTextError;

    /// Reads `comma`, `semicolon`, `tab`, `pipe` or the character itself.
    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        let character = match text {
            "comma" => Some(','),
            "semicolon" => Some(';'),
            "tab" | "\\t" => Some('\t'),
            "pipe" => Some('|'),
            other => single(other),
        };
        character.and_then(Self::new).ok_or(OptionTextError("comma, semicolon, tab, pipe or one ASCII character"))
    }
}

impl FromStr for TextEncoding {
    type Err = OptionTextError;

    /// Reads any usual name of an encoding, such as `latin1`.
    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        Self::named(text).ok_or(OptionTextError("a known encoding, such as utf-8 or windows-1252"))
    }
}

impl FromStr for Quote {
    type Err = OptionTextError;

    /// Reads `none` or the character itself.
    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        if text == "none" {
            return Ok(Self::None);
        }
        let byte = single(text).filter(char::is_ascii_punctuation).and_then(|character| u8::try_from(character).ok());
        byte.map(Self::Character).ok_or(OptionTextError("one ASCII character, or none"))
    }
}

impl FileFormat {
    /// What texts name one.
    pub const NAMES: [&str; 4] = ["csv", "xlsx", "ndjson", "json"];
}

impl FromStr for FileFormat {
    type Err = OptionTextError;

    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        match text {
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            "ndjson" => Ok(Self::Ndjson),
            "json" => Ok(Self::Json),
            _ => Err(OptionTextError("csv, xlsx, ndjson or json")),
        }
    }
}

impl UnknownColumns {
    /// What texts name one.
    pub const NAMES: [&str; 3] = ["meta", "skip", "error"];
}

impl FromStr for UnknownColumns {
    type Err = OptionTextError;

    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        match text {
            "meta" => Ok(Self::Meta),
            "skip" => Ok(Self::Skip),
            "error" => Ok(Self::Refuse),
            _ => Err(OptionTextError("meta, skip or error")),
        }
    }
}

impl Duplicates {
    /// What texts name one.
    pub const NAMES: [&str; 2] = ["last", "error"];
}

impl FromStr for Duplicates {
    type Err = OptionTextError;

    fn from_str(text: &str) -> Result<Self, OptionTextError> {
        match text {
            "last" => Ok(Self::Last),
            "error" => Ok(Self::Refuse),
            _ => Err(OptionTextError("last or error")),
        }
    }
}

fn single(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_named_or_given_as_it_is() {
        assert_eq!("semicolon".parse(), Ok(Delimiter::new(';').unwrap()));
        assert_eq!("\t".parse::<Delimiter>(), "tab".parse());
        assert_eq!("none".parse(), Ok(Quote::None));
        assert_eq!("'".parse(), Ok(Quote::Character(b'\'')));
        assert_eq!("latin1".parse::<TextEncoding>(), "windows-1252".parse());
    }

    #[test]
    fn what_is_no_option_is_told_what_is() {
        let problem = |found: Option<OptionTextError>| found.unwrap().to_string();
        assert_eq!(problem("".parse::<Delimiter>().err()), "give comma, semicolon, tab, pipe or one ASCII character");
        assert_eq!(problem("a".parse::<Quote>().err()), "give one ASCII character, or none");
        assert_eq!(
            problem("klingon".parse::<TextEncoding>().err()),
            "give a known encoding, such as utf-8 or windows-1252"
        );
    }

    #[test]
    fn every_name_that_is_listed_is_one() {
        assert!(FileFormat::NAMES.iter().all(|name| name.parse::<FileFormat>().is_ok()));
        assert!(UnknownColumns::NAMES.iter().all(|name| name.parse::<UnknownColumns>().is_ok()));
        assert!(Duplicates::NAMES.iter().all(|name| name.parse::<Duplicates>().is_ok()));
        assert!("META".parse::<UnknownColumns>().is_err());
    }
}
