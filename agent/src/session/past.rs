//! What was said before, as people and frontends read it.

use super::{AgentSession, keeper};
use crate::Error;
use crate::store::{HistoryQuery, HistoryStore, MemoryStore, StoredMessage};

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Whether anything was said or done in this conversation, also in a process before.
    pub fn has_history(&self) -> bool {
        !self.history().items().is_empty()
    }

    /// The latest `limit` messages (1 to [`crate::store::MAX_HISTORY`]; 100 is usual), oldest first:
    /// what was said and typed, and with `include_debug` also tool calls and results, hand-offs and
    /// statuses. From the store, processes before included; without one, from this session's memory.
    ///
    /// ```
    /// use duologue_agent::{AgentSession, SimpleAgent};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let session = AgentSession::new(());
    /// assert!(!session.has_history());
    /// session.start_text(SimpleAgent::new("You greet.").greeting("Hello!")).await?;
    /// assert!(session.has_history());
    /// let said = session.get_chat_history(false, 100).await?;
    /// assert_eq!((said[0].role.as_str(), said[0].message_type.as_str()), ("assistant", "agent_text"));
    /// # Ok::<(), duologue_agent::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for a limit out of range; [`crate::ErrorKind::Store`] if the store
    /// cannot be read.
    pub async fn get_chat_history(
        &self,
        include_debug: bool,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, Error> {
        let query = HistoryQuery { include_debug, limit, before: None };
        if let Some(keeper) = &self.shared.core.keeper {
            return keeper::recall(keeper, self.id(), query).await;
        }
        let memory = MemoryStore::new();
        for item in self.history().items() {
            memory.append(self.id(), &StoredMessage::from(item))?;
        }
        memory.chat_history(self.id(), query)
    }
}
