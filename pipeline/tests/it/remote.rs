//! An endpoint whose ears are elsewhere, in simulated time: what counts as heard is what the far side acknowledged.

use std::sync::Arc;
use std::time::Duration;

use duologue_models::{Cancel, Error as ModelError, SpeakOptions, Speech, Stt, SttStream, Transcript, Tts};
use duologue_pipeline::endpoint::{MemoryInput, Rates, RemoteConfig, RemoteEndpoint, RemoteOutput, remote};
use duologue_pipeline::{Builder, Clip, ErrorKind, SayHandle, Simulation, SpeechOutcome};
use duologue_vad::Energy;

const RATES: Rates = Rates { capture: 16_000, playback: 24_000 };
/// Eight words; each counts as heard from its middle on: the first at 0.2 s, each other 0.6 s after the one before.
const TEXT: &str = "aa bb cc dd ee ff gg hh";
const LENGTH: Duration = Duration::from_millis(4_600);

/// Nothing is recognised or synthesized here: the sound is the caller's own.
struct Unused(Vec<String>);

impl Stt for Unused {
    fn stream(&self) -> Result<Box<dyn SttStream>, ModelError> {
        Ok(Box::new(Self(Vec::new())))
    }

    fn name(&self) -> &str {
        "unused"
    }
}

impl SttStream for Unused {
    fn push(&mut self, _: &[f32]) -> Result<(), ModelError> {
        Ok(())
    }

    fn partial(&self) -> Transcript {
        Transcript::default()
    }

    fn finish(&mut self) -> Result<Transcript, ModelError> {
        Ok(Transcript::default())
    }

    fn reset(&mut self) {}
}

impl Tts for Unused {
    fn sample_rate(&self) -> u32 {
        24_000
    }

    fn voices(&self) -> &[String] {
        &self.0
    }

    fn name(&self) -> &str {
        "unused"
    }

    fn speak(&self, text: &str, _: &SpeakOptions, _: &Cancel) -> Result<Speech, ModelError> {
        panic!("asked to speak {text:?}")
    }
}

/// A pipeline that plays the clip to a far side.
struct Call {
    simulation: Simulation<RemoteEndpoint>,
    output: RemoteOutput,
    _input: MemoryInput,
    speech: SayHandle,
}

impl Call {
    fn new(config: RemoteConfig) -> Self {
        let (endpoint, input, output) = remote(config).unwrap();
        let unused = || Arc::new(Unused(vec!["nobody".to_owned()]));
        let builder = Builder::new(unused(), unused(), Box::new(Energy::default()));
        let simulation = builder.simulate(endpoint).unwrap();
        let samples: Vec<f32> = (0..24 * LENGTH.as_millis()).map(|i| 0.3 * (i as f32 * 0.05).sin()).collect();
        let speech = simulation.play(Clip::new(samples, 24_000).unwrap(), TEXT).unwrap();
        Self { simulation, output, _input: input, speech }
    }

    /// Lets `ms` pass; the far side takes each frame and acknowledges what `heard` makes of the samples it has.
    fn run(&mut self, ms: u64, heard: impl Fn(u64) -> Option<u64>) {
        let mut frame = [0.0; 240];
        for _ in 0..ms / 10 {
            self.simulation.step().unwrap();
            let pulled = self.output.pull(&mut frame, Duration::ZERO).unwrap();
            assert_eq!(pulled.samples, 240);
            if let Some(position) = heard(pulled.position + 240) {
                self.output.acknowledge(position);
            }
            self.simulation.settle();
        }
    }

    /// Cuts the speech off, and gives what was heard of it by the history.
    fn cut(&mut self) -> String {
        self.simulation.cancel_tts().unwrap();
        self.simulation.settle();
        assert_eq!(self.speech.outcome(), Some(SpeechOutcome::Interrupted));
        let history = self.simulation.history();
        let entry = history.last().expect("an entry of the speech");
        assert!(entry.interrupted && entry.text == self.speech.heard(), "{entry:?}");
        entry.text.trim().to_owned()
    }
}

fn config() -> RemoteConfig {
    RemoteConfig::new(RATES)
}

/// The far side hears `ms` later than it is sent to.
fn lagging(ms: u64) -> impl Fn(u64) -> Option<u64> {
    move |sent| Some(sent.saturating_sub(24 * ms))
}

#[test]
fn the_history_is_cut_at_what_was_acknowledged() {
    let heard = |lag| {
        let mut call = Call::new(config());
        call.run(2_400, lagging(lag));
        call.cut()
    };
    assert_eq!(heard(0), "aa bb cc dd");
    assert_eq!(heard(500), "aa bb cc");
    assert_eq!(heard(1_700), "aa");
}

#[test]
fn a_speech_is_not_over_before_its_end_is_acknowledged() {
    let mut call = Call::new(config());
    call.run(4_600 + 300, lagging(500));
    assert_eq!(call.speech.outcome(), None);
    call.run(400, lagging(500));
    assert_eq!(call.speech.outcome(), Some(SpeechOutcome::Finished));
    assert_eq!(call.speech.heard(), TEXT);
    assert_eq!(call.output.playout().assumed(), 0);
}

#[test]
fn a_far_side_that_never_acknowledges_does_not_stall_the_turn() {
    let patience = Duration::from_millis(1_000);
    let mut call = Call::new(RemoteConfig { patience, ..config() });
    call.run(4_600 + 800, |_| None);
    assert_eq!(call.speech.outcome(), None);
    call.run(400, |_| None);
    assert_eq!(call.speech.outcome(), Some(SpeechOutcome::Finished));
    assert!(call.output.playout().assumed() > 24 * 4_000, "{}", call.output.playout().assumed());
}

#[test]
fn a_far_side_that_goes_silent_is_not_heard_to_its_end_at_once() {
    let mut call = Call::new(config());
    call.run(1_300, lagging(0));
    call.run(1_500, |_| None);
    assert_eq!(call.cut(), "aa bb", "nothing after the last acknowledgement, within the patience");
}

#[test]
fn more_than_was_sent_is_not_believed() {
    let mut call = Call::new(config());
    call.run(1_300, |_| Some(u64::MAX));
    assert_eq!(call.cut(), "aa bb");
}

#[test]
fn an_acknowledgement_is_not_taken_back() {
    let mut call = Call::new(config());
    call.run(1_300, lagging(0));
    call.run(200, |_| Some(0));
    assert_eq!(call.cut(), "aa bb");
}

#[test]
fn what_nobody_pulls_does_not_pile_up_and_leaves_positions_true() {
    let mut call = Call::new(config());
    call.simulation.run_for(Duration::from_secs(3)).unwrap();
    let mut frame = [0.0; 240];
    let pulled = call.output.pull(&mut frame, Duration::ZERO).unwrap();
    assert_eq!(pulled.position, 24 * 2_000, "the latest second is kept");
    assert_eq!(call.output.dropped(), pulled.position);
    let next = call.output.pull(&mut frame, Duration::ZERO).unwrap();
    assert_eq!(next.position, pulled.position + 240);
}

#[test]
fn a_config_out_of_range_is_refused_with_its_key() {
    let refused = |config: RemoteConfig, key: &str| {
        let error = remote(config).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(key), "{error}");
    };
    refused(RemoteConfig { patience: Duration::ZERO, ..config() }, "patience");
    refused(RemoteConfig { capacity_ms: 1, ..config() }, "capacity_ms");
    refused(RemoteConfig::new(Rates { playback: 7, ..RATES }), "rates.playback");
}
