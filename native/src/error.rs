//! The crate's one error type: what went wrong, in words, and what the caller can do, as a kind.

use std::{fmt, io, path::Path, sync::Arc};

/// What went wrong, and by that what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The shared libraries were not found and could not be fetched. Run `duologue fetch`, or point `DUOLOGUE_NATIVES` at a
    /// directory that holds them.
    NativesMissing,
    /// A library was found, but it is not the version this crate was made for. Remove it, or unset the variable that names it.
    WrongVersion,
    /// A file does not match its SHA-256 or its recorded size, or an archive is damaged. Delete it and fetch again.
    Corrupt,
    /// The package index could not be reached or answered with an error. Check the network, the proxy and the index settings.
    Network,
    /// A library lies where somebody else could change it. Correct its owner and its mode, or name another place.
    Untrusted,
    /// Something would have to be fetched, but `offline` is set. Fetch it on a machine with a network and copy it over.
    Offline,
    /// No prebuilt libraries exist for this operating system and processor. Build them and set `DUOLOGUE_NATIVES`.
    UnsupportedPlatform,
    /// The disk (or a quota, or a file size limit) is full. Free some space, or move the cache with `DUOLOGUE_CACHE`.
    DiskFull,
    /// Reading or writing a file failed for another reason; the message names it.
    Io,
    /// A model file does not exist. Pull the model, or correct the path.
    ModelMissing,
    /// A model file is damaged, of the wrong kind, or in the wrong place. Pull the model again, or correct the configuration.
    ModelInvalid,
    /// The caller passed something that does not fit: an unknown name, a wrong shape or type, a value out of range.
    InvalidArgument,
    /// The run was cancelled through its [`Cancel`](crate::onnx::Cancel).
    Cancelled,
    /// A wait ran into its deadline, for instance another process held the cache's lock for too long. Try again.
    Timeout,
    /// ONNX Runtime or sherpa-onnx failed; the message holds what it said.
    Runtime,
}

/// An error of this crate. Its message names the file, key or value, and the remedy.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    cause: Option<Arc<duologue_fetch::Error>>,
}

impl Error {
    /// An error of the given kind. The message is a sentence or two without a trailing full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An input or output error on `path` while `doing` something ("cannot read").
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{doing} {}: {error}", path.display()))
    }

    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub(crate) fn model(path: &Path, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::ModelInvalid, format!("{}: {message}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<duologue_fetch::Error> for Error {
    fn from(error: duologue_fetch::Error) -> Self {
        use duologue_fetch::ErrorKind as Fetch;
        let kind = match error.kind() {
            Fetch::Missing => ErrorKind::NativesMissing,
            Fetch::Corrupt => ErrorKind::Corrupt,
            Fetch::Network | Fetch::NotFound | Fetch::Refused | Fetch::Unconfigured => ErrorKind::Network,
            Fetch::Untrusted => ErrorKind::Untrusted,
            Fetch::Offline => ErrorKind::Offline,
            Fetch::UnsupportedPlatform => ErrorKind::UnsupportedPlatform,
            Fetch::DiskFull => ErrorKind::DiskFull,
            Fetch::Timeout => ErrorKind::Timeout,
            _ => ErrorKind::Io,
        };
        Self { kind, message: error.to_string(), cause: Some(Arc::new(error)) }
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Says a type's name and no more: what it wraps means nothing outside this process.
macro_rules! opaque_debug {
    ($($name:ty),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
pub(crate) use opaque_debug;
