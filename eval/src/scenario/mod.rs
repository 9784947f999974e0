//! Scenario files: a conversation and what must come of it, in TOML, to be played in text
//! ([`run_text`]) or spoken in a simulated room ([`run_spoken`]).
//!
//! ```toml
//! name = "a timer"                         # by default the file's name
//!
//! [agent]
//! instructions = "You are a kitchen timer."
//! greeting = "Hello!"
//! llm = { script = "timer.script.toml" }   # or { intents = "…" }, or "configured": [llm] of duologue.toml
//! voice = "slt"
//!
//! [[tool]]                                 # a mock: it gives a fixed result
//! name = "set_timer"
//! description = "Sets a timer."
//! result = "done"
//!
//! [[step]]
//! user = "set a timer for ten minutes"
//! within_ms = 2000
//! no_more = true
//! expect = [
//!     { tool = "set_timer", arguments = { minutes = 10 } },
//!     { message = "ten minutes" },
//! ]
//! ```
//!
//! | key | what |
//! |---|---|
//! | `[agent]` `instructions`, `greeting`, `voice`, `speed` | who answers |
//! | … `llm` | `{ script = FILE }`, `{ intents = FILE }`, or `"configured"`; files lie beside the scenario |
//! | … `tools` | the names of the tools it has; by default all |
//! | … `id` | its name in hand-offs; by default `agent` |
//! | `[agents.NAME]` | more agents, with the same keys, for hand-offs |
//! | `[caller]` `voice`, `speed` | how the user sounds; by default another voice than the agent's |
//! | `[session]` | limits and words of the session |
//! | `[[tool]]` `name`, `description`, `parameters`, `effect` | what the model is told of a tool |
//! | … `result`, `error` or `handoff` | what comes of every call: a value, a failure, or another agent |
//! | `[[mcp]]` `command`, `args`, `env`, or `url`, `headers` | a server whose tools are called for real; the scenario then takes its time |
//! | … `prefix`, `read_only` | what its tools' names begin with; those of them that change nothing |
//! | `judge` | a model that judges, as `llm`; by default the configured one |
//! | `[[step]]` `user` | what the user says; words the recogniser knows, if it is to be spoken |
//! | … `wav` | a recording of it, for spoken runs |
//! | … `expect` | what must happen, in this order; other things may happen in between |
//! | … `absent` | words that the agent must not say in this step |
//! | … `no_more` | nothing else may happen, but tools' results |
//! | … `within_ms` | from the end of the user's speech to the first sample of the answer; spoken runs only |
//! | … `interrupted_at` | the user says the next step's line when the agent reaches this word; history must end there, one word more or less; spoken runs only |
//! | … `allow_errors` | the session may report errors |
//!
//! | expectation | fits |
//! |---|---|
//! | `{ message = "ten minutes" }` | a message of the agent with these words; a list for several |
//! | `{ message = { all, any, absent, judge } }` | … all of the words, any, none; and a judge finds that it meets the intent |
//! | `{ tool = "set_timer", arguments = { minutes = 10 } }` | a call with at least these arguments |
//! | `{ result = "done", of = "set_timer" }` | a tool's result that contains this text |
//! | `{ handoff = "billing" }` | this agent takes over |
//!
//! Invariant: a scenario that loads can be played; a key that is not understood is refused.

mod caller;
mod cast;
mod check;
mod mcp;
mod report;
mod spoken;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use duologue_agent::chat::Role;
use duologue_agent::session::SessionConfig;
use duologue_agent::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

pub use cast::ScenarioParts;
pub use report::{Mode, Progress, ScenarioReport, StepReport};
pub use spoken::{Stage, run_spoken};
pub use text::{play, run_text};

use crate::expected::{Expected, Words, plain_words};
use mcp::McpSpec;

/// Most steps of a scenario.
const MAX_STEPS: usize = 1_000;

/// A conversation and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports.
    #[serde(default)]
    pub name: String,
    pub(super) agent: AgentSpec,
    #[serde(default)]
    pub(super) agents: BTreeMap<String, AgentSpec>,
    #[serde(default)]
    pub(super) caller: CallerSpec,
    #[serde(default)]
    pub(super) session: SessionConfig,
    #[serde(default, rename = "tool")]
    pub(super) tools: Vec<ToolSpec>,
    #[serde(default)]
    mcp: Vec<McpSpec>,
    pub(super) judge: Option<LlmSource>,
    #[serde(default, rename = "step")]
    pub(super) steps: Vec<StepSpec>,
    #[serde(skip)]
    pub(super) file: PathBuf,
}

/// Where a language model comes from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LlmSource {
    Script(PathBuf),
    Intents(PathBuf),
    Configured,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentSpec {
    pub id: Option<String>,
    pub instructions: String,
    pub greeting: Option<String>,
    pub llm: Option<LlmSource>,
    pub voice: Option<String>,
    pub speed: Option<f32>,
    pub tools: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerSpec {
    pub voice: Option<String>,
    pub speed: Option<f32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolSpec {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub parameters: Option<Map<String, Value>>,
    #[serde(default)]
    pub effect: bool,
    pub result: Option<Value>,
    pub error: Option<String>,
    pub handoff: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepSpec {
    pub user: String,
    pub wav: Option<PathBuf>,
    #[serde(default)]
    pub expect: Vec<ExpectSpec>,
    #[serde(default)]
    pub absent: OneOrMore,
    #[serde(default)]
    pub no_more: bool,
    pub within_ms: Option<u64>,
    pub interrupted_at: Option<String>,
    #[serde(default)]
    pub allow_errors: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExpectSpec {
    message: Option<MessageSpec>,
    tool: Option<String>,
    arguments: Option<Value>,
    result: Option<String>,
    of: Option<String>,
    handoff: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "message: a text, a list of texts, or a table of all, any, absent and judge")]
enum MessageSpec {
    Words(OneOrMore),
    Table(MessageTable),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MessageTable {
    all: OneOrMore,
    any: OneOrMore,
    absent: OneOrMore,
    judge: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl OneOrMore {
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::More(texts) => texts.clone(),
        }
    }
}

impl Scenario {
    /// From a TOML file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the file, the key and the remedy.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Config, format!("scenario {}: cannot be read: {error}", path.display()))
        })?;
        Self::parse(&text, path)
    }

    /// From the text of `file`, beside which the files that it names lie.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn parse(toml: &str, file: &Path) -> Result<Self, Error> {
        let fault = |problem: String| {
            Error::new(ErrorKind::Config, format!("scenario {}: {problem}", file.display()))
        };
        let mut scenario: Self = toml::from_str(toml).map_err(|error| fault(error.to_string()))?;
        file.clone_into(&mut scenario.file);
        if scenario.name.is_empty() {
            scenario.name =
                file.file_stem().map_or_else(|| "scenario".into(), |stem| stem.to_string_lossy().into());
        }
        scenario.validate().map_err(fault)?;
        Ok(scenario)
    }

    /// The file it came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Whether it takes the time that things take outside of this process: its clock cannot be
    /// simulated then.
    pub fn needs_real_time(&self) -> bool {
        self.needs_configured_llm() || self.judge == Some(LlmSource::Configured) || !self.mcp.is_empty()
    }

    /// Whether it names the configured language model.
    pub fn needs_configured_llm(&self) -> bool {
        let models =
            std::iter::once(&self.agent).chain(self.agents.values()).filter_map(|agent| agent.llm.as_ref());
        self.agent.llm.is_none() || models.chain(&self.judge).any(|llm| *llm == LlmSource::Configured)
    }

    /// `path` as this file means it.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    pub(super) fn agent_id(&self) -> &str {
        self.agent.id.as_deref().unwrap_or("agent")
    }

    fn validate(&self) -> Result<(), String> {
        self.session.validate().map_err(|error| format!("session.{error}"))?;
        if self.agents.contains_key(self.agent_id()) {
            return Err(format!("agents.{}: the first agent has this name; choose another", self.agent_id()));
        }
        self.validate_tools()?;
        self.mcp.iter().try_for_each(McpSpec::validate)?;
        let named = std::iter::once(("agent".to_owned(), &self.agent));
        let others = self.agents.iter().map(|(name, agent)| (format!("agents.{name}"), agent));
        for (key, agent) in named.chain(others) {
            self.validate_agent(&key, agent)?;
        }
        speed("caller.speed", self.caller.speed)?;
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(format!("it has {} steps; write 1 to {MAX_STEPS} [[step]]", self.steps.len()));
        }
        for (index, step) in self.steps.iter().enumerate() {
            let last = index + 1 == self.steps.len();
            step.validate(last).map_err(|problem| format!("step {}: {problem}", index + 1))?;
            for expected in &step.expect {
                if let Some(name) = expected.handoff.as_ref().filter(|name| !self.knows(name)) {
                    return Err(format!("step {}: handoff: there is no [agents.{name}]; add it", index + 1));
                }
            }
        }
        Ok(())
    }

    fn knows(&self, agent: &str) -> bool {
        agent == self.agent_id() || self.agents.contains_key(agent)
    }

    fn validate_agent(&self, key: &str, agent: &AgentSpec) -> Result<(), String> {
        speed(&format!("{key}.speed"), agent.speed)?;
        let known: BTreeSet<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        match agent.tools.iter().flatten().find(|name| !known.contains(name.as_str())) {
            // A server may have it.
            Some(_) if !self.mcp.is_empty() => Ok(()),
            Some(name) => Err(format!("{key}.tools: there is no [[tool]] with name = {name:?}; add it")),
            None => Ok(()),
        }
    }

    fn validate_tools(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for tool in &self.tools {
            let name = &tool.name;
            let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || name.len() > 64 || !name.chars().all(letters) {
                return Err(format!("tool.name = {name:?}: write 1 to 64 letters, digits, _ and -"));
            }
            if !names.insert(name) {
                return Err(format!("tool.name = {name:?}: two tools have this name; rename one"));
            }
            let outcomes = [tool.result.is_some(), tool.error.is_some(), tool.handoff.is_some()];
            if outcomes.iter().filter(|given| **given).count() != 1 {
                return Err(format!("tool {name}: give it one of result, error and handoff"));
            }
            if let Some(agent) = tool.handoff.as_ref().filter(|agent| !self.knows(agent)) {
                return Err(format!("tool {name}: handoff: there is no [agents.{agent}]; add it"));
            }
        }
        Ok(())
    }
}

impl StepSpec {
    fn validate(&self, last: bool) -> Result<(), String> {
        if self.user.trim().is_empty() {
            return Err("user: write what the user says".to_owned());
        }
        if self.within_ms.is_some_and(|ms| !(1..=600_000).contains(&ms)) {
            return Err("within_ms: choose 1 to 600000".to_owned());
        }
        if let Some(word) = &self.interrupted_at {
            if plain_words(word).len() != 1 {
                return Err(format!("interrupted_at = {word:?}: write one word of the agent's"));
            }
            if last {
                return Err("interrupted_at: add a step after it, whose user interrupts".to_owned());
            }
        }
        for (index, expected) in self.expect.iter().enumerate() {
            expected.validate().map_err(|problem| format!("expectation {}: {problem}", index + 1))?;
        }
        Ok(())
    }

    pub fn within(&self) -> Option<Duration> {
        self.within_ms.map(Duration::from_millis)
    }
}

impl ExpectSpec {
    fn validate(&self) -> Result<(), String> {
        let kinds =
            [self.message.is_some(), self.tool.is_some(), self.result.is_some(), self.handoff.is_some()];
        if kinds.iter().filter(|given| **given).count() != 1 {
            return Err("give it one of message, tool, result and handoff".to_owned());
        }
        if self.arguments.is_some() && self.tool.is_none() {
            return Err("arguments: they belong to a tool; add tool".to_owned());
        }
        if self.of.is_some() && self.result.is_none() {
            return Err("of: it belongs to a result; add result".to_owned());
        }
        Ok(())
    }

    pub fn expected(&self) -> Expected {
        if let Some(message) = &self.message {
            return Expected::words(Role::Assistant, message.words());
        }
        match (&self.tool, &self.result, &self.of) {
            (Some(tool), ..) => match &self.arguments {
                Some(arguments) => Expected::call_with(tool, arguments.clone()),
                None => Expected::call(tool),
            },
            (None, Some(result), Some(tool)) => Expected::output_of(tool, result),
            (None, Some(result), None) => Expected::output(result),
            (None, None, _) => Expected::handoff(self.handoff.as_deref().unwrap_or_default()),
        }
    }

    /// What a judge is to find in the message.
    pub fn intent(&self) -> Option<&str> {
        match &self.message {
            Some(MessageSpec::Table(table)) => table.judge.as_deref(),
            _ => None,
        }
    }
}

impl MessageSpec {
    fn words(&self) -> Words {
        match self {
            Self::Words(all) => Words { all: all.list(), ..Words::default() },
            Self::Table(MessageTable { all, any, absent, .. }) => {
                Words { all: all.list(), any: any.list(), absent: absent.list() }
            }
        }
    }
}

fn speed(key: &str, speed: Option<f32>) -> Result<(), String> {
    match speed.filter(|speed| !(0.5..=2.0).contains(speed)) {
        Some(speed) => Err(format!("{key} = {speed}: choose 0.5 to 2.0")),
        None => Ok(()),
    }
}
