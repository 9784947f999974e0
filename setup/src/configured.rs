//! An agent out of settings, for programs that run whatever they are configured to.
//!
//! ```toml
//! # duologue.toml
//! [agent]
//! instructions = "You are the voice of a museum. Answer in one or two sentences."
//! greeting = "Welcome! What would you like to see?"
//!
//! [[agent.mcp]]
//! command = ["uvx", "museum-catalogue"]
//!
//! [llm]
//! base_url = "http://127.0.0.1:11434/v1"
//! model = "qwen3"
//! ```
//!
//! With a model in `[llm]` it answers; else `agent.intents`, a file of intents, does; else the small
//! [appliance](crate::appliance), which needs neither.
//!
//! Life cycle: [`ConfiguredAgent::load`] once per process, which starts the MCP servers;
//! [`ConfiguredAgent::for_session`] for each session.

use std::sync::Arc;

use async_trait::async_trait;
use duologue_agent::chat::{ChatContent, Role};
use duologue_agent::llm::intents::Intents;
#[cfg(feature = "llm")]
use duologue_agent::llm::openai::OpenAi;
use duologue_agent::llm::openai::OpenAiConfig;
use duologue_agent::llm::{Llm, LlmEvent, LlmRequest, LlmStream};
#[cfg(feature = "mcp")]
use duologue_agent::tool::ToolSource;
use duologue_agent::tool::Toolset;
#[cfg(feature = "mcp")]
use duologue_agent::tool::mcp::McpServer;
use duologue_agent::{Agent, AgentSession, Error, ErrorKind};

use crate::appliance::Appliance;
use crate::config::AgentSettings;
#[cfg(feature = "mcp")]
use crate::config::McpSettings;

/// What the appliance says first.
const APPLIANCE_GREETING: &str = "Hello! What can I do for you?";

/// The server that `settings` describe.
#[cfg(feature = "mcp")]
fn server(settings: &McpSettings) -> Result<McpServer, Error> {
    let server = match (settings.command.split_first(), settings.url.is_empty()) {
        (Some((program, arguments)), true) => McpServer::stdio(program, arguments, &settings.env),
        (None, false) => McpServer::http(&settings.url, &settings.headers)?,
        _ => {
            let message = "agent.mcp: each server needs either `command` or `url`";
            return Err(Error::new(ErrorKind::Config, message));
        }
    };
    Ok(if settings.prefix.is_empty() { server } else { server.prefix(&settings.prefix) })
}

/// An agent out of settings: what its sessions share.
pub struct ConfiguredAgent {
    settings: AgentSettings,
    llm: Option<Arc<dyn Llm>>,
    tools: Toolset,
    #[cfg(feature = "mcp")]
    servers: Vec<McpServer>,
}

impl ConfiguredAgent {
    /// The agent that `settings` describe, over the model of `llm`, if that names one.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting that is wrong; [`ErrorKind::Tool`] if an MCP server does
    /// not start.
    pub async fn load(settings: AgentSettings, llm: &OpenAiConfig) -> Result<Self, Error> {
        let llm: Option<Arc<dyn Llm>> = match &settings.intents {
            _ if !llm.base_url.is_empty() => Some(model(llm)?),
            Some(file) => Some(Arc::new(Intents::load(file)?)),
            None if !settings.instructions.is_empty() || !settings.mcp.is_empty() => {
                let message = "agent.instructions and agent.mcp are for a language model: set llm.base_url and \
                    llm.model, or agent.intents for an agent without one";
                return Err(Error::new(ErrorKind::Config, message));
            }
            None => None,
        };
        #[cfg(not(feature = "mcp"))]
        if !settings.mcp.is_empty() {
            return Err(lacking("agent.mcp", "mcp"));
        }
        #[cfg(feature = "mcp")]
        let (tools, servers) = {
            let (mut tools, mut servers) = (Toolset::new(), Vec::new());
            for entry in &settings.mcp {
                let server = server(entry)?;
                tools.extend(&server.tools().await?);
                servers.push(server);
            }
            (tools, servers)
        };
        Ok(Self {
            settings,
            llm,
            #[cfg(feature = "mcp")]
            tools,
            #[cfg(not(feature = "mcp"))]
            tools: Toolset::new(),
            #[cfg(feature = "mcp")]
            servers,
        })
    }

    /// Who answers, for people.
    pub fn describe(&self) -> String {
        match &self.llm {
            Some(llm) => format!("{} with {} tools", llm.name(), self.tools.names().len()),
            None => "the built-in appliance".to_owned(),
        }
    }

    /// The agent of one session, and what answers in it: each caller of the appliance has a household of
    /// their own.
    pub fn for_session(&self) -> (SessionAgent, Arc<dyn Llm>) {
        let greeting = match (&self.llm, self.settings.greeting.as_str()) {
            (None, "") => APPLIANCE_GREETING.to_owned(),
            (_, greeting) => greeting.to_owned(),
        };
        let agent = SessionAgent {
            instructions: self.settings.instructions.clone(),
            greeting,
            tools: self.tools.clone(),
        };
        let llm = self.llm.clone().unwrap_or_else(|| Arc::new(ApplianceLlm(Appliance::new())));
        (agent, llm)
    }

    /// Ends the MCP servers.
    pub async fn close(&self) {
        #[cfg(feature = "mcp")]
        for server in &self.servers {
            ToolSource::<()>::close(server).await;
        }
    }
}

/// The model that `config` names.
#[cfg(feature = "llm")]
fn model(config: &OpenAiConfig) -> Result<Arc<dyn Llm>, Error> {
    Ok(Arc::new(OpenAi::new(config.clone())?))
}

#[cfg(not(feature = "llm"))]
fn model(_: &OpenAiConfig) -> Result<Arc<dyn Llm>, Error> {
    Err(lacking("llm.base_url", "llm"))
}

/// A setting for a part that this build has not.
#[cfg(not(all(feature = "llm", feature = "mcp")))]
fn lacking(key: &str, feature: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("{key} needs a build with `--features {feature}`, which this one is not"),
    )
}

/// One session's agent.
pub struct SessionAgent {
    instructions: String,
    greeting: String,
    tools: Toolset,
}

#[async_trait]
impl Agent for SessionAgent {
    fn instructions(&self) -> String {
        self.instructions.clone()
    }

    fn tools(&self) -> Toolset {
        self.tools.clone()
    }

    async fn on_enter(&self, session: &AgentSession<()>) -> Result<(), Error> {
        if !self.greeting.is_empty() {
            session.say(&self.greeting)?;
        }
        Ok(())
    }
}

/// The appliance in the place of a language model: it answers the user's last words.
struct ApplianceLlm(Appliance);

impl Llm for ApplianceLlm {
    fn name(&self) -> &str {
        "appliance"
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        let words = request.items.iter().rev().find_map(|item| match &item.content {
            ChatContent::Message { role: Role::User, text, .. } => Some(plain(text)),
            _ => None,
        });
        let answer = self.0.answer(&words.unwrap_or_default());
        Box::pin(futures_util::stream::iter([Ok(LlmEvent::Text(answer))]))
    }
}

/// As a recogniser would have written it: typed words have capitals and commas.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '\'' { c } else { ' ' };
    text.chars().map(kept).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_default_agent_does_not_need_a_model() {
        let agent = ConfiguredAgent::load(AgentSettings::default(), &OpenAiConfig::default()).await.unwrap();
        let (agent, llm) = agent.for_session();
        let session = AgentSession::builder(()).shared_llm(llm).build().unwrap();
        session.start_text(agent).await.unwrap();
        let result = session.run("Turn on the kitchen lights, please!").await.unwrap();
        assert!(format!("{result:?}").contains("The kitchen lights are on."), "{result:?}");
        session.close().await;
    }

    #[tokio::test]
    async fn instructions_that_nobody_follows_are_not_ignored() {
        let settings = AgentSettings { instructions: "Be kind.".into(), ..AgentSettings::default() };
        let error = ConfiguredAgent::load(settings, &OpenAiConfig::default()).await.err().unwrap();
        assert!(error.to_string().contains("llm.base_url"), "{error}");
    }

    #[cfg(feature = "mcp")]
    #[test]
    fn a_server_that_is_both_a_command_and_an_address_is_not_accepted() {
        for settings in [
            McpSettings::default(),
            McpSettings {
                command: vec!["x".into()],
                url: "http://host/mcp".into(),
                ..McpSettings::default()
            },
        ] {
            assert!(server(&settings).err().unwrap().to_string().contains("agent.mcp"));
        }
    }
}
