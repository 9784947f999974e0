//! The playback ring: samples tagged with an epoch, from the mouth thread to the endpoint's callback.
//!
//! Invariants: only the epoch that was begun last can sound; an order is one atomic operation and
//! takes effect in the next callback; no sample of an older, held or stopped epoch is audible later
//! than one callback and one fade after the order; a held epoch resumes at the sample where its
//! fade began; the level never jumps.
//!
//! Life cycle: [`playback_ring`] → the renderer moves into the callback, the writer into the mouth,
//! the reference into the ear, the control to whoever decides. For each turn:
//! [`PlaybackControl::begin`] → [`PlaybackWriter::push`]… → [`PlaybackWriter::finish`] → the status
//! says `finished`, or an order cut it short.
//!
//! ```
//! use duologue_pipeline::playback::{Epoch, PlaybackConfig, playback_ring};
//!
//! let (mut writer, control, mut renderer, _reference) = playback_ring(&PlaybackConfig::new(16_000))?;
//! let turn = Epoch(1);
//! control.begin(turn);
//! assert_eq!(writer.push(turn, &[0.1; 400]), 400);
//! assert!(writer.finish(turn));
//! renderer.render(&mut [0.0; 480]);
//! let status = control.status();
//! assert!(status.finished);
//! assert_eq!((status.epoch, status.played), (turn, 400));
//! # Ok::<(), duologue_pipeline::Error>(())
//! ```

use std::sync::Arc;

use ringbuf::HeapRb;
use ringbuf::traits::Split;
use serde::{Deserialize, Serialize};

use crate::reference::{ReferenceReader, reference_ring};
use crate::{Error, ErrorKind};

mod control;
mod ramp;
mod renderer;
mod status;
mod voice;
mod word;
mod writer;

pub use crate::ids::Epoch;
pub use control::PlaybackControl;
pub use renderer::Renderer;
pub use writer::PlaybackWriter;

/// How the current epoch is played, as far as the renderer has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// At full level, or on its way there.
    #[default]
    Playing,
    /// At the lower level, or on its way there.
    Ducked,
    /// Fading out or silent; the rest is kept.
    Held,
    /// Fading out or silent; the rest is dropped.
    Stopped,
}

impl Mode {
    fn code(self) -> u8 {
        match self {
            Self::Playing => 0,
            Self::Ducked => 1,
            Self::Held => 2,
            Self::Stopped => 3,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Playing,
            1 => Self::Ducked,
            2 => Self::Held,
            _ => Self::Stopped,
        }
    }
}

/// What the renderer did up to the end of one callback; all fields belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackStatus {
    /// The epoch being played.
    pub epoch: Epoch,
    /// How it is played.
    pub mode: Mode,
    /// Samples of the epoch played, at the output rate. While it is held or stopped: up to the
    /// sample where the fade began.
    pub played: u64,
    /// Whether the epoch's samples were still sounding at the end of the callback.
    pub audible: bool,
    /// Whether the epoch was played to its end.
    pub finished: bool,
    /// Times that an epoch fell silent because its next samples came too late.
    pub underruns: u64,
    /// Samples rendered in all, silence included: the device's clock.
    pub device_samples: u64,
}

/// Sizes and levels of playback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaybackConfig {
    /// Rate of the output, in Hz: `8000..=192000`.
    pub rate: u32,
    /// What the ring holds, in ms: `100..=600000`.
    pub capacity_ms: u32,
    /// Length of the fade at a hold, a stop or a newer epoch, and of the fade back, in ms: `1..=100`.
    pub fade_ms: u32,
    /// Level of a ducked epoch, in dB: `-80.0..=0.0`.
    pub duck_db: f32,
    /// Time from full level to the ducked one, in ms: `1..=200`.
    pub duck_ms: u32,
    /// Time from the ducked level back to full, in ms: `1..=2000`.
    pub restore_ms: u32,
    /// What the reference ring holds, in ms: `100..=60000`.
    pub reference_ms: u32,
}

impl Default for PlaybackConfig {
    fn default() -> Self {
        Self {
            rate: 48_000,
            capacity_ms: 2_000,
            fade_ms: 20,
            duck_db: -18.0,
            duck_ms: 8,
            restore_ms: 120,
            reference_ms: 1_000,
        }
    }
}

impl PlaybackConfig {
    /// The default for an output of `rate` Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self { rate, ..Self::default() }
    }

    /// Checks every key.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the first key that is out of range, as `playback.<key>`.
    pub fn validate(&self) -> Result<(), Error> {
        let ranges = [
            ("rate", self.rate, 8_000, 192_000),
            ("capacity_ms", self.capacity_ms, 100, 600_000),
            ("fade_ms", self.fade_ms, 1, 100),
            ("duck_ms", self.duck_ms, 1, 200),
            ("restore_ms", self.restore_ms, 1, 2_000),
            ("reference_ms", self.reference_ms, 100, 60_000),
        ];
        for (key, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let message = format!("playback.{key} = {value}: must be {low} to {high}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        if !(-80.0..=0.0).contains(&self.duck_db) {
            let message = format!("playback.duck_db = {}: must be -80 to 0", self.duck_db);
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(())
    }

    fn samples(&self, ms: u32) -> usize {
        (u64::from(self.rate) * u64::from(ms) / 1000) as usize
    }
}

/// The four ends of a playback ring.
///
/// # Errors
/// As [`PlaybackConfig::validate`].
pub fn playback_ring(
    config: &PlaybackConfig,
) -> Result<(PlaybackWriter, PlaybackControl, Renderer, ReferenceReader), Error> {
    config.validate()?;
    let (samples, samples_out) = HeapRb::new(config.samples(config.capacity_ms)).split();
    let (marks, marks_out) = HeapRb::new(writer::MARKS).split();
    let (reference, reader) = reference_ring(config.rate, config.samples(config.reference_ms));
    let shared = Arc::new(control::Shared::new());
    let writer = PlaybackWriter { rate: config.rate, samples, marks, shared: Arc::clone(&shared), newest: 0 };
    let control = PlaybackControl { shared: Arc::clone(&shared) };
    let renderer = Renderer::new(config, samples_out, marks_out, reference, shared);
    Ok((writer, control, renderer, reader))
}
