//! The turn engine: from a user turn, or of its own accord, to words and deeds.
//!
//! ```text
//!              ┌── taken back: nothing happened ──────────────┐
//!   asked ─────┤                                              ▼
//!   (perhaps   └─▶ certain ─▶ on_user_turn ─▶ steps ─▶ over (or stopped in the middle)
//!   too early)        model, tools, model, … ──┘ └─▶ hand-off
//! ```
//! A turn that may still be taken back asks the model at once; effects wait until it is certain. What
//! the model says meanwhile goes to the voice, which holds it; for an agent with an `on_user_turn` of
//! its own, which may rewrite the question, it waits here.

use std::sync::Arc;

use duologue_pipeline::{Reply, Responder, UserTurn};

use super::core::lock;
use super::handoff::Current;
use super::step::{Step, ask};
use super::turn::Turn;
use super::{AgentSession, SessionEvent, Shared, SpeechHandle, Taking};
use crate::agent::{Handoff, TurnDecision};
use crate::chat::{ChatContent, ChatItem, Role};
use crate::llm::{LlmRequest, ToolChoice};
use crate::{Error, ErrorKind};

/// Answers the pipeline's user turns.
pub(super) struct SessionResponder<U: Send + Sync + 'static> {
    pub shared: std::sync::Weak<Shared<U>>,
    pub speculates: bool,
}

impl<U: Send + Sync + 'static> Responder for SessionResponder<U> {
    fn respond(&self, turn: UserTurn, reply: Reply) {
        let Some(shared) = self.shared.upgrade() else { return };
        let session = AgentSession { shared, scope: None };
        let agent = session.agent_id();
        let record = Turn::reply(&session.shared.core, &agent, &turn, reply);
        session.answer(record, turn.text);
    }

    fn speculates(&self) -> bool {
        self.speculates
    }

    /// The answer is a task of the session's runtime.
    fn blocks(&self) -> bool {
        false
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Answers `text` in `turn`, on the session's runtime.
    pub(super) fn answer(&self, turn: Arc<Turn>, text: String) {
        let session = self.within(&turn);
        let failing = Arc::clone(&turn);
        self.spawn_turn(failing, async move {
            let mut handoff = None;
            let limit = session.shared.config.turn_limit;
            tokio::select! {
                biased;
                followed = session.answer_user(&turn, text) => handoff = followed,
                () = turn.stopped() => {}
                () = turn.expired(limit) => session.late(limit),
            }
            turn.finish().await;
            if !turn.is_certain() {
                session.shared.core.change(|history| history.abandon(turn.key()));
            }
            if let Some(handoff) = handoff {
                session.without_turn().hand_over(handoff, true).await;
            }
        });
    }

    async fn answer_user(&self, turn: &Arc<Turn>, asked: String) -> Option<Handoff<U>> {
        let current = self.current_entry()?;
        let early = turn.is_speculative();
        if early && !current.takes_turns_as_they_are() {
            turn.hold().await;
        }
        let mut generation = Box::pin(self.generate(turn, None));
        let mut generated = None;
        if early {
            tokio::select! {
                biased;
                _ = turn.committed() => {}
                outcome = &mut generation => {
                    generated = Some(outcome);
                    turn.complete().await;
                }
            }
        }
        if !turn.committed().await {
            return None;
        }
        let mut text = asked.clone();
        let (decision, next) = self.take_turn(turn, &current, &mut text).await;
        self.shared.core.record(|history| history.commit(turn.key(), Some(&text)));
        self.shared.core.events.publish(SessionEvent::UserTurn { text: text.clone() });
        if turn.is_stopped() {
            return None;
        }
        // What was said of the question as it was, or by who does not answer it, is forgotten.
        let again = decision != TurnDecision::Generate || (early && text != asked) || next.is_some();
        if again {
            generated = None;
            generation = Box::pin(self.generate(turn, None));
        }
        turn.clear(!again).await;
        if next.is_some() {
            return next;
        }
        match decision {
            TurnDecision::Decline => None,
            TurnDecision::Answer(answer) => {
                turn.show(answer.clone()).await;
                // Who is not listened to is stopped by the caller.
                let _ = turn.write(&answer, true).await;
                None
            }
            TurnDecision::Generate => match generated {
                Some(outcome) => outcome,
                None => generation.await,
            },
        }
    }

    /// Lets the agent look at the user's turn, which it may hand on to another one.
    async fn take_turn(
        &self,
        turn: &Arc<Turn>,
        current: &Current<U>,
        text: &mut String,
    ) -> (TurnDecision, Option<Handoff<U>>) {
        let seen = self.shared.plain_turns();
        *lock(&self.shared.taking) = Some(Taking { turn: Arc::downgrade(turn), next: None });
        let hook = current.agent.on_user_turn(self, text);
        let decision = self.hook("on_user_turn", hook).await.unwrap_or_default();
        current.note_plain(self.shared.plain_turns() > seen);
        let next = lock(&self.shared.taking).take().and_then(|taking| taking.next);
        (decision, next)
    }

    /// The model speaks of its own accord, told `instructions` for this once.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session is not running.
    pub fn generate_reply(&self, instructions: &str) -> Result<SpeechHandle, Error> {
        self.shared.core.output()?;
        self.check_running()?;
        self.shared.core.note_order();
        let turn = Turn::speech(&self.shared.core, &self.agent_id());
        let speech = turn.whole().handle();
        let session = self.without_turn().within(&turn);
        let note = (!instructions.trim().is_empty()).then(|| instructions.to_owned());
        self.spawn_turn(Arc::clone(&turn), async move {
            let cancelled = turn.whole().cancelled.clone();
            let mut handoff = None;
            let limit = session.shared.config.turn_limit;
            tokio::select! {
                biased;
                () = cancelled.cancelled() => turn.stop(),
                () = turn.stopped() => {}
                followed = session.generate(&turn, note.as_deref()) => handoff = followed,
                () = turn.expired(limit) => session.late(limit),
            }
            turn.finish().await;
            if let Some(handoff) = handoff {
                session.without_turn().hand_over(handoff, true).await;
            }
        });
        Ok(speech)
    }

    /// Model, tools, model, … until only text comes, or another agent takes over.
    pub(super) async fn generate(&self, turn: &Arc<Turn>, note: Option<&str>) -> Option<Handoff<U>> {
        let config = &self.shared.config;
        let mut answered = false;
        for step in 0..=config.max_tool_steps {
            let current = self.current_entry()?;
            let mut tools = current.agent.tools();
            if let Some(map) = &self.shared.map_tools {
                tools = map(tools);
            }
            let Some(llm) = current.llm.clone().or_else(|| self.shared.llm.clone()) else {
                self.model_failed(turn, "the session has no language model; give it one with llm()").await;
                return None;
            };
            let mut items = self.shared.core.read(|history| history.request(turn.key()));
            if let Some(note) = note {
                let content =
                    ChatContent::Message { role: Role::System, text: note.into(), interrupted: false };
                items.push(ChatItem::new(&*current.id, content));
            }
            let last = step == config.max_tool_steps;
            let request = LlmRequest {
                instructions: current.agent.instructions(),
                items: items.for_model(config.token_budget).items().to_vec(),
                tools: tools.definitions(),
                tool_choice: if last { ToolChoice::None } else { ToolChoice::Auto },
                response_schema: None,
            };
            let mut calling = None;
            // What is called on the last step is not run: nobody would be asked what to make of it.
            let mut on_call = |call| {
                last || calling.get_or_insert_with(|| self.begin_calls(turn, tools.clone())).call(call)
            };
            let Step { bytes, error } =
                ask(&self.shared.core, config, turn, &current.agent, &*llm, request, &mut on_call).await;
            answered |= bytes > 0;
            if let Some(error) = error {
                self.model_failed(turn, &error.to_string()).await;
                return None;
            }
            let Some(calling) = calling else {
                if !answered {
                    self.model_failed(turn, "the model answered nothing; look at its log").await;
                }
                return None;
            };
            let called = calling.finish().await?;
            let replaced =
                current.is_over() || self.current_entry().is_none_or(|now| !Arc::ptr_eq(&now, &current));
            if called.handoff.is_some() || !called.answer || replaced {
                if called.handoff.is_some() && !turn.cleared().await {
                    return None;
                }
                return called.handoff;
            }
        }
        None
    }

    /// A model that fails is told of, and apologised for. A turn that may be taken back fails instead:
    /// the pipeline asks again once it is certain.
    async fn model_failed(&self, turn: &Turn, why: &str) {
        let error = Error::new(ErrorKind::Llm, why);
        tracing::warn!(%error, "the model failed");
        self.shared.core.events.publish(SessionEvent::from(&error));
        if turn.is_speculative() {
            return turn.fail(why).await;
        }
        let apology = &self.shared.config.apology;
        if !apology.is_empty() {
            turn.show(apology.clone()).await;
            let _ = turn.write(apology, true).await;
        }
    }

    fn late(&self, limit: std::time::Duration) {
        let message =
            format!("the turn took more than {limit:?} and was ended; look for a slow tool or hook");
        self.shared.core.events.publish(SessionEvent::from(&Error::new(ErrorKind::TimedOut, message)));
    }
}
