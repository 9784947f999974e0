//! An agent in a LiveKit room: it joins by itself, greets, and answers by voice and chat, without a
//! language model. Any frontend made for LiveKit's agents talks with it, or `examples/web`.
//!
//!     livekit-server --dev
//!     export LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=secret
//!     cargo run --release --features room --example livekit_agent -- --room kitchen
//!     cargo run --release --features room --example livekit_agent -- --token TOKEN
//!     cargo run --release --features room --example livekit_agent -- --llm http://127.0.0.1:11434/v1 --model NAME
//!
//! `duologue worker` is for agents that a server dispatches.

mod agent;
#[path = "../appliance/agents.rs"]
mod agents;
#[path = "../appliance/home.rs"]
mod home;
#[allow(dead_code, reason = "nothing is woken here")]
#[path = "../appliance/wake.rs"]
mod wake;

use std::path::PathBuf;

use agent::RoomAgent;
use anyhow::Context;
use clap::Parser;
use duologue::agent::llm::intents::{APPLIANCE, Intents};
use duologue::agent::session::{AgentState, SessionEvents};
use duologue::agent::{AgentSession, SessionEvent};
use duologue::config::Config;
use duologue::console::Console;
use duologue::native::LoadOptions;
use duologue::room::engine::{FfiEngine, RoomEngine};
use duologue::room::session::{RoomOptions, RoomSession};
use home::Home;
use livekit_token::{AccessToken, VideoGrants};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    console: Console,
    /// The server.
    #[arg(long, env = "LIVEKIT_URL", default_value = "ws://127.0.0.1:7880")]
    url: String,
    /// What grants the room; otherwise one is made of key and secret.
    #[arg(long, env = "LIVEKIT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The server's key.
    #[arg(long, env = "LIVEKIT_API_KEY", default_value = "devkey", hide_env_values = true)]
    api_key: String,
    /// Its secret.
    #[arg(long, env = "LIVEKIT_API_SECRET", default_value = "secret", hide_env_values = true)]
    api_secret: String,
    /// The room, unless a token names it.
    #[arg(long, env = "LIVEKIT_ROOM", default_value = "duologue")]
    room: String,
    /// Who the agent is in the room, unless a token says.
    #[arg(long, default_value = "duologue-agent")]
    identity: String,
    /// Listen to this participant only; otherwise to the first person who comes.
    #[arg(long, value_name = "IDENTITY")]
    participant: Option<String>,
    /// Cancel the echo of the agent's voice; clients do so themselves.
    #[arg(long)]
    echo_cancellation: bool,
    /// Listen to the other people in the room as well: their words are shown and remembered, not answered.
    #[arg(long)]
    overhear: bool,
    /// Write the conversation to this file when it is over, as JSON.
    #[arg(long, env = "DUOLOGUE_HISTORY", value_name = "FILE")]
    history: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let offline = arguments.console.offline;
    let models = arguments.console.models()?;
    let engine =
        tokio::task::spawn_blocking(move || FfiEngine::load(&LoadOptions::offline(offline))).await??;

    let joined = engine.connect(&arguments.url, &arguments.token()?, &RoomOptions::connect_options()).await?;
    println!("{} joined {} at {}", joined.room.local().identity, joined.room.info().name, arguments.url);

    let llm = arguments.console.llm(Intents::parse(APPLIANCE, "appliance.toml")?)?;
    let session = AgentSession::builder(Home::default()).shared_llm(llm).build()?;
    tokio::spawn(tell(session.events()));

    let mut options = RoomOptions::default();
    options.echo_cancellation = arguments.echo_cancellation;
    if arguments.overhear {
        options = options.overhear(models.listeners());
    }
    options.link.identity.clone_from(&arguments.participant);
    let pipeline = models.builder(Config::load(None)?.pipeline)?;
    let room = RoomSession::start(joined, &session, RoomAgent::new(), pipeline, options).await?;
    let over = tokio::select! {
        over = room.over() => over,
        _ = tokio::signal::ctrl_c() => {
            session.close().await;
            room.over().await
        }
    };
    println!("over: {over:?}");
    if let Some(file) = &arguments.history {
        let history = serde_json::to_string_pretty(session.history().items())?;
        std::fs::write(file, history).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

impl Arguments {
    fn token(&self) -> anyhow::Result<String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let grants = VideoGrants {
            room_join: true,
            room: self.room.clone(),
            can_update_own_metadata: Some(true),
            ..VideoGrants::default()
        };
        let token = AccessToken::with_api_key(&self.api_key, &self.api_secret)
            .with_identity(&self.identity)
            .with_kind("agent")
            .with_grants(grants);
        Ok(token.to_jwt()?)
    }
}

/// Prints the conversation as it happens.
async fn tell(mut events: SessionEvents) {
    while let Some(event) = events.next().await {
        match event {
            SessionEvent::AgentStateChanged(AgentState::Closed) | SessionEvent::Closed => return,
            SessionEvent::UserTurn { text } => println!("user    {text}"),
            SessionEvent::Overheard { speaker, text, is_final: true } => {
                println!("{}    {text}", speaker.identity)
            }
            SessionEvent::SpeechFinished { heard, outcome } => println!("agent   {heard}   [{outcome:?}]"),
            SessionEvent::Status(status) => println!("status  {status}"),
            SessionEvent::Error { message, .. } => println!("error   {message}"),
            SessionEvent::Fault(fault) => println!("fault   {fault:?}"),
            SessionEvent::Metrics(metrics) => {
                if let Some(answered) = metrics.end_to_end {
                    println!("        answered after {} ms", answered.as_millis());
                }
            }
            _ => {}
        }
    }
}
