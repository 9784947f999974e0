//! The conversation: who has the turn, and what follows from what is heard.
//!
//! Sans-IO: no threads, no audio, no lock, no clock of its own. Tell it what happened with [`Conversation::handle`], do what
//! [`Conversation::poll_output`] says until it says `None`, and come back with [`Input::Timeout`] at
//! [`Conversation::next_timeout`]. The same inputs at the same times give the same outputs.
//!
//! # The user
//! ```text
//!            speech begins                speech ends                    finals: words
//!   Quiet ────────────────► Speaking ────────────────► AwaitingFinal ────────────────► AwaitingTurnEnd
//!     ▲                      ▲    │ too long: next utterance   │  │                        │      │
//!     │                      │    ▼                            │  │ speech begins           │      │ speech begins
//!     │                      └────┴────────────────────────────┼──┴─────────────────────────┼──────┘ (same turn)
//!     ├── finals: nothing, backchannel, echo ──────────────────┘                            │
//!     └── wait over: the agent is asked ◄───────────────────────────────────────────────────┘
//! ```
//! `Speaking` ends by the edge, by level, by starvation or by mute; `AwaitingFinal` by the finals or, at its deadline, with the
//! last partials; `AwaitingTurnEnd` at `f(probability)` after the end of speech, or by the voice detector's timer when the turn
//! detector misses its deadline.
//!
//! # The agent
//! ```text
//!          ask, say              text             samples played
//!   none ────────────► thinking ──────► speaking ────────────────► none     text:  first text, stall, length have limits
//!                                                                           sound: progress has a limit
//!   floor, meanwhile:
//!             speech begins             voiced long enough, or a word
//!        Free ─────────────► Ducked ─────────────────────────────────► Yielded ── words: dropped, the history cut ──► none
//!         ▲                    │ deadline, or no words                     │
//!         └──── Restore ───────┘◄──────────────── Resume ─────────────────┘ no words, backchannel, own echo, deadline
//! ```
//! A speculative answer is a turn that is not committed: it thinks and is synthesized, held, and becomes the turn only if the
//! user's words are those it was asked with.
//!
//! # Invariants
//! - Every state but "quiet, and no agent turn" has a deadline: time alone leads back to [`State::Idle`].
//! - What playback is told (full, ducked, held) is computed from the floor, never latched from an edge.
//! - Nothing is spoken of an epoch after its `Drop`, nor of an uncommitted turn before its `CommitAsk` and `Resume`.
//! - Each committed turn is asked once, ends in one [`Event::AgentTurn`], and the [`History`] holds of it what was heard.
//! - All queues and texts are bounded.
//!
//! # Example
//! ```
//! use std::time::Duration;
//! use duologue_pipeline::conversation::{Config, Conversation, Input, Output};
//!
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let mut conversation = Conversation::new(Config::default())?;
//! conversation.handle(Input::Ready, Duration::ZERO);
//! conversation.handle(Input::UserText("What time is it?".into()), Duration::from_millis(5));
//! while let Some(output) = conversation.poll_output() {
//!     if let Output::Ask { turn, text, .. } = output {
//!         println!("turn {turn:?}: {text}");
//!     }
//! }
//! assert!(conversation.next_timeout().is_some(), "the agent's first text has a deadline");
//! # Ok(())
//! # }
//! ```

mod config;
mod event;
mod floor;
mod heard;
mod history;
mod input;
mod meter;
mod metrics;
mod output;
mod reply;
mod says;
mod turn;
mod user;
mod words;

use std::collections::VecDeque;
use std::time::Duration;

pub use crate::ids::{Epoch, TurnId, UtteranceId};
pub use config::{Config, Policy};
pub use event::{AgentTurn, Event, Fault, IgnoreReason, Origin, State, TurnEnd};
pub use heard::Script;
pub use history::{Entry, History, Role};
pub use input::{Input, SayOptions, SpokenWord};
pub use meter::voice_weight;
pub use metrics::{Counters, TurnMetrics};
pub use output::Output;

use config::Level;
use meter::VoiceMeter;
use reply::Reply;
use says::Says;
use turn::Verdict;
use user::{Draft, Overlap, User};
use words::Backchannels;

use crate::Error;

/// Outputs that may wait to be polled; while more do, inputs are refused and counted.
const MAX_UNDRAINED: usize = 16_384;
/// Deadlines that may pass at one instant; each leads to another state.
const MAX_EXPIRIES: usize = 32;

/// Before, during and after the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Initializing,
    Open,
    Closed,
}

/// The state of one conversation. See the [module](self).
#[derive(Debug)]
pub struct Conversation {
    config: Config,
    policy: Policy,
    backchannels: Backchannels,
    life: Life,
    now: Duration,

    meter: VoiceMeter,
    muted: bool,
    starved: bool,
    user: User,
    draft: Draft,
    last_utterance: UtteranceId,
    /// The latest question to the turn detector.
    last_ask: u64,
    /// Capture sample up to which audio belongs to earlier utterances.
    utterance_end: u64,

    reply: Option<Reply>,
    says: Says,
    last_turn: TurnId,
    last_epoch: Epoch,
    /// When the agent last sounded.
    last_audible: Duration,
    /// The last words of the agent turn before.
    tail: Option<Overlap>,
    /// The epoch whose silence is awaited, and when the user began.
    silencing: Option<(Epoch, Duration)>,

    outputs: VecDeque<Output>,
    history: History,
    counters: Counters,
    state: State,
}

impl Conversation {
    /// A conversation that waits for [`Input::Ready`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`] if a value of `config` is out of range.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            policy: config.policy,
            backchannels: Backchannels::new(&config.backchannels),
            history: History::new(config.history_limit),
            config,
            life: Life::Initializing,
            now: Duration::ZERO,
            meter: VoiceMeter::default(),
            muted: false,
            starved: false,
            user: User::Quiet,
            draft: Draft::default(),
            last_utterance: UtteranceId::default(),
            last_ask: 0,
            utterance_end: 0,
            reply: None,
            says: Says::default(),
            last_turn: TurnId::default(),
            last_epoch: Epoch::default(),
            last_audible: Duration::ZERO,
            tail: None,
            silencing: None,
            outputs: VecDeque::new(),
            counters: Counters::default(),
            state: State::Initializing,
        })
    }

    /// Takes in what happened at `now`, the time since the pipeline's start. A `now` before an earlier one counts as that one.
    pub fn handle(&mut self, input: Input, now: Duration) {
        self.counters.clock_backwards += u64::from(now < self.now);
        self.now = self.now.max(now);
        if self.outputs.len() >= MAX_UNDRAINED {
            self.counters.undrained += 1;
            return;
        }
        match self.life {
            Life::Closed => return,
            Life::Open => self.take(input),
            Life::Initializing => self.take_early(input),
        }
        self.settle();
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`]; `None` while nothing is awaited but the user or the application.
    pub fn next_timeout(&self) -> Option<Duration> {
        [self.user_deadline(), self.agent_deadline()].into_iter().flatten().min()
    }

    /// Where the conversation stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What was said and heard.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What went past without a word.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The barge-in policy in force.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Ready | Input::Timeout => {}
            Input::SpeechStarted { at } => self.on_speech_started(at),
            Input::SpeechEnded { at } => self.on_speech_ended(at),
            Input::Voice { at, voiced, probability } => self.on_voice(at, voiced.then_some(probability)),
            Input::Keypad { at, key } => self.on_keypad(at, key),
            Input::Starved => self.on_starved(),
            Input::Partial { utterance, text } => self.on_partial(utterance, &text),
            Input::Final { utterance, text } => self.on_final(utterance, &text),
            Input::SttFailed { reason } => self.on_stt_failed(reason),
            Input::TurnComplete { utterance, ask, probability } => {
                self.on_turn_complete(utterance, ask, probability);
            }
            Input::AgentText { turn, delta } => self.on_agent_text(turn, &delta),
            Input::AgentDone { turn } => self.on_agent_done(turn),
            Input::AgentFailed { turn, reason } => self.on_agent_failed(turn, reason),
            Input::Spoken { epoch, words, end_sample } => self.on_spoken(epoch, &words, end_sample),
            Input::SynthesisDone { epoch, total_samples } => self.on_synthesis_done(epoch, total_samples),
            Input::SynthesisFailed { epoch, reason } => self.on_synthesis_failed(epoch, reason),
            Input::Playback { epoch, played, audible, finished } => {
                self.on_playback(epoch, played, audible, finished)
            }
            Input::Say { text, options } => self.on_say(text, options),
            Input::SayMore { key, text } => self.on_say_more(key, &text),
            Input::FinishSay { key } => self.on_finish_say(key),
            Input::CancelSpeech => self.on_cancel_speech(),
            Input::CancelSay { key } => self.on_cancel_say(key),
            Input::UserText(text) => self.on_user_text(&text),
            Input::SetPolicy(policy) => self.policy = policy,
            Input::Mute => self.on_mute(),
            Input::Unmute => self.muted = false,
            Input::Close => self.close(),
        }
    }

    /// Before the conversation is ready it can be set up, and something can wait to be said.
    fn take_early(&mut self, input: Input) {
        match input {
            Input::Ready => self.life = Life::Open,
            Input::Say { .. }
            | Input::SayMore { .. }
            | Input::FinishSay { .. }
            | Input::CancelSpeech
            | Input::CancelSay { .. }
            | Input::SetPolicy(_)
            | Input::Mute
            | Input::Unmute
            | Input::Close => self.take(input),
            Input::Timeout => {}
            _ => self.counters.stale += 1,
        }
    }

    fn close(&mut self) {
        if let User::Speaking { utterance, at, .. } = self.user {
            self.close_utterance(utterance, self.meter.latest().max(at));
        }
        self.on_cancel_speech();
        self.interrupt();
        self.dismiss_draft();
        self.life = Life::Closed;
    }

    /// Does all that follows: deadlines, then everything that is computed rather than latched.
    fn settle(&mut self) {
        for _ in 0..MAX_EXPIRIES {
            if !self.expire_user() && !self.expire_agent() {
                break;
            }
        }
        self.speculate();
        if self.user == User::Quiet {
            self.release_floor();
        }
        self.next_say();
        self.settle_level();
        self.settle_state();
    }

    fn settle_state(&mut self) {
        let state = self.present_state();
        if state != self.state {
            self.state = state;
            self.event(Event::StateChanged(state));
        }
    }

    fn present_state(&self) -> State {
        let reply = self.reply.as_ref().filter(|reply| reply.committed);
        let sounds =
            |reply: &Reply| reply.speech.as_ref().is_some_and(|s| s.sounded && s.level != Level::Held);
        match self.life {
            Life::Initializing => State::Initializing,
            Life::Closed => State::Closed,
            Life::Open if reply.is_some_and(sounds) => State::Speaking,
            Life::Open if self.user != User::Quiet => State::Listening,
            Life::Open if reply.is_some() => State::Thinking,
            Life::Open => State::Idle,
        }
    }

    fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn event(&mut self, event: Event) {
        self.output(Output::Event(event));
    }
}
