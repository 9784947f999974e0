//! What agents and frontends tell each other, in JSON.
//!
//! Each message is an [`Envelope`]: `{"v":1,"id":"…","timestamp":"…","type":"…","data":{…}}`.
//!
//! | field | JSON | meaning |
//! |---|---|---|
//! | `v` | integer | version of the format, [`VERSION`]; 1 if absent |
//! | `id` | string, 1–128 bytes | unique; made if absent |
//! | `timestamp` | string | ISO 8601, UTC if it names no zone; the time of arrival if absent |
//! | `type` | string | which message it is, below |
//! | `data` | object | its content; fields that are not listed are ignored |
//!
//! | `type` | from | `data` | meaning |
//! |---|---|---|---|
//! | `transcript` | agent | [`TranscriptMessage`]: `text`, `is_final`, `transcript_id`?, `speaker_id`?, `speaker_name`?, `discarded` | what the user said |
//! | `agent_text` | agent | [`AgentText`]: `text`, `is_final`, `transcript_id`?, `agent_id`?, `agent_name`? | what the agent says |
//! | `user_text` | frontend | [`UserText`]: `text`, `correlation_id`?, `transcript_id`?, `participant_id`? | what the user typed |
//! | `status` | agent | [`Status`]: `state`, `text`?, `percent`? | what the agent is doing |
//! | `todo` | agent | [`TodoList`]: `title`?, `items` (`id`, `description`, `status`), `parallel` | what it works through |
//! | `control` | both | [`Control`]: `action`, `reason`?, `deadline_ms`? | interrupt, mute, unmute, end |
//! | `error` | both | [`ErrorMessage`]: `code`, `message`, `field`?, `reply_to`?, `recoverable` | what went wrong |
//! | `data` | both | [`DataMessage`]: `topic`, `payload`, `from`? | anything of one's own |
//! | `tool_call` | agent | [`ToolCall`]: `call_id`, `name`, `arguments` | the model calls a tool |
//! | `tool_result` | agent | [`ToolResult`]: `call_id`, `name`, `output`, `is_error` | its answer |
//! | `handoff` | agent | [`Handoff`]: `from`?, `to` | another agent takes over |
//!
//! `text` of a transcript and of an agent's text is the whole text so far, not what is new: a
//! frontend replaces what it shows under the same `transcript_id`, so a lost message heals with the
//! next. `?` marks optional fields. [`schemas`] gives all of this as JSON schemas.
//!
//! Frontends of the STELLA agent SDK are understood as they are, and [`Envelope::to_stella`] says
//! the same in their words.
//!
//! Invariant: [`Envelope::parse`] accepts any bytes without panic, and what it accepts keeps the
//! limits below. A message that it refuses has changed nothing and is answered:
//!
//! ```
//! use duologue_agent::message::{Control, ControlAction, Envelope, Message};
//!
//! let received = br#"{"v":1,"id":"m1","type":"control","data":{"action":"interrupt"}}"#;
//! let envelope = Envelope::parse(received).unwrap();
//! assert_eq!(envelope.message, Message::Control(Control::new(ControlAction::Interrupt)));
//!
//! let wrong = Envelope::parse(br#"{"id":"m2","type":"user_text","data":{}}"#).unwrap_err();
//! assert_eq!(wrong.field(), "data.text");
//! let answer = Envelope::error_for(&wrong).to_value();
//! assert_eq!(answer["data"]["code"], "missing_field");
//! assert_eq!(answer["data"]["reply_to"], "m2");
//! ```

mod check;
mod envelope;
mod kind;
mod problem;
mod schema;
mod stella;

pub use envelope::Envelope;
pub use kind::{
    AgentText, Control, ControlAction, DataMessage, ErrorMessage, Handoff, Message, Status, StatusState,
    ToolCall, ToolResult, TranscriptMessage, UserText,
};
pub use problem::{ErrorCode, MessageError};
pub use schema::schemas;

#[doc(no_inline)]
pub use crate::todo::TodoList;

/// The version of the format that this crate writes and reads.
pub const VERSION: u32 = 1;
/// Most bytes of a message.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most bytes of a text.
pub const MAX_TEXT: usize = 32 * 1024;
/// Most bytes of a name or an id.
pub const MAX_NAME: usize = 128;
