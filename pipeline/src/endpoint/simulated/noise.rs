//! Noise around the microphone: generated or recorded, as a loop without a seam.

use super::check_range;
use super::random::Random;
use crate::clip::{Clip, power};
use crate::{Error, ErrorKind};
use std::f32::consts::TAU;

/// Length of generated loops and of the cross-fade at a loop's seam, in s.
const LOOP_S: f32 = 8.0;
const FADE_S: f32 = 0.05;
/// Talkers in the babble: enough that no word can be made out.
const TALKERS: usize = 6;

/// Noise, and how loud it is.
#[derive(Clone, Debug)]
pub struct Noise {
    /// What it sounds like.
    pub kind: NoiseKind,
    /// How loud it is.
    pub level: NoiseLevel,
}

/// What noise sounds like.
#[derive(Clone, Debug)]
pub enum NoiseKind {
    /// Equal power per Hz.
    White,
    /// Equal power per octave.
    Pink,
    /// Several synthetic talkers at once.
    Babble,
    /// Recorded, repeated without a seam; at least 200 ms.
    Recorded(Clip),
}

/// How loud noise is, by its root mean square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoiseLevel {
    /// Relative to full scale, in dB; −120 to 0.
    Dbfs(f32),
    /// This many dB below the caller's active speech; −20 to 80.
    SnrDb(f32),
}

/// The noise at work.
pub(super) struct NoiseLoop {
    samples: Vec<f32>,
    at: usize,
}

impl NoiseLoop {
    /// At `rate` Hz; `speech` is the mean power of the caller's active speech.
    pub(super) fn new(noise: &Noise, rate: u32, speech: Option<f64>, seed: u64) -> Result<Self, Error> {
        let mut random = Random::new(seed ^ 0x0153);
        let length = ((LOOP_S + FADE_S) * rate as f32) as usize;
        let raw = match &noise.kind {
            NoiseKind::White => (0..length).map(|_| random.sample()).collect(),
            NoiseKind::Pink => pink(length, &mut random),
            NoiseKind::Babble => babble(length, rate, &mut random),
            NoiseKind::Recorded(clip) => clip.at_rate(rate)?.samples().to_vec(),
        };
        let mut samples = seamless(raw, (FADE_S * rate as f32) as usize)?;
        let wanted = wanted_power(noise.level, speech)?;
        let own = power(&samples);
        if own <= 0.0 {
            return Err(Error::new(ErrorKind::InvalidAudio, "noise: the recording is silent; use another"));
        }
        let scale = (wanted / own).sqrt() as f32;
        samples.iter_mut().for_each(|s| *s *= scale);
        Ok(Self { samples, at: 0 })
    }

    /// Adds the noise to one captured block.
    pub(super) fn add(&mut self, captured: &mut [f32]) {
        for sample in captured {
            *sample += self.samples[self.at];
            self.at = (self.at + 1) % self.samples.len();
        }
    }
}

fn wanted_power(level: NoiseLevel, speech: Option<f64>) -> Result<f64, Error> {
    match level {
        NoiseLevel::Dbfs(db) => {
            check_range("noise.level.dbfs", db, -120.0, 0.0)?;
            Ok(10f64.powf(f64::from(db) / 10.0))
        }
        NoiseLevel::SnrDb(db) => {
            check_range("noise.level.snr_db", db, -20.0, 80.0)?;
            let silent = || {
                let what = "noise.level.snr_db: the caller says nothing to compare with; use a level in dBFS";
                Error::new(ErrorKind::Config, what)
            };
            Ok(speech.ok_or_else(silent)? * 10f64.powf(f64::from(-db) / 10.0))
        }
    }
}

/// Cross-fades the end into the beginning at equal power, so that the loop has no seam.
fn seamless(mut raw: Vec<f32>, fade: usize) -> Result<Vec<f32>, Error> {
    if raw.len() < 4 * fade {
        let what = "noise: the recording is shorter than 200 ms; use a longer one";
        return Err(Error::new(ErrorKind::InvalidAudio, what));
    }
    let body = raw.len() - fade;
    for i in 0..fade {
        let angle = (i as f32 + 0.5) / fade as f32 * TAU / 4.0;
        raw[i] = raw[i] * angle.sin() + raw[body + i] * angle.cos();
    }
    raw.truncate(body);
    Ok(raw)
}

/// White noise through Paul Kellet's pinking filter (within 0.5 dB over the audible band).
fn pink(length: usize, random: &mut Random) -> Vec<f32> {
    const POLES: [(f32, f32); 6] = [
        (0.998_86, 0.055_518),
        (0.993_32, 0.075_076),
        (0.969_00, 0.153_852),
        (0.866_50, 0.310_486),
        (0.550_00, 0.532_952),
        (-0.7616, -0.016_898),
    ];
    let mut state = [0.0; 6];
    let mut held = 0.0;
    (0..length)
        .map(|_| {
            let white = random.sample();
            for (s, (pole, gain)) in state.iter_mut().zip(POLES) {
                *s = *s * pole + white * gain;
            }
            let sum = state.iter().sum::<f32>() + held + white * 0.5362;
            held = white * 0.115_926;
            sum
        })
        .collect()
}

/// Talkers whose syllables are pulses through two resonances, at random and independent of each
/// other.
fn babble(length: usize, rate: u32, random: &mut Random) -> Vec<f32> {
    let mut all = vec![0.0; length];
    for _ in 0..TALKERS {
        let pitch = random.between(85.0, 240.0);
        let mut at = 0;
        while at < length {
            let n = (random.between(0.12, 0.32) * rate as f32) as usize;
            let end = (at + n).min(length);
            syllable(&mut all[at..end], pitch * random.between(0.85, 1.2), rate as f32, random);
            at = end;
            if random.between(0.0, 1.0) < 0.15 {
                at += (random.between(0.1, 0.4) * rate as f32) as usize;
            }
        }
    }
    all
}

fn syllable(out: &mut [f32], pitch: f32, rate: f32, random: &mut Random) {
    let mut low = Resonance::new(random.between(280.0, 850.0), 90.0, rate);
    let mut high = Resonance::new(random.between(900.0, 2_400.0), 150.0, rate);
    let n = out.len() as f32;
    let mut phase = 0.0;
    for (i, sample) in out.iter_mut().enumerate() {
        phase += pitch / rate;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase -= pulse;
        let source = pulse + 0.02 * random.sample();
        let envelope = 0.5 - 0.5 * (TAU * i as f32 / n).cos();
        *sample += envelope * (low.step(source) + 0.5 * high.step(source));
    }
}

/// Two poles at one frequency.
struct Resonance {
    a: f32,
    b: f32,
    last: [f32; 2],
}

impl Resonance {
    fn new(hz: f32, width: f32, rate: f32) -> Self {
        let radius = (-TAU / 2.0 * width / rate).exp();
        Self { a: 2.0 * radius * (TAU * hz / rate).cos(), b: -radius * radius, last: [0.0; 2] }
    }

    fn step(&mut self, input: f32) -> f32 {
        let out = input + self.a * self.last[0] + self.b * self.last[1];
        self.last = [out, self.last[0]];
        out
    }
}
