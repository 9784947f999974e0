//! What a session tells its application: [`SessionEvent`]s, as an async stream.
//!
//! Every subscriber may leave 1024 events unread; the oldest are lost then, and counted. The session
//! never waits for a subscriber.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use duologue_pipeline::conversation::{Fault, TurnMetrics};
use futures_util::Stream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Participant, SpeechOutcome, Usage};
use crate::chat::ChatItem;
use crate::todo::TodoList;
use crate::{Error, ErrorKind};

/// Where the conversation stands, in one word.
pub use duologue_pipeline::conversation::State as AgentState;

/// Events one subscriber may leave unread.
const CAPACITY: usize = 1_024;

/// One thing that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The state is now this one.
    AgentStateChanged(AgentState),
    /// Words of the user, as they are recognised.
    UserTranscript {
        /// The whole utterance so far.
        text: String,
        /// Whether it will not change.
        is_final: bool,
    },
    /// Words of somebody else in the room, as they are recognised; no turn.
    Overheard {
        /// Whose.
        speaker: Participant,
        /// The whole utterance so far; empty at its end if it was nothing after all.
        text: String,
        /// Whether it will not change.
        is_final: bool,
    },
    /// The user has finished a turn, and the agent is to answer.
    UserTurn {
        /// Its text, as the model will see it.
        text: String,
    },
    /// Words of the agent, as they are written, for frontends to show. History holds what was heard.
    AgentTranscript {
        /// The next piece; at the end, nothing.
        text: String,
        /// Whether the answer is complete.
        is_final: bool,
    },
    /// Words of the agent, as they are heard. Without audio nothing is told of piece by piece.
    AgentHeard {
        /// All of what it is saying that was heard so far; [`SessionEvent::SpeechFinished`] ends it.
        text: String,
    },
    /// Something became part of the history.
    ItemAdded(ChatItem),
    /// A tool begins to run.
    ToolStarted {
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON text.
        arguments: String,
    },
    /// A tool has ended.
    ToolFinished {
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
        /// What the model is told.
        output: String,
        /// Whether it failed.
        is_error: bool,
        /// How long it ran.
        took: Duration,
    },
    /// Another agent has taken over.
    Handoff {
        /// The agent before.
        from: Option<String>,
        /// The agent now.
        to: String,
    },
    /// The agent begins to be heard.
    SpeechStarted,
    /// The agent has ended an answer or a speech.
    SpeechFinished {
        /// What was heard of it.
        heard: String,
        /// How it ended.
        outcome: SpeechOutcome,
    },
    /// A status that frontends show.
    Status(String),
    /// A to-do list that frontends show.
    Todo(TodoList),
    /// Something failed; the conversation goes on.
    Error {
        /// By what can be done about it.
        kind: ErrorKind,
        /// For people.
        message: String,
    },
    /// A wait or turn of the audio pipeline ended otherwise than hoped; the conversation goes on.
    Fault(Fault),
    /// How long the parts of a spoken turn took.
    Metrics(TurnMetrics),
    /// What the model's answer cost.
    Usage(Usage),
    /// The session is over; no event follows.
    Closed,
}

impl From<&Error> for SessionEvent {
    fn from(error: &Error) -> Self {
        Self::Error { kind: error.kind(), message: error.to_string() }
    }
}

/// Hands events to every subscriber.
pub(crate) struct EventHub(Mutex<Option<broadcast::Sender<SessionEvent>>>);

impl EventHub {
    pub fn new() -> Self {
        Self(Mutex::new(Some(broadcast::channel(CAPACITY).0)))
    }

    pub fn publish(&self, event: SessionEvent) {
        if let Some(sender) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody need listen.
            let _ = sender.send(event);
        }
    }

    pub fn subscribe(&self) -> SessionEvents {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        SessionEvents { receiver: sender.as_ref().map(broadcast::Sender::subscribe), lost: 0 }
    }

    /// Ends every stream once it has been read.
    pub fn close(&self) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            let _ = sender.send(SessionEvent::Closed);
        }
    }
}

/// The events of a session, from the moment of subscription.
pub struct SessionEvents {
    receiver: Option<broadcast::Receiver<SessionEvent>>,
    lost: u64,
}

impl SessionEvents {
    /// The next event; `None` once the session is over. Safe to use in `select!`.
    pub async fn next(&mut self) -> Option<SessionEvent> {
        loop {
            match self.receiver.as_mut()?.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(lost)) => self.lost += lost,
                Err(RecvError::Closed) => self.receiver = None,
            }
        }
    }

    /// The next event, if one waits.
    pub fn try_next(&mut self) -> Option<SessionEvent> {
        loop {
            match self.receiver.as_mut()?.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(lost)) => self.lost += lost,
                Err(_) => return None,
            }
        }
    }

    /// Events lost so far because they were not read in time.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// As a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = SessionEvent> + Send {
        futures_util::stream::unfold(self, |mut events| async {
            let event = events.next().await?;
            Some((event, events))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subscriber_that_does_not_read_does_not_grow_and_is_told() {
        let hub = EventHub::new();
        let mut events = hub.subscribe();
        for n in 0..CAPACITY + 10 {
            hub.publish(SessionEvent::Status(n.to_string()));
        }
        hub.close();
        let mut count = 0;
        while events.next().await.is_some() {
            count += 1;
        }
        assert_eq!((count, events.lost()), (CAPACITY, 11));
        assert!(hub.subscribe().next().await.is_none());
    }
}
