//! The session's core: what it shares with its pipeline, whatever its userdata. The history and the
//! turns that are not part of it yet, what is being said, what is under way, events out.
//!
//! Invariant: nothing here waits, but for those whose name says so; the pipeline's threads call in.
//! Locks are held for moments, and under the history's alone others are taken.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use duologue_pipeline::Handle;
use duologue_pipeline::conversation::State;
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, watch};

use super::events::EventHub;
use super::history::{ChatHistory, TurnOver};
use super::keeper::Keeper;
use super::speeches::SpeechQueue;
use super::turn::Turn;
use super::{Participant, Said, SessionEvent, SpeechOutcome, TranscriptEvent};
use crate::chat::{ChatContent, ChatItem};
use crate::session::history::TurnKey;
use crate::{Error, ErrorKind};

/// Transcripts that may wait for the agent's `on_transcript`.
pub(crate) const MAX_TRANSCRIPTS: usize = 256;

/// Where the agent's words go.
pub(crate) enum Output {
    Audio(Handle),
    Text,
}

/// What keeps a session from being quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Busy {
    /// Things under way: turns, hooks, tools.
    activity: usize,
    /// Where the conversation stands.
    state: State,
    /// Turns that are not history yet.
    turns: bool,
}

impl Busy {
    fn is_silent(&self) -> bool {
        let over = matches!(self.state, State::Idle | State::Closed | State::Initializing);
        self.activity == 0 && over && !self.turns
    }
}

/// See the [module](self).
pub(crate) struct SessionCore {
    pub events: Arc<EventHub>,
    pub output: OnceLock<Output>,
    pub runtime: OnceLock<Runtime>,
    pub keeper: Option<Keeper>,
    pub speeches: SpeechQueue,
    transcripts: mpsc::Sender<Said>,
    history: Mutex<ChatHistory>,
    turns: Mutex<Vec<Weak<Turn>>>,
    busy: watch::Sender<Busy>,
    /// Speeches ordered so far.
    ordered: AtomicU64,
    /// The session ends: nothing more is said.
    pub silenced: AtomicBool,
}

impl SessionCore {
    pub(crate) fn new(
        events: Arc<EventHub>,
        history: ChatHistory,
        keeper: Option<Keeper>,
        transcripts: mpsc::Sender<Said>,
    ) -> Self {
        Self {
            events,
            output: OnceLock::new(),
            runtime: OnceLock::new(),
            keeper,
            speeches: SpeechQueue::default(),
            transcripts,
            history: Mutex::new(history),
            turns: Mutex::default(),
            busy: watch::Sender::new(Busy { activity: 0, state: State::Initializing, turns: false }),
            ordered: AtomicU64::new(0),
            silenced: AtomicBool::new(false),
        }
    }

    pub(crate) fn output(&self) -> Result<&Output, Error> {
        self.output
            .get()
            .ok_or_else(|| Error::new(ErrorKind::Closed, "the session has not started; call start() first"))
    }

    /// The pipeline, if the session has sound.
    pub(crate) fn audio(&self) -> Option<&Handle> {
        match self.output.get() {
            Some(Output::Audio(handle)) => Some(handle),
            Some(Output::Text) | None => None,
        }
    }

    /// Runs `work` on the session's runtime.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match self.runtime.get() {
            Some(runtime) => drop(runtime.spawn(work)),
            None => drop(tokio::spawn(work)),
        }
    }

    /// Changes the history; what became history is told and kept.
    pub(crate) fn record(&self, change: impl FnOnce(&mut ChatHistory) -> Vec<ChatItem>) {
        let mut history = lock(&self.history);
        for item in change(&mut history) {
            if let Some(keeper) = &self.keeper {
                keeper.keep(&item);
            }
            self.events.publish(SessionEvent::ItemAdded(item));
        }
        self.note_turns(&history);
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&ChatHistory) -> T) -> T {
        look(&lock(&self.history))
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut ChatHistory)) {
        let mut history = lock(&self.history);
        change(&mut history);
        self.note_turns(&history);
    }

    fn note_turns(&self, history: &ChatHistory) {
        let turns = history.is_open();
        self.busy.send_if_modified(|busy| std::mem::replace(&mut busy.turns, turns) != turns);
    }

    /// A turn without audio is over: what it said, in one line.
    pub(crate) fn text_over(&self, key: TurnKey, over: TurnOver) -> String {
        let mut said = Vec::new();
        self.record(|history| {
            let items = history.ended(key, over);
            said.extend(items.iter().filter_map(ChatItem::spoken).map(str::to_owned));
            items
        });
        let heard = said.join(" ");
        let told = SessionEvent::SpeechFinished { heard: heard.clone(), outcome: over.outcome };
        self.events.publish(told);
        heard
    }

    /// Something is under way until the last clone of the guard is dropped.
    pub(crate) fn begin_activity(self: &Arc<Self>) -> Arc<Activity> {
        self.busy.send_modify(|busy| busy.activity += 1);
        Arc::new(Activity(Arc::clone(self)))
    }

    fn end_activity(&self) {
        self.busy.send_modify(|busy| busy.activity -= 1);
    }

    /// The work of this task, or of the tool that it is `within`, waits for the user.
    pub(crate) fn suspend(self: &Arc<Self>, within: bool) -> Suspended {
        let counts = within || IN_ACTIVITY.try_with(|()| ()).is_ok();
        if counts {
            self.end_activity();
        }
        Suspended { core: Arc::clone(self), waits: AtomicBool::new(counts) }
    }

    /// Waits until nothing is under way.
    pub(crate) async fn idle(&self) {
        self.until(|busy| busy.activity == 0).await;
    }

    /// Waits until nothing is under way and nothing is being said.
    pub(crate) async fn silent(&self) {
        self.until(Busy::is_silent).await;
    }

    /// Waits until the pipeline's conversation is over.
    pub(crate) async fn closed(&self) {
        self.until(|busy| busy.state == State::Closed).await;
    }

    async fn until(&self, is: impl Fn(&Busy) -> bool) {
        // The sender lives in `self`.
        let _ = self.busy.subscribe().wait_for(is).await;
    }

    pub(crate) fn state(&self) -> State {
        self.busy.borrow().state
    }

    pub(crate) fn set_state(&self, state: State) {
        if self.busy.send_if_modified(|busy| std::mem::replace(&mut busy.state, state) != state) {
            self.events.publish(SessionEvent::AgentStateChanged(state));
        }
    }

    /// How many speeches were ordered so far.
    pub(crate) fn ordered(&self) -> u64 {
        self.ordered.load(Ordering::Acquire)
    }

    pub(crate) fn note_order(&self) {
        self.ordered.fetch_add(1, Ordering::AcqRel);
    }

    /// A turn that an interruption or the session's end is to stop.
    pub(crate) fn register(&self, turn: &Arc<Turn>) {
        let mut turns = lock(&self.turns);
        turns.retain(|turn| turn.strong_count() > 0);
        turns.push(Arc::downgrade(turn));
    }

    pub(crate) fn stop_turns(&self) {
        let turns: Vec<_> = lock(&self.turns).iter().filter_map(Weak::upgrade).collect();
        turns.iter().for_each(|turn| turn.stop());
    }

    /// Nothing is said any more: what was under way is over.
    pub(crate) fn close(&self) {
        self.stop_turns();
        self.speeches.close();
        self.change(ChatHistory::close_all);
    }

    /// Words of the user, for the hooks.
    pub(crate) fn transcript(&self, text: &str, is_final: bool) {
        if text.trim().is_empty() {
            return;
        }
        // A hook that does not keep up misses transcripts, never turns.
        let transcript = TranscriptEvent { text: text.to_owned(), is_final };
        let _ = self.transcripts.try_send(Said { by: None, transcript });
    }

    /// Words of somebody else: for the hooks, and for the history of `agent` once they are final.
    pub(crate) fn overheard(&self, agent: &str, speaker: &Participant, text: &str, is_final: bool) {
        let transcript = TranscriptEvent { text: text.to_owned(), is_final };
        let _ = self.transcripts.try_send(Said { by: Some(speaker.clone()), transcript });
        if is_final && !text.trim().is_empty() {
            let Participant { identity, name } = speaker.clone();
            let content = ChatContent::Overheard { speaker: identity, name, text: text.to_owned() };
            self.record(|history| history.note(ChatItem::new(agent, content)));
        }
    }

    /// A status that frontends show, as history and event.
    pub(crate) fn status(&self, agent: &str, status: &str) {
        let item = ChatItem::new(agent, ChatContent::Status { status: status.to_owned() });
        self.record(|history| history.note(item));
        self.events.publish(SessionEvent::Status(status.to_owned()));
    }

    /// Whether the session ends, so that nothing more is said.
    pub(crate) fn is_silenced(&self) -> bool {
        self.silenced.load(Ordering::Acquire)
    }

    /// A speech is over, and this much of it was heard.
    pub(crate) fn tell_speech_over(&self, heard: String, outcome: SpeechOutcome) {
        self.events.publish(SessionEvent::SpeechFinished { heard, outcome });
    }
}

tokio::task_local! {
    /// Set where the present task counts as something under way.
    pub(crate) static IN_ACTIVITY: ();
}

/// Something under way that waits for the user: it does not count until it is resumed.
pub(crate) struct Suspended {
    core: Arc<SessionCore>,
    waits: AtomicBool,
}

impl Suspended {
    /// It counts again; before whoever made it go on ends, so that the session is never idle between.
    pub(crate) fn resume(&self) {
        if self.waits.swap(false, Ordering::AcqRel) {
            self.core.busy.send_modify(|busy| busy.activity += 1);
        }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.resume();
    }
}

/// Something that is under way.
pub(crate) struct Activity(Arc<SessionCore>);

impl Drop for Activity {
    fn drop(&mut self) {
        self.0.end_activity();
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
