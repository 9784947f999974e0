//! Echo cancellation: the agent's own voice is taken out of what the microphone hears.
//!
//! Works on 10 ms blocks at 16 kHz. Each captured block is given with the block of the reference that
//! was rendered at the same time; the echo may come up to half a second later, but not earlier.
//!
//! There are two paths. What is recognised comes from WebRTC's AEC3, whose suppressor leaves no echo but
//! takes short and soft words with it. Whether somebody speaks is judged on a path of its own: a linear
//! filter, which takes away nothing but echo and comes 8 ms sooner, and a judge of what it leaves.
//!
//! While the agent is silent the canceller passes the sound on as it is, but for a high-pass filter; a
//! plain filter does that for less, so that listening alone costs little.
//!
//! Invariant: one clean block comes out for each captured one, [`EchoCanceller::delay`] samples late;
//! the filter stays converged from turn to turn, because silence is a reference like any other.
//!
//! Life cycle: [`EchoCanceller::new`] → [`EchoCanceller::process`] for every block →
//! [`EchoCanceller::reset`] if the room or the devices change.
//!
//! ```
//! use duologue_pipeline::echo::{EchoCanceller, EchoConfig};
//!
//! let mut canceller = EchoCanceller::new(&EchoConfig::default())?;
//! let (mut clean, mut heard) = ([0.0; 160], [0.0; 160]);
//! let leak = canceller.process(&[0.0; 160], &[0.0; 160], &mut clean, &mut heard);
//! assert_eq!(leak, 0.0);
//! # Ok::<(), duologue_pipeline::Error>(())
//! ```

use serde::{Deserialize, Serialize};
use sonora::config::{
    AdaptiveDigital, EchoCanceller as Aec3, GainController2, HighPassFilter, NoiseSuppression,
    NoiseSuppressionLevel,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::ear::{BLOCK, RATE, is_silent};
use crate::{Error, ErrorKind};

mod evidence;
mod kalman;
pub mod score;

use evidence::Evidence;
use kalman::Kalman;

/// Samples by which the canceller's blocks and its overlapping windows delay the sound: two of its
/// inner blocks. A test measures it.
const AEC_DELAY: usize = 128;

/// Samples by which the captured sound is held back, so that an echo without any delay still comes
/// after its reference. At 0 the canceller finds no echo path at all; at 64 it does (see the tests).
const HEADROOM: usize = 64;

/// Smoothing, from block to block, of what says how much of an estimated echo is believed.
const BELIEF: f32 = 0.6;

/// Silent blocks of the reference after which there is nothing left to do: no echo in the room, the
/// canceller's gains at one, and in the filter nothing but zeros, its smoothed values come down too.
const SILENT: u32 = 200;

/// Blocks that whoever takes over has heard before: high-pass and windows have settled by then.
const RECENT: usize = 20;

/// How strongly steady noise is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseReduction {
    /// Not at all.
    #[default]
    Off,
    /// By about 6 dB.
    Low,
    /// By about 12 dB.
    Moderate,
    /// By about 18 dB.
    High,
}

/// What is done to the captured sound. The keys are the same in `duologue.toml`'s `[echo]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EchoConfig {
    /// Cancel echo. Without it the sound passes untouched, and the other keys have no effect.
    pub enabled: bool,
    /// Reduce steady noise; off by default, as detectors and recognisers are trained on noise.
    pub noise_reduction: NoiseReduction,
    /// Bring quiet speakers up to a usual level; off by default, as it lifts what is left of an echo.
    pub gain_control: bool,
}

impl Default for EchoConfig {
    fn default() -> Self {
        Self { enabled: true, noise_reduction: NoiseReduction::Off, gain_control: false }
    }
}

/// What the canceller knows of the echo.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EchoStats {
    /// Delay from the reference to its echo, in ms.
    pub delay_ms: Option<u32>,
    /// Echo return loss, in dB: how much weaker the echo is than the reference.
    pub erl_db: Option<f64>,
    /// Echo return loss enhancement by the linear filter, in dB.
    pub erle_db: Option<f64>,
}

/// Takes the reference's echo out of the captured sound.
pub struct EchoCanceller {
    config: EchoConfig,
    stage: Option<Box<Stage>>,
}

struct Stage {
    processing: AudioProcessing,
    /// What is left of `processing` while the reference is silent, and its latest samples, as late as
    /// those of `processing`; `None` if more is done to the sound than cancelling.
    plain: Option<(AudioProcessing, [f32; AEC_DELAY + BLOCK])>,
    resting: bool,
    /// Blocks for which the reference has been silent.
    silent: u32,
    /// The latest [`HEADROOM`] captured samples, then the block.
    held: [f32; HEADROOM + BLOCK],
    /// The latest blocks that were cleaned, the oldest at `oldest`.
    recent: Vec<[f32; BLOCK]>,
    oldest: usize,
    filter: Kalman,
    /// What the captured sound has in common with the estimated echo, and the power of the latter.
    borne_out: (f32, f32),
    /// How much of the estimate is believed.
    belief: f32,
    evidence: Evidence,
}

impl EchoCanceller {
    /// A canceller that has not heard anything.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the canceller refuses its format; not known to happen.
    pub fn new(config: &EchoConfig) -> Result<Self, Error> {
        let mut canceller =
            Self { config: config.clone(), stage: config.enabled.then(|| Box::new(Stage::new(config))) };
        let mut clean = [0.0; BLOCK];
        if let Some(stage) = &mut canceller.stage {
            // Formats are checked with every block; check them once where an error can be reported.
            stage.cancel(&[0.0; BLOCK], &[0.0; BLOCK], &mut clean).map_err(|e| {
                Error::new(ErrorKind::Config, format!("the echo canceller refuses {RATE} Hz mono: {e}"))
            })?;
        }
        canceller.reset();
        Ok(canceller)
    }

    /// Samples from a captured sound to the same sound in the clean blocks.
    #[must_use]
    pub fn delay(&self) -> usize {
        if self.stage.is_some() { AEC_DELAY + HEADROOM } else { 0 }
    }

    /// Samples from a captured sound to the same sound in the blocks to detect speech in.
    #[must_use]
    pub fn detection_delay(&self) -> usize {
        if self.stage.is_some() { HEADROOM } else { 0 }
    }

    /// Cleans one block, and gives another, earlier, to detect speech in. Returns how likely,
    /// `0.0..=1.0`, the latter is what is left of an echo rather than somebody in the room.
    pub fn process(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        clean: &mut [f32; BLOCK],
        heard: &mut [f32; BLOCK],
    ) -> f32 {
        let Some(stage) = &mut self.stage else {
            (*clean, *heard) = (*captured, *captured);
            return 0.0;
        };
        stage.process(reference, captured, clean, heard)
    }

    /// Forgets the echo path.
    pub fn reset(&mut self) {
        if let Some(stage) = &mut self.stage {
            **stage = Stage::new(&self.config);
        }
    }

    /// Says that the reference was shifted against the captured sound: until the echo path has been
    /// found again, what is left may be echo.
    pub fn realigned(&mut self) {
        if let Some(stage) = &mut self.stage {
            stage.filter.forget();
            stage.evidence.distrust();
        }
    }

    /// What the canceller knows of the echo; all `None` if it is off or has heard none.
    #[must_use]
    pub fn stats(&self) -> EchoStats {
        let Some(stage) = &self.stage else { return EchoStats::default() };
        let stats = stage.processing.statistics();
        EchoStats {
            delay_ms: stats.delay_ms.and_then(|ms| u32::try_from(ms).ok()),
            erl_db: stats.echo_return_loss,
            erle_db: stats.echo_return_loss_enhancement,
        }
    }
}

impl Stage {
    fn new(config: &EchoConfig) -> Self {
        let level = match config.noise_reduction {
            NoiseReduction::Off => None,
            NoiseReduction::Low => Some(NoiseSuppressionLevel::Low),
            NoiseReduction::Moderate => Some(NoiseSuppressionLevel::Moderate),
            NoiseReduction::High => Some(NoiseSuppressionLevel::High),
        };
        let gain =
            GainController2 { adaptive_digital: Some(AdaptiveDigital::default()), ..Default::default() };
        let config = Config {
            echo_canceller: Some(Aec3::default()),
            high_pass_filter: Some(HighPassFilter::default()),
            noise_suppression: level.map(|level| NoiseSuppression { level, ..Default::default() }),
            gain_controller2: config.gain_control.then_some(gain),
            ..Config::default()
        };
        let transparent = config.noise_suppression.is_none() && config.gain_controller2.is_none();
        let plain = Config { high_pass_filter: Some(HighPassFilter::default()), ..Config::default() };
        let stream = StreamConfig::new(RATE, 1);
        let build = |config| {
            AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build()
        };
        Self {
            processing: build(config),
            plain: transparent.then(|| (build(plain), [0.0; AEC_DELAY + BLOCK])),
            resting: false,
            // At rest: nothing was ever played.
            silent: SILENT + 1,
            held: [0.0; HEADROOM + BLOCK],
            recent: vec![[0.0; BLOCK]; RECENT],
            oldest: 0,
            filter: Kalman::new(),
            borne_out: (0.0, 0.0),
            belief: 1.0,
            evidence: Evidence::new(),
        }
    }

    fn process(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        clean: &mut [f32; BLOCK],
        heard: &mut [f32; BLOCK],
    ) -> f32 {
        self.held.copy_within(BLOCK.., 0);
        self.held[HEADROOM..].copy_from_slice(captured);
        let (mut held, mut echo) = ([0.0; BLOCK], [0.0; BLOCK]);
        held.copy_from_slice(&self.held[..BLOCK]);
        self.silent = if is_silent(reference) { self.silent.saturating_add(1) } else { 0 };
        if self.clean(reference, &held, clean).is_err() {
            // Only a wrong format is an error, and `new` has tried the format.
            clean.fill(0.0);
        }
        if self.silent > SILENT {
            self.filter.rest(&held, &mut echo);
        } else {
            self.filter.process(reference, &held, &mut echo);
        }
        self.believe(&held, &mut echo);
        for ((to, y), e) in heard.iter_mut().zip(&held).zip(&echo) {
            *to = y - e;
        }
        if self.silent > SILENT {
            self.evidence.rest(&held, heard);
            return 0.0;
        }
        1.0 - self.evidence.judge(reference, &held, &echo, heard)
    }

    /// Takes back as much of the estimated `echo` as the captured sound does not bear out: while the
    /// filter learns, or the path changes, it may be louder than the echo is.
    fn believe(&mut self, captured: &[f32; BLOCK], echo: &mut [f32; BLOCK]) {
        let product = |a: &[f32; BLOCK], b: &[f32; BLOCK]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (common, power) = self.borne_out;
        let power = BELIEF * power + product(echo, echo);
        self.borne_out = (BELIEF * common + product(captured, echo), power);
        let before = self.belief;
        self.belief = (self.borne_out.0 / (power + 1e-9)).clamp(0.0, 1.0);
        for (i, e) in echo.iter_mut().enumerate() {
            *e *= before + (self.belief - before) * (i + 1) as f32 / BLOCK as f32;
        }
    }

    fn clean(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        clean: &mut [f32; BLOCK],
    ) -> Result<(), sonora::Error> {
        let resting = self.plain.is_some() && self.silent > SILENT;
        if resting != self.resting {
            self.resting = resting;
            // The reference was silent in all of these.
            for i in 0..RECENT {
                let block = self.recent[(self.oldest + i) % RECENT];
                self.take(&[0.0; BLOCK], &block, clean)?;
            }
        }
        self.recent[self.oldest] = *captured;
        self.oldest = (self.oldest + 1) % RECENT;
        self.take(reference, captured, clean)
    }

    /// Gives a block to whoever's turn it is.
    fn take(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        clean: &mut [f32; BLOCK],
    ) -> Result<(), sonora::Error> {
        match &mut self.plain {
            Some((filter, latest)) if self.resting => {
                latest.copy_within(BLOCK.., 0);
                let mut filtered = [0.0; BLOCK];
                filter.process_capture_f32(&[captured], &mut [&mut filtered])?;
                latest[AEC_DELAY..].copy_from_slice(&filtered);
                clean.copy_from_slice(&latest[..BLOCK]);
                Ok(())
            }
            _ => self.cancel(reference, captured, clean),
        }
    }

    fn cancel(
        &mut self,
        reference: &[f32; BLOCK],
        captured: &[f32; BLOCK],
        clean: &mut [f32; BLOCK],
    ) -> Result<(), sonora::Error> {
        // The canceller also returns the reference, unchanged.
        let mut unused = [0.0; BLOCK];
        self.processing.process_render_f32(&[reference], &mut [&mut unused])?;
        self.processing.process_capture_f32(&[captured], &mut [clean])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise that needs no library.
    pub(super) fn noise(n: usize, level: f32) -> Vec<f32> {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
        };
        (0..n).map(|_| next() * level).collect()
    }

    fn run(canceller: &mut EchoCanceller, reference: &[f32], captured: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut out, mut leaks) = (Vec::new(), Vec::new());
        for (reference, captured) in reference.chunks_exact(BLOCK).zip(captured.chunks_exact(BLOCK)) {
            let mut clean = [0.0; BLOCK];
            let (reference, captured) = (reference.try_into().unwrap(), captured.try_into().unwrap());
            leaks.push(canceller.process(reference, captured, &mut clean, &mut [0.0; BLOCK]));
            out.extend_from_slice(&clean);
        }
        (out, leaks)
    }

    fn energy(samples: &[f32]) -> f32 {
        samples.iter().map(|x| x * x).sum()
    }

    #[test]
    fn the_clock_of_clean_sound_is_not_off() {
        let mut canceller = EchoCanceller::new(&EchoConfig::default()).unwrap();
        let captured = noise(16_000, 0.1);
        let (clean, _) = run(&mut canceller, &vec![0.0; 16_000], &captured);
        let likeness = |delay: usize| -> f32 {
            captured[4_000..12_000].iter().zip(&clean[4_000 + delay..]).map(|(a, b)| a * b).sum()
        };
        let best = (0..480).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap();
        assert_eq!(best, canceller.delay());
    }

    #[test]
    fn an_echo_is_not_let_through_whatever_its_delay() {
        let reference = noise(16_000 * 4, 0.2);
        for delay in [0, 16, 160, 800, 3_200] {
            let mut captured = vec![0.0; delay];
            captured.extend(reference.iter().map(|x| x * 0.5));
            captured.truncate(reference.len());
            let mut canceller = EchoCanceller::new(&EchoConfig::default()).unwrap();
            let (clean, leaks) = run(&mut canceller, &reference, &captured);
            let erle = 10.0 * (energy(&captured[48_000..]) / energy(&clean[48_000..])).log10();
            assert!(erle > 25.0, "{delay} samples: {erle:.1} dB");
            assert!(leaks[300..].iter().all(|&leak| leak > 0.9), "{delay} samples");
        }
    }

    #[test]
    fn nobody_is_taken_for_an_echo_while_the_agent_is_silent() {
        let mut canceller = EchoCanceller::new(&EchoConfig::default()).unwrap();
        let (_, leaks) = run(&mut canceller, &vec![0.0; 32_000], &noise(32_000, 0.1));
        assert!(leaks.iter().all(|&leak| leak == 0.0));
    }

    #[test]
    fn nobody_is_taken_for_an_echo_behind_headphones() {
        let mut canceller = EchoCanceller::new(&EchoConfig::default()).unwrap();
        let reference = noise(16_000 * 4, 0.2);
        let mut captured = noise(16_000 * 4, 0.0005);
        for (to, from) in captured[48_000..].iter_mut().zip(noise(16_000, 0.05)) {
            *to += from;
        }
        let (_, leaks) = run(&mut canceller, &reference, &captured);
        let speaking = &leaks[302..];
        let mean = speaking.iter().sum::<f32>() / speaking.len() as f32;
        assert!(mean < 0.1, "leak {mean}");
    }

    #[test]
    fn a_rest_of_the_canceller_is_not_heard() {
        // The agent speaks, is silent for 5 s, and speaks again; somebody hums until then.
        let mut reference = noise(16_000, 0.2);
        reference.resize(16_000 * 6, 0.0);
        reference.extend(noise(16_000, 0.2));
        let mut hum = noise(16_000 * 6, 0.05);
        hum.resize(reference.len(), 0.0);
        let captured: Vec<f32> = reference.iter().zip(&hum).map(|(r, h)| r * 0.3 + h).collect();
        let mut resting = EchoCanceller::new(&EchoConfig::default()).unwrap();
        let mut tireless = EchoCanceller::new(&EchoConfig::default()).unwrap();
        tireless.stage.as_mut().unwrap().plain = None;
        let (rested, leaks) = run(&mut resting, &reference, &captured);
        let (worked, same) = run(&mut tireless, &reference, &captured);
        assert_eq!(leaks, same);
        let apart = |range: std::ops::Range<usize>| {
            let apart: Vec<f32> =
                rested[range.clone()].iter().zip(&worked[range.clone()]).map(|(a, b)| a - b).collect();
            10.0 * (energy(&apart) / energy(&worked[range])).log10()
        };
        for second in 0..6 {
            let apart = apart(second * 16_000..(second + 1) * 16_000);
            assert!(apart < -60.0, "second {second}: {apart:.1} dB");
        }
        let echo = [&rested, &worked].map(|clean| 10.0 * energy(&clean[6 * 16_000..]).log10());
        assert!(echo[0] < echo[1] + 1.0, "when the agent speaks again: {echo:.1?} dB");
    }

    #[test]
    fn a_disabled_canceller_does_not_touch_the_sound() {
        let config = EchoConfig { enabled: false, ..EchoConfig::default() };
        let mut canceller = EchoCanceller::new(&config).unwrap();
        let captured = noise(1_600, 0.3);
        let (clean, leaks) = run(&mut canceller, &captured, &captured);
        assert_eq!((clean, canceller.delay()), (captured, 0));
        assert!(leaks.iter().all(|&leak| leak == 0.0));
    }
}
