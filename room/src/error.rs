use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, URL or file is wrong: correct the named key.
    Config,
    /// The server refuses the key, secret or token: correct it, or ask for a fresh token.
    Unauthorized,
    /// The server cannot be reached, or the connection is lost for good: try again later.
    Network,
    /// The engine library is missing, damaged or of another version: see the message.
    Engine,
    /// The room or the connection is over: join again.
    Closed,
    /// A wait passed its deadline: try again, or give up on the named part.
    TimedOut,
    /// The job's agent failed: see the message.
    Job,
}

/// An error of rooms and workers; its message names the value and the remedy.
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
