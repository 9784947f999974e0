//! The line: what a session shares with its pipeline, whatever its userdata: the ledger, speeches
//! under way, events out.
//!
//! Invariant: a speech is in the book before the pipeline can tell of its end, so every speech ends.
//! Locks are taken in the order turn, book, ledger.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use duologue_pipeline::core::{AgentTurn, Event, Fault, Origin, State, TurnEnd, TurnId};
use duologue_pipeline::{Clip, Handle, ReplyError, SayStream, Stamped};
use tokio::sync::{mpsc, watch};

use super::events::EventHub;
use super::keeper::Keeper;
use super::ledger::{Ledger, TurnKey, TurnOver};
use super::speech::Speech;
use super::turn::Turn;
use super::{Participant, Said, SessionEvent, SpeechHandle, SpeechOutcome, Transcript};
use crate::chat::{ChatContent, ChatItem};
use crate::{Error, ErrorKind};

/// Speeches that may wait behind one that is being written.
const MAX_WAITING: usize = 64;
/// Transcripts that may wait for the agent's `on_transcript`.
pub(crate) const MAX_TRANSCRIPTS: usize = 256;

/// Where the agent's words go.
pub(crate) enum Output {
    Audio(Handle),
    Text,
}

struct Saying {
    speech: Arc<Speech>,
    /// Who writes it, if it is being written.
    turn: Weak<Turn>,
    /// Who waits for all that the turn says, if this is the last of it. The turn may be written, and
    /// gone, long before it is heard.
    whole: Option<Arc<Speech>>,
}

impl Saying {
    fn over(self, key: u64, heard: &str, outcome: SpeechOutcome) {
        self.speech.end(heard, outcome);
        match self.turn.upgrade() {
            Some(turn) => turn.speech_over(TurnKey::Say(key), heard, outcome),
            None => self.whole.iter().for_each(|whole| whole.end(heard, outcome)),
        }
    }
}

/// What a speech of the agent's own accord says.
#[derive(Clone)]
struct Words {
    agent: String,
    text: String,
    /// What sounds, if it is not the agent's voice.
    clip: Option<Clip>,
    at_once: bool,
}

struct Waiting {
    speech: Arc<Speech>,
    words: Words,
}

#[derive(Default)]
struct Book {
    said: BTreeMap<u64, Saying>,
    /// A speech is being written: the pipeline would complete it if another were ordered.
    streaming: bool,
    waiting: VecDeque<Waiting>,
}

pub(crate) struct Line {
    pub events: Arc<EventHub>,
    pub output: OnceLock<Output>,
    pub keeper: Option<Keeper>,
    pub transcripts: mpsc::Sender<Said>,
    ledger: Mutex<Ledger>,
    book: Mutex<Book>,
    turns: Mutex<Vec<Weak<Turn>>>,
    /// Things under way: turns, hooks, tools.
    activity: watch::Sender<usize>,
    /// Speeches ordered so far.
    ordered: AtomicU64,
    state: watch::Sender<State>,
    /// The session ends: nothing more is said.
    silenced: AtomicBool,
}

impl Line {
    pub fn new(
        events: Arc<EventHub>,
        ledger: Ledger,
        keeper: Option<Keeper>,
        transcripts: mpsc::Sender<Said>,
    ) -> Self {
        Self {
            events,
            output: OnceLock::new(),
            keeper,
            transcripts,
            ledger: Mutex::new(ledger),
            book: Mutex::default(),
            turns: Mutex::default(),
            activity: watch::Sender::new(0),
            ordered: AtomicU64::new(0),
            state: watch::Sender::new(State::Initializing),
            silenced: AtomicBool::new(false),
        }
    }

    pub fn output(&self) -> Result<&Output, Error> {
        self.output
            .get()
            .ok_or_else(|| Error::new(ErrorKind::Closed, "the session has not started; call start() first"))
    }

    /// Changes the ledger; what became history is told and kept.
    pub fn record(&self, change: impl FnOnce(&mut Ledger) -> Vec<ChatItem>) {
        let mut ledger = lock(&self.ledger);
        for item in change(&mut ledger) {
            if let Some(keeper) = &self.keeper {
                keeper.keep(&item);
            }
            self.events.publish(SessionEvent::ItemAdded(item));
        }
    }

    pub fn read<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&lock(&self.ledger))
    }

    pub fn change(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut lock(&self.ledger));
    }

    /// Something is under way until the last clone of the guard is dropped.
    pub fn begin_activity(self: &Arc<Self>) -> Arc<Activity> {
        self.activity.send_modify(|count| *count += 1);
        Arc::new(Activity(Arc::clone(self)))
    }

    /// The work of this task, or of the tool that it is `within`, waits for the user.
    pub fn suspend(self: &Arc<Self>, within: bool) -> Suspended {
        let counts = within || IN_ACTIVITY.try_with(|()| ()).is_ok();
        if counts {
            self.activity.send_modify(|count| *count -= 1);
        }
        Suspended { line: Arc::clone(self), waits: AtomicBool::new(counts) }
    }

    /// Waits until nothing is under way.
    pub async fn idle(&self) {
        // The sender lives in `self`.
        let _ = self.activity.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits until nothing is under way and nothing is being said.
    pub async fn silent(&self) {
        let mut state = self.state.subscribe();
        loop {
            self.idle().await;
            let over = |state: &State| matches!(state, State::Idle | State::Closed | State::Initializing);
            if self.output().is_ok_and(|output| matches!(output, Output::Audio(_))) {
                let _ = state.wait_for(over).await;
            }
            if *self.activity.borrow() == 0 && over(&self.state.borrow()) && !self.read(Ledger::is_open) {
                return;
            }
            // A turn that is over in the pipeline may be about to be recorded.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    pub fn set_state(&self, state: State) {
        if self.state.send_if_modified(|known| std::mem::replace(known, state) != state) {
            self.events.publish(SessionEvent::AgentStateChanged(state));
        }
    }

    /// How many speeches were ordered so far.
    pub fn ordered(&self) -> u64 {
        self.ordered.load(Ordering::Acquire)
    }

    pub fn note_order(&self) {
        self.ordered.fetch_add(1, Ordering::AcqRel);
    }

    /// A turn that [`Line::interrupt`] is to stop.
    pub fn register(&self, turn: &Arc<Turn>) {
        let mut turns = lock(&self.turns);
        turns.retain(|turn| turn.strong_count() > 0);
        turns.push(Arc::downgrade(turn));
    }

    /// Speaks `text` after what is being said, or at once.
    pub fn say(&self, agent: &str, text: &str, at_once: bool) -> Result<SpeechHandle, Error> {
        self.begin(Words { agent: agent.to_owned(), text: text.to_owned(), clip: None, at_once })
    }

    /// Plays `clip`, which says `text`, after what is being said.
    pub fn publish(&self, agent: &str, clip: Clip, text: &str) -> Result<SpeechHandle, Error> {
        let (agent, text) = (agent.to_owned(), text.to_owned());
        self.begin(Words { agent, text, clip: Some(clip), at_once: false })
    }

    fn begin(&self, words: Words) -> Result<SpeechHandle, Error> {
        let output = self.output()?;
        if self.silenced.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the session ends; nothing more is said"));
        }
        self.note_order();
        let speech = Speech::new();
        let Output::Audio(handle) = output else {
            self.say_as_text(&words, &speech);
            return Ok(speech.handle());
        };
        let mut book = lock(&self.book);
        if book.streaming && !words.at_once {
            if book.waiting.len() >= MAX_WAITING {
                let message = format!("{MAX_WAITING} speeches wait to be said; say less, or later");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            book.waiting.push_back(Waiting { speech: Arc::clone(&speech), words });
            return Ok(speech.handle());
        }
        self.order(&mut book, handle, words, &speech)?;
        Ok(speech.handle())
    }

    fn order(
        &self,
        book: &mut Book,
        handle: &Handle,
        words: Words,
        speech: &Arc<Speech>,
    ) -> Result<(), Error> {
        if speech.cancelled.is_cancelled() {
            speech.end("", SpeechOutcome::Dropped);
            return Ok(());
        }
        let Words { agent, text, clip, at_once } = words;
        let said = match (clip, at_once) {
            (None, false) => handle.say(text.as_str()),
            (None, true) => handle.say_now(text.as_str()),
            (Some(clip), false) => handle.play(clip, text.as_str()),
            (Some(clip), true) => handle.play_now(clip, text.as_str()),
        };
        let said = said.map_err(pipeline_error)?;
        let key = TurnKey::Say(said.key());
        let saying = Saying { speech: Arc::clone(speech), turn: Weak::new(), whole: None };
        book.said.insert(said.key(), saying);
        speech.is_said_by(said);
        self.record(|ledger| {
            let items = ledger.begin(key, &agent, None, true);
            ledger.wrote(key, &text, None, Some(Arc::clone(speech)));
            items
        });
        Ok(())
    }

    fn say_as_text(&self, Words { agent, text, .. }: &Words, speech: &Arc<Speech>) {
        self.record(|ledger| {
            let key = ledger.next_text();
            ledger.begin(key, agent, None, true);
            ledger.wrote(key, text, None, Some(Arc::clone(speech)));
            ledger.ended(key, TurnOver { heard: text.len(), outcome: SpeechOutcome::Finished })
        });
        let (heard, outcome) = (text.to_owned(), SpeechOutcome::Finished);
        self.events.publish(SessionEvent::SpeechFinished { heard, outcome });
    }

    /// A speech that `turn` writes; at most one at a time.
    pub fn open_stream(&self, turn: &Arc<Turn>) -> Result<Option<SayStream>, ReplyError> {
        let Ok(Output::Audio(handle)) = self.output() else { return Ok(None) };
        let mut book = lock(&self.book);
        if self.silenced.load(Ordering::Acquire) {
            return Err(ReplyError::Stopped);
        }
        if book.streaming {
            return Err(ReplyError::Full);
        }
        let stream = handle.say_stream().map_err(|_| ReplyError::Stopped)?;
        let said = stream.speech();
        let speech = Speech::new();
        speech.is_said_by(said.clone());
        book.streaming = true;
        let (writer, whole) = (Arc::downgrade(turn), Some(Arc::clone(turn.whole())));
        for earlier in book.said.values_mut().filter(|saying| saying.turn.ptr_eq(&writer)) {
            earlier.whole = None;
        }
        book.said.insert(said.key(), Saying { speech, turn: writer, whole });
        let key = TurnKey::Say(said.key());
        self.record(|ledger| ledger.begin(key, turn.agent(), None, true));
        Ok(Some(stream))
    }

    /// The speech that was written is complete: those that waited are ordered.
    pub fn stream_written(&self) {
        let mut book = lock(&self.book);
        book.streaming = false;
        let Ok(Output::Audio(handle)) = self.output() else { return };
        for Waiting { speech, words } in std::mem::take(&mut book.waiting) {
            if let Err(error) = self.order(&mut book, handle, words, &speech) {
                speech.end("", SpeechOutcome::Dropped);
                self.events.publish(SessionEvent::from(&error));
            }
        }
    }

    /// Silences the agent, and forgets what was to be said.
    pub fn interrupt(&self) -> Result<(), Error> {
        for waiting in std::mem::take(&mut lock(&self.book).waiting) {
            waiting.speech.end("", SpeechOutcome::Dropped);
        }
        match self.output()? {
            Output::Audio(handle) => handle.cancel_tts().map_err(pipeline_error),
            Output::Text => {
                let turns: Vec<_> = lock(&self.turns).iter().filter_map(Weak::upgrade).collect();
                turns.iter().for_each(|turn| turn.stop());
                Ok(())
            }
        }
    }

    /// From here on nothing more is begun to be said, and what is being said is cut off.
    pub fn silence(&self) {
        self.silenced.store(true, Ordering::Release);
        // A session that has not started says nothing.
        let _ = self.interrupt();
    }

    /// Ends the pipeline's conversation, and waits until it has told what was heard.
    pub async fn end_conversation(&self) {
        let Ok(Output::Audio(handle)) = self.output() else { return };
        if handle.close().is_ok() {
            // The sender lives in `self`.
            let _ = self.state.subscribe().wait_for(|state| *state == State::Closed).await;
        }
    }

    /// Nothing is said any more: what was under way is over.
    pub fn close(&self) {
        let turns: Vec<_> = lock(&self.turns).iter().filter_map(Weak::upgrade).collect();
        turns.iter().for_each(|turn| turn.stop());
        let book = std::mem::take(&mut *lock(&self.book));
        for waiting in book.waiting {
            waiting.speech.end("", SpeechOutcome::Dropped);
        }
        for (key, saying) in book.said {
            saying.over(key, "", SpeechOutcome::Dropped);
        }
        self.change(Ledger::close_all);
    }

    /// Learns what happened in the pipeline. Runs on its conversation thread: it must not wait.
    pub fn observe(&self, stamped: &Stamped) {
        match &stamped.event {
            Event::StateChanged(state) => self.set_state(*state),
            Event::PartialTranscript { text, .. } => self.transcript(text, false),
            Event::FinalTranscript { text, .. } => self.transcript(text, true),
            Event::Heard { heard, .. } => {
                self.events.publish(SessionEvent::AgentHeard { text: heard.clone() });
            }
            Event::AgentTurn(turn) => self.turn_over(turn),
            Event::SayDropped { key } => self.dropped(*key),
            Event::Fault(fault) => {
                if let Fault::SayRefused { key } = fault {
                    self.dropped(*key);
                }
                // A turn without words is no fault here: tools and hand-offs end silently.
                if !matches!(fault, Fault::AgentSilent { .. }) {
                    self.events.publish(SessionEvent::Fault(fault.clone()));
                }
            }
            Event::Metrics(metrics) => {
                self.events.publish(SessionEvent::SpeechStarted);
                self.events.publish(SessionEvent::Metrics(*metrics));
            }
            _ => {}
        }
    }

    fn transcript(&self, text: &str, is_final: bool) {
        if text.trim().is_empty() {
            return;
        }
        // A hook that does not keep up misses transcripts, never turns.
        let transcript = Transcript { text: text.to_owned(), is_final };
        let _ = self.transcripts.try_send(Said { by: None, transcript });
    }

    /// Words of somebody else: for the hooks, and for the history of `agent` once they are final.
    pub fn overheard(&self, agent: &str, speaker: &Participant, text: &str, is_final: bool) {
        let transcript = Transcript { text: text.to_owned(), is_final };
        let _ = self.transcripts.try_send(Said { by: Some(speaker.clone()), transcript });
        if is_final && !text.trim().is_empty() {
            let Participant { identity, name } = speaker.clone();
            let content = ChatContent::Overheard { speaker: identity, name, text: text.to_owned() };
            self.record(|ledger| ledger.note(ChatItem::new(agent, content)));
        }
    }

    fn turn_over(&self, turn: &AgentTurn) {
        let outcome = match turn.end {
            TurnEnd::Finished => SpeechOutcome::Finished,
            TurnEnd::Interrupted => SpeechOutcome::Interrupted,
            TurnEnd::Failed => SpeechOutcome::Failed,
        };
        let TurnId(number) = turn.turn;
        let over = TurnOver { heard: turn.heard.len(), outcome };
        match turn.origin {
            Origin::Reply => self.record(|ledger| ledger.ended(TurnKey::Reply(number), over)),
            Origin::Say { key } => {
                let saying = lock(&self.book).said.remove(&key);
                self.record(|ledger| ledger.ended(TurnKey::Say(key), over));
                if let Some(saying) = saying {
                    saying.over(key, &turn.heard, outcome);
                }
            }
        }
        if !turn.text.is_empty() || turn.played > 0 {
            self.events.publish(SessionEvent::SpeechFinished { heard: turn.heard.clone(), outcome });
        }
    }

    fn dropped(&self, key: u64) {
        let Some(saying) = lock(&self.book).said.remove(&key) else { return };
        self.change(|ledger| ledger.abandon(TurnKey::Say(key)));
        saying.over(key, "", SpeechOutcome::Dropped);
    }

    /// A status that frontends show, as history and event.
    pub fn status(&self, agent: &str, status: &str) {
        let item = ChatItem::new(agent, ChatContent::Status { status: status.to_owned() });
        self.record(|ledger| ledger.note(item));
        self.events.publish(SessionEvent::Status(status.to_owned()));
    }
}

tokio::task_local! {
    /// Set where the present task counts as something under way.
    pub(crate) static IN_ACTIVITY: ();
}

/// Something under way that waits for the user: it does not count until it is resumed.
pub(crate) struct Suspended {
    line: Arc<Line>,
    waits: AtomicBool,
}

impl Suspended {
    /// It counts again; before whoever made it go on ends, so that the session is never idle between.
    pub fn resume(&self) {
        if self.waits.swap(false, Ordering::AcqRel) {
            self.line.activity.send_modify(|count| *count += 1);
        }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.resume();
    }
}

/// Something that is under way.
pub(crate) struct Activity(Arc<Line>);

impl Drop for Activity {
    fn drop(&mut self) {
        self.0.activity.send_modify(|count| *count -= 1);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn pipeline_error(error: duologue_pipeline::Error) -> Error {
    let kind = match error.kind() {
        duologue_pipeline::ErrorKind::Config => ErrorKind::Config,
        duologue_pipeline::ErrorKind::Closed => ErrorKind::Closed,
        duologue_pipeline::ErrorKind::TimedOut => ErrorKind::TimedOut,
        _ => ErrorKind::Pipeline,
    };
    Error::new(kind, error.to_string())
}
