//! Tools whose bodies are replaced for a while, for tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::AgentSession;
use super::line::lock;
use crate::tool::{Tool, ToolDefinition, Toolset};

/// Makes the tool that stands in, of the definition of the real one.
pub(crate) type StandIn<U> = Arc<dyn Fn(ToolDefinition) -> Arc<dyn Tool<U>> + Send + Sync>;

/// What stands in, by the tools' names; of several, the latest.
pub(crate) struct Mocks<U: Send + Sync + 'static>(Mutex<Book<U>>);

struct Book<U: Send + Sync + 'static> {
    by_name: BTreeMap<String, Vec<(u64, StandIn<U>)>>,
    last: u64,
}

impl<U: Send + Sync + 'static> Default for Mocks<U> {
    fn default() -> Self {
        Self(Mutex::new(Book { by_name: BTreeMap::new(), last: 0 }))
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// From now on `stand_in` is called instead of the tool `name`, whichever agent has it. Gives the
    /// number to end that by.
    pub(crate) fn replace_tool(&self, name: &str, stand_in: StandIn<U>) -> u64 {
        let mut book = lock(&self.shared.mocks.0);
        book.last += 1;
        let number = book.last;
        book.by_name.entry(name.to_owned()).or_default().push((number, stand_in));
        number
    }

    /// The replacement `number` of the tool `name` is over.
    pub(crate) fn restore_tool(&self, name: &str, number: u64) {
        if let Some(stand_ins) = lock(&self.shared.mocks.0).by_name.get_mut(name) {
            stand_ins.retain(|(known, _)| *known != number);
        }
    }

    /// `tools`, with those replaced that are to be.
    pub(super) fn with_mocks(&self, mut tools: Toolset<U>) -> Toolset<U> {
        let book = lock(&self.shared.mocks.0);
        if book.by_name.is_empty() {
            return tools;
        }
        for definition in tools.definitions() {
            if let Some((_, stand_in)) = book.by_name.get(&definition.name).and_then(|all| all.last()) {
                tools.add_shared(stand_in(definition));
            }
        }
        tools
    }
}
