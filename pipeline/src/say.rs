//! Speech of the agent's own accord: [`SayHandle`] and where it stands.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::Error;
use crate::conversation::{Event, Fault, Input, Origin, TurnEnd};
use crate::handle::send;
use crate::stages::Signal;

/// How a speech ended: as its turn did ([`TurnEnd`]), or before it had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeechOutcome {
    /// It was played to its end.
    Finished,
    /// It was cut off; see [`SayHandle::heard`].
    Interrupted,
    /// It failed; the events say why.
    Failed,
    /// It was forgotten before it began: speech was cancelled, or too much was waiting.
    Dropped,
}

impl From<TurnEnd> for SpeechOutcome {
    fn from(end: TurnEnd) -> Self {
        match end {
            TurnEnd::Finished => Self::Finished,
            TurnEnd::Interrupted => Self::Interrupted,
            TurnEnd::Failed => Self::Failed,
        }
    }
}

#[derive(Default)]
struct Progress {
    heard: String,
    played: Duration,
    outcome: Option<SpeechOutcome>,
}

#[derive(Default)]
struct Shared {
    progress: Mutex<Progress>,
    ended: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A speech on its way to the listener.
#[derive(Clone)]
pub struct SayHandle {
    key: u64,
    shared: Arc<Shared>,
    signals: Sender<Signal>,
}

impl SayHandle {
    /// The key by which events name this speech.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Stops this speech, or forgets it if it still waits; everything else goes on.
    ///
    /// # Errors
    /// As [`crate::Handle::say`].
    pub fn cancel(&self) -> Result<(), Error> {
        send(&self.signals, Signal::Input(Input::CancelSay { key: self.key }))
    }

    /// Waits for the end, at most `patience`; `None` if it has not come by then.
    pub fn wait(&self, patience: Duration) -> Option<SpeechOutcome> {
        let deadline = Instant::now() + patience;
        let mut progress = self.shared.lock();
        while progress.outcome.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            progress =
                self.shared.ended.wait_timeout(progress, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        progress.outcome
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<SpeechOutcome> {
        self.shared.lock().outcome
    }

    /// The part of the text whose words were played: final once [`SayHandle::outcome`] is known,
    /// at most 20 ms behind the sound before.
    pub fn heard(&self) -> String {
        self.shared.lock().heard.clone()
    }

    /// How much of its sound was played, silences between words included: as final as
    /// [`SayHandle::heard`].
    pub fn played(&self) -> Duration {
        self.shared.lock().played
    }
}

/// All speeches that have not ended.
pub(crate) struct SayBook {
    /// Playback, in Hz.
    rate: u32,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, Arc<Shared>>>,
}

impl SayBook {
    /// A book of speeches played at `rate` Hz.
    pub fn new(rate: u32) -> Self {
        Self { rate, next: AtomicU64::new(0), open: Mutex::default() }
    }

    /// Rate of playback, in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// A new speech and its key; orders about it go to `signals`.
    pub fn open(&self, signals: &Sender<Signal>) -> (u64, SayHandle) {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared::default());
        self.lock().insert(key, Arc::clone(&shared));
        (key, SayHandle { key, shared, signals: signals.clone() })
    }

    /// Notes what has been heard so far of a speech that goes on.
    pub fn heard(&self, key: u64, heard: &str, played: u64) {
        let shared = self.lock().get(&key).cloned();
        let Some(shared) = shared else { return };
        let mut progress = shared.lock();
        progress.played = self.time(played);
        if progress.heard != heard {
            heard.clone_into(&mut progress.heard);
        }
    }

    /// Learns from an event how a speech ended.
    pub fn observe(&self, event: &Event) {
        let (key, heard, played, outcome) = match event {
            Event::AgentTurn(turn) => {
                let Origin::Say { key } = turn.origin else { return };
                (key, turn.heard.clone(), turn.played, turn.end.into())
            }
            Event::SayDropped { key } | Event::Fault(Fault::SayRefused { key }) => {
                (*key, String::new(), 0, SpeechOutcome::Dropped)
            }
            _ => return,
        };
        self.end(key, heard, self.time(played), outcome);
    }

    /// Ends every speech still open: the pipeline is gone.
    pub fn close(&self) {
        let keys: Vec<u64> = self.lock().keys().copied().collect();
        for key in keys {
            self.end(key, String::new(), Duration::ZERO, SpeechOutcome::Dropped);
        }
    }

    fn end(&self, key: u64, heard: String, played: Duration, outcome: SpeechOutcome) {
        let Some(shared) = self.lock().remove(&key) else { return };
        *shared.lock() = Progress { heard, played, outcome: Some(outcome) };
        shared.ended.notify_all();
    }

    fn time(&self, samples: u64) -> Duration {
        Duration::from_secs_f64(samples as f64 / f64::from(self.rate))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Shared>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speech_of_a_dead_pipeline_is_not_waited_for_forever() {
        let book = SayBook::new(24_000);
        let (_, handle) = book.open(&crossbeam_channel::bounded(1).0);
        book.close();
        assert_eq!(handle.wait(Duration::from_secs(60)), Some(SpeechOutcome::Dropped));
    }

    #[test]
    fn a_speech_does_not_end_by_the_end_of_another() {
        let book = SayBook::new(24_000);
        let signals = crossbeam_channel::bounded(1).0;
        let ((first, a), (_, b)) = (book.open(&signals), book.open(&signals));
        book.observe(&Event::SayDropped { key: first });
        assert_eq!(a.outcome(), Some(SpeechOutcome::Dropped));
        assert_eq!(b.outcome(), None);
    }
}
