//! The event stream: what the application is told, each event stamped with the pipeline's time.
//!
//! Every subscriber has a bounded queue of its own. One that does not read loses the newest events,
//! and the loss is counted ([`Events::lost`]); the pipeline never waits for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::conversation::Event;

/// Events one subscriber may leave unread.
const CAPACITY: usize = 4096;

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Time since the pipeline started.
    pub at: Duration,
    /// What happened.
    pub event: Event,
}

struct Subscriber {
    queue: Sender<Stamped>,
    lost: Arc<AtomicU64>,
}

/// Hands events to every subscriber.
#[derive(Default)]
pub(crate) struct EventHub {
    subscribers: Mutex<Vec<Subscriber>>,
    closed: Arc<AtomicBool>,
}

impl EventHub {
    pub fn publish(&self, at: Duration, event: Event) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| {
            match subscriber.queue.try_send(Stamped { at, event: event.clone() }) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    subscriber.lost.fetch_add(1, Ordering::Relaxed);
                    true
                }
                Err(TrySendError::Disconnected(_)) => false,
            }
        });
    }

    pub fn subscribe(&self) -> Events {
        let (queue, receiver) = bounded(CAPACITY);
        let lost = Arc::new(AtomicU64::new(0));
        let subscriber = Subscriber { queue, lost: Arc::clone(&lost) };
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(subscriber);
        Events { receiver, lost, closed: Arc::clone(&self.closed) }
    }

    /// Ends every stream once it has been read.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A stream of events, from the moment it was subscribed.
pub struct Events {
    receiver: Receiver<Stamped>,
    lost: Arc<AtomicU64>,
    closed: Arc<AtomicBool>,
}

impl Events {
    /// The next event, waiting at most `patience`; `None` if none came or the pipeline is gone (see
    /// [`Events::is_over`]).
    pub fn next_within(&self, patience: Duration) -> Option<Stamped> {
        self.receiver.recv_timeout(patience).ok()
    }

    /// The next event, if one waits.
    pub fn try_next(&self) -> Option<Stamped> {
        self.receiver.try_recv().ok()
    }

    /// Whether no event will ever come again.
    pub fn is_over(&self) -> bool {
        self.closed.load(Ordering::Acquire) && self.receiver.is_empty()
    }

    /// Events lost because they were not read in time.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::State;

    #[test]
    fn a_subscriber_that_does_not_read_does_not_stall_the_pipeline() {
        let hub = EventHub::default();
        let (idle, keen) = (hub.subscribe(), hub.subscribe());
        for _ in 0..CAPACITY + 10 {
            hub.publish(Duration::ZERO, Event::StateChanged(State::Idle));
            assert!(keen.try_next().is_some());
        }
        assert_eq!((idle.lost(), keen.lost()), (10, 0));
    }

    #[test]
    fn a_dropped_subscriber_is_forgotten() {
        let hub = EventHub::default();
        drop(hub.subscribe());
        hub.publish(Duration::ZERO, Event::StateChanged(State::Idle));
        assert!(hub.subscribers.lock().unwrap().is_empty());
    }
}
