//! Assertions about a run: a cursor over what the agent said and did.
//!
//! [`Check`] gives a [`Mismatch`] for whatever is otherwise than expected, [`Expect`] panics with it;
//! both are one implementation. A mismatch lists all events, with a caret at the cursor.
//!
//! ```
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_agent::chat::Role;
//! use duologue_agent::testing::{Expected, Rule, Script, ScriptedLlm};
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

use std::fmt;

use serde_json::Value;

use super::judge::{Judge, Verdict};
use super::run::RunEvent;
use crate::chat::Role;
use crate::session::RunResult;

/// What an event should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Message { role: Role, words: Words },
    Call { name: String, arguments: Option<Value> },
    Output { tool: Option<String>, text: String },
    Handoff { to: String },
}

/// Words of a message, compared without regard to case and punctuation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Words {
    pub all: Vec<String>,
    pub any: Vec<String>,
    pub absent: Vec<String>,
}

impl Expected {
    /// A message of `role`, whatever it says.
    pub fn message(role: Role) -> Self {
        Self(Kind::Message { role, words: Words::default() })
    }

    pub(super) fn words(role: Role, words: Words) -> Self {
        Self(Kind::Message { role, words })
    }

    /// A message of the agent that contains these words, in this order.
    pub fn saying(text: impl Into<String>) -> Self {
        let words = Words { all: vec![text.into()], ..Words::default() };
        Self(Kind::Message { role: Role::Assistant, words })
    }

    /// A call of the tool `name`.
    pub fn call(name: impl Into<String>) -> Self {
        Self(Kind::Call { name: name.into(), arguments: None })
    }

    /// A call of the tool `name` with at least these arguments.
    pub fn call_with(name: impl Into<String>, arguments: Value) -> Self {
        Self(Kind::Call { name: name.into(), arguments: Some(arguments) })
    }

    /// A tool's result that contains `text`.
    pub fn output(text: impl Into<String>) -> Self {
        Self(Kind::Output { tool: None, text: text.into() })
    }

    /// A result of the tool `name` that contains `text`.
    pub fn output_of(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self(Kind::Output { tool: Some(name.into()), text: text.into() })
    }

    /// The agent `to` takes over.
    pub fn handoff(to: impl Into<String>) -> Self {
        Self(Kind::Handoff { to: to.into() })
    }

    /// Whether `event` is what is expected.
    pub fn fits(&self, event: &RunEvent) -> bool {
        match (&self.0, event) {
            (Kind::Message { role, words }, RunEvent::Message { role: by, text, .. }) => {
                role == by && words.fit(text)
            }
            (Kind::Call { name, arguments }, RunEvent::FunctionCall { name: called, arguments: given }) => {
                name == called && arguments.as_ref().is_none_or(|wanted| includes(given, wanted))
            }
            (Kind::Output { tool, text }, RunEvent::FunctionCallOutput { name, output, .. }) => {
                tool.as_ref().is_none_or(|tool| tool == name) && output.contains(text.as_str())
            }
            (Kind::Handoff { to }, RunEvent::AgentHandoff { to: taken, .. }) => to == taken,
            _ => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Message { role, words } => {
                let who = if *role == Role::Assistant { "the agent" } else { "the system" };
                write!(f, "a message of {who}{words}")
            }
            Kind::Call { name, arguments: None } => write!(f, "a call of {name}"),
            Kind::Call { name, arguments: Some(arguments) } => write!(f, "a call of {name} with {arguments}"),
            Kind::Output { tool, text } => {
                let of = tool.as_ref().map(|tool| format!(" of {tool}")).unwrap_or_default();
                let with = if text.is_empty() { String::new() } else { format!(" with {text:?}") };
                write!(f, "a tool's result{of}{with}")
            }
            Kind::Handoff { to } => write!(f, "a hand-off to {to}"),
        }
    }
}

impl Words {
    pub fn fit(&self, text: &str) -> bool {
        self.all.iter().all(|words| says(text, words))
            && (self.any.is_empty() || self.any.iter().any(|words| says(text, words)))
            && !self.absent.iter().any(|words| says(text, words))
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |words: &[String]| words.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>();
        let mut joint = " ";
        for (text, words, conjunction) in [
            ("with", &self.all, " and "),
            ("with any of", &self.any, ", "),
            ("without", &self.absent, " and without "),
        ] {
            if !words.is_empty() {
                write!(f, "{joint}{text} {}", list(words).join(conjunction))?;
                joint = ", ";
            }
        }
        Ok(())
    }
}

/// The words of `text`, without case and punctuation.
pub(super) fn plain_words(text: &str) -> Vec<String> {
    let keep = |c: char| c.is_alphanumeric() || c == '\'';
    text.to_lowercase()
        .replace('’', "'")
        .split(|c| !keep(c))
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether `text` contains the words of `phrase`, one after the other.
pub(super) fn says(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (plain_words(text), plain_words(phrase));
    phrase.is_empty() || text.windows(phrase.len()).any(|window| window == phrase)
}

/// Whether `given` is `wanted`, or an object with at least its fields; 1 and 1.0 are the same.
fn includes(given: &Value, wanted: &Value) -> bool {
    match (given, wanted) {
        (Value::Object(given), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| given.get(key).is_some_and(|given| includes(given, wanted)))
        }
        (Value::Array(given), Value::Array(wanted)) => {
            given.len() == wanted.len() && given.iter().zip(wanted).all(|(a, b)| includes(a, b))
        }
        (Value::Number(given), Value::Number(wanted)) => given.as_f64() == wanted.as_f64(),
        _ => given == wanted,
    }
}

/// What is otherwise than expected, with all events for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    message: String,
    listing: String,
}

impl Mismatch {
    /// The difference, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.listing)
    }
}

impl std::error::Error for Mismatch {}

/// A cursor over the events of a run; each step gives a [`Mismatch`] if it is not as expected, and
/// leaves the cursor where it was.
#[derive(Clone, Debug)]
pub struct Check {
    events: Vec<RunEvent>,
    errors: Vec<String>,
    at: usize,
}

impl Check {
    /// At the beginning of `events`; `errors` are shown along with them.
    pub fn new(events: Vec<RunEvent>, errors: Vec<String>) -> Self {
        Self { events, errors, at: 0 }
    }

    /// All events.
    pub fn events(&self) -> &[RunEvent] {
        &self.events
    }

    /// Index of the next event.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next event must be `expected`.
    ///
    /// # Errors
    /// [`Mismatch`] if it is not, or there is none.
    pub fn next(&mut self, expected: &Expected) -> Result<&RunEvent, Mismatch> {
        match self.events.get(self.at) {
            Some(event) if expected.fits(event) => {}
            Some(event) => {
                return Err(self.mismatch(&format!("expected {expected}, but came {}", kind(event))));
            }
            None => return Err(self.mismatch(&format!("expected {expected}, but nothing more came"))),
        }
        self.at += 1;
        Ok(&self.events[self.at - 1])
    }

    /// `expected` must be among the coming events; the cursor moves behind it.
    ///
    /// # Errors
    /// [`Mismatch`] if it is not.
    pub fn find(&mut self, expected: &Expected) -> Result<&RunEvent, Mismatch> {
        let Some(ahead) = self.events[self.at..].iter().position(|event| expected.fits(event)) else {
            let what = if self.at == 0 { "among the events" } else { "among the coming events" };
            return Err(self.mismatch(&format!("expected {expected} {what}, but there is none")));
        };
        self.at += ahead + 1;
        Ok(&self.events[self.at - 1])
    }

    /// Leaves out the next `count` events.
    ///
    /// # Errors
    /// [`Mismatch`] if there are fewer.
    pub fn skip(&mut self, count: usize) -> Result<(), Mismatch> {
        let left = self.events.len() - self.at;
        if left < count {
            return Err(self.mismatch(&format!("{count} events were to be left out, but {left} came")));
        }
        self.at += count;
        Ok(())
    }

    /// Nothing more may come.
    ///
    /// # Errors
    /// [`Mismatch`] if something does.
    pub fn end(&self) -> Result<(), Mismatch> {
        match self.events.get(self.at) {
            None => Ok(()),
            Some(event) => Err(self.mismatch(&format!("expected no more events, but came {}", kind(event)))),
        }
    }

    /// `message`, with the events as they are.
    pub(super) fn mismatch(&self, message: &str) -> Mismatch {
        Mismatch { message: message.to_owned(), listing: self.listing() }
    }

    /// All events, one a line, with a caret at the cursor.
    fn listing(&self) -> String {
        let mut lines = Vec::new();
        for (index, event) in self.events.iter().enumerate() {
            let caret = if index == self.at { '>' } else { ' ' };
            lines.push(format!("  {caret} {}  {event}", index + 1));
        }
        if self.at >= self.events.len() {
            lines.push("  > (no more events)".to_owned());
        }
        lines.extend(self.errors.iter().map(|error| format!("  ! {error}")));
        lines.join("\n")
    }
}

fn kind(event: &RunEvent) -> String {
    match event {
        RunEvent::Message { text, .. } => format!("a message: {text:?}"),
        RunEvent::FunctionCall { name, arguments } => format!("a call of {name} with {arguments}"),
        RunEvent::FunctionCallOutput { name, output, .. } => format!("a result of {name}: {output:?}"),
        RunEvent::AgentHandoff { to, .. } => format!("a hand-off to {to}"),
    }
}

impl RunResult {
    /// A cursor that panics at whatever is not as expected.
    pub fn expect(&self) -> Expect {
        Expect { check: self.check() }
    }

    /// A cursor that gives errors.
    pub fn check(&self) -> Check {
        Check::new(self.run_events(), self.errors())
    }
}

/// As [`Check`], for tests: it panics with the [`Mismatch`].
#[derive(Clone, Debug)]
pub struct Expect {
    check: Check,
}

impl Expect {
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
        let mut check = self.check.clone();
        check.at -= 1;
        let text = check.events[check.at].spoken().unwrap_or_default().to_owned();
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
        &self.at.events[self.at.at]
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
    use serde_json::json;

    use super::*;

    fn message(text: &str) -> RunEvent {
        RunEvent::Message { role: Role::Assistant, text: text.into(), interrupted: false }
    }

    fn timer() -> RunEvent {
        RunEvent::FunctionCall {
            name: "set_timer".into(),
            arguments: json!({ "minutes": 10.0, "name": "tea" }),
        }
    }

    #[test]
    fn a_failure_does_not_hide_what_came_and_where() {
        let mut check = Check::new(vec![timer(), message("Done.")], vec!["Llm: slow".into()]);
        check.next(&Expected::call("set_timer")).unwrap();
        let text = check.next(&Expected::handoff("billing")).unwrap_err().to_string();
        let wanted = "expected a hand-off to billing, but came a message: \"Done.\"\n    \
                      1  call         set_timer {\"minutes\":10.0,\"name\":\"tea\"}\n  \
                      > 2  message      agent: \"Done.\"\n  ! Llm: slow";
        assert_eq!(text, wanted);
        assert_eq!(check.position(), 1, "a failed look moved the cursor");
        check.next(&Expected::saying("done")).unwrap();
        assert!(check.next(&Expected::call("x")).unwrap_err().to_string().contains("> (no more events)"));
    }

    #[test]
    fn a_wrong_argument_is_not_overlooked() {
        let mut check = Check::new(vec![timer()], Vec::new());
        for wrong in [json!({ "minutes": 5 }), json!({ "hours": 10 }), json!({ "minutes": "10" }), json!(3)] {
            assert!(check.next(&Expected::call_with("set_timer", wrong)).is_err());
        }
        check.next(&Expected::call_with("set_timer", json!({ "minutes": 10 }))).unwrap();
        check.end().unwrap();
    }

    #[test]
    fn part_of_a_word_is_not_taken_for_the_word() {
        assert!(says("It's TEN minutes, then.", "ten minutes then"));
        assert!(!says("It's often minutes", "ten minutes"));
        assert!(says("Don’t", "don't"));
    }

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
