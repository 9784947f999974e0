//! How a session comes to be: [`SessionBuilder`], and the ways to start.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use duologue_models::SpeakOptions;
use duologue_pipeline::endpoint::{End, Endpoint, Exchange};
use duologue_pipeline::{Builder as PipelineBuilder, Handle, Simulation};
use tokio::sync::{Notify, mpsc, watch};

use super::answer::SessionResponder;
use super::core::{MAX_TRANSCRIPTS, Output, SessionCore, lock};
use super::events::EventHub;
use super::handoff::{Base, Current};
use super::history::ChatHistory;
use super::keeper::{self, Keeper};
use super::{
    AgentSession, AgentState, Life, Said, SessionConfig, SessionEvent, Shared, ToolMap, TranscriptEvent,
};
use crate::agent::Agent;
use crate::llm::Llm;
use crate::store::HistoryStore;
use crate::tool::{Executor, ToolEvent, Toolset};
use crate::{Error, ErrorKind};

/// The parts of a session.
///
/// ```
/// use duologue_agent::{AgentSession, SessionConfig};
///
/// let config = SessionConfig { max_tool_steps: 4, ..SessionConfig::default() };
/// let session = AgentSession::builder(vec!["milk"]).config(config).build()?;
/// assert_eq!(session.userdata().len(), 1);
/// # Ok::<(), duologue_agent::Error>(())
/// ```
pub struct SessionBuilder<U: Send + Sync + 'static> {
    userdata: U,
    llm: Option<Arc<dyn Llm>>,
    store: Option<Arc<dyn HistoryStore>>,
    config: SessionConfig,
    map_tools: Option<ToolMap<U>>,
}

impl<U: Send + Sync + 'static> SessionBuilder<U> {
    /// What answers, unless an agent brings its own.
    #[must_use]
    pub fn llm(self, llm: impl Llm) -> Self {
        self.shared_llm(Arc::new(llm))
    }

    /// What answers, shared with other sessions.
    #[must_use]
    pub fn shared_llm(mut self, llm: Arc<dyn Llm>) -> Self {
        self.llm = Some(llm);
        self
    }

    /// What keeps the history. A [`SessionConfig::session_id`] that it knows is gone on with.
    #[must_use]
    pub fn store(self, store: impl HistoryStore) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// What keeps the history, shared with other sessions.
    #[must_use]
    pub fn shared_store(mut self, store: Arc<dyn HistoryStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// All settings.
    #[must_use]
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = config;
        self
    }

    /// Passes the tools of whichever agent answers through `map` before every request to its model: to
    /// allow some only, to wrap each, to stand in for one. What comes back is what the model is told of
    /// and what is called.
    ///
    /// ```
    /// use duologue_agent::AgentSession;
    ///
    /// let session = AgentSession::builder(())
    ///     .map_tools(|mut tools| {
    ///         tools.remove("open_door");
    ///         tools
    ///     })
    ///     .build()?;
    /// # Ok::<(), duologue_agent::Error>(())
    /// ```
    #[must_use]
    pub fn map_tools(mut self, map: impl Fn(Toolset<U>) -> Toolset<U> + Send + Sync + 'static) -> Self {
        self.map_tools = Some(Box::new(map));
        self
    }

    /// The session, not started. Reads what the store knows of it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a setting out of range; [`ErrorKind::Store`] if the history cannot
    /// be read.
    pub fn build(self) -> Result<AgentSession<U>, Error> {
        let Self { userdata, llm, store, config, map_tools } = self;
        config.validate()?;
        let resumed = !config.session_id.is_empty();
        let id = if resumed { config.session_id.clone() } else { uuid::Uuid::now_v7().to_string() };
        let events = Arc::new(EventHub::new());
        let mut history = ChatHistory::new(config.history_limit);
        let keeper = match store {
            Some(store) => {
                if resumed {
                    history.resume(keeper::resume(&*store, &id, config.history_limit)?);
                }
                Some(Keeper::start(store, &id, Arc::clone(&events))?)
            }
            None => None,
        };
        let (sender, receiver) = mpsc::channel(MAX_TRANSCRIPTS);
        let executor = executor(&config, Arc::clone(&events));
        let shared = Shared {
            id,
            userdata: Mutex::new(userdata),
            core: Arc::new(SessionCore::new(events, history, keeper, sender)),
            config,
            llm,
            transcripts: Mutex::new(Some(receiver)),
            executor,
            map_tools,
            current: Mutex::default(),
            switching: tokio::sync::Mutex::default(),
            running: tokio::sync::Mutex::default(),
            pipeline: Mutex::default(),
            base: OnceLock::new(),
            taking: Mutex::default(),
            plain_turns: AtomicU64::new(0),
            life: watch::Sender::new(Life::New),
        };
        Ok(AgentSession { shared: Arc::new(shared), scope: None })
    }
}

fn executor(config: &SessionConfig, events: Arc<EventHub>) -> Executor {
    Executor::new().max_calls(config.max_calls_per_step).on_event(move |event| {
        // How it ended is told with what the model is told.
        if let ToolEvent::Started { call, .. } = event {
            let (call_id, name, arguments) = (call.id, call.name, call.arguments);
            events.publish(SessionEvent::ToolStarted { call_id, name, arguments });
        }
    })
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// A session that has not started, without a model or store.
    pub fn new(userdata: U) -> Self {
        Self::builder(userdata).build().expect("invariant: the default settings are valid")
    }

    /// The parts of a session around `userdata`.
    pub fn builder(userdata: U) -> SessionBuilder<U> {
        SessionBuilder { userdata, llm: None, store: None, config: SessionConfig::default(), map_tools: None }
    }

    /// Starts `agent` on `endpoint`: it hears, answers and speaks from now on. Must be called within a
    /// tokio runtime, on which the session runs.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a setting out of range; [`ErrorKind::Pipeline`] if a model or the
    /// endpoint refuses; [`ErrorKind::Closed`] if the session was started before.
    pub async fn start(
        &self,
        agent: impl Agent<U>,
        pipeline: PipelineBuilder,
        endpoint: Box<dyn Endpoint>,
    ) -> Result<(), Error> {
        self.start_shared(Arc::new(agent), pipeline, endpoint).await
    }

    /// As [`AgentSession::start`], with an agent that exists already.
    ///
    /// # Errors
    /// As [`AgentSession::start`].
    pub async fn start_shared(
        &self,
        agent: Arc<dyn Agent<U>>,
        pipeline: PipelineBuilder,
        endpoint: Box<dyn Endpoint>,
    ) -> Result<(), Error> {
        self.begin_life()?;
        let builder = self.attach(pipeline);
        // Opening an endpoint may wait for a device.
        let started = tokio::task::spawn_blocking(move || builder.start(endpoint)).await;
        let pipeline = match started {
            Ok(Ok(pipeline)) => pipeline,
            Ok(Err(error)) => return Err(self.give_up(error.into())),
            Err(_) => return Err(self.give_up(Error::new(ErrorKind::Pipeline, "the endpoint panicked"))),
        };
        let (handle, end) = (pipeline.handle(), pipeline.end());
        *lock(&self.shared.pipeline) = Some(pipeline);
        self.close_at(end);
        self.begin(agent, Output::Audio(handle));
        Ok(())
    }

    /// Starts `agent` over a pipeline in simulated time; whoever steps it must let tokio's tasks run
    /// in between.
    ///
    /// # Errors
    /// As [`AgentSession::start`].
    pub fn start_simulation<E: Exchange>(
        &self,
        agent: impl Agent<U>,
        pipeline: PipelineBuilder,
        exchange: E,
    ) -> Result<Simulation<E>, Error> {
        self.begin_life()?;
        let simulation =
            self.attach(pipeline).simulate(exchange).map_err(|error| self.give_up(error.into()))?;
        let handle: &Handle = &simulation;
        self.begin(Arc::new(agent), Output::Audio(handle.clone()));
        Ok(simulation)
    }

    /// Starts `agent` without audio: what it says counts as heard. Must be called within a tokio
    /// runtime. Returns when the agent has entered and waits for the user.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session was started before.
    pub async fn start_text(&self, agent: impl Agent<U>) -> Result<(), Error> {
        self.begin_life()?;
        self.shared.core.set_state(AgentState::Idle);
        self.begin(Arc::new(agent), Output::Text);
        self.shared.core.idle().await;
        Ok(())
    }

    fn begin_life(&self) -> Result<(), Error> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            Error::new(ErrorKind::Config, "a session starts within a tokio runtime; call it from async code")
        })?;
        let first = self.shared.life.send_if_modified(|life| {
            let new = *life == Life::New;
            if new {
                *life = Life::Running;
            }
            new
        });
        if !first {
            return Err(Error::new(ErrorKind::Closed, "the session was started before; build another"));
        }
        // Set once, by whoever began the session's life.
        let _ = self.shared.core.runtime.set(runtime);
        Ok(())
    }

    fn give_up(&self, error: Error) -> Error {
        self.shared.life.send_replace(Life::Closed);
        self.shared.core.events.publish(SessionEvent::from(&error));
        self.shared.core.events.close();
        error
    }

    /// The pipeline asks this session and tells it what happens.
    fn attach(&self, mut pipeline: PipelineBuilder) -> PipelineBuilder {
        let config = &self.shared.config;
        let stt = Arc::clone(pipeline.stt());
        let settings = pipeline.config_mut();
        let voice = SpeakOptions { voice: settings.voice.name.clone(), speed: settings.voice.speed };
        let limits = &mut settings.conversation;
        // The session has limits of its own, and words for them: the core's are the last resort.
        let patience = config.turn_limit + Duration::from_secs(10);
        limits.first_text_limit = limits.first_text_limit.max(patience);
        limits.stall_limit = limits.stall_limit.max(patience);
        limits.max_reply_time = limits.max_reply_time.max(patience);
        let room = config.max_answer_bytes * (config.max_tool_steps + 1) + 4_096;
        limits.max_reply_bytes = limits.max_reply_bytes.max(room).min(1 << 24);
        let policy = limits.policy;
        // Set once: a session starts once.
        let _ = self.shared.base.set(Base { voice, policy, stt });
        let responder =
            SessionResponder { shared: Arc::downgrade(&self.shared), speculates: config.speculate };
        let core = Arc::clone(&self.shared.core);
        pipeline.responder(responder).observer(move |event| core.observe(event))
    }

    fn begin(&self, agent: Arc<dyn Agent<U>>, output: Output) {
        let audio = matches!(output, Output::Audio(_));
        // Set once: a session starts once.
        let _ = self.shared.core.output.set(output);
        let first = Current::new(agent);
        self.make_current(None, &first);
        if let Some(transcripts) = lock(&self.shared.transcripts).take() {
            let shared = Arc::downgrade(&self.shared);
            tokio::spawn(follow_transcripts(shared, transcripts));
        }
        let session = self.clone();
        self.spawn("on_connect", async move {
            if audio {
                // A hook that fails has been told of.
                let _ = session.hook("on_connect", first.agent.on_connect(&session)).await;
            }
            session.enter(first, false);
        });
    }

    /// Closes the session when the endpoint ends by itself.
    fn close_at(&self, end: End) {
        let (shared, mut life) = (Arc::downgrade(&self.shared), self.shared.life.subscribe());
        let (woken, told) = (Arc::new(Notify::new()), end.clone());
        let wake = Arc::clone(&woken);
        end.then(move || wake.notify_one());
        tokio::spawn(async move {
            tokio::select! {
                _ = life.wait_for(|life| matches!(life, Life::Closing | Life::Closed)) => return,
                () = woken.notified() => {}
            }
            let Some(shared) = shared.upgrade() else { return };
            let session = AgentSession { shared, scope: None };
            if let Some(Err(error)) = told.told() {
                session.emit(SessionEvent::from(&Error::from(error)));
            }
            session.close().await;
        });
    }
}

/// Gives what is recognised to frontends and to the current agent's hook.
async fn follow_transcripts<U: Send + Sync + 'static>(
    shared: std::sync::Weak<Shared<U>>,
    mut transcripts: mpsc::Receiver<Said>,
) {
    while let Some(Said { by, transcript }) = transcripts.recv().await {
        let Some(shared) = shared.upgrade() else { return };
        let session = AgentSession { shared, scope: None };
        let Some(agent) = session.current_agent() else { continue };
        let TranscriptEvent { text, is_final } = transcript;
        match by {
            None => {
                session.emit(SessionEvent::UserTranscript { text: text.clone(), is_final });
                agent.on_transcript(&session, &text, is_final).await;
            }
            Some(speaker) => {
                let told = SessionEvent::Overheard { speaker: speaker.clone(), text: text.clone(), is_final };
                session.emit(told);
                agent.on_overheard(&session, &speaker, &text, is_final).await;
            }
        }
    }
}
