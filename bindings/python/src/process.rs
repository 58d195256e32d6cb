//! One value for each process: what was made before a fork is left alone after it.

use std::sync::{Arc, OnceLock};

/// A value that a forked process makes anew.
///
/// A child inherits its parent's memory but none of its threads, so runtimes, connections
/// and locks of the parent are of no use to it: they are neither used nor dropped there.
/// There is no lock that could be held while somebody forks.
pub(crate) struct PerProcess<T> {
    pid: u32,
    value: Arc<T>,
    of_child: OnceLock<Box<Self>>,
}

impl<T> PerProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { pid: std::process::id(), value: Arc::new(value), of_child: OnceLock::new() }
    }

    /// Returns this process's value; a forked process makes it from its first ancestor's.
    ///
    /// Two threads may make one at the same time; one of the two is dropped.
    pub(crate) fn get<E>(&self, remake: impl Fn(&T) -> Result<T, E>) -> Result<&T, E> {
        let pid = std::process::id();
        let mut place = self;
        while place.pid != pid {
            place = match place.of_child.get() {
                Some(child) => child,
                None => {
                    let child = Box::new(Self::new(remake(&self.value)?));
                    place.of_child.get_or_init(|| child)
                }
            };
        }
        Ok(&place.value)
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(Arc::clone(&self.value));
        }
    }
}
