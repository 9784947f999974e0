//! What an event of a run should be, and the words of a message, compared as people would.

use std::fmt;

use serde_json::Value;

use crate::run::RunEvent;
use duologue_agent::chat::Role;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_a_word_is_not_taken_for_the_word() {
        assert!(says("It's TEN minutes, then.", "ten minutes then"));
        assert!(!says("It's often minutes", "ten minutes"));
        assert!(says("Don’t", "don't"));
    }
}
