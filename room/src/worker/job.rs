//! A job, as the server hands it over.

use std::collections::BTreeMap;

use livekit_protocol as proto;
use serde::{Deserialize, Serialize};

/// What an agent is sent to do: a room, and who asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// The dispatch that it came of.
    pub dispatch_id: String,
    /// The room's name.
    pub room: String,
    /// The server's own id of the room; empty if it is not known.
    pub room_sid: String,
    /// The room's metadata.
    pub room_metadata: String,
    /// The participant that a job for publishers is about.
    pub participant: Option<String>,
    /// The name that the agent was dispatched by; empty if by none.
    pub agent_name: String,
    /// What the dispatch says to the agent, often JSON.
    pub metadata: String,
    /// Attributes of the dispatch.
    pub attributes: BTreeMap<String, String>,
}

impl From<proto::Job> for Job {
    fn from(job: proto::Job) -> Self {
        let room = job.room.unwrap_or_default();
        Self {
            id: job.id,
            dispatch_id: job.dispatch_id,
            room: room.name,
            room_sid: room.sid,
            room_metadata: room.metadata,
            participant: job.participant.map(|participant| participant.identity),
            agent_name: job.agent_name,
            metadata: job.metadata,
            attributes: job.attributes.into_iter().collect(),
        }
    }
}

/// A job with what is needed to join its room.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Assignment {
    pub job: Job,
    /// The server's address.
    pub url: String,
    /// The token to join with.
    pub token: String,
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignment").field("job", &self.job).field("url", &self.url).finish_non_exhaustive()
    }
}
