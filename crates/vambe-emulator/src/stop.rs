//! The word that the server is stopping.

use std::time::Duration;

use tokio::sync::watch;

/// Hears that the server stops.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Makes the word and its bearer; dropping the sender says it too.
    pub(crate) fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits until the server stops.
    pub(crate) async fn stopped(&self) {
        let mut receiver = self.0.clone();
        // An error means that the sender is gone: the server has stopped.
        let _ = receiver.wait_for(|stopped| *stopped).await;
    }

    /// Waits so long; false when the server stopped first.
    pub(crate) async fn sleep(&self, duration: Duration) -> bool {
        if duration.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(duration) => true,
            () = self.stopped() => false,
        }
    }
}
