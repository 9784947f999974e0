//! What the queues between an engine's threads and their readers have in common: a state that whoever feeds it
//! changes without waiting, and one reader that waits for it.
//!
//! Invariant: after every change that a reader may wait for comes [`Queue::wake`]; a reader that looked before the
//! change is woken by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::Notify;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Queue<S> {
    state: Mutex<S>,
    changed: Notify,
    /// What may wait, at least 1.
    pub capacity: usize,
}

impl<S> Queue<S> {
    pub fn new(state: S, capacity: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), capacity: capacity.max(1) })
    }

    pub fn state(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until `look` finds something, or that nothing comes any more. Safe to drop while it waits.
    pub async fn next<T>(&self, look: impl Fn(&mut S) -> Poll<Option<T>>) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            if let Poll::Ready(found) = look(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }
}
