//! End-of-turn detection: the [`TurnDetector`] trait, [`LastWords`], which looks at the last words, and [`SmartTurn`],
//! which hears the voice as well.

mod dictation;
mod last_words;
mod smart_turn;

use crate::Error;
pub use last_words::LastWords;
pub use smart_turn::SmartTurn;

/// Estimates whether a user has finished their turn. It is loaded once, and shared; each conversation has a stream of it.
pub trait TurnDetector: Send + Sync {
    /// A stream for one conversation. It shares the model's weights, so that it costs little.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the model refuses.
    fn stream(&self) -> Result<Box<dyn TurnStream>, Error>;

    /// Whether streams are to be given sound ([`TurnStream::hear`]); words alone cost less.
    fn hears(&self) -> bool {
        true
    }
}

/// One conversation's turn detector.
///
/// It hears the sound of a turn as it comes and is asked at each pause. It runs on a thread of its own; an answer that
/// comes after the conversation's `detector_limit` is not waited for.
pub trait TurnStream: Send {
    /// Takes the next samples of the turn (mono, 16 kHz, ±1.0), in order and without gaps: pauses within the turn are
    /// part of it.
    fn hear(&mut self, audio: &[f32]) {
        let _ = audio;
    }

    /// The probability, in `0.0..=1.0`, that the turn is over, at a pause after what was heard; `words` is what was
    /// recognised of the turn so far.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the model fails; the conversation then goes by silence alone.
    fn predict(&mut self, words: &str) -> Result<f32, Error>;

    /// Another turn begins: forgets what was heard.
    fn reset(&mut self);
}
