//! What tests and benchmarks of an agent need, so that they need no model: a language model that
//! follows a [`Script`].
//!
//! Two players perform the same script: [`ScriptedLlm`] in process (on tokio's clock, paused or not)
//! and [`ScriptedServer`] over real HTTP, as an OpenAI-compatible server that behaves as badly as the
//! script says. Invariant: the same script and the same requests give the same answers.
//!
//! ```
//! use duologue_agent::testing::{Rule, Script, ScriptedLlm};
//! use serde_json::json;
//!
//! let script = Script::new()
//!     .rule(Rule::user("* weather in {city}").call("get_weather", json!({ "city": "{city}" })))
//!     .rule(Rule::result_of("get_weather").say("They say {result}."));
//! let llm = ScriptedLlm::new(script);
//! assert!(llm.requests().is_empty());
//! ```

mod llm;
mod script;
mod server;

pub use llm::{DEFAULT_PATIENCE, ScriptedLlm};
pub use script::{Fault, Pace, Pattern, Quirks, ReasoningField, Rule, Script, ScriptedCall, UsageField};
pub use server::{Ending, Recorded, ScriptedServer, serve};
