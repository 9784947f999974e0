//! One agent turn as it is written: where its words go, and whether anybody still listens.
//!
//! ```text
//!  model, tools, hooks ──orders──▶ driver (one task) ──▶ sink: reply, speech or text
//!          ▲                        │  ▲
//!          └──────── snapshot ──────┘  └── pipeline: committed, stopped, room, heard
//! ```
//!
//! | file | what |
//! |---|---|
//! | `state` | where the turn stands: a plain machine that decides everything |
//! | `driver` | the task that owns it and carries out what it decides |
//! | `sink` | where the words go |
//!
//! Life cycle: made from a user turn's reply, a speech of the agent's own, or text alone →
//! [`Turn::write`]… → [`Turn::finish`]. [`Turn::lend_floor`] gives the floor away in the middle (a tool
//! lets another agent talk to the user); what is written afterwards is a speech of its own.

mod driver;
mod sink;
mod state;
#[cfg(test)]
mod state_tests;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use duologue_pipeline::{REPLY_PATIENCE, Reply, ReplyState, UserTurn};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::core::{Activity, SessionCore, lock};
use super::history::{Asked, ChatHistory, TurnKey};
use super::speech::SpeechState;
use crate::chat::ChatItem;
use crate::tool::CommitGate;
use driver::{Driver, Letter, MAX_ORDERS, Order, ReplySays, Snapshot, Sources, Tag};
pub(super) use sink::OpenedSink;
use state::{Input, State, View, Words};

/// Nobody listens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

/// Something of the turn that lasts until this is dropped: a model's step, or a loan of the floor.
pub(crate) struct Lease {
    _over: oneshot::Sender<()>,
}

impl Lease {
    fn new() -> (Self, oneshot::Receiver<()>) {
        let (over, ends) = oneshot::channel();
        (Self { _over: over }, ends)
    }
}

/// See the [module](self).
pub(crate) struct Turn {
    core: Arc<SessionCore>,
    agent: String,
    orders: mpsc::Sender<Letter>,
    snapshot: watch::Receiver<Snapshot>,
    stop: CancellationToken,
    gate: CommitGate,
    /// Who waits for the whole of it.
    speech: Arc<SpeechState>,
    /// What is under way for it, while anything is.
    activity: Mutex<Weak<Activity>>,
}

impl Turn {
    /// The answer to the pipeline's user turn.
    pub(crate) fn reply(core: &Arc<SessionCore>, agent: &str, asked: &UserTurn, reply: Reply) -> Arc<Self> {
        let key = TurnKey::Reply(asked.turn);
        let (told, says) = watch::channel(ReplySays::default());
        let room = Arc::new(Notify::new());
        let (watched, wake) = (reply.watch(), Arc::clone(&room));
        watched.on_change(move |state| {
            told.send_modify(|says| {
                says.committed |= state == ReplyState::Committed;
                says.stopped |= state == ReplyState::Stopped;
            });
        });
        watched.on_room(move || wake.notify_one());
        let state = State::reply(watched.state() == ReplyState::Committed);
        let user = Asked { text: &asked.text, typed: asked.typed };
        core.record(|history| history.begin(key, agent, Some(user), false));
        Self::start(core, agent, state, OpenedSink::reply(reply, key), says, room)
    }

    /// A speech of the agent's own accord, with its place behind what is to be said already.
    pub(crate) fn speech(core: &Arc<SessionCore>, agent: &str) -> Arc<Self> {
        // A session that ends opens nothing more; the first word finds that out.
        let opened = core.open_sink(agent).unwrap_or_else(|_| OpenedSink::closed());
        let state = State::speech(opened.kind());
        Self::start_alone(core, agent, state, opened)
    }

    /// The answer to typed text, without audio.
    pub(crate) fn text(core: &Arc<SessionCore>, agent: &str, text: &str) -> Arc<Self> {
        let mut key = TurnKey::Text(0);
        core.record(|history| {
            key = history.next_text();
            history.begin(key, agent, Some(Asked { text, typed: true }), false)
        });
        Self::start_alone(core, agent, State::text(), OpenedSink::text(key))
    }

    /// A turn that the pipeline does not ask for.
    fn start_alone(core: &Arc<SessionCore>, agent: &str, state: State<Tag>, opened: OpenedSink) -> Arc<Self> {
        let (_, says) = watch::channel(ReplySays::default());
        Self::start(core, agent, state, opened, says, Arc::default())
    }

    fn start(
        core: &Arc<SessionCore>,
        agent: &str,
        state: State<Tag>,
        opened: OpenedSink,
        reply: watch::Receiver<ReplySays>,
        room: Arc<Notify>,
    ) -> Arc<Self> {
        let (committer, gate) = CommitGate::speculative();
        let speech = SpeechState::new();
        if let Some(said) = opened.said() {
            speech.is_said_by(said);
        }
        let (orders, received) = mpsc::channel(MAX_ORDERS);
        let stop = CancellationToken::new();
        let (driver, snapshot) = Driver::new(core, agent, state, opened, committer, &speech);
        core.spawn(driver.run(Sources { orders: received, reply, room, stop: stop.clone() }));
        let turn = Arc::new(Self {
            core: Arc::clone(core),
            agent: agent.to_owned(),
            orders,
            snapshot,
            stop,
            gate,
            speech,
            activity: Mutex::default(),
        });
        core.register(&turn);
        turn
    }

    /// The history's key of what it is saying.
    pub(crate) fn key(&self) -> TurnKey {
        self.snapshot.borrow().key
    }

    /// Who waits for the whole turn, if it is a speech.
    pub(crate) fn whole(&self) -> &Arc<SpeechState> {
        &self.speech
    }

    /// Its work, all of which counts once.
    pub(crate) fn activity(&self) -> Arc<Activity> {
        let mut activity = lock(&self.activity);
        activity.upgrade().unwrap_or_else(|| {
            let begun = self.core.begin_activity();
            *activity = Arc::downgrade(&begun);
            begun
        })
    }

    /// Opens when effects may happen.
    pub(crate) fn gate(&self) -> CommitGate {
        self.gate.clone()
    }

    /// Keeps what is written until [`Turn::clear`].
    pub(crate) async fn hold(&self) {
        self.tell(Input::Hold).await;
    }

    /// Effects may happen; what was held is said, or forgotten.
    pub(crate) async fn clear(&self, keep: bool) {
        self.tell(Input::Clear { keep }).await;
    }

    /// The text is complete, unless it is held.
    pub(crate) async fn complete(&self) {
        self.tell(Input::Complete).await;
    }

    /// The text is complete.
    pub(crate) async fn finish(&self) {
        self.tell(Input::Finish).await;
    }

    /// The pipeline is told that nothing comes because of `reason`.
    pub(crate) async fn fail(&self, reason: &str) {
        self.tell(Input::Fail(reason.to_owned())).await;
    }

    /// Gives the floor away: the text so far is complete, and no interruption concerns the turn until
    /// it speaks again.
    pub(crate) async fn release(&self) {
        self.tell(Input::Release).await;
    }

    /// Shows frontends what is being said, once the turn is certain.
    pub(crate) async fn show(&self, text: String) {
        self.tell(Input::Show(text)).await;
    }

    /// Adds `text`; `part` begins a message of its own. Waits while the reply is full.
    pub(crate) async fn write(&self, text: &str, part: bool) -> Result<(), Stopped> {
        if text.is_empty() {
            return Ok(());
        }
        let (writer, written) = oneshot::channel();
        let part = part.then(|| ChatHistory::stretch(&self.agent));
        let letter = letter(text, Tag { part, speech: None, writer: Some(writer) });
        let said = async {
            self.orders.send(letter).await.map_err(|_| Stopped)?;
            written.await.unwrap_or(Err(Stopped))
        };
        timeout(REPLY_PATIENCE, said).await.unwrap_or(Err(Stopped))
    }

    /// Says `text` within the turn; `None` if its text is complete or more words come than it takes.
    pub(crate) fn say_within(&self, text: &str) -> Option<Arc<SpeechState>> {
        if text.is_empty() || self.view().ended {
            return None;
        }
        let speech = SpeechState::new();
        let part = Some(ChatHistory::stretch(&self.agent));
        let tag = Tag { part, speech: Some(Arc::clone(&speech)), writer: None };
        self.orders.try_send(letter(text, tag)).ok()?;
        Some(speech)
    }

    /// A model writes the turn's text until the lease is dropped.
    pub(crate) async fn step(&self) -> Lease {
        let (lease, over) = Lease::new();
        self.send(Order::Step(over)).await;
        lease
    }

    /// Gives the floor away once the turn is certain, whoever has the floor has given it back, and the
    /// model has written its step to the end: what it says around the call belongs before what the
    /// user is asked then. `None` if the turn was taken back.
    pub(crate) async fn lend_floor(&self) -> Option<Lease> {
        let (borrower, floor) = oneshot::channel();
        self.send(Order::Lend(borrower)).await;
        floor.await.ok()
    }

    /// Stops the turn.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Makes `item` part of the turn's history, unless the turn was taken back.
    pub(crate) fn add(&self, item: ChatItem) {
        if self.is_stopped() && !self.is_certain() {
            return;
        }
        let key = self.key();
        self.core.record(|history| history.add(key, item));
    }

    /// Waits until the turn has had the floor for `limit`, roughly: it starts anew when the floor was
    /// given away meanwhile.
    pub(crate) async fn expired(&self, limit: Duration) {
        loop {
            let View { lendings, .. } = self.until(|view| !view.lent).await;
            tokio::select! {
                biased;
                _ = self.until(|view| view.lendings != lendings) => {}
                () = sleep(limit) => return,
            }
        }
    }

    /// Waits until effects may happen; `false` if they never may.
    pub(crate) async fn cleared(&self) -> bool {
        self.until(|view| view.cleared || view.stopped).await.cleared
    }

    /// Waits until the user's turn is certain; `false` if it never happened.
    pub(crate) async fn committed(&self) -> bool {
        self.until(|view| !view.speculative).await.certain
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn stopped(&self) {
        self.until(|view| view.stopped).await;
    }

    /// Whether it has said anything since it last had the floor.
    pub(crate) fn has_spoken(&self) -> bool {
        self.view().spoken
    }

    pub(crate) fn is_speculative(&self) -> bool {
        self.view().speculative
    }

    /// It is or was the user's turn.
    pub(crate) fn is_certain(&self) -> bool {
        self.view().certain
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.view().stopped
    }

    fn view(&self) -> View {
        self.snapshot.borrow().view
    }

    /// Waits for a view; for ever if the turn never comes to it.
    async fn until(&self, is: impl Fn(&View) -> bool) -> View {
        let mut snapshot = self.snapshot.clone();
        let seen = snapshot.wait_for(|snapshot| is(&snapshot.view)).await.map(|snapshot| snapshot.view);
        match seen {
            Ok(view) => view,
            Err(_) => std::future::pending().await,
        }
    }

    async fn tell(&self, input: Input<Tag>) {
        self.send(Order::Input(input)).await;
    }

    /// Returns when the order was carried out.
    async fn send(&self, order: Order) {
        let (done, carried_out) = oneshot::channel();
        // A driver that is gone has nothing left to carry out: the runtime shuts down.
        if self.orders.send(Letter { order, done: Some(done) }).await.is_ok() {
            let _ = carried_out.await;
        }
    }
}

fn letter(text: &str, tag: Tag) -> Letter {
    let words = Words { text: text.to_owned(), begins: tag.part.is_some(), tag };
    Letter { order: Order::Input(Input::Write(words)), done: None }
}
