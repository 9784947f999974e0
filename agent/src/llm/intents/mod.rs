//! An agent without a language model: intents, from a TOML file, offline and at once.
//!
//! For appliances whose few abilities can be listed. Each intent has patterns of what people say,
//! with slots; what was heard need not be exact. It leads to a tool's call or to an answer, after a
//! question for what is missing.
//!
//! ```toml
//! fallback = "I can set a timer."
//!
//! [[intent]]
//! name = "set_timer"
//! patterns = ["set [a] timer [for {length:duration}]", "{length:duration} timer"]
//! ask = { length = "For how long?" }
//! call = "set_timer"
//! arguments = { seconds = "{length}" }
//! say = "Your timer is set for {length}."
//! ```
//!
//! | key | what |
//! |---|---|
//! | `threshold` (0.65), `margin` (0.1) | how well an utterance must fit, and how much better than the next intent |
//! | `greeting`, `fallback`, `unsure`, `failed` | what is said first; when nothing fits; when two fit alike; when a tool fails |
//! | `fillers` | more words that mean nothing |
//! | `[slot.NAME]` `type`, `values` | what slots of this type take: `number`, `duration`, `time`, `text`, or one of a list with synonyms |
//! | `[[intent]]` `name`, `patterns` | notation: words, `[optional]`, `(one\|other)`, `light[s]`, `{slot}`, `{slot:type}` |
//! | … `ask` | questions for slots that it needs, in the order of the slots' names |
//! | … `call`, `arguments` | the tool; by default its arguments are the slots, by name |
//! | … `say`, `failed` | the answer, after the tool's result if there is a call: `{slot}`, `{result}`, or a field of the result |
//!
//! Of several answers, those are used whose blanks can be filled, and of these the ones with most
//! blanks, in turns. In arguments a duration is its seconds, a time "HH:MM".
//!
//! Invariant: the answer depends on the request alone. It is never empty while the user has the last
//! word.
//!
//! ```
//! use duologue_agent::llm::intents::Intents;
//!
//! let intents = Intents::parse(
//!     r#"
//!     [slot.room]
//!     values = { kitchen = [], "living room" = ["lounge"] }
//!
//!     [[intent]]
//!     name = "lights"
//!     patterns = ["(turn|switch) (on|off) [the] {room} light[s]"]
//!     say = "As you wish: {room}."
//!     "#,
//!     "intents.toml",
//! )?;
//! let understood = &intents.understand("uh turn on the lounge light please")[0];
//! assert_eq!((understood.intent.as_str(), understood.slots["room"].spoken()), ("lights", "living room".into()));
//! assert!(understood.score > 0.9);
//! # Ok::<(), duologue_agent::Error>(())
//! ```

mod clock;
mod definition;
mod dialogue;
mod matcher;
mod number;
mod pattern;
mod template;
mod value;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use uuid::Uuid;

pub use value::SlotValue;

use super::{Llm, LlmError, LlmErrorKind, LlmEvent, LlmRequest, LlmStream, ToolCall, ToolChoice};
use crate::chat::{ChatContent, ChatItem, Role};
use crate::{Error, ErrorKind};
use definition::{Compiled, Definition, Intent};
use dialogue::{Decision, Meant, Standing};
use template::{field, pick};

/// The intents of the demonstration appliance: lights, timers, the time, a joke, a story. It calls
/// `set_lights {state, room?}` → `{state, room?}`, `lit_lights` → `{rooms}`, `set_timer {seconds}`,
/// `cancel_timer` → `{seconds?}`, `timer_left` → `{seconds?}` and `tell_time` → `{time: "HH:MM"}`.
pub const APPLIANCE: &str = include_str!("appliance.toml");

/// A list of intents that answers as a language model does.
#[derive(Debug)]
pub struct Intents {
    compiled: Compiled,
}

/// What an utterance may mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// The intent's name.
    pub intent: String,
    /// How well it fits, `0.0..=1.0`.
    pub score: f64,
    /// What was found for its slots.
    pub slots: BTreeMap<String, SlotValue>,
}

impl Intents {
    /// From the text of a file called `name`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the file, the key and the remedy.
    pub fn parse(toml: &str, name: &str) -> Result<Self, Error> {
        let fault = |problem: String| Error::new(ErrorKind::Config, format!("{name}: {problem}"));
        let definition: Definition = toml::from_str(toml).map_err(|error| fault(error.to_string()))?;
        Ok(Self { compiled: definition.compile().map_err(fault)? })
    }

    /// From a file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the file, the key and the remedy.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Config, format!("{name}: cannot be read: {error}")).with_cause(error)
        })?;
        Self::parse(&text, &name)
    }

    /// What `text` may mean, the best fit first, whatever the threshold: to tune patterns by.
    pub fn understand(&self, text: &str) -> Vec<Understood> {
        let ranked = self.compiled.rank(&words::words(text)).into_iter().filter(|(_, fit)| fit.score > 0.0);
        ranked
            .map(|(at, fit)| Understood {
                intent: self.compiled.intents[at].name.clone(),
                score: fit.score,
                slots: fit.slots,
            })
            .collect()
    }

    fn answer(&self, request: &LlmRequest) -> Result<Option<LlmEvent>, LlmError> {
        let standing = self.compiled.standing(&request.items);
        let nothing = |_: &str| None;
        let say = |lines: &[String]| pick(lines, standing.turns, &nothing).map(LlmEvent::Text);
        let decision = match &standing.decision {
            Some(decision) => decision,
            None if standing.turns == 0 && request.items.is_empty() => {
                return Ok(say(&self.compiled.greeting));
            }
            None => return Ok(self.after_tool(&request.items, &standing).map(LlmEvent::Text)),
        };
        match decision {
            Decision::Fallback => Ok(say(&self.compiled.fallback)),
            Decision::Unsure => Ok(say(&self.compiled.unsure)),
            Decision::Ask(pending) => {
                let question = self.compiled.question(pending).map(LlmEvent::Text);
                Ok(question.or_else(|| say(&self.compiled.fallback)))
            }
            Decision::Act(meant) => self.act(meant, request, &standing),
        }
    }

    fn act(
        &self,
        meant: &Meant,
        request: &LlmRequest,
        standing: &Standing,
    ) -> Result<Option<LlmEvent>, LlmError> {
        let intent = &self.compiled.intents[meant.intent];
        let Some(tool) = intent.call.as_ref().filter(|_| request.tool_choice != ToolChoice::None) else {
            let fallback = || pick(&self.compiled.fallback, standing.turns, &|_| None);
            return Ok(meant.answer(intent, standing.turns).or_else(fallback).map(LlmEvent::Text));
        };
        if !request.tools.iter().any(|known| known.name == *tool) {
            let message = format!(
                "intent {:?} calls the tool {tool:?}, which the agent does not have; add it, or correct call",
                intent.name
            );
            return Err(LlmError::new(LlmErrorKind::Refused, message));
        }
        let id = format!("call_{}", Uuid::now_v7().simple());
        Ok(Some(LlmEvent::ToolCall(ToolCall { id, name: tool.clone(), arguments: meant.arguments(intent) })))
    }

    /// What is said after a tool's result.
    fn after_tool(&self, items: &[ChatItem], standing: &Standing) -> Option<String> {
        let (name, output, is_error) = items.iter().rev().find_map(|item| match &item.content {
            ChatContent::ToolResult { name, output, is_error, .. } => Some(Some((name, output, *is_error))),
            // The agent has the last word: there is nothing to answer.
            ChatContent::Message { role: Role::User | Role::Assistant, .. } => Some(None),
            _ => None,
        })??;
        let of_tool = |intent: &&Intent| intent.call.as_ref() == Some(name);
        let meant = standing.acted.as_ref();
        let intent = meant.and_then(|meant| self.compiled.intents.get(meant.intent)).filter(of_tool);
        let value = serde_json::from_str::<Value>(output).unwrap_or_else(|_| Value::String(output.clone()));
        let lookup = |blank: &str| {
            let of_slot = || meant.and_then(|meant| meant.slots.get(blank)).map(SlotValue::spoken);
            let whole = || (blank == "result" && !output.is_empty()).then(|| output.clone());
            field(&value, blank).or_else(of_slot).or_else(whole)
        };
        let lines = intent.map_or(&[][..], |intent| if is_error { &intent.failed } else { &intent.say });
        let plain = || value.as_str().filter(|text| !is_error && !text.is_empty()).map(str::to_owned);
        let default =
            || pick(&[if is_error { "Sorry, that did not work." } else { "Done." }.to_owned()], 0, &lookup);
        pick(lines, standing.turns, &lookup).or_else(plain).or_else(default)
    }
}

impl Llm for Intents {
    fn name(&self) -> &str {
        "intents"
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        stream::iter(self.answer(&request).transpose()).boxed()
    }
}
