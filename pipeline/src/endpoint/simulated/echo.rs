//! From the speakers to the microphone: limiting, delay, reverberation, attenuation.

use super::convolve::Convolver;
use super::random::Random;
use super::{check_range, gain, samples};
use crate::clip::{Clip, power};
use crate::{Error, ErrorKind};
use std::collections::VecDeque;

/// Longest impulse response that is used, in s; more is cut.
const LONGEST_S: f32 = 2.0;

/// How what is played comes back.
#[derive(Clone, Debug)]
pub struct EchoPath {
    /// From the played sample to its first arrival at the microphone, in ms; 0 to 2,000. Where the
    /// two rates differ it is at least the 5 ms that the conversion takes.
    pub delay_ms: f32,
    /// Level of the echo relative to what is played, in dB; −100 to 20.
    pub gain_db: f32,
    /// How the room reverberates. Default [`Response::Direct`].
    pub response: Response,
    /// Level at which the speakers begin to distort, 0.05 to 1.0; `None`: never. Samples `x` become
    /// `limit · tanh(x / limit)`.
    pub speaker_limit: Option<f32>,
}

/// An impulse response. Responses are scaled to unit energy, so that `gain_db` is the level of the
/// echo of white noise; what comes before the first arrival is left out, as `delay_ms` has it.
#[derive(Clone, Debug)]
pub enum Response {
    /// One arrival.
    Direct,
    /// Measured in a room; the first 2 s of it.
    Recorded(Clip),
    /// One arrival and a tail of noise that decays by 60 dB.
    Decay {
        /// Time in which the tail decays by 60 dB, in ms; 50 to 2,000.
        rt60_ms: u32,
        /// Energy of the first arrival over that of the tail, in dB; −20 to 40.
        direct_db: f32,
    },
}

impl EchoPath {
    /// One arrival after `delay_ms`, at `gain_db`.
    pub fn new(delay_ms: f32, gain_db: f32) -> Self {
        Self { delay_ms, gain_db, response: Response::Direct, speaker_limit: None }
    }

    /// With reverberation.
    #[must_use]
    pub fn response(mut self, response: Response) -> Self {
        self.response = response;
        self
    }

    /// With speakers that distort from `limit` on.
    #[must_use]
    pub fn speaker_limit(mut self, limit: f32) -> Self {
        self.speaker_limit = Some(limit);
        self
    }

    fn validate(&self) -> Result<(), Error> {
        check_range("echo.delay_ms", self.delay_ms, 0.0, 2_000.0)?;
        check_range("echo.gain_db", self.gain_db, -100.0, 20.0)?;
        self.speaker_limit.map_or(Ok(()), |l| check_range("echo.speaker_limit", l, 0.05, 1.0))
    }
}

/// The path at work.
pub(super) struct Echo {
    /// Played samples on their way, oldest first.
    line: VecDeque<f32>,
    limit: Option<f32>,
    convolver: Option<Convolver>,
    gain: f32,
    block: Vec<f32>,
}

impl Echo {
    /// At `rate` Hz; played samples arrive here `late` samples after they were played.
    pub(super) fn new(path: &EchoPath, rate: u32, late: usize, seed: u64) -> Result<Self, Error> {
        path.validate()?;
        let block = (rate / 100) as usize;
        let delay = (f64::from(path.delay_ms) * f64::from(rate) / 1_000.0).round() as usize;
        let response = impulse_response(&path.response, rate, seed)?;
        Ok(Self {
            line: vec![0.0; delay.max(late)].into(),
            limit: path.speaker_limit,
            convolver: response.map(|r| Convolver::new(&r, block)),
            gain: gain(path.gain_db),
            block: vec![0.0; block],
        })
    }

    /// Adds the echo to one captured block, after the speakers took `played`.
    pub(super) fn add(&mut self, played: &[f32], captured: &mut [f32]) {
        match self.limit {
            Some(limit) => self.line.extend(played.iter().map(|s| limit * (s / limit).tanh())),
            None => self.line.extend(played),
        }
        let n = self.block.len();
        for (to, from) in self.block.iter_mut().zip(self.line.drain(..n)) {
            *to = from;
        }
        if let Some(convolver) = &mut self.convolver {
            convolver.process(&mut self.block);
        }
        captured.iter_mut().zip(&self.block).for_each(|(c, e)| *c += e * self.gain);
    }
}

fn impulse_response(response: &Response, rate: u32, seed: u64) -> Result<Option<Vec<f32>>, Error> {
    let mut taps = match response {
        Response::Direct => return Ok(None),
        Response::Recorded(clip) => from_first_arrival(clip.at_rate(rate)?.samples())?,
        Response::Decay { rt60_ms, direct_db } => {
            check_range("echo.response.rt60_ms", *rt60_ms as f32, 50.0, 2_000.0)?;
            check_range("echo.response.direct_db", *direct_db, -20.0, 40.0)?;
            decay(*rt60_ms, *direct_db, rate, seed)
        }
    };
    taps.truncate((LONGEST_S * rate as f32) as usize);
    let energy = power(&taps) * taps.len() as f64;
    let scale = (1.0 / energy.sqrt()) as f32;
    taps.iter_mut().for_each(|t| *t *= scale);
    Ok(Some(taps))
}

/// The response from the first tap within 20 dB of the strongest.
fn from_first_arrival(taps: &[f32]) -> Result<Vec<f32>, Error> {
    let strongest = taps.iter().fold(0.0f32, |a, t| a.max(t.abs()));
    let first = taps.iter().position(|t| t.abs() >= strongest * 0.1 && strongest > 0.0);
    let silent =
        || Error::new(ErrorKind::InvalidAudio, "echo.response: the impulse response is silent; use another");
    Ok(taps[first.ok_or_else(silent)?..].to_vec())
}

fn decay(rt60_ms: u32, direct_db: f32, rate: u32, seed: u64) -> Vec<f32> {
    let length = samples(u64::from(rt60_ms), rate) as usize;
    let mut random = Random::new(seed ^ 0xEC40);
    // 60 dB over the whole length: a factor of 1,000 in amplitude.
    let mut taps: Vec<f32> =
        (0..length).map(|i| random.sample() * (-(1_000f32.ln()) * i as f32 / length as f32).exp()).collect();
    taps[0] = 0.0;
    let tail = power(&taps) * length as f64;
    taps[0] = (tail * 10f64.powf(f64::from(direct_db) / 10.0)).sqrt() as f32;
    taps
}
