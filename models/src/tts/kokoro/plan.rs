//! From a clause's tokens to the model runs that say it.
//!
//! Invariant: every run has at least [`MIN_PHONEMES`] and at most [`MAX_PHONEMES`] phonemes, so that the
//! graph's limit of 510 is out of reach whatever the text. A clause that is too long is cut
//! between words (inside one only if that word alone is too long); one that is too short is
//! followed by full stops, whose sound is trimmed again.

use std::ops::Range;

use crate::text::{TokenMark, Tokens};

/// Shorter runs make Kokoro mumble or add noise (hexgrad/kokoro issue threads, Kokoros 21).
pub const MIN_PHONEMES: usize = 6;

/// Longer runs fade and hurry at their end, cost 39 MB a second of audio while they run, and are slower to
/// cancel; the graph itself takes 510.
pub const MAX_PHONEMES: usize = 200;

/// One run of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Token ids with the pad 0 at both ends.
    pub(super) ids: Vec<i64>,
    /// The words of this run; `tokens` are indices of `ids`.
    pub(super) words: Vec<TokenMark>,
}

impl Run {
    /// Number of tokens without the pads: which row of the style belongs to it.
    pub(super) fn phonemes(&self) -> usize {
        self.ids.len() - 2
    }

    /// From the first word's first token to the last word's last; empty if no word has a sound.
    pub(super) fn spoken(&self) -> Range<usize> {
        let mut sounding = self.words.iter().filter(|w| !w.tokens.is_empty());
        let Some(first) = sounding.next() else { return 1..1 };
        let last = sounding.next_back().unwrap_or(first);
        first.tokens.start..last.tokens.end
    }
}

/// The runs that say `tokens`; none if there is nothing to say. `stop` is the id of the full stop.
pub(super) fn runs(tokens: &Tokens, stop: Option<i64>) -> Vec<Run> {
    let end = tokens.ids.len().saturating_sub(1);
    let mut runs = Vec::new();
    let mut start = 1;
    while start < end {
        let cut = next_cut(tokens, start, end);
        let run = run(tokens, start..cut, stop);
        if !run.spoken().is_empty() {
            runs.push(run);
        }
        start = cut;
    }
    runs
}

/// Where the run that begins at `start` ends: before a word, if there is one to cut before.
fn next_cut(tokens: &Tokens, start: usize, end: usize) -> usize {
    let left = end - start;
    if left <= MAX_PHONEMES {
        return end;
    }
    // Runs of about the same length: 210 phonemes make two of 105, not 200 and a stump.
    let aim = left.div_ceil(left.div_ceil(MAX_PHONEMES)) + 15;
    let latest = start + aim.min(MAX_PHONEMES);
    let words = tokens.words.iter().map(|w| w.tokens.start);
    words.filter(|at| (start + 1..=latest).contains(at)).max().unwrap_or(latest)
}

fn run(tokens: &Tokens, part: Range<usize>, stop: Option<i64>) -> Run {
    let mut ids = vec![0];
    ids.extend(&tokens.ids[part.clone()]);
    if let Some(stop) = stop {
        let short = MIN_PHONEMES.saturating_sub(part.len());
        ids.extend(std::iter::repeat_n(stop, short));
    }
    ids.push(0);
    let inside = |at: usize| at.clamp(part.start, part.end) - part.start + 1;
    let last = part.end + 1 == tokens.ids.len();
    let words = tokens
        .words
        .iter()
        .filter(|w| w.tokens.end > part.start || w.tokens.start >= part.start)
        .filter(|w| w.tokens.start < part.end || last)
        .map(|w| TokenMark { source: w.source.clone(), tokens: inside(w.tokens.start)..inside(w.tokens.end) })
        .collect();
    Run { ids, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of these lengths, each followed by a space (id 16).
    fn tokens(lengths: &[usize]) -> Tokens {
        let mut tokens = Tokens { ids: vec![0], ..Tokens::default() };
        for (i, length) in lengths.iter().enumerate() {
            let start = tokens.ids.len();
            tokens.ids.extend(std::iter::repeat_n(50, *length));
            tokens.words.push(TokenMark { source: i..i + 1, tokens: start..tokens.ids.len() });
            tokens.ids.push(16);
        }
        tokens.ids.push(0);
        tokens
    }

    #[test]
    fn no_run_reaches_the_graphs_limit() {
        for lengths in [vec![5; 34], vec![5; 500], vec![1; 2000], vec![700], vec![199, 3, 450, 1], vec![201]]
        {
            let tokens = tokens(&lengths);
            let runs = runs(&tokens, Some(4));
            assert!(
                runs.iter().all(|r| (MIN_PHONEMES..=MAX_PHONEMES).contains(&r.phonemes())),
                "{lengths:?}"
            );
            assert!(runs.iter().all(|r| r.ids[0] == 0 && *r.ids.last().unwrap() == 0));
            let said: usize = runs.iter().flat_map(|r| &r.words).map(|w| w.tokens.len()).sum();
            assert_eq!(said, lengths.iter().sum::<usize>(), "a phoneme was lost or said twice");
            let mut words: Vec<_> = runs.iter().flat_map(|r| &r.words).map(|w| w.source.start).collect();
            words.dedup();
            assert_eq!(words, (0..lengths.len()).collect::<Vec<_>>(), "a word was lost");
            for word in runs.iter().flat_map(|r| r.words.iter().map(move |w| &r.ids[w.tokens.clone()])) {
                assert!(word.iter().all(|id| *id == 50), "a mark slipped");
            }
        }
    }

    #[test]
    fn a_long_clause_is_cut_between_words_and_evenly() {
        let runs = runs(&tokens(&[5; 40]), Some(4));
        assert_eq!(runs.len(), 2);
        assert!(runs.iter().all(|r| r.phonemes() % 6 == 0 && r.phonemes() >= 108));
    }

    #[test]
    fn a_very_short_clause_is_followed_by_stops() {
        let runs = runs(&tokens(&[2]), Some(4));
        assert_eq!(runs[0].ids, [0, 50, 50, 16, 4, 4, 4, 0]);
        assert_eq!(runs[0].words[0].tokens, 1..3);
        assert_eq!(runs[0].spoken(), 1..3);
    }

    #[test]
    fn punctuation_alone_is_not_spoken() {
        assert!(runs(&Tokens::default(), Some(4)).is_empty());
        let dots = Tokens { ids: [0].into_iter().chain([4; 1000]).chain([0]).collect(), ..Tokens::default() };
        assert!(runs(&dots, Some(4)).is_empty());
        let mut mute = tokens(&[0, 0]);
        mute.dropped = 2;
        assert!(runs(&mute, Some(4)).is_empty());
    }

    #[test]
    fn a_word_without_known_symbols_keeps_its_mark() {
        let runs = runs(&tokens(&[3, 0, 3]), Some(4));
        assert_eq!(runs[0].words.len(), 3);
        assert!(runs[0].words[1].tokens.is_empty());
        let mut at_the_end = tokens(&[3]);
        at_the_end.words.push(TokenMark { source: 4..5, tokens: 5..5 });
        assert_eq!(super::runs(&at_the_end, Some(4))[0].words.len(), 2);
    }
}
