//! This crate as the `duologue` crate re-exports it, under the name `agent`: the same, with a
//! [`macro@tool`] that needs no dependency on `duologue_agent`.
//!
//! What `#[tool]` writes must name this crate by a path that resolves where it is used, and a macro
//! cannot know by which path it was reached. So there are two, and each is where its path is right.
//! A re-export elsewhere says `#[tool(crate = its::path)]`.

pub use crate::*;
#[doc(inline)]
pub use duologue_agent_macros::facade_tool as tool;
