//! Who plays a scenario: its agents, its mock tools, its language models.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::mcp::served;
use super::{AgentSpec, LlmSource, Scenario, ToolSpec};
use crate::judge::Judge;
use crate::{Script, ScriptedLlm};
use duologue_agent::agent::{Agent, Handoff, Overrides};
use duologue_agent::llm::Llm;
use duologue_agent::llm::intents::Intents;
use duologue_agent::session::AgentSession;
use duologue_agent::tool::{
    DEFAULT_OUTPUT_LIMIT, DEFAULT_TIME_LIMIT, RunContext, Tool, ToolDefinition, ToolError, ToolOutput,
    Toolset,
};
use duologue_agent::{Error, ErrorKind};

/// What a scenario does not bring itself.
#[derive(Clone, Default)]
pub struct ScenarioParts {
    /// The configured language model.
    pub llm: Option<Arc<dyn Llm>>,
}

/// The agents of a scenario, each with its language model.
pub(super) struct Cast {
    agents: Vec<Member>,
    tools: Vec<ToolSpec>,
    /// Of MCP servers.
    served: Toolset<()>,
}

struct Member {
    id: String,
    spec: AgentSpec,
    llm: Option<Arc<dyn Llm>>,
}

impl Cast {
    /// Reads what the scenario names, and connects to its servers.
    pub async fn new(scenario: &Scenario, parts: &ScenarioParts) -> Result<Arc<Self>, Error> {
        let first = std::iter::once((scenario.agent_id(), &scenario.agent));
        let others = scenario.agents.iter().map(|(id, spec)| (id.as_str(), spec));
        let agents = first
            .chain(others)
            .map(|(id, spec)| {
                let llm = match &spec.llm {
                    Some(source) => Some(open(scenario, source, parts)?),
                    // Others speak as the first does.
                    None if id != scenario.agent_id() => None,
                    None => Some(open(scenario, &LlmSource::Configured, parts)?),
                };
                Ok(Member { id: id.to_owned(), spec: spec.clone(), llm })
            })
            .collect::<Result<_, Error>>()?;
        let served = served(scenario).await?;
        Ok(Arc::new(Self { agents, tools: scenario.tools.clone(), served }))
    }

    /// The language model of the first agent.
    pub fn llm(&self) -> Arc<dyn Llm> {
        let first = self.agents.first().and_then(|first| first.llm.clone());
        first.expect("invariant: the first agent has a model")
    }

    /// The first agent.
    pub fn first(self: &Arc<Self>) -> Player {
        Player { cast: Arc::clone(self), index: 0 }
    }

    fn player(self: &Arc<Self>, id: &str) -> Option<Player> {
        let index = self.agents.iter().position(|member| member.id == id)?;
        Some(Player { cast: Arc::clone(self), index })
    }
}

/// What judges, if anything does.
pub(super) fn judge(scenario: &Scenario, parts: &ScenarioParts) -> Result<Option<Judge>, Error> {
    match &scenario.judge {
        Some(source) => Ok(Some(Judge::shared(open(scenario, source, parts)?))),
        None => Ok(parts.llm.clone().map(Judge::shared)),
    }
}

fn open(scenario: &Scenario, source: &LlmSource, parts: &ScenarioParts) -> Result<Arc<dyn Llm>, Error> {
    let fault = |error: Error| error.within(format_args!("scenario {}: llm", scenario.file().display()));
    match source {
        LlmSource::Script(path) => {
            Ok(Arc::new(ScriptedLlm::new(Script::load(&scenario.beside(path)).map_err(fault)?)))
        }
        LlmSource::Intents(path) => Ok(Arc::new(Intents::load(&scenario.beside(path)).map_err(fault)?)),
        LlmSource::Configured => parts.llm.clone().ok_or_else(|| {
            let message = "no language model is configured; set [llm] base_url and model in duologue.toml, or give \
                           the scenario llm = { script = FILE } or { intents = FILE }";
            fault(Error::new(ErrorKind::Config, message))
        }),
    }
}

/// An agent of a scenario.
pub(super) struct Player {
    cast: Arc<Cast>,
    index: usize,
}

impl Player {
    fn member(&self) -> &Member {
        &self.cast.agents[self.index]
    }
}

#[async_trait]
impl Agent for Player {
    fn instructions(&self) -> String {
        self.member().spec.instructions.clone()
    }

    fn id(&self) -> String {
        self.member().id.clone()
    }

    fn tools(&self) -> Toolset<()> {
        let allowed = self.member().spec.tools.as_ref();
        let mine = |name: &str| allowed.is_none_or(|names| names.iter().any(|known| known == name));
        let mut tools = Toolset::new();
        tools.extend(&self.cast.served);
        for name in self.cast.served.names().into_iter().filter(|name| !mine(name)) {
            tools.remove(name);
        }
        // A mock stands for the server's tool of the same name.
        for spec in self.cast.tools.iter().filter(|tool| mine(&tool.name)) {
            tools.add(Prop { cast: Arc::clone(&self.cast), spec: spec.clone() });
        }
        tools
    }

    fn overrides(&self) -> Overrides {
        let Member { spec, llm, .. } = self.member();
        Overrides { voice: spec.voice.clone(), speed: spec.speed, llm: llm.clone(), ..Overrides::default() }
    }

    async fn on_enter(&self, session: &AgentSession) -> Result<(), Error> {
        if let Some(greeting) = &self.member().spec.greeting {
            session.say(greeting)?;
        }
        Ok(())
    }
}

/// A tool that always does the same.
struct Prop {
    cast: Arc<Cast>,
    spec: ToolSpec,
}

#[async_trait]
impl Tool<()> for Prop {
    fn definition(&self) -> ToolDefinition {
        let any = || json!({ "type": "object" });
        ToolDefinition {
            name: self.spec.name.clone(),
            description: self.spec.description.clone(),
            parameters: self.spec.parameters.clone().map_or_else(any, Value::Object),
            effect: self.spec.effect,
            time_limit: DEFAULT_TIME_LIMIT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }

    async fn call(&self, _context: RunContext<()>, _arguments: Value) -> Result<ToolOutput<()>, ToolError> {
        if let Some(id) = &self.spec.handoff {
            let player = self.cast.player(id).expect("invariant: hand-offs name agents of the scenario");
            return Ok(ToolOutput::Handoff(Handoff::to(player)));
        }
        match (&self.spec.error, &self.spec.result) {
            (Some(error), _) => Err(ToolError::new(error)),
            (None, Some(Value::String(text))) => Ok(ToolOutput::Text(text.clone())),
            (None, Some(value)) => Ok(ToolOutput::Json(value.clone())),
            (None, None) => Ok(ToolOutput::Silent),
        }
    }
}
