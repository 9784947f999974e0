//! Scripts written in Rust.

use std::time::Duration;

use serde_json::Value;

use super::{Fault, Pace, Pattern, Quirks, Rule, Script, ScriptedCall};

impl Script {
    /// Without rules: every answer says so.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that always says `text`.
    pub fn saying(text: &str) -> Self {
        Self::new().rule(Rule::any().say(text))
    }

    /// With one more rule, tried after the others.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// This fast.
    #[must_use]
    pub fn pace(mut self, ttft: Duration, tokens_per_second: f64) -> Self {
        self.pace = pace(ttft, tokens_per_second);
        self
    }

    /// Written like this by the server.
    #[must_use]
    pub fn quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// The server demands this key.
    #[must_use]
    pub fn api_key(mut self, key: &str) -> Self {
        self.api_key = Some(key.to_owned());
        self
    }
}

fn pace(ttft: Duration, tokens_per_second: f64) -> Pace {
    Pace { ttft_ms: u64::try_from(ttft.as_millis()).unwrap_or(u64::MAX), tokens_per_second }
}

impl Rule {
    /// Fits whenever no tool's result came last.
    pub fn any() -> Self {
        Self::default()
    }

    /// Fits such a last message of the user.
    pub fn user(pattern: impl Into<Pattern>) -> Self {
        Self { user: Some(pattern.into()), ..Self::default() }
    }

    /// Fits when this tool has just given a result.
    pub fn result_of(tool: &str) -> Self {
        Self { tool: Some(tool.to_owned()), ..Self::default() }
    }

    /// Only for such a result of a tool.
    #[must_use]
    pub fn result(mut self, pattern: impl Into<Pattern>) -> Self {
        self.result = Some(pattern.into());
        self
    }

    /// Only under such instructions.
    #[must_use]
    pub fn instructions(mut self, pattern: impl Into<Pattern>) -> Self {
        self.instructions = Some(pattern.into());
        self
    }

    /// Only with so many messages of the user.
    #[must_use]
    pub fn turn(mut self, turn: usize) -> Self {
        self.turn = Some(turn);
        self
    }

    /// Only for so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// After a tool's result, too.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Says `text`.
    #[must_use]
    pub fn say(mut self, text: &str) -> Self {
        self.say = Some(text.to_owned());
        self
    }

    /// Thinks `text` first.
    #[must_use]
    pub fn reasoning(mut self, text: &str) -> Self {
        self.reasoning = Some(text.to_owned());
        self
    }

    /// Calls `tool`.
    #[must_use]
    pub fn call(mut self, tool: &str, arguments: Value) -> Self {
        self.calls.push(ScriptedCall { name: tool.to_owned(), arguments, ..ScriptedCall::default() });
        self
    }

    /// Calls `tool` with arguments as they are written, valid or not.
    #[must_use]
    pub fn call_raw(mut self, tool: &str, arguments: &str) -> Self {
        let raw = Some(arguments.to_owned());
        self.calls.push(ScriptedCall { name: tool.to_owned(), raw, ..ScriptedCall::default() });
        self
    }

    /// Ends for this reason.
    #[must_use]
    pub fn finish(mut self, reason: &str) -> Self {
        self.finish = Some(reason.to_owned());
        self
    }

    /// Repeats its text until it has so many bytes.
    #[must_use]
    pub fn flood(mut self, bytes: usize) -> Self {
        self.flood_bytes = Some(bytes);
        self
    }

    /// This fast.
    #[must_use]
    pub fn pace(mut self, ttft: Duration, tokens_per_second: f64) -> Self {
        self.pace = Some(pace(ttft, tokens_per_second));
        self
    }

    /// Goes wrong like this.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Goes wrong so many times, then all is well.
    #[must_use]
    pub fn fault_times(mut self, times: u32) -> Self {
        self.fault_times = Some(times);
        self
    }
}
