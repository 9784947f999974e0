//! Where each word lies in a clause's audio.
//!
//! With the model's durations the marks are the model's own alignment, exact to a frame. Without
//! them they are an **estimate**: the voiced extent is shared out by typical lengths of phonemes.
//! Invariant: marks are in order, do not overlap, lie within the audio, and every word has one (an
//! empty one if the voice knows none of its symbols). Words spoken from the same text ("42") share
//! one mark.

use std::ops::Range;

use super::WordMark;
use crate::text::TokenMark;

/// For each token the sample at which it starts, and at the end the number of samples.
pub(super) type Starts = Vec<usize>;

/// Token starts out of the model's `durations` (frames of any length) and the number of samples.
///
/// `None` if they do not fit each other: another number of tokens, a negative duration, or none at all.
pub(super) fn starts_from_durations(durations: &[i64], tokens: usize, samples: usize) -> Option<Starts> {
    let frames = durations.iter().try_fold(0u64, |sum, d| sum.checked_add(u64::try_from(*d).ok()?))?;
    if durations.len() != tokens || frames == 0 || frames > samples as u64 {
        return None;
    }
    let mut frame = 0u64;
    let mut starts: Starts = Vec::with_capacity(tokens + 1);
    for duration in durations {
        starts.push((frame * samples as u64 / frames) as usize);
        frame += *duration as u64;
    }
    starts.push(samples);
    Some(starts)
}

/// Estimated token starts: the tokens of `words` fill `voiced`, each as long as its kind usually is.
pub(super) fn estimated_starts(
    ids: &[i64],
    words: &Range<usize>,
    voiced: &Range<usize>,
    lengths: &Lengths,
) -> Starts {
    let spoken = &ids[words.clone()];
    let total: f32 = spoken.iter().map(|id| lengths.of(*id)).sum();
    let scale = voiced.len() as f32 / total.max(f32::MIN_POSITIVE);
    let mut starts = vec![voiced.start; words.start];
    let mut at = 0.0;
    for id in spoken {
        starts.push(voiced.start + ((at * scale) as usize).min(voiced.len()));
        at += lengths.of(*id);
    }
    starts.resize(ids.len() + 1, voiced.end);
    starts
}

/// The marks of `words` in audio of which the samples `kept` were kept.
pub(super) fn marks(words: &[TokenMark], starts: &[usize], kept: &Range<usize>) -> Vec<WordMark> {
    let mut marks: Vec<WordMark> = Vec::with_capacity(words.len());
    let mut done = 0;
    for word in words {
        let place = |token: usize| starts[token].clamp(kept.start, kept.end) - kept.start;
        let start = place(word.tokens.start).max(done);
        let end = place(word.tokens.end).max(start);
        done = end;
        push(&mut marks, WordMark { source: word.source.clone(), samples: start..end });
    }
    marks
}

/// Appends a mark, or lengthens the last one if it was spoken from the same text.
pub(super) fn push(marks: &mut Vec<WordMark>, mark: WordMark) {
    match marks.last_mut() {
        Some(last) if last.source == mark.source => last.samples.end = mark.samples.end,
        _ => marks.push(mark),
    }
}

/// Typical lengths of a voice's tokens, in units of a consonant.
///
/// Coarse classes, chosen by hand (vowels are about half again as long as consonants, stress marks
/// take no time of their own); they only spread an extent that is itself measured.
#[derive(Debug)]
pub(super) struct Lengths {
    by_id: Vec<(i64, f32)>,
}

impl Lengths {
    /// The lengths of the symbols that have an id in a voice's table.
    pub(super) fn new(id: impl Fn(char) -> Option<i64>) -> Self {
        let classes = [
            ("ˈˌ", 0.1),
            ("ːʲʰ", 0.5),
            (" \"“”()", 0.3),
            (",;:—", 3.0),
            (".!?…", 4.0),
            ("AIOQWYaeiouæɐɑɒɔəɚɛɜɪʊʌᵊᵻɨʉøœɯɤyɵ", 1.5),
        ];
        let entry = |symbol: char, length: f32| id(symbol).map(|id| (id, length));
        let by_id = classes
            .iter()
            .flat_map(|(symbols, length)| symbols.chars().filter_map(move |s| entry(s, *length)))
            .collect();
        Self { by_id }
    }

    /// Gives the symbol `id`, which is no phoneme, a length of its own.
    pub(super) fn with(mut self, id: i64, length: f32) -> Self {
        self.by_id.push((id, length));
        self
    }

    fn of(&self, id: i64) -> f32 {
        self.by_id.iter().find(|(known, _)| *known == id).map_or(1.0, |(_, length)| *length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Phonemes, Vocabulary};

    fn word(source: Range<usize>, tokens: Range<usize>) -> TokenMark {
        TokenMark { source, tokens }
    }

    #[test]
    fn frames_of_any_length_end_with_the_audio() {
        assert_eq!(starts_from_durations(&[2, 3, 0, 5], 4, 6000).unwrap(), [0, 1200, 3000, 3000, 6000]);
        assert_eq!(starts_from_durations(&[1, 1, 1], 3, 1000).unwrap(), [0, 333, 666, 1000]);
    }

    #[test]
    fn durations_that_do_not_fit_are_not_believed() {
        for (durations, tokens, samples) in [
            (&[1, 1][..], 3, 600),
            (&[1, -1, 5], 3, 600),
            (&[0, 0], 2, 600),
            (&[i64::MAX, i64::MAX], 2, 600),
            (&[9, 9], 2, 3),
        ] {
            assert_eq!(starts_from_durations(durations, tokens, samples), None);
        }
    }

    #[test]
    fn a_word_in_the_trimmed_part_does_not_push_marks_out_of_order() {
        let starts = [0, 100, 200, 300, 400, 500];
        let words = [word(0..1, 1..2), word(2..3, 2..3), word(4..5, 4..5)];
        let marks = marks(&words, &starts, &(210..450));
        let samples: Vec<_> = marks.iter().map(|m| m.samples.clone()).collect();
        assert_eq!(samples, [0..0, 0..90, 190..240]);
    }

    #[test]
    fn words_spoken_from_one_number_share_a_mark() {
        let starts = [0, 100, 200, 300, 400, 500];
        let words = [word(0..2, 1..2), word(0..2, 3..4), word(3..8, 4..5)];
        let marks = marks(&words, &starts, &(0..500));
        assert_eq!(marks[0], WordMark { source: 0..2, samples: 100..400 });
        assert_eq!(marks.len(), 2);
    }

    #[test]
    fn an_estimate_gives_a_longer_word_more_time() {
        let vocabulary = Vocabulary::kokoro();
        let mut phonemes = Phonemes::default();
        phonemes.push_word("", "ə", "", 0..1);
        phonemes.push_word("", "bjˈuTəfᵊl", ",", 2..11);
        phonemes.push_word("", "dˈA", ".", 12..15);
        let tokens = vocabulary.encode(&phonemes);
        let span = tokens.words[0].tokens.start..tokens.words[2].tokens.end;
        let starts =
            estimated_starts(&tokens.ids, &span, &(500..24_500), &Lengths::new(|c| vocabulary.id(c)));
        let marks = marks(&tokens.words, &starts, &(500..24_500));
        assert_eq!((marks[0].samples.start, marks[2].samples.end), (0, 24_000));
        assert!(marks[1].samples.len() > 4 * marks[0].samples.len());
        assert!(marks[2].samples.start - marks[1].samples.end > 2000, "no pause at the comma");
    }
}
