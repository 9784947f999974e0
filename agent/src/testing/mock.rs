//! Mock tools: another body for a tool of the agent's, by name, while a test needs it.
//!
//! The model sees the tool as it is; only what it does is replaced, for whichever agent is current.
//!
//! ```
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_agent::testing::{Rule, Script, ScriptedLlm};
//! use duologue_agent::tool::FnTool;
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let script = Script::new()
//!     .rule(Rule::any().call("get_weather", json!({ "city": "Porto" })))
//!     .rule(Rule::result_of("get_weather").say("It is {result}."));
//! let weather = FnTool::with_schema("get_weather", "Asks the network.", json!({ "type": "object" }), |_, _| async {
//!     "not for tests"
//! });
//! let session = AgentSession::builder(()).llm(ScriptedLlm::new(script)).build()?;
//! session.start_text(SimpleAgent::new("You tell the weather.").tool(weather)).await?;
//!
//! let weather = session.mock_tool("get_weather", |_arguments| "sunny");
//! assert_eq!(session.run("How is the weather?").await?.text(), "It is sunny.");
//! assert_eq!(weather.calls(), [json!({ "city": "Porto" })]);
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::session::AgentSession;
use crate::tool::{IntoToolOutput, RunContext, Tool, ToolDefinition, ToolError, ToolOutput};

type Body<U> = Arc<dyn Fn(Value) -> Result<ToolOutput<U>, ToolError> + Send + Sync>;
type Calls = Arc<Mutex<Vec<Value>>>;

/// A tool's other body; the tool has its own again once this is dropped.
#[must_use = "the tool has its own body again once this is dropped"]
pub struct MockTool<U: Send + Sync + 'static = ()> {
    session: AgentSession<U>,
    name: String,
    number: u64,
    calls: Calls,
}

impl<U: Send + Sync + 'static> MockTool<U> {
    /// The arguments of every call so far, oldest first.
    pub fn calls(&self) -> Vec<Value> {
        lock(&self.calls).clone()
    }
}

impl<U: Send + Sync + 'static> Drop for MockTool<U> {
    fn drop(&mut self) {
        self.session.restore_tool(&self.name, self.number);
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Replaces the body of the tool `name` while the returned value lives. An agent without that tool
    /// does not get it.
    pub fn mock_tool<F, T>(&self, name: &str, body: F) -> MockTool<U>
    where
        F: Fn(Value) -> T + Send + Sync + 'static,
        T: IntoToolOutput<U>,
    {
        let calls = Calls::default();
        let body: Body<U> = Arc::new(move |arguments| body(arguments).into_tool_output());
        let noted = Arc::clone(&calls);
        let number = self.replace_tool(
            name,
            Arc::new(move |definition| {
                Arc::new(Mocked { definition, body: Arc::clone(&body), calls: Arc::clone(&noted) })
            }),
        );
        MockTool { session: self.clone(), name: name.to_owned(), number, calls }
    }
}

struct Mocked<U: Send + Sync + 'static> {
    definition: ToolDefinition,
    body: Body<U>,
    calls: Calls,
}

#[async_trait]
impl<U: Send + Sync + 'static> Tool<U> for Mocked<U> {
    fn definition(&self) -> ToolDefinition {
        self.definition.clone()
    }

    async fn call(&self, _context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError> {
        lock(&self.calls).push(arguments.clone());
        (self.body)(arguments)
    }
}

fn lock(calls: &Calls) -> MutexGuard<'_, Vec<Value>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
