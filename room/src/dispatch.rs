//! What is asked of a server from outside of its rooms: dispatching agents, and who is there.
//!
//! Life cycle: [`Server::new`] opens nothing; each call is one HTTP request with a token of its own that is
//! good for that request. Invariant: every call ends within [`LIMIT`].
//!
//! ```no_run
//! use duologue_room::dispatch::Server;
//! use duologue_room::token::Access;
//!
//! # async fn example() -> Result<(), duologue_room::Error> {
//! let server = Server::new(&Access::from_environment()?);
//! let id = server.dispatch("kitchen", "appliance", "{}").await?;
//! for job in server.jobs("kitchen").await? {
//!     println!("{}: {} is {}", id, job.job_id, job.status);
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use livekit_api::services::agent_dispatch::AgentDispatchClient;
use livekit_api::services::room::{CreateRoomOptions, RoomClient};
use livekit_api::services::{ServerError, ServiceError};
use livekit_protocol as proto;
use serde::Serialize;

use crate::token::Access;
use crate::{Error, ErrorKind};

/// Longest that a call takes.
pub const LIMIT: Duration = Duration::from_secs(10);

/// A server's interface for administrators.
#[derive(Debug)]
pub struct Server {
    url: String,
    dispatches: AgentDispatchClient,
    rooms: RoomClient,
}

/// A room, as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoomInfo {
    /// Its name.
    pub name: String,
    /// The server's own id of it.
    pub sid: String,
    /// How many are in it, agents not counted.
    pub participants: u32,
    /// Its metadata.
    pub metadata: String,
    /// When it came to be, in seconds since 1970.
    pub created_at: i64,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParticipantInfo {
    /// Unique in the room.
    pub identity: String,
    /// The name that others see.
    pub name: String,
    /// `STANDARD`, `AGENT`, `SIP`, …
    pub kind: String,
    /// `ACTIVE` once its connection is up.
    pub state: String,
    /// The state of an agent (`lk.agent.state`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_state: Option<String>,
}

/// A job of a dispatch, as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JobView {
    /// The dispatch that it came of.
    pub dispatch_id: String,
    /// Its own id.
    pub job_id: String,
    /// The name that was asked for.
    pub agent_name: String,
    /// `JS_PENDING`, `JS_RUNNING`, `JS_SUCCESS` or `JS_FAILED`.
    pub status: String,
    /// Why it failed.
    pub error: String,
}

impl Server {
    /// The interface of `access`'s server.
    pub fn new(access: &Access) -> Self {
        crate::tls::install();
        let (url, key, secret) = (access.url(), access.api_key(), access.secret());
        Self {
            url: url.to_owned(),
            dispatches: AgentDispatchClient::with_api_key(url, key, secret).with_request_timeout(LIMIT),
            rooms: RoomClient::with_api_key(url, key, secret).with_request_timeout(LIMIT),
        }
    }

    /// Sends the worker called `agent_name` to `room`, which is created if need be, with `metadata` for
    /// its job. Returns the dispatch's id.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] if the server refuses the key; [`ErrorKind::Network`] if it cannot be
    /// reached; [`ErrorKind::Config`] if it refuses the request.
    pub async fn dispatch(&self, room: &str, agent_name: &str, metadata: &str) -> Result<String, Error> {
        let request = proto::CreateAgentDispatchRequest {
            agent_name: agent_name.to_owned(),
            room: room.to_owned(),
            metadata: metadata.to_owned(),
            ..Default::default()
        };
        Ok(self.within(self.dispatches.create_dispatch(request)).await?.id)
    }

    /// Takes a dispatch back: its job is told to end.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn withdraw(&self, room: &str, dispatch_id: &str) -> Result<(), Error> {
        self.within(self.dispatches.delete_dispatch(dispatch_id, room)).await.map(drop)
    }

    /// The jobs of all dispatches to `room`; a dispatch without one has no job yet, and is left out.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn jobs(&self, room: &str) -> Result<Vec<JobView>, Error> {
        let dispatches = self.within(self.dispatches.list_dispatch(room)).await?;
        Ok(dispatches
            .into_iter()
            .flat_map(|dispatch| {
                let jobs = dispatch.state.map(|state| state.jobs).unwrap_or_default();
                jobs.into_iter().map(move |job| {
                    let state = job.state.unwrap_or_default();
                    JobView {
                        dispatch_id: dispatch.id.clone(),
                        job_id: job.id,
                        agent_name: dispatch.agent_name.clone(),
                        status: state.status().as_str_name().to_owned(),
                        error: state.error,
                    }
                })
            })
            .collect())
    }

    /// Creates `room`, or finds it.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn create_room(&self, room: &str) -> Result<RoomInfo, Error> {
        self.within(self.rooms.create_room(room, CreateRoomOptions::default())).await.map(room_info)
    }

    /// Ends `room` for all that are in it.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn delete_room(&self, room: &str) -> Result<(), Error> {
        self.within(self.rooms.delete_room(room)).await
    }

    /// All rooms.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn rooms(&self) -> Result<Vec<RoomInfo>, Error> {
        Ok(self.within(self.rooms.list_rooms(Vec::new())).await?.into_iter().map(room_info).collect())
    }

    /// Who is in `room`, agents too.
    ///
    /// # Errors
    /// As [`Server::dispatch`].
    pub async fn participants(&self, room: &str) -> Result<Vec<ParticipantInfo>, Error> {
        let participants = self.within(self.rooms.list_participants(room)).await?;
        Ok(participants
            .into_iter()
            .map(|mut participant| ParticipantInfo {
                kind: participant.kind().as_str_name().to_owned(),
                state: participant.state().as_str_name().to_owned(),
                agent_state: participant.attributes.remove("lk.agent.state"),
                identity: participant.identity,
                name: participant.name,
            })
            .collect())
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, ServiceError>>) -> Result<T, Error> {
        match tokio::time::timeout(LIMIT, call).await {
            Ok(answer) => answer.map_err(|error| self.told(error)),
            Err(_) => {
                let message = format!("{}: no answer within {} s", self.url, LIMIT.as_secs());
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        }
    }

    fn told(&self, error: ServiceError) -> Error {
        let url = &self.url;
        match error {
            ServiceError::Twirp(ServerError::Twirp(code)) => match code.code.as_str() {
                "unauthenticated" | "permission_denied" => Error::new(
                    ErrorKind::Unauthorized,
                    format!(
                        "{url} refuses the key ({}); check LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
                        code.msg
                    ),
                ),
                _ => Error::new(ErrorKind::Config, format!("{url} refuses: {}: {}", code.code, code.msg)),
            },
            // A refused key is answered in plain text, which the client does not understand.
            ServiceError::Twirp(ServerError::Request(error)) if error.is_decode() => Error::new(
                ErrorKind::Unauthorized,
                format!(
                    "{url} does not answer as LiveKit's interface does: it refuses the key, or is another server; check LIVEKIT_API_KEY, LIVEKIT_API_SECRET and LIVEKIT_URL"
                ),
            ),
            ServiceError::Twirp(ServerError::Request(error)) => {
                Error::new(ErrorKind::Network, format!("{url} cannot be reached: {}", causes(&error)))
            }
            other => Error::new(ErrorKind::Network, format!("{url}: {other}")),
        }
    }
}

fn room_info(room: proto::Room) -> RoomInfo {
    RoomInfo {
        name: room.name,
        sid: room.sid,
        participants: room.num_participants,
        metadata: room.metadata,
        created_at: room.creation_time,
    }
}

/// An error with what caused it: the outermost alone says little.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
