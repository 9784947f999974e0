//! A request as the server's JSON.
//!
//! Chat templates of local models are strict, and a refused request is a lost turn. So, whatever the
//! conversation holds: notes after the beginning come as the user's words, neighbours of one role
//! are joined, and every call is followed by exactly one result.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::OpenAiConfig;
use crate::chat::{ChatContent, ChatItem, Role};
use crate::llm::{LlmRequest, ToolChoice};

/// What the model is told of a call that was stopped before it had a result.
const NO_RESULT: &str = "The call was stopped; there is no result.";

pub(super) fn body(request: &LlmRequest, config: &OpenAiConfig) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(config.model));
    body.insert("messages".into(), Value::Array(messages(request)));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({ "include_usage": true }));
    if let Some(temperature) = config.temperature {
        body.insert("temperature".into(), json!(temperature));
    }
    if let Some(tokens) = config.max_tokens {
        // OpenAI's newer models refuse the name that all others know.
        let openai = config.base().starts_with("https://api.openai.com/");
        body.insert(if openai { "max_completion_tokens" } else { "max_tokens" }.into(), json!(tokens));
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), tools(request));
        if let Some(choice) = tool_choice(&request.tool_choice) {
            body.insert("tool_choice".into(), choice);
        }
    }
    if let Some(schema) = &request.response_schema {
        let mut format = json!({ "name": "answer", "schema": schema });
        if is_closed(schema) {
            format["strict"] = json!(true);
        }
        body.insert("response_format".into(), json!({ "type": "json_schema", "json_schema": format }));
    }
    body.extend(config.extra.clone());
    Value::Object(body)
}

fn tools(request: &LlmRequest) -> Value {
    request
        .tools
        .iter()
        .map(|tool| {
            json!({ "type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters } })
        })
        .collect()
}

fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!("none")),
        ToolChoice::Required => Some(json!("required")),
        ToolChoice::Named(name) => Some(json!({ "type": "function", "function": { "name": name } })),
    }
}

/// Whether OpenAI takes the schema as strict: every object names all its fields and no others.
fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let closed = match fields.get("properties").and_then(Value::as_object) {
                None => true,
                Some(properties) => {
                    let required = fields.get("required").and_then(Value::as_array);
                    fields.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(|key| required.is_some_and(|all| all.contains(&json!(key))))
                }
            };
            closed && fields.values().all(is_closed)
        }
        Value::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}

fn messages(request: &LlmRequest) -> Vec<Value> {
    let mut instructions = request.instructions.clone();
    let notes = request.items.iter().take_while(|item| note(item).is_some()).count();
    for text in request.items[..notes].iter().filter_map(note) {
        instructions.push_str(if instructions.is_empty() { "" } else { "\n\n" });
        instructions.push_str(text);
    }
    let mut messages = Messages { list: Vec::new(), results: results(&request.items), answered: false };
    if !instructions.is_empty() {
        messages.list.push(json!({ "role": "system", "content": instructions }));
    }
    for item in &request.items[notes..] {
        messages.add(item);
    }
    messages.finish()
}

fn note(item: &ChatItem) -> Option<&str> {
    match &item.content {
        ChatContent::Message { role: Role::System, text, .. } => Some(text),
        _ => None,
    }
}

fn results(items: &[ChatItem]) -> HashMap<&str, &str> {
    let results = items.iter().filter_map(|item| match &item.content {
        ChatContent::ToolResult { call_id, output, .. } => Some((call_id.as_str(), output.as_str())),
        _ => None,
    });
    results.collect()
}

struct Messages<'a> {
    list: Vec<Value>,
    results: HashMap<&'a str, &'a str>,
    /// A result came after the last call: the next call is of a later answer.
    answered: bool,
}

impl<'a> Messages<'a> {
    fn add(&mut self, item: &'a ChatItem) {
        match &item.content {
            ChatContent::Message { text, .. } if text.trim().is_empty() => {}
            ChatContent::Message { role: Role::User, text, .. } => self.say("user", text),
            ChatContent::Message { role: Role::Assistant, text, .. } => self.say("assistant", text),
            ChatContent::Message { role: Role::System, text, .. } => {
                self.say("user", &format!("(Note: {text})"))
            }
            ChatContent::Overheard { speaker, name, text } => {
                let name = if name.is_empty() { speaker } else { name };
                self.say("user", &format!("({name}, also in the room: {text})"));
            }
            ChatContent::ToolCall { call_id, name, arguments } => self.call(call_id, name, arguments),
            // It stands behind its call, wherever it came.
            ChatContent::ToolResult { .. } => self.answered = true,
            // Hand-offs and statuses are not for the model.
            _ => {}
        }
    }

    fn say(&mut self, role: &str, text: &str) {
        match self.list.last_mut() {
            Some(last) if last["role"] == role && last.get("tool_calls").is_none() => {
                let joined = format!("{}\n{text}", last["content"].as_str().unwrap_or_default());
                last["content"] = json!(joined);
            }
            _ => self.list.push(json!({ "role": role, "content": text })),
        }
    }

    /// One more call of the assistant's message; calls that follow each other share it.
    fn call(&mut self, id: &str, name: &str, arguments: &str) {
        let valid = serde_json::from_str::<Map<String, Value>>(arguments).is_ok();
        // What is no JSON object breaks many chat templates; its result tells what was wrong.
        let arguments = if valid { arguments } else { "{}" };
        let call =
            json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
        let answered = std::mem::take(&mut self.answered);
        let joins = self.list.last().is_some_and(|last| {
            last["role"] == "assistant" && !(answered && last.get("tool_calls").is_some())
        });
        if !joins {
            self.list.push(json!({ "role": "assistant", "content": null }));
        }
        let Some(last) = self.list.last_mut() else { return };
        match last.get_mut("tool_calls").and_then(Value::as_array_mut) {
            Some(calls) => calls.push(call),
            None => last["tool_calls"] = json!([call]),
        }
    }

    fn finish(self) -> Vec<Value> {
        let mut list = Vec::with_capacity(self.list.len());
        for message in self.list {
            let ids: Vec<String> = message["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|call| call["id"].as_str().map(str::to_owned))
                .collect();
            list.push(message);
            for id in ids {
                let output = self.results.get(id.as_str()).copied().unwrap_or(NO_RESULT);
                list.push(json!({ "role": "tool", "tool_call_id": id, "content": output }));
            }
        }
        list
    }
}
