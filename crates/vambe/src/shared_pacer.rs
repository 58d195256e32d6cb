//! [`SharedPacer`]: the pacer of one key at one host, with a clock, for all who call with it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::api_key::ApiKey;
use crate::config::Config;
use crate::pace_file::PaceFile;
use crate::pacer::{Pace, Pacer, Permit, Verdict};

/// One pacer, its clock, and the calls of batches that are under way in this process.
pub(crate) struct SharedPacer {
    state: Mutex<State>,
    started: Instant,
    is_in_file: bool,
    answered: Notify,
}

struct State {
    pacer: Pacer,
    in_flight: usize,
    file: Option<PaceFile>,
}

/// A call that has its permit. Dropping it without an answer gives the place back.
pub(crate) struct Flight<'p> {
    pacer: &'p SharedPacer,
    sent: Duration,
}

impl SharedPacer {
    /// Returns a pacer of its own, for a client whose server is not the host it names.
    pub(crate) fn alone() -> Arc<Self> {
        Arc::new(Self::new(None))
    }

    /// Returns the pacer of the key and host, which all clients of this process share.
    pub(crate) fn of(config: &Config) -> Arc<Self> {
        let file = config.pace_dir.as_deref().map(|folder| PaceFile::of(folder, config));
        let known = (
            std::process::id(),
            config.api_key().clone(),
            config.endpoint.origin().ascii_serialization(),
            config.pace_dir.clone(),
        );
        let Some(mut pacers) = registered() else { return Arc::new(Self::new(file)) };
        pacers.retain(|pacer| pacer.pacer.strong_count() > 0);
        let same = pacers.iter().find(|pacer| pacer.known == known).and_then(|pacer| pacer.pacer.upgrade());
        same.unwrap_or_else(|| {
            let made = Arc::new(Self::new(file));
            pacers.push(Registered { known, pacer: Arc::downgrade(&made) });
            made
        })
    }

    fn new(file: Option<PaceFile>) -> Self {
        let started = Instant::now();
        let is_in_file = file.is_some();
        let now = if is_in_file { since_epoch() } else { Duration::ZERO };
        let state = State { pacer: Pacer::new(now, None), in_flight: 0, file };
        Self { state: Mutex::new(state), started, is_in_file, answered: Notify::new() }
    }

    fn now(&self) -> Duration {
        match self.is_in_file {
            true => since_epoch(),
            false => self.started.elapsed(),
        }
    }

    /// Runs something on the pacer, on what other processes made of it if they share it.
    fn with<T>(&self, run: impl FnOnce(&mut Pacer, Duration, &mut usize) -> T) -> T {
        let mut state = self.lock();
        let State { pacer, in_flight, file } = &mut *state;
        let now = self.now();
        match file {
            None => run(pacer, now, in_flight),
            Some(file) => file.with(pacer, now, |pacer| run(pacer, now, in_flight)),
        }
    }

    /// Looks at the pacer as this process last saw it: a single call, or a question, is not worth a file.
    fn as_seen<T>(&self, look: impl FnOnce(&mut Pacer, Duration) -> T) -> T {
        look(&mut self.lock().pacer, self.now())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A pacer is plain numbers, valid after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit.
    pub(crate) async fn permit(&self, pace: &Pace) -> Flight<'_> {
        loop {
            let permit = self.with(|pacer, now, in_flight| {
                let permit = pacer.permit(now, *in_flight, pace);
                *in_flight += usize::from(permit == Permit::Go);
                permit
            });
            match permit {
                Permit::Go => return Flight { pacer: self, sent: self.now() },
                Permit::WaitUntil(time) => sleep(time.saturating_sub(self.now()).min(LONGEST_SLEEP)).await,
                // An answer may come between the question and the waiting.
                Permit::WaitForAnswer => drop(timeout(LONGEST_WAIT, self.answered.notified()).await),
            }
        }
    }

    /// Returns how long the server still wants no call at all, single ones included.
    pub(crate) fn asked_left(&self) -> Duration {
        self.as_seen(|pacer, now| pacer.asked_left(now))
    }

    /// Learns what became of a call that no pace held back.
    pub(crate) fn hear_single(&self, is_success: bool, retry_after: Option<Duration>) {
        if is_success {
            self.as_seen(|pacer, _| pacer.succeeded());
        } else if let Some(retry_after) = retry_after {
            self.with(|pacer, now, _| pacer.asked(now, retry_after));
        }
    }

    /// Takes the cost of a retry from what all calls may spend together.
    pub(crate) fn may_retry(&self, after_timeout: bool) -> bool {
        self.with(|pacer, now, _| pacer.may_retry(now, after_timeout))
    }

    pub(crate) fn is_outage(&self) -> bool {
        self.as_seen(|pacer, _| pacer.is_outage())
    }

    /// Returns whether a batch that began so long ago need not go on; see [`Pacer::is_hopeless`].
    pub(crate) fn is_hopeless(&self, lasted: Duration, asked: Duration) -> bool {
        self.as_seen(|pacer, now| pacer.is_hopeless(now, now.saturating_sub(lasted), asked))
    }

    /// See [`Pacer::expect`].
    pub(crate) fn expect(&self, limit: f64) {
        self.with(|pacer, now, _| pacer.expect(now, limit));
    }

    /// Returns the server's limit in calls per second, as far as it is known.
    pub(crate) fn limit(&self) -> Option<f64> {
        self.as_seen(|pacer, _| pacer.limit())
    }
}

impl Flight<'_> {
    /// Learns what became of the call.
    pub(crate) fn answered(self, verdict: Verdict, pace: &Pace) {
        let sent = self.sent;
        self.pacer.with(|pacer, now, _| pacer.answered(sent, now, verdict, pace.learned, fastrand::f64()));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        // Never the file: a call that is dropped must not wait.
        let mut state = self.pacer.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.pacer.answered.notify_one();
    }
}

/// A pacer in use. A forked process has another number, and so never meets its parent's.
struct Registered {
    known: (u32, ApiKey, String, Option<PathBuf>),
    pacer: Weak<SharedPacer>,
}

static PACERS: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Returns the pacers of this process. They are held for moments; a child that was forked in such a moment
/// would wait for ever, and goes without.
fn registered() -> Option<MutexGuard<'static, Vec<Registered>>> {
    (0..MOST_TRIES).find_map(|_| {
        let pacers = PACERS.try_lock().ok();
        if pacers.is_none() {
            std::thread::yield_now();
        }
        pacers
    })
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

// A clock that jumps, or another process that shortens a pause, is noticed after so long.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

const MOST_TRIES: u32 = 10_000;
