//! The end of a session.

use std::time::Duration;

use tokio::time::timeout;

use super::core::lock;
use super::{AgentSession, Life};

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Ends the session: the agent finishes what it is saying, within
    /// [`close_limit`](super::SessionConfig::close_limit), leaves, and speaks no more. Returns when
    /// all is over; closing again waits for the same end.
    pub async fn close(&self) {
        let mut before = Life::Closed;
        self.shared.life.send_modify(|life| {
            before = *life;
            if matches!(life, Life::New | Life::Running) {
                *life = Life::Closing;
            }
        });
        match before {
            Life::Closed => return,
            Life::Closing => {
                // The sender lives in `self`.
                let _ = self.shared.life.subscribe().wait_for(|life| *life == Life::Closed).await;
                return;
            }
            Life::New => {}
            Life::Running => self.wind_up().await,
        }
        self.shared.life.send_replace(Life::Closed);
        self.shared.core.events.close();
    }

    async fn wind_up(&self) {
        let session = self.without_turn();
        let core = &self.shared.core;
        let limit = self.shared.config.close_limit;
        // What the user says from here on is not heard, and what is not said by then is not said.
        let _ = self.set_muted(true);
        let _ = timeout(limit, core.silent()).await;
        if let Some(current) = session.current_entry() {
            // A hook that fails has been told of.
            let _ = session.hook("on_exit", current.agent.on_exit(&session)).await;
            let _ = timeout(limit, core.silent()).await;
        }
        // What was heard until here is history; a tool with an effect may need a moment.
        core.silence();
        let _ = timeout(limit.max(Duration::from_secs(1)), core.silent()).await;
        let _ = timeout(Duration::from_secs(1), core.end_conversation()).await;
        let pipeline = lock(&self.shared.pipeline).take();
        if let Some(pipeline) = pipeline {
            // Its threads are waited for.
            let _ = tokio::task::spawn_blocking(move || drop(pipeline)).await;
        }
        core.close();
        if let Some(current) = session.current_entry() {
            let _ = session.hook("on_disconnect", current.agent.on_disconnect(&session)).await;
        }
        if let Some(keeper) = &core.keeper {
            let _ = timeout(self.shared.config.hook_limit, keeper.flush()).await;
        }
        *lock(&self.shared.current) = None;
    }
}
