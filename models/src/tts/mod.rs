//! Text-to-speech: the [`Tts`] trait and what it returns.
//!
//! A [`Tts`] is a loaded model, shared between threads. It speaks one clause at a time, checks
//! [`Cancel`] while it runs, and says where each word lies in the samples it returns.

mod cost;
mod edges;
pub mod kokoro;
mod level;
mod marks;
mod npy;
mod runs;
pub mod vits;

use std::num::NonZeroU16;
use std::ops::Range;
use std::time::Duration;

use crate::Error;
pub use duologue_native::Cancel;

/// Where one word of a clause lies in its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordMark {
    /// Bytes of the clause's text that this word was spoken from.
    pub source: Range<usize>,
    /// Samples of [`Speech::samples`] in which it is spoken. Marks are sorted and do not overlap.
    pub samples: Range<usize>,
}

/// One synthesized clause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    /// Mono samples at [`Tts::sample_rate`], ±1.0.
    pub samples: Vec<f32>,
    /// The words, in order.
    pub marks: Vec<WordMark>,
}

impl Speech {
    /// Appends the next piece of the same clause. A word that goes on from the piece before keeps one mark.
    pub fn push(&mut self, piece: Piece) {
        self.samples.extend(piece.samples);
        for mark in piece.marks {
            match self.marks.last_mut() {
                Some(last) if last.source == mark.source => last.samples.end = mark.samples.end,
                _ => self.marks.push(mark),
            }
        }
    }
}

/// A part of a clause's speech, given as soon as it is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Piece {
    /// The next samples of the clause, mono at [`Tts::sample_rate`], ±1.0.
    pub samples: Vec<f32>,
    /// The words that begin in these samples, or go on from a piece before. Samples are counted from the
    /// **clause's** first, and may reach beyond this piece.
    pub marks: Vec<WordMark>,
    /// Whether the clause ends with it. Every clause that was spoken without an error has one such piece,
    /// without samples if there was nothing to say.
    pub last: bool,
}

/// How to speak.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeakOptions {
    /// A name out of [`Tts::voices`]; empty means the model's first voice.
    pub voice: String,
    /// Tempo, `0.5..=2.0`; 1.0 is the voice's own.
    pub speed: f32,
}

impl Default for SpeakOptions {
    fn default() -> Self {
        Self { voice: String::new(), speed: 1.0 }
    }
}

/// How to load a voice of any family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TtsOptions {
    /// Threads of one run; by default as many as the voice and the device's cores make sensible.
    pub threads: Option<NonZeroU16>,
    /// The default voice; by default the model's own.
    pub voice: Option<String>,
}

/// What synthesis costs on this device, as a voice measured it.
///
/// ```
/// use std::time::Duration;
/// use duologue_models::TtsCost;
///
/// // Kokoro on one core of an EPYC: 48 ms a phoneme, each of which sounds for 69 ms.
/// let cost = TtsCost { fixed_ms: 50.0, ms_per_phoneme: 48.0, audio_ms_per_phoneme: 69.0 };
/// assert_eq!(cost.first_clause_phonemes(Duration::from_millis(600)), 11);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TtsCost {
    /// Time that any clause takes, in ms.
    pub fixed_ms: f32,
    /// Time that each phoneme adds, in ms.
    pub ms_per_phoneme: f32,
    /// Length of speech that each phoneme gives, in ms, at the voice's own tempo.
    pub audio_ms_per_phoneme: f32,
}

impl TtsCost {
    /// The longest first clause, in phonemes (6 to 200), whose audio is there within `target`.
    pub fn first_clause_phonemes(&self, target: Duration) -> usize {
        let phonemes = (target.as_secs_f32() * 1000.0 - self.fixed_ms) / self.ms_per_phoneme.max(0.001);
        // A cast from NaN or below gives 0, from above the largest: both are clamped.
        (phonemes as usize).clamp(6, 200)
    }

    /// Time to synthesize a clause of so many phonemes.
    pub fn synthesis(&self, phonemes: usize) -> Duration {
        milliseconds(self.fixed_ms + self.ms_per_phoneme * phonemes as f32)
    }

    /// Length of a clause of so many phonemes.
    pub fn audio(&self, phonemes: usize) -> Duration {
        milliseconds(self.audio_ms_per_phoneme * phonemes as f32)
    }
}

fn milliseconds(ms: f32) -> Duration {
    Duration::try_from_secs_f32(ms.max(0.0) / 1000.0).unwrap_or(Duration::MAX)
}

/// A loaded voice model.
pub trait Tts: Send + Sync {
    /// Rate, in Hz, of the samples returned by [`Tts::speak`].
    fn sample_rate(&self) -> u32;

    /// The voices' names, the default first; never empty.
    fn voices(&self) -> &[String];

    /// The model's name, for people and logs.
    fn name(&self) -> &str;

    /// What synthesis costs on this device now, if the voice has measured it; clauses are sized by it.
    fn cost(&self) -> Option<TtsCost> {
        None
    }

    /// Speaks `text`: one clause, at most about 200 phonemes. Somewhat longer text may be spoken in
    /// pieces, much longer text is an error, never a crash. Text without anything to say gives
    /// empty speech. Silence before the first and after the last word is not part of the speech:
    /// pauses belong to the caller.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Cancelled`] soon after `cancel.cancel()`, also inside a run;
    /// [`crate::ErrorKind::NotFound`] for an unknown voice; [`crate::ErrorKind::Config`] for a
    /// speed out of range or text too long; [`crate::ErrorKind::Inference`] if the engine fails.
    fn speak(&self, text: &str, options: &SpeakOptions, cancel: &Cancel) -> Result<Speech, Error>;

    /// As [`Tts::speak`], giving the audio in pieces, on the caller's thread, as they are made: so that the
    /// first can be played while the next is computed. `cancel` ends it between pieces and inside one; what
    /// was given before an error is good speech. A voice that makes clauses whole gives one piece.
    ///
    /// # Errors
    /// As [`Tts::speak`].
    fn speak_in_pieces(
        &self,
        text: &str,
        options: &SpeakOptions,
        cancel: &Cancel,
        give: &mut dyn FnMut(Piece),
    ) -> Result<(), Error> {
        let Speech { samples, marks } = self.speak(text, options, cancel)?;
        give(Piece { samples, marks, last: true });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_is_never_sized_out_of_range() {
        let cost =
            |fixed_ms, ms_per_phoneme| TtsCost { fixed_ms, ms_per_phoneme, audio_ms_per_phoneme: 70.0 };
        for cost in
            [cost(1e9, 1.0), cost(0.0, 0.0), cost(f32::NAN, 1.0), cost(0.0, f32::INFINITY), cost(-5.0, 1e-9)]
        {
            for target in [Duration::ZERO, Duration::from_millis(300), Duration::MAX] {
                assert!((6..=200).contains(&cost.first_clause_phonemes(target)), "{cost:?}");
            }
            let _ = (cost.synthesis(usize::MAX), cost.audio(usize::MAX));
        }
    }
}
