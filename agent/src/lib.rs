//! What a person writes when they build an agent on Duologue: what it is told, what it may call, what
//! it remembers; and the session in which it listens and speaks.
//!
//! ```
//! use duologue_agent::llm::intents::Intents;
//! use duologue_agent::{AgentSession, SimpleAgent};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! // Rules instead of a model: `llm::openai` (feature `openai`) is for servers.
//! let rules = r#"
//!     [[intent]]
//!     name = "time"
//!     patterns = ["what time is it"]
//!     say = "It is noon."
//! "#;
//! let session = AgentSession::builder(()).llm(Intents::parse(rules, "rules.toml")?).build()?;
//! session.start_text(SimpleAgent::new("You tell the time.").greeting("Hello!")).await?;
//! assert_eq!(session.run("What time is it?").await?.text(), "It is noon.");
//! session.close().await;
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`agent`] | the [`Agent`] trait, and agents made of data |
//! | [`session`] | [`AgentSession`]: one conversation, its agent, its user's data |
//! | [`chat`] | what was said: items, context, token budget |
//! | [`llm`] | the [`Llm`](llm::Llm) trait, offline intents, OpenAI-compatible servers (feature `openai`) |
//! | [`mod@tool`] | functions a model may call, and tools of MCP servers (feature `mcp`) |
//! | [`message`] | envelopes between agent and frontends |
//! | [`task`] | agents that end with a typed result |
//! | [`store`] | history that outlives the process, in SQLite (feature `sqlite`) |
//! | [`mod@todo`] | what an agent works through, shown by frontends |
//!
//! # The run loop
//!
//! ```text
//!             user turn                                       text, as it streams
//!  pipeline ───────────▶ turn ─▶ on_user_turn ─▶ step ─▶ step … ─────────────────▶ pipeline
//!                                                │  ▲
//!                             Llm ◀── history, ──┘  └── results
//!                              │      tools             ▲
//!                              ├─ text ─▶ llm_node ─┬─▶ tts_node ─▶ turn ─▶ voice
//!                              │                    └─▶ transcription_node ─▶ frontends
//!                              └─ calls ─▶ tools ───────┘ └─▶ hand-off: the next agent enters
//! ```
//! A turn is asked for by the pipeline (the user has spoken), by [`AgentSession::user_text`] (typed), or by
//! [`AgentSession::generate_reply`]. It asks the model, runs what the model calls, gives it the results, and
//! so on until only text comes or another agent takes over. The pipeline may ask before it is certain that
//! the user has finished: the model answers at once, what it says waits in the voice, and tools with an
//! effect wait until the turn is certain; a turn that is taken back leaves nothing.
//!
//! # Tasks, threads and queues
//!
//! | who | runs on | learns by | bound |
//! |---|---|---|---|
//! | a turn's work: hooks, model, nodes | a task of the session's runtime | calls and streams | [`SessionConfig::turn_limit`] |
//! | a turn's driver, which owns the turn's state machine | a task | orders of its turn, and the pipeline's wake-ups | 64 orders |
//! | text between model, nodes and voice | in the turn's task | channels | 64 pieces each |
//! | the calls of a step | a task each | a channel of calls | 256 calls; [`SessionConfig::max_calls_per_step`] run |
//! | `on_enter`, `on_data_message` and other hooks | a task each | | [`SessionConfig::hook_limit`] |
//! | `on_transcript`, `on_overheard` | one task | a channel | 256 transcripts; more are lost |
//! | the history's store | one thread | a channel | 1,024 items; what is not kept is told |
//! | [`SessionEvents`] | whoever reads them | a broadcast | 1,024 unread events; the oldest are lost, and counted |
//! | what the session learns of the pipeline | the pipeline's conversation thread, which never waits | calls | none is kept |
//! | speeches that wait | the pipeline, which has the only queue of them | orders | 64 |
//!
//! # Who owns what
//!
//! [`AgentSession`] is a shared handle. Behind it are the user's data (one lock, for the application), the
//! current agent, and the session's core: the history, the speeches under way, what keeps the session busy,
//! the events. A turn is owned by its driver alone; everybody else sends it orders and reads where it
//! stands. Nothing waits for another by looking again and again: each wait is for a change.
//!
//! # How an event travels
//!
//! The user interrupts. The pipeline's conversation silences the agent and stops the reply; the turn's
//! driver wakes, its machine stops the turn, and the turn's work is dropped where it waits: the request to
//! the model is cancelled, tools without effect end, those with an effect go on. When the last sample is
//! known the pipeline tells what was heard; the history takes that much of the text, the store keeps it,
//! and subscribers get [`SessionEvent::SpeechFinished`] and [`SessionEvent::ItemAdded`].
//!
//! # Words we use
//!
//! | word | what |
//! |---|---|
//! | turn | the user's or the agent's move; [`tool::CommitGate`] tells whether one is certain |
//! | step | one question to the model within a turn, with the calls that it makes |
//! | speech | what the agent says of its own accord; [`SpeechHandle`] is a hand on it, [`SpeechOutcome`] its end |
//! | floor | who speaks: a turn lends it while another agent talks to the user |
//! | history | what was heard and done; [`chat::ChatContext`] is a view of it |
//! | call log | which calls ran, so that none with an effect runs twice |
//! | participant | somebody in the room, also the user ([`session::Participant`]) |
//! | transcript | what was recognised: [`session::TranscriptEvent`] in a session, [`message::TranscriptMessage`] for frontends |
//! | state | where the conversation stands ([`session::AgentState`]); a [`message::StatusState`] is what frontends are shown of it |
//! | node | an agent's own code between model and voice, or sound and recogniser |
//! | hand-off | another agent takes over for good; a [`task`] has the session for a while |
//! | effect | what a tool changes outside: it happens once, and only in a turn that is certain |
#![forbid(unsafe_code)]

// `#[tool]` writes `::duologue_agent`, also inside this crate.
extern crate self as duologue_agent;

pub mod agent;
pub mod chat;
mod error;
pub mod facade;
pub mod llm;
pub mod message;
pub mod session;
pub mod store;
pub mod task;
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
