//! What a tool gives back.

use std::fmt;

use serde_json::Value;

use crate::agent::Handoff;

/// What a tool gives back.
pub enum ToolOutput<U: Send + Sync + 'static> {
    /// The model is told this.
    Text(String),
    /// The model is told this, as JSON text.
    Json(Value),
    /// Another agent takes over.
    Handoff(Handoff<U>),
    /// The model is told that it is done, and does not answer: the tool has spoken itself.
    Silent,
}

/// Why a tool failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolError {
    /// The model may see why, and correct itself.
    Visible(String),
    /// The model is only told that the tool failed; the log and the events hold why.
    Hidden(String),
}

impl ToolError {
    /// An error that the model may see.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Visible(message.into())
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visible(message) | Self::Hidden(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ToolError {}

/// What an async function may return to be a tool.
pub trait IntoToolOutput<U: Send + Sync + 'static> {
    /// As a tool's output.
    ///
    /// # Errors
    /// The function's own error.
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError>;
}
