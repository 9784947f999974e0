//! OpenAI's chat-completions format: requests to prompts, plans to answers.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>; the quirks are those of servers
//! that are named at [`super::super::Quirks`].

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::script::{Fault, Piece, Plan, Prompt, Quirks, ReasoningField, Script, UsageField};
use duologue_agent::llm::ToolCall;

/// What happens next on the wire.
pub(super) enum Frame {
    Bytes { after: Duration, bytes: Vec<u8> },
    Silence,
    Close,
}

/// What a script sees of a request's body.
pub(super) fn prompt(body: &Value) -> Option<Prompt> {
    let mut prompt = Prompt::default();
    let mut tools: HashMap<&str, &str> = HashMap::new();
    for message in body["messages"].as_array()? {
        let text = content(&message["content"]);
        match message["role"].as_str()? {
            "system" | "developer" if prompt.instructions.is_empty() => prompt = Prompt::instructions(&text),
            "system" | "developer" => {}
            "user" => prompt.user_said(&text),
            "tool" => {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                prompt.tool_gave(tools.get(id).copied().unwrap_or_default(), &text);
            }
            _ => {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let name = call["function"]["name"].as_str().unwrap_or_default();
                    tools.insert(call["id"].as_str().unwrap_or_default(), name);
                }
                prompt.other(&text);
            }
        }
    }
    Some(prompt)
}

fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// A streamed answer.
pub(super) fn frames(plan: &Plan, script: &Script, include_usage: bool) -> Vec<Frame> {
    let mut writer = Writer { script, frames: Vec::new(), after: plan.ttft };
    let break_at = plan.fault.as_ref().map(|fault| fault_place(fault).min(plan.pieces.len()));
    writer.delta(json!({ "role": "assistant", "content": "" }), Duration::ZERO);
    let mut thinking = false;
    for (at, piece) in plan.pieces.iter().enumerate() {
        if break_at == Some(at) {
            return writer.broken(plan);
        }
        writer.after = if at == 0 { plan.ttft } else { plan.interval };
        let thinks =
            matches!(piece, Piece::Reasoning(_)) && script.quirks.reasoning == ReasoningField::ThinkTags;
        if thinks != thinking {
            writer.text(if thinks { "<think>" } else { "</think>" });
            thinking = thinks;
        }
        writer.piece(piece, plan);
    }
    if thinking {
        writer.text("</think>");
    }
    if break_at.is_some() {
        return writer.broken(plan);
    }
    writer.ending(plan, include_usage);
    writer.frames
}

fn fault_place(fault: &Fault) -> usize {
    match *fault {
        Fault::Stall { after_tokens }
        | Fault::Close { after_tokens }
        | Fault::MalformedJson { after_tokens }
        | Fault::MalformedStream { after_tokens } => after_tokens,
        _ => 0,
    }
}

struct Writer<'a> {
    script: &'a Script,
    frames: Vec<Frame>,
    /// How long before the next frame.
    after: Duration,
}

impl Writer<'_> {
    fn quirks(&self) -> Quirks {
        self.script.quirks
    }

    fn raw(&mut self, text: &str, after: Duration) {
        self.frames.push(Frame::Bytes { after, bytes: text.as_bytes().to_vec() });
    }

    fn data(&mut self, chunk: &Value, after: Duration) {
        if self.quirks().crlf_and_comments {
            self.raw(&format!(": still here\r\n\r\ndata:{chunk}\r\n\r\n"), after);
        } else {
            self.raw(&format!("data: {chunk}\n\n"), after);
        }
    }

    fn chunk(&mut self, choices: Value, after: Duration, usage: Option<Value>) {
        let mut chunk = json!({
            "id": "chatcmpl-script", "object": "chat.completion.chunk", "created": 0,
            "model": self.script.model, "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        } else if self.quirks().usage == UsageField::Null {
            chunk["usage"] = Value::Null;
        }
        self.data(&chunk, after);
    }

    fn delta(&mut self, delta: Value, after: Duration) {
        self.chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), after, None);
    }

    /// The wait for the next token, once.
    fn wait(&mut self) -> Duration {
        std::mem::take(&mut self.after)
    }

    /// Text, cut into fragments if it may hold think tags.
    fn text(&mut self, text: &str) {
        if self.quirks().reasoning != ReasoningField::ThinkTags {
            let after = self.wait();
            return self.delta(json!({ "content": text }), after);
        }
        for fragment in fragments(text, self.quirks().fragment_bytes) {
            let after = self.wait();
            self.delta(json!({ "content": fragment }), after);
        }
    }

    fn piece(&mut self, piece: &Piece, plan: &Plan) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Reasoning(text) => match self.quirks().reasoning {
                ReasoningField::ThinkTags => self.text(text),
                ReasoningField::Reasoning => {
                    let after = self.wait();
                    self.delta(json!({ "reasoning": text }), after);
                }
                ReasoningField::ReasoningContent => {
                    let after = self.wait();
                    self.delta(json!({ "reasoning_content": text }), after);
                }
            },
            Piece::Call(call) => {
                let calls = plan.pieces.iter().filter(|piece| matches!(piece, Piece::Call(_)));
                let index = calls.take_while(|other| *other != piece).count();
                self.call(call, index);
            }
        }
    }

    fn call(&mut self, call: &ToolCall, index: usize) {
        let quirks = self.quirks();
        let after = self.wait();
        let object = serde_json::from_str::<Value>(&call.arguments).ok().filter(Value::is_object);
        if let Some(object) = object.filter(|_| quirks.arguments_as_object) {
            return self.call_part(call_start(call, object, quirks), index, after);
        }
        self.call_part(call_start(call, json!(""), quirks), index, after);
        for fragment in fragments(&call.arguments, quirks.fragment_bytes) {
            let part = Map::from_iter([("function".to_owned(), json!({ "arguments": fragment }))]);
            self.call_part(part, index, Duration::ZERO);
        }
    }

    fn call_part(&mut self, mut part: Map<String, Value>, index: usize, after: Duration) {
        if !self.quirks().omit_call_index {
            part.insert("index".into(), json!(index));
        }
        self.delta(json!({ "tool_calls": [part] }), after);
    }

    fn ending(&mut self, plan: &Plan, include_usage: bool) {
        if self.quirks().omit_ending {
            return;
        }
        let finish = json!([{ "index": 0, "delta": {}, "finish_reason": plan.finish }]);
        self.chunk(finish, Duration::ZERO, None);
        if include_usage && self.quirks().usage == UsageField::Given {
            self.chunk(json!([]), Duration::ZERO, Some(usage(plan)));
        }
        self.raw("data: [DONE]\n\n", Duration::ZERO);
    }

    fn broken(mut self, plan: &Plan) -> Vec<Frame> {
        match plan.fault {
            Some(Fault::Stall { .. }) => self.frames.push(Frame::Silence),
            Some(Fault::MalformedJson { .. }) => {
                self.raw("data: {\"choices\": [{\"delta\"\n\n", Duration::ZERO)
            }
            Some(Fault::MalformedStream { .. }) => {
                let bytes = b"data: \xff\xfe\xfd\n\n".to_vec();
                self.frames.push(Frame::Bytes { after: Duration::ZERO, bytes });
            }
            _ => self.frames.push(Frame::Close),
        }
        self.frames
    }
}

fn call_start(call: &ToolCall, arguments: Value, quirks: Quirks) -> Map<String, Value> {
    let function = json!({ "name": call.name, "arguments": arguments });
    let mut start =
        Map::from_iter([("type".to_owned(), json!("function")), ("function".to_owned(), function)]);
    if !quirks.omit_call_ids {
        start.insert("id".into(), json!(call.id));
    }
    start
}

/// `text` in fragments of about `bytes`, cut between characters.
fn fragments(text: &str, bytes: usize) -> Vec<String> {
    let mut fragments = vec![String::new()];
    for c in text.chars() {
        match fragments.last_mut() {
            Some(last) if last.is_empty() || last.len() + c.len_utf8() <= bytes => last.push(c),
            _ => fragments.push(c.to_string()),
        }
    }
    fragments
}

fn usage(plan: &Plan) -> Value {
    let (prompt, completion) = (plan.prompt_tokens, plan.pieces.len() as u64);
    json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
}

/// A whole answer.
pub(super) fn completion(plan: &Plan, script: &Script) -> Value {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for piece in &plan.pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Reasoning(part) => reasoning.push_str(part),
            Piece::Call(call) => {
                calls.push(Value::Object(call_start(call, json!(call.arguments), script.quirks)))
            }
        }
    }
    let mut message = json!({ "role": "assistant", "content": text });
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    match script.quirks.reasoning {
        _ if reasoning.is_empty() => {}
        ReasoningField::ReasoningContent => message["reasoning_content"] = json!(reasoning),
        ReasoningField::Reasoning => message["reasoning"] = json!(reasoning),
        ReasoningField::ThinkTags => message["content"] = json!(format!("<think>{reasoning}</think>{text}")),
    }
    json!({
        "id": "chatcmpl-script", "object": "chat.completion", "created": 0, "model": script.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": plan.finish }],
        "usage": usage(plan),
    })
}
