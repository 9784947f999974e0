//! One agent turn as it is written: where its words go, and whether anybody still listens.
//!
//! Life cycle: made from a user turn's reply, a speech of the agent's own, or text alone →
//! [`Turn::write`]… → [`Turn::finish`]. [`Turn::release`] gives the floor away in the middle (a tool
//! lets another agent talk to the user); what is written afterwards is a speech of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use duologue_pipeline::{REPLY_PATIENCE, Reply, ReplyError, ReplyState, SayStream, UserTurn};
use tokio::sync::watch;

use super::ledger::{Asked, Ledger, TurnKey, TurnOver};
use super::line::{Activity, Line, lock};
use super::speech::Speech;
use super::{SessionEvent, SpeechOutcome};
use crate::chat::ChatItem;
use crate::tool::{CommitGate, Committer};

/// How often a writer that is faster than speech looks for room.
const ROOM_POLL: Duration = Duration::from_millis(20);

enum Sink {
    Reply(Reply),
    Say(SayStream),
    Text,
    /// The text is complete.
    Ended,
    /// The floor was given away; the next word begins a speech.
    Released,
}

/// Text that waits until the user's turn is certain.
struct Held {
    text: String,
    part: Option<ChatItem>,
    speech: Option<Arc<Speech>>,
}

struct Writing {
    key: TurnKey,
    sink: Sink,
    held: Option<Vec<Held>>,
    /// The text so far ends in a space, or there is none.
    spaced: bool,
    written: usize,
}

/// See the [module](self).
pub(crate) struct Turn {
    line: Arc<Line>,
    agent: String,
    writing: Mutex<Writing>,
    state: watch::Sender<ReplyState>,
    /// It was committed, even if it was stopped before anybody looked.
    certain: AtomicBool,
    /// Which sink may still tell of the turn's state.
    sinks: AtomicU64,
    /// Models that write its text just now.
    writers: watch::Sender<usize>,
    /// Held by the tool that lets another agent talk to the user meanwhile.
    floor: tokio::sync::Mutex<()>,
    /// Effects may happen: the turn is certain, and `on_user_turn` has agreed.
    clear: watch::Sender<bool>,
    gate: CommitGate,
    committer: Mutex<Option<Committer>>,
    /// What frontends are to see once effects may happen.
    unseen: Mutex<Vec<String>>,
    /// Who waits for the whole of it.
    speech: Arc<Speech>,
    /// What is under way for it, while anything is.
    activity: Mutex<Weak<Activity>>,
    me: Weak<Turn>,
}

/// Nobody listens any more.
#[derive(Debug)]
pub(crate) struct Stopped;

/// A model that writes a turn's text.
pub(crate) struct Writer<'a>(&'a Turn);

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.0.writers.send_modify(|count| *count -= 1);
    }
}

impl Turn {
    fn new(line: &Arc<Line>, agent: &str, key: TurnKey, sink: Sink, state: ReplyState) -> Arc<Self> {
        let writing = Writing { key, sink, held: None, spaced: true, written: 0 };
        let (committer, gate) = CommitGate::speculative();
        let turn = Arc::new_cyclic(|me| Self {
            line: Arc::clone(line),
            agent: agent.to_owned(),
            writing: Mutex::new(writing),
            state: watch::Sender::new(state),
            certain: AtomicBool::new(state == ReplyState::Committed),
            sinks: AtomicU64::new(0),
            writers: watch::Sender::new(0),
            floor: tokio::sync::Mutex::default(),
            clear: watch::Sender::new(false),
            gate,
            committer: Mutex::new(Some(committer)),
            unseen: Mutex::default(),
            speech: Speech::new(),
            activity: Mutex::default(),
            me: me.clone(),
        });
        line.register(&turn);
        turn
    }

    /// The answer to the pipeline's user turn.
    pub fn reply(line: &Arc<Line>, agent: &str, asked: &UserTurn, reply: Reply) -> Arc<Self> {
        let watch = reply.watch();
        let key = TurnKey::Reply(asked.turn);
        let state = watch.state();
        let turn = Self::new(line, agent, key, Sink::Reply(reply), state);
        let asked = Asked { text: &asked.text, typed: asked.typed };
        line.record(|ledger| ledger.begin(key, agent, Some(asked), false));
        let told = Arc::downgrade(&turn);
        watch.on_change(move |state| {
            if let Some(turn) = told.upgrade() {
                turn.sink_says(0, state);
            }
        });
        turn
    }

    /// A speech of the agent's own accord; the first word begins it.
    pub fn speech(line: &Arc<Line>, agent: &str) -> Arc<Self> {
        let turn = Self::new(line, agent, TurnKey::Text(0), Sink::Released, ReplyState::Committed);
        turn.clear();
        turn
    }

    /// The answer to typed text, without audio.
    pub fn text(line: &Arc<Line>, agent: &str, text: &str) -> Arc<Self> {
        let mut key = TurnKey::Text(0);
        line.record(|ledger| {
            key = ledger.next_text();
            ledger.begin(key, agent, Some(Asked { text, typed: true }), false)
        });
        Self::new(line, agent, key, Sink::Text, ReplyState::Committed)
    }

    /// Id of the agent whose turn it is.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    pub fn key(&self) -> TurnKey {
        lock(&self.writing).key
    }

    /// Who waits for the whole turn, if it is a speech.
    pub fn whole(&self) -> &Arc<Speech> {
        &self.speech
    }

    /// Its work, all of which counts once.
    pub fn activity(&self) -> Arc<Activity> {
        let mut activity = lock(&self.activity);
        activity.upgrade().unwrap_or_else(|| {
            let begun = self.line.begin_activity();
            *activity = Arc::downgrade(&begun);
            begun
        })
    }

    /// Keeps what is written until [`Turn::let_go`].
    pub fn hold(&self) {
        lock(&self.writing).held = Some(Vec::new());
    }

    /// Writes what was held.
    pub fn let_go(&self) {
        let mut writing = lock(&self.writing);
        for Held { text, part, speech } in writing.held.take().into_iter().flatten() {
            // A turn that was stopped meanwhile says nothing.
            let _ = self.put(&mut writing, &text, part, speech);
        }
    }

    /// The text is complete, unless it is held.
    pub fn complete(&self) {
        let held = lock(&self.writing).held.is_some();
        if !held {
            self.finish();
        }
    }

    /// Begins the speech before its first word, so that it keeps its place.
    pub fn open(&self) {
        // Behind a speech that is being written it begins with its first word.
        let _ = self.reopen(&mut lock(&self.writing));
    }

    /// Forgets what was held.
    pub fn forget_held(&self) {
        lock(&self.writing).held = None;
    }

    /// Adds `text`; `part` begins a message of its own. Waits while the reply is full.
    pub async fn write(&self, text: &str, part: bool) -> Result<(), Stopped> {
        let deadline = tokio::time::Instant::now() + REPLY_PATIENCE;
        loop {
            match self.try_write(text, part, None) {
                Err(ReplyError::Full) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(ROOM_POLL).await;
                }
                outcome => return outcome.map_err(|_| Stopped),
            }
        }
    }

    /// Says `text` within the turn; `None` if its text is complete.
    pub fn say_within(&self, text: &str) -> Option<Arc<Speech>> {
        let speech = Speech::new();
        self.try_write(text, true, Some(Arc::clone(&speech))).ok()?;
        Some(speech)
    }

    fn try_write(&self, text: &str, part: bool, speech: Option<Arc<Speech>>) -> Result<(), ReplyError> {
        let part = part.then(|| Ledger::stretch(&self.agent));
        let mut writing = lock(&self.writing);
        if let Some(held) = &mut writing.held {
            held.push(Held { text: text.to_owned(), part, speech });
            return Ok(());
        }
        self.put(&mut writing, text, part, speech)
    }

    fn put(
        &self,
        writing: &mut Writing,
        text: &str,
        part: Option<ChatItem>,
        speech: Option<Arc<Speech>>,
    ) -> Result<(), ReplyError> {
        if text.is_empty() {
            return Ok(());
        }
        if matches!(writing.sink, Sink::Released) {
            self.reopen(writing)?;
        }
        // A message of its own is not run together with the one before.
        let space = if part.is_some() && !writing.spaced { " " } else { "" };
        let text = format!("{space}{text}");
        match &writing.sink {
            Sink::Reply(reply) => reply.try_text(&text)?,
            Sink::Say(stream) => stream.text(text.as_str()).map_err(|_| ReplyError::Stopped)?,
            Sink::Text if *self.state.borrow() != ReplyState::Stopped => {}
            Sink::Text | Sink::Ended | Sink::Released => return Err(ReplyError::Stopped),
        }
        writing.spaced = text.ends_with(char::is_whitespace);
        writing.written += text.len();
        let key = writing.key;
        self.line.change(|ledger| ledger.wrote(key, &text, part, speech));
        Ok(())
    }

    /// The floor was given away, or the turn is a speech: its words begin one.
    fn reopen(&self, writing: &mut Writing) -> Result<(), ReplyError> {
        let me = self.me.upgrade().ok_or(ReplyError::Stopped)?;
        let stream = self.line.open_stream(&me)?;
        writing.spaced = true;
        writing.written = 0;
        self.state.send_replace(ReplyState::Committed);
        match stream {
            Some(stream) => {
                self.speech.is_said_by(stream.speech().clone());
                writing.key = TurnKey::Say(stream.speech().key());
                writing.sink = Sink::Say(stream);
            }
            None => {
                self.line.record(|ledger| {
                    writing.key = ledger.next_text();
                    ledger.begin(writing.key, &self.agent, None, true)
                });
                writing.sink = Sink::Text;
            }
        }
        Ok(())
    }

    /// The text is complete.
    pub fn finish(&self) {
        self.end_sink(Sink::Ended);
    }

    /// A model writes the turn's text until this is dropped.
    pub fn writer(&self) -> Writer<'_> {
        self.writers.send_modify(|count| *count += 1);
        Writer(self)
    }

    /// Gives the floor away: the text so far is complete, and no interruption concerns the turn until
    /// it speaks again.
    pub fn release(&self) {
        self.end_sink(Sink::Released);
    }

    /// As [`Turn::release`], once the turn is certain, whoever has the floor has given it back, and the
    /// model has written its step to the end: what it says around the call belongs before what the
    /// user is asked then. `None` if the turn was taken back.
    pub async fn lend_floor(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if !self.cleared().await {
            return None;
        }
        let floor = self.floor.lock().await;
        // The sender lives in `self`.
        let _ = self.writers.subscribe().wait_for(|count| *count == 0).await;
        self.release();
        Some(floor)
    }

    fn end_sink(&self, after: Sink) {
        let mut writing = lock(&self.writing);
        if matches!(writing.sink, Sink::Ended) {
            return;
        }
        self.sinks.fetch_add(u64::from(matches!(after, Sink::Released)), Ordering::AcqRel);
        let (key, heard) = (writing.key, writing.written);
        match std::mem::replace(&mut writing.sink, after) {
            Sink::Reply(reply) => drop(reply),
            Sink::Say(stream) => {
                drop(stream);
                drop(writing);
                self.line.stream_written();
            }
            Sink::Text => {
                let outcome = match *self.state.borrow() {
                    ReplyState::Stopped => SpeechOutcome::Interrupted,
                    _ => SpeechOutcome::Finished,
                };
                let mut said = Vec::new();
                self.line.record(|ledger| {
                    let items = ledger.ended(key, TurnOver { heard, outcome });
                    said.extend(items.iter().filter_map(ChatItem::spoken).map(str::to_owned));
                    items
                });
                if matches!(writing.sink, Sink::Ended) {
                    self.speech.end(&said.join(" "), outcome);
                }
                let heard = said.join(" ");
                self.line.events.publish(SessionEvent::SpeechFinished { heard, outcome });
            }
            Sink::Ended | Sink::Released => {}
        }
    }

    /// The pipeline is told that nothing comes because of `reason`.
    pub fn fail(&self, reason: &str) {
        let mut writing = lock(&self.writing);
        if !matches!(writing.sink, Sink::Reply(_)) {
            drop(writing);
            return self.finish();
        }
        if let Sink::Reply(reply) = std::mem::replace(&mut writing.sink, Sink::Ended) {
            reply.fail(reason);
        }
    }

    /// Waits until the turn has had the floor for `limit`, roughly: it starts anew when the floor was
    /// given away meanwhile.
    pub async fn expired(&self, limit: Duration) {
        let mut sinks = self.sinks.load(Ordering::Acquire);
        loop {
            tokio::time::sleep(limit).await;
            let now = self.sinks.load(Ordering::Acquire);
            if std::mem::replace(&mut sinks, now) == now && !self.is_released() {
                return;
            }
        }
    }

    fn is_released(&self) -> bool {
        self.sinks.load(Ordering::Acquire) > 0 && matches!(lock(&self.writing).sink, Sink::Released)
    }

    /// Whether it has said anything since it last had the floor.
    pub fn has_spoken(&self) -> bool {
        let writing = lock(&self.writing);
        writing.written > 0 || writing.held.as_ref().is_some_and(|held| !held.is_empty())
    }

    /// Stops the turn.
    pub fn stop(&self) {
        self.take_back();
        self.state.send_replace(ReplyState::Stopped);
    }

    /// What waits for the turn to become certain waits in vain.
    fn take_back(&self) {
        if !self.is_certain() {
            lock(&self.committer).take();
        }
    }

    fn sink_says(&self, sink: u64, state: ReplyState) {
        if self.sinks.load(Ordering::Acquire) == sink {
            self.certain.fetch_or(state == ReplyState::Committed, Ordering::AcqRel);
            if state == ReplyState::Stopped {
                self.take_back();
            }
            self.state.send_replace(state);
        }
    }

    /// The pipeline has told the end of the speech that this turn writes.
    pub fn speech_over(&self, key: TurnKey, heard: &str, outcome: SpeechOutcome) {
        // A writer that is at work right now writes this very speech.
        let writing = self.writing.try_lock();
        let (ours, complete) = writing
            .map_or((true, false), |writing| (writing.key == key, matches!(writing.sink, Sink::Ended)));
        if !ours {
            return;
        }
        if outcome != SpeechOutcome::Finished {
            self.stop();
        }
        if complete || outcome != SpeechOutcome::Finished {
            self.speech.end(heard, outcome);
        }
    }

    /// Effects may happen.
    pub fn clear(&self) {
        let mut unseen = lock(&self.unseen);
        self.clear.send_replace(true);
        if let Some(committer) = lock(&self.committer).take() {
            committer.commit();
        }
        unseen.drain(..).for_each(|text| self.publish_text(text, false));
    }

    /// Opens when effects may happen.
    pub fn gate(&self) -> CommitGate {
        self.gate.clone()
    }

    /// Shows frontends what is being said, once the turn is certain.
    pub fn show(&self, text: String) {
        let mut unseen = lock(&self.unseen);
        match *self.clear.borrow() {
            true => self.publish_text(text, false),
            false => unseen.push(text),
        }
    }

    fn publish_text(&self, text: String, is_final: bool) {
        self.line.events.publish(SessionEvent::AgentTranscript { text, is_final });
    }

    /// Makes `item` part of the turn's history, unless the turn was taken back.
    pub fn add(&self, item: ChatItem) {
        if self.is_stopped() && !self.is_certain() {
            return;
        }
        let key = self.key();
        self.line.record(|ledger| ledger.add(key, item));
    }

    /// Waits until effects may happen; `false` if they never may.
    pub async fn cleared(&self) -> bool {
        let mut clear = self.clear.subscribe();
        tokio::select! {
            biased;
            cleared = clear.wait_for(|clear| *clear) => cleared.is_ok(),
            () = self.stopped() => *self.clear.borrow(),
        }
    }

    /// Waits until the user's turn is certain; `false` if it never happened.
    pub async fn committed(&self) -> bool {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| *state != ReplyState::Speculative).await.is_ok();
        settled && self.is_certain()
    }

    pub fn is_speculative(&self) -> bool {
        *self.state.borrow() == ReplyState::Speculative
    }

    /// It is or was the user's turn.
    pub fn is_certain(&self) -> bool {
        self.certain.load(Ordering::Acquire)
    }

    pub fn is_stopped(&self) -> bool {
        *self.state.borrow() == ReplyState::Stopped
    }

    /// Waits until nobody listens any more; for ever if the floor was given away.
    pub async fn stopped(&self) {
        let mut state = self.state.subscribe();
        if state.wait_for(|state| *state == ReplyState::Stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
