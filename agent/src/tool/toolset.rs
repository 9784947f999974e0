//! Tools by name.

use std::sync::Arc;

use super::{Tool, ToolDefinition};

/// Tools by name, in the order they were added; one added later replaces one of the same name.
pub struct Toolset<U: Send + Sync + 'static> {
    tools: Vec<Arc<dyn Tool<U>>>,
}

impl<U: Send + Sync + 'static> Toolset<U> {
    /// No tools.
    pub fn new() -> Self {
        Self { tools: Vec::new() }
    }

    /// Adds `tool`.
    pub fn add(&mut self, tool: impl Tool<U>) {
        self.add_shared(Arc::new(tool));
    }

    /// Adds `tool`.
    pub fn add_shared(&mut self, tool: Arc<dyn Tool<U>>) {
        let name = tool.definition().name;
        self.tools.retain(|known| known.definition().name != name);
        self.tools.push(tool);
    }

    /// With `tool` added.
    #[must_use]
    pub fn with(mut self, tool: impl Tool<U>) -> Self {
        self.add(tool);
        self
    }

    /// The tool called `name`.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool<U>>> {
        self.tools.iter().find(|tool| tool.definition().name == name).cloned()
    }

    /// What a model is told about them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.tools.iter().map(|tool| tool.definition()).collect()
    }
}

impl<U: Send + Sync + 'static> Default for Toolset<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: Send + Sync + 'static> Clone for Toolset<U> {
    fn clone(&self) -> Self {
        Self { tools: self.tools.clone() }
    }
}
