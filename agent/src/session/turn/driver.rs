//! Carries a turn out: one task that owns its [`State`] and its sink, feeds in whatever happens, and
//! does what comes out. Everybody else sends it orders and reads the latest [`Snapshot`].
//!
//! | what happens | how the task learns of it | bound |
//! |---|---|---|
//! | orders of the turn's tasks | a channel, which is not read while the reply is full | [`MAX_ORDERS`] |
//! | the pipeline commits or stops the reply | a watch | the latest |
//! | the reply has room again | a wake-up | one |
//! | a speech was heard or cut off | the speech's own watch | the latest |
//! | a step or a loan of the floor is over | the lease is dropped | one each |

use std::collections::VecDeque;
use std::sync::Arc;

use duologue_pipeline::ReplyError;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::sink::{OpenedSink, Sink};
use super::state::{Heard, Input, Output, SinkKind, State, View, Words};
use super::{Lease, Stopped};
use crate::chat::ChatItem;
use crate::session::core::SessionCore;
use crate::session::history::{TurnKey, TurnOver};
use crate::session::speech::SpeechState;
use crate::session::{SessionEvent, SpeechOutcome};
use crate::tool::Committer;

/// Orders that may wait for a turn.
pub(super) const MAX_ORDERS: usize = 64;

/// What comes with words.
pub(super) struct Tag {
    /// The message that they begin.
    pub part: Option<ChatItem>,
    /// Who waits for these words alone.
    pub speech: Option<Arc<SpeechState>>,
    /// Who waits until they are on their way; once it is gone, nobody wants them said.
    pub writer: Option<oneshot::Sender<Result<(), Stopped>>>,
}

/// What the turn's tasks want of it.
pub(super) enum Order {
    Input(Input<Tag>),
    /// A model writes until the other end is dropped.
    Step(oneshot::Receiver<()>),
    /// The floor for whoever waits for the other end.
    Lend(oneshot::Sender<Lease>),
}

/// An order, and who waits until it was carried out.
pub(super) struct Letter {
    pub order: Order,
    pub done: Option<oneshot::Sender<()>>,
}

/// What has become of the reply in the pipeline.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReplySays {
    pub committed: bool,
    pub stopped: bool,
}

/// Where the turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub view: View,
    pub key: TurnKey,
}

/// What wakes the driver.
pub(super) struct Sources {
    pub orders: mpsc::Receiver<Letter>,
    pub reply: watch::Receiver<ReplySays>,
    pub room: Arc<Notify>,
    pub stop: CancellationToken,
}

/// See the [module](self).
pub(super) struct Driver {
    state: State<Tag>,
    core: Arc<SessionCore>,
    agent: String,
    opened: OpenedSink,
    /// Bytes that went to what is open.
    written: usize,
    committer: Option<Committer>,
    /// Who waits for the whole turn.
    whole: Arc<SpeechState>,
    borrowers: VecDeque<oneshot::Sender<Lease>>,
    leases: FuturesUnordered<BoxFuture<'static, Input<Tag>>>,
    snapshot: watch::Sender<Snapshot>,
}

impl Driver {
    pub(crate) fn new(
        core: &Arc<SessionCore>,
        agent: &str,
        state: State<Tag>,
        opened: OpenedSink,
        committer: Committer,
        whole: &Arc<SpeechState>,
    ) -> (Self, watch::Receiver<Snapshot>) {
        let (snapshot, seen) = watch::channel(Snapshot { view: state.view(), key: opened.key });
        let driver = Self {
            state,
            core: Arc::clone(core),
            agent: agent.to_owned(),
            opened,
            written: 0,
            committer: Some(committer),
            whole: Arc::clone(whole),
            borrowers: VecDeque::new(),
            leases: FuturesUnordered::new(),
            snapshot,
        };
        (driver, seen)
    }

    /// Until the turn and what was said of it are over, and nobody has it any more.
    pub(crate) async fn run(mut self, sources: Sources) {
        let Sources { mut orders, mut reply, room, stop } = sources;
        let (mut listens, mut stoppable, mut wanted) = (true, true, true);
        while wanted || !self.state.is_over() {
            let speech = self.opened.speech.clone();
            tokio::select! {
                biased;
                changed = reply.changed(), if listens => {
                    listens = changed.is_ok();
                    let ReplySays { committed, stopped } = *reply.borrow_and_update();
                    if committed { self.feed(Input::Committed) }
                    if stopped { self.feed(Input::ReplyStopped) }
                }
                () = stop.cancelled(), if stoppable => {
                    stoppable = false;
                    self.feed(Input::Stop);
                }
                Some(over) = self.leases.next(), if !self.leases.is_empty() => self.feed(over),
                heard = over(speech), if self.opened.speech.is_some() => {
                    self.opened.speech = None;
                    self.feed(Input::SpeechOver(heard));
                }
                () = room.notified(), if self.state.is_blocked() => self.feed(Input::Room),
                letter = orders.recv(), if wanted && !self.state.is_blocked() => match letter {
                    Some(Letter { order, done }) => {
                        self.carry_out(order);
                        tell(done, ());
                    }
                    None => {
                        wanted = false;
                        self.feed(Input::Finish);
                    }
                },
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Input(Input::Write(mut words)) => {
                // Who writes what is held need not wait until it is said.
                if self.state.holds() {
                    tell(words.tag.writer.take(), Ok(()));
                }
                self.feed(Input::Write(words));
            }
            Order::Input(input) => self.feed(input),
            Order::Step(over) => {
                self.leases.push(over.map(|_| Input::StepEnds).boxed());
                self.feed(Input::StepBegins);
            }
            Order::Lend(borrower) => {
                self.borrowers.push_back(borrower);
                self.feed(Input::Lend);
            }
        }
    }

    /// Gives the machine `input`, does what comes of it, and tells where the turn stands then.
    fn feed(&mut self, input: Input<Tag>) {
        self.state.handle(input);
        while let Some(output) = self.state.poll_output() {
            if let Some(answer) = self.perform(output) {
                self.state.handle(answer);
            }
        }
        let now = Snapshot { view: self.state.view(), key: self.opened.key };
        self.snapshot.send_if_modified(|known| std::mem::replace(known, now) != now);
    }

    fn perform(&mut self, output: Output<Tag>) -> Option<Input<Tag>> {
        match output {
            Output::Open => return Some(Input::Opened(self.open())),
            Output::Put { space, words } => return Some(self.put(space, words)),
            Output::Refuse(words) => self.refuse(words),
            Output::Close => return self.close(),
            Output::Fail(reason) => {
                if let Sink::Reply(reply) = std::mem::replace(&mut self.opened.sink, Sink::Closed) {
                    reply.fail(reason);
                }
            }
            Output::AllowEffects => {
                if let Some(committer) = self.committer.take() {
                    committer.commit();
                }
            }
            Output::ForbidEffects => drop(self.committer.take()),
            Output::Show(text) => {
                self.core.events.publish(SessionEvent::AgentTranscript { text, is_final: false });
            }
            Output::Grant => self.grant(),
            // Who asked finds the channel closed.
            Output::Deny => drop(self.borrowers.pop_front()),
            Output::End(heard) => {
                let Heard { text, outcome } =
                    heard.unwrap_or(Heard { text: String::new(), outcome: SpeechOutcome::Dropped });
                self.whole.end(&text, outcome);
            }
        }
        None
    }

    fn open(&mut self) -> Option<SinkKind> {
        let opened = self.core.open_sink(&self.agent).ok()?;
        if let Sink::Speech(stream) = &opened.sink {
            self.whole.is_said_by(stream.speech().clone());
        }
        self.opened = opened;
        self.written = 0;
        self.opened.kind()
    }

    fn put(&mut self, space: bool, words: Words<Tag>) -> Input<Tag> {
        if words.tag.writer.as_ref().is_some_and(oneshot::Sender::is_closed) {
            return Input::Refused(words);
        }
        let text = if space { format!(" {}", words.text) } else { words.text.clone() };
        match self.opened.sink.put(&text) {
            Err(ReplyError::Full) => return Input::Full(words),
            Err(_) => return Input::Refused(words),
            Ok(()) => {}
        }
        self.written += text.len();
        let Tag { part, speech, writer } = words.tag;
        let key = self.opened.key;
        self.core.change(|history| history.wrote(key, &text, part, speech));
        tell(writer, Ok(()));
        Input::Taken
    }

    fn refuse(&self, Words { text, tag, .. }: Words<Tag>) {
        tell(tag.writer, Err(Stopped));
        let Some(speech) = tag.speech else { return };
        let View { ended, certain, stopped, .. } = self.state.view();
        // The turn was complete before its words came: they are said after it.
        let said = ended && certain && !stopped && self.core.say_after(&self.agent, &text, &speech).is_ok();
        if !said {
            speech.end("", SpeechOutcome::Dropped);
        }
    }

    fn close(&mut self) -> Option<Input<Tag>> {
        match std::mem::replace(&mut self.opened.sink, Sink::Closed) {
            Sink::Text => {}
            sink => {
                drop(sink);
                return None;
            }
        }
        let outcome = match self.state.view().stopped {
            true => SpeechOutcome::Interrupted,
            false => SpeechOutcome::Finished,
        };
        let text = self.core.text_over(self.opened.key, TurnOver { heard: self.written, outcome });
        Some(Input::SpeechOver(Heard { text, outcome }))
    }

    fn grant(&mut self) {
        let Some(borrower) = self.borrowers.pop_front() else { return };
        let (lease, over) = Lease::new();
        self.leases.push(over.map(|_| Input::Returned).boxed());
        // A borrower that is gone gives it back with this.
        let _ = borrower.send(lease);
    }
}

/// Tells whoever waits, if anybody still does.
fn tell<T>(waits: Option<oneshot::Sender<T>>, outcome: T) {
    if let Some(waits) = waits {
        let _ = waits.send(outcome);
    }
}

async fn over(speech: Option<Arc<SpeechState>>) -> Heard {
    match speech {
        Some(speech) => {
            let (text, outcome) = speech.over().await;
            Heard { text, outcome }
        }
        None => std::future::pending().await,
    }
}
