//! A script performed in process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use crate::script::{Fault, Piece, Plan, Progress, Prompt, Script};
use duologue_agent::llm::{Llm, LlmError, LlmErrorKind, LlmEvent, LlmRequest, LlmStream, Usage};

/// How long a stalled [`ScriptedLlm`] is silent before it gives up, unless told otherwise.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// A language model that follows a script, on tokio's clock: under a paused clock a minute of
/// answer takes no time. Clones are cheap and mean the same model.
#[derive(Clone)]
pub struct ScriptedLlm {
    inner: Arc<Inner>,
}

struct Inner {
    script: Script,
    patience: Duration,
    progress: Mutex<Progress>,
    requests: Mutex<Vec<LlmRequest>>,
    cancelled: AtomicUsize,
}

impl ScriptedLlm {
    /// One that follows `script`.
    pub fn new(script: Script) -> Self {
        Self::with_patience(script, DEFAULT_PATIENCE)
    }

    /// One that is silent this long when it stalls or hangs before it fails with
    /// [`LlmErrorKind::TimedOut`]. [`Duration::MAX`] breaks the contract of [`Llm`] on purpose.
    pub fn with_patience(script: Script, patience: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                script,
                patience,
                progress: Mutex::default(),
                requests: Mutex::default(),
                cancelled: AtomicUsize::new(0),
            }),
        }
    }

    /// What it was asked, oldest first.
    pub fn requests(&self) -> Vec<LlmRequest> {
        locked(&self.inner.requests).clone()
    }

    /// How many answers were dropped before their end.
    pub fn cancelled(&self) -> usize {
        self.inner.cancelled.load(Ordering::SeqCst)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Llm for ScriptedLlm {
    fn name(&self) -> &str {
        &self.inner.script.model
    }

    fn stream(&self, request: LlmRequest) -> LlmStream {
        let plan = self.inner.script.plan(&Prompt::from(&request), &mut locked(&self.inner.progress));
        locked(&self.inner.requests).push(request);
        let performance = Performance { plan, at: 0, over: false, inner: Arc::clone(&self.inner) };
        stream::unfold(performance, |mut performance| async move {
            let event = performance.next().await?;
            Some((event, performance))
        })
        .boxed()
    }
}

struct Performance {
    plan: Plan,
    at: usize,
    over: bool,
    inner: Arc<Inner>,
}

impl Performance {
    async fn next(&mut self) -> Option<Result<LlmEvent, LlmError>> {
        if self.over {
            return None;
        }
        if let Some((silence, error)) = self.failure() {
            pause(silence).await;
            self.over = true;
            return Some(Err(error));
        }
        let Some(piece) = self.plan.pieces.get(self.at).cloned() else {
            self.over = true;
            return Some(Ok(LlmEvent::Usage(Usage {
                prompt_tokens: self.plan.prompt_tokens,
                completion_tokens: self.at as u64,
            })));
        };
        pause(if self.at == 0 { self.plan.ttft } else { self.plan.interval }).await;
        self.at += 1;
        Some(Ok(match piece {
            Piece::Reasoning(text) => LlmEvent::Reasoning(text),
            Piece::Text(text) => LlmEvent::Text(text),
            Piece::Call(call) => LlmEvent::ToolCall(call),
        }))
    }

    /// What goes wrong now, and how long it is silent before.
    fn failure(&self) -> Option<(Duration, LlmError)> {
        let (kind, after, problem) = match *self.plan.fault.as_ref()? {
            Fault::Refuse => (LlmErrorKind::Unreachable, 0, "connection refused"),
            Fault::Unauthorized => (LlmErrorKind::Unauthorized, 0, "the key was refused"),
            Fault::UnknownModel => (LlmErrorKind::Refused, 0, "no such model"),
            Fault::RateLimited { retry_after_ms } => {
                let retry_after = retry_after_ms.map(Duration::from_millis);
                (LlmErrorKind::RateLimited { retry_after }, 0, "too many requests")
            }
            Fault::ServerError => (LlmErrorKind::Server, 0, "the server failed"),
            Fault::Hang => (LlmErrorKind::TimedOut, 0, "nothing came in time"),
            Fault::Stall { after_tokens } => (LlmErrorKind::TimedOut, after_tokens, "nothing came in time"),
            Fault::Close { after_tokens } => (LlmErrorKind::Server, after_tokens, "the answer broke off"),
            Fault::MalformedJson { after_tokens } | Fault::MalformedStream { after_tokens } => {
                (LlmErrorKind::Malformed, after_tokens, "what came could not be understood")
            }
        };
        let silence = if kind == LlmErrorKind::TimedOut { self.inner.patience } else { Duration::ZERO };
        // An answer shorter than the fault's place breaks at its end.
        let reached = self.at >= after.min(self.plan.pieces.len());
        reached.then(|| (silence, LlmError::new(kind, format!("scripted model: {problem}"))))
    }
}

impl Drop for Performance {
    fn drop(&mut self) {
        if !self.over {
            self.inner.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn pause(length: Duration) {
    if length == Duration::MAX {
        std::future::pending::<()>().await;
    }
    if !length.is_zero() {
        sleep(length).await;
    }
}
