//! Language models: the streaming [`Llm`] trait and its implementations.

mod error;
pub mod intents;
pub mod openai;
pub(crate) mod written;

use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use error::{LlmError, LlmErrorKind};

use crate::chat::ChatItem;
use crate::tool::ToolDefinition;

/// What a model is asked.
#[derive(Clone, Debug, Default)]
pub struct LlmRequest {
    /// The role it plays.
    pub instructions: String,
    /// The conversation, oldest first.
    pub items: Vec<ChatItem>,
    /// What it may call.
    pub tools: Vec<ToolDefinition>,
    /// Whether it may, must or must not call.
    pub tool_choice: ToolChoice,
    /// A JSON schema that the answer must follow, for typed decisions.
    pub response_schema: Option<serde_json::Value>,
}

/// Whether a model calls tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// Never.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// A piece of a model's answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LlmEvent {
    /// Text for the user.
    Text(String),
    /// Thinking aloud: never spoken.
    Reasoning(String),
    /// A complete call.
    ToolCall(ToolCall),
    /// What it cost.
    Usage(Usage),
}

/// A model wants a tool called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Unique within the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text, perhaps malformed.
    pub arguments: String,
}

/// Tokens used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

/// A model's answer as it comes; it ends after the last piece or the first error. Dropping it cancels
/// the request.
pub type LlmStream = BoxStream<'static, Result<LlmEvent, LlmError>>;

/// A language model. Loaded or connected once and shared.
///
/// What a session may rely on:
/// - every wait has a deadline: a model that stays silent ends with [`LlmErrorKind::TimedOut`];
/// - an answer has a size limit: one that passes it ends with [`LlmErrorKind::TooLong`];
/// - calls come complete, each once, with an id that is not empty;
/// - nothing goes on after the stream is dropped.
pub trait Llm: Send + Sync + 'static {
    /// Its name, for logs and metrics.
    fn name(&self) -> &str;

    /// Asks. Errors before the first piece come out of the stream as well.
    fn stream(&self, request: LlmRequest) -> LlmStream;
}

impl<T: Llm + ?Sized> Llm for std::sync::Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        (**self).stream(request)
    }
}
