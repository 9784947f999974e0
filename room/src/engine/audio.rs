//! Sound from a room, and the account of sound into it.
//!
//! Invariant: the engine's threads never wait for a listener; a listener that is too slow loses the oldest frames, so that what it hears
//! next is recent, and [`RemoteAudio::dropped`] counts them.

use std::{any::Any, collections::VecDeque, fmt, sync::Arc, task::Poll};

use super::queue::Queue;

/// How to receive a remote track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// Rate in Hz, 8,000 to 48,000.
    pub rate: u32,
    /// Length of each frame, 10 to 100 ms, a multiple of 10.
    pub frame_ms: u32,
    /// How many frames may wait for the listener, at least 1.
    pub queue_frames: usize,
}

impl Default for AudioFormat {
    /// 48 kHz, 10 ms, 50 frames (half a second).
    fn default() -> Self {
        Self { rate: 48_000, frame_ms: 10, queue_frames: 50 }
    }
}

/// A stretch of mono sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioFrame {
    /// Rate in Hz.
    pub rate: u32,
    /// The samples.
    pub samples: Vec<i16>,
}

impl AudioFrame {
    /// The samples within ±1.0.
    pub fn to_f32(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.samples.iter().map(|&sample| f32::from(sample) / 32_768.0)
    }
}

/// What became of the samples written to a local track, in samples at the track's rate. `written == played + queued + cleared`.
///
/// `played` have left the engine's queue for the encoder. The engine does not say how much waits in its queue: between two writes that had
/// to wait (each of which shows a full queue) it is reckoned by the clock, which is exact to within 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playout {
    /// Taken by the engine.
    pub written: u64,
    /// On their way to the listeners.
    pub played: u64,
    /// Waiting in the engine.
    pub queued: u64,
    /// Thrown away by [`LocalAudio::clear`](super::LocalAudio::clear).
    pub cleared: u64,
}

/// Sound of a remote track, frame by frame. Dropping it ends the reception.
pub struct RemoteAudio {
    shared: Arc<Queue<State>>,
    rate: u32,
    /// Ends the engine's stream when dropped.
    _stream: Option<Box<dyn Any + Send + Sync>>,
}

/// An engine's end of [`RemoteAudio`]; dropping it ends the stream.
#[derive(Debug)]
pub struct RemoteAudioFeed(Arc<Queue<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<AudioFrame>,
    dropped: u64,
    ended: bool,
}

impl RemoteAudio {
    /// A queue for `capacity` frames (at least 1) at `rate`.
    pub fn channel(rate: u32, capacity: usize) -> (RemoteAudioFeed, Self) {
        let shared = Queue::new(State::default(), capacity);
        (RemoteAudioFeed(shared.clone()), Self { shared, rate, _stream: None })
    }

    /// Keeps `stream` as long as the listener, and drops it then.
    pub fn holding(mut self, stream: impl Any + Send + Sync) -> Self {
        self._stream = Some(Box::new(stream));
        self
    }

    /// Rate in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// The next frame; `None` when the track has ended. Safe to drop while it waits.
    pub async fn next(&mut self) -> Option<AudioFrame> {
        let look = |state: &mut State| match state.waiting.pop_front() {
            None if !state.ended => Poll::Pending,
            frame => Poll::Ready(frame),
        };
        self.shared.next(look).await
    }

    /// The next frame, if one waits.
    pub fn try_next(&mut self) -> Option<AudioFrame> {
        self.shared.state().waiting.pop_front()
    }

    /// Whether the track has ended and every frame was taken.
    pub fn is_over(&self) -> bool {
        let state = self.shared.state();
        state.ended && state.waiting.is_empty()
    }

    /// How many frames were lost because they were not taken in time.
    pub fn dropped(&self) -> u64 {
        self.shared.state().dropped
    }
}

impl fmt::Debug for RemoteAudio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteAudio")
            .field("rate", &self.rate)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

impl RemoteAudioFeed {
    /// Queues a frame; the oldest gives way if the queue is full.
    pub fn send(&self, frame: AudioFrame) {
        let mut state = self.0.state();
        if state.waiting.len() >= self.0.capacity {
            state.waiting.pop_front();
            state.dropped += 1;
        }
        state.waiting.push_back(frame);
        drop(state);
        self.0.wake();
    }
}

impl Drop for RemoteAudioFeed {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sample: i16) -> AudioFrame {
        AudioFrame { rate: 16_000, samples: vec![sample; 160] }
    }

    #[test]
    fn slow_listener_hears_the_latest_and_knows_what_it_missed() {
        let (feed, mut audio) = RemoteAudio::channel(16_000, 2);
        (0..5).for_each(|n| feed.send(frame(n)));
        assert_eq!((audio.try_next(), audio.try_next()), (Some(frame(3)), Some(frame(4))));
        assert_eq!((audio.try_next(), audio.dropped()), (None, 3));
    }

    #[tokio::test]
    async fn listener_does_not_wait_for_a_track_that_has_ended() {
        let (feed, mut audio) = RemoteAudio::channel(16_000, 2);
        feed.send(frame(1));
        drop(feed);
        assert!(!audio.is_over());
        assert_eq!(audio.next().await, Some(frame(1)));
        assert_eq!(audio.next().await, None);
        assert!(audio.is_over());
    }

    #[test]
    fn stream_ends_with_its_listener() {
        let held = Arc::new(());
        let (_feed, audio) = RemoteAudio::channel(16_000, 2);
        let audio = audio.holding(held.clone());
        assert_eq!(Arc::strong_count(&held), 2);
        drop(audio);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
