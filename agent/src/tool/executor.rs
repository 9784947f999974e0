//! Runs the calls of one model step.
//!
//! ```
//! use duologue_agent::AgentSession;
//! use duologue_agent::llm::ToolCall;
//! use duologue_agent::tool::{CommitGate, Executor, Step, Toolset};
//! use duologue_agent::tool;
//! use tokio_util::sync::CancellationToken;
//!
//! /// Adds two numbers.
//! #[tool]
//! async fn add(a: i64, b: i64) -> String {
//!     (a + b).to_string()
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let session = AgentSession::new(());
//! let tools = Toolset::new().with(add);
//! let step = Step {
//!     session: &session,
//!     tools: &tools,
//!     gate: &CommitGate::open(),
//!     cancelled: &CancellationToken::new(),
//! };
//! let call = |id: &str, arguments: &str| ToolCall {
//!     id: id.into(),
//!     name: "add".into(),
//!     arguments: arguments.into(),
//! };
//! let calls = vec![call("1", r#"{"a": 2, "b": 3}"#), call("2", r#"{"a": 2}"#)];
//! let outcomes = Executor::new().run(step, calls).await;
//! assert_eq!(outcomes[0].reply.text(), "5");
//! assert!(outcomes[1].reply.is_error());
//! # });
//! ```
//!
//! Life cycle of a call: *refused* (too many, unknown tool, malformed arguments), or *repeated* (its
//! id has run), or: wait for the turn to be certain if the tool has an effect → *started* → output,
//! error, panic, time limit or interruption → *finished*.

use std::any::Any;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::calls::{CallLog, Entered, Settled, Ticket};
use super::gate::CommitGate;
use super::outcome::{ToolEvent, ToolOutcome, ToolReply, ToolStatus};
use super::schema::parse_object;
use super::stopwatch::Stopwatch;
use super::{RunContext, Tool, ToolDefinition, ToolError, ToolOutput, Toolset};
use crate::llm::ToolCall;
use crate::session::AgentSession;

/// Most calls of one step unless [`Executor::max_calls`] says otherwise.
pub const DEFAULT_MAX_CALLS: usize = 16;
/// Most tools that an unknown tool's error names.
const NAMES_TOLD: usize = 32;
/// Most characters of a name that is quoted to the model.
const NAME_QUOTED: usize = 64;

type Listener = Arc<dyn Fn(ToolEvent) + Send + Sync>;

/// Runs the calls of model steps: in parallel, each under its limits, none twice.
///
/// One per session, because it knows which calls have run. Clones share that knowledge. It needs a
/// Tokio runtime with time; a tool that blocks its thread needs a runtime of several threads, or
/// [`tokio::task::spawn_blocking`].
#[derive(Clone)]
pub struct Executor {
    call_log: CallLog,
    max_calls: usize,
    listener: Option<Listener>,
}

/// In what the calls of a step run.
pub struct Step<'a, U: Send + Sync + 'static> {
    /// The session.
    pub session: &'a AgentSession<U>,
    /// What may be called.
    pub tools: &'a Toolset<U>,
    /// Opens when the turn is certain.
    pub gate: &'a CommitGate,
    /// Fires when the user interrupts: tools without effect are dropped at once, tools with an
    /// effect that have started run to their end, and others do not start.
    pub cancelled: &'a CancellationToken,
}

impl Default for Executor {
    fn default() -> Self {
        Self { call_log: CallLog::default(), max_calls: DEFAULT_MAX_CALLS, listener: None }
    }
}

impl Executor {
    /// One that has run nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Most calls of one step; the model is told that the rest was not made.
    #[must_use]
    pub fn max_calls(mut self, max_calls: usize) -> Self {
        self.max_calls = max_calls;
        self
    }

    /// Tells `listener` of every call, as it happens. It must not block.
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(ToolEvent) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Runs `calls` at the same time; one outcome each, in their order. If several hand over, the
    /// first in order does, and the others fail.
    ///
    /// Returns when all have ended, which is at once for tools without effect when the step is
    /// cancelled. If the future is dropped, those are dropped, and tools with an effect still run
    /// to their end.
    pub async fn run<U: Send + Sync + 'static>(
        &self,
        step: Step<'_, U>,
        calls: Vec<ToolCall>,
    ) -> Vec<ToolOutcome<U>> {
        self.run_stream(step, futures_util::stream::iter(calls)).await
    }

    /// As [`Executor::run`], each call as soon as it comes; ends when no more come and all have ended.
    pub async fn run_stream<U: Send + Sync + 'static>(
        &self,
        step: Step<'_, U>,
        calls: impl Stream<Item = ToolCall>,
    ) -> Vec<ToolOutcome<U>> {
        let mut calls = pin!(calls.enumerate().fuse());
        let mut running = FuturesOrdered::new();
        let mut outcomes = Vec::new();
        loop {
            tokio::select! {
                biased;
                Some((index, call)) = calls.next() => running.push_back(self.run_one(&step, index, call)),
                Some(outcome) = running.next() => outcomes.push(outcome),
                else => break,
            }
        }
        let mut handed_over = false;
        for outcome in &mut outcomes {
            if matches!(outcome.reply, ToolReply::Handoff(_)) && std::mem::replace(&mut handed_over, true) {
                outcome.reply = ToolReply::error("not done: another call of this step hands over already");
            }
        }
        outcomes
    }

    async fn run_one<U: Send + Sync + 'static>(
        &self,
        step: &Step<'_, U>,
        index: usize,
        call: ToolCall,
    ) -> ToolOutcome<U> {
        let asked = Instant::now();
        let reply = match self.prepare(step, index, &call) {
            Ok(prepared) => self.enter(step, &call, prepared).await,
            Err(message) => {
                self.tell_finished(&call, ToolStatus::Failed(message.clone()), Duration::ZERO);
                ToolReply::error(message)
            }
        };
        ToolOutcome { call, reply, duration: asked.elapsed() }
    }

    /// The tool and its arguments, or why the call is refused.
    fn prepare<U: Send + Sync + 'static>(
        &self,
        step: &Step<'_, U>,
        index: usize,
        call: &ToolCall,
    ) -> Result<Prepared<U>, String> {
        if index >= self.max_calls {
            return Err(format!("not done: at most {} calls are made at once; call again", self.max_calls));
        }
        let Some((definition, tool)) = step.tools.find(&call.name) else {
            return Err(unknown(&call.name, &step.tools.names()));
        };
        let arguments = parse_object(&call.arguments, &definition.parameters)?;
        Ok(Prepared { definition, tool, arguments })
    }

    /// Runs the call unless it has run before.
    async fn enter<U: Send + Sync + 'static>(
        &self,
        step: &Step<'_, U>,
        call: &ToolCall,
        prepared: Prepared<U>,
    ) -> ToolReply<U> {
        let settled = match self.call_log.enter(call) {
            Entered::First(ticket) => return self.start(step, call, prepared, ticket).await,
            Entered::Running(mut receiver) => tokio::select! {
                biased;
                settled = receiver.wait_for(Option::is_some) => settled.ok().and_then(|settled| settled.clone()),
                () = step.cancelled.cancelled() => None,
            },
            Entered::Ended(settled) => Some(settled),
            Entered::Forgotten => {
                let text = "this call has been made; its result is further up".into();
                Some(Settled::Result { text, is_error: true })
            }
            Entered::Conflict => {
                let message = "not done: another call had this id; call again";
                self.tell_finished(call, ToolStatus::Failed(message.into()), Duration::ZERO);
                return ToolReply::error(message);
            }
        };
        let status = if settled.is_some() { ToolStatus::Repeated } else { ToolStatus::Dropped };
        self.tell_finished(call, status, Duration::ZERO);
        match settled {
            Some(Settled::Result { text, is_error }) => {
                ToolReply::Result { text: text.to_string(), is_error }
            }
            Some(Settled::Handoff) => ToolReply::error("this call has handed over already"),
            Some(Settled::Silent) => ToolReply::Silent,
            None => ToolReply::Dropped,
        }
    }

    async fn start<U: Send + Sync + 'static>(
        &self,
        step: &Step<'_, U>,
        call: &ToolCall,
        prepared: Prepared<U>,
        ticket: Ticket,
    ) -> ToolReply<U> {
        let effect = prepared.definition.effect;
        let may_start = match effect {
            true => tokio::select! {
                biased;
                () = step.cancelled.cancelled() => false,
                committed = step.gate.committed() => committed,
            },
            false => !step.cancelled.is_cancelled(),
        };
        if !may_start {
            self.tell_finished(call, ToolStatus::Dropped, Duration::ZERO);
            return ToolReply::Dropped;
        }
        let context = RunContext::new(step.session.clone(), call.id.clone(), step.cancelled.clone());
        let running = Running::start(self.clone(), call.clone(), effect, ticket);
        let supervised = supervise(running, prepared, context);
        if !effect {
            return tokio::select! {
                biased;
                reply = supervised => reply,
                () = step.cancelled.cancelled() => ToolReply::Dropped,
            };
        }
        // A task of its own: it goes on when nobody waits for it any more.
        match tokio::spawn(supervised).await {
            Ok(reply) => reply,
            Err(_) => ToolReply::error(format!("`{}` was stopped: the program ends", call.name)),
        }
    }

    fn tell(&self, event: ToolEvent) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }

    fn tell_finished(&self, call: &ToolCall, status: ToolStatus, duration: Duration) {
        match &status {
            ToolStatus::Failed(why) => {
                tracing::warn!(tool = call.name, call = call.id, "the call failed: {why}");
            }
            status => tracing::debug!(tool = call.name, call = call.id, ?status, ?duration, "the call ended"),
        }
        self.tell(ToolEvent::Finished { call: call.clone(), status, duration });
    }
}

impl<U: Send + Sync + 'static> Toolset<U> {
    /// Runs the tool called `name` outside a model's turn, with its limits.
    ///
    /// ```
    /// # use duologue_agent::{AgentSession, tool};
    /// # use duologue_agent::tool::Toolset;
    /// /// Says hello.
    /// #[tool]
    /// async fn hello(name: String) -> String {
    ///     format!("hello {name}")
    /// }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let (session, tools) = (AgentSession::new(()), Toolset::new().with(hello));
    /// let reply = tools.execute_tool(&session, "hello", serde_json::json!({"name": "Ada"})).await;
    /// assert_eq!(reply.text(), "hello Ada");
    /// # });
    /// ```
    pub async fn execute_tool(
        &self,
        session: &AgentSession<U>,
        name: &str,
        arguments: Value,
    ) -> ToolReply<U> {
        let (gate, cancelled) = (CommitGate::open(), CancellationToken::new());
        let step = Step { session, tools: self, gate: &gate, cancelled: &cancelled };
        let call = ToolCall {
            id: uuid::Uuid::now_v7().to_string(),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        };
        Executor::new().run_one(&step, 0, call).await.reply
    }
}

/// A call that can be run.
struct Prepared<U: Send + Sync + 'static> {
    definition: Arc<ToolDefinition>,
    tool: Arc<dyn Tool<U>>,
    arguments: Value,
}

/// A call under way. Dropping it says that the call was dropped.
struct Running {
    executor: Executor,
    call: ToolCall,
    since: Instant,
    ticket: Option<Ticket>,
}

impl Running {
    fn start(executor: Executor, call: ToolCall, effect: bool, ticket: Ticket) -> Self {
        executor.tell(ToolEvent::Started { call: call.clone(), effect });
        Self { executor, call, since: Instant::now(), ticket: Some(ticket) }
    }

    fn finish(mut self, status: ToolStatus, settled: Settled) {
        if let Some(ticket) = self.ticket.take() {
            ticket.settle(settled);
            self.executor.tell_finished(&self.call, status, self.since.elapsed());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ticket.take().is_some() {
            self.executor.tell_finished(&self.call, ToolStatus::Dropped, self.since.elapsed());
        }
    }
}

/// Runs the tool to its end, whatever that is.
async fn supervise<U: Send + Sync + 'static>(
    running: Running,
    prepared: Prepared<U>,
    context: RunContext<U>,
) -> ToolReply<U> {
    let Prepared { definition, tool, arguments } = prepared;
    let span = tracing::info_span!("tool", name = definition.name, call = running.call.id);
    // A task of its own, so that a panic ends it alone and a tool that blocks can be given up.
    let watch = Arc::new(Stopwatch::default());
    let work = watch.time(async move { tool.call(context, arguments).await });
    let mut task = AbortOnDropHandle::new(tokio::spawn(work.instrument(span)));
    let ended = tokio::select! {
        biased;
        ended = &mut task => Some(ended),
        () = watch.passed(definition.time_limit) => None,
    };
    let result = match ended {
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(ToolError::Hidden(match error.try_into_panic() {
            Ok(panic) => format!("it panicked: {}", panic_message(&*panic)),
            Err(_) => "it was stopped: the program ends".to_owned(),
        })),
        None => Err(ToolError::Visible(format!("it did not finish within {:?}", definition.time_limit))),
    };
    let (reply, status) = reply(&definition, result);
    running.finish(status, settled(&reply));
    reply
}

fn reply<U: Send + Sync + 'static>(
    definition: &ToolDefinition,
    result: Result<ToolOutput<U>, ToolError>,
) -> (ToolReply<U>, ToolStatus) {
    let (name, limit) = (&definition.name, definition.output_limit);
    match result {
        Ok(ToolOutput::Text(text)) => {
            (ToolReply::Result { text: cut(text, limit), is_error: false }, ToolStatus::Done)
        }
        Ok(ToolOutput::Json(value)) => {
            (ToolReply::Result { text: cut(value.to_string(), limit), is_error: false }, ToolStatus::Done)
        }
        Ok(ToolOutput::Handoff(handoff)) => (ToolReply::Handoff(handoff), ToolStatus::Done),
        Ok(ToolOutput::Silent) => (ToolReply::Silent, ToolStatus::Done),
        Err(ToolError::Visible(why)) => {
            let why = cut(why, limit);
            (ToolReply::error(format!("`{name}` failed: {why}")), ToolStatus::Failed(why))
        }
        Err(ToolError::Hidden(why)) => {
            (ToolReply::error(format!("`{name}` failed")), ToolStatus::Failed(cut(why, limit)))
        }
    }
}

fn settled<U: Send + Sync + 'static>(reply: &ToolReply<U>) -> Settled {
    match reply {
        ToolReply::Result { text, is_error } => {
            Settled::Result { text: text.as_str().into(), is_error: *is_error }
        }
        ToolReply::Handoff(_) => Settled::Handoff,
        ToolReply::Silent | ToolReply::Dropped => Settled::Silent,
    }
}

/// At most `limit` bytes of `text`, and a mark if that is not all.
fn cut(mut text: String, limit: usize) -> String {
    let total = text.len();
    if total > limit {
        let kept = text.floor_char_boundary(limit);
        text.truncate(kept);
        text.shrink_to_fit();
        text.push_str(&format!("… [cut: these are {kept} of {total} bytes]"));
    }
    text
}

fn unknown(name: &str, names: &[&str]) -> String {
    let name: String = name.chars().take(NAME_QUOTED).collect();
    if names.is_empty() {
        return format!("there is no tool `{name}`, nor any other");
    }
    let more = if names.len() > NAMES_TOLD { ", …" } else { "" };
    let names = names.iter().take(NAMES_TOLD).copied().collect::<Vec<_>>().join(", ");
    format!("there is no tool `{name}`; there are: {names}{more}")
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
