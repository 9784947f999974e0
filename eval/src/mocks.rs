//! Mock tools: another body for a tool of the agent's, by name, while a test needs it.
//!
//! The model sees the tool as it is; only what it does is replaced, for whichever agent is current.
//!
//! ```
//! use duologue_agent::tool::FnTool;
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_eval::{MockTools, Rule, Script, ScriptedLlm};
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let script = Script::new()
//!     .rule(Rule::any().call("get_weather", json!({ "city": "Porto" })))
//!     .rule(Rule::result_of("get_weather").say("It is {result}."));
//! let weather = FnTool::with_schema("get_weather", "Asks the network.", json!({ "type": "object" }), |_, _| async {
//!     "not for tests"
//! });
//! let mocks = MockTools::new();
//! let session = AgentSession::builder(()).llm(ScriptedLlm::new(script)).map_tools(mocks.hook()).build()?;
//! session.start_text(SimpleAgent::new("You tell the weather.").tool(weather)).await?;
//!
//! let weather = mocks.replace("get_weather", |_arguments| "sunny");
//! assert_eq!(session.run("How is the weather?").await?.text(), "It is sunny.");
//! assert_eq!(weather.calls(), [json!({ "city": "Porto" })]);
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use duologue_agent::tool::{
    IntoToolOutput, RunContext, Tool, ToolDefinition, ToolError, ToolOutput, Toolset,
};
use serde_json::Value;

type Body<U> = Arc<dyn Fn(Value) -> Result<ToolOutput<U>, ToolError> + Send + Sync>;
type Calls = Arc<Mutex<Vec<Value>>>;

/// Tools whose bodies are replaced for a while. [`MockTools::hook`] makes a session use them. Clones
/// are cheap and mean the same.
pub struct MockTools<U: Send + Sync + 'static = ()>(Arc<Mutex<StandIns<U>>>);

struct StandIns<U: Send + Sync + 'static> {
    /// Of several for one tool, the latest counts.
    by_name: BTreeMap<String, Vec<StandIn<U>>>,
    last: u64,
}

struct StandIn<U: Send + Sync + 'static> {
    number: u64,
    body: Body<U>,
    calls: Calls,
}

impl<U: Send + Sync + 'static> Clone for MockTools<U> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U: Send + Sync + 'static> Default for MockTools<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: Send + Sync + 'static> MockTools<U> {
    /// None is replaced yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(StandIns { by_name: BTreeMap::new(), last: 0 })))
    }

    /// What [`SessionBuilder::map_tools`](duologue_agent::session::SessionBuilder::map_tools) takes.
    pub fn hook(&self) -> impl Fn(Toolset<U>) -> Toolset<U> + Send + Sync + 'static {
        let mocks = self.clone();
        move |tools| mocks.apply(tools)
    }

    /// Replaces the body of the tool `name` while the returned value lives. An agent without that tool
    /// does not get it.
    pub fn replace<F, T>(&self, name: &str, body: F) -> MockTool<U>
    where
        F: Fn(Value) -> T + Send + Sync + 'static,
        T: IntoToolOutput<U>,
    {
        let calls = Calls::default();
        let body: Body<U> = Arc::new(move |arguments| body(arguments).into_tool_output());
        let mut stand_ins = lock(&self.0);
        stand_ins.last += 1;
        let number = stand_ins.last;
        let stand_in = StandIn { number, body, calls: Arc::clone(&calls) };
        stand_ins.by_name.entry(name.to_owned()).or_default().push(stand_in);
        drop(stand_ins);
        MockTool { mocks: self.clone(), name: name.to_owned(), number, calls }
    }

    /// `tools`, with those replaced that are to be.
    fn apply(&self, mut tools: Toolset<U>) -> Toolset<U> {
        let stand_ins = lock(&self.0);
        if stand_ins.by_name.is_empty() {
            return tools;
        }
        for definition in tools.definitions() {
            if let Some(stand_in) = stand_ins.by_name.get(&definition.name).and_then(|all| all.last()) {
                let (body, calls) = (Arc::clone(&stand_in.body), Arc::clone(&stand_in.calls));
                tools.add(Mocked { definition, body, calls });
            }
        }
        tools
    }
}

/// A tool's other body; the tool has its own again once this is dropped.
#[must_use = "the tool has its own body again once this is dropped"]
pub struct MockTool<U: Send + Sync + 'static = ()> {
    mocks: MockTools<U>,
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
        if let Some(stand_ins) = lock(&self.mocks.0).by_name.get_mut(&self.name) {
            stand_ins.retain(|stand_in| stand_in.number != self.number);
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
