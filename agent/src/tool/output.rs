//! What a tool gives back.

use std::any::Any;
use std::fmt::{self, Display};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::agent::{Agent, Carry, Handoff};

/// What a tool gives back.
pub enum ToolOutput<U: Send + Sync + 'static> {
    /// The model is told this.
    Text(String),
    /// The model is told this, as JSON text.
    Json(Value),
    /// Another agent takes over.
    Handoff(Handoff<U>),
    /// The model is told that it is done, and does not answer: the tool has spoken itself.
    Silent,
}

/// Why a tool failed.
///
/// `?` makes one of any [`std::error::Error`], hidden, because an error written for the log may hold
/// what a model must not read out: paths, addresses, keys. So that it can, `ToolError` itself is not
/// a [`std::error::Error`].
///
/// ```
/// use duologue_agent::tool;
/// use duologue_agent::tool::ToolError;
///
/// /// Reads the shopping list.
/// #[tool]
/// async fn shopping_list() -> Result<String, ToolError> {
///     let list = std::fs::read_to_string("/no/such/list")?; // the model is told that it failed
///     if list.is_empty() {
///         return Err(ToolError::new("the list is empty")); // the model is told this
///     }
///     list.lines().next().map(str::to_owned).ok_or_else(|| ToolError::hidden("no line"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert!(matches!(shopping_list::run().await, Err(ToolError::Hidden(_))));
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolError {
    /// The model may see why, and correct itself.
    Visible(String),
    /// The model is only told that the tool failed; the log and the events hold why.
    Hidden(String),
}

impl ToolError {
    /// An error that the model may see.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Visible(message.into())
    }

    /// An error that the model may see: `fetch().await.map_err(ToolError::visible)?`.
    pub fn visible(error: impl Display) -> Self {
        Self::Visible(error.to_string())
    }

    /// An error that only the log and the events hold.
    pub fn hidden(error: impl Display) -> Self {
        Self::Hidden(error.to_string())
    }

    /// What a failed function's error tells the model: a [`ToolError`] what it says, text (written
    /// for this tool) all of it, any other error nothing.
    fn of<E: Display + 'static>(error: E) -> Self {
        let any: &dyn Any = &error;
        if let Some(error) = any.downcast_ref::<Self>() {
            return error.clone();
        }
        match any.is::<String>() || any.is::<&'static str>() {
            true => Self::visible(error),
            false => Self::hidden(error),
        }
    }
}

impl Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visible(message) | Self::Hidden(message) => f.write_str(message),
        }
    }
}

impl<E: std::error::Error + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::hidden(error)
    }
}

/// What an async function may return to be a tool.
///
/// | type | the model is told |
/// |---|---|
/// | `String`, `&'static str` | the text |
/// | `()` | `done` |
/// | [`Value`], [`Json<T>`] | JSON text |
/// | [`Handoff<U>`], `(Handoff<U>, message)`, `(Arc<dyn Agent<U>>, message)` | the message; the agent takes over |
/// | [`ToolOutput<U>`] | whichever of these |
/// | `Result<one of these, E>` | on an error, see [`ToolError`]; an `E` that is text is shown, any other only logged |
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not an output of a tool",
    note = "return text, `()`, a `serde_json::Value`, `Json<T>` with `T: serde::Serialize`, a `Handoff<U>` of \
            the session's userdata, `(Handoff<U>, String)`, or a `Result` of one of these with an error that \
            is `Display`"
)]
pub trait IntoToolOutput<U: Send + Sync + 'static> {
    /// As a tool's output.
    ///
    /// # Errors
    /// The function's own error.
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError>;
}

/// A value that the model is told as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<U: Send + Sync + 'static> IntoToolOutput<U> for ToolOutput<U> {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(self)
    }
}

impl<U: Send + Sync + 'static> IntoToolOutput<U> for String {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Text(self))
    }
}

impl<U: Send + Sync + 'static> IntoToolOutput<U> for &'static str {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Text(self.to_owned()))
    }
}

impl<U: Send + Sync + 'static> IntoToolOutput<U> for () {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Text("done".to_owned()))
    }
}

impl<U: Send + Sync + 'static> IntoToolOutput<U> for Value {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Json(self))
    }
}

impl<U: Send + Sync + 'static, T: Serialize> IntoToolOutput<U> for Json<T> {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Json(serde_json::to_value(self.0)?))
    }
}

impl<U: Send + Sync + 'static> IntoToolOutput<U> for Handoff<U> {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Handoff(self))
    }
}

impl<U: Send + Sync + 'static, M: Into<String>> IntoToolOutput<U> for (Handoff<U>, M) {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        Ok(ToolOutput::Handoff(self.0.message(self.1)))
    }
}

impl<U: Send + Sync + 'static, M: Into<String>> IntoToolOutput<U> for (Arc<dyn Agent<U>>, M) {
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        let (agent, message) = self;
        Ok(ToolOutput::Handoff(Handoff { agent, message: Some(message.into()), carry: Carry::All }))
    }
}

impl<U, T, E> IntoToolOutput<U> for Result<T, E>
where
    U: Send + Sync + 'static,
    T: IntoToolOutput<U>,
    E: Display + 'static,
{
    fn into_tool_output(self) -> Result<ToolOutput<U>, ToolError> {
        self.map_err(ToolError::of)?.into_tool_output()
    }
}
