//! The tool calls of one step: run, recorded, and what follows from them.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::turn::Turn;
use super::{AgentSession, SessionEvent};
use crate::Handoff;
use crate::chat::{ChatContent, ChatItem};
use crate::llm::ToolCall;
use crate::tool::{Step, ToolOutcome, ToolReply, Toolset};

/// What follows from the calls of a step.
pub(super) struct Called<U: Send + Sync + 'static> {
    pub handoff: Option<Handoff<U>>,
    /// The model is to go on.
    pub answer: bool,
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Runs `calls`. Whoever drops the future cancels tools without effect; tools with an effect run
    /// to their end, and what came of them is recorded all the same.
    pub(super) async fn call_tools(
        &self,
        turn: &Arc<Turn>,
        tools: Toolset<U>,
        calls: Vec<ToolCall>,
    ) -> Option<Called<U>> {
        for call in &calls {
            turn.add(self.item(ChatContent::ToolCall {
                call_id: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            }));
        }
        let cancelled = CancellationToken::new();
        let _cancel_on_drop: DropGuard = cancelled.clone().drop_guard();
        let (done, outcome) = oneshot::channel();
        let (session, turn) = (self.clone(), Arc::clone(turn));
        self.spawn_as_part(turn.activity(), "tools", async move {
            let gate = turn.gate();
            let step = Step { session: &session, tools: &tools, gate: &gate, cancelled: &cancelled };
            let outcomes = session.shared.executor.run(step, calls).await;
            let called = session.called(&turn, outcomes);
            if let Err(Called { handoff: Some(handoff), .. }) = done.send(called) {
                // Nobody waits for the answer any more, but the tool has handed over.
                session.hand_over(handoff, false).await;
            }
        });
        outcome.await.ok()
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
                self.shared.line.events.publish(SessionEvent::ToolFinished {
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
