//! The queue between an engine's threads and the reader of a room's events.
//!
//! Invariant: feeding never waits. When the queue is full, events are counted instead of queued, and the count comes as
//! [`RoomEvent::Lagged`] in their place; [`RoomEvent::Disconnected`] always arrives.

use std::{collections::VecDeque, sync::Arc, task::Poll};

use super::RoomEvent;
use super::queue::Queue;

/// What happens in a room, in order.
#[derive(Debug)]
pub struct RoomEvents(Arc<Queue<State>>);

/// An engine's end of [`RoomEvents`]. When the last clone is dropped, the events end.
#[derive(Debug)]
pub struct RoomEventsFeed(Arc<Queue<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<RoomEvent>,
    /// Not queued since the last event in `waiting`.
    lost: u64,
    feeds: usize,
    reader_gone: bool,
}

impl RoomEvents {
    /// A queue for `capacity` events (at least 1).
    pub fn channel(capacity: usize) -> (RoomEventsFeed, Self) {
        let shared = Queue::new(State { feeds: 1, ..State::default() }, capacity);
        (RoomEventsFeed(shared.clone()), Self(shared))
    }

    /// The next event; `None` when the room is over and all was read. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<RoomEvent> {
        let look = |state: &mut State| match state.take() {
            None if state.feeds > 0 => Poll::Pending,
            event => Poll::Ready(event),
        };
        self.0.next(look).await
    }

    /// The next event, if one waits.
    pub fn try_next(&mut self) -> Option<RoomEvent> {
        self.0.state().take()
    }
}

impl Drop for RoomEvents {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.reader_gone = true;
        state.waiting.clear();
    }
}

impl RoomEventsFeed {
    /// Queues an event, or counts it as lost.
    pub fn send(&self, event: RoomEvent) {
        let mut state = self.0.state();
        if state.reader_gone {
            return;
        }
        let must_arrive = matches!(event, RoomEvent::Disconnected(_));
        if state.waiting.len() >= self.0.capacity && !must_arrive {
            state.lost += 1;
            return;
        }
        if state.lost > 0 {
            let lost = std::mem::take(&mut state.lost);
            state.waiting.push_back(RoomEvent::Lagged { lost });
        }
        state.waiting.push_back(event);
        drop(state);
        self.0.wake();
    }
}

impl Clone for RoomEventsFeed {
    fn clone(&self) -> Self {
        self.0.state().feeds += 1;
        Self(self.0.clone())
    }
}

impl Drop for RoomEventsFeed {
    fn drop(&mut self) {
        self.0.state().feeds -= 1;
        self.0.wake();
    }
}

impl State {
    fn take(&mut self) -> Option<RoomEvent> {
        if let Some(event) = self.waiting.pop_front() {
            return Some(event);
        }
        (self.lost > 0).then(|| RoomEvent::Lagged { lost: std::mem::take(&mut self.lost) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DisconnectReason;

    #[test]
    fn slow_reader_is_told_how_much_it_missed_and_where() {
        let (feed, mut events) = RoomEvents::channel(2);
        for _ in 0..5 {
            feed.send(RoomEvent::Reconnecting);
        }
        assert_eq!(events.try_next(), Some(RoomEvent::Reconnecting));
        feed.send(RoomEvent::Reconnected);
        let rest: Vec<_> = std::iter::from_fn(|| events.try_next()).collect();
        assert_eq!(rest, [RoomEvent::Reconnecting, RoomEvent::Lagged { lost: 3 }, RoomEvent::Reconnected]);
    }

    #[test]
    fn end_is_not_lost_in_a_full_queue() {
        let (feed, mut events) = RoomEvents::channel(1);
        feed.send(RoomEvent::Reconnecting);
        let end = RoomEvent::Disconnected(DisconnectReason::RoomDeleted);
        feed.send(end.clone());
        assert_eq!(events.try_next(), Some(RoomEvent::Reconnecting));
        assert_eq!(events.try_next(), Some(end));
    }

    #[tokio::test]
    async fn reader_does_not_wait_for_an_engine_that_is_gone() {
        let (feed, mut events) = RoomEvents::channel(4);
        let other = feed.clone();
        feed.send(RoomEvent::Reconnected);
        drop(feed);
        assert_eq!(events.next().await, Some(RoomEvent::Reconnected));
        let waiting = tokio::spawn(async move { events.next().await });
        tokio::task::yield_now().await;
        drop(other);
        assert_eq!(waiting.await.unwrap(), None);
    }
}
