//! What a scripted model says: rules in order; the first that fits a request answers it.
//!
//! ```
//! use duologue_eval::Script;
//!
//! let script = Script::parse(
//!     r#"
//!     pace = { ttft_ms = 200, tokens_per_second = 40.0 }
//!
//!     [[rule]]
//!     user = "add {a} and {b}"
//!     call = [{ name = "add", arguments = { a = "{#a}", b = "{#b}" } }]
//!
//!     [[rule]]
//!     tool = "add"
//!     say = "That makes {result}."
//!
//!     [[rule]]
//!     user = "hello"
//!     say = "Hello! What can I do for you?"
//!     fault = { rate_limited = { retry_after_ms = 500 } }
//!     fault_times = 2
//!     "#,
//! )?;
//! assert_eq!(script.rules.len(), 3);
//! # Ok::<(), duologue_agent::Error>(())
//! ```

mod builder;
mod pattern;
mod plan;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

pub use pattern::Pattern;
pub(crate) use plan::{Piece, Plan, Progress, Prompt};

use duologue_agent::{Error, ErrorKind};

/// What a scripted model says and how fast.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// The model's name.
    pub model: String,
    /// The key that the server demands; none by default.
    pub api_key: Option<String>,
    /// How fast it answers, unless a rule says otherwise.
    pub pace: Pace,
    /// Tried in order.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
    /// How the server writes its answers.
    pub quirks: Quirks,
}

/// How fast a model answers; by default at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// Milliseconds to the first token.
    pub ttft_ms: u64,
    /// Tokens (about words) each second from then on; 0 for all at once.
    pub tokens_per_second: f64,
}

/// When it fits, and what is answered then. All conditions that are given must hold.
///
/// While results of tools came last, only rules with [`Rule::tool`] or [`Rule::result`], or with
/// [`Rule::again`], fit; at other times, rules with these two do not.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// The last message of the user.
    pub user: Option<Pattern>,
    /// A tool of this name has just given a result.
    pub tool: Option<String>,
    /// A tool has just given such a result.
    pub result: Option<Pattern>,
    /// The instructions.
    pub instructions: Option<Pattern>,
    /// So many messages of the user are in the request.
    pub turn: Option<usize>,
    /// It fits so many requests, then no more.
    pub times: Option<u32>,
    /// Fits after a tool's result, too: with a call, that is an endless loop.
    pub again: bool,

    /// The text. `{name}` is what a pattern captured; `{user}`, `{result}` and `{turn}` are known.
    pub say: Option<String>,
    /// Thinking, before the text.
    pub reasoning: Option<String>,
    /// Calls, after the text.
    #[serde(rename = "call")]
    pub calls: Vec<ScriptedCall>,
    /// Why it ends (`stop`, `length`, `content_filter`, …); by default as fits.
    pub finish: Option<String>,
    /// The text is repeated until it has so many bytes.
    pub flood_bytes: Option<usize>,
    /// How fast it answers; by default as the script says.
    pub pace: Option<Pace>,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// How often it goes wrong before all is well; always, by default.
    pub fault_times: Option<u32>,
}

/// A call in a script.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedCall {
    /// The tool, known or not.
    pub name: String,
    /// Its arguments; texts in it are filled as in [`Rule::say`], and `"{#name}"` becomes a number.
    pub arguments: Value,
    /// The arguments as they are written, valid or not, instead.
    pub raw: Option<String>,
    /// The call's id; by default a fresh one.
    pub id: Option<String>,
}

/// What goes wrong. Tokens count reasoning, text and calls (one each).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed without an answer.
    Refuse,
    /// 401.
    Unauthorized,
    /// 404: no such model.
    UnknownModel,
    /// 429.
    RateLimited {
        /// When to come again; rounded up to seconds over HTTP.
        retry_after_ms: Option<u64>,
    },
    /// 500.
    ServerError,
    /// Nothing comes, not even a status.
    Hang,
    /// Nothing comes any more after so many tokens.
    Stall {
        /// Tokens before.
        after_tokens: usize,
    },
    /// The connection is closed after so many tokens.
    Close {
        /// Tokens before.
        after_tokens: usize,
    },
    /// What comes after so many tokens is no JSON.
    MalformedJson {
        /// Tokens before.
        after_tokens: usize,
    },
    /// What comes after so many tokens is no text at all.
    MalformedStream {
        /// Tokens before.
        after_tokens: usize,
    },
}

/// How a server writes its answers: what real ones do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Where reasoning is written.
    pub reasoning: ReasoningField,
    /// What stands in `usage`.
    pub usage: UsageField,
    /// Calls have no `id`.
    pub omit_call_ids: bool,
    /// Calls have no `index`.
    pub omit_call_index: bool,
    /// A call's arguments are an object instead of JSON text.
    pub arguments_as_object: bool,
    /// Nothing is said about why it ended, and there is no `[DONE]`.
    pub omit_ending: bool,
    /// Bytes of each fragment of a call's arguments, and of text with think tags.
    pub fragment_bytes: usize,
    /// Lines end with CR LF, and comments keep the connection alive.
    pub crlf_and_comments: bool,
}

/// Where a server writes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningField {
    /// `reasoning_content` (llama.cpp, vLLM, DeepSeek).
    #[default]
    ReasoningContent,
    /// `reasoning` (Ollama, newer vLLM).
    Reasoning,
    /// `<think>…</think>` at the start of the content.
    ThinkTags,
}

/// What a server writes in `usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageField {
    /// The numbers, in a last chunk without choices.
    #[default]
    Given,
    /// `null`, in every chunk.
    Null,
    /// No such field.
    Absent,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            model: "scripted".into(),
            api_key: None,
            pace: Pace::default(),
            rules: Vec::new(),
            quirks: Quirks::default(),
        }
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            reasoning: ReasoningField::default(),
            usage: UsageField::default(),
            omit_call_ids: false,
            omit_call_index: false,
            arguments_as_object: false,
            omit_ending: false,
            fragment_bytes: 7,
            crlf_and_comments: false,
        }
    }
}

impl Pace {
    pub(crate) fn ttft(self) -> Duration {
        Duration::from_millis(self.ttft_ms)
    }

    pub(crate) fn interval(self) -> Duration {
        if self.tokens_per_second > 0.0 {
            Duration::try_from_secs_f64(1.0 / self.tokens_per_second).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        }
    }
}

impl Script {
    /// From TOML.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the line and the key.
    pub fn parse(toml: &str) -> Result<Self, Error> {
        toml::from_str(toml).map_err(|error| Error::new(ErrorKind::Config, format!("script: {error}")))
    }

    /// From a TOML file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the file, the line and the key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let fault =
            |problem: String| Error::new(ErrorKind::Config, format!("script {}: {problem}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
        toml::from_str(&text).map_err(|error| fault(error.to_string()))
    }
}
