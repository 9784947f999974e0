//! What the conversation is told: [`Input`].

use std::ops::Range;

use crate::ids::{Epoch, TurnId, UtteranceId};

/// A word of the agent's reply and where it lies in what is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpokenWord {
    /// Bytes of the turn's whole text (all `Speak` deltas of the epoch joined) this word was read from.
    pub source: Range<u64>,
    /// Samples of the epoch (output rate, 0 = the epoch's first sample) in which the word sounds.
    pub samples: Range<u64>,
}

/// How a [`Input::Say`] is to be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SayOptions {
    /// Cut off what the agent is saying, instead of waiting for its end.
    pub interrupt: bool,
    /// More text follows by [`Input::SayMore`], until [`Input::FinishSay`]. Any number of speeches may be
    /// open at a time; each is spoken in its turn, with the text that it has by then and gets later.
    pub open: bool,
    /// It is sound of the caller's own, which whoever plays it finds by `key`; the text, which may be
    /// empty, says what it says. Not for an open one.
    pub sound: bool,
    /// The caller's own key; comes back in the events about this speech. A key that a speech has which has not
    /// ended is refused.
    pub key: u64,
}

/// Everything the conversation can be told.
///
/// Capture positions (`at`) are absolute 16 kHz samples. Playback positions are samples at the output
/// rate, counted from the first sample of their epoch. Inputs about a turn, epoch or utterance that is
/// no longer current are ignored and counted ([`super::Counters::stale`]).
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Models are loaded and the endpoints run: the conversation may begin.
    Ready,

    /// Speech began at capture sample `at` (the onset itself, before the decision's lag).
    SpeechStarted {
        /// Capture sample of the onset.
        at: u64,
    },
    /// Speech ended at capture sample `at` (the last voiced sample, before the hangover).
    SpeechEnded {
        /// Capture sample of the end.
        at: u64,
    },
    /// The voice activity level of the frame that ends at capture sample `at`.
    ///
    /// Sent for every VAD frame, speech or not: the conversation trusts levels, not edges.
    Voice {
        /// Capture sample just after the frame.
        at: u64,
        /// The frame's probability is above the threshold.
        voiced: bool,
        /// The probability, `0.0..=1.0`, that it holds the user's voice.
        probability: f32,
    },
    /// A key of a telephone was pressed: its tones end at capture sample `at`, about.
    Keypad {
        /// Capture sample.
        at: u64,
        /// `0`–`9`, `*`, `#` or `A`–`D`.
        key: char,
    },
    /// The ear gets no audio.
    Starved,

    /// What is recognised of an utterance so far (the whole of it, not a delta).
    Partial {
        /// The utterance.
        utterance: UtteranceId,
        /// Its text so far.
        text: String,
    },
    /// What was recognised of an utterance; one per utterance, after `EndUtterance`. May be empty.
    Final {
        /// The utterance.
        utterance: UtteranceId,
        /// Its text.
        text: String,
    },
    /// The recogniser failed; no finals come for utterances begun so far.
    SttFailed {
        /// Why, for people.
        reason: String,
    },
    /// The turn detector's answer to `DetectTurn`.
    TurnComplete {
        /// The utterance that was asked about.
        utterance: UtteranceId,
        /// The question that is answered.
        ask: u64,
        /// Probability, in `0.0..=1.0`, that the user has finished. Not finite counts as unknown.
        probability: f32,
    },

    /// The agent's next piece of text for `turn`.
    AgentText {
        /// The turn.
        turn: TurnId,
        /// The text.
        delta: String,
    },
    /// The agent has finished its text for `turn`.
    AgentDone {
        /// The turn.
        turn: TurnId,
    },
    /// The agent failed (error, panic, gone) in `turn`.
    AgentFailed {
        /// The turn.
        turn: TurnId,
        /// Why, for people.
        reason: String,
    },

    /// The mouth has synthesized more of `epoch`: where its words lie.
    Spoken {
        /// The epoch.
        epoch: Epoch,
        /// The words, in order.
        words: Vec<SpokenWord>,
        /// Samples of the epoch synthesized so far.
        end_sample: u64,
    },
    /// The mouth has synthesized all of `epoch`.
    SynthesisDone {
        /// The epoch.
        epoch: Epoch,
        /// How many samples it has in all; 0 if its text had nothing to pronounce.
        total_samples: u64,
    },
    /// The mouth could not go on with `epoch`; nothing more of it will come.
    SynthesisFailed {
        /// The epoch.
        epoch: Epoch,
        /// Why, for people.
        reason: String,
    },
    /// How far playback is. Polled every 10–20 ms while an epoch lives, and just before any input that
    /// may interrupt the agent, so that the history is cut where the sound was.
    Playback {
        /// The epoch in the playback ring.
        epoch: Epoch,
        /// Samples of it played so far.
        played: u64,
        /// The callback is emitting it right now (full or ducked), not silence.
        audible: bool,
        /// Its last sample was played.
        finished: bool,
    },

    /// The agent speaks of its own accord.
    Say {
        /// What to say.
        text: String,
        /// How.
        options: SayOptions,
    },
    /// More text for an open [`Input::Say`], whether it waits or is being said.
    SayMore {
        /// Its key.
        key: u64,
        /// The text.
        text: String,
    },
    /// An open [`Input::Say`] is complete.
    FinishSay {
        /// Its key.
        key: u64,
    },
    /// Stop speaking, and forget what was waiting to be said.
    CancelSpeech,
    /// Stop one speech, or forget it if it still waits; everything else goes on.
    CancelSay {
        /// Its key.
        key: u64,
    },
    /// The user typed: interrupts the agent and asks at once.
    UserText(String),
    /// Changes the barge-in policy from here on.
    SetPolicy(super::Policy),
    /// Stop listening. An utterance under way ends here.
    Mute,
    /// Listen again.
    Unmute,
    /// End the conversation; everything after is ignored.
    Close,

    /// [`super::Conversation::next_timeout`] has come.
    Timeout,
}
