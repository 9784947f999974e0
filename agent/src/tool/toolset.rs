//! Tools by name.

use std::sync::Arc;

use super::{Tool, ToolDefinition};

/// Tools by name, in the order they were added; one added later replaces one of the same name.
///
/// ```
/// use duologue_agent::tool::{FnTool, Toolset};
/// use serde_json::json;
///
/// let ping = FnTool::with_schema("ping", "Answers.", json!({"type": "object"}), |_context, _arguments| async {
///     "pong"
/// });
/// let tools: Toolset<()> = Toolset::new().with(ping);
/// assert_eq!(tools.names(), ["ping"]);
/// ```
pub struct Toolset<U: Send + Sync + 'static = ()> {
    entries: Vec<Entry<U>>,
}

struct Entry<U: Send + Sync + 'static> {
    /// As it was when the tool was added: what the model is told and what is enforced never differ.
    definition: Arc<ToolDefinition>,
    tool: Arc<dyn Tool<U>>,
}

impl<U: Send + Sync + 'static> Toolset<U> {
    /// No tools.
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds `tool`.
    pub fn add(&mut self, tool: impl Tool<U>) {
        self.add_shared(Arc::new(tool));
    }

    /// Adds `tool`.
    pub fn add_shared(&mut self, tool: Arc<dyn Tool<U>>) {
        self.push(Entry { definition: Arc::new(tool.definition()), tool });
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: &Self) {
        for entry in &others.entries {
            self.push(entry.clone());
        }
    }

    fn push(&mut self, entry: Entry<U>) {
        self.remove(&entry.definition.name);
        self.entries.push(entry);
    }

    /// Takes the tool called `name` out; whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.definition.name != name);
        self.entries.len() != before
    }

    /// With `tool` added.
    #[must_use]
    pub fn with(mut self, tool: impl Tool<U>) -> Self {
        self.add(tool);
        self
    }

    /// The tool called `name`.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool<U>>> {
        self.entry(name).map(|entry| Arc::clone(&entry.tool))
    }

    /// What a model is told about the tool called `name`.
    pub fn definition(&self, name: &str) -> Option<&ToolDefinition> {
        self.entry(name).map(|entry| &*entry.definition)
    }

    fn entry(&self, name: &str) -> Option<&Entry<U>> {
        self.entries.iter().find(|entry| entry.definition.name == name)
    }

    /// The tool called `name`, and its definition.
    pub(super) fn find(&self, name: &str) -> Option<(Arc<ToolDefinition>, Arc<dyn Tool<U>>)> {
        self.entry(name).map(|entry| (Arc::clone(&entry.definition), Arc::clone(&entry.tool)))
    }

    /// What a model is told about them.
    pub fn definitions(&self) -> Vec<ToolDefinition> {
        self.entries.iter().map(|entry| (*entry.definition).clone()).collect()
    }

    /// What a model is told about them: [`Toolset::definitions`], by its name in the STELLA SDK.
    pub fn get_tool_definitions(&self) -> Vec<ToolDefinition> {
        self.definitions()
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| entry.definition.name.as_str()).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<U: Send + Sync + 'static> Default for Toolset<U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<U: Send + Sync + 'static> Clone for Toolset<U> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<U: Send + Sync + 'static> Clone for Entry<U> {
    fn clone(&self) -> Self {
        Self { definition: Arc::clone(&self.definition), tool: Arc::clone(&self.tool) }
    }
}
