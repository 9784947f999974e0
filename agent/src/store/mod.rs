//! History that outlives the process: the [`HistoryStore`] trait.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Most messages [`HistoryStore::chat_history`] gives at once.
pub const MAX_HISTORY: usize = 500;
/// How many it gives unless told otherwise.
pub const DEFAULT_HISTORY: usize = 100;

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredMessage {
    /// Unique; storing the same id again changes nothing.
    pub id: String,
    /// When, in ISO 8601 in JSON.
    pub timestamp: DateTime<Utc>,
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// Readable content.
    pub content: String,
    /// `user_text`, `transcript`, `agent_text`, `tool_call`, `tool_result`, `handoff`, `status`, …
    pub message_type: String,
    /// The full envelope, or the chat item.
    pub envelope: serde_json::Value,
}

/// Which messages to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Also tool calls and results, hand-offs, statuses.
    pub include_debug: bool,
    /// The latest this many, `1..=`[`MAX_HISTORY`].
    pub limit: usize,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { include_debug: false, limit: DEFAULT_HISTORY }
    }
}

/// Keeps conversations. Calls block; the session makes them on a thread of its own.
pub trait HistoryStore: Send + Sync + 'static {
    /// Keeps `message`: once this returns `Ok` it survives the end of the process.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be kept.
    fn append(&self, session: &str, message: &StoredMessage) -> Result<(), Error>;

    /// The latest messages, oldest first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if they cannot be read; [`crate::ErrorKind::Invalid`] for a limit
    /// out of range.
    fn chat_history(&self, session: &str, query: HistoryQuery) -> Result<Vec<StoredMessage>, Error>;

    /// Whether anything is kept of `session`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be read.
    fn has_history(&self, session: &str) -> Result<bool, Error>;
}
