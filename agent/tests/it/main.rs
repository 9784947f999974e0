//! Agents and sessions through their public interface, over scripted models and in simulated time.

// As a program sees the `duologue` crate; `tool_facade` says what for.
extern crate self as duologue;
pub use duologue_agent::facade as agent;

mod intents_dialogue;
mod llm_https;
mod llm_openai;
mod mcp_servers;
mod message_envelope;
mod session_audio;
mod session_barge_in;
mod session_edges;
mod session_faults;
mod session_hearing;
mod session_hooks;
mod session_rig;
mod session_text;
mod store_history;
mod store_problems;
mod store_processes;
mod todo_list;
mod tool_executor;
mod tool_facade;
mod tool_macro;
