//! A cursor over the events of a run that gives errors, for people to read.

use std::fmt;

use crate::expected::Expected;
use crate::run::RunEvent;

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

    /// The next event.
    pub(super) fn event(&self) -> Option<&RunEvent> {
        self.events.get(self.at)
    }

    /// The cursor one event earlier.
    pub(super) fn stepped_back(&self) -> Self {
        Self { at: self.at.saturating_sub(1), ..self.clone() }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::run::samples::{message, timer};

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
}
