//! What outlives the process: conversations ([`HistoryStore`]) and small records ([`RecordStore`]).
//!
//! [`SqliteStore`] keeps both in one file and is the default; [`MemoryStore`] keeps them while the
//! process lives. Both traits are seams: implement them to keep history elsewhere.
//!
//! Invariant: what was appended with `Ok` is never lost, changed or given twice; appending the same
//! id again changes nothing. Messages come back in the order in which they were appended.
//!
//! Life cycle: open → append, as the conversation goes → read back: [`HistoryStore::chat_history`]
//! for people and frontends, [`HistoryStore::load_items`] to go on with a conversation. Calls block;
//! a session makes them on a thread of its own.
//!
//! ```
//! use duologue_agent::chat::{ChatContent, ChatItem, Role};
//! use duologue_agent::store::{HistoryQuery, HistoryStore, MemoryStore, StoredMessage};
//!
//! let store = MemoryStore::new();
//! let content = ChatContent::Message { role: Role::User, text: "Hello!".into(), interrupted: false };
//! let item = ChatItem::new("concierge", content);
//! store.append("room-1", &StoredMessage::from(&item))?;
//!
//! let history = store.chat_history("room-1", HistoryQuery::default())?;
//! assert_eq!(history[0].content, "Hello!");
//! assert_eq!(history[0].role, "user");
//! assert_eq!(store.load_items("room-1")?, vec![item]);
//! # Ok::<(), duologue_agent::Error>(())
//! ```

mod convert;
mod memory;
mod record;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use memory::{DEFAULT_MEMORY_LIMIT, MemoryStore};
pub use record::{Expect, Record, RecordStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, SqliteOptions, SqliteStore};

use crate::chat::ChatItem;
use crate::{Error, ErrorKind};

/// Most messages [`HistoryStore::chat_history`] gives at once.
pub const MAX_HISTORY: usize = 500;
/// How many it gives unless told otherwise.
pub const DEFAULT_HISTORY: usize = 100;
/// Most bytes of a session's or a message's id, of a collection's name and of a record's key.
pub const MAX_ID: usize = 256;
/// Most bytes of a message's content and of its envelope, and of a record's value.
pub const MAX_VALUE: usize = 1 << 20;

/// The values of [`StoredMessage::message_type`] that this crate writes.
pub mod message_type {
    /// The user typed.
    pub const USER_TEXT: &str = "user_text";
    /// The user spoke.
    pub const TRANSCRIPT: &str = "transcript";
    /// The agent spoke: what was heard of it.
    pub const AGENT_TEXT: &str = "agent_text";
    /// A note for the model.
    pub const SYSTEM: &str = "system";
    /// The model called a tool.
    pub const TOOL_CALL: &str = "tool_call";
    /// A tool's answer.
    pub const TOOL_RESULT: &str = "tool_result";
    /// Another agent took over.
    pub const HANDOFF: &str = "handoff";
    /// What the agent is doing.
    pub const STATUS: &str = "status";
    /// A to-do list.
    pub const TODO: &str = "todo";

    /// What was said and typed; everything else is given only with
    /// [`include_debug`](super::HistoryQuery::include_debug).
    pub const CONVERSATION: [&str; 3] = [USER_TEXT, TRANSCRIPT, AGENT_TEXT];
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredMessage {
    /// Unique in its session; storing the same id again changes nothing.
    pub id: String,
    /// When, in ISO 8601 in JSON.
    pub timestamp: DateTime<Utc>,
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// Readable content.
    pub content: String,
    /// One of [`message_type`], or a type of one's own.
    #[serde(alias = "messageType")]
    pub message_type: String,
    /// The envelope as frontends see it ([`crate::message`]); of a chat item also the item itself,
    /// under `item`.
    pub envelope: serde_json::Value,
}

impl StoredMessage {
    /// Whether it is given only with [`HistoryQuery::include_debug`].
    pub fn is_debug(&self) -> bool {
        !message_type::CONVERSATION.contains(&self.message_type.as_str())
    }
}

/// Which messages to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Also tool calls and results, hand-offs, statuses.
    pub include_debug: bool,
    /// The latest this many, `1..=`[`MAX_HISTORY`].
    pub limit: usize,
    /// Only those appended before the message of this id, to page towards the past. An id that is
    /// not kept is an error.
    pub before: Option<String>,
}

impl Default for HistoryQuery {
    fn default() -> Self {
        Self { include_debug: false, limit: DEFAULT_HISTORY, before: None }
    }
}

impl HistoryQuery {
    fn check(&self) -> Result<(), Error> {
        if (1..=MAX_HISTORY).contains(&self.limit) {
            return Ok(());
        }
        let message = format!("history limit {} is out of range; ask for 1 to {MAX_HISTORY}", self.limit);
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

/// A conversation that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// The session.
    pub id: String,
    /// How many messages are kept of it, debug ones too.
    pub messages: usize,
    /// When its first message was made.
    pub first: DateTime<Utc>,
    /// When its latest message was made.
    pub latest: DateTime<Utc>,
}

/// Keeps conversations. Calls block; the session makes them on a thread of its own.
pub trait HistoryStore: Send + Sync + 'static {
    /// Keeps `message`: once this returns `Ok` it survives the end of the process.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be kept; [`crate::ErrorKind::Invalid`] for an id or a
    /// message over [`MAX_ID`] or [`MAX_VALUE`].
    fn append(&self, session: &str, message: &StoredMessage) -> Result<(), Error>;

    /// The latest messages, oldest first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if they cannot be read; [`crate::ErrorKind::Invalid`] for a limit
    /// out of range, or an unknown [`HistoryQuery::before`].
    fn chat_history(&self, session: &str, query: HistoryQuery) -> Result<Vec<StoredMessage>, Error>;

    /// Whether anything is kept of `session`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be read.
    fn has_history(&self, session: &str) -> Result<bool, Error>;

    /// The sessions that were last written to, latest first, at most `limit`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if they cannot be read.
    fn list_sessions(&self, limit: usize) -> Result<Vec<SessionSummary>, Error>;

    /// Forgets `session`; whether anything was kept of it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if it cannot be deleted.
    fn delete_session(&self, session: &str) -> Result<bool, Error>;

    /// The latest `limit` messages of `session` that are chat items, oldest first: what a session
    /// goes on from. `limit` counts messages of every type and may exceed [`MAX_HISTORY`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Store`] if they cannot be read, or an item is malformed.
    fn load_latest_items(&self, session: &str, limit: usize) -> Result<Vec<ChatItem>, Error> {
        let mut pages: Vec<Vec<ChatItem>> = Vec::new();
        let mut left = limit;
        let mut before = None;
        while left > 0 {
            let limit = left.min(MAX_HISTORY);
            let page = self.chat_history(session, HistoryQuery { include_debug: true, limit, before })?;
            let items = page.iter().map(StoredMessage::to_item).filter_map(Result::transpose);
            pages.push(items.collect::<Result<_, _>>()?);
            if page.len() < limit {
                break;
            }
            left -= limit;
            before = page.first().map(|message| message.id.clone());
        }
        Ok(pages.into_iter().rev().flatten().collect())
    }

    /// All chat items of `session`, oldest first.
    ///
    /// # Errors
    /// As [`HistoryStore::load_latest_items`].
    fn load_items(&self, session: &str) -> Result<Vec<ChatItem>, Error> {
        self.load_latest_items(session, usize::MAX)
    }
}

/// `value` is the id of `what`, and can be kept.
fn check_id(what: &str, value: &str) -> Result<(), Error> {
    let problem = match value.len() {
        0 => "is empty".to_owned(),
        length if length > MAX_ID => format!("has {length} bytes, at most {MAX_ID} can be kept"),
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Invalid, format!("{what} {problem}; use a short unique text, such as a UUID")))
}

fn check_size(what: &str, id: &str, length: usize) -> Result<(), Error> {
    if length <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("{what} of {id:?} has {length} bytes, at most {MAX_VALUE} can be kept; shorten it");
    Err(Error::new(ErrorKind::Invalid, message))
}

/// `message` can be kept under `session`; gives its envelope as JSON text.
fn check_message(session: &str, message: &StoredMessage) -> Result<String, Error> {
    check_id("the session's id", session)?;
    check_id("the message's id", &message.id)?;
    check_size("the content", &message.id, message.content.len())?;
    let envelope = message.envelope.to_string();
    check_size("the envelope", &message.id, envelope.len())?;
    Ok(envelope)
}

fn unknown_before(session: &str, id: &str) -> Error {
    let message = format!(
        "no message {id:?} is kept of session {session:?} to page from; use the id of a message that \
         chat_history gave"
    );
    Error::new(ErrorKind::Invalid, message)
}
