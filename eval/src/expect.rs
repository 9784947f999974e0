//! Assertions about a run: a cursor over what the agent said and did.
//!
//! [`Check`] gives a [`Mismatch`] for whatever is otherwise than expected, [`Expect`] panics with it;
//! both are one implementation. A mismatch lists all events, with a caret at the cursor.
//!
//! ```
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_agent::chat::Role;
//! use duologue_eval::{Expected, Rule, RunAssertions, Script, ScriptedLlm};
//! use duologue_agent::tool::FnTool;
//! use serde_json::json;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let script = Script::new()
//!     .rule(Rule::user("* weather in {city}").call("get_weather", json!({ "city": "{city}" })))
//!     .rule(Rule::result_of("get_weather").say("It is {result}."));
//! let weather = FnTool::with_schema("get_weather", "Tells the weather.", json!({ "type": "object" }), |_, _| async {
//!     "sunny"
//! });
//! let session = AgentSession::builder(()).llm(ScriptedLlm::new(script)).build()?;
//! session.start_text(SimpleAgent::new("You tell the weather.").tool(weather)).await?;
//!
//! let run = session.run("What's the weather in Porto?").await?;
//! let mut expect = run.expect();
//! expect.next_event().is_function_call("get_weather", json!({ "city": "Porto" }));
//! expect.next_event().is_function_call_output("sunny");
//! expect.next_event().is_message(Role::Assistant).contains("sunny");
//! expect.no_more_events();
//!
//! let mismatch = run.check().next(&Expected::handoff("billing")).unwrap_err();
//! assert!(mismatch.to_string().contains("> 1  call         get_weather"), "{mismatch}");
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```

use serde_json::Value;

use crate::check::{Check, Mismatch};
use crate::expected::{Expected, says};
use crate::judge::{Judge, Verdict};
use crate::run::RunEvent;
use duologue_agent::chat::Role;

/// As [`Check`], for tests: it panics with the [`Mismatch`].
#[derive(Clone, Debug)]
pub struct Expect {
    check: Check,
}

impl Expect {
    pub(crate) fn new(check: Check) -> Self {
        Self { check }
    }

    /// The next event, to be looked at; panics if there is none.
    #[track_caller]
    pub fn next_event(&mut self) -> EventExpect<'_> {
        let at = self.check.clone();
        held(self.check.skip(1).map_err(|_| at.mismatch("expected one more event, but nothing more came")));
        EventExpect { expect: self, at }
    }

    /// Leaves out the next `count` events; panics if there are fewer.
    #[track_caller]
    pub fn skip_next(&mut self, count: usize) -> &mut Self {
        held(self.check.skip(count));
        self
    }

    /// Panics if there are more events.
    #[track_caller]
    pub fn no_more_events(&self) {
        held(self.check.end());
    }

    /// Moves behind the next message of `role`; panics if there is none.
    #[track_caller]
    pub fn contains_message(&mut self, role: Role) -> MessageExpect {
        self.find(&Expected::message(role));
        self.said()
    }

    /// Moves behind the next call of `name` with at least `arguments` (null for any); panics if there
    /// is none.
    #[track_caller]
    pub fn contains_function_call(&mut self, name: &str, arguments: impl Into<Value>) -> &mut Self {
        self.find(&call(name, arguments.into()))
    }

    /// Moves behind the next result that contains `text`; panics if there is none.
    #[track_caller]
    pub fn contains_function_call_output(&mut self, text: &str) -> &mut Self {
        self.find(&Expected::output(text))
    }

    /// Moves behind the hand-off to `agent`; panics if there is none.
    #[track_caller]
    pub fn contains_agent_handoff(&mut self, agent: &str) -> &mut Self {
        self.find(&Expected::handoff(agent))
    }

    #[track_caller]
    fn find(&mut self, expected: &Expected) -> &mut Self {
        held(self.check.find(expected).map(|_| ()));
        self
    }

    /// The message before the cursor.
    fn said(&self) -> MessageExpect {
        let check = self.check.stepped_back();
        let text = check.event().and_then(RunEvent::spoken).unwrap_or_default().to_owned();
        MessageExpect { text, check }
    }
}

/// One event of a run, to be looked at.
#[must_use = "says nothing about the event by itself"]
pub struct EventExpect<'a> {
    expect: &'a mut Expect,
    /// The cursor at the event.
    at: Check,
}

impl EventExpect<'_> {
    /// Panics unless it is a message of `role`.
    #[track_caller]
    pub fn is_message(mut self, role: Role) -> MessageExpect {
        self.is(&Expected::message(role));
        self.expect.said()
    }

    /// Panics unless it is a call of `name` with at least `arguments` (null for any).
    #[track_caller]
    pub fn is_function_call(mut self, name: &str, arguments: impl Into<Value>) {
        self.is(&call(name, arguments.into()));
    }

    /// Panics unless it is a tool's result that contains `text`.
    #[track_caller]
    pub fn is_function_call_output(mut self, text: &str) {
        self.is(&Expected::output(text));
    }

    /// Panics unless `agent` takes over.
    #[track_caller]
    pub fn is_agent_handoff(mut self, agent: &str) {
        self.is(&Expected::handoff(agent));
    }

    /// The event itself.
    pub fn event(&self) -> &RunEvent {
        self.at.event().expect("invariant: the cursor is at an event")
    }

    #[track_caller]
    fn is(&mut self, expected: &Expected) {
        held(self.at.next(expected).map(|_| ()));
    }
}

/// A message, to be looked at.
pub struct MessageExpect {
    text: String,
    /// The cursor at the message.
    check: Check,
}

impl MessageExpect {
    /// The words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Panics unless these words are in it, whatever their case.
    #[track_caller]
    pub fn contains(self, words: &str) -> Self {
        self.holds(says(&self.text, words), &format!("expected a message with {words:?}"));
        self
    }

    /// Panics if these words are in it.
    #[track_caller]
    pub fn lacks(self, words: &str) -> Self {
        self.holds(!says(&self.text, words), &format!("expected a message without {words:?}"));
        self
    }

    /// Panics unless `judge` finds that it meets `intent`.
    pub async fn judged_by(self, judge: &Judge, intent: &str) -> Self {
        let Verdict { pass, reason } = match judge.judge(&self.text, intent).await {
            Ok(verdict) => verdict,
            Err(error) => panic!("{}", self.check.mismatch(&format!("the judge gave no verdict: {error}"))),
        };
        self.holds(pass, &format!("the message does not meet {intent:?}: {reason}"));
        self
    }

    #[track_caller]
    fn holds(&self, holds: bool, message: &str) {
        held(if holds { Ok(()) } else { Err(self.check.mismatch(message)) });
    }
}

fn call(name: &str, arguments: Value) -> Expected {
    if arguments.is_null() { Expected::call(name) } else { Expected::call_with(name, arguments) }
}

#[track_caller]
fn held(outcome: Result<(), Mismatch>) {
    if let Err(mismatch) = outcome {
        panic!("{mismatch}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::samples::{message, timer};

    #[test]
    #[should_panic(expected = "expected no more events, but came a message")]
    fn an_unexpected_event_does_not_pass() {
        let check = Check::new(vec![message("One more thing.")], Vec::new());
        Expect { check }.no_more_events();
    }

    #[test]
    #[should_panic(expected = "expected a message without \"sorry\"")]
    fn a_forbidden_word_does_not_pass() {
        let mut expect = Expect { check: Check::new(vec![message("So sorry.")], Vec::new()) };
        let _ = expect.next_event().is_message(Role::Assistant).contains("so").lacks("sorry");
    }

    #[test]
    fn what_lies_between_does_not_hide_what_is_looked_for() {
        let check = Check::new(vec![message("Wait."), timer(), message("Done.")], Vec::new());
        let mut expect = Expect { check };
        expect.contains_function_call("set_timer", Value::Null);
        let _ = expect.contains_message(Role::Assistant).contains("done");
        expect.no_more_events();
        assert!(expect.check.find(&Expected::call("set_timer")).is_err(), "found what was passed");
    }
}
