//! What tests and benchmarks of an agent need, so that they need no model, no sound card and no luck.
//!
//! | part | what |
//! |---|---|
//! | [`Script`] | what a language model is to answer, and how badly |
//! | [`ScriptedLlm`], [`ScriptedServer`] | play a script in process, and over HTTP (feature `server`) |
//! | [`RunAssertions`], [`Expect`], [`Check`] | assertions about a run |
//! | [`MockTools`] | other bodies for an agent's tools |
//! | [`Judge`] | a model that says whether a message meets an intent |
//! | [`scenario`] | conversations in files, played in text or spoken |
//! | [`SimulatedSession`] | a session with sound, in simulated time |
//!
//! [`ScriptedLlm`] runs on tokio's clock, paused or not; [`ScriptedServer`] is an OpenAI-compatible
//! server that behaves as badly as the script says. Invariant: the same script and the same requests
//! give the same answers.
//!
//! ```
//! use duologue_eval::{Rule, Script, ScriptedLlm};
//! use serde_json::json;
//!
//! let script = Script::new()
//!     .rule(Rule::user("* weather in {city}").call("get_weather", json!({ "city": "{city}" })))
//!     .rule(Rule::result_of("get_weather").say("They say {result}."));
//! let llm = ScriptedLlm::new(script);
//! assert!(llm.requests().is_empty());
//! ```
#![forbid(unsafe_code)]

mod check;
mod expect;
mod expected;
mod judge;
mod llm;
mod mocks;
mod run;
pub mod scenario;
mod script;
#[cfg(feature = "server")]
mod server;
mod simulated;

pub use check::{Check, Mismatch};
pub use expect::{EventExpect, Expect, MessageExpect};
pub use expected::Expected;
pub use judge::{Judge, Verdict};
pub use llm::{DEFAULT_PATIENCE, ScriptedLlm};
pub use mocks::{MockTool, MockTools};
pub use run::{RunAssertions, RunEvent};
pub use scenario::{
    Mode, Progress, Scenario, ScenarioParts, ScenarioReport, Stage, StepReport, play, run_spoken, run_text,
};
pub use script::{Fault, Pace, Pattern, Quirks, ReasoningField, Rule, Script, ScriptedCall, UsageField};
#[cfg(feature = "server")]
pub use server::{Ending, Recorded, ScriptedServer, serve};
pub use simulated::SimulatedSession;
