//! Tasks: agents that end with a typed result, alone or in a group.
//!
//! An agent that needs one thing of the user (an address, a consent, a choice) hands the conversation
//! to a task and goes on with what the task found out. The agent before is only paused: it neither
//! leaves nor enters again.
//!
//! ```
//! use duologue_agent::task::AgentTask;
//! use duologue_eval::{Rule, Script, ScriptedLlm};
//! use duologue_agent::{Agent, AgentSession, Error, SimpleAgent, TurnDecision};
//!
//! /// Takes the next thing the user says for the name.
//! struct AskName(duologue_agent::task::Completion<String>);
//!
//! #[async_trait::async_trait]
//! impl Agent for AskName {
//!     fn instructions(&self) -> String {
//!         "Ask for the name.".into()
//!     }
//!     async fn on_enter(&self, session: &AgentSession) -> Result<(), Error> {
//!         session.say("What is your name?").map(drop)
//!     }
//!     async fn on_user_turn(&self, _: &AgentSession, text: &mut String) -> Result<TurnDecision, Error> {
//!         self.0.complete(text.clone());
//!         Ok(TurnDecision::Decline)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let session = AgentSession::new(());
//! session.start_text(SimpleAgent::new("You book tables.")).await?;
//! let (name, _) = tokio::join!(session.run_task(AgentTask::new(AskName)), async {
//!     tokio::task::yield_now().await;
//!     session.run("Ada").await
//! });
//! assert_eq!(name?, "Ada");
//! # Ok::<(), Error>(())
//! # }).unwrap();
//! ```

mod group;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::agent::{Agent, Carry};
use crate::{Error, ErrorKind};

pub use group::{TaskGroup, TaskResults};

/// How long a task may take unless told otherwise.
pub const DEFAULT_TASK_LIMIT: Duration = Duration::from_secs(600);

/// An agent that ends with a `T`. Run by [`crate::AgentSession::run_task`].
pub struct AgentTask<T, U: Send + Sync + 'static = ()> {
    pub(crate) agent: Arc<dyn Agent<U>>,
    pub(crate) outcome: oneshot::Receiver<Result<T, Error>>,
    pub(crate) done: Done,
    pub(crate) limit: Duration,
    pub(crate) carry: Carry,
}

impl<T: Send + 'static, U: Send + Sync + 'static> AgentTask<T, U> {
    /// The task of the agent that `agent` makes; its tools and hooks complete it.
    pub fn new<A: Agent<U>>(agent: impl FnOnce(Completion<T>) -> A) -> Self {
        Self::of_shared(|done| Arc::new(agent(done)))
    }

    pub(crate) fn of_shared(agent: impl FnOnce(Completion<T>) -> Arc<dyn Agent<U>>) -> Self {
        let (sender, outcome) = oneshot::channel();
        let done = Done::default();
        let (sender, told) = (Mutex::new(Some(sender)), done.clone());
        let completion = Completion::new(move |result| {
            let sender = sender.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(sender) = sender else { return false };
            told.fire();
            sender.send(result).is_ok()
        });
        Self { agent: agent(completion), outcome, done, limit: DEFAULT_TASK_LIMIT, carry: Carry::All }
    }

    /// How long it may take.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How much of the conversation its agent knows.
    #[must_use]
    pub fn carry(mut self, carry: Carry) -> Self {
        self.carry = carry;
        self
    }
}

type Deliver<T> = dyn Fn(Result<T, Error>) -> bool + Send + Sync;

/// Ends a task. Clones end the same task; the first end counts.
pub struct Completion<T> {
    deliver: Arc<Deliver<T>>,
}

impl<T> Completion<T> {
    pub(crate) fn new(deliver: impl Fn(Result<T, Error>) -> bool + Send + Sync + 'static) -> Self {
        Self { deliver: Arc::new(deliver) }
    }

    /// The task has its result; `false` if it had ended before.
    pub fn complete(&self, value: T) -> bool {
        (self.deliver)(Ok(value))
    }

    /// The task cannot be done; `false` if it had ended before.
    pub fn fail(&self, reason: impl Into<String>) -> bool {
        (self.deliver)(Err(Error::new(ErrorKind::Tool, reason)))
    }
}

impl<T> Clone for Completion<T> {
    fn clone(&self) -> Self {
        Self { deliver: Arc::clone(&self.deliver) }
    }
}

type OnDone = Box<dyn FnOnce() + Send>;

/// What is to happen as soon as a task ends, before anybody else learns of it.
#[derive(Clone, Default)]
pub(crate) struct Done(Arc<Mutex<(bool, Option<OnDone>)>>);

impl Done {
    /// Calls `then` when the task ends, or now if it has.
    pub fn then(&self, then: impl FnOnce() + Send + 'static) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.0 {
            state.1 = Some(Box::new(then));
            return;
        }
        drop(state);
        then();
    }

    fn fire(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        let then = state.1.take();
        drop(state);
        if let Some(then) = then {
            then();
        }
    }
}
