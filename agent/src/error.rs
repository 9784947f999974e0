use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, scenario or definition is wrong: correct the named key.
    Config,
    /// A message or argument is malformed: correct the named field; nothing was changed.
    Invalid,
    /// The session is closed: start another.
    Closed,
    /// The audio pipeline failed: see the message.
    Pipeline,
    /// The language model failed; see [`crate::llm::LlmError`] for its kinds.
    Llm,
    /// A tool or tool server failed: see the message.
    Tool,
    /// The history cannot be read or written: check the named file and disk.
    Store,
    /// A wait passed its deadline: try again, or give up on the named part.
    TimedOut,
}

/// An error of agents and sessions; its message names the file, key or value and the remedy.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of `kind` with a message for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<duologue_pipeline::Error> for Error {
    fn from(error: duologue_pipeline::Error) -> Self {
        Self::new(ErrorKind::Pipeline, error.to_string())
    }
}
