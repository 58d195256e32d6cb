//! [`Input`]: the bytes of a file or a pipe, unpacked, with a sample of what they begin with.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::source::{SourceError, SourceProblem};

use super::compression::{Compression, MAGIC};

/// The size of a file and when it was last written: two that differ are of different content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, where the system knows.
    pub modified: Option<SystemTime>,
}

/// The bytes of a source, unpacked.
pub(super) struct Input {
    /// What it begins with, up to a mebibyte.
    pub(super) sample: Vec<u8>,
    /// Whether the sample is all there is.
    pub(super) is_whole: bool,
    pub(super) compression: Option<Compression>,
    rest: Box<dyn Read + Send>,
    failure: Option<io::Error>,
    /// How much of a packed file has been taken.
    packed: Option<Arc<AtomicU64>>,
    bytes_read: u64,
}

/// What can be read anywhere, as a workbook must be.
pub(super) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

impl Fingerprint {
    /// Takes the fingerprint of a file as it is now; `None` if there is no such file.
    pub fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Fingerprint {
    fn from(metadata: &fs::Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Opens a file; without a fingerprint it is a pipe or the like, which can be read only once.
pub(super) fn open(path: &Path) -> Result<(File, Option<Fingerprint>), SourceError> {
    let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
    let metadata = file.metadata().map_err(|error| SourceError::io(path, error))?;
    if metadata.is_dir() {
        return Err(SourceError::at(path, None, SourceProblem::Directory));
    }
    Ok((file, metadata.is_file().then(|| Fingerprint::from(&metadata))))
}

impl Input {
    /// Reads the sample. What ends it early is kept for after it, unless nothing came before.
    pub(super) fn start(bytes: impl Read + Send + 'static) -> Result<Self, SourceProblem> {
        let mut bytes = bytes;
        let mut magic = Vec::new();
        bytes.by_ref().take(MAGIC).read_to_end(&mut magic).map_err(SourceProblem::Io)?;
        let compression = Compression::of(&magic);
        let whole = Cursor::new(magic).chain(bytes);
        let (rest, packed): (Box<dyn Read + Send>, _) = match compression {
            None => (Box::new(whole), None),
            Some(compression) => {
                let counted = Counted { bytes: whole, count: Arc::default() };
                let count = Arc::clone(&counted.count);
                (compression.unpack(counted), Some(count))
            }
        };
        let sample = Vec::new();
        let mut input = Self { sample, is_whole: false, compression, rest, failure: None, packed, bytes_read: 0 };
        input.sample = input.read_up_to(SAMPLE);
        input.is_whole = input.sample.len() < SAMPLE;
        match input.failure.take_if(|_| input.sample.is_empty()) {
            Some(error) => Err(input.problem(error)),
            None => Ok(input),
        }
    }

    /// Reads on, into a buffer that is emptied; what fails is told once there is nothing before it.
    pub(super) fn read_piece(&mut self, buffer: &mut Vec<u8>) -> Result<(), SourceProblem> {
        buffer.clear();
        self.fill(buffer, PIECE);
        match self.failure.take_if(|_| buffer.is_empty()) {
            Some(error) => Err(self.problem(error)),
            None => Ok(()),
        }
    }

    /// Returns how much of the file stands for so many of its unpacked bytes.
    pub(super) fn bytes_in_file(&self, unpacked: u64) -> u64 {
        match &self.packed {
            None => unpacked,
            Some(packed) => proportion(unpacked, packed.load(Ordering::Relaxed), self.bytes_read),
        }
    }

    /// Reads everything into memory, up to a bound.
    pub(super) fn read_all(mut self, bound: usize) -> Result<Vec<u8>, SourceProblem> {
        let mut all = std::mem::take(&mut self.sample);
        let room = (bound + 1).saturating_sub(all.len());
        self.fill(&mut all, room);
        match self.failure.take() {
            Some(error) => Err(self.problem(error)),
            None if all.len() > bound => Err(SourceProblem::WorkbookTooLarge("packed or piped, more than 64 MiB")),
            None => Ok(all),
        }
    }

    fn read_up_to(&mut self, bytes: usize) -> Vec<u8> {
        let mut buffer = Vec::new();
        self.fill(&mut buffer, bytes);
        buffer
    }

    fn fill(&mut self, buffer: &mut Vec<u8>, bytes: usize) {
        let before = buffer.len();
        if self.failure.is_none() {
            self.failure = self.rest.by_ref().take(bytes as u64).read_to_end(buffer).err();
        }
        self.bytes_read += (buffer.len() - before) as u64;
    }

    fn problem(&self, error: io::Error) -> SourceProblem {
        match self.compression {
            // What the system itself says is about the disk, not about the content.
            Some(compression) if error.raw_os_error().is_none() => SourceProblem::Damaged(compression),
            _ => SourceProblem::Io(error),
        }
    }
}

pub(super) const SAMPLE: usize = 1024 * 1024;
pub(super) const PIECE: usize = 64 * 1024;

/// Returns `part * of / all`, and nothing of nothing.
pub(super) fn proportion(part: u64, of: u64, all: u64) -> u64 {
    match all {
        0 => 0,
        all => u64::try_from(u128::from(part) * u128::from(of) / u128::from(all)).unwrap_or(u64::MAX),
    }
}

struct Counted<R> {
    bytes: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
