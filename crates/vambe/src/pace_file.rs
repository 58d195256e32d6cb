//! [`PaceFile`]: the state of a pacer in a file, so that processes with one key keep to one pace.
//!
//! A file and not a socket: there is no process that has to outlive the others, a lock ends with the
//! process that held it, and the state is small enough to be read and written at each call.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::pacer::Pacer;

/// Where the pacer's state is. Whatever goes wrong with it, calls go on at the pace of this process.
pub(crate) struct PaceFile {
    path: PathBuf,
    file: Option<File>,
    /// When the file may be tried again after it could not be used, as a time since 1970.
    retry_at: Duration,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    at: f64,
    pacer: Pacer,
}

impl PaceFile {
    /// Names the file of a key at a host. The name tells neither: it is a hash.
    pub(crate) fn of(folder: &Path, config: &Config) -> Self {
        let name = config.fingerprint(b"").iter().take(16).fold(0_u128, |name, byte| name << 8 | u128::from(*byte));
        Self { path: folder.join(format!("{name:032x}.pace")), file: None, retry_at: Duration::ZERO }
    }

    /// Runs something on the pacer as the last process left it, and leaves it to the next.
    pub(crate) fn with<T>(&mut self, pacer: &mut Pacer, now: Duration, run: impl FnOnce(&mut Pacer) -> T) -> T {
        let is_locked = now >= self.retry_at && self.lock();
        if !is_locked {
            if now >= self.retry_at {
                self.retry_at = now + TRY_AGAIN;
            }
            return run(pacer);
        }
        if let Some(file) = &mut self.file {
            match read(file) {
                Some(saved) => *pacer = saved.at_time(now),
                None => *pacer = Pacer::new(now, pacer.limit()),
            }
        }
        let result = run(pacer);
        if let Some(file) = &mut self.file {
            // A disk that is full costs the sharing, not the calls.
            let _ = write(file, &Saved { version: VERSION, at: now.as_secs_f64(), pacer: *pacer });
            let _ = file.unlock();
        }
        result
    }

    fn lock(&mut self) -> bool {
        if self.file.is_none() {
            self.file = open(&self.path).ok();
        }
        let Some(file) = &self.file else { return false };
        // Others hold it for microseconds. One that was stopped in that moment must not stop everybody.
        (0..MOST_TRIES).any(|_| {
            let is_locked = file.try_lock().is_ok();
            if !is_locked {
                std::thread::sleep(BETWEEN_TRIES);
            }
            is_locked
        })
    }
}

impl Saved {
    /// Returns the pacer as it is worth now: what is old, or from a clock that was ahead, is only a limit to start from.
    fn at_time(self, now: Duration) -> Pacer {
        let age = now.as_secs_f64() - self.at;
        let is_fresh = self.version == VERSION && (-1.0..FRESH).contains(&age);
        if is_fresh { self.pacer } else { Pacer::new(now, self.pacer.limit()) }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read(file: &mut File) -> Option<Saved> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(text.trim_end()).ok()
}

fn write(file: &mut File, saved: &Saved) -> std::io::Result<()> {
    // One write of one size: a process that dies leaves the old state or the new one.
    let mut text = serde_json::to_string(saved)?;
    let blanks = SIZE.saturating_sub(text.len());
    text.extend(std::iter::repeat_n(' ', blanks));
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

const VERSION: u32 = 1;
const SIZE: usize = 4096;
const LONGEST: u64 = 16_384;
const MOST_TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_micros(200);
const TRY_AGAIN: Duration = Duration::from_secs(1);
// Seconds after which a server may have become another one.
const FRESH: f64 = 600.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacer::{Pace, Permit};

    const PACE: Pace = Pace { learned: true, max_rate: f64::INFINITY, reserve: 0.0, max_in_flight: 32 };
    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn file(folder: &Path) -> PaceFile {
        PaceFile { path: folder.join("test.pace"), file: None, retry_at: Duration::ZERO }
    }

    fn permit(file: &mut PaceFile, now: Duration) -> Permit {
        let mut pacer = Pacer::new(now, None);
        file.with(&mut pacer, now, |pacer| pacer.permit(now, 0, &PACE))
    }

    #[test]
    fn two_processes_share_the_slots_of_one_pace() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (file(folder.path()), file(folder.path()));
        assert_eq!(permit(&mut one, NOW), Permit::Go);
        assert!(matches!(permit(&mut other, NOW), Permit::WaitUntil(_)));
        assert_eq!(permit(&mut other, NOW + Duration::from_secs(1)), Permit::Go);
    }

    #[test]
    fn what_cannot_be_read_or_was_written_by_a_clock_ahead_costs_nothing_but_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test.pace"), "no state at all").unwrap();
        let mut file = file(folder.path());
        assert_eq!(permit(&mut file, NOW), Permit::Go);
        assert_eq!(permit(&mut file, NOW.checked_sub(Duration::from_secs(86_400)).unwrap()), Permit::Go);
    }

    #[test]
    fn without_a_file_each_process_keeps_its_own_pace() {
        let mut file = PaceFile { path: PathBuf::from("/dev/null/none"), file: None, retry_at: Duration::ZERO };
        assert_eq!(permit(&mut file, NOW), Permit::Go);
    }
}
