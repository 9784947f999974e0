//! Envelopes between agents and frontends.

use serde::{Deserialize, Serialize};

/// A message that a frontend sent on a topic of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataMessage {
    /// The topic.
    pub topic: String,
    /// The content.
    pub payload: serde_json::Value,
    /// Identity of the sender, where the endpoint knows it.
    pub from: Option<String>,
}
