//! The ear: captured samples in; clean 16 kHz blocks and speech events out.
//!
//! Every 10 ms block goes through echo cancellation, with the reference rendered at the same time,
//! and voice activity detection. Invariants: nothing here waits or reads a clock, so that a thread
//! and stepped simulated time hear the same; blocks follow each other without a gap, and every index
//! is an absolute 16 kHz sample of the capture stream, whatever delays and losses lie between; no
//! event is awaited for ever: speech under way ends if the microphone falls silent for good.
//!
//! Life cycle: [`Ear::new`] → [`Ear::process`] whenever samples may have come → [`Ear::finish`] if
//! the stream ends.
//!
//! ```
//! use duologue_pipeline::capture::capture_ring;
//! use duologue_pipeline::ear::{Ear, EarConfig, EarEvent};
//! use duologue_pipeline::playback::{PlaybackConfig, playback_ring};
//! use duologue_vad::Energy;
//!
//! let (mut writer, mut capture) = capture_ring(48_000, 200);
//! let (_, _, mut renderer, mut reference) = playback_ring(&PlaybackConfig::new(24_000))?;
//! let mut ear = Ear::new(&EarConfig::default(), Box::new(Energy::new()), 48_000, 24_000)?;
//! let mut heard = 0;
//! for _ in 0..10 {
//!     renderer.render(&mut [0.0; 240]);
//!     writer.push(&[0.0; 480]);
//!     ear.process(&mut capture, &mut reference, &mut |event| {
//!         if let EarEvent::Block { at, samples } = event {
//!             assert_eq!(at, heard);
//!             heard += samples.len() as u64;
//!         }
//!     })?;
//! }
//! assert_eq!(heard, 1_120); // the rest of the 100 ms is still in the filters
//! # Ok::<(), duologue_pipeline::Error>(())
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use duologue_vad::{SegmenterConfig, Vad};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::capture::CaptureReader;
use crate::echo::{EchoCanceller, EchoConfig, EchoStats};
use crate::reference::ReferenceReader;
use crate::resample::Resampler;

mod detector;
mod keypad;
mod pairing;

use detector::Detector;
use keypad::{Keypad, Tone};
use pairing::Pairing;
pub use pairing::PairingStats;

/// Rate of everything the ear gives, in Hz.
pub const RATE: u32 = duologue_vad::SAMPLE_RATE;

/// Samples of one block: 10 ms at 16 kHz.
pub const BLOCK: usize = 160;

/// Captured samples read at a time.
const CHUNK: usize = 480;

/// The output goes on for this long, in 16 kHz samples, while nothing is captured, before the
/// capture counts as starved: 500 ms.
const STARVED: usize = 8_000;

/// Where the ear's events go.
pub type Events<'a> = &'a mut dyn FnMut(EarEvent<'_>);

/// What the ear found out. Indices are absolute 16 kHz samples of the capture stream.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EarEvent<'a> {
    /// The next 10 ms, free of echo. Blocks follow each other without a gap.
    Block {
        /// Index of the first sample.
        at: u64,
        /// The samples, ±1.0.
        samples: &'a [f32; BLOCK],
    },
    /// What the detector thinks of its latest frame.
    Voice {
        /// The sample after the frame.
        at: u64,
        /// The probability, `0.0..=1.0`, that the frame holds speech that is not the agent's.
        probability: f32,
        /// Whether the frame counts as speech.
        voiced: bool,
        /// How likely, `0.0..=1.0`, the frame holds what is left of the agent's voice. It has
        /// been taken off `probability` already.
        echo: f32,
    },
    /// Speech is under way.
    SpeechStarted {
        /// Its first sample, pre-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
    /// Speech is over.
    SpeechEnded {
        /// The sample after its last, post-roll included.
        at: u64,
        /// Samples heard when this was decided.
        detected_at: u64,
    },
    /// A key of a telephone was pressed; its tones are not taken for speech.
    Keypad {
        /// The sample after the block in which it was recognised.
        at: u64,
        /// `0`–`9`, `*`, `#` or `A`–`D`.
        key: char,
    },
    /// No samples have been captured for a while. Sent once; the next block ends it.
    Starved {
        /// Index of the first sample that is missing.
        at: u64,
    },
}

/// How the ear hears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarConfig {
    /// Echo cancellation.
    pub echo: EchoConfig,
    /// When speech starts and ends.
    pub vad: SegmenterConfig,
}

/// What the ear has been through.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EarStats {
    /// Blocks heard.
    pub blocks: u64,
    /// Frames the detector failed on; they count as silence.
    pub failed_frames: u64,
    /// Times that the capture starved.
    pub starved: u64,
    /// How the reference was aligned.
    pub pairing: PairingStats,
    /// What the canceller knows of the echo.
    pub echo: EchoStats,
}

/// Cancels echo and detects speech.
pub struct Ear {
    resampler: Resampler,
    captured: VecDeque<f32>,
    pairing: Pairing,
    canceller: EchoCanceller,
    clean: Delayed,
    heard: Delayed,
    keypad: Keypad,
    detector: Detector,
    starved: bool,
    stats: EarStats,
}

impl Ear {
    /// An ear for capture at `capture_rate` Hz and a reference at `reference_rate` Hz.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a value or a rate out of range.
    pub fn new(
        config: &EarConfig,
        vad: Box<dyn Vad>,
        capture_rate: u32,
        reference_rate: u32,
    ) -> Result<Self, Error> {
        let resampler = Resampler::new(capture_rate, RATE)?;
        let pairing = Pairing::new(reference_rate)?;
        let canceller = EchoCanceller::new(&config.echo)?;
        // Where the reference comes out of its filter later than the captured sound, that waits.
        let wait = if config.echo.enabled { pairing.lag().saturating_sub(resampler.lag()) } else { 0 };
        let mut captured =
            VecDeque::with_capacity(4 * CHUNK * (RATE as usize).div_ceil(capture_rate as usize) + wait);
        captured.resize(wait, 0.0);
        let clean = Delayed::new(wait + canceller.delay());
        let heard = Delayed::new(wait + canceller.detection_delay());
        let detector = Detector::new(vad, &config.vad)?;
        let (starved, stats) = (false, EarStats::default());
        let keypad = Keypad::new();
        Ok(Self { resampler, captured, pairing, canceller, clean, heard, keypad, detector, starved, stats })
    }

    /// Hears all whole blocks that have been captured; never waits. Returns how many there were.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](crate::ErrorKind::Model) if the detector failed on a frame. That frame counts
    /// as silence, all blocks are heard nevertheless, and the first failure is returned.
    ///
    /// # Panics
    /// In debug builds, if a reader's rate is not the one given to [`Ear::new`].
    pub fn process(
        &mut self,
        capture: &mut CaptureReader,
        reference: &mut ReferenceReader,
        on_event: Events<'_>,
    ) -> Result<usize, Error> {
        debug_assert_eq!(capture.rate(), self.resampler.from());
        let mut chunk = [0.0; CHUNK];
        let (mut blocks, mut outcome) = (0, Ok(()));
        loop {
            let read = capture.read(&mut chunk);
            if read == 0 {
                break;
            }
            let captured = &mut self.captured;
            self.resampler.process(&chunk[..read], &mut |samples| captured.extend(samples));
            while self.captured.len() >= BLOCK {
                let waiting = capture.available() as u64 * u64::from(RATE) / u64::from(capture.rate());
                outcome = outcome.and(self.hear(reference, waiting as usize, on_event));
                blocks += 1;
            }
        }
        if blocks > 0 {
            self.starved = false;
        } else if self.pairing.ready(reference) > STARVED {
            self.pairing.restart(reference, STARVED / 2);
            self.starve(on_event);
        }
        outcome.map(|()| blocks)
    }

    /// How long until enough will have been captured for [`Ear::process`] to decide anything; it may be
    /// called sooner, at the price of waking up for little.
    #[must_use]
    pub fn due(&self, capture: &mut CaptureReader) -> Duration {
        let missing = self.detector.due().next_multiple_of(BLOCK).saturating_sub(self.captured.len());
        let missing = self.resampler.needed(missing).saturating_sub(capture.available()) as u64;
        Duration::from_micros(missing * 1_000_000 / u64::from(capture.rate()))
    }

    /// Says that nothing has been captured for longer than the caller's clock allows: ends speech
    /// under way. Further calls change nothing until samples come again.
    pub fn starve(&mut self, on_event: Events<'_>) {
        if self.starved {
            return;
        }
        self.starved = true;
        self.stats.starved += 1;
        self.detector.end(on_event);
        on_event(EarEvent::Starved { at: self.clean.at });
    }

    /// Ends the stream: hears what is still in the filters, completed to a block with silence, and
    /// ends speech under way.
    ///
    /// # Errors
    /// As [`Ear::process`].
    pub fn finish(&mut self, reference: &mut ReferenceReader, on_event: Events<'_>) -> Result<(), Error> {
        let captured = &mut self.captured;
        self.resampler.flush(&mut |samples| captured.extend(samples));
        let whole = (self.captured.len() + self.clean.late).next_multiple_of(BLOCK);
        self.captured.resize(whole, 0.0);
        let mut outcome = Ok(());
        while self.captured.len() >= BLOCK {
            outcome = outcome.and(self.hear(reference, 0, on_event));
        }
        outcome = outcome.and(self.detector.finish(on_event));
        outcome
    }

    /// What the ear has been through.
    #[must_use]
    pub fn stats(&self) -> EarStats {
        EarStats {
            failed_frames: self.detector.failed,
            pairing: self.pairing.stats(),
            echo: self.canceller.stats(),
            ..self.stats
        }
    }

    /// Hears the first block of `captured`; `waiting` more samples have not been read.
    fn hear(
        &mut self,
        reference: &mut ReferenceReader,
        waiting: usize,
        on_event: Events<'_>,
    ) -> Result<(), Error> {
        let (mut captured, mut rendered) = ([0.0; BLOCK], [0.0; BLOCK]);
        if self.pairing.take(reference, self.captured.len() + waiting, &mut rendered) {
            self.canceller.realigned();
        }
        for (to, from) in captured.iter_mut().zip(self.captured.drain(..BLOCK)) {
            *to = from.clamp(-1.0, 1.0);
        }
        let (mut clean, mut heard) = ([0.0; BLOCK], [0.0; BLOCK]);
        let leak = self.canceller.process(&rendered, &captured, &mut clean, &mut heard);
        self.stats.blocks += 1;
        if let Some(at) = self.clean.push(&clean) {
            on_event(EarEvent::Block { at, samples: &self.clean.block });
        }
        let at = self.heard.push(&heard);
        let tone = if at.is_some() { self.keypad.hear(&self.heard.block) } else { Tone::None };
        let leak = if tone == Tone::None { leak } else { 1.0 };
        self.detector.leak(leak, !is_silent(&rendered));
        let Some(at) = at else { return Ok(()) };
        if let Tone::Pressed(key) = tone {
            on_event(EarEvent::Keypad { at: at + BLOCK as u64, key });
        }
        self.detector.push(&self.heard.block, on_event)
    }
}

/// Whether nothing at all was played in a block.
pub(crate) fn is_silent(block: &[f32; BLOCK]) -> bool {
    block.iter().all(|x| *x == 0.0)
}

/// Cuts the delay off a sound and puts it into blocks again.
struct Delayed {
    /// Samples by which the sound comes late, beyond which blocks begin.
    late: usize,
    skip: usize,
    queue: VecDeque<f32>,
    block: [f32; BLOCK],
    /// Index of the next block's first sample.
    at: u64,
}

impl Delayed {
    fn new(late: usize) -> Self {
        Self { late, skip: late, queue: VecDeque::with_capacity(2 * BLOCK), block: [0.0; BLOCK], at: 0 }
    }

    /// Takes 10 ms; returns the index of the block that it completes, if any.
    fn push(&mut self, samples: &[f32; BLOCK]) -> Option<u64> {
        let cut = self.skip.min(BLOCK);
        self.skip -= cut;
        self.queue.extend(&samples[cut..]);
        if self.queue.len() < BLOCK {
            return None;
        }
        for (to, from) in self.block.iter_mut().zip(self.queue.drain(..BLOCK)) {
            *to = from;
        }
        self.at += BLOCK as u64;
        Some(self.at - BLOCK as u64)
    }
}

#[cfg(test)]
#[path = "ear_tests.rs"]
mod tests;
