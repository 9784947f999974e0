//! The attribute that frontends show the agent's state by.
//!
//! Invariant: what is published last is the state that was set last; states that pass faster than the
//! server takes them are left out.

use std::sync::Arc;

use duologue_agent::session::AgentState;
use tokio::sync::watch;

use crate::engine::{Attributes, Room};

/// The attribute; frontends wait 20 s for it.
const ATTRIBUTE: &str = "lk.agent.state";

/// See the [module](self).
pub(super) struct StateAttribute(watch::Sender<&'static str>);

impl StateAttribute {
    /// Publishes `initializing`, and from then on what is set, until it is dropped.
    pub fn publish(room: Arc<dyn Room>) -> Self {
        let (sender, mut states) = watch::channel("initializing");
        states.mark_changed();
        tokio::spawn(async move {
            while states.changed().await.is_ok() {
                let state = *states.borrow_and_update();
                let attributes = Attributes::from([(ATTRIBUTE.to_owned(), state.to_owned())]);
                if let Err(error) = room.set_attributes(&attributes).await {
                    tracing::warn!("frontends do not see that the agent is {state}: {error}");
                }
            }
        });
        Self(sender)
    }

    /// The agent's state is now `state`.
    pub fn set(&self, state: AgentState) {
        if let Some(name) = name(state) {
            self.0.send_if_modified(|known| std::mem::replace(known, name) != name);
        }
    }

    /// Publishes the state again, after a reconnect.
    pub fn again(&self) {
        self.0.send_modify(|_| {});
    }
}

/// As frontends call it. LiveKit's agents are `listening` whenever they are neither thinking nor speaking.
fn name(state: AgentState) -> Option<&'static str> {
    match state {
        AgentState::Initializing => Some("initializing"),
        AgentState::Idle | AgentState::Listening => Some("listening"),
        AgentState::Thinking => Some("thinking"),
        AgentState::Speaking => Some("speaking"),
        // It leaves.
        _ => None,
    }
}
