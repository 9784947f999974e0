//! What became of a call.

use std::borrow::Cow;
use std::time::Duration;

use crate::agent::Handoff;
use crate::llm::ToolCall;

/// What became of a call.
pub struct ToolOutcome<U: Send + Sync + 'static> {
    /// The call.
    pub call: ToolCall,
    /// What came of it.
    pub reply: ToolReply<U>,
    /// How long it took, waiting for the turn to be certain included.
    pub duration: Duration,
}

/// What came of a call.
pub enum ToolReply<U: Send + Sync + 'static> {
    /// The model is told this.
    Result {
        /// The text, within the tool's limit.
        text: String,
        /// Whether the call failed.
        is_error: bool,
    },
    /// Another agent takes over.
    Handoff(Handoff<U>),
    /// The model is told that it is done, and does not answer.
    Silent,
    /// The user interrupted, or the turn was taken back: nothing came of it. The call may be made
    /// again.
    Dropped,
}

impl<U: Send + Sync + 'static> ToolReply<U> {
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self::Result { text: text.into(), is_error: true }
    }

    /// What the model is told.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Result { text, .. } => Cow::Borrowed(text),
            Self::Handoff(handoff) => match &handoff.message {
                Some(message) => Cow::Borrowed(message),
                None => Cow::Owned(format!("{} takes over", handoff.agent.id())),
            },
            Self::Silent => Cow::Borrowed("done"),
            Self::Dropped => Cow::Borrowed("not done: the user interrupted"),
        }
    }

    /// Whether the model is told of a failure.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Result { is_error: true, .. } | Self::Dropped)
    }
}

/// News of a call, as it happens.
///
/// Every call gives one `Finished`, and a `Started` before it unless it never began (an unknown
/// tool, malformed arguments, a turn taken back). Only a call that waits for its turn to be certain
/// gives neither if the step is dropped meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolEvent {
    /// A tool runs.
    Started {
        /// The call.
        call: ToolCall,
        /// Whether the tool changes something outside the conversation.
        effect: bool,
    },
    /// It runs no more.
    Finished {
        /// The call.
        call: ToolCall,
        /// How it ended.
        status: ToolStatus,
        /// How long it ran; zero if it never began.
        duration: Duration,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolStatus {
    /// With an output.
    Done,
    /// With an error: all of it, also what the model is not told.
    Failed(String),
    /// The user interrupted, or the turn was taken back.
    Dropped,
    /// It had run before: the earlier result was given again.
    Repeated,
}
