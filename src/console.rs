//! An agent on the command line: typed, or spoken through a microphone or by the built-in caller.
//!
//! Typed, each line is a turn, until the input ends; Ctrl-C cuts an answer off, or ends the conversation
//! between two. Spoken (`--voice`), a build with the feature
//! `devices` uses microphone and speakers, until Ctrl-C; any other one a simulated room, in which the
//! built-in caller says [`Console::caller`]'s lines, and what was to be heard is written to
//! `conversation.wav`.
//!
//! ```no_run
//! use duologue::agent::llm::intents::Intents;
//! use duologue::agent::{AgentSession, SimpleAgent};
//! use duologue::console::Console;
//!
//! # async fn run() -> Result<(), duologue::agent::Error> {
//! let console = Console::from_args();
//! let offline = Intents::parse("[[intent]]\nname = 'hi'\npatterns = ['hello']\nsay = 'Hello!'", "intents")?;
//! let session = AgentSession::builder(()).shared_llm(console.llm(offline)?).build()?;
//! console.run(&session, SimpleAgent::new("You greet people.")).await
//! # }
//! ```

mod narrator;
mod spoken;
mod typed;

use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser};
use duologue_agent::llm::Llm;
#[cfg(feature = "llm")]
use duologue_agent::llm::openai::OpenAi;
use duologue_agent::{Agent, AgentSession, Error, ErrorKind};
use duologue_pipeline::Builder;
use duologue_pipeline::endpoint::Endpoint;

use self::narrator::Narrator;
use crate::config::Config;
use crate::setup::Models;

/// What a program that runs an agent takes on its command line; with clap, `#[command(flatten)]` adds
/// it to arguments of one's own.
#[derive(Args, Clone, Debug, Default)]
pub struct Console {
    /// Talk: by microphone and speakers if built with `devices`, else by the built-in caller.
    #[arg(long)]
    pub voice: bool,
    /// Ask this OpenAI-compatible server, for example http://127.0.0.1:11434/v1 (or set
    /// DUOLOGUE_LLM__BASE_URL); without one, everything stays on this machine.
    #[arg(long, value_name = "URL")]
    pub llm: Option<String>,
    /// The model, as the server calls it (or set DUOLOGUE_LLM__MODEL).
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Show what a frontend gets, one envelope a line.
    #[arg(long)]
    pub json: bool,
    /// Fetch nothing: speech engines must be there already.
    #[arg(long, env = "DUOLOGUE_OFFLINE", value_parser = FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub offline: bool,
    /// What the built-in caller says.
    #[arg(skip)]
    lines: Vec<&'static str>,
}

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    console: Console,
}

impl Console {
    /// From the program's arguments; a wrong one, or `--help`, ends it.
    pub fn from_args() -> Self {
        Alone::parse().console
    }

    /// What the built-in caller says, by the names of [`crate::caller::line`]; each line waits for the
    /// agent to finish. By default: hello, and goodbye.
    #[must_use]
    pub fn caller(mut self, lines: &[&'static str]) -> Self {
        self.lines = lines.to_vec();
        self
    }

    /// The server that is named by `--llm` or the settings, or else `offline`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the setting that is missing or wrong.
    pub fn llm(&self, offline: impl Llm) -> Result<Arc<dyn Llm>, Error> {
        let mut config =
            settings()?.llm().map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
        if let Some(url) = &self.llm {
            config.base_url.clone_from(url);
        }
        if let Some(model) = &self.model {
            config.model.clone_from(model);
        }
        if config.base_url.is_empty() {
            return Ok(Arc::new(offline));
        }
        #[cfg(feature = "llm")]
        return Ok(Arc::new(OpenAi::new(config)?));
        #[cfg(not(feature = "llm"))]
        Err(Error::new(
            ErrorKind::Config,
            "llm.base_url needs a build with `--features llm`, which this one is not",
        ))
    }

    /// The speech models of the settings, for [`Console::talk`].
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a wrong setting, [`ErrorKind::Pipeline`] if a model cannot be loaded.
    pub fn models(&self) -> Result<Models, Error> {
        Models::load(&settings()?, self.offline).map_err(|error| failed(&error))
    }

    /// Runs `session`, whose first agent is `agent`, until the user leaves; then closes it.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session was started before; else as [`Console::models`].
    pub async fn run<U: Send + Sync + 'static>(
        self,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
    ) -> Result<(), Error> {
        self.run_with(session, agent, async |_| Ok(Typed::Turn)).await
    }

    /// As [`Console::run`]; `command` says first what each typed line is.
    ///
    /// # Errors
    /// As [`Console::run`]; the first error of `command`.
    pub async fn run_with<U: Send + Sync + 'static>(
        self,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        command: impl AsyncFnMut(&str) -> Result<Typed, Error>,
    ) -> Result<(), Error> {
        if !self.voice {
            return typed::run(session, agent, Narrator::new(self.json, true), command).await;
        }
        let models = self.models()?;
        self.talk(session, agent, &models).await
    }

    /// As [`Console::run`], spoken, with these speech models.
    ///
    /// # Errors
    /// As [`Console::run`].
    pub async fn talk<U: Send + Sync + 'static>(
        self,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        models: &Models,
    ) -> Result<(), Error> {
        let pipeline = models.builder(settings()?.pipeline).map_err(|error| failed(&error))?;
        #[cfg(feature = "devices")]
        {
            use duologue_devices::{DeviceConfig, DeviceEndpoint};

            let devices = DeviceEndpoint::open(&DeviceConfig::default())?;
            crate::note!(
                "microphone {} · speakers {} · Ctrl-C ends",
                devices.microphone(),
                devices.speakers()
            );
            self.converse(session, agent, pipeline, Box::new(devices)).await
        }
        #[cfg(not(feature = "devices"))]
        self.rehearse(session, agent, pipeline).await
    }

    /// As [`Console::talk`], over `endpoint`, until the session ends or Ctrl-C.
    ///
    /// # Errors
    /// As [`Console::run`].
    pub async fn converse<U: Send + Sync + 'static>(
        self,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        pipeline: Builder,
        endpoint: Box<dyn Endpoint>,
    ) -> Result<(), Error> {
        spoken::over(session, agent, pipeline, endpoint, Narrator::new(self.json, false)).await
    }

    /// As [`Console::talk`], with the built-in caller in a simulated room.
    ///
    /// # Errors
    /// As [`Console::run`].
    pub async fn rehearse<U: Send + Sync + 'static>(
        self,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        pipeline: Builder,
    ) -> Result<(), Error> {
        spoken::in_room(session, agent, pipeline, &self.lines, Narrator::new(self.json, false)).await
    }
}

/// What a typed line is; see [`Console::run_with`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The user's turn.
    Turn,
    /// A command, which has been carried out.
    Done,
    /// The end of the conversation.
    Quit,
}

fn settings() -> Result<Config, Error> {
    Config::load(None).map_err(|error| Error::new(ErrorKind::Config, error.to_string()))
}

fn failed(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Pipeline, error.to_string())
}
