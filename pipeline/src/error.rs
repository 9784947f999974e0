use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A configuration value is out of range: correct the named key.
    Config,
    /// Audio data cannot be read: correct or replace the named file.
    InvalidAudio,
    /// No such device, or it went away: choose another, or plug it in again.
    Device,
    /// A model failed: see the message; the pipeline carries on where it can.
    Model,
    /// A thread or queue of the pipeline is gone: build a new pipeline.
    Closed,
    /// A wait passed its deadline: try again, or give up on the named part.
    TimedOut,
    /// Reading or writing failed: check the named path and the disk.
    Io,
}

/// An error of the pipeline; its message names the file, key or value and the remedy.
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
