//! An agent session in a room: what a worker's job, or a program that joins by itself, starts.
//!
//! To a frontend made for LiveKit's agents it is one of them: its attribute `lk.agent.state`, its track
//! `roomio_audio`, its transcripts and its chat are where these look for them.
//!
//! ```no_run
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_pipeline::Builder;
//! use duologue_room::engine::RoomEngine;
//! use duologue_room::session::{RoomOptions, RoomSession};
//!
//! # async fn example(engine: &dyn RoomEngine, pipeline: Builder) -> Result<(), Box<dyn std::error::Error>> {
//! let joined = engine.connect("ws://127.0.0.1:7880", "a token", &RoomOptions::connect_options()).await?;
//! let session = AgentSession::builder(()).build()?;
//! let agent = SimpleAgent::new("You are kind.").greeting("Hello!");
//! let room = RoomSession::start(joined, &session, agent, pipeline, RoomOptions::default()).await?;
//! println!("over: {:?}", room.over().await);
//! # Ok(())
//! # }
//! ```
//!
//! Life cycle: [`RoomSession::start`] waits for somebody to talk with, then starts the session →
//! [`RoomSession::over`], when the participant has left, the room is over, or the session was closed.
//!
//! Invariant: when it is over the session is closed, everything that was said is shown, and the room is
//! left, unless [`RoomOptions::leave`] says that somebody else does.

mod debug;
mod host;
mod incoming;
mod options;
mod others;
mod state;

use std::sync::Arc;
use std::time::Duration;

use duologue_agent::{Agent, AgentSession};
use duologue_pipeline::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

pub use options::{DebugPanel, LegacyTranscription, MessageStyle, RoomOptions, RpcHandler};

use crate::endpoint::{EndpointControl, EndpointStats, RoomEndpoint, track_options};
use crate::engine::{Connection, DisconnectReason, Room};
use crate::{Error, ErrorKind};
use host::Host;

/// Commands that may wait.
const COMMANDS: usize = 16;
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(5);

/// Why a session in a room is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomOver {
    /// The linked participant has left for good.
    ParticipantLeft(DisconnectReason),
    /// The room, or the connection to it, is over.
    RoomClosed(DisconnectReason),
    /// The session was closed.
    SessionClosed,
}

enum Command {
    Choose(Option<String>),
}

/// An agent session that runs in a room. Dropping it lets the session go on.
pub struct RoomSession {
    room: Arc<dyn Room>,
    control: EndpointControl,
    commands: mpsc::Sender<Command>,
    over: watch::Receiver<Option<RoomOver>>,
}

impl RoomSession {
    /// Publishes the agent's track, waits for somebody to talk with, and starts `session` with `agent` in
    /// the room. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] if nobody comes within [`RoomOptions::participant_limit`];
    /// [`ErrorKind::Closed`] if the room is over before; [`ErrorKind::Job`] if the session does not start;
    /// what publishing a track fails with. The room is left then.
    pub async fn start<U: Send + Sync + 'static>(
        joined: Connection,
        session: &AgentSession<U>,
        agent: impl Agent<U>,
        pipeline: Builder,
        options: RoomOptions,
    ) -> Result<Self, Error> {
        Self::start_shared(joined, session, Arc::new(agent), pipeline, options).await
    }

    /// As [`RoomSession::start`], with an agent that exists already.
    ///
    /// # Errors
    /// As [`RoomSession::start`].
    pub async fn start_shared<U: Send + Sync + 'static>(
        joined: Connection,
        session: &AgentSession<U>,
        agent: Arc<dyn Agent<U>>,
        pipeline: Builder,
        options: RoomOptions,
    ) -> Result<Self, Error> {
        let room = Arc::clone(&joined.room);
        let leave = options.leave;
        let started = Self::begin(joined, session, agent, pipeline, options).await;
        if started.is_err() && leave {
            leave_room(&*room).await;
        }
        started
    }

    async fn begin<U: Send + Sync + 'static>(
        joined: Connection,
        session: &AgentSession<U>,
        agent: Arc<dyn Agent<U>>,
        mut pipeline: Builder,
        options: RoomOptions,
    ) -> Result<Self, Error> {
        let Connection { room, events } = joined;
        let state = state::StateAttribute::publish(Arc::clone(&room));
        let track = room.publish_audio(&track_options()).await?;
        let (endpoint, control) = RoomEndpoint::new(Arc::clone(&track))?;
        let limit = options.participant_limit;
        let told = session.events();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        pipeline.config_mut().ear.echo.enabled &= options.echo_cancellation;
        let mut host =
            Host::new(Arc::clone(&room), events, session.clone(), track, control.clone(), state, options)?;
        host.register().await?;
        timeout(limit, host.until_linked()).await.unwrap_or_else(|_| {
            let what = format!("nobody to talk with came within {} s", limit.as_secs());
            Err(Error::new(ErrorKind::TimedOut, what))
        })?;
        session
            .start_shared(agent, pipeline, Box::new(endpoint))
            .await
            .map_err(|error| Error::new(ErrorKind::Job, format!("the session did not start: {error}")))?;
        let (done, over) = watch::channel(None);
        tokio::spawn(host.run(told, inbox, done));
        Ok(Self { room, control, commands, over })
    }

    /// The room, to act in it.
    pub fn room(&self) -> &Arc<dyn Room> {
        &self.room
    }

    /// What the endpoint did so far.
    pub fn stats(&self) -> EndpointStats {
        self.control.stats()
    }

    /// Listens to `identity` from now on; `None`: to the first who may be.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session is over.
    pub async fn choose(&self, identity: Option<String>) -> Result<(), Error> {
        let closed = |_| Error::new(ErrorKind::Closed, "the session in the room is over");
        self.commands.send(Command::Choose(identity)).await.map_err(closed)
    }

    /// Waits until the session in the room is over, and tells why.
    pub async fn over(&self) -> RoomOver {
        let mut over = self.over.clone();
        let reason = over.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        // Its task has panicked.
        reason.unwrap_or(RoomOver::SessionClosed)
    }
}

async fn leave_room(room: &dyn Room) {
    match timeout(LEAVE, room.disconnect()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("the room was not left cleanly: {error}"),
        Err(_) => tracing::warn!("the room was not left within {} s", LEAVE.as_secs()),
    }
}
