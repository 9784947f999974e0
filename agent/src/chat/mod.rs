//! What was said and done: [`ChatItem`]s in a [`ChatContext`].
//!
//! Invariant: an agent's message holds only what the user heard of it; a tool's result follows its
//! call.

mod context;
mod item;

pub use context::{ChatContext, estimate_tokens};
pub use item::{ChatContent, ChatItem, Role};
