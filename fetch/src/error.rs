//! The crate's one error type: what went wrong, what to do about it, and what caused it.

use std::{error::Error as StdError, fmt, io, path::Path, sync::Arc};

use crate::secrets::without_secrets;

/// What went wrong, and by that what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file is not there, and nothing was tried to get it. Run `duologue fetch`.
    Missing,
    /// A file does not match its SHA-256 or its size, or an archive is damaged. Delete it and fetch again.
    Corrupt,
    /// The server could not be reached, broke off or answered with an error. Check the network, the proxy and the index settings.
    Network,
    /// The server has no such file. Correct the address or the version.
    NotFound,
    /// The server refuses, or leads to where nobody should follow. Check user name and password.
    Refused,
    /// Nothing says where packages come from. Install pip, or set the variable that the message names.
    Unconfigured,
    /// Somebody else could change the file. Correct its owner and its mode, or name another place.
    Untrusted,
    /// Something would have to be fetched, but `offline` is set. Fetch it on a machine with a network and copy it over.
    Offline,
    /// Nothing prebuilt exists for this operating system and processor. Build it, and name its place.
    UnsupportedPlatform,
    /// The disk (or a quota, or a file size limit) is full. Free some space, or move the cache with `DUOLOGUE_CACHE`.
    DiskFull,
    /// Reading or writing a file failed for another reason; the message names it.
    Io,
    /// A wait ran into its deadline, for instance another process held the cache's lock for too long. Try again.
    Timeout,
}

/// An error of this crate. Its text names the file, address or value, and the remedy; it never holds a password.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    remedy: Option<String>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of the given kind. The message is a sentence without a trailing full stop.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: without_secrets(message.as_ref()), remedy: None, cause: None }
    }

    /// The same with what the user can do about it, in the imperative: `set DUOLOGUE_CACHE to another directory`.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl AsRef<str>) -> Self {
        self.remedy = Some(without_secrets(remedy.as_ref()));
        self
    }

    /// The same with what caused it, which [`source`](StdError::source) returns. The message should say it too, in words for people.
    #[must_use]
    pub fn with_cause(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without the remedy.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the user can do about it, if there is something in particular.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// An input or output error on `path` while `doing` something ("cannot read").
    pub fn io(doing: &str, path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::disk_full(path, &error).with_cause(error)
            }
            _ => Self::new(ErrorKind::Io, format!("{doing} {}: {error}", path.display())).with_cause(error),
        }
    }

    pub(crate) fn disk_full(path: &Path, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::DiskFull, format!("no room to write {}: {why}", path.display()))
            .with_remedy("free some space or set DUOLOGUE_CACHE to a directory on another disk")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
