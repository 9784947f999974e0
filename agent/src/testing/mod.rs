//! What tests and benchmarks of an agent need: a language model that follows a [`Script`], so that
//! they need no model; assertions about a run ([`Expect`], [`Check`]); mock tools ([`MockTool`]); a
//! [`Judge`]; and [`scenario`] files, played in text or spoken.
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

mod check;
mod expect;
mod expected;
mod judge;
mod llm;
mod mock;
mod run;
pub mod scenario;
mod scenario_cast;
mod scenario_check;
mod scenario_mcp;
mod scenario_report;
mod scenario_text;
mod script;
mod server;
mod spoken;
mod spoken_room;

pub use check::{Check, Mismatch};
pub use expect::{EventExpect, Expect, MessageExpect};
pub use expected::Expected;
pub use judge::{Judge, Verdict};
pub use llm::{DEFAULT_PATIENCE, ScriptedLlm};
pub use mock::MockTool;
pub use run::RunEvent;
pub use scenario::Scenario;
pub use scenario_cast::ScenarioParts;
pub use scenario_report::{Mode, Progress, ScenarioReport, StepReport};
pub use scenario_text::{play, run_text};
pub use script::{Fault, Pace, Pattern, Quirks, ReasoningField, Rule, Script, ScriptedCall, UsageField};
pub use server::{Ending, Recorded, ScriptedServer, serve};
pub use spoken::{Stage, run_spoken};
