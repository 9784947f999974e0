use std::fmt;

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A frame of the wrong length was given: re-block the signal to `Vad::frame_len`.
    FrameLength,
    /// The model could not be loaded: check the path, or fetch the models again.
    Model,
    /// The shared libraries are missing or of the wrong version: run `duologue fetch`, or fall back
    /// to the energy VAD.
    Natives,
    /// The model failed while running: reset the detector, or fall back to the energy VAD.
    Inference,
    /// A configuration value is out of range: correct the named key.
    Config,
    /// A label file cannot be read: correct the named file.
    Labels,
}

/// An error of voice activity detection; its message names the file, key or value and the remedy.
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
            Native::ModelMissing
            | Native::ModelInvalid
            | Native::Corrupt
            | Native::Network
            | Native::Offline => ErrorKind::Model,
            Native::InvalidArgument | Native::Cancelled | Native::Runtime => ErrorKind::Inference,
            _ => ErrorKind::Natives,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<duologue_fetch::Error> for Error {
    fn from(error: duologue_fetch::Error) -> Self {
        Self::new(ErrorKind::Model, error.to_string())
    }
}
