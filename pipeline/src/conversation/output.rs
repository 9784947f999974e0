//! What the conversation wants done: [`Output`].

use super::{Epoch, Event, TurnId, UtteranceId};

/// One thing to do, in order. Poll until `None` after each [`super::Conversation::handle`].
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Ask the agent. Its text comes back as `AgentText`, then `AgentDone` or `AgentFailed`.
    Ask {
        /// The turn the answer belongs to.
        turn: TurnId,
        /// The user's text.
        text: String,
        /// The user's turn may not be over: nothing with an effect may happen, and nothing may be remembered, before
        /// [`Output::CommitAsk`]. Followed by exactly one of `CommitAsk` and [`Output::Abandon`], unless it failed.
        speculative: bool,
        /// The user typed at least the end of it.
        typed: bool,
    },
    /// The speculative ask is the user's turn after all.
    CommitAsk {
        /// The turn.
        turn: TurnId,
    },
    /// Cancel the request; text that still comes is ignored. A speculative turn never happened.
    Abandon {
        /// The turn.
        turn: TurnId,
    },

    /// A new speech begins: blocks of older epochs are stale from here on.
    BeginEpoch {
        /// The epoch; every later `Speak` and playback order names it.
        epoch: Epoch,
        /// The turn it speaks.
        turn: TurnId,
        /// Synthesize, but play nothing before [`Output::Resume`].
        held: bool,
    },
    /// More text to speak.
    Speak {
        /// The epoch.
        epoch: Epoch,
        /// The next piece of text.
        delta: String,
    },
    /// No more text comes for the epoch: speak what is left.
    FinishSpeak {
        /// The epoch.
        epoch: Epoch,
    },
    /// Ramp down to the duck level.
    Duck {
        /// The epoch.
        epoch: Epoch,
    },
    /// Ramp up to full level.
    Restore {
        /// The epoch.
        epoch: Epoch,
    },
    /// Fade out and hold the rest.
    Yield {
        /// The epoch.
        epoch: Epoch,
    },
    /// Go on, at full level, from the held sample.
    Resume {
        /// The epoch.
        epoch: Epoch,
    },
    /// Fade out and drop the rest: playback and synthesis of the epoch end.
    Drop {
        /// The epoch.
        epoch: Epoch,
    },

    /// Begin recognising.
    StartUtterance {
        /// The utterance.
        utterance: UtteranceId,
        /// Capture sample to begin at: the onset less the pre-roll.
        from_sample: u64,
        /// The user's turn begins with it; otherwise it goes on with the one before.
        first: bool,
    },
    /// The utterance ends: its final is due.
    EndUtterance {
        /// The utterance.
        utterance: UtteranceId,
        /// Capture sample to end at.
        at: u64,
    },
    /// Ask the turn detector, at a pause, whether the user has finished. The answer is `TurnComplete`; one to an
    /// earlier question no longer counts.
    DetectTurn {
        /// The turn's latest utterance.
        utterance: UtteranceId,
        /// Which question it is, numbered from 1; the answer names it.
        ask: u64,
        /// What is recognised of the user's turn so far.
        text: String,
    },

    /// Tell the application.
    Event(Event),
}
