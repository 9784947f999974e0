//! How long the parts of a turn took, and what was counted.

use std::time::Duration;

use super::TurnId;

/// The latencies of one exchange. `None`: that part did not occur (a `Say` has no user turn).
///
/// The end of speech is the time of the last voiced sample by the sample clock, so the hangover of the
/// voice activity detector counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnMetrics {
    /// The turn.
    pub turn: TurnId,
    /// End of speech → final transcript.
    pub transcription_delay: Option<Duration>,
    /// End of speech → the decision that the user's turn is over.
    pub end_of_turn_delay: Option<Duration>,
    /// The agent asked → its first text. Counts from the speculative ask if there was one.
    pub first_text: Option<Duration>,
    /// First text → first sample played.
    pub first_audio: Option<Duration>,
    /// End of speech → first sample played.
    pub end_to_end: Option<Duration>,
    /// The answer was begun before the user's turn was known to be over.
    pub speculative: bool,
}

/// What went past without a word. All only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Inputs about a turn, epoch or utterance that is no longer current.
    pub stale: u64,
    /// Inputs whose `now` lay before an earlier one's.
    pub clock_backwards: u64,
    /// Inputs refused because outputs were not polled.
    pub undrained: u64,
    /// Turn detector answers that missed their deadline.
    pub detector_missed: u64,
    /// Finals that missed their deadline.
    pub finals_missed: u64,
    /// Utterances ended because no audio came.
    pub starved: u64,
    /// Utterances begun or ended by level, where the edge was missing.
    pub edges_missed: u64,
    /// Word marks that lay outside their text or out of order.
    pub bad_marks: u64,
    /// Speculative asks.
    pub speculated: u64,
    /// Speculative asks that became the turn.
    pub speculation_hits: u64,
}
