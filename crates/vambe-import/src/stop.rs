//! [`Stop`]: how a run is asked to end before its time.

use tokio::sync::watch;

/// Who asked a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// Ctrl-C, or `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

/// A request to stop, shared by whoever raises it and whoever obeys.
///
/// Raised once, a run takes no more rows and finishes those in flight; raised again, it
/// ends at once.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<Requests>);

#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    cause: Option<StopCause>,
    at_once: bool,
}

impl Stop {
    /// Makes one that nobody has raised.
    pub fn new() -> Self {
        Self(watch::Sender::new(Requests::default()))
    }

    /// Asks to stop, and to stop at once if it was asked before.
    pub fn raise(&self, cause: StopCause) {
        self.0.send_modify(|requests| {
            requests.at_once = requests.cause.is_some();
            requests.cause = Some(cause);
        });
    }

    /// Returns who asked to stop, if somebody did.
    pub fn cause(&self) -> Option<StopCause> {
        self.0.borrow().cause
    }

    /// Waits until somebody asks to stop.
    pub async fn raised(&self) -> StopCause {
        self.wait_for(|requests| requests.cause).await
    }

    /// Waits until somebody asks to stop at once.
    pub async fn raised_again(&self) -> StopCause {
        self.wait_for(|requests| requests.cause.filter(|_| requests.at_once)).await
    }

    async fn wait_for(&self, asked: impl Fn(&Requests) -> Option<StopCause>) -> StopCause {
        let mut requests = self.0.subscribe();
        loop {
            if let Some(cause) = asked(&requests.borrow_and_update()) {
                return cause;
            }
            // This handle holds the sender, so a change is all that can come.
            let _ = requests.changed().await;
        }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_is_heard_before_and_after_it_is_raised() {
        let stop = Stop::new();
        let heard = stop.clone();
        let waiting = tokio::spawn(async move { (heard.raised().await, heard.raised_again().await) });
        assert_eq!(stop.cause(), None);
        stop.raise(StopCause::Interrupt);
        assert_eq!(stop.raised().await, StopCause::Interrupt);
        stop.raise(StopCause::Terminate);
        assert_eq!(stop.raised_again().await, StopCause::Terminate);
        assert!(matches!(waiting.await.unwrap(), (_, StopCause::Terminate)));
    }
}
