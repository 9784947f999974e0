//! One conversation: its agent, its user's data, its voice.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// The whole utterance so far, or the whole turn.
    pub text: String,
    /// Whether it will not change.
    pub is_final: bool,
}

/// Somebody in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Unique in the room.
    pub identity: String,
    /// For people.
    pub name: String,
}

/// One conversation. Clones are cheap and mean the same session.
pub struct AgentSession<U: Send + Sync + 'static = ()> {
    inner: Arc<Inner<U>>,
}

struct Inner<U> {
    userdata: Mutex<U>,
}

impl<U: Send + Sync + 'static> Clone for AgentSession<U> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// A session that has not started.
    pub fn new(userdata: U) -> Self {
        Self { inner: Arc::new(Inner { userdata: Mutex::new(userdata) }) }
    }

    /// The user's data, locked until the guard is dropped; not to be held across `await`.
    pub fn userdata(&self) -> MutexGuard<'_, U> {
        self.inner.userdata.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks `text` once the agent has finished what it is saying.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`] if the session is not running.
    pub fn say(&self, _text: &str) -> Result<(), Error> {
        Err(Error::new(crate::ErrorKind::Closed, "the session has not started; call start() first"))
    }
}
