//! Who is current: entering, leaving, hand-offs, and the hooks of an agent.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use duologue_models::{SpeakOptions, Stt};
use duologue_pipeline::conversation::Policy;

use super::core::{Output, lock};
use super::hearing::Hearing;
use super::{AgentSession, SessionEvent};
use crate::agent::{Agent, Handoff};
use crate::chat::{ChatContent, ChatItem};
use crate::llm::Llm;
use crate::{Error, ErrorKind};

/// The agent that has the session, and what the session has found out about it.
pub(crate) struct Current<U: Send + Sync + 'static> {
    pub agent: Arc<dyn Agent<U>>,
    pub id: String,
    pub llm: Option<Arc<dyn Llm>>,
    /// It takes user turns as they are: `on_user_turn` is the trait's own.
    plain: AtomicBool,
    /// It has done its task; nothing more is to be said for it.
    over: AtomicBool,
}

impl<U: Send + Sync + 'static> Current<U> {
    pub fn new(agent: Arc<dyn Agent<U>>) -> Arc<Self> {
        let (id, llm) = (agent.id(), agent.overrides().llm);
        Arc::new(Self { agent, id, llm, plain: AtomicBool::new(false), over: AtomicBool::new(false) })
    }

    pub fn takes_turns_as_they_are(&self) -> bool {
        self.plain.load(Ordering::Acquire)
    }

    pub fn note_plain(&self, plain: bool) {
        self.plain.store(plain, Ordering::Release);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

/// What holds unless an agent overrides it.
pub(crate) struct Base {
    pub voice: SpeakOptions,
    pub policy: Policy,
    pub stt: Arc<dyn Stt>,
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Another agent takes over; returns at once. The agent before leaves, then the other enters.
    ///
    /// Within [`Agent::on_user_turn`] it is the other agent that answers this turn, whatever the hook
    /// decides: so an orchestrator gives each turn to whom it concerns.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session is not running.
    pub fn update_agent(&self, handoff: Handoff<U>) -> Result<(), Error> {
        self.check_running()?;
        self.shared.core.output()?;
        let Some(handoff) = self.pass_turn_on(handoff) else { return Ok(()) };
        let session = self.without_turn();
        self.spawn("update_agent", async move { session.hand_over(handoff, false).await });
        Ok(())
    }

    /// Keeps `handoff` until `on_user_turn` is over, if it comes from there.
    fn pass_turn_on(&self, handoff: Handoff<U>) -> Option<Handoff<U>> {
        let Some(scope) = &self.scope else { return Some(handoff) };
        let mut taking = lock(&self.shared.taking);
        match &mut *taking {
            Some(taking) if taking.turn.ptr_eq(scope) => {
                taking.next = Some(handoff);
                None
            }
            _ => Some(handoff),
        }
    }

    /// The agent that has the session.
    pub fn current_agent(&self) -> Option<Arc<dyn Agent<U>>> {
        self.current_entry().map(|current| Arc::clone(&current.agent))
    }

    pub(super) fn current_entry(&self) -> Option<Arc<Current<U>>> {
        lock(&self.shared.current).clone()
    }

    pub(super) fn agent_id(&self) -> String {
        self.current_entry().map_or_else(String::new, |current| current.id.clone())
    }

    /// Hands over; `answer` lets the model of the next agent speak if its `on_enter` does not.
    pub(super) async fn hand_over(&self, handoff: Handoff<U>, answer: bool) {
        let Handoff { agent, carry, .. } = handoff;
        let next = Current::new(agent);
        let switching = self.shared.switching.lock().await;
        let before = self.current_entry();
        if let Some(before) = &before {
            // A hook that fails has been told of.
            let _ = self.hook("on_exit", before.agent.on_exit(self)).await;
        }
        self.make_current(before.as_ref().map(|before| before.id.clone()), &next);
        self.shared.core.change(|history| history.carry(carry));
        drop(switching);
        self.enter(next, answer);
    }

    /// The switch itself: no hooks.
    pub(crate) fn make_current(&self, from: Option<String>, next: &Arc<Current<U>>) {
        *lock(&self.shared.current) = Some(Arc::clone(next));
        let to = next.id.clone();
        if from.is_some() {
            let content = ChatContent::Handoff { from: from.clone(), to: to.clone() };
            self.shared.core.record(|history| history.note(ChatItem::new(&*to, content)));
        }
        if let Err(error) = self.apply(&next.agent) {
            self.shared.core.events.publish(SessionEvent::from(&error));
        }
        self.shared.core.events.publish(SessionEvent::Handoff { from, to });
    }

    /// Lets an agent that has become current begin, without waiting for it.
    pub(crate) fn enter(&self, current: Arc<Current<U>>, answer: bool) {
        let session = self.without_turn();
        self.spawn("on_enter", async move {
            let ordered = session.shared.core.ordered();
            let entered = current.agent.on_enter(&session).await;
            session.report("on_enter", entered);
            let still = session.current_entry().is_some_and(|now| Arc::ptr_eq(&now, &current));
            if answer && still && !current.is_over() && session.shared.core.ordered() == ordered {
                // A session that is closing says nothing more.
                let _ = session.generate_reply("");
            }
        });
    }

    /// Runs a hook within its limit; an error is told of.
    pub(super) async fn hook<T>(
        &self,
        name: &str,
        hook: impl Future<Output = Result<T, Error>>,
    ) -> Option<T> {
        let limit = self.shared.config.hook_limit;
        let outcome = tokio::time::timeout(limit, hook).await.unwrap_or_else(|_| {
            let message = format!("{name} took more than {limit:?} and was given up; let it spawn its work");
            Err(Error::new(ErrorKind::TimedOut, message))
        });
        self.report(name, outcome)
    }

    fn report<T>(&self, name: &str, outcome: Result<T, Error>) -> Option<T> {
        let error = match outcome {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        tracing::warn!(%error, hook = name, "a hook failed");
        let error = error.within(name);
        self.shared.core.events.publish(SessionEvent::from(&error));
        None
    }

    /// Makes voice, tempo, policy and recogniser those of the agent.
    fn apply(&self, agent: &Arc<dyn Agent<U>>) -> Result<(), Error> {
        let overrides = agent.overrides();
        let Ok(Output::Audio(handle)) = self.shared.core.output() else { return Ok(()) };
        let Some(base) = self.shared.base.get() else { return Ok(()) };
        let voice = SpeakOptions {
            voice: overrides.voice.clone().unwrap_or_else(|| base.voice.voice.clone()),
            speed: overrides.speed.unwrap_or(base.voice.speed),
        };
        if !(0.5..=2.0).contains(&voice.speed) {
            let message = format!("overrides.speed = {} is out of range: choose 0.5 to 2.0", voice.speed);
            return Err(Error::new(ErrorKind::Config, message).with_setting("overrides.speed", "0.5 to 2.0"));
        }
        handle.set_voice(voice)?;
        handle.set_policy(overrides.policy.unwrap_or(base.policy))?;
        let stt = overrides.stt.unwrap_or_else(|| Arc::clone(&base.stt));
        Ok(handle.set_stt(&Hearing { agent: Arc::clone(agent), stt })?)
    }
}
