//! Where the tests of rooms take place: in memory, or at a LiveKit server.

use std::sync::Arc;

use duologue_agent::AgentSession;
use duologue_agent::llm::intents::{APPLIANCE, Intents};
use duologue_room::engine::RoomEngine;
use duologue_room::session::{RoomOptions, RoomSession};

use super::caller::Caller;
use super::home::{Home, RoomAgent};
use super::memory::MemoryEngine;
use super::models;
use crate::common::{self, Grant, Server};

pub struct World {
    pub name: &'static str,
    pub engine: Arc<dyn RoomEngine>,
    url: String,
    /// The server and the room at it; none in memory.
    server: Option<(Server, String)>,
}

impl World {
    pub fn memory() -> Self {
        Self { name: "memory", engine: Arc::new(MemoryEngine::default()), url: String::new(), server: None }
    }

    /// A room of its own at the server that the environment names.
    pub fn server(test: &str) -> Option<Self> {
        let server = Server::get()?;
        let (url, room) = (server.url.clone(), common::room_name(test));
        let engine = common::engine().clone();
        Some(Self { name: "server", engine, url, server: Some((server, room)) })
    }

    fn token(&self, identity: &str) -> String {
        let Some((server, room)) = &self.server else { return identity.to_owned() };
        let kind = identity.starts_with("agent").then_some("agent");
        server.token_for(&Grant { identity, room, valid: 600, kind })
    }

    pub async fn caller(&self) -> Caller {
        self.caller_named("caller").await
    }

    pub async fn caller_named(&self, identity: &str) -> Caller {
        Caller::join(&*self.engine, &self.url, &self.token(identity)).await
    }

    /// The example's agent.
    pub async fn agent(&self, options: RoomOptions) -> (AgentSession<Home>, RoomSession) {
        let intents = Intents::parse(APPLIANCE, "appliance.toml").expect("the intents");
        let session = AgentSession::builder(Home::default()).llm(intents).build().expect("a session");
        let room = self.agent_in(&session, options).await;
        (session, room)
    }

    /// As [`World::agent`], in a session of one's own.
    pub async fn agent_in(&self, session: &AgentSession<Home>, options: RoomOptions) -> RoomSession {
        let joined = self
            .engine
            .connect(&self.url, &self.token("agent"), &RoomOptions::connect_options())
            .await
            .expect("the agent joins");
        RoomSession::start(joined, session, RoomAgent, models::pipeline(), options)
            .await
            .expect("the session starts")
    }
}
