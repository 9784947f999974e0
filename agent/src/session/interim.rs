//! Stands in for the executor of tools until it is there.

use std::borrow::Cow;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::AgentSession;
use crate::Handoff;
use crate::llm::ToolCall;
use crate::tool::{RunContext, ToolOutput, Toolset};

#[derive(Clone, Debug)]
pub(crate) struct CommitGate(watch::Receiver<bool>);

#[derive(Debug)]
pub(crate) struct Committer(watch::Sender<bool>);

impl CommitGate {
    pub fn speculative() -> (Committer, Self) {
        let (sender, receiver) = watch::channel(false);
        (Committer(sender), Self(receiver))
    }

    pub async fn committed(&self) -> bool {
        self.0.clone().wait_for(|certain| *certain).await.is_ok()
    }
}

impl Committer {
    pub fn commit(self) {
        self.0.send_replace(true);
    }
}

pub(crate) struct Step<'a, U: Send + Sync + 'static> {
    pub session: &'a AgentSession<U>,
    pub tools: &'a Toolset<U>,
    pub gate: &'a CommitGate,
    pub cancelled: &'a CancellationToken,
}

pub(crate) enum ToolEvent {
    Started { call: ToolCall },
}

pub(crate) struct ToolOutcome<U: Send + Sync + 'static> {
    pub call: ToolCall,
    pub reply: ToolReply<U>,
    pub duration: Duration,
}

pub(crate) enum ToolReply<U: Send + Sync + 'static> {
    Result { text: String, is_error: bool },
    Handoff(Handoff<U>),
    Silent,
    Dropped,
}

impl<U: Send + Sync + 'static> ToolReply<U> {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Result { text, .. } => Cow::Borrowed(text),
            Self::Handoff(handoff) => {
                Cow::Owned(handoff.message.clone().unwrap_or_else(|| handoff.agent.id()))
            }
            Self::Silent => Cow::Borrowed("done"),
            Self::Dropped => Cow::Borrowed("not done: the user interrupted"),
        }
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Self::Result { is_error: true, .. } | Self::Dropped)
    }
}

type Listener = std::sync::Arc<dyn Fn(ToolEvent) + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Executor(Option<Listener>);

impl Executor {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn max_calls(self, _: usize) -> Self {
        self
    }

    pub fn on_event(self, listener: impl Fn(ToolEvent) + Send + Sync + 'static) -> Self {
        Self(Some(std::sync::Arc::new(listener)))
    }

    pub async fn run<U: Send + Sync + 'static>(
        &self,
        step: Step<'_, U>,
        calls: Vec<ToolCall>,
    ) -> Vec<ToolOutcome<U>> {
        let mut outcomes = Vec::new();
        for call in calls {
            let reply = self.one(&step, &call).await;
            outcomes.push(ToolOutcome { call, reply, duration: Duration::ZERO });
        }
        outcomes
    }

    async fn one<U: Send + Sync + 'static>(&self, step: &Step<'_, U>, call: &ToolCall) -> ToolReply<U> {
        let fail = |text: String| ToolReply::Result { text, is_error: true };
        let Some(tool) = step.tools.get(&call.name) else { return fail(format!("no tool {}", call.name)) };
        let Ok(arguments) = serde_json::from_str(&call.arguments) else { return fail("malformed".into()) };
        let definition = tool.definition();
        if definition.effect && !step.gate.committed().await {
            return ToolReply::Dropped;
        }
        if let Some(listener) = &self.0 {
            listener(ToolEvent::Started { call: call.clone() });
        }
        let context = RunContext::new(step.session.clone(), call.id.clone(), step.cancelled.clone());
        let run = tokio::time::timeout(definition.time_limit, tool.call(context, arguments));
        let outcome = if definition.effect {
            run.await
        } else {
            tokio::select! {
                outcome = run => outcome,
                () = step.cancelled.cancelled() => return ToolReply::Dropped,
            }
        };
        match outcome {
            Err(_) => fail(format!("{} did not finish in time", call.name)),
            Ok(Err(error)) => fail(error.to_string()),
            Ok(Ok(ToolOutput::Text(text))) => ToolReply::Result { text, is_error: false },
            Ok(Ok(ToolOutput::Json(value))) => ToolReply::Result { text: value.to_string(), is_error: false },
            Ok(Ok(ToolOutput::Handoff(handoff))) => ToolReply::Handoff(handoff),
            Ok(Ok(ToolOutput::Silent)) => ToolReply::Silent,
        }
    }
}
