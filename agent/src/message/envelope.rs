//! The envelope: reading and writing.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::problem::cut;
use super::{
    AgentText, Control, DataMessage, ErrorCode, ErrorMessage, Handoff, MAX_BYTES, MAX_NAME, Message,
    MessageError, Status, ToolCall, ToolResult, TranscriptMessage, UserText, VERSION, check, stella,
};
use crate::todo::{TodoList, Unchecked};

/// All values of `type`, in the order of the module's table.
pub(super) const TYPES: [&str; 11] = [
    "transcript",
    "agent_text",
    "user_text",
    "status",
    "todo",
    "control",
    "error",
    "data",
    "tool_call",
    "tool_result",
    "handoff",
];

/// A message with its id and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Unique, 1 to 128 bytes; made by this crate it is a UUID version 7, sorted by time.
    pub id: String,
    /// When it was made.
    pub timestamp: DateTime<Utc>,
    /// What it says.
    pub message: Message,
}

impl Envelope {
    /// Of now, with a fresh id.
    pub fn new(message: Message) -> Self {
        Self { id: fresh_id(), timestamp: Utc::now(), message }
    }

    /// Reads a message as it came from a frontend.
    ///
    /// # Errors
    /// Which field is wrong, how, and what to do; answer with [`Envelope::error_for`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        if bytes.len() > MAX_BYTES {
            let problem = format!("has {} bytes; send at most {MAX_BYTES}", bytes.len());
            return Err(MessageError::new(ErrorCode::TooLarge, "", problem));
        }
        let value = serde_json::from_slice(bytes).map_err(|error| {
            let problem = format!("is not JSON ({error}); send one JSON object in UTF-8");
            MessageError::new(ErrorCode::NotJson, "", problem)
        })?;
        Self::from_value(value)
    }

    /// Reads a message that is JSON already.
    ///
    /// # Errors
    /// As [`Envelope::parse`].
    pub fn from_value(value: Value) -> Result<Self, MessageError> {
        let Value::Object(fields) = value else {
            return Err(MessageError::new(ErrorCode::NotJson, "", "is not a JSON object; send {\"type\":…}"));
        };
        let short = |id: &&str| (1..=MAX_NAME).contains(&id.len());
        let id = fields.get("id").and_then(Value::as_str).filter(short).map(str::to_owned);
        read(fields, id.clone()).map_err(|error| error.in_reply_to(id))
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("invariant: messages have string keys and no failing parts")
    }

    /// As JSON text, in UTF-8.
    pub fn to_json(&self) -> String {
        self.to_value().to_string()
    }

    /// The same in the words of STELLA's frontends, which ignore the fields that are new to them.
    pub fn to_stella(&self) -> Value {
        stella::payload(self)
    }

    /// Whether a frontend or agent that checks messages accepts it: lengths and ranges, as in the
    /// schemas.
    ///
    /// # Errors
    /// Which field is wrong, and how.
    pub fn check(&self) -> Result<(), MessageError> {
        check::id(&self.id)?;
        check::message(&self.message)?;
        let length = self.to_json().len();
        if length > MAX_BYTES {
            let problem = format!("has {length} bytes as JSON; at most {MAX_BYTES} can be sent");
            return Err(MessageError::new(ErrorCode::TooLarge, "", problem));
        }
        Ok(())
    }

    /// The answer to a refused message: it names the field and the remedy.
    pub fn error_for(error: &MessageError) -> Self {
        let field = Some(error.field()).filter(|field| !field.is_empty());
        Self::from(ErrorMessage {
            code: error.code(),
            message: error.to_string(),
            field: field.map(str::to_owned),
            reply_to: error.reply_to().map(str::to_owned),
            recoverable: true,
        })
    }
}

fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn read(mut fields: Map<String, Value>, id: Option<String>) -> Result<Envelope, MessageError> {
    read_version(&fields)?;
    if id.is_none() && fields.contains_key("id") {
        return Err(MessageError::invalid("id", format!("must be a text of 1 to {MAX_NAME} bytes")));
    }
    let timestamp = read_timestamp(&fields)?;
    stella::understand(&mut fields);
    let message = read_message(fields)?;
    check::message(&message)?;
    Ok(Envelope { id: id.unwrap_or_else(fresh_id), timestamp, message })
}

fn read_version(fields: &Map<String, Value>) -> Result<(), MessageError> {
    match fields.get("v") {
        None => Ok(()),
        Some(v) if v.as_u64() == Some(VERSION.into()) => Ok(()),
        Some(v) => {
            let problem = format!("is {}; this agent speaks version {VERSION}", shown(v));
            Err(MessageError::new(ErrorCode::UnsupportedVersion, "v", problem))
        }
    }
}

fn read_timestamp(fields: &Map<String, Value>) -> Result<DateTime<Utc>, MessageError> {
    let Some(value) = fields.get("timestamp") else { return Ok(Utc::now()) };
    let wrong = || {
        let problem = format!("is {}; send ISO 8601, such as 2026-01-31T12:00:00Z", shown(value));
        MessageError::invalid("timestamp", problem)
    };
    let text = value.as_str().ok_or_else(wrong)?;
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    // Python's isoformat() of a UTC time names no zone.
    text.parse::<NaiveDateTime>().map(|time| time.and_utc()).map_err(|_| wrong())
}

fn read_message(mut fields: Map<String, Value>) -> Result<Message, MessageError> {
    let name = match fields.remove("type") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(MessageError::invalid("type", "must be a text")),
        None => return Err(missing("type")),
    };
    if !TYPES.contains(&name.as_str()) {
        let problem = format!("is {}; known types are {}", shown(&Value::String(name)), TYPES.join(", "));
        return Err(MessageError::new(ErrorCode::UnknownType, "type", problem));
    }
    let data = match fields.remove("data") {
        Some(data @ Value::Object(_)) => data,
        Some(_) => return Err(MessageError::invalid("data", "must be an object")),
        None => return Err(missing("data")),
    };
    Ok(match name.as_str() {
        "transcript" => Message::Transcript(typed::<TranscriptMessage>(data)?),
        "agent_text" => Message::AgentText(typed::<AgentText>(data)?),
        "user_text" => Message::UserText(typed::<UserText>(data)?),
        "status" => Message::Status(typed::<Status>(data)?),
        "todo" => {
            let fault = |fault: crate::todo::Fault| {
                MessageError::invalid(format!("data.{}", fault.field), fault.problem)
            };
            Message::Todo(TodoList::try_from(typed::<Unchecked>(data)?).map_err(fault)?)
        }
        "control" => Message::Control(typed::<Control>(data)?),
        "error" => Message::Error(typed::<ErrorMessage>(data)?),
        "data" => Message::Data(typed::<DataMessage>(data)?),
        "tool_call" => Message::ToolCall(typed::<ToolCall>(data)?),
        "tool_result" => Message::ToolResult(typed::<ToolResult>(data)?),
        _ => Message::Handoff(typed::<Handoff>(data)?),
    })
}

fn typed<T: DeserializeOwned>(data: Value) -> Result<T, MessageError> {
    serde_path_to_error::deserialize(data).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => "data".to_owned(),
            path => format!("data.{path}"),
        };
        let mut problem = error.inner().to_string();
        // Serde names a missing field only in its message.
        if let Some(name) = problem.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            return missing(&format!("{path}.{name}"));
        }
        cut(&mut problem, MAX_NAME * 2);
        MessageError::invalid(path, format!("is wrong: {problem}; see the message's schema"))
    })
}

fn missing(field: &str) -> MessageError {
    MessageError::new(ErrorCode::MissingField, field, "is missing; add it")
}

/// What was sent, short enough to be sent back.
fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    cut(&mut text, MAX_NAME / 2);
    text
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            v: u32,
            id: &'a str,
            timestamp: DateTime<Utc>,
            #[serde(flatten)]
            message: &'a Message,
        }
        let wire = Wire { v: VERSION, id: &self.id, timestamp: self.timestamp, message: &self.message };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

macro_rules! from_data {
    ($($data:ident => $variant:ident),*) => {
        $(impl From<$data> for Envelope {
            fn from(data: $data) -> Self {
                Self::new(Message::$variant(data))
            }
        })*
    };
}

from_data!(
    TranscriptMessage => Transcript, AgentText => AgentText, UserText => UserText, Status => Status,
    Control => Control, ErrorMessage => Error, DataMessage => Data, ToolCall => ToolCall,
    ToolResult => ToolResult, Handoff => Handoff, TodoList => Todo
);
