//! Tools made of closures.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    IntoToolOutput, RunContext, Tool, ToolDefinition, ToolError, ToolOutput, parameters, parse_arguments,
};

type Body<U> =
    dyn Fn(RunContext<U>, Value) -> BoxFuture<'static, Result<ToolOutput<U>, ToolError>> + Send + Sync;

/// A tool made of a closure, for tools that need more than a function has: state of an agent, or a
/// schema that is only known at run time.
///
/// An agent with state shares it with its tools:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use duologue_agent::Agent;
/// use duologue_agent::tool::{FnTool, RunContext, Toolset};
///
/// struct Waiter {
///     orders: Arc<AtomicU32>,
/// }
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Order {
///     /// What, as on the menu.
///     dish: String,
/// }
///
/// impl Agent for Waiter {
///     fn instructions(&self) -> String {
///         "You take orders.".into()
///     }
///
///     fn tools(&self) -> Toolset {
///         let orders = Arc::clone(&self.orders);
///         let order = FnTool::new("order", "Orders a dish.", move |_: RunContext, order: Order| {
///             let number = orders.fetch_add(1, Ordering::Relaxed) + 1;
///             async move { format!("order {number}: {}", order.dish) }
///         });
///         Toolset::new().with(order.effect())
///     }
/// }
///
/// let tools = Waiter { orders: Arc::default() }.tools();
/// assert!(tools.definitions()[0].effect);
/// assert_eq!(tools.definitions()[0].parameters["required"][0], "dish");
/// ```
pub struct FnTool<U: Send + Sync + 'static = ()> {
    definition: ToolDefinition,
    body: Arc<Body<U>>,
}

impl<U: Send + Sync + 'static> FnTool<U> {
    /// A tool whose arguments are the fields of `A`.
    pub fn new<A, F, Fut>(name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        F: Fn(RunContext<U>, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoToolOutput<U>> + Send + 'static,
    {
        let function = Arc::new(function);
        let body = move |context, arguments| {
            let function = Arc::clone(&function);
            let future =
                async move { function(context, parse_arguments(arguments)?).await.into_tool_output() };
            Box::pin(future) as BoxFuture<'static, _>
        };
        Self { definition: ToolDefinition::new(name, description, parameters::<A>()), body: Arc::new(body) }
    }

    /// A tool whose arguments are described by the JSON schema `parameters`, and come as an object
    /// that may or may not follow it.
    pub fn with_schema<F, Fut>(
        name: impl Into<String>,
        description: impl Into<String>,
        parameters: Value,
        function: F,
    ) -> Self
    where
        F: Fn(RunContext<U>, Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoToolOutput<U>> + Send + 'static,
    {
        let function = Arc::new(function);
        let body = move |context, arguments| {
            let function = Arc::clone(&function);
            let future = async move { function(context, arguments).await.into_tool_output() };
            Box::pin(future) as BoxFuture<'static, _>
        };
        Self { definition: ToolDefinition::new(name, description, parameters), body: Arc::new(body) }
    }

    /// It changes something outside the conversation; see [`ToolDefinition::effect`].
    #[must_use]
    pub fn effect(mut self) -> Self {
        self.definition.effect = true;
        self
    }

    /// How long it may run.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.definition.time_limit = limit;
        self
    }

    /// Most bytes of its result that the model is told.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.definition.output_limit = bytes;
        self
    }
}

#[async_trait]
impl<U: Send + Sync + 'static> Tool<U> for FnTool<U> {
    fn definition(&self) -> ToolDefinition {
        self.definition.clone()
    }

    async fn call(&self, context: RunContext<U>, arguments: Value) -> Result<ToolOutput<U>, ToolError> {
        (self.body)(context, arguments).await
    }
}
