//! Chunks of one answer, assembled into [`LlmEvent`]s.
//!
//! Invariant: a call comes out once, complete, with an id and a name, after all its fragments, and as
//! soon as the next one begins, if it is known to be whole by then; text
//! and reasoning come out in the order they came, as soon as they are known to be which.

use serde::de::IgnoredAny;
use serde_json::Value;
use uuid::Uuid;

use super::chunk::{CallPart, Chunk, Delta};
use super::think::{Part, ThinkFilter};
use crate::llm::{LlmErrorKind, LlmEvent, ToolCall, Usage};

/// Why an answer cannot be assembled further.
pub(super) type Problem = (LlmErrorKind, String);

#[derive(Debug)]
pub(super) struct Assembly {
    think: ThinkFilter,
    calls: Vec<Slot>,
    bytes: usize,
    max_bytes: usize,
    answered: bool,
    finish: Option<String>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Slot {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// It was complete, and has come out.
    given: bool,
}

impl Slot {
    fn is_complete(&self) -> bool {
        !self.name.is_empty() && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }

    fn call(&mut self) -> ToolCall {
        self.given = true;
        let id = match self.id.is_empty() {
            true => format!("call_{}", Uuid::now_v7().simple()),
            false => self.id.clone(),
        };
        let arguments = if self.arguments.trim().is_empty() { "{}".into() } else { self.arguments.clone() };
        ToolCall { id, name: self.name.clone(), arguments }
    }
}

impl Assembly {
    pub(super) fn new(max_bytes: usize, begins_thinking: bool) -> Self {
        Self {
            think: ThinkFilter::new(begins_thinking),
            calls: Vec::new(),
            bytes: 0,
            max_bytes,
            answered: false,
            finish: None,
            usage: None,
        }
    }

    /// Whether any token has come.
    pub(super) fn has_begun(&self) -> bool {
        self.bytes > 0
    }

    /// Whether the server has said that it is done; only numbers may follow.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// What `chunk` adds.
    pub(super) fn push(&mut self, chunk: Value) -> Result<Vec<LlmEvent>, Problem> {
        let chunk: Chunk = serde_json::from_value(chunk).map_err(|error| {
            (LlmErrorKind::Malformed, format!("a chunk of the answer is not as it should be: {error}"))
        })?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err((
                LlmErrorKind::Server,
                format!("the server failed while it answered: {}", told(&error)),
            ));
        }
        if let Some(usage) = chunk.usage {
            let (prompt_tokens, completion_tokens) = (usage.prompt_tokens, usage.completion_tokens);
            self.usage = Some(Usage { prompt_tokens, completion_tokens });
        }
        let mut events = Vec::new();
        for choice in chunk.choices {
            if choice.index.is_some_and(|index| index > 0) {
                continue;
            }
            if let Some(delta) = choice.delta {
                self.add(delta, &mut events)?;
            }
            if let Some(reason) = choice.finish_reason.filter(|_| self.finish.is_none()) {
                self.finish = Some(reason);
                self.complete(&mut events)?;
            }
        }
        Ok(events)
    }

    /// What remains at the end of the stream.
    pub(super) fn end(&mut self) -> Result<Vec<LlmEvent>, Problem> {
        let mut events = Vec::new();
        if self.finish.is_none() {
            let broken = self
                .calls
                .iter()
                .any(|call| !call.given && serde_json::from_str::<Value>(&call.arguments).is_err());
            if !self.has_begun() || (broken && self.calls.iter().any(|call| !call.arguments.is_empty())) {
                return Err((LlmErrorKind::Server, "the answer broke off; try again".into()));
            }
            self.complete(&mut events)?;
        }
        if let Some(usage) = self.usage.take() {
            events.push(LlmEvent::Usage(usage));
        }
        Ok(events)
    }

    fn add(&mut self, delta: Delta, events: &mut Vec<LlmEvent>) -> Result<(), Problem> {
        let reasoning = delta.reasoning_content.or(delta.reasoning).filter(|text| !text.is_empty());
        if let Some(text) = reasoning {
            self.count(text.len())?;
            events.push(LlmEvent::Reasoning(text));
        }
        for text in [delta.content, delta.refusal].into_iter().flatten() {
            self.count(text.len())?;
            let parts = self.think.push(&text);
            self.give(parts, events);
        }
        for part in delta.tool_calls {
            self.add_call(part, events)?;
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.max_bytes {
            let limit = self.max_bytes;
            return Err((
                LlmErrorKind::TooLong,
                format!("the answer is longer than {limit} bytes; lower max_tokens or raise max_bytes"),
            ));
        }
        Ok(())
    }

    fn give(&mut self, parts: Vec<Part>, events: &mut Vec<LlmEvent>) {
        for part in parts {
            events.push(match part {
                Part::Reasoning(text) => LlmEvent::Reasoning(text),
                Part::Text(text) => {
                    self.answered = true;
                    LlmEvent::Text(text)
                }
            });
        }
    }

    fn add_call(&mut self, part: CallPart, events: &mut Vec<LlmEvent>) -> Result<(), Problem> {
        let id = part.id.unwrap_or_default();
        let name = part.function.name.unwrap_or_default();
        let arguments = match part.function.arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(fragment)) => fragment,
            Some(whole) => whole.to_string(),
        };
        // One more than what came: calls without a byte must not be without number.
        self.count(1 + id.len() + name.len() + arguments.len())?;
        let at = match self.slot(part.index, &id, &name) {
            Some(at) => at,
            None => {
                let slot = Slot {
                    index: part.index,
                    id: String::new(),
                    name: String::new(),
                    arguments: String::new(),
                    given: false,
                };
                self.give_complete(events);
                self.calls.push(slot);
                self.calls.len() - 1
            }
        };
        let slot = &mut self.calls[at];
        if slot.given {
            // A call that was complete can only get blanks.
            return Ok(());
        }
        if slot.id.is_empty() {
            slot.id = id;
        }
        if slot.name.is_empty() {
            slot.name = name;
        }
        slot.arguments.push_str(&arguments);
        Ok(())
    }

    /// The call that a fragment belongs to; none, if it begins another.
    fn slot(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let same_id = |slot: &Slot| id.is_empty() || slot.id.is_empty() || slot.id == id;
        match index {
            // Some servers number all calls 0 and tell them apart by id.
            Some(_) => {
                self.calls.iter().rposition(|slot| slot.index == index).filter(|&at| same_id(&self.calls[at]))
            }
            None if !id.is_empty() => self.calls.iter().rposition(|slot| slot.id == id),
            None if !name.is_empty() => None,
            None => self.calls.len().checked_sub(1),
        }
    }

    /// Another call begins: gives those before it that are complete, as far as none before them is not.
    /// Some servers write calls side by side; a piece of JSON tells which are whole.
    fn give_complete(&mut self, events: &mut Vec<LlmEvent>) {
        let waiting = self.calls.iter_mut().filter(|call| !call.given);
        events.extend(
            waiting.take_while(|call| call.is_complete()).map(|call| LlmEvent::ToolCall(call.call())),
        );
    }

    /// Gives what was held back, and the calls.
    fn complete(&mut self, events: &mut Vec<LlmEvent>) -> Result<(), Problem> {
        let parts = self.think.finish();
        self.give(parts, events);
        let calls = std::mem::take(&mut self.calls);
        if self.finish.as_deref() == Some("content_filter") && !self.answered && calls.is_empty() {
            return Err((LlmErrorKind::Refused, "the server's content filter withheld the answer".into()));
        }
        if self.finish.as_deref() == Some("length") {
            tracing::warn!(
                "the answer was cut at its token limit; raise max_tokens or the server's context size"
            );
        }
        for mut call in calls.into_iter().filter(|call| !call.given) {
            if call.name.is_empty() {
                return Err((LlmErrorKind::Malformed, "the answer holds a tool call without a name".into()));
            }
            events.push(LlmEvent::ToolCall(call.call()));
        }
        Ok(())
    }
}

/// What an error object of a server says.
pub(super) fn told(error: &Value) -> String {
    match error.get("message").unwrap_or(error) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
