//! Bytes of any encoding in, UTF-8 out: detected on the first MiB, checked to the last byte.

use std::fmt;
use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

/// The encoding of a text file, such as `UTF-8` or `windows-1252`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// Finds an encoding by any of its usual names, such as `latin1` or `utf-16le`.
    pub fn named(name: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(name.as_bytes()).map(Self)
    }

    /// Returns whether this is UTF-8.
    pub fn is_utf8(self) -> bool {
        self.0 == UTF_8
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Why no text could be had from a file.
#[derive(Debug)]
pub(crate) enum DecodeError {
    Io(io::Error),
    NotText(FileKind),
    InvalidBytes,
}

/// What a file without text turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// An Excel or `OpenDocument` workbook, or another ZIP archive.
    Workbook,
    /// A gzip file.
    Gzip,
    /// Something with NUL bytes: a binary file, or UTF-16 without its mark.
    Binary,
}

/// Text of a file, piece by piece.
pub(crate) struct TextReader {
    bytes: Box<dyn Read + Send>,
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
    Broken,
    Finished,
}

impl TextReader {
    /// Looks at the first MiB and decides on the encoding, unless one is given.
    pub(crate) fn open(mut bytes: Box<dyn Read + Send>, given: Option<TextEncoding>) -> Result<Self, DecodeError> {
        let mut raw = Vec::new();
        bytes.by_ref().take(SAMPLE as u64).read_to_end(&mut raw).map_err(DecodeError::Io)?;
        let mark = Encoding::for_bom(&raw);
        let encoding = match (given, mark) {
            (Some(given), _) => given.0,
            (None, Some((encoding, _))) => encoding,
            (None, None) => detect(&raw)?,
        };
        let decoded = mark.map_or(0, |(_, length)| length);
        Ok(Self {
            bytes,
            decoder: encoding.new_decoder_without_bom_handling(),
            has_mark: mark.is_some(),
            raw,
            decoded,
            is_read: false,
            state: State::Decoding,
            bytes_in: decoded as u64,
            bytes_out: 0,
        })
    }

    pub(crate) fn encoding(&self) -> TextEncoding {
        TextEncoding(self.decoder.encoding())
    }

    pub(crate) fn has_mark(&self) -> bool {
        self.has_mark
    }

    /// Appends more text; false at the end of the file.
    ///
    /// Text before an invalid byte is handed out first, so that the error comes when the
    /// reader has arrived at its line.
    pub(crate) fn append_to(&mut self, text: &mut String) -> Result<bool, DecodeError> {
        while self.state == State::Decoding {
            if self.decoded == self.raw.len() && !self.is_read {
                self.refill().map_err(DecodeError::Io)?;
            }
            if self.decode_piece(text) {
                return Ok(true);
            }
        }
        match self.state {
            State::Broken => Err(DecodeError::InvalidBytes),
            State::Decoding | State::Finished => Ok(false),
        }
    }

    /// Returns how many bytes of the file stand for the first `text` bytes of its text.
    pub(crate) fn bytes_for(&self, text: u64) -> u64 {
        match self.bytes_out {
            0 => 0,
            out => u64::try_from(u128::from(text) * u128::from(self.bytes_in) / u128::from(out)).unwrap_or(u64::MAX),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.raw.clear();
        self.decoded = 0;
        self.bytes.by_ref().take(PIECE as u64).read_to_end(&mut self.raw)?;
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
            DecoderResult::Malformed(..) => State::Broken,
            DecoderResult::InputEmpty if self.is_read => State::Finished,
            _ => State::Decoding,
        };
        self.decoded += read;
        self.bytes_in += read as u64;
        self.bytes_out += (text.len() - before) as u64;
        text.len() > before
    }
}

const SAMPLE: usize = 1024 * 1024;
const PIECE: usize = 64 * 1024;

fn detect(sample: &[u8]) -> Result<&'static Encoding, DecodeError> {
    if let Some(kind) = kind_of_binary(sample) {
        return Err(DecodeError::NotText(kind));
    }
    match std::str::from_utf8(sample) {
        Ok(_) => return Ok(UTF_8),
        Err(error) if error.error_len().is_none() && sample.len() == SAMPLE => {
            return Ok(UTF_8);
        }
        Err(_) => {}
    }
    // The hint leans towards windows-1252, which is what western Excel writes.
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    Ok(detector.guess(Some(b"cl"), Utf8Detection::Deny))
}

fn kind_of_binary(sample: &[u8]) -> Option<FileKind> {
    const ZIP: &[u8] = b"PK\x03\x04";
    const OLE: &[u8] = b"\xD0\xCF\x11\xE0";
    const GZIP: &[u8] = b"\x1F\x8B";
    if sample.starts_with(ZIP) || sample.starts_with(OLE) {
        Some(FileKind::Workbook)
    } else if sample.starts_with(GZIP) {
        Some(FileKind::Gzip)
    } else {
        sample.contains(&0).then_some(FileKind::Binary)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read(bytes: &[u8], given: Option<&str>) -> (String, String, Option<DecodeError>) {
        let given = given.and_then(TextEncoding::named);
        let mut reader = TextReader::open(Box::new(Cursor::new(bytes.to_vec())), given).unwrap();
        let mut text = String::new();
        let error = loop {
            match reader.append_to(&mut text) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(error) => break Some(error),
            }
        };
        (reader.encoding().to_string(), text, error)
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
        assert!(matches!(error, Some(DecodeError::InvalidBytes)));
    }

    #[test]
    fn a_given_encoding_wins_and_is_checked() {
        assert_eq!(read(b"\xA4", Some("iso-8859-15")).1, "€");
        assert!(matches!(read(b"a\xF1", Some("utf-8")).2, Some(DecodeError::InvalidBytes)));
    }

    #[test]
    fn a_character_across_two_pieces_stays_whole() {
        let text = "ñ".repeat(SAMPLE);
        assert_eq!(read(format!("a{text}").as_bytes(), None).1.len(), text.len() + 1);
    }

    #[test]
    fn says_what_a_binary_file_is() {
        for (bytes, kind) in [
            (b"PK\x03\x04...".as_slice(), FileKind::Workbook),
            (b"\x1F\x8B\x08", FileKind::Gzip),
            (b"c\0o\0", FileKind::Binary),
        ] {
            let error = TextReader::open(Box::new(Cursor::new(bytes.to_vec())), None).err().unwrap();
            assert!(matches!(error, DecodeError::NotText(found) if found == kind));
        }
    }
}
