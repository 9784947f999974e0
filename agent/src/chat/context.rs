//! The conversation as a model sees it.

use serde::{Deserialize, Serialize};

use super::ChatItem;

/// Items, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatContext {
    items: Vec<ChatItem>,
}

impl ChatContext {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `item` at the end.
    pub fn push(&mut self, item: ChatItem) {
        self.items.push(item);
    }

    /// All items, oldest first.
    pub fn items(&self) -> &[ChatItem] {
        &self.items
    }
}
