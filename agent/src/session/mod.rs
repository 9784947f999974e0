//! One conversation: its agent, its user's data, its voice.
//!
//! ```
//! use duologue_agent::{AgentSession, SimpleAgent};
//! use duologue_eval::{Rule, Script, ScriptedLlm};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let llm = ScriptedLlm::new(Script::new().rule(Rule::any().say("It is noon.")));
//! let session = AgentSession::builder(()).llm(llm).build()?;
//! session.start_text(SimpleAgent::new("You tell the time.").greeting("Hello!")).await?;
//! let result = session.run("What time is it?").await?;
//! assert_eq!(result.text(), "It is noon.");
//! assert_eq!(session.history().items().len(), 3);
//! session.close().await;
//! # Ok::<(), duologue_agent::Error>(())
//! # }).unwrap();
//! ```
//!
//! Life cycle: [`AgentSession::builder`] → [`AgentSession::start`] on an endpoint,
//! [`AgentSession::start_text`] without audio → turns → [`AgentSession::close`].
//!
//! Invariant: history holds what was heard and done, and nothing else; no call of a tool with an
//! effect is made twice; after [`AgentSession::close`] nothing speaks.

mod answer;
mod builder;
mod calls;
mod close;
mod config;
mod core;
mod events;
mod frontend;
mod handoff;
mod hearing;
mod history;
mod keeper;
mod past;
mod run;
mod speech;
mod speeches;
mod step;
mod tasks;
mod turn;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use duologue_pipeline::{AudioPipeline, Clip};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

pub use builder::SessionBuilder;
pub use config::SessionConfig;
pub use events::{AgentState, SessionEvent, SessionEvents};
pub use frontend::Envelopes;
pub use hearing::Recogniser;
pub use run::RunResult;
pub use speech::{SpeechHandle, SpeechOutcome};

use crate::chat::ChatContext;
use crate::llm::Llm;
pub use crate::llm::Usage;
use crate::tool::{Executor, Toolset};
use crate::{Error, ErrorKind, Handoff};
use core::{Activity, Output, SessionCore, lock};
use handoff::Base;
pub(crate) use handoff::Current;
use turn::Turn;

/// What was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptEvent {
    /// The whole utterance so far, or the whole turn.
    pub text: String,
    /// Whether it will not change.
    pub is_final: bool,
}

/// Somebody in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Unique in the room.
    pub identity: String,
    /// For people.
    pub name: String,
}

/// Words on their way to the agent's hooks.
struct Said {
    /// None: the user.
    by: Option<Participant>,
    transcript: TranscriptEvent,
}

/// One conversation. Clones are cheap and mean the same session.
pub struct AgentSession<U: Send + Sync + 'static = ()> {
    shared: Arc<Shared<U>>,
    /// The turn within which this clone was handed out, to a hook or a tool.
    scope: Option<Weak<Turn>>,
}

/// Before, during and after the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    New,
    Running,
    Closing,
    Closed,
}

/// What an agent's tools go through before its model is asked.
type ToolMap<U> = Box<dyn Fn(Toolset<U>) -> Toolset<U> + Send + Sync>;

/// A turn that `on_user_turn` looks at.
struct Taking<U: Send + Sync + 'static> {
    turn: Weak<Turn>,
    /// Whom the hook has passed it on to.
    next: Option<Handoff<U>>,
}

struct Shared<U: Send + Sync + 'static> {
    id: String,
    userdata: Mutex<U>,
    config: SessionConfig,
    llm: Option<Arc<dyn Llm>>,
    core: Arc<SessionCore>,
    /// Until the session starts.
    transcripts: Mutex<Option<mpsc::Receiver<Said>>>,
    executor: Executor,
    map_tools: Option<ToolMap<U>>,
    current: Mutex<Option<Arc<Current<U>>>>,
    switching: tokio::sync::Mutex<()>,
    running: tokio::sync::Mutex<()>,
    pipeline: Mutex<Option<AudioPipeline>>,
    base: OnceLock<Base>,
    taking: Mutex<Option<Taking<U>>>,
    /// Calls of the trait's own `on_user_turn`.
    plain_turns: AtomicU64,
    life: watch::Sender<Life>,
}

impl<U: Send + Sync + 'static> Shared<U> {
    fn plain_turns(&self) -> u64 {
        self.plain_turns.load(Ordering::Acquire)
    }
}

impl<U: Send + Sync + 'static> Clone for AgentSession<U> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: self.scope.clone() }
    }
}

impl<U: Send + Sync + 'static> AgentSession<U> {
    /// Its name in the history store.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Its settings.
    pub fn config(&self) -> &SessionConfig {
        &self.shared.config
    }

    /// The user's data, locked until the guard is dropped; not to be held across `await`.
    pub fn userdata(&self) -> MutexGuard<'_, U> {
        lock(&self.shared.userdata)
    }

    /// What happens from now on.
    pub fn events(&self) -> SessionEvents {
        self.shared.core.events.subscribe()
    }

    /// Where the conversation stands.
    pub fn state(&self) -> AgentState {
        self.shared.core.state()
    }

    /// What was said and done so far, oldest first.
    pub fn history(&self) -> ChatContext {
        self.shared.core.read(|history| history.log().clone())
    }

    /// Speaks `text` once the agent has finished what it is saying. In a tool or hook of a turn it
    /// becomes part of that turn.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the session is not running.
    pub fn say(&self, text: &str) -> Result<SpeechHandle, Error> {
        self.check_running()?;
        if let Some(turn) = self.turn().filter(|turn| !turn.is_stopped()) {
            self.shared.core.note_order();
            if let Some(speech) = turn.say_within(text) {
                return Ok(speech.handle());
            }
        }
        self.shared.core.say(&self.agent_id(), text, false)
    }

    /// Speaks `text` at once, cutting off what the agent is saying.
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub fn say_now(&self, text: &str) -> Result<SpeechHandle, Error> {
        self.check_running()?;
        self.shared.core.say(&self.agent_id(), text, true)
    }

    /// Plays `clip` once the agent has finished what it is saying, as a speech like any other: a user
    /// who speaks over it interrupts it. `text` is what it says, for history and frontends, and may be
    /// empty; its words count as spread evenly over the clip, and history holds those that were heard.
    /// In a tool or hook of a turn it follows that turn. Without audio the text counts as said.
    ///
    /// ```
    /// use duologue_agent::{AgentSession, Error, SpeechOutcome};
    /// use duologue_pipeline::Clip;
    ///
    /// async fn jingle(session: &AgentSession) -> Result<(), Error> {
    ///     let clip = Clip::new(vec![0.1; 16_000], 16_000).expect("a rate within 8 to 192 kHz");
    ///     let jingle = session.publish_audio(clip, "")?;
    ///     if jingle.wait().await == SpeechOutcome::Interrupted {
    ///         println!("they have heard {:?} of it", jingle.played());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub fn publish_audio(&self, clip: Clip, text: &str) -> Result<SpeechHandle, Error> {
        self.check_running()?;
        self.shared.core.publish(&self.agent_id(), clip, text)
    }

    /// Speaks `text` and waits until it was heard or cut off.
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub async fn speak(&self, text: &str) -> Result<SpeechOutcome, Error> {
        Ok(self.say(text)?.wait().await)
    }

    /// Silences the agent, stops its turn, and forgets what was to be said.
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub fn interrupt(&self) -> Result<(), Error> {
        self.shared.core.interrupt()
    }

    /// Takes typed text as the user's turn: it interrupts the agent and asks at once.
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub fn user_text(&self, text: &str) -> Result<(), Error> {
        self.check_running()?;
        match self.shared.core.output()? {
            Output::Audio(handle) => Ok(handle.user_text(text)?),
            Output::Text => {
                self.interrupt()?;
                let turn = Turn::text(&self.shared.core, &self.agent_id(), text);
                self.without_turn().answer(turn, text.to_owned());
                Ok(())
            }
        }
    }

    /// Stops listening (`true`) or listens again (`false`); nothing without audio.
    ///
    /// # Errors
    /// As [`AgentSession::say`].
    pub fn set_muted(&self, muted: bool) -> Result<(), Error> {
        match self.shared.core.output()? {
            Output::Audio(handle) => Ok(handle.set_muted(muted)?),
            Output::Text => Ok(()),
        }
    }

    /// Shows frontends a status, and notes it in the history; the model never sees it.
    pub fn send_status(&self, status: &str) {
        self.shared.core.status(&self.agent_id(), status);
    }

    /// Shows frontends words of the user that were recognised elsewhere; they are no turn.
    pub fn send_transcript(&self, text: &str, is_final: bool) {
        self.emit(SessionEvent::UserTranscript { text: text.to_owned(), is_final });
    }

    /// Tells the session what somebody else in the room says: the whole utterance so far. It is no turn and
    /// changes nothing in turn-taking; when it is final it becomes part of the history, under its speaker's
    /// name. Returns at once.
    ///
    /// ```
    /// use duologue_agent::session::Participant;
    /// use duologue_eval::{Script, ScriptedLlm};
    /// use duologue_agent::{AgentSession, SimpleAgent};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let session = AgentSession::builder(()).llm(ScriptedLlm::new(Script::saying("Noon."))).build()?;
    /// session.start_text(SimpleAgent::new("You tell the time.")).await?;
    /// let bob = Participant { identity: "bob".into(), name: "Bob".into() };
    /// session.overheard(&bob, "Is lunch ready?", true);
    /// assert_eq!(session.history().items().len(), 1);
    /// # Ok::<(), duologue_agent::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn overheard(&self, speaker: &Participant, text: &str, is_final: bool) {
        self.shared.core.overheard(&self.agent_id(), speaker, text, is_final);
    }

    /// Tells the application, and whoever forwards its events, of something.
    pub fn emit(&self, event: SessionEvent) {
        self.shared.core.events.publish(event);
    }

    /// Called by [`crate::Agent::on_user_turn`] where no agent has written its own: such an agent may
    /// be asked before the user's turn is certain, and what it says be spoken sooner.
    pub(crate) fn note_plain_turn(&self) {
        self.shared.plain_turns.fetch_add(1, Ordering::AcqRel);
    }

    /// The session as `turn`'s hooks and tools see it.
    fn within(&self, turn: &Arc<Turn>) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: Some(Arc::downgrade(turn)) }
    }

    fn without_turn(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: None }
    }

    fn turn(&self) -> Option<Arc<Turn>> {
        self.scope.as_ref()?.upgrade()
    }

    fn check_running(&self) -> Result<(), Error> {
        let message = match *self.shared.life.borrow() {
            Life::Running | Life::Closing => return Ok(()),
            Life::New => "the session has not started; call start() first",
            Life::Closed => "the session is closed; build another",
        };
        Err(Error::new(ErrorKind::Closed, message))
    }

    /// Runs `work` on the session's runtime; the session is not idle meanwhile. A panic is told of.
    fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn_as_part(self.shared.core.begin_activity(), name, work);
    }

    /// As [`AgentSession::spawn`], as a part of `activity`.
    fn spawn_as_part(
        &self,
        activity: Arc<Activity>,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let core = Arc::clone(&self.shared.core);
        let work = async move {
            let work = core::IN_ACTIVITY.scope((), work);
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                let message = format!("{name} panicked; the conversation goes on");
                core.events.publish(SessionEvent::from(&Error::new(ErrorKind::Tool, message)));
            }
            drop(activity);
        };
        self.shared.core.spawn(work);
    }

    /// As [`AgentSession::spawn`]; a panic ends `turn`.
    fn spawn_turn(&self, turn: Arc<Turn>, work: impl Future<Output = ()> + Send + 'static) {
        let core = Arc::clone(&self.shared.core);
        let text = core.output().is_ok_and(|output| matches!(output, Output::Text));
        if text {
            core.set_state(AgentState::Thinking);
        }
        self.spawn_as_part(turn.activity(), "an answer", async move {
            let panicked = AssertUnwindSafe(work).catch_unwind().await.err();
            if text {
                core.set_state(AgentState::Idle);
            }
            if let Some(panic) = panicked {
                turn.fail("the agent panicked").await;
                turn.whole().end("", SpeechOutcome::Failed);
                std::panic::resume_unwind(panic);
            }
        });
    }
}
