//! Bytes that are packed with gzip or zstd, unpacked as they are read.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What a file is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// gzip, of one member or many.
    Gzip,
    /// Zstandard, of one frame or many.
    Zstd,
}

impl Compression {
    /// Tells it from the first bytes of a file.
    pub(super) fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(super) fn unpack<R: Read + Send + 'static>(self, packed: R) -> Box<dyn Read + Send> {
        let packed = BufReader::new(packed);
        match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zstd => Box::new(ZstdReader { packed, decoder: FrameDecoder::new(), is_in_frame: false }),
        }
    }
}

/// The longest start of a file that tells what it is packed with.
pub(super) const MAGIC: u64 = 4;

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// The content of all frames; `ruzstd` itself reads one.
struct ZstdReader<R> {
    packed: BufReader<R>,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_in_frame && self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if self.is_in_frame && !self.decoder.is_finished() {
                let one_block = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.packed, one_block).map_err(io::Error::other)?;
                continue;
            }
            if self.is_in_frame {
                self.end_frame()?;
            }
            if self.packed.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.start_frame()?;
        }
    }
}

impl<R: Read> ZstdReader<R> {
    fn start_frame(&mut self) -> io::Result<()> {
        match self.decoder.init(&mut self.packed) {
            Ok(()) => self.is_in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                io::copy(&mut self.packed.by_ref().take(length.into()), &mut io::sink())?;
            }
            Err(error) => return Err(io::Error::other(error)),
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(written), Some(found)) if written != found => Err(io::Error::other("the checksum differs")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn unpack(packed: Vec<u8>) -> (Vec<u8>, bool) {
        let compression = Compression::of(&packed).unwrap();
        let mut text = Vec::new();
        let result = compression.unpack(Cursor::new(packed)).read_to_end(&mut text);
        (text, result.is_ok())
    }

    #[test]
    fn members_and_frames_are_read_one_after_another() {
        let skipped = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9];
        for packed in [
            [gzip(b"one,"), gzip(b""), gzip(b"two")].concat(),
            [&skipped[..], &zstd(b"one,"), &skipped, &zstd(b""), &zstd(b"two")].concat(),
        ] {
            assert_eq!(unpack(packed), (b"one,two".to_vec(), true));
        }
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_an_error_after_what_came_before() {
        let text: Vec<u8> =
            (0..300_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for packed in [gzip(&text), zstd(&text)] {
            let (read, is_ok) = unpack(packed[..packed.len() - 9].to_vec());
            assert!(!is_ok && read.len() > text.len() / 2 && text.starts_with(&read));
            let mut damaged = packed.clone();
            *damaged.last_mut().unwrap() ^= 1;
            assert!(!unpack(damaged).1);
        }
    }

    #[test]
    fn nothing_packed_is_nothing() {
        assert_eq!(unpack(gzip(b"")), (Vec::new(), true));
        assert_eq!(unpack(zstd(b"")), (Vec::new(), true));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(rest: Vec<u8>) {
            unpack([&[0x1F, 0x8B, 8, 0][..], &rest].concat());
            unpack([&[0x28, 0xB5, 0x2F, 0xFD][..], &rest].concat());
        }
    }
}
