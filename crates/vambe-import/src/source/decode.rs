//! Bytes of any encoding in, UTF-8 out: detected on the first MiB, checked to the last byte.

use std::fmt;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use memchr::memchr;

use crate::source::SourceProblem;

use super::format::TextFormat;
use super::input::{Input, PIECE, proportion};

/// The encoding of a text file, such as `UTF-8` or `windows-1252`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    pub(super) const UTF_8: Self = Self(UTF_8);

    /// Finds an encoding by any of its usual names, such as `latin1` or `utf-16le`.
    pub fn named(name: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(name.as_bytes()).map(Self)
    }

    /// Returns whether this is UTF-8.
    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }

    /// Tells it from the byte order mark that text begins with.
    pub(super) fn marked(sample: &[u8]) -> Option<Self> {
        Encoding::for_bom(sample).map(|(encoding, _)| Self(encoding))
    }

    /// Guesses it from text without a mark.
    pub(super) fn guessed(input: &Input) -> Self {
        match std::str::from_utf8(&input.sample) {
            Ok(_) => return Self::UTF_8,
            Err(error) if error.error_len().is_none() && !input.is_whole => return Self::UTF_8,
            Err(_) => {}
        }
        // The hint leans towards windows-1252, which is what western Excel writes.
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(&input.sample, true);
        Self(detector.guess(Some(b"cl"), Utf8Detection::Deny))
    }

    /// Returns what bytes say, with a replacement for those that say nothing.
    pub(super) fn decode(self, bytes: &[u8]) -> std::borrow::Cow<'_, str> {
        self.0.decode_with_bom_removal(bytes).0
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Text of a source, piece by piece.
pub(crate) struct TextReader {
    input: Input,
    decoder: Decoder,
    has_mark: bool,
    raw: Vec<u8>,
    decoded: usize,
    is_read: bool,
    state: State,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    InvalidBytes,
    ZeroByte,
    Finished,
}

impl TextReader {
    /// Reads an input as text of an encoding, without the mark it may begin with.
    pub(super) fn new(mut input: Input, encoding: TextEncoding) -> Self {
        let raw = std::mem::take(&mut input.sample);
        let mark = Encoding::for_bom(&raw);
        let decoded = mark.map_or(0, |(_, length)| length);
        Self {
            input,
            decoder: encoding.0.new_decoder_without_bom_handling(),
            has_mark: mark.is_some(),
            raw,
            decoded,
            is_read: false,
            state: State::Decoding,
            bytes_in: decoded as u64,
            bytes_out: 0,
        }
    }

    pub(super) fn format(&self) -> TextFormat {
        let encoding = TextEncoding(self.decoder.encoding());
        TextFormat { compression: self.input.compression, encoding, has_mark: self.has_mark }
    }

    /// Appends more text; false at the end of the source.
    ///
    /// Text before what cannot be read is handed out first, so that the error comes when
    /// the reader has arrived at its line.
    pub(super) fn append_to(&mut self, text: &mut String) -> Result<bool, SourceProblem> {
        while self.state == State::Decoding {
            if self.decoded == self.raw.len() && !self.is_read {
                self.refill()?;
            }
            if self.decode_piece(text) {
                return Ok(true);
            }
        }
        match self.state {
            State::InvalidBytes => Err(SourceProblem::InvalidBytes { encoding: self.decoder.encoding().name() }),
            State::ZeroByte => Err(SourceProblem::ZeroByte),
            State::Decoding | State::Finished => Ok(false),
        }
    }

    /// Returns how many bytes of the file stand for the first `text` bytes of its text.
    pub(super) fn bytes_for(&self, text: u64) -> u64 {
        self.input.bytes_in_file(proportion(text, self.bytes_in, self.bytes_out))
    }

    fn refill(&mut self) -> Result<(), SourceProblem> {
        self.decoded = 0;
        self.input.read_piece(&mut self.raw)?;
        self.is_read = self.raw.is_empty();
        Ok(())
    }

    fn decode_piece(&mut self, text: &mut String) -> bool {
        let until = self.raw.len().min(self.decoded + PIECE);
        let input = &self.raw[self.decoded..until];
        text.reserve(self.decoder.max_utf8_buffer_length_without_replacement(input.len()).unwrap_or(PIECE));
        let before = text.len();
        let (result, read) = self.decoder.decode_to_string_without_replacement(input, text, self.is_read);
        self.state = match result {
            DecoderResult::Malformed(..) => State::InvalidBytes,
            DecoderResult::InputEmpty if self.is_read => State::Finished,
            _ => State::Decoding,
        };
        if let Some(at) = memchr(0, &text.as_bytes()[before..]) {
            text.truncate(before + at);
            self.state = State::ZeroByte;
        }
        self.decoded += read;
        self.bytes_in += read as u64;
        self.bytes_out += (text.len() - before) as u64;
        text.len() > before
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::input::SAMPLE;
    use super::*;

    fn read(bytes: &[u8], given: Option<&str>) -> (String, String, Option<SourceProblem>) {
        let input = Input::start(Cursor::new(bytes.to_vec())).unwrap();
        let given = given.and_then(TextEncoding::named).or_else(|| TextEncoding::marked(bytes));
        let encoding = given.unwrap_or_else(|| TextEncoding::guessed(&input));
        let mut reader = TextReader::new(input, encoding);
        let mut text = String::new();
        let error = loop {
            match reader.append_to(&mut text) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        (reader.format().encoding.to_string(), text, error)
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn detects_the_encoding_and_removes_the_mark() {
        let mut big = b"\xFE\xFF".to_vec();
        big.extend(utf16("Muñoz", u16::to_be_bytes));
        let mut little = b"\xFF\xFE".to_vec();
        little.extend(utf16("Muñoz", u16::to_le_bytes));
        for (bytes, encoding) in [
            ("Muñoz".as_bytes(), "UTF-8"),
            (b"\xEF\xBB\xBFMu\xC3\xB1oz", "UTF-8"),
            (b"Mu\xF1oz", "windows-1252"),
            (&big, "UTF-16BE"),
            (&little, "UTF-16LE"),
        ] {
            assert!(matches!(read(bytes, None), (found, text, None) if found == encoding && text == "Muñoz"));
        }
    }

    #[test]
    fn takes_spanish_and_portuguese_names_for_windows_1252() {
        for text in [
            "José",
            "Núñez",
            "Peña;Ñuñoa",
            "Conceição",
            "João Luís",
            "María Rodríguez",
            "Güemes",
            "80 € – “oferta”",
            "AÑO",
            "¿Sí?",
            "MUÑOZ",
            "PEÑA",
            "JOSÉ",
            "GARCÍA",
            "GONZÁLEZ;PÉREZ;MARTÍNEZ",
            "ANDRÉS BAÑOS",
            "AVIÑÓ",
            "Ángel",
            "ÁLVAREZ",
            "Itaú",
            "São Paulo",
            "Curicó",
            "Bío-Bío",
            "Nº 12",
        ] {
            let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
            let file = [b"contact_name\n".as_slice(), &bytes].concat();
            assert_eq!(read(&file, None).0, "windows-1252", "{text}");
            assert_eq!(read(&file, None).1, format!("contact_name\n{text}"));
        }
    }

    #[test]
    fn hands_out_the_text_before_an_invalid_byte() {
        let mut bytes = vec![b'a'; SAMPLE + 10];
        bytes.push(0xF1);
        bytes.push(b'o');
        let (encoding, text, error) = read(&bytes, None);
        assert_eq!((encoding.as_str(), text.len()), ("UTF-8", SAMPLE + 10));
        assert!(matches!(error, Some(SourceProblem::InvalidBytes { .. })));
    }

    #[test]
    fn a_given_encoding_wins_and_is_checked() {
        assert_eq!(read(b"\xA4", Some("iso-8859-15")).1, "€");
        assert!(matches!(read(b"a\xF1", Some("utf-8")).2, Some(SourceProblem::InvalidBytes { .. })));
    }

    #[test]
    fn a_character_across_two_pieces_stays_whole() {
        let text = "ñ".repeat(SAMPLE);
        assert_eq!(read(format!("a{text}").as_bytes(), None).1.len(), text.len() + 1);
    }

    #[test]
    fn a_zero_byte_ends_the_text_wherever_it_is() {
        for length in [0, 3, PIECE, SAMPLE, SAMPLE + 3] {
            let bytes = [&vec![b'a'; length][..], b"\0b"].concat();
            assert!(matches!(read(&bytes, None), (_, text, Some(SourceProblem::ZeroByte)) if text.len() == length));
        }
        assert!(matches!(read(&utf16("a\0b", u16::to_le_bytes), Some("utf-16le")).2, Some(SourceProblem::ZeroByte)));
    }
}
