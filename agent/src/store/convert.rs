//! Between what was said, what frontends see, and what is kept.

use serde_json::Value;

use super::{StoredMessage, message_type};
use crate::chat::{ChatContent, ChatItem, Role};
use crate::message::{
    AgentText, Envelope, Handoff, Message, ToolCall, ToolResult, TranscriptMessage, UserText,
};
use crate::{Error, ErrorKind};

impl From<&ChatItem> for StoredMessage {
    /// What the user said becomes a `transcript`, what they typed a `user_text`.
    fn from(item: &ChatItem) -> Self {
        let message = shown(item);
        let (role, message_type, content) = match (&item.content, &message) {
            (ChatContent::Message { role: Role::System, text, .. }, _) => {
                ("system", message_type::SYSTEM.to_owned(), text.clone())
            }
            (_, Some(message)) => (message.role(), message.type_name().to_owned(), message.readable()),
            (content, None) => unshown(content),
        };
        let mut envelope = match message {
            Some(message) => Envelope { id: item.id.clone(), timestamp: item.at, message }.to_value(),
            None => Value::Object(serde_json::Map::new()),
        };
        envelope["item"] = to_value(item);
        Self {
            id: item.id.clone(),
            timestamp: item.at,
            role: role.to_owned(),
            content,
            message_type,
            envelope,
        }
    }
}

impl From<&Envelope> for StoredMessage {
    /// Under the envelope's own id; for the chat item of a turn use its own conversion, else it is
    /// kept twice.
    fn from(envelope: &Envelope) -> Self {
        Self {
            id: envelope.id.clone(),
            timestamp: envelope.timestamp,
            role: envelope.message.role().to_owned(),
            content: envelope.message.readable(),
            message_type: envelope.message.type_name().to_owned(),
            envelope: envelope.to_value(),
        }
    }
}

impl StoredMessage {
    /// The chat item that it holds; `None` if it is not part of what a model sees, such as a to-do
    /// list.
    ///
    /// # Errors
    /// [`ErrorKind::Store`] if the item is malformed, or of a kind that this version does not know.
    pub fn to_item(&self) -> Result<Option<ChatItem>, Error> {
        if let Some(item) = self.envelope.get("item") {
            let wrong = |error| {
                let message = format!(
                    "the kept message {:?} holds a malformed chat item ({error}); update the program, or \
                     delete the session",
                    self.id
                );
                Error::new(ErrorKind::Store, message)
            };
            return serde_json::from_value(item.clone()).map(Some).map_err(wrong);
        }
        if self.is_debug() {
            return Ok(None);
        }
        let role = match self.message_type.as_str() {
            message_type::AGENT_TEXT => Role::Assistant,
            _ => Role::User,
        };
        let content = ChatContent::Message { role, text: self.content.clone(), interrupted: false };
        let typed = self.message_type == message_type::USER_TEXT;
        Ok(Some(ChatItem { id: self.id.clone(), at: self.timestamp, agent: String::new(), typed, content }))
    }
}

/// What a frontend is shown of `item`; nothing of notes for the model, and of statuses only that they
/// were.
fn shown(item: &ChatItem) -> Option<Message> {
    let message = match &item.content {
        ChatContent::Message { role: Role::User, text, .. } if item.typed => {
            Message::UserText(UserText { transcript_id: Some(item.id.clone()), ..UserText::new(text) })
        }
        ChatContent::Message { role: Role::User, text, .. } => Message::Transcript(TranscriptMessage {
            transcript_id: Some(item.id.clone()),
            ..TranscriptMessage::new(text)
        }),
        ChatContent::Overheard { speaker, name, text } => Message::Transcript(TranscriptMessage {
            transcript_id: Some(item.id.clone()),
            speaker_id: Some(speaker.clone()),
            speaker_name: Some(name.clone()).filter(|name| !name.is_empty()),
            ..TranscriptMessage::new(text)
        }),
        ChatContent::Message { role: Role::Assistant, text, .. } => Message::AgentText(AgentText {
            transcript_id: Some(item.id.clone()),
            agent_id: Some(item.agent.clone()),
            ..AgentText::new(text)
        }),
        ChatContent::ToolCall { call_id, name, arguments } => Message::ToolCall(ToolCall {
            call_id: call_id.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
        }),
        ChatContent::ToolResult { call_id, name, output, is_error } => Message::ToolResult(ToolResult {
            call_id: call_id.clone(),
            name: name.clone(),
            output: output.clone(),
            is_error: *is_error,
        }),
        ChatContent::Handoff { from, to } => Message::Handoff(Handoff { from: from.clone(), to: to.clone() }),
        _ => return None,
    };
    Some(message)
}

/// Role, type and readable content of an item that has no message of its own: its type is its kind.
fn unshown(content: &ChatContent) -> (&'static str, String, String) {
    let value = to_value(content);
    let kind = value["kind"].as_str().unwrap_or("unknown").to_owned();
    let readable = value.get(&kind).and_then(Value::as_str).map(str::to_owned);
    ("system", kind, readable.unwrap_or_else(|| value.to_string()))
}

fn to_value(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("invariant: chat items have string keys and no failing parts")
}
