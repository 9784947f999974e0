//! Sound of the caller's own on its way into the playback ring: a [`Clip`], resampled a step at a
//! time, and where the words lie that it is said to speak.
//!
//! Invariant: the steps together are as long as the clip at the playback rate; a word is told of no
//! later than with the step in which it begins.
//!
//! Life cycle: [`Player::new`] where the clip is ordered (it allocates) → [`Player::text`] →
//! [`Player::step`] on the mouth's thread until it says that nothing is left.

use crate::Error;
use crate::clip::Clip;
use crate::conversation::SpokenWord;
use crate::resample::Resampler;

/// How long a step is, as a part of a second.
const STEP: usize = 10;

/// Plays one clip.
pub(crate) struct Player {
    clip: Clip,
    resampler: Resampler,
    taken: usize,
    made: u64,
    flushed: bool,
    text: String,
    /// Bytes of the text whose words were told of.
    told: usize,
}

impl Player {
    /// A player of `clip` into a ring at `rate` Hz.
    ///
    /// # Errors
    /// As [`Resampler::new`].
    pub fn new(clip: Clip, rate: u32) -> Result<Self, Error> {
        let resampler = Resampler::new(clip.rate(), rate)?;
        let text = String::new();
        Ok(Self { clip, resampler, taken: 0, made: 0, flushed: false, text, told: 0 })
    }

    /// Adds to what the clip is said to speak.
    pub fn text(&mut self, delta: &str) {
        self.text.push_str(delta);
    }

    /// Appends the next samples to `out` and returns the words that begin in them; `None` once nothing
    /// is left.
    pub fn step(&mut self, out: &mut Vec<f32>) -> Option<Vec<SpokenWord>> {
        if self.flushed {
            return None;
        }
        let before = out.len();
        let samples = self.clip.samples();
        let to = samples.len().min(self.taken + self.clip.rate() as usize / STEP);
        self.resampler.process(&samples[self.taken..to], &mut |made| out.extend_from_slice(made));
        self.taken = to;
        if to == samples.len() {
            self.flushed = true;
            self.resampler.flush(&mut |made| out.extend_from_slice(made));
        }
        self.made += (out.len() - before) as u64;
        Some(self.words())
    }

    /// The words, spread evenly over the clip, that begin in what was made and were not told of.
    fn words(&mut self) -> Vec<SpokenWord> {
        let mut words = Vec::new();
        while let Some(word) = next_word(&self.text, self.told) {
            let samples = self.place(word.start)..self.place(word.end);
            if samples.start >= self.made && !self.flushed {
                break;
            }
            self.told = word.end;
            words.push(SpokenWord { source: word.start as u64..word.end as u64, samples });
        }
        words
    }

    /// The sample at which byte `at` of the text is said.
    fn place(&self, at: usize) -> u64 {
        let (from, to) = (u128::from(self.resampler.from()), u128::from(self.resampler.to()));
        let total = self.clip.samples().len() as u128 * to / from;
        u64::try_from(total * at as u128 / self.text.trim_end().len().max(1) as u128).unwrap_or(u64::MAX)
    }
}

/// Where the first word after byte `from` lies.
fn next_word(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let rest = &text[from..];
    let start = from + rest.find(|c: char| !c.is_whitespace())?;
    let length = text[start..].find(char::is_whitespace).unwrap_or(text.len() - start);
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_sample_and_no_word_is_lost(
            length in 0usize..40_000,
            rates in (prop::sample::select(vec![8_000u32, 16_000, 22_050, 48_000]),
                      prop::sample::select(vec![16_000u32, 24_000, 44_100, 48_000])),
            words in prop::collection::vec("[a-zż]{1,9}", 0..20),
        ) {
            let (from, to) = rates;
            let text = words.join("  ");
            let mut player = Player::new(Clip::new(vec![0.1; length], from).unwrap(), to).unwrap();
            player.text(&text);
            let (mut out, mut marks) = (Vec::new(), Vec::new());
            while let Some(mut told) = player.step(&mut out) {
                marks.append(&mut told);
            }
            prop_assert_eq!(out.len() as u64, (length as u64 * u64::from(to)).div_ceil(u64::from(from)));
            let told: Vec<_> =
                marks.iter().map(|m| &text[m.source.start as usize..m.source.end as usize]).collect();
            prop_assert_eq!(told, words.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(marks.windows(2).all(|pair| pair[0].samples.end <= pair[1].samples.start));
            prop_assert!(marks.iter().all(|m| m.samples.end <= out.len() as u64));
        }
    }
}
