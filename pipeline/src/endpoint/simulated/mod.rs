//! A simulated duplex room: a caller who speaks by a script, speakers, the echo between them and
//! the microphone, and noise.
//!
//! The caller speaks at set times or in answer to the agent, to the sample. What the agent plays
//! comes back as echo, delayed, attenuated, reverberated and perhaps distorted. The room keeps the
//! truth: when each item of the script began and ended, and when the agent could be heard.
//!
//! Invariant: the same configuration and the same played samples give the same captured samples.
//! Memory is bounded by the configuration, whatever the length of the conversation. Both sides
//! share one time: sample `i` of the capture stream.
//!
//! Life cycle: [`SimulatedRoomConfig::new`] → [`SimulatedRoom::new`] → [`Exchange::exchange`] in stepped
//! time, or in real time by [`super::Paced`] → [`SimulatedRoomLog`] answers at any moment, also after the
//! room is gone → [`Exchange::finish`] closes recordings.
//!
//! ```
//! use duologue_pipeline::endpoint::simulated::{Caller, Clip, EchoPath, SimulatedRoomConfig, SimulatedRoom, When};
//! use duologue_pipeline::endpoint::{Exchange, Flow, Rates};
//! # fn main() -> Result<(), duologue_pipeline::Error> {
//! let mut config = SimulatedRoomConfig::new(Rates { capture: 16_000, playback: 16_000 });
//! config.caller = Caller::new().says(Clip::new(vec![0.5; 800], 16_000)?, When::At(25));
//! config.echo = Some(EchoPath::new(40.0, -12.0));
//! let (mut room, log) = SimulatedRoom::new(config)?;
//!
//! let mut captured = [0.0; 160];
//! while room.exchange(&[0.0; 160], &mut captured)? == Flow::Continue {}
//! assert_eq!(log.items()[0].start, 400);
//! assert_eq!(log.items()[0].end, Some(1_200));
//! # Ok(())
//! # }
//! ```

mod caller;
mod convolve;
mod echo;
mod hearing;
mod log;
mod noise;
mod random;
mod record;

pub use crate::clip::Clip;
pub use caller::{Caller, Item, When};
pub use echo::{EchoPath, Response};
pub use log::{Placed, Recorded, SimulatedRoomLog, Stretch};
pub use noise::{Noise, NoiseKind, NoiseLevel};
pub use record::Recording;

use super::duplex::check_rate;
use super::{Exchange, Flow, Rates};
use crate::resample::Resampler;
use crate::{Error, ErrorKind};
use caller::Speaker;
use echo::Echo;
use hearing::Hearing;
use noise::NoiseLoop;
use record::Recorder;

/// What the room is like.
#[derive(Clone, Debug)]
pub struct SimulatedRoomConfig {
    /// Rates of both directions, multiples of 100 Hz.
    pub rates: Rates,
    /// What the caller says, and when.
    pub caller: Caller,
    /// How what is played comes back; `None`: headphones.
    pub echo: Option<EchoPath>,
    /// Noise around the microphone; `None`: a silent room.
    pub noise: Option<Noise>,
    /// Gain of the microphone over everything, in dB; −60 to 40. Default 0.
    pub mic_gain_db: f32,
    /// Level above which a played sample can be heard, in dBFS; −100 to −10. Default −50.
    pub audible_dbfs: f32,
    /// Silence that separates two stretches of the agent's speech, in ms; 10 to 5,000. Default 200:
    /// longer than the closures and pauses inside a clause.
    pub stretch_gap_ms: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Where both sides are recorded.
    pub recording: Recording,
    /// How long the room remembers when the agent was audible, in s; 1 to 86,400. Default 3,600
    /// (14 MB at most).
    pub log_s: u32,
}

impl SimulatedRoomConfig {
    /// A silent room with headphones and a silent caller, at `rates`.
    pub fn new(rates: Rates) -> Self {
        Self {
            rates,
            caller: Caller::new(),
            echo: None,
            noise: None,
            mic_gain_db: 0.0,
            audible_dbfs: -50.0,
            stretch_gap_ms: 200,
            seed: 1,
            recording: Recording::Off,
            log_s: 3_600,
        }
    }

    fn validate(&self) -> Result<(), Error> {
        check_rate("rates.capture", self.rates.capture)?;
        check_rate("rates.playback", self.rates.playback)?;
        check_range("mic_gain_db", self.mic_gain_db, -60.0, 40.0)?;
        check_range("audible_dbfs", self.audible_dbfs, -100.0, -10.0)?;
        check_range("stretch_gap_ms", self.stretch_gap_ms as f32, 10.0, 5_000.0)?;
        check_range("log_s", self.log_s as f32, 1.0, 86_400.0)
    }
}

/// The room, as a software endpoint.
pub struct SimulatedRoom {
    rates: Rates,
    /// Index of the next captured sample.
    now: u64,
    mic_gain: f32,
    hearing: Hearing,
    speaker: Speaker,
    /// What is played, at the capture rate.
    resampler: Resampler,
    echo: Option<Echo>,
    noise: Option<NoiseLoop>,
    recorder: Recorder,
    log: SimulatedRoomLog,
    blocks: Blocks,
}

/// Buffers of one block each.
struct Blocks {
    /// What is played, freed of what is not finite.
    played: Vec<f32>,
    /// What the caller says.
    caller: Vec<f32>,
    /// Played samples at the capture rate that this block made ready.
    ready: Vec<f32>,
}

impl SimulatedRoom {
    /// Builds the room, and the log that tells what happens in it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the value that is out of range; [`ErrorKind::Io`] if a recording
    /// cannot be created.
    pub fn new(config: SimulatedRoomConfig) -> Result<(Self, SimulatedRoomLog), Error> {
        config.validate()?;
        let Rates { capture, playback } = config.rates;
        let resampler = Resampler::new(playback, capture)?;
        let lag = resampler.lag();
        let speaker = Speaker::new(&config.caller, capture)?;
        let noise = config
            .noise
            .as_ref()
            .map(|n| NoiseLoop::new(n, capture, speaker.level(), config.seed))
            .transpose()?;
        let echo = config.echo.as_ref().map(|e| Echo::new(e, capture, lag, config.seed)).transpose()?;
        let log = SimulatedRoomLog::new(&config);
        let room = Self {
            rates: config.rates,
            now: 0,
            mic_gain: gain(config.mic_gain_db),
            hearing: Hearing::new(&config),
            speaker,
            resampler,
            echo,
            noise,
            recorder: Recorder::new(&config.recording, capture, log.clone())?,
            log: log.clone(),
            blocks: Blocks {
                played: vec![0.0; (playback / 100) as usize],
                caller: vec![0.0; (capture / 100) as usize],
                ready: Vec::with_capacity((capture / 50) as usize),
            },
        };
        Ok((room, log))
    }

    /// Where the script stands, sample by sample, given what is played meanwhile.
    fn speak(&mut self) {
        let mask = self.hearing.listen(&self.blocks.played);
        for (i, sample) in self.blocks.caller.iter_mut().enumerate() {
            let now = self.now + i as u64;
            self.hearing.step(now, mask.get(i));
            *sample = self.speaker.step(now, &self.hearing);
        }
        self.log.update(self.now + self.blocks.caller.len() as u64, &mut self.hearing, &mut self.speaker);
    }
}

impl Exchange for SimulatedRoom {
    fn rates(&self) -> Rates {
        self.rates
    }

    /// [`Flow::Ended`] from the first block that begins after the script; echo and noise go on.
    fn exchange(&mut self, played: &[f32], captured: &mut [f32]) -> Result<Flow, Error> {
        let n = self.blocks.caller.len();
        if played.len() != self.blocks.played.len() || captured.len() != n {
            let what = "the simulated room exchanges blocks of 10 ms; give it blocks of that length";
            return Err(Error::new(ErrorKind::Config, what));
        }
        let flow = if self.speaker.is_done() { Flow::Ended } else { Flow::Continue };
        for (to, from) in self.blocks.played.iter_mut().zip(played) {
            *to = if from.is_finite() { *from } else { 0.0 };
        }
        self.speak();
        captured.copy_from_slice(&self.blocks.caller);

        let ready = &mut self.blocks.ready;
        ready.clear();
        self.resampler.process(&self.blocks.played, &mut |samples| ready.extend_from_slice(samples));
        if let Some(echo) = &mut self.echo {
            echo.add(ready, captured);
        }
        if let Some(noise) = &mut self.noise {
            noise.add(captured);
        }
        captured.iter_mut().for_each(|s| *s = (*s * self.mic_gain).clamp(-1.0, 1.0));
        self.recorder.take(&self.blocks.caller, &self.blocks.ready, captured)?;
        self.now += n as u64;
        Ok(flow)
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.recorder.finish()
    }
}

fn gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

fn check_range(key: &str, value: f32, lo: f32, hi: f32) -> Result<(), Error> {
    if (lo..=hi).contains(&value) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("{key}: {value}; choose {lo} to {hi}")))
}

/// Samples in `ms` milliseconds at `rate` Hz, rounded down.
fn samples(ms: u64, rate: u32) -> u64 {
    ms.saturating_mul(u64::from(rate)) / 1_000
}
