//! How the parts of a pipeline are put together, the same for threads and simulated time.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use duologue_models::text::ClauseConfig;
use duologue_models::{SpeakOptions, Stt, Tts, TurnDetector};
use duologue_vad::Vad;
use serde::{Deserialize, Serialize};

use crate::capture::{CaptureWriter, capture_ring};
use crate::conversation::{self, Conversation};
use crate::director::{AgentRunner, Director, Outlets};
use crate::ear::{Ear, EarConfig};
use crate::endpoint::Rates;
use crate::events::{EventHub, Stamped};
use crate::handle::Handle;
use crate::mouth::Mouth;
use crate::offline::model_error;
use crate::playback::{PlaybackConfig, PlaybackControl, Renderer, playback_ring};
use crate::playout::{Playout, PlayoutView};
use crate::respond::{REPLY_PATIENCE, Responder};
use crate::say::SayBook;
use crate::scribe::Scribe;
use crate::stages::{Clock, EarStage, MouthStage, ScribeStage, Signal, StageCounters};
use crate::turn::{TurnFeed, TurnStage};
use crate::{Error, ErrorKind};

/// What the capture ring holds, in ms: the longest stall of the ear that loses nothing.
const CAPTURE_MS: u32 = 2_000;
/// Signals that may wait for the conversation.
const SIGNALS: usize = 8_192;
/// Commands that may wait for the scribe: 15 s of blocks.
const SCRIBE_COMMANDS: usize = 1_500;
/// Commands that may wait for the turn detector: 25 s of sound.
const TURN_COMMANDS: usize = 256;
/// Commands that may wait for the mouth.
const MOUTH_COMMANDS: usize = 1_024;
/// Share of the first second of speech that may be spent on synthesizing its first clause.
const FIRST_AUDIO_TARGET_MS: u32 = 400;

/// Every setting of a pipeline; what is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineConfig {
    /// Turn-taking and barge-in.
    pub conversation: conversation::Config,
    /// Echo cancellation and voice activity. `vad.pre_roll_ms` and `vad.post_roll_ms` have no effect
    /// here: `conversation.pre_roll` has.
    pub ear: EarConfig,
    /// Levels and fades of playback; its `rate` is the endpoint's.
    pub playback: PlaybackConfig,
    /// Voice and speed.
    pub voice: VoiceConfig,
}

/// How the agent speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceConfig {
    /// The voice's name; empty means the model's first.
    pub name: String,
    /// Tempo, `0.5..=2.0`.
    pub speed: f32,
}

impl PipelineConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the first key that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        self.conversation.validate()?;
        self.ear.vad.validate().map_err(|error| Error::new(ErrorKind::Config, error.to_string()))?;
        self.playback.validate()?;
        self.voice.validate()
    }
}

impl VoiceConfig {
    fn validate(&self) -> Result<(), Error> {
        if (0.5..=2.0).contains(&self.speed) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Config, format!("voice.speed = {}: must be 0.5 to 2.0", self.speed)))
    }
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self { name: String::new(), speed: 1.0 }
    }
}

/// Is told every event as it happens.
pub(crate) type Observer = Box<dyn Fn(&Stamped) + Send>;

/// The parts of a pipeline, before an endpoint is known.
///
/// Life cycle: [`Builder::new`] → options → [`Builder::start`] or [`Builder::simulate`].
pub struct Builder {
    pub(crate) stt: Arc<dyn Stt>,
    pub(crate) tts: Arc<dyn Tts>,
    vad: Box<dyn Vad>,
    detector: Option<Arc<dyn TurnDetector>>,
    responder: Option<Arc<dyn Responder>>,
    observer: Option<Observer>,
    config: PipelineConfig,
}

impl Builder {
    /// A pipeline of these models, which nobody answers yet. A neural detector is best given behind
    /// `duologue_vad::Gated`: it is most of what an idle pipeline costs.
    pub fn new(stt: Arc<dyn Stt>, tts: Arc<dyn Tts>, vad: Box<dyn Vad>) -> Self {
        Self {
            stt,
            tts,
            vad,
            detector: None,
            responder: None,
            observer: None,
            config: PipelineConfig::default(),
        }
    }

    /// Who answers the user.
    #[must_use]
    pub fn responder(mut self, responder: impl Responder + 'static) -> Self {
        self.responder = Some(Arc::new(responder));
        self
    }

    /// What tells whether the user has finished; without it silence alone decides. It is loaded once: pipelines
    /// share it, and each has a stream of it.
    #[must_use]
    pub fn turn_detector(mut self, detector: Arc<dyn TurnDetector>) -> Self {
        self.detector = Some(detector);
        self
    }

    /// All settings.
    #[must_use]
    pub fn config(mut self, config: PipelineConfig) -> Self {
        self.config = config;
        self
    }

    /// The recogniser.
    pub fn stt(&self) -> &Arc<dyn Stt> {
        &self.stt
    }

    /// The settings so far, to adjust.
    pub fn config_mut(&mut self) -> &mut PipelineConfig {
        &mut self.config
    }

    /// Calls `observer` with every event, before anything else follows from it. It runs on the
    /// conversation's thread and must not wait; [`Handle::events`] is for everybody else.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&Stamped) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    pub(crate) fn assemble(
        self,
        rates: Rates,
        playout: Option<Playout>,
        clock: Clock,
        threaded: bool,
    ) -> Result<Parts, Error> {
        let Self { stt, tts, vad, detector, responder, observer, mut config } = self;
        let voice = SpeakOptions { voice: config.voice.name.clone(), speed: config.voice.speed };
        config.validate()?;
        check_voice(&*tts, &voice)?;
        config.playback.rate = rates.playback;
        config.conversation.output_rate = rates.playback;
        config.conversation.turn_detector = detector.is_some();
        let conversation = Conversation::new(config.conversation)?;

        let (capture, capture_reader) = capture_ring(rates.capture, CAPTURE_MS);
        let (writer, playback, renderer, reference) = playback_ring(&config.playback)?;
        // Indices of speech itself: the conversation adds its own pre-roll and waits.
        config.ear.vad.pre_roll_ms = 0;
        config.ear.vad.post_roll_ms = 0;
        let ear = Ear::new(&config.ear, vad, rates.capture, rates.playback)?;
        let scribe = Scribe::new(&*stt).map_err(model_error)?;
        let mouth = Mouth::new(Arc::clone(&tts), writer, rates.playback, clause_config(&*tts))?;

        let (signals, inbox) = bounded(SIGNALS);
        let (to_scribe, scribe_inbox) = bounded(SCRIBE_COMMANDS);
        let (to_mouth, mouth_inbox) = bounded(MOUTH_COMMANDS);
        let counters = Arc::new(StageCounters::default());
        let handle = handle(signals.clone(), playback.clone(), Arc::clone(&counters), clock.clone(), rates);
        let runner =
            if threaded { AgentRunner::Threads { patience: REPLY_PATIENCE } } else { AgentRunner::Inline };
        let outlets = Outlets {
            playout: PlayoutView::new(playback.clone(), playout),
            playback,
            scribe: to_scribe.clone(),
            mouth: to_mouth,
            mouth_cancel: mouth.cancel_handle(),
            handle: handle.clone(),
            observer,
        };
        let ear = EarStage {
            ear,
            capture: capture_reader,
            reference,
            scribe: to_scribe,
            conversation: signals.clone(),
            counters: Arc::clone(&counters),
        };
        let turn = detector.map(|detector| turn_stage(&*detector, &signals, &counters)).transpose()?;
        let (turn, feed) = turn.unzip();
        let scribe = ScribeStage {
            scribe,
            turn: feed,
            inbox: scribe_inbox,
            conversation: signals.clone(),
            counters: Arc::clone(&counters),
        };
        let mouth = MouthStage {
            mouth,
            inbox: mouth_inbox,
            conversation: signals.clone(),
            clock: clock.clone(),
            counters,
        };
        let director =
            Director::new(conversation, clock, (signals, inbox), outlets, responder, runner, voice);
        Ok(Parts { capture, renderer, ear, scribe, turn, mouth, director, handle })
    }
}

fn handle(
    signals: Sender<Signal>,
    playback: PlaybackControl,
    counters: Arc<StageCounters>,
    clock: Clock,
    rates: Rates,
) -> Handle {
    let events = Arc::new(EventHub::default());
    let says = Arc::new(SayBook::new(rates.playback));
    Handle { signals, events, says, history: Arc::default(), playback, counters, clock }
}

/// The turn detector's stage, and what feeds it.
fn turn_stage(
    detector: &dyn TurnDetector,
    conversation: &Sender<Signal>,
    counters: &Arc<StageCounters>,
) -> Result<(TurnStage, TurnFeed), Error> {
    let (to_turn, inbox) = bounded(TURN_COMMANDS);
    let stream = detector.stream().map_err(model_error)?;
    let feed = TurnFeed::new(to_turn, detector.hears());
    let (conversation, counters) = (conversation.clone(), Arc::clone(counters));
    Ok((TurnStage { stream, inbox, conversation, counters }, feed))
}

/// Everything a running pipeline is made of.
pub(crate) struct Parts {
    pub capture: CaptureWriter,
    pub renderer: Renderer,
    pub ear: EarStage,
    pub scribe: ScribeStage,
    pub turn: Option<TurnStage>,
    pub mouth: MouthStage,
    pub director: Director,
    pub handle: Handle,
}

fn check_voice(tts: &dyn Tts, voice: &SpeakOptions) -> Result<(), Error> {
    if voice.voice.is_empty() || tts.voices().contains(&voice.voice) {
        return Ok(());
    }
    let known = tts.voices().join(", ");
    let message = format!("voice.name = {:?}: {} has no such voice; it has {known}", voice.voice, tts.name());
    Err(Error::new(ErrorKind::Config, message))
}

/// The first clause is as long as this device can speak soon enough.
fn clause_config(tts: &dyn Tts) -> ClauseConfig {
    let defaults = ClauseConfig::default();
    let Some(cost) = tts.cost() else { return defaults };
    let first = cost.first_clause_phonemes(Duration::from_millis(u64::from(FIRST_AUDIO_TARGET_MS)));
    ClauseConfig { first_clause_phonemes: first, ..defaults }
}
