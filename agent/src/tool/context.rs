//! What a running tool is given.

use tokio_util::sync::CancellationToken;

use crate::session::AgentSession;

/// What a running tool is given: the session, and word of its own cancellation.
pub struct RunContext<U: Send + Sync + 'static = ()> {
    session: AgentSession<U>,
    call_id: String,
    cancelled: CancellationToken,
}

impl<U: Send + Sync + 'static> RunContext<U> {
    /// For the call `call_id`, which `cancelled` stops.
    pub fn new(session: AgentSession<U>, call_id: impl Into<String>, cancelled: CancellationToken) -> Self {
        Self { session, call_id: call_id.into(), cancelled }
    }

    /// The session.
    pub fn session(&self) -> &AgentSession<U> {
        &self.session
    }

    /// The session's userdata, locked until the guard is dropped; not to be held across `await`.
    pub fn userdata(&self) -> std::sync::MutexGuard<'_, U> {
        self.session.userdata()
    }

    /// Pairs the call with its result.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Resolves when the user has interrupted; a tool without effect is dropped soon after.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Whether the user has interrupted.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}
