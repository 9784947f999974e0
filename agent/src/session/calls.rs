//! The tool calls of one step: begun as the model gives them, recorded, and what follows from them.

use std::sync::Arc;

use futures_util::stream::unfold;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::turn::Turn;
use super::{AgentSession, SessionEvent};
use crate::Handoff;
use crate::chat::{ChatContent, ChatItem};
use crate::llm::ToolCall;
use crate::tool::{Step, ToolOutcome, ToolReply, Toolset};

/// Calls that the model may give faster than they are begun.
const MAX_GIVEN: usize = 256;

/// What follows from the calls of a step.
pub(super) struct Called<U: Send + Sync + 'static> {
    pub handoff: Option<Handoff<U>>,
    /// The model is to go on.
    pub answer: bool,
}

/// Calls under way. Whoever drops it cancels tools without effect; tools with an effect run to their
/// end, and what came of them is recorded all the same.
pub(super) struct Calling<U: Send + Sync + 'static> {
    session: AgentSession<U>,
    turn: Arc<Turn>,
    calls: mpsc::Sender<ToolCall>,
    outcome: oneshot::Receiver<Called<U>>,
    _cancel_on_drop: DropGuard,
}

impl<U: Send + Sync + 'static> Calling<U> {
    /// Makes one more call; `false` if there are too many.
    pub fn call(&self, call: ToolCall) -> bool {
        let Ok(place) = self.calls.try_reserve() else { return false };
        self.turn.add(self.session.item(ChatContent::ToolCall {
            call_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        }));
        place.send(call);
        true
    }

    /// No more calls come: what became of them.
    pub async fn finish(self) -> Option<Called<U>> {
        let Self { calls, outcome, _cancel_on_drop, .. } = self;
        drop(calls);
        outcome.await.ok()
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Begins to run the calls of a step, which the model has not finished giving.
    pub(super) fn begin_calls(&self, turn: &Arc<Turn>, tools: Toolset<U>) -> Calling<U> {
        let cancelled = CancellationToken::new();
        let cancel_on_drop = cancelled.clone().drop_guard();
        let (done, outcome) = oneshot::channel();
        let (calls, given) = mpsc::channel(MAX_GIVEN);
        let calling = Calling {
            session: self.clone(),
            turn: Arc::clone(turn),
            calls,
            outcome,
            _cancel_on_drop: cancel_on_drop,
        };
        let (session, turn) = (self.clone(), Arc::clone(turn));
        self.spawn_as_part(turn.activity(), "tools", async move {
            let gate = turn.gate();
            let step = Step { session: &session, tools: &tools, gate: &gate, cancelled: &cancelled };
            let calls = unfold(given, |mut given| async { Some((given.recv().await?, given)) });
            let outcomes = session.shared.executor.run_stream(step, calls).await;
            let called = session.called(&turn, outcomes);
            if let Err(Called { handoff: Some(handoff), .. }) = done.send(called) {
                // Nobody waits for the answer any more, but the tool has handed over.
                session.hand_over(handoff, false).await;
            }
        });
        calling
    }

    fn called(&self, turn: &Turn, outcomes: Vec<ToolOutcome<U>>) -> Called<U> {
        let mut called = Called { handoff: None, answer: false };
        for ToolOutcome { call, reply, duration } in outcomes {
            let (output, is_error) = (reply.text().into_owned(), reply.is_error());
            turn.add(self.item(ChatContent::ToolResult {
                call_id: call.id.clone(),
                name: call.name.clone(),
                output: output.clone(),
                is_error,
            }));
            if !turn.is_stopped() || turn.is_certain() {
                self.shared.core.events.publish(SessionEvent::ToolFinished {
                    call_id: call.id,
                    name: call.name,
                    output,
                    is_error,
                    took: duration,
                });
            }
            match reply {
                ToolReply::Handoff(handoff) => called.handoff = Some(handoff),
                ToolReply::Result { .. } => called.answer = true,
                ToolReply::Silent | ToolReply::Dropped => {}
            }
        }
        called
    }

    fn item(&self, content: ChatContent) -> ChatItem {
        ChatItem::new(self.agent_id(), content)
    }
}
