//! Functions a model may call: the [`Tool`] trait, [`Toolset`]s, what runs them, and what a tool is
//! given and gives.
//!
//! Three ways to make a tool:
//! - [`#[tool]`](macro@crate::tool) on an async function;
//! - [`FnTool`] from a closure, which may capture an agent's own state;
//! - a server that speaks the Model Context Protocol: `mcp::McpServer` (feature `mcp`).
//!
//! ```
//! use duologue_agent::tool::{Json, RunContext, ToolError, Toolset};
//! use duologue_agent::tool;
//!
//! struct Home {
//!     lights: u8,
//! }
//!
//! #[derive(serde::Serialize)]
//! struct Forecast {
//!     celsius: i8,
//! }
//!
//! /// Tells the weather of a city, for today or a coming day.
//! #[tool(time_limit = "10s")]
//! async fn weather(
//!     /// The city, in English.
//!     city: String,
//!     /// How many days ahead; today if left out.
//!     days: Option<u32>,
//! ) -> Result<Json<Forecast>, ToolError> {
//!     if city == "Atlantis" {
//!         return Err(ToolError::new("Atlantis has no weather station; ask for another city"));
//!     }
//!     Ok(Json(Forecast { celsius: 20 - days.unwrap_or(0) as i8 }))
//! }
//!
//! /// Switches so many lights on.
//! #[tool(effect)]
//! async fn light(context: &RunContext<Home>, #[schemars(range(max = 9))] count: u8) -> &'static str {
//!     context.userdata().lights = count;
//!     "done"
//! }
//!
//! let tools: Toolset<Home> = Toolset::new().with(weather).with(light);
//! let definition = &tools.definitions()[0];
//! assert_eq!(definition.name, "weather");
//! assert_eq!(definition.description, "Tells the weather of a city, for today or a coming day.");
//! assert_eq!(definition.parameters["required"], serde_json::json!(["city"]));
//! assert_eq!(definition.parameters["properties"]["city"]["description"], "The city, in English.");
//! ```
//!
//! Life cycle of a call: an [`Executor`] finds the tool, reads the arguments, waits for the turn to
//! be certain if the tool has an effect, runs it under its limits, and gives a [`ToolOutcome`].
//! Invariant: whatever the model asks for and whatever the tool does, there is exactly one outcome
//! per call, and the session goes on.

mod calls;
mod context;
mod executor;
mod function;
mod gate;
#[cfg(feature = "mcp")]
pub mod mcp;
mod outcome;
mod output;
mod schema;
mod source;
pub(crate) mod stopwatch;
mod toolset;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use context::RunContext;
pub use executor::{DEFAULT_MAX_CALLS, Executor, Step};
pub use function::FnTool;
pub use gate::{COMMIT_LIMIT, CommitGate, Committer};
pub use outcome::{ToolEvent, ToolOutcome, ToolReply, ToolStatus};
pub use output::{IntoToolOutput, Json, ToolError, ToolOutput};
pub use schema::{parameters, parse_arguments};
pub use source::ToolSource;
pub use toolset::Toolset;

/// What [`macro@crate::tool`] writes refers to these.
#[doc(hidden)]
pub mod __macro {
    pub use async_trait::async_trait;
    pub use {schemars, serde, serde_json};
}

/// How long a tool may run unless it says otherwise.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(30);
/// Most bytes of a result that a model is told unless the tool says otherwise.
pub const DEFAULT_OUTPUT_LIMIT: usize = 16 * 1024;

/// What a model is told about a tool, and what the session must know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its name: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// When and what for to call it.
    pub description: String,
    /// JSON schema of its arguments, an object.
    pub parameters: Value,
    /// It changes something outside the conversation: it never runs for a turn that may be taken
    /// back, never twice for one call, and an interruption does not stop it.
    #[serde(default)]
    pub effect: bool,
    /// How long it may run.
    #[serde(default = "default_time_limit")]
    pub time_limit: Duration,
    /// Most bytes of its result that the model is told; the rest is cut, and the cut is marked.
    #[serde(default = "default_output_limit")]
    pub output_limit: usize,
}

impl ToolDefinition {
    /// A tool without effect, with the default limits.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters,
            effect: false,
            time_limit: DEFAULT_TIME_LIMIT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }
}

fn default_time_limit() -> Duration {
    DEFAULT_TIME_LIMIT
}

fn default_output_limit() -> usize {
    DEFAULT_OUTPUT_LIMIT
}

/// A function a model may call. Usually made by [`crate::tool`](macro@crate::tool).
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool of sessions whose userdata is `{U}`",
    label = "not a `Tool<{U}>`",
    note = "write `#[tool]` on an async function, or use `FnTool`; a tool that takes a `RunContext<U>` fits \
            sessions of that userdata only"
)]
pub trait Tool<U: Send + Sync + 'static>: Send + Sync + 'static {
    /// What the model is told. Asked once, when the tool joins a [`Toolset`].
    fn definition(&self) -> ToolDefinition;

    /// Runs it. `arguments` is an object that was valid JSON; whether it fits the schema is the
    /// tool's to check ([`parse_arguments`]).
    async fn call(&self, context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError>;
}

/// A function that makes a tool is one; what [`macro@crate::tool`] writes is such a function.
#[async_trait]
impl<U, F, T> Tool<U> for F
where
    U: Send + Sync + 'static,
    F: Fn() -> T + Send + Sync + 'static,
    T: Tool<U>,
{
    fn definition(&self) -> ToolDefinition {
        self().definition()
    }

    async fn call(&self, context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError> {
        let tool = self();
        tool.call(context, arguments).await
    }
}
