//! The director: runs the conversation and carries its orders out.
//!
//! It is the only place where the conversation meets the world: signals from the stages become inputs,
//! outputs become orders to playback, scribe, mouth and responder. Nothing here waits; order is
//! kept, so an epoch is always begun before it is spoken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use duologue_models::SpeakOptions;

use crate::assembly::Observer;
use crate::conversation::{Conversation, Event, Fault, Input, Origin, Output, State};
use crate::events::Stamped;
use crate::handle::Handle;
use crate::ids::{Epoch, TurnId};
use crate::mouth::{MouthCancel, MouthEvent};
use crate::playback::{Mode, PlaybackControl};
use crate::player::Player;
use crate::playout::PlayoutView;
use crate::respond::{Reply, ReplyEnd, ReplyReader, ReplyState, Responder, UserTurn, reply};
use crate::stages::{Clock, MouthCommand, ScribeCommand, Signal};
use crate::turn::TurnAsk;

/// How often playback is looked at while the agent may be heard.
const PLAYBACK_POLL: Duration = Duration::from_millis(10);
/// Most pieces of a reply taken in one step, so that signals are seen soon.
const REPLY_BURST: usize = 64;
/// Most responders that may still be at work on turns nobody waits for any more.
const MAX_RESPONDERS: usize = 8;
/// Orders to one stage that wait for room before replies are no longer read.
const OUTBOX_LIMIT: usize = 256;

/// Who runs a responder.
pub(crate) enum AgentRunner {
    /// A thread for each turn whose responder may wait, with a writer's patience.
    Threads { patience: Duration },
    /// The caller's own thread: the responder must not wait.
    Inline,
}

/// Where the director's orders go.
pub(crate) struct Outlets {
    pub playback: PlaybackControl,
    pub playout: PlayoutView,
    pub scribe: Sender<ScribeCommand>,
    pub mouth: Sender<MouthCommand>,
    pub mouth_cancel: MouthCancel,
    pub handle: Handle,
    pub observer: Option<Observer>,
}

/// A turn that the responder was asked about.
struct Asked {
    reader: ReplyReader,
    /// Its text is over; whether it is committed is not known yet.
    ended: bool,
    voice: SpeakOptions,
}

pub(crate) struct Director {
    conversation: Conversation,
    clock: Clock,
    inbox: Receiver<Signal>,
    /// For inputs of its own and for replies; the director outlives both.
    signals: Sender<Signal>,
    outlets: Outlets,
    responder: Option<Arc<dyn Responder>>,
    runner: AgentRunner,
    responders: Arc<()>,
    replies: BTreeMap<TurnId, Asked>,
    /// A speculative question to a responder that answers only what is certain.
    uncertain: Option<UserTurn>,
    voice: SpeakOptions,
    /// How speeches that have not begun are to be spoken: as was in force when they were ordered.
    say_voices: BTreeMap<u64, SpeakOptions>,
    /// What is to be played of speeches that have not begun and are sound of the caller's own.
    say_players: BTreeMap<u64, Box<Player>>,
    to_mouth: VecDeque<MouthCommand>,
    to_scribe: VecDeque<ScribeCommand>,
    speaking: Option<Epoch>,
}

impl Director {
    pub fn new(
        conversation: Conversation,
        clock: Clock,
        signals: (Sender<Signal>, Receiver<Signal>),
        outlets: Outlets,
        responder: Option<Arc<dyn Responder>>,
        runner: AgentRunner,
        voice: SpeakOptions,
    ) -> Self {
        Self {
            conversation,
            clock,
            inbox: signals.1,
            signals: signals.0,
            outlets,
            responder,
            runner,
            responders: Arc::new(()),
            replies: BTreeMap::new(),
            uncertain: None,
            voice,
            say_voices: BTreeMap::new(),
            say_players: BTreeMap::new(),
            to_mouth: VecDeque::new(),
            to_scribe: VecDeque::new(),
            speaking: None,
        }
    }

    /// The signals, for whoever waits for the first.
    pub fn inbox(&self) -> &Receiver<Signal> {
        &self.inbox
    }

    /// The conversation, to look at.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Whether the conversation was closed.
    pub fn is_closed(&self) -> bool {
        self.conversation.state() == State::Closed
    }

    /// How long the director may wait for a signal.
    pub fn patience(&self) -> Duration {
        let now = self.clock.now();
        let timer = self.conversation.next_timeout().map(|at| at.saturating_sub(now));
        let poll = self.speaking.map(|_| PLAYBACK_POLL);
        let waiting = !self.to_mouth.is_empty() || !self.to_scribe.is_empty();
        let retry = waiting.then_some(Duration::from_millis(1));
        [timer, poll, retry].into_iter().flatten().min().unwrap_or(Duration::from_millis(500))
    }

    /// Takes `first`, then everything else that waits; returns whether anything was done.
    pub fn step(&mut self, first: Option<Signal>) -> bool {
        let mut progressed = false;
        let waiting = self.inbox.len();
        let inbox = self.inbox.clone();
        self.watch_playback();
        for signal in first.into_iter().chain(inbox.try_iter().take(waiting)) {
            progressed = true;
            self.signal(signal);
        }
        progressed |= self.read_replies();
        if self.conversation.next_timeout().is_some_and(|at| at <= self.clock.now()) {
            progressed = true;
            self.input(Input::Timeout);
        }
        self.send_waiting();
        progressed
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Input(input) => {
                if let Input::Say { options, .. } = &input {
                    self.say_voices.insert(options.key, self.voice.clone());
                }
                self.input(input);
            }
            Signal::Play { player, text, options } => {
                self.say_players.insert(options.key, player);
                self.input(Input::Say { text, options });
            }
            Signal::Mouth(event) => self.mouth(event),
            Signal::Reply => {}
            Signal::Voice(voice) => self.voice = voice,
            Signal::Stt(stream) => self.to_scribe.push_back(ScribeCommand::Stt(stream)),
            Signal::Died(stage) => {
                tracing::error!(stage, "a stage of the pipeline has died; the conversation is closed");
                self.input(Input::Close);
            }
        }
    }

    fn mouth(&mut self, event: MouthEvent) {
        let input = match event {
            MouthEvent::Spoken { epoch, words, end, .. } => Input::Spoken { epoch, words, end_sample: end },
            MouthEvent::Done { epoch, total } => Input::SynthesisDone { epoch, total_samples: total },
            MouthEvent::Failed { epoch, reason } => Input::SynthesisFailed { epoch, reason },
        };
        self.input(input);
    }

    fn input(&mut self, input: Input) {
        self.conversation.handle(input, self.clock.now());
        while let Some(output) = self.conversation.poll_output() {
            self.carry_out(output);
        }
        let missed = self.conversation.counters().detector_missed;
        self.outlets.handle.counters.turns_missed.store(missed, Ordering::Relaxed);
    }

    /// Tells the conversation how far playback is, so that whatever comes next is judged by what was heard.
    fn watch_playback(&mut self) {
        let Some(epoch) = self.speaking else { return };
        let status = self.outlets.playout.status();
        if status.epoch != epoch {
            return;
        }
        self.input(Input::Playback {
            epoch,
            played: status.played,
            audible: status.audible,
            finished: status.finished,
        });
        if let (Some(key), Some((heard, played))) = (self.conversation.saying(), self.conversation.heard()) {
            self.outlets.handle.says.heard(key, heard, played);
        }
        // What ended may have let the next speech begin already.
        if self.speaking == Some(epoch) && (status.finished || status.mode == Mode::Stopped) {
            self.speaking = None;
        }
    }

    fn read_replies(&mut self) -> bool {
        let mut progressed = false;
        let turns: Vec<TurnId> = self.replies.keys().copied().collect();
        for turn in turns {
            for _ in 0..REPLY_BURST {
                if self.to_mouth.len() > OUTBOX_LIMIT {
                    return progressed;
                }
                let Some(asked) = self.replies.get_mut(&turn).filter(|asked| !asked.ended) else { break };
                if let Some(delta) = asked.reader.next() {
                    progressed = true;
                    self.input(Input::AgentText { turn, delta });
                    continue;
                }
                let Some(end) = asked.reader.end() else { break };
                progressed = true;
                asked.ended = true;
                let committed = asked.reader.is_committed();
                match end {
                    ReplyEnd::Done => self.input(Input::AgentDone { turn }),
                    ReplyEnd::Failed(reason) => {
                        if !committed {
                            // A speculative answer that failed is given up without another word.
                            self.replies.remove(&turn);
                        }
                        self.input(Input::AgentFailed { turn, reason });
                    }
                }
            }
        }
        progressed
    }

    fn carry_out(&mut self, output: Output) {
        let playback = &self.outlets.playback;
        match output {
            Output::Ask { turn, text, speculative, typed } => {
                self.ask(UserTurn { turn: turn.0, text, speculative, typed });
            }
            Output::CommitAsk { turn } => {
                if let Some(asked) = self.uncertain.take_if(|uncertain| uncertain.turn == turn.0) {
                    self.ask(UserTurn { speculative: false, ..asked });
                } else if let Some(asked) = self.replies.get(&turn) {
                    asked.reader.commit();
                }
            }
            Output::Abandon { turn } => {
                self.uncertain.take_if(|uncertain| uncertain.turn == turn.0);
                self.replies.remove(&turn);
            }
            Output::BeginEpoch { epoch, turn, held } => {
                playback.begin(epoch);
                if held {
                    playback.hold();
                }
                self.speaking = Some(epoch);
                let begin = match self.player_of(turn) {
                    Some(player) => MouthCommand::Play { epoch, player },
                    None => MouthCommand::Begin { epoch, options: self.voice_of(turn) },
                };
                self.to_mouth.push_back(begin);
            }
            Output::Speak { epoch, delta } => {
                self.to_mouth.push_back(MouthCommand::Text { epoch, delta });
            }
            Output::FinishSpeak { epoch } => {
                self.to_mouth.push_back(MouthCommand::Finish { epoch });
            }
            Output::Duck { epoch } => self.if_current(epoch, PlaybackControl::duck),
            Output::Restore { epoch } => self.if_current(epoch, PlaybackControl::restore),
            Output::Yield { epoch } => self.if_current(epoch, PlaybackControl::hold),
            Output::Resume { epoch } => self.if_current(epoch, PlaybackControl::resume),
            Output::Drop { epoch } => {
                self.if_current(epoch, PlaybackControl::stop);
                self.outlets.mouth_cancel.cancel(epoch);
                self.to_mouth.push_back(MouthCommand::Drop { epoch });
            }
            Output::StartUtterance { utterance, from_sample: from, first } => {
                self.to_scribe.push_back(ScribeCommand::Start { utterance, from, first });
            }
            Output::EndUtterance { utterance, at } => {
                self.to_scribe.push_back(ScribeCommand::End { utterance, at });
            }
            Output::DetectTurn { utterance, ask, text } => {
                self.to_scribe.push_back(ScribeCommand::DetectTurn(TurnAsk { utterance, ask, words: text }));
            }
            Output::Event(event) => self.publish(event),
        }
    }

    /// The voice that was in force when the present speech was asked for or ordered.
    fn voice_of(&self, turn: TurnId) -> SpeakOptions {
        let said = || self.conversation.saying().and_then(|key| self.say_voices.get(&key));
        let voice = self.replies.get(&turn).map(|asked| &asked.voice).or_else(said);
        voice.unwrap_or(&self.voice).clone()
    }

    /// What is to be played instead of a voice.
    fn player_of(&mut self, turn: TurnId) -> Option<Box<Player>> {
        let key = self.conversation.saying().filter(|_| !self.replies.contains_key(&turn))?;
        self.say_players.remove(&key)
    }

    fn forget_say(&mut self, key: u64) {
        self.say_voices.remove(&key);
        self.say_players.remove(&key);
    }

    fn forget(&mut self, event: &Event) {
        match event {
            Event::AgentTurn(turn) => match turn.origin {
                Origin::Reply => drop(self.replies.remove(&turn.turn)),
                Origin::Say { key } => self.forget_say(key),
            },
            Event::SayDropped { key } | Event::Fault(Fault::SayRefused { key }) => {
                self.forget_say(*key);
            }
            _ => {}
        }
    }

    fn publish(&mut self, event: Event) {
        self.forget(&event);
        let handle = &self.outlets.handle;
        if matches!(event, Event::AgentTurn(_) | Event::UserTurn { .. }) {
            *handle.history.lock().unwrap_or_else(PoisonError::into_inner) =
                self.conversation.history().iter().cloned().collect();
        }
        handle.says.observe(&event);
        let stamped = Stamped { at: self.clock.now(), event };
        if let Some(observer) = &self.outlets.observer {
            observer(&stamped);
        }
        handle.events.publish(stamped.at, stamped.event);
    }

    fn if_current(&self, epoch: Epoch, order: fn(&PlaybackControl)) {
        if self.speaking == Some(epoch) {
            order(&self.outlets.playback);
        }
    }

    fn ask(&mut self, user_turn: UserTurn) {
        let (turn, speculative) = (TurnId(user_turn.turn), user_turn.speculative);
        let Some(responder) = self.responder.clone() else {
            return self.input_later(Input::AgentDone { turn });
        };
        if speculative && !responder.speculates() {
            self.uncertain = Some(user_turn);
            return;
        }
        let signals = self.signals.clone();
        let wake = Box::new(move || {
            let _ = signals.try_send(Signal::Reply);
        });
        let state = if speculative { ReplyState::Speculative } else { ReplyState::Committed };
        let asked = |reader| Asked { reader, ended: false, voice: self.voice.clone() };
        match &self.runner {
            AgentRunner::Inline => {
                let (writer, reader) = reply(state, wake, Duration::ZERO);
                let asked = asked(reader);
                self.replies.insert(turn, asked);
                run_responder(&*responder, user_turn, writer);
            }
            AgentRunner::Threads { patience } if !responder.blocks() => {
                let (writer, reader) = reply(state, wake, *patience);
                let asked = asked(reader);
                self.replies.insert(turn, asked);
                run_responder(&*responder, user_turn, writer);
            }
            AgentRunner::Threads { patience } => {
                if Arc::strong_count(&self.responders) > MAX_RESPONDERS {
                    let reason = format!(
                        "{MAX_RESPONDERS} earlier answers are still being worked on; a responder must stop when its reply is stopped"
                    );
                    return self.input_later(Input::AgentFailed { turn, reason });
                }
                let (writer, reader) = reply(state, wake, *patience);
                let asked = asked(reader);
                self.replies.insert(turn, asked);
                let alive = Arc::clone(&self.responders);
                let spawned =
                    std::thread::Builder::new().name(format!("duologue-agent-{}", turn.0)).spawn(move || {
                        run_responder(&*responder, user_turn, writer);
                        drop(alive);
                    });
                if let Err(error) = spawned {
                    self.replies.remove(&turn);
                    self.input_later(Input::AgentFailed { turn, reason: error.to_string() });
                }
            }
        }
    }

    /// For inputs that arise while outputs are being carried out.
    fn input_later(&self, input: Input) {
        let _ = self.signals.try_send(Signal::Input(input));
    }

    fn send_waiting(&mut self) {
        drain(&mut self.to_scribe, &self.outlets.scribe);
        drain(&mut self.to_mouth, &self.outlets.mouth);
    }
}

/// A panic fails the reply, not the pipeline.
fn run_responder(responder: &dyn Responder, turn: UserTurn, reply: Reply) {
    let run = std::panic::AssertUnwindSafe(|| responder.respond(turn, reply));
    if std::panic::catch_unwind(run).is_err() {
        tracing::error!("the responder panicked; its turn has failed");
    }
}

fn drain<T>(waiting: &mut VecDeque<T>, to: &Sender<T>) {
    while let Some(item) = waiting.pop_front() {
        match to.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(item)) => {
                waiting.push_front(item);
                return;
            }
            Err(TrySendError::Disconnected(_)) => return waiting.clear(),
        }
    }
}
