//! Where a turn's words go: the pipeline's reply, a speech of the agent's own, or text alone.

use std::sync::Arc;

use duologue_pipeline::{Reply, ReplyError, SayHandle, SayStream};

use super::state::SinkKind;
use crate::session::history::TurnKey;
use crate::session::speech::SpeechState;

/// What is open. Dropping it completes its text.
pub(super) enum Sink {
    Reply(Reply),
    Speech(SayStream),
    Text,
    Closed,
}

/// A sink that was opened for a turn, its place in the history, and the speech that it is.
pub(in crate::session) struct OpenedSink {
    pub(super) sink: Sink,
    pub(super) key: TurnKey,
    /// None where nothing sounds.
    pub(super) speech: Option<Arc<SpeechState>>,
}

impl OpenedSink {
    pub(crate) fn speech(stream: SayStream, speech: Arc<SpeechState>) -> Self {
        let key = TurnKey::Say(stream.speech().key());
        Self { sink: Sink::Speech(stream), key, speech: Some(speech) }
    }

    pub(crate) fn text(key: TurnKey) -> Self {
        Self { sink: Sink::Text, key, speech: None }
    }

    /// Nothing can be opened.
    pub(crate) fn closed() -> Self {
        Self { sink: Sink::Closed, key: TurnKey::Text(0), speech: None }
    }

    pub(super) fn reply(reply: Reply, key: TurnKey) -> Self {
        Self { sink: Sink::Reply(reply), key, speech: None }
    }

    /// The pipeline's handle on the speech.
    pub(super) fn said(&self) -> Option<SayHandle> {
        match &self.sink {
            Sink::Speech(stream) => Some(stream.speech().clone()),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> Option<SinkKind> {
        match self.sink {
            Sink::Reply(_) => Some(SinkKind::Reply),
            Sink::Speech(_) => Some(SinkKind::Speech),
            Sink::Text => Some(SinkKind::Text),
            Sink::Closed => None,
        }
    }
}

impl Sink {
    /// Adds `text`; never waits for room.
    pub(crate) fn put(&self, text: &str) -> Result<(), ReplyError> {
        match self {
            Self::Reply(reply) => reply.try_text(text),
            Self::Speech(stream) => stream.text(text).map_err(|_| ReplyError::Stopped),
            Self::Text => Ok(()),
            Self::Closed => Err(ReplyError::Stopped),
        }
    }
}
