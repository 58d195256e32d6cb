//! [`Progress`]: how far a run is, as a bar on a terminal and in lines elsewhere.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use vambe_import::{Import, Progress as FileProgress, grouped, rows};

use crate::io::Io;
use crate::words::{rate, time};

/// Shows the progress over all files of a run.
pub(crate) struct Progress<'io> {
    io: &'io mut Io,
    display: Display,
    size: Option<u64>,
    rows: Option<u64>,
    has_one_file: bool,
    before: FileProgress,
    now: FileProgress,
    started: Instant,
    shown: Instant,
}

enum Display {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl<'io> Progress<'io> {
    pub(crate) fn new(imports: &[Import], limit: Option<u64>, is_quiet: bool, io: &'io mut Io) -> Self {
        let size: Option<u64> = imports.iter().map(Import::size).sum();
        let display = match io.bar.take() {
            _ if is_quiet => Display::Nothing,
            None => Display::Lines,
            Some(target) => {
                let bar = ProgressBar::with_draw_target(size.map(|_| BAR_STEPS), target);
                bar.set_style(style(size.is_some()));
                Display::Bar(bar)
            }
        };
        let rows = limit.map(|rows| rows.saturating_mul(imports.len() as u64));
        let started = Instant::now();
        let (before, now) = (FileProgress::default(), FileProgress::default());
        Self { io, display, size, rows, has_one_file: imports.len() == 1, before, now, started, shown: started }
    }

    /// Takes note of how far the current file is.
    pub(crate) fn show(&mut self, progress: &FileProgress) {
        if self.now.reading && !progress.reading {
            // The time left is that of sending.
            self.started = Instant::now();
        }
        self.now = *progress;
        if progress.stopping {
            return self.say_that_it_stops();
        }
        let pause = match self.display {
            Display::Bar(_) => BAR_PAUSE,
            Display::Lines => LINE_PAUSE,
            Display::Nothing => return,
        };
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let text = self.text();
        match &self.display {
            Display::Bar(bar) => {
                bar.set_position(self.share().map_or(0, steps));
                bar.set_message(text);
            }
            Display::Lines => self.io.say(format_args!("{text}")),
            Display::Nothing => {}
        }
    }

    /// Goes on to the next file.
    pub(crate) fn end_file(&mut self) {
        self.before.accepted += self.now.accepted;
        self.before.rejected += self.now.rejected;
        self.before.skipped += self.now.skipped;
        self.before.bytes += self.now.bytes;
        self.now = FileProgress::default();
    }

    /// Removes the bar.
    pub(crate) fn end(self) {
        if let Display::Bar(bar) = self.display {
            bar.finish_and_clear();
        }
    }

    fn say_that_it_stops(&mut self) {
        let rows = rows(self.now.in_flight);
        let text = format!("stopping after {rows} in flight; interrupt again to end at once");
        match &self.display {
            Display::Bar(bar) => bar.println(text),
            Display::Lines => self.io.say(format_args!("{text}")),
            Display::Nothing => {}
        }
    }

    /// Returns how much is done, from 0 to 1; `None` where nobody can know.
    #[allow(clippy::cast_precision_loss)] // For people.
    fn share(&self) -> Option<f64> {
        let of = |done: u64, all: Option<u64>| all.filter(|all| *all > 0).map(|all| done as f64 / all as f64);
        if let Some(share) = of(self.rows_done(), self.now.rows.filter(|_| self.has_one_file)) {
            return Some(share.min(1.0));
        }
        let of_bytes = of(self.bytes(), self.size);
        let of_rows = of(self.rows_done(), self.rows);
        of_bytes.into_iter().chain(of_rows).reduce(f64::max).map(|share| share.min(1.0))
    }

    fn rows_done(&self) -> u64 {
        let done = |progress: &FileProgress| progress.accepted + progress.rejected + progress.skipped;
        done(&self.before) + done(&self.now)
    }

    fn bytes(&self) -> u64 {
        self.before.bytes + self.now.bytes
    }

    fn text(&self) -> String {
        let share = self.share().filter(|share| *share > 0.0);
        if self.now.reading {
            return share.map_or("reading".to_owned(), |share| format!("reading: {:.0} %", share * 100.0));
        }
        let text = self.counts();
        let Some(share) = share else { return text };
        let elapsed = self.started.elapsed().as_secs_f64();
        let left = Duration::try_from_secs_f64(elapsed * (1.0 - share) / share).unwrap_or_default();
        format!("{:.0} %: {text}, {} left", share * 100.0, time(left))
    }

    #[allow(clippy::cast_precision_loss)] // For people.
    fn counts(&self) -> String {
        let accepted = grouped(self.before.accepted + self.now.accepted);
        let rejected = grouped(self.before.rejected + self.now.rejected);
        let mut text = format!("{accepted} accepted, {rejected} rejected");
        // Writing to a String cannot fail.
        let skipped = self.before.skipped + self.now.skipped;
        if skipped > 0 {
            let _ = write!(text, ", {} skipped", grouped(skipped));
        }
        let average = self.rows_done() as f64 / self.started.elapsed().as_secs_f64();
        let _ = write!(text, ", {}", rate(if self.now.rate > 0.0 { self.now.rate } else { average }));
        if let Some(limit) = self.now.learned_limit {
            let _ = write!(text, " (limit {limit:.1})");
        }
        text
    }
}

const BAR_STEPS: u64 = 1000;
const BAR_PAUSE: Duration = Duration::from_millis(100);
const LINE_PAUSE: Duration = Duration::from_secs(5);

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)] // From 0 to 1000.
fn steps(share: f64) -> u64 {
    (share * BAR_STEPS as f64) as u64
}

fn style(has_size: bool) -> ProgressStyle {
    let template = if has_size { "{bar:24} {msg}" } else { "{spinner} {msg}" };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
