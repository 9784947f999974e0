//! What the application is told: [`Event`].

use std::time::Duration;

use super::{Epoch, TurnId, TurnMetrics, UtteranceId};

/// Where the conversation stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Not [`super::Input::Ready`] yet.
    Initializing,
    /// Nobody speaks and nothing is pending.
    Idle,
    /// The user speaks, or has spoken and their turn is not decided.
    Listening,
    /// The agent has the turn, and nothing of it is to be heard yet.
    Thinking,
    /// The agent is to be heard, at full level or ducked.
    Speaking,
    /// Closed for good.
    Closed,
}

/// How an agent turn began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It answers the user turn of the same number.
    Reply,
    /// The agent spoke of its own accord.
    Say {
        /// The caller's key.
        key: u64,
    },
}

/// Why user speech did not become a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoreReason {
    /// Only backchannels ("mhm", "okay") while the agent spoke.
    Backchannel,
    /// The agent's own last words, heard back.
    Echo,
    /// The barge-in policy is `Off`, and the agent was speaking.
    PolicyOff,
}

/// Why a turn, or a wait, ended otherwise than hoped. The conversation goes on after each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The agent finished without any text to speak.
    AgentSilent {
        /// The turn.
        turn: TurnId,
    },
    /// The agent's first text did not come in time.
    AgentTimedOut {
        /// The turn.
        turn: TurnId,
    },
    /// The agent stopped in the middle; what it had said is spoken.
    AgentStalled {
        /// The turn.
        turn: TurnId,
    },
    /// The agent did not stop; its text was cut at the limit.
    AgentTooLong {
        /// The turn.
        turn: TurnId,
    },
    /// The agent reported a failure.
    AgentFailed {
        /// The turn.
        turn: TurnId,
        /// Why.
        reason: String,
    },
    /// The mouth failed; what was synthesized is played out.
    SynthesisFailed {
        /// The turn.
        turn: TurnId,
        /// Why.
        reason: String,
    },
    /// Speech made no progress in time; it was dropped.
    PlaybackStalled {
        /// The turn.
        turn: TurnId,
    },
    /// The recogniser failed.
    SttFailed {
        /// Why.
        reason: String,
    },
    /// A final did not come in time; the last partial stands in.
    FinalTimedOut {
        /// The utterance.
        utterance: UtteranceId,
    },
    /// The user spoke, and no words were recognised.
    NothingRecognised {
        /// The latest utterance.
        utterance: UtteranceId,
    },
    /// No audio arrives from the endpoint.
    Starved,
    /// This speech was refused: it has no text or too much, too many wait, or another has its key.
    SayRefused {
        /// The caller's key.
        key: u64,
    },
}

/// How an agent turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// Played to its end.
    Finished,
    /// Cut off by the user, by other speech, or by `CancelSpeech`.
    Interrupted,
    /// Ended by a [`Fault`] reported before.
    Failed,
}

/// The end of an agent turn. Each committed turn has exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentTurn {
    /// The turn.
    pub turn: TurnId,
    /// How it began.
    pub origin: Origin,
    /// All the text the agent gave.
    pub text: String,
    /// The prefix of `text` whose words were played: what the user knows.
    pub heard: String,
    /// How it ended.
    pub end: TurnEnd,
    /// Samples played, at the output rate.
    pub played: u64,
}

/// One event of the conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The state is now this one (never the one it was).
    StateChanged(State),
    /// The user began to speak.
    SpeechStarted {
        /// The utterance.
        utterance: UtteranceId,
        /// Capture sample.
        at: u64,
    },
    /// The user fell silent.
    SpeechEnded {
        /// The utterance.
        utterance: UtteranceId,
        /// Capture sample.
        at: u64,
    },
    /// Words so far.
    PartialTranscript {
        /// The utterance.
        utterance: UtteranceId,
        /// Its text so far.
        text: String,
    },
    /// Words for good. May be empty.
    FinalTranscript {
        /// The utterance.
        utterance: UtteranceId,
        /// Its text.
        text: String,
    },
    /// The user pressed a key of their telephone.
    Keypad {
        /// Capture sample.
        at: u64,
        /// `0`–`9`, `*`, `#` or `A`–`D`.
        key: char,
    },
    /// The agent was turned down: the user may be interrupting.
    Ducked {
        /// The turn that is turned down.
        turn: TurnId,
    },
    /// It was no interruption: full level again.
    Restored {
        /// The turn.
        turn: TurnId,
    },
    /// The agent fell silent for the user.
    Yielded {
        /// The turn.
        turn: TurnId,
        /// What the user has heard of it.
        heard: String,
    },
    /// The interruption had no words: the agent goes on where it was held.
    Resumed {
        /// The turn.
        turn: TurnId,
    },
    /// The user has heard more of what the agent says. The turn's end, and what was heard of it in all,
    /// is [`Event::AgentTurn`].
    Heard {
        /// The turn.
        turn: TurnId,
        /// The prefix of its text whose words were played so far.
        heard: String,
    },
    /// The agent is silent after a yield.
    Silenced {
        /// The epoch.
        epoch: Epoch,
        /// Since the first user sample, by the sample clock.
        latency: Duration,
    },
    /// User speech that is no turn.
    SpeechIgnored {
        /// Its text.
        text: String,
        /// Why.
        reason: IgnoreReason,
    },
    /// The user's turn is complete, and the agent is asked.
    UserTurn {
        /// The turn.
        turn: TurnId,
        /// Its text.
        text: String,
    },
    /// An agent turn ended.
    AgentTurn(AgentTurn),
    /// A [`super::Input::Say`] was forgotten before it began.
    SayDropped {
        /// The caller's key.
        key: u64,
    },
    /// Something failed; the conversation goes on.
    Fault(Fault),
    /// How long the parts of the turn took; sent when its first sample is played.
    Metrics(TurnMetrics),
}
