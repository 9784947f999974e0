//! Why a message is refused.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MAX_NAME;
use crate::{Error, ErrorKind};

/// What is wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// Not JSON, or not an object.
    NotJson,
    /// Over [`super::MAX_BYTES`].
    TooLarge,
    /// Another `v` than [`super::VERSION`].
    UnsupportedVersion,
    /// A `type` that is not known here.
    UnknownType,
    /// A field is missing.
    MissingField,
    /// A field has the wrong type, length or value.
    InvalidField,
    /// The agent failed; the message was good.
    Internal,
}

/// Why a message is refused: nothing was changed. [`super::Envelope::error_for`] makes the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageError {
    code: ErrorCode,
    field: String,
    problem: String,
    reply_to: Option<String>,
}

impl MessageError {
    pub(super) fn new(code: ErrorCode, field: impl Into<String>, problem: impl Into<String>) -> Self {
        let mut field = field.into();
        cut(&mut field, MAX_NAME);
        Self { code, field, problem: problem.into(), reply_to: None }
    }

    pub(super) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidField, field, problem)
    }

    pub(super) fn in_reply_to(mut self, id: Option<String>) -> Self {
        self.reply_to = id;
        self
    }

    /// What is wrong, for programs.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Which field, such as `data.items[2].id`; empty if it is the message as a whole.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Id of the refused message, if it could be read.
    pub fn reply_to(&self) -> Option<&str> {
        self.reply_to.as_deref()
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "the message {}", self.problem),
            field => write!(f, "`{field}` {}", self.problem),
        }
    }
}

impl std::error::Error for MessageError {}

impl From<MessageError> for Error {
    fn from(error: MessageError) -> Self {
        Self::new(ErrorKind::Invalid, error.to_string())
    }
}

/// Shortens `text` to at most `length` bytes, between two characters.
pub(super) fn cut(text: &mut String, length: usize) {
    text.truncate(text.floor_char_boundary(length));
}
