//! The numbers by which the parts of a pipeline speak of turns, speeches and utterances.

/// One exchange: a user turn and the agent turn that answers it, or speech the agent starts itself.
///
/// Numbered from 1 in the order of allocation; never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnId(pub u64);

/// Which speech of the agent a block of playback belongs to.
///
/// Numbered from 1, one for each turn that comes to synthesis; never reused. 32 bits, because it shares one atomic word with
/// the orders to playback; 2³² speeches take centuries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// No speech.
    pub const NONE: Self = Self(0);

    /// The epoch of the speech after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One stretch of user speech.
///
/// Numbered from 1 in the order of their beginnings; never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtteranceId(pub u64);
