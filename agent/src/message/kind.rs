//! The messages, field by field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ErrorCode;
use crate::todo::TodoList;

/// What an [`Envelope`](super::Envelope) carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// What the user said.
    Transcript(TranscriptMessage),
    /// What the agent says.
    AgentText(AgentText),
    /// What the user typed.
    UserText(UserText),
    /// What the agent is doing.
    Status(Status),
    /// What it works through.
    Todo(TodoList),
    /// Interrupt, mute, unmute, end.
    Control(Control),
    /// What went wrong.
    Error(ErrorMessage),
    /// Anything of one's own.
    Data(DataMessage),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// A tool's answer.
    ToolResult(ToolResult),
    /// Another agent takes over.
    Handoff(Handoff),
}

impl Message {
    /// Its `type`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Transcript(_) => "transcript",
            Self::AgentText(_) => "agent_text",
            Self::UserText(_) => "user_text",
            Self::Status(_) => "status",
            Self::Todo(_) => "todo",
            Self::Control(_) => "control",
            Self::Error(_) => "error",
            Self::Data(_) => "data",
            Self::ToolCall(_) => "tool_call",
            Self::ToolResult(_) => "tool_result",
            Self::Handoff(_) => "handoff",
        }
    }

    /// Whose words it is in a history: `user`, `assistant` or `system`.
    pub fn role(&self) -> &'static str {
        match self {
            Self::Transcript(_) | Self::UserText(_) => "user",
            Self::AgentText(_) | Self::ToolCall(_) => "assistant",
            _ => "system",
        }
    }

    /// For people.
    pub fn readable(&self) -> String {
        match self {
            Self::Transcript(TranscriptMessage { text, .. })
            | Self::AgentText(AgentText { text, .. })
            | Self::UserText(UserText { text, .. }) => text.clone(),
            Self::Status(status) => match &status.text {
                Some(text) => format!("{}: {text}", status.state.as_str()),
                None => status.state.as_str().to_owned(),
            },
            Self::Todo(list) => {
                let (done, all) = super::check::progress(list);
                format!("{}: {done} of {all} done", list.title_text().unwrap_or("to do"))
            }
            Self::Control(control) => control.action.as_str().to_owned(),
            Self::Error(error) => error.message.clone(),
            Self::Data(data) => format!("{}: {}", data.topic, data.payload),
            Self::ToolCall(call) => format!("{}({})", call.name, call.arguments),
            Self::ToolResult(result) => result.output.clone(),
            Self::Handoff(Handoff { from: Some(from), to }) => format!("{from} → {to}"),
            Self::Handoff(Handoff { from: None, to }) => format!("→ {to}"),
        }
    }
}

/// What the user said, as it is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TranscriptMessage {
    /// All words so far, at most 32 KiB.
    #[schemars(length(max = 32768))]
    pub text: String,
    /// Whether they will not change; `true` if absent.
    #[serde(default = "yes")]
    pub is_final: bool,
    /// What it replaces and is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_id: Option<String>,
    /// Who spoke: identity in the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<String>,
    /// Who spoke, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker_name: Option<String>,
    /// Heard, but not a turn: a backchannel, for example.
    #[serde(default)]
    pub discarded: bool,
}

impl TranscriptMessage {
    /// Final words.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_final: true,
            transcript_id: None,
            speaker_id: None,
            speaker_name: None,
            discarded: false,
        }
    }
}

/// What the agent says, as it is written or heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentText {
    /// All words so far, at most 32 KiB.
    #[schemars(length(max = 32768))]
    pub text: String,
    /// Whether they will not change; `true` if absent.
    #[serde(default = "yes")]
    pub is_final: bool,
    /// What it replaces and is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_id: Option<String>,
    /// Which agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Which agent, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
}

impl AgentText {
    /// Final words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_final: true, transcript_id: None, agent_id: None, agent_name: None }
    }
}

/// What the user typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserText {
    /// The words, 1 byte to 32 KiB.
    #[schemars(length(min = 1, max = 32768))]
    pub text: String,
    /// Comes back with the transcript, to confirm the delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The transcript that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript_id: Option<String>,
    /// Who typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<String>,
}

impl UserText {
    /// Typed words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), correlation_id: None, transcript_id: None, participant_id: None }
    }
}

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StatusState {
    /// Starting: not yet ready.
    Initializing,
    /// Ready; nobody speaks.
    Idle,
    /// The user speaks.
    Listening,
    /// The model is at work.
    Thinking,
    /// A tool or another part is at work.
    Processing,
    /// The agent speaks.
    Speaking,
    /// The user has cut the agent off.
    Interrupted,
    /// A person takes over.
    Escalated,
    /// The session is over.
    Ended,
}

impl StatusState {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Idle => "idle",
            Self::Listening => "listening",
            Self::Thinking => "thinking",
            Self::Processing => "processing",
            Self::Speaking => "speaking",
            Self::Interrupted => "interrupted",
            Self::Escalated => "escalated",
            Self::Ended => "ended",
        }
    }
}

/// What the agent is doing, with words for the user.
///
/// ```
/// use duologue_agent::message::{StatusState, Envelope, Status};
///
/// let status = Status::new(StatusState::Processing).text("Looking up your order").percent(40);
/// assert_eq!(Envelope::from(status).to_value()["data"]["text"], "Looking up your order");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// What it is doing.
    pub state: StatusState,
    /// In words for the user, at most 32 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32768))]
    pub text: Option<String>,
    /// How much of it is done, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
}

impl Status {
    /// Without words.
    pub fn new(state: StatusState) -> Self {
        Self { state, text: None, percent: None }
    }

    /// With these words.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// With how much is done, 0 to 100.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = Some(percent.min(100));
        self
    }
}

/// What a [`Control`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ControlAction {
    /// The agent stops speaking.
    Interrupt,
    /// The microphone is not listened to.
    Mute,
    /// It is listened to again.
    Unmute,
    /// The session ends, after a last word if there is time; from the agent: it has ended.
    End,
}

impl ControlAction {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
            Self::End => "end",
        }
    }
}

/// Interrupt, mute, unmute, end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// What is asked for.
    pub action: ControlAction,
    /// Why, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub reason: Option<String>,
    /// Of `end`: how long a last word may take, ms, at most 600 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 600_000))]
    pub deadline_ms: Option<u32>,
}

impl Control {
    /// Without reason.
    pub fn new(action: ControlAction) -> Self {
        Self { action, reason: None, deadline_ms: None }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorMessage {
    /// For programs.
    pub code: ErrorCode,
    /// For people: what, and what to do about it.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// Which field of the message that is answered, such as `data.text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub field: Option<String>,
    /// Id of the message that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub reply_to: Option<String>,
    /// Whether the session goes on; `true` if absent.
    #[serde(default = "yes")]
    pub recoverable: bool,
}

impl ErrorMessage {
    /// The agent's own failure, after which the session goes on.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::Internal,
            message: message.into(),
            field: None,
            reply_to: None,
            recoverable: true,
        }
    }
}

/// A message that a frontend sent on a topic of its own, or that an agent sends on one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataMessage {
    /// The topic, 1 to 128 bytes.
    #[schemars(length(min = 1, max = 128))]
    pub topic: String,
    /// The content.
    #[serde(default)]
    pub payload: Value,
    /// Identity of the sender, where the endpoint knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub from: Option<String>,
}

/// The model calls a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// Pairs the call with its result.
    #[schemars(length(max = 128))]
    pub call_id: String,
    /// The tool.
    #[schemars(length(max = 128))]
    pub name: String,
    /// JSON text, as the model wrote it.
    #[schemars(length(max = 32768))]
    pub arguments: String,
}

/// A tool's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolResult {
    /// Of which call.
    #[schemars(length(max = 128))]
    pub call_id: String,
    /// The tool.
    #[schemars(length(max = 128))]
    pub name: String,
    /// What the model is told.
    #[schemars(length(max = 32768))]
    pub output: String,
    /// Whether it is an error.
    #[serde(default)]
    pub is_error: bool,
}

/// Another agent takes over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Handoff {
    /// The agent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub from: Option<String>,
    /// The agent after.
    #[schemars(length(min = 1, max = 128))]
    pub to: String,
}

fn yes() -> bool {
    true
}
