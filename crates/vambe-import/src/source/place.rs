//! [`Place`]: the line that reading has arrived at.

use memchr::memchr_iter;

/// The line that reading has arrived at; LF, CR and CRLF all end one.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u64,
    after_cr: bool,
}

impl Place {
    pub(super) fn start() -> Self {
        Self { line: 1, after_cr: false }
    }

    pub(super) fn line_breaks(text: &[u8]) -> u64 {
        let mut place = Self { line: 0, after_cr: false };
        place.pass(text);
        place.line
    }

    pub(super) fn pass(&mut self, text: &[u8]) {
        let Some(last) = text.last() else { return };
        let feeds = memchr_iter(b'\n', text).count();
        let returns = memchr_iter(b'\r', text).count();
        let pairs = if returns == 0 { 0 } else { text.windows(2).filter(|pair| pair == b"\r\n").count() };
        let split_pair = usize::from(self.after_cr && text[0] == b'\n');
        self.line += (feeds + returns - pairs - split_pair) as u64;
        self.after_cr = *last == b'\r';
    }
}
