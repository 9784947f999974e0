//! What happened in a run, as a list that tests go through.
//!
//! Invariant: the events stand in the order in which they began, whatever the order in which they
//! became history.

use std::fmt;

use duologue_agent::chat::{ChatContent, ChatItem, Role};
use duologue_agent::session::{RunResult, SessionEvent};
use serde::Serialize;
use serde_json::Value;

use crate::{Check, Expect};

/// One thing that the agent said or did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEvent {
    /// It said something.
    Message {
        /// Who; the user's own messages are no events.
        role: Role,
        /// The words that were heard.
        text: String,
        /// The user cut it off.
        interrupted: bool,
    },
    /// The model called a tool.
    FunctionCall {
        /// The tool.
        name: String,
        /// Its arguments; text that is no JSON is a string here.
        arguments: Value,
    },
    /// A tool gave a result.
    FunctionCallOutput {
        /// The tool.
        name: String,
        /// What the model was told.
        output: String,
        /// Whether it is an error.
        is_error: bool,
    },
    /// Another agent took over.
    AgentHandoff {
        /// Id of the agent before.
        from: Option<String>,
        /// Id of the agent after.
        to: String,
    },
}

impl RunEvent {
    /// `item` as an event; messages of the user or of others, and statuses, are none.
    pub fn of(item: &ChatItem) -> Option<Self> {
        Some(match &item.content {
            ChatContent::Message { role: Role::User, .. }
            | ChatContent::Overheard { .. }
            | ChatContent::Status { .. } => return None,
            ChatContent::Message { role, text, interrupted } => {
                Self::Message { role: *role, text: text.clone(), interrupted: *interrupted }
            }
            ChatContent::ToolCall { name, arguments, .. } => Self::FunctionCall {
                name: name.clone(),
                arguments: serde_json::from_str(arguments)
                    .unwrap_or_else(|_| Value::String(arguments.clone())),
            },
            ChatContent::ToolResult { name, output, is_error, .. } => {
                Self::FunctionCallOutput { name: name.clone(), output: output.clone(), is_error: *is_error }
            }
            ChatContent::Handoff { from, to } => Self::AgentHandoff { from: from.clone(), to: to.clone() },
            // What a later version of the history holds is no event either.
            _ => return None,
        })
    }

    /// What the agent said, if this is it.
    pub fn spoken(&self) -> Option<&str> {
        match self {
            Self::Message { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { role, text, interrupted } => {
                let role = match role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "agent",
                };
                write!(f, "message      {role}: {text:?}{}", if *interrupted { " (cut off)" } else { "" })
            }
            Self::FunctionCall { name, arguments } => write!(f, "call         {name} {arguments}"),
            Self::FunctionCallOutput { name, output, is_error } => {
                write!(f, "output       {name}: {output:?}{}", if *is_error { " (an error)" } else { "" })
            }
            Self::AgentHandoff { from, to } => {
                write!(f, "hand-off     {} to {to}", from.as_deref().unwrap_or("nobody"))
            }
        }
    }
}

/// The events of `items`, in the order in which they began.
pub(super) fn events_of<'a>(items: impl IntoIterator<Item = &'a ChatItem>) -> Vec<RunEvent> {
    let mut items: Vec<&ChatItem> = items.into_iter().collect();
    items.sort_by(|a, b| a.id.cmp(&b.id));
    items.into_iter().filter_map(RunEvent::of).collect()
}

/// What failed meanwhile.
pub(super) fn errors_of<'a>(events: impl IntoIterator<Item = &'a SessionEvent>) -> Vec<String> {
    let error = |event: &SessionEvent| match event {
        SessionEvent::Error { kind, message } => Some(format!("{kind:?}: {message}")),
        _ => None,
    };
    events.into_iter().filter_map(error).collect()
}

/// What a test asks of a [`RunResult`].
pub trait RunAssertions {
    /// What the agent said and did, in order.
    fn run_events(&self) -> Vec<RunEvent>;

    /// What failed meanwhile, for people.
    fn errors(&self) -> Vec<String>;

    /// A cursor that gives errors.
    fn check(&self) -> Check {
        Check::new(self.run_events(), self.errors())
    }

    /// A cursor that panics at whatever is not as expected.
    fn expect(&self) -> Expect {
        Expect::new(self.check())
    }
}

impl RunAssertions for RunResult {
    fn run_events(&self) -> Vec<RunEvent> {
        events_of(self.items())
    }

    fn errors(&self) -> Vec<String> {
        errors_of(&self.events)
    }
}

#[cfg(test)]
pub(super) mod samples {
    use serde_json::json;

    use super::*;

    /// The agent has said `text` to its end.
    pub fn message(text: &str) -> RunEvent {
        RunEvent::Message { role: Role::Assistant, text: text.into(), interrupted: false }
    }

    /// A timer of ten minutes was set.
    pub fn timer() -> RunEvent {
        let arguments = json!({ "minutes": 10.0, "name": "tea" });
        RunEvent::FunctionCall { name: "set_timer".into(), arguments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_a_call_does_not_stand_after_it() {
        let said = ChatItem::new(
            "a",
            ChatContent::Message { role: Role::Assistant, text: "Wait.".into(), interrupted: false },
        );
        let call = ChatItem::new(
            "a",
            ChatContent::ToolCall { call_id: "1".into(), name: "look".into(), arguments: "{oops".into() },
        );
        let user = ChatItem::new(
            "a",
            ChatContent::Message { role: Role::User, text: "Look.".into(), interrupted: false },
        );
        let events = events_of([&call, &said, &user]);
        assert_eq!(events.len(), 2);
        assert_eq!(events[0].spoken(), Some("Wait."));
        assert_eq!(events[1].to_string(), "call         look \"{oops\"");
    }
}
