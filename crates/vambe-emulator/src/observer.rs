//! Tells the embedding program of each answered request.

use std::fmt;
use std::sync::Arc;

/// One API request, once its outcome is known: as a rule when it is answered.
///
/// It carries nothing personal: no key, no body, no query.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answered {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The status; absent when a fault withholds the answer.
    pub status: Option<u16>,
    /// What the answer rests on, like the header `x-emulator-basis`.
    pub basis: String,
}

/// The function that hears of answered requests, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Hear>>);

type Hear = dyn Fn(&Answered) + Send + Sync;

impl Observer {
    pub(crate) fn new(hear: impl Fn(&Answered) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    pub(crate) fn tell(&self, answered: impl FnOnce() -> Answered) {
        if let Some(hear) = &self.0 {
            hear(&answered());
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
