//! One thing that was said or done.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Neither: a note for the model.
    System,
    /// The user.
    User,
    /// The agent.
    Assistant,
}

/// One thing that was said or done, when, and under which agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatItem {
    /// Unique, and sorted by time (UUID version 7).
    pub id: String,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// Id of the agent that was current.
    pub agent: String,
    /// The user typed it, or at least its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub typed: bool,
    /// What it was.
    #[serde(flatten)]
    pub content: ChatContent,
}

/// What was said or done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChatContent {
    /// Something was said or typed.
    Message {
        /// By whom.
        role: Role,
        /// The words; of the agent only those that were heard.
        text: String,
        /// The user cut it off.
        #[serde(default)]
        interrupted: bool,
    },
    /// Somebody else in the room said something, to whomever: no turn of the user's.
    Overheard {
        /// Identity in the room.
        speaker: String,
        /// For people; may be empty.
        #[serde(default)]
        name: String,
        /// The words.
        text: String,
    },
    /// The model called a tool.
    ToolCall {
        /// Pairs the call with its result.
        call_id: String,
        /// The tool.
        name: String,
        /// JSON text, as the model wrote it.
        arguments: String,
    },
    /// A tool's answer.
    ToolResult {
        /// Of which call.
        call_id: String,
        /// The tool.
        name: String,
        /// What the model is told.
        output: String,
        /// Whether it is an error.
        #[serde(default)]
        is_error: bool,
    },
    /// Another agent took over.
    Handoff {
        /// The agent before.
        from: Option<String>,
        /// The agent after.
        to: String,
    },
    /// A status that a frontend was shown; the model never sees it.
    Status {
        /// The status.
        status: String,
    },
}

impl ChatItem {
    /// An item of now.
    pub fn new(agent: impl Into<String>, content: ChatContent) -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        Self { id, at: Utc::now(), agent: agent.into(), typed: false, content }
    }

    /// What the agent said, if this is it.
    pub fn spoken(&self) -> Option<&str> {
        match &self.content {
            ChatContent::Message { role: Role::Assistant, text, .. } => Some(text),
            _ => None,
        }
    }
}
