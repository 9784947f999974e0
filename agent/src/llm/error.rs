use std::fmt;
use std::time::Duration;

/// Why a model did not answer, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LlmErrorKind {
    /// No connection: start the server, or correct the base URL.
    Unreachable,
    /// The key was refused: correct it.
    Unauthorized,
    /// Too many requests: wait, at least for the given time.
    RateLimited {
        /// What the server asked for.
        retry_after: Option<Duration>,
    },
    /// The server failed: try again.
    Server,
    /// The request was refused, for example an unknown model: correct it.
    Refused,
    /// Nothing came in time: try again, or choose a faster model.
    TimedOut,
    /// What came could not be understood.
    Malformed,
    /// The answer passed a size limit.
    TooLong,
}

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LlmError {
    kind: LlmErrorKind,
    message: String,
}

impl LlmError {
    /// An error of `kind` with a message for people.
    pub fn new(kind: LlmErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What can be done about it.
    pub fn kind(&self) -> LlmErrorKind {
        self.kind
    }
}

impl fmt::Display for LlmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LlmError {}
