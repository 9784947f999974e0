use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such model, voice or file: check the name, or pull the model.
    NotFound,
    /// A model or voice file is damaged, of the wrong kind, or swapped with another: fetch it again.
    Invalid,
    /// The shared libraries are missing or of the wrong version: run `duologue fetch`.
    Natives,
    /// A configuration value is out of range: correct the named key.
    Config,
    /// The run was cancelled: nothing to do.
    Cancelled,
    /// Inference failed: reset the stream, or report it.
    Inference,
    /// Reading or writing failed: check the named path and the disk.
    Io,
    /// A model could not be fetched: check the network, or pull it elsewhere and carry a bundle over.
    Fetch,
}

/// An error of a speech model; its message names the file, key or value and the remedy.
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

impl From<duologue_native::Error> for Error {
    fn from(error: duologue_native::Error) -> Self {
        use duologue_native::ErrorKind as Native;
        let kind = match error.kind() {
            Native::Corrupt | Native::ModelInvalid => ErrorKind::Invalid,
            Native::ModelMissing => ErrorKind::NotFound,
            Native::Cancelled => ErrorKind::Cancelled,
            Native::DiskFull | Native::Io => ErrorKind::Io,
            Native::InvalidArgument | Native::Timeout | Native::Runtime => ErrorKind::Inference,
            _ => ErrorKind::Natives,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<duologue_fetch::Error> for Error {
    fn from(error: duologue_fetch::Error) -> Self {
        use duologue_fetch::ErrorKind as Fetch;
        let kind = match error.kind() {
            Fetch::Missing => ErrorKind::NotFound,
            Fetch::Corrupt => ErrorKind::Invalid,
            Fetch::DiskFull | Fetch::Io | Fetch::Untrusted => ErrorKind::Io,
            _ => ErrorKind::Fetch,
        };
        Self::new(kind, error.to_string())
    }
}
