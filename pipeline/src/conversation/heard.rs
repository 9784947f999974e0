//! What the user has heard of a text: [`Script`] maps played samples to a prefix of the text.
//!
//! Invariant: the heard text is a prefix of the text, it never shrinks as more samples are played, and it ends at a word's
//! end. A word counts as heard once its midpoint was played; punctuation that follows it comes along.
//!
//! Life cycle: text is pushed as the agent gives it, marks as the mouth synthesizes it; both only grow.
//!
//! ```
//! use duologue_pipeline::conversation::{Script, SpokenWord};
//!
//! let mut script = Script::default();
//! script.push_text("Good morning, Ada.");
//! script.mark(&SpokenWord { source: 0..4, samples: 0..4_800 });
//! script.mark(&SpokenWord { source: 5..12, samples: 4_800..12_000 });
//! assert_eq!(script.heard(0), "");
//! assert_eq!(script.heard(9_000), "Good morning,");
//! ```

use super::SpokenWord;

/// The text of one agent turn and where its words lie in what is played.
#[derive(Clone, Debug, Default)]
pub struct Script {
    text: String,
    marks: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    end: usize,
    midpoint: u64,
}

impl Script {
    /// Appends text.
    pub fn push_text(&mut self, delta: &str) {
        self.text.push_str(delta);
    }

    /// All the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes in where a word lies. `false`: it lies outside the text or before an earlier word, and was dropped.
    pub fn mark(&mut self, word: &SpokenWord) -> bool {
        let last = self.marks.last().copied();
        let Some((start, end)) = self.span(word) else { return false };
        if last.is_some_and(|last| end <= last.end) {
            return false;
        }
        let span = word.samples.end.saturating_sub(word.samples.start);
        let midpoint = word.samples.start.saturating_add(span.div_ceil(2));
        let floor = last.map_or(0, |last| last.midpoint);
        self.marks.push(Place { start, end, midpoint: midpoint.max(floor) });
        true
    }

    /// The word's bytes, if they are some of the text's and split no character.
    fn span(&self, word: &SpokenWord) -> Option<(usize, usize)> {
        let start = usize::try_from(word.source.start).ok()?;
        let end = usize::try_from(word.source.end).ok()?;
        self.text.get(start..end).filter(|bytes| !bytes.is_empty())?;
        Some((start, end))
    }

    /// The prefix of the text heard when `played` samples of the epoch were played.
    pub fn heard(&self, played: u64) -> &str {
        let count = self.marks.partition_point(|mark| mark.midpoint <= played);
        let Some(last) = count.checked_sub(1) else { return "" };
        &self.text[..self.close(last)]
    }

    /// The words whose midpoint lies in `from..=to`, with the punctuation after them.
    pub(super) fn words_between(&self, from: u64, to: u64) -> impl Iterator<Item = &str> {
        let first = self.marks.partition_point(|mark| mark.midpoint < from);
        let past = self.marks.partition_point(|mark| mark.midpoint <= to);
        (first..past)
            .map(|index| &self.text[self.marks[index].start.min(self.close(index))..self.close(index)])
    }

    /// The end of a word with the punctuation that follows it. It depends on no later mark, so that it never shrinks.
    fn close(&self, index: usize) -> usize {
        let end = self.marks[index].end;
        let rest = &self.text[end..];
        let punctuation = rest.find(|c: char| c.is_alphanumeric() || c.is_whitespace()).unwrap_or(rest.len());
        end + punctuation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(source: std::ops::Range<u64>, samples: std::ops::Range<u64>) -> SpokenWord {
        SpokenWord { source, samples }
    }

    #[test]
    fn word_is_not_heard_before_its_midpoint() {
        let mut script = Script::default();
        script.push_text("one two");
        assert!(script.mark(&word(0..3, 0..100)));
        assert!(script.mark(&word(4..7, 100..200)));
        assert_eq!(script.heard(49), "");
        assert_eq!(script.heard(50), "one");
        assert_eq!(script.heard(149), "one");
        assert_eq!(script.heard(150), "one two");
    }

    #[test]
    fn bad_marks_do_not_panic_or_shrink_what_was_heard() {
        let mut script = Script::default();
        script.push_text("żółw idzie");
        assert!(!script.mark(&word(1..3, 0..10)), "splits a character");
        assert!(!script.mark(&word(0..99, 0..10)), "past the end");
        let backwards = SpokenWord { source: std::ops::Range { start: 5, end: 2 }, samples: 0..10 };
        assert!(!script.mark(&backwards));
        assert!(script.mark(&word(0..7, 90..110)));
        assert!(!script.mark(&word(0..7, 200..210)), "the same word twice");
        assert!(script.mark(&word(8..13, 0..2)), "sounds before the word before it: heard with it");
        assert_eq!(script.heard(99), "");
        assert_eq!(script.heard(100), "żółw idzie");
    }

    #[test]
    fn heard_text_does_not_shrink_when_punctuation_gets_its_own_mark() {
        let mut script = Script::default();
        script.push_text("……");
        script.mark(&word(0..3, 0..10));
        let before = script.heard(10).to_owned();
        script.mark(&word(3..6, 10..20));
        assert_eq!(script.heard(10), before);
    }

    #[test]
    fn punctuation_is_not_left_behind() {
        let mut script = Script::default();
        script.push_text("Really?! (Yes.) don't");
        script.mark(&word(0..6, 0..10));
        script.mark(&word(10..13, 10..20));
        script.mark(&word(16..19, 20..30));
        assert_eq!(script.heard(5), "Really?!");
        assert_eq!(script.heard(15), "Really?! (Yes.)");
        assert_eq!(script.words_between(6, 15).collect::<Vec<_>>(), ["Yes.)"]);
    }
}
