use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

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
///
/// What a program needs of it is data: its [`kind`](Error::kind), its [`remedy`](Error::remedy), the
/// [`key`](Error::key) of a wrong setting and what is [`allowed`](Error::allowed), and its
/// [`source`](StdError::source).
///
/// ```
/// use duologue_agent::{ErrorKind, SessionConfig};
///
/// let config = SessionConfig { token_budget: 1, ..SessionConfig::default() };
/// let error = config.validate().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert_eq!((error.key(), error.allowed()), (Some("token_budget"), Some("256 to 16777216")));
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Option<Box<Details>>,
}

/// What few errors have.
#[derive(Clone, Debug, Default)]
struct Details {
    remedy: Option<String>,
    key: Option<String>,
    allowed: Option<String>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a message for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None }
    }

    /// The same with what can be done about it, in the imperative: `choose a shorter one`.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.details().remedy = Some(remedy.into());
        self
    }

    /// The same with the setting that is wrong, and what it may be.
    #[must_use]
    pub fn with_setting(mut self, key: impl Into<String>, allowed: impl Into<String>) -> Self {
        let details = self.details();
        (details.key, details.allowed) = (Some(key.into()), Some(allowed.into()));
        self
    }

    /// The same with what caused it. The message should say it too, in words for people.
    #[must_use]
    pub fn with_cause(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.details().cause = Some(Arc::new(cause));
        self
    }

    /// The same, and its message begins with `place`: a file, a hook.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
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

    /// What can be done about it, where the message does not say so itself.
    pub fn remedy(&self) -> Option<&str> {
        self.details.as_ref()?.remedy.as_deref()
    }

    /// The setting that is wrong, as a configuration file names it.
    pub fn key(&self) -> Option<&str> {
        self.details.as_ref()?.key.as_deref()
    }

    /// What the setting of [`Error::key`] may be, for people: a range with its unit, or a list.
    pub fn allowed(&self) -> Option<&str> {
        self.details.as_ref()?.allowed.as_deref()
    }

    fn details(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.details.as_ref()?.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<duologue_pipeline::Error> for Error {
    fn from(error: duologue_pipeline::Error) -> Self {
        let kind = match error.kind() {
            duologue_pipeline::ErrorKind::Config => ErrorKind::Config,
            duologue_pipeline::ErrorKind::Closed => ErrorKind::Closed,
            duologue_pipeline::ErrorKind::TimedOut => ErrorKind::TimedOut,
            _ => ErrorKind::Pipeline,
        };
        Self::new(kind, error.to_string()).with_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_error_is_lost_on_its_way_up() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(ErrorKind::Store, "history.db: disk on fire").with_cause(io);
        let error = error.with_remedy("fetch water").within("on_enter");
        assert_eq!(error.to_string(), "on_enter: history.db: disk on fire; fetch water");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk on fire"));
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Store, Some("fetch water")));
        let again = error.clone().with_setting("store.path", "a writable file");
        assert_eq!((again.key(), again.allowed()), (Some("store.path"), Some("a writable file")));
        assert!(again.source().is_some());
    }
}
