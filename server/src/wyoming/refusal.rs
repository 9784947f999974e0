//! What a client is told when its request cannot be done: an `error` event; the connection stays.

use std::fmt;

use serde_json::json;

use super::Event;

/// Why a request cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: Code,
    text: String,
}

/// The machine's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// A field is missing or of the wrong type.
    BadRequest,
    /// Sound of a rate, width or number of channels that is not taken.
    AudioFormat,
    /// Sound, or its end, that no `audio-start` announced; text that no `synthesize-start` did.
    NotStarted,
    /// No program, model, voice, language or wake word of that name.
    Unknown,
    /// A request that this server does not do.
    Unsupported,
    /// A model could not be loaded, or failed.
    Model,
    /// The bytes are no events; the connection is closed.
    Protocol,
    /// As many connections as are allowed are open.
    Busy,
}

impl Code {
    fn word(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::AudioFormat => "audio-format",
            Self::NotStarted => "not-started",
            Self::Unknown => "unknown-name",
            Self::Unsupported => "unsupported",
            Self::Model => "model",
            Self::Protocol => "protocol",
            Self::Busy => "busy",
        }
    }
}

impl Refusal {
    pub(super) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// A model's error, or the server's about its models.
    pub(super) fn model(error: impl fmt::Display) -> Self {
        Self::new(Code::Model, error.to_string())
    }

    pub(super) fn event(&self) -> Event {
        Event::new("error", json!({ "text": self.text, "code": self.code.word() }))
    }
}
