//! What a person writes when they build an agent on Duologue.
//!
//! ```text
//!              user turn                     text, as it streams
//!  pipeline ────────────▶ AgentSession ─────────────────────────▶ pipeline
//!                          │   ▲   ▲
//!             current Agent│   │   │tool results, hand-offs
//!                          ▼   │   │
//!            instructions, │  Llm  Tools
//!            tools, hooks  └──▶┴───┘
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`agent`] | the [`Agent`] trait, and agents made of data |
//! | [`session`] | [`AgentSession`]: one conversation, its agent, its user's data |
//! | [`chat`] | what was said: items, context, token budget |
//! | [`llm`] | the [`Llm`](llm::Llm) trait, OpenAI-compatible servers, offline intents |
//! | [`mod@tool`] | functions a model may call |
//! | [`message`] | envelopes between agent and frontends |
//! | [`task`] | agents that end with a typed result |
//! | [`store`] | history that outlives the process |
//! | [`orchestration`] | who answers, how far a request is, when a person takes over |
//! | [`mod@todo`] | what an agent works through, shown by frontends |
//! | `testing` | a scripted model, in process and over HTTP (feature `testing`) |
#![forbid(unsafe_code)]

// `#[tool]` writes `::duologue_agent`, also inside this crate.
extern crate self as duologue_agent;

pub mod agent;
pub mod chat;
mod error;
pub mod facade;
pub mod llm;
pub mod message;
pub mod orchestration;
pub mod session;
pub mod store;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(any(feature = "mcp", feature = "openai"))]
mod tls;
pub mod todo;
pub mod tool;

pub use agent::{Agent, Carry, Handoff, Overrides, SimpleAgent, TurnDecision};
pub use duologue_agent_macros::tool;
pub use error::{Error, ErrorKind};
pub use session::{
    AgentSession, RunResult, SessionConfig, SessionEvent, SessionEvents, SpeechHandle, SpeechOutcome,
};
