//! Functions a model may call: the [`Tool`] trait, [`Toolset`]s, and what a tool is given and gives.

mod context;
mod output;
mod toolset;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use context::RunContext;
pub use output::{IntoToolOutput, ToolError, ToolOutput};
pub use toolset::Toolset;

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

fn default_time_limit() -> Duration {
    DEFAULT_TIME_LIMIT
}

fn default_output_limit() -> usize {
    DEFAULT_OUTPUT_LIMIT
}

/// A function a model may call. Usually made by [`crate::tool`](macro@crate::tool).
#[async_trait]
pub trait Tool<U: Send + Sync + 'static>: Send + Sync + 'static {
    /// What the model is told.
    fn definition(&self) -> ToolDefinition;

    /// Runs it. `arguments` is an object that was valid JSON; whether it fits the schema is the
    /// tool's to check.
    async fn call(&self, context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError>;
}
