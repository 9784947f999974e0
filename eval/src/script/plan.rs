//! From a request to what is performed.

use std::time::Duration;

use super::pattern::{Captures, fill, fill_value};
use super::{Fault, Rule, Script};
use duologue_agent::chat::{ChatContent, Role};
use duologue_agent::llm::{LlmRequest, ToolCall};

/// Bytes of one token of a flooding answer.
const FLOOD_TOKEN: usize = 4096;

/// What a script sees of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    pub instructions: String,
    pub user: Option<String>,
    pub turns: usize,
    /// Results after the last other item.
    pub results: Vec<TurnResult>,
    pub words: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct TurnResult {
    pub tool: String,
    pub output: String,
}

impl Prompt {
    pub(crate) fn instructions(text: &str) -> Self {
        Self { instructions: text.to_owned(), words: text.split_whitespace().count(), ..Self::default() }
    }

    pub(crate) fn user_said(&mut self, text: &str) {
        self.user = Some(text.to_owned());
        self.turns += 1;
        self.other(text);
    }

    pub(crate) fn tool_gave(&mut self, tool: &str, output: &str) {
        self.words += output.split_whitespace().count();
        self.results.push(TurnResult { tool: tool.to_owned(), output: output.to_owned() });
    }

    pub(crate) fn other(&mut self, text: &str) {
        self.words += text.split_whitespace().count();
        self.results.clear();
    }
}

impl From<&LlmRequest> for Prompt {
    fn from(request: &LlmRequest) -> Self {
        let mut prompt = Self::instructions(&request.instructions);
        for item in &request.items {
            match &item.content {
                ChatContent::Message { role: Role::User, text, .. } => prompt.user_said(text),
                ChatContent::ToolResult { name, output, .. } => prompt.tool_gave(name, output),
                ChatContent::Message { role: Role::Assistant, text, .. } => prompt.other(text),
                ChatContent::ToolCall { arguments, .. } => prompt.other(arguments),
                // Notes and hand-offs may stand anywhere; a result stays the last that was done.
                _ => {}
            }
        }
        prompt
    }
}

/// What is performed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub ttft: Duration,
    pub interval: Duration,
    pub pieces: Vec<Piece>,
    #[cfg_attr(not(feature = "server"), allow(dead_code, reason = "told by the server"))]
    pub finish: String,
    pub fault: Option<Fault>,
    pub prompt_tokens: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Reasoning(String),
    Text(String),
    Call(ToolCall),
}

/// How often each rule has fitted, and how many calls were made.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    uses: Vec<u32>,
    calls: u64,
}

impl Script {
    pub(crate) fn plan(&self, prompt: &Prompt, progress: &mut Progress) -> Plan {
        progress.uses.resize(self.rules.len(), 0);
        let found = self.rules.iter().enumerate().find_map(|(at, rule)| {
            let used_up = rule.times.is_some_and(|times| progress.uses[at] >= times);
            if used_up { None } else { Some((at, rule, captures(rule, prompt)?)) }
        });
        let Some((at, rule, captures)) = found else {
            let asked = match prompt.results.last() {
                Some(result) => format!("the result of {}: {}", result.tool, result.output),
                None => prompt.user.clone().unwrap_or_else(|| "a request without a user's message".into()),
            };
            let rule = Rule::any().say(&format!("The script has no rule for {asked}"));
            return self.perform(&rule, &Captures::new(), prompt, progress, false);
        };
        progress.uses[at] += 1;
        let faulty = rule.fault_times.is_none_or(|times| progress.uses[at] <= times);
        self.perform(rule, &captures, prompt, progress, faulty)
    }

    fn perform(
        &self,
        rule: &Rule,
        captures: &Captures,
        prompt: &Prompt,
        progress: &mut Progress,
        faulty: bool,
    ) -> Plan {
        let pace = rule.pace.unwrap_or(self.pace);
        let mut pieces = Vec::new();
        if let Some(reasoning) = &rule.reasoning {
            pieces.extend(tokens(&fill(reasoning, captures)).into_iter().map(Piece::Reasoning));
        }
        if let Some(text) = &rule.say {
            pieces.extend(said(rule, &fill(text, captures)).into_iter().map(Piece::Text));
        }
        for call in &rule.calls {
            progress.calls += 1;
            pieces.push(Piece::Call(ToolCall {
                id: call.id.clone().unwrap_or_else(|| format!("call_{}", progress.calls)),
                name: call.name.clone(),
                arguments: match &call.raw {
                    Some(raw) => fill(raw, captures),
                    None if call.arguments.is_null() => "{}".into(),
                    None => fill_value(&call.arguments, captures).to_string(),
                },
            }));
        }
        let natural = if rule.calls.is_empty() { "stop" } else { "tool_calls" };
        Plan {
            ttft: pace.ttft(),
            interval: pace.interval(),
            pieces,
            finish: rule.finish.clone().unwrap_or_else(|| natural.to_owned()),
            fault: rule.fault.clone().filter(|_| faulty),
            prompt_tokens: prompt.words as u64,
        }
    }
}

/// What the rule's patterns capture, or `None` if it does not fit.
fn captures(rule: &Rule, prompt: &Prompt) -> Option<Captures> {
    let mut captures = Captures::new();
    let on_result = rule.tool.is_some() || rule.result.is_some();
    if on_result {
        let (result, found) = prompt.results.iter().rev().find_map(|result| {
            let named = rule.tool.as_ref().is_none_or(|tool| *tool == result.tool);
            let found = match &rule.result {
                Some(pattern) => pattern.captures(&result.output)?,
                None => Captures::new(),
            };
            named.then_some((result, found))
        })?;
        captures.extend(found);
        captures.insert("result".into(), result.output.clone());
    } else if !prompt.results.is_empty() && !rule.again {
        return None;
    }
    if let Some(pattern) = &rule.user {
        captures.extend(pattern.captures(prompt.user.as_ref()?)?);
    }
    if let Some(pattern) = &rule.instructions {
        captures.extend(pattern.captures(&prompt.instructions)?);
    }
    if rule.turn.is_some_and(|turn| turn != prompt.turns) {
        return None;
    }
    captures.insert("user".into(), prompt.user.clone().unwrap_or_default());
    captures.insert("turn".into(), prompt.turns.to_string());
    Some(captures)
}

fn said(rule: &Rule, text: &str) -> Vec<String> {
    let Some(bytes) = rule.flood_bytes else { return tokens(text) };
    let line = if text.is_empty() { "word " } else { text };
    let token = line.repeat(FLOOD_TOKEN.div_ceil(line.len()));
    vec![token; bytes.div_ceil(FLOOD_TOKEN)]
}

/// Words, each with the blanks before it.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = true;
    for c in text.chars() {
        let starts = c.is_whitespace() && in_word;
        in_word = !c.is_whitespace();
        match tokens.last_mut() {
            Some(token) if !starts => token.push(c),
            _ => tokens.push(c.to_string()),
        }
    }
    tokens
}
