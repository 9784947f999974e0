//! The stages between the rings and the conversation, each a struct with a `step` that never
//! waits. Threads ([`crate::audio_pipeline`]) and simulated time ([`crate::simulation`]) drive the
//! very same stages.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use duologue_models::{SpeakOptions, SttStream};

use crate::capture::CaptureReader;
use crate::conversation::{Input, SayOptions};
use crate::ear::{BLOCK, Ear, EarEvent};
use crate::ids::{Epoch, UtteranceId};
use crate::mouth::{Mouth, MouthEvent};
use crate::player::Player;
use crate::reference::ReferenceReader;
use crate::scribe::{Scribe, ScribeEvent};
use crate::turn::{TurnAsk, TurnFeed};

/// Time since the pipeline started.
#[derive(Clone)]
pub(crate) enum Clock {
    Real(Instant),
    /// Nanoseconds.
    Simulated(Arc<AtomicU64>),
}

impl Clock {
    pub fn now(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            Self::Simulated(nanos) => Duration::from_nanos(nanos.load(Ordering::Relaxed)),
        }
    }
}

/// What reaches the conversation.
pub(crate) enum Signal {
    Input(Input),
    Mouth(MouthEvent),
    /// Sound of the caller's own is to be played as the speech of `options.key`.
    Play {
        player: Box<Player>,
        text: String,
        options: SayOptions,
    },
    /// A reply has text, or has ended.
    Reply,
    /// How to speak whatever is asked or ordered from here on.
    Voice(SpeakOptions),
    /// What recognises from the next utterance on.
    Stt(Box<dyn SttStream>),
    /// A stage has died.
    Died(&'static str),
}

/// What the scribe is told.
// A block lies in the channel's own memory: nothing is allocated for it on its way.
#[allow(clippy::large_enum_variant)]
pub(crate) enum ScribeCommand {
    Hear {
        at: u64,
        block: [f32; BLOCK],
    },
    Start {
        utterance: UtteranceId,
        from: u64,
        /// The user's turn begins with it.
        first: bool,
    },
    End {
        utterance: UtteranceId,
        at: u64,
    },
    /// Ask the turn detector, after all that was heard.
    DetectTurn(TurnAsk),
    /// Recognise with this from the next utterance on.
    Stt(Box<dyn SttStream>),
}

/// What the mouth is told.
pub(crate) enum MouthCommand {
    Begin { epoch: Epoch, options: SpeakOptions },
    Play { epoch: Epoch, player: Box<Player> },
    Text { epoch: Epoch, delta: String },
    Finish { epoch: Epoch },
    Drop { epoch: Epoch },
}

/// The ear with its rings and outlets.
pub(crate) struct EarStage {
    pub ear: Ear,
    pub capture: CaptureReader,
    pub reference: ReferenceReader,
    pub scribe: Sender<ScribeCommand>,
    pub conversation: Sender<Signal>,
    pub counters: Arc<StageCounters>,
}

/// What stages had to leave behind; all only grow.
#[derive(Debug, Default)]
pub(crate) struct StageCounters {
    /// Blocks the scribe had no room for.
    pub blocks_lost: AtomicU64,
    /// Signals the conversation had no room for.
    pub signals_lost: AtomicU64,
    /// Samples of utterances that had left the scribe's past before they were decoded.
    pub samples_missed: AtomicU64,
    /// Answers of the turn detector that missed their deadline.
    pub turns_missed: AtomicU64,
}

impl StageCounters {
    pub fn signal(&self, to: &Sender<Signal>, signal: Signal) {
        if let Err(TrySendError::Full(_)) = to.try_send(signal) {
            self.signals_lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EarStage {
    /// How long [`EarStage::step`] would find nothing to decide.
    pub fn due(&mut self) -> Duration {
        self.ear.due(&mut self.capture)
    }

    /// Hears everything captured so far.
    pub fn step(&mut self) {
        let Self { ear, capture, reference, scribe, conversation, counters } = self;
        let heard = ear.process(capture, reference, &mut |event| {
            let input = match event {
                EarEvent::Block { at, samples } => {
                    let command = ScribeCommand::Hear { at, block: *samples };
                    if let Err(TrySendError::Full(_)) = scribe.try_send(command) {
                        counters.blocks_lost.fetch_add(1, Ordering::Relaxed);
                    }
                    return;
                }
                EarEvent::SpeechStarted { at, .. } => Input::SpeechStarted { at },
                EarEvent::SpeechEnded { at, .. } => Input::SpeechEnded { at },
                EarEvent::Voice { at, voiced, probability, .. } => Input::Voice { at, voiced, probability },
                EarEvent::Keypad { at, key } => Input::Keypad { at, key },
                EarEvent::Starved { .. } => Input::Starved,
            };
            counters.signal(conversation, Signal::Input(input));
        });
        if let Err(error) = heard {
            // The frame counts as silence; the detector is tried again with the next.
            tracing::warn!(%error, "the voice activity detector failed on a frame");
        }
    }
}

/// The scribe with its inbox.
pub(crate) struct ScribeStage {
    pub scribe: Scribe,
    /// Where the turn detector hears and is asked, if there is one.
    pub turn: Option<TurnFeed>,
    pub inbox: Receiver<ScribeCommand>,
    pub conversation: Sender<Signal>,
    pub counters: Arc<StageCounters>,
}

impl ScribeStage {
    /// Takes one command, then everything else that waits, and decodes a little. Returns whether
    /// there is more to do at once.
    pub fn step(&mut self, first: Option<ScribeCommand>) -> bool {
        let Self { scribe, turn, inbox, conversation, counters } = self;
        for command in first.into_iter().chain(inbox.try_iter()) {
            match command {
                ScribeCommand::Hear { at, block } => scribe.hear(at, &block),
                ScribeCommand::Start { utterance, from, first } => {
                    scribe.start(utterance.0, from);
                    turn.iter_mut().for_each(|turn| turn.start(from, first));
                }
                ScribeCommand::End { utterance, at } => {
                    scribe.end(utterance.0, at);
                    turn.iter_mut().for_each(TurnFeed::end);
                }
                ScribeCommand::DetectTurn(ask) => {
                    if let Some(turn) = turn {
                        turn.ask(ask, scribe);
                    }
                }
                ScribeCommand::Stt(stream) => scribe.use_stream(stream),
            }
        }
        turn.iter_mut().for_each(|turn| turn.follow(scribe));
        scribe.step(&mut |event| counters.signal(conversation, Signal::Input(scribe_input(event))));
        counters.samples_missed.store(scribe.missed(), Ordering::Relaxed);
        scribe.has_work()
    }
}

fn scribe_input(event: ScribeEvent) -> Input {
    match event {
        ScribeEvent::Partial { utterance, text } => {
            Input::Partial { utterance: UtteranceId(utterance), text }
        }
        ScribeEvent::Final { utterance, text, .. } => {
            Input::Final { utterance: UtteranceId(utterance), text }
        }
        ScribeEvent::Failed { reason, .. } => Input::SttFailed { reason },
    }
}

/// The mouth with its inbox.
pub(crate) struct MouthStage {
    pub mouth: Mouth,
    pub inbox: Receiver<MouthCommand>,
    pub conversation: Sender<Signal>,
    pub clock: Clock,
    pub counters: Arc<StageCounters>,
}

impl MouthStage {
    /// Takes one command, then everything else that waits, and does one thing. Returns whether it
    /// did anything.
    pub fn step(&mut self, first: Option<MouthCommand>) -> bool {
        let now = self.clock.now();
        let mut progressed = false;
        for command in first.into_iter().chain(self.inbox.try_iter()) {
            progressed = true;
            match command {
                MouthCommand::Begin { epoch, options } => self.mouth.begin(epoch, options, now),
                MouthCommand::Play { epoch, player } => self.mouth.play(epoch, *player),
                MouthCommand::Text { epoch, delta } => self.mouth.text(epoch, &delta, now),
                MouthCommand::Finish { epoch } => self.mouth.finish(epoch),
                MouthCommand::Drop { epoch } => self.mouth.silence(epoch),
            }
        }
        let Self { mouth, conversation, counters, .. } = self;
        progressed | mouth.step(now, &mut |event| counters.signal(conversation, Signal::Mouth(event)))
    }

    /// How long the mouth may wait for a command.
    pub fn patience(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.mouth.next_step(now).map(|at| at.saturating_sub(now))
    }
}
