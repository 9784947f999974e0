//! Running a task: another agent has the session until it ends, and the one before comes back.

use std::sync::Arc;

use super::{AgentSession, Current, Life};
use crate::agent::Carry;
use crate::chat::ChatContext;
use crate::task::AgentTask;
use crate::tool::stopwatch;
use crate::{Error, ErrorKind};

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Lets `task`'s agent have the session until it ends; then the agent before comes back. In a tool
    /// the turn gives its floor away meanwhile, and speaks again when the tool is done: the task begins
    /// when the turn is certain and what the model says along with the call is written, and after the
    /// tasks of other calls. Its time does not count against the tool's limit.
    ///
    /// # Errors
    /// The task's own; [`ErrorKind::TimedOut`] after [`AgentTask::limit`]; [`ErrorKind::Closed`] if
    /// the session closes, the turn is taken back, or the task's agent gave up without a result.
    pub async fn run_task<T: Send + 'static>(&self, task: AgentTask<T, U>) -> Result<T, Error> {
        self.check_running()?;
        self.shared.core.output()?;
        let paused = stopwatch::pause();
        let AgentTask { agent, mut outcome, done, limit, carry } = task;
        let turn = self.turn();
        let _floor = match &turn {
            Some(turn) if paused.is_some() => Some(turn.lend_floor().await.ok_or_else(|| {
                Error::new(ErrorKind::Closed, "the user goes on instead: the turn of the task was taken back")
            })?),
            Some(turn) => {
                // A hook: what the model writes waits for it.
                turn.release().await;
                None
            }
            None => None,
        };
        let next = Current::new(agent);
        let back = self.lend(&next, carry).await;
        // The session waits for the user, not for this.
        let suspended = Arc::new(self.shared.core.suspend(self.scope.is_some()));
        let (ended, resumed) = (Arc::clone(&next), Arc::clone(&suspended));
        done.then(move || {
            ended.end();
            resumed.resume();
        });
        self.enter(Arc::clone(&next), true);
        let mut life = self.shared.life.subscribe();
        let result = tokio::select! {
            biased;
            result = &mut outcome => result.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Closed, "the task's agent is gone without a result"))
            }),
            _ = life.wait_for(|life| matches!(life, Life::Closing | Life::Closed)) => {
                Err(Error::new(ErrorKind::Closed, "the session is closed; the task has no result"))
            }
            () = tokio::time::sleep(limit) => {
                let message = format!("the task `{}` took more than {limit:?}", next.id);
                Err(Error::new(ErrorKind::TimedOut, message))
            }
        };
        suspended.resume();
        next.end();
        // A hook that fails has been told of.
        let _ = self.hook("on_exit", next.agent.on_exit(&self.without_turn())).await;
        drop(back);
        result
    }

    async fn lend(&self, next: &Arc<Current<U>>, carry: Carry) -> ComesBack<U> {
        let _switching = self.shared.switching.lock().await;
        let before = self.current_entry();
        let known = self.shared.core.read(super::history::ChatHistory::view);
        self.make_current(before.as_ref().map(|before| before.id.clone()), next);
        self.shared.core.change(|history| history.carry(carry));
        ComesBack { session: self.without_turn(), before, known, task: next.id.clone() }
    }
}

/// Brings the agent before back, also when the task is dropped.
struct ComesBack<U: Send + Sync + 'static> {
    session: AgentSession<U>,
    before: Option<Arc<Current<U>>>,
    known: ChatContext,
    task: String,
}

impl<U: Send + Sync + 'static> Drop for ComesBack<U> {
    fn drop(&mut self) {
        // A session that is closed has no agent any more.
        if self.session.current_entry().is_none() {
            return;
        }
        let Some(before) = &self.before else { return };
        self.session.shared.core.change(|history| history.restore(&self.known));
        self.session.make_current(Some(self.task.clone()), before);
    }
}
