//! Lengths and ranges of messages.

use super::{MAX_NAME, MAX_TEXT, Message, MessageError};
use crate::todo::{TodoList, TodoStatus};

/// Longest time for a last word, ms.
const MAX_DEADLINE_MS: u32 = 600_000;

pub(super) fn id(id: &str) -> Result<(), MessageError> {
    filled("id", id, MAX_NAME)
}

pub(super) fn message(message: &Message) -> Result<(), MessageError> {
    match message {
        Message::Transcript(transcript) => {
            at_most("data.text", &transcript.text, MAX_TEXT)?;
            name("data.transcript_id", transcript.transcript_id.as_deref())?;
            name("data.speaker_id", transcript.speaker_id.as_deref())?;
            name("data.speaker_name", transcript.speaker_name.as_deref())
        }
        Message::AgentText(text) => {
            at_most("data.text", &text.text, MAX_TEXT)?;
            name("data.transcript_id", text.transcript_id.as_deref())?;
            name("data.agent_id", text.agent_id.as_deref())?;
            name("data.agent_name", text.agent_name.as_deref())
        }
        Message::UserText(typed) => {
            if typed.text.trim().is_empty() {
                return Err(MessageError::invalid("data.text", "is empty; send what the user typed"));
            }
            at_most("data.text", &typed.text, MAX_TEXT)?;
            name("data.correlation_id", typed.correlation_id.as_deref())?;
            name("data.transcript_id", typed.transcript_id.as_deref())?;
            name("data.participant_id", typed.participant_id.as_deref())
        }
        Message::Status(status) => {
            at_most("data.text", status.text.as_deref().unwrap_or_default(), MAX_TEXT)?;
            in_range("data.percent", status.percent.unwrap_or(0).into(), 100)
        }
        Message::Todo(list) => list
            .check()
            .map_err(|fault| MessageError::invalid(format!("data.{}", fault.field), fault.problem)),
        Message::Control(control) => {
            name("data.reason", control.reason.as_deref())?;
            in_range("data.deadline_ms", control.deadline_ms.unwrap_or(0), MAX_DEADLINE_MS)
        }
        Message::Error(error) => {
            at_most("data.message", &error.message, MAX_TEXT)?;
            name("data.field", error.field.as_deref())?;
            name("data.reply_to", error.reply_to.as_deref())
        }
        Message::Data(data) => {
            filled("data.topic", &data.topic, MAX_NAME)?;
            name("data.from", data.from.as_deref())
        }
        Message::ToolCall(call) => {
            name("data.call_id", Some(&call.call_id))?;
            name("data.name", Some(&call.name))?;
            at_most("data.arguments", &call.arguments, MAX_TEXT)
        }
        Message::ToolResult(result) => {
            name("data.call_id", Some(&result.call_id))?;
            name("data.name", Some(&result.name))?;
            at_most("data.output", &result.output, MAX_TEXT)
        }
        Message::Handoff(handoff) => {
            name("data.from", handoff.from.as_deref())?;
            filled("data.to", &handoff.to, MAX_NAME)
        }
    }
}

/// How many items are done, and how many there are.
pub(super) fn progress(list: &TodoList) -> (usize, usize) {
    let done = |status| matches!(status, TodoStatus::Completed | TodoStatus::Skipped);
    (list.items().iter().filter(|item| done(item.status)).count(), list.items().len())
}

fn name(field: &str, name: Option<&str>) -> Result<(), MessageError> {
    at_most(field, name.unwrap_or_default(), MAX_NAME)
}

fn filled(field: &str, text: &str, length: usize) -> Result<(), MessageError> {
    if text.is_empty() {
        return Err(MessageError::invalid(field, "is empty; fill it"));
    }
    at_most(field, text, length)
}

fn at_most(field: &str, text: &str, length: usize) -> Result<(), MessageError> {
    if text.len() <= length {
        return Ok(());
    }
    let problem = format!("has {} bytes; shorten it to at most {length}", text.len());
    Err(MessageError::invalid(field, problem))
}

fn in_range(field: &str, value: u32, most: u32) -> Result<(), MessageError> {
    if value <= most {
        return Ok(());
    }
    Err(MessageError::invalid(field, format!("is {value}; send 0 to {most}")))
}
