//! End-of-turn detection: the [`TurnDetector`] trait.

use crate::Error;

/// What is known when the user falls silent.
#[derive(Clone, Copy, Debug)]
pub struct TurnContext<'a> {
    /// What was recognised of this turn so far.
    pub transcript: &'a str,
    /// The latest audio of the turn (mono, 16 kHz), at most 8 s.
    pub audio: &'a [f32],
}

/// Estimates whether the user has finished their turn.
pub trait TurnDetector: Send {
    /// The probability, in `0.0..=1.0`, that the turn is complete.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the model fails; the caller then waits the longest time.
    fn predict(&mut self, context: TurnContext<'_>) -> Result<f32, Error>;
}
