//! Tokens to words.
//!
//! A recogniser writes tokens; those that begin a word carry `▁` (sherpa-onnx shows it as a space).
//! Invariant: words are in order, their spans are sorted, do not overlap, and end within what was heard;
//! no token that stands for an unknown word reaches the text.

use std::path::Path;

use duologue_fetch::plain;

use super::{SAMPLE_RATE, Transcript, Word};
use crate::{Error, ErrorKind};

/// What a token's last word takes at least: one step of common models, 40 ms.
const STEP: u64 = SAMPLE_RATE as u64 / 25;

/// How a model writes, found out from its `tokens.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// It writes capitals only, so the text is put into lower case.
    capitals: bool,
}

impl Style {
    /// Reads a `tokens.txt`.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = plain::read_text(path, plain::MODEL_TEXT)
            .map_err(|e| Error::new(ErrorKind::Io, format!("cannot read {}: {e}", path.display())))?;
        Ok(Self::of(&text))
    }

    pub(super) fn of(tokens: &str) -> Self {
        let names = tokens.lines().filter_map(|line| line.split_whitespace().next());
        let lower =
            names.filter(|name| !name.starts_with('<')).any(|name| name.chars().any(char::is_lowercase));
        Self { capitals: !lower }
    }

    /// Whether a token (without its mark) stands for a word the model does not know. A model that
    /// writes capitals may have a piece `UNK` of a real word.
    fn is_unknown(self, token: &str) -> bool {
        matches!(token, "<unk>" | "<UNK>" | "[unk]" | "[UNK]") || token == "UNK" && !self.capitals
    }

    /// `text` in the case that the tokens have.
    pub(super) fn as_tokens(self, text: &str) -> String {
        if self.capitals { text.to_uppercase() } else { text.into() }
    }

    fn write(self, text: &str) -> String {
        if self.capitals { text.to_lowercase() } else { text.into() }
    }
}

/// A word as it is put together.
struct Open {
    text: String,
    first: usize,
    last: usize,
}

/// The transcript of `tokens`, written at `timestamps` (seconds since the start, or none), of which
/// `heard` samples were heard. `text` is the engine's own, for models whose tokens don't mark words.
pub(super) fn transcript(
    style: Style,
    tokens: &[String],
    timestamps: &[f32],
    text: &str,
    heard: u64,
) -> Transcript {
    let marked = tokens.iter().any(|token| starts_word(token).is_some());
    let bytes = tokens.iter().any(|token| token.trim_start().starts_with("<0x"));
    if !marked && tokens.len() > 1 || bytes || tokens.is_empty() {
        return unmarked(style, text);
    }
    let (words, unknown) = join(style, tokens);
    let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let text = text.join(" ");
    let words = if timestamps.len() == tokens.len() { place(words, timestamps, heard) } else { Vec::new() };
    Transcript { text, words, unknown }
}

/// A text whose words cannot be told apart by the tokens.
fn unmarked(style: Style, text: &str) -> Transcript {
    let is_unknown = |word: &&str| style.is_unknown(word);
    let unknown = text.split_whitespace().filter(is_unknown).count();
    let words: Vec<&str> = text.split_whitespace().filter(|word| !style.is_unknown(word)).collect();
    Transcript { text: style.write(&words.join(" ")), words: Vec::new(), unknown }
}

fn join(style: Style, tokens: &[String]) -> (Vec<Open>, usize) {
    let mut words: Vec<Open> = Vec::new();
    let (mut unknown, mut begin) = (0, true);
    for (i, token) in tokens.iter().enumerate() {
        let piece = starts_word(token);
        begin |= piece.is_some();
        let piece = piece.unwrap_or(token);
        if style.is_unknown(piece) {
            unknown += 1;
            begin = true;
            continue;
        }
        if piece.is_empty() {
            continue;
        }
        let piece = style.write(piece);
        match words.last_mut().filter(|_| !begin) {
            Some(word) => (word.text.push_str(&piece), word.last = i).1,
            None => words.push(Open { text: piece, first: i, last: i }),
        }
        begin = false;
    }
    (words, unknown)
}

/// The rest of a token that begins a word.
fn starts_word(token: &str) -> Option<&str> {
    token.strip_prefix(['▁', ' '])
}

fn place(words: Vec<Open>, timestamps: &[f32], heard: u64) -> Vec<Word> {
    let at = |i: usize| ((timestamps[i].max(0.0) * SAMPLE_RATE as f32) as u64).min(heard);
    let mut placed: Vec<Word> = Vec::with_capacity(words.len());
    let mut floor = 0;
    for word in words {
        let start = at(word.first).max(floor);
        if let Some(previous) = placed.last_mut() {
            previous.span.end = previous.span.end.min(start);
        }
        let end = (at(word.last) + STEP).min(heard).max(start);
        floor = start;
        placed.push(Word { text: word.text, span: start..end });
    }
    placed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOWER: Style = Style { capitals: false };
    const CAPITALS: Style = Style { capitals: true };

    fn of(style: Style, tokens: &[&str], times: &[f32]) -> Transcript {
        let tokens: Vec<String> = tokens.iter().map(|t| (*t).to_owned()).collect();
        transcript(style, &tokens, times, &tokens.concat(), 160_000)
    }

    #[test]
    fn pieces_do_not_stay_apart() {
        let found = of(CAPITALS, &[" AND", " SO", " MY", " FELL", "OW", " A", "MER", "IC", "ANS"], &[]);
        assert_eq!(found.text, "and so my fellow americans");
        assert!(found.words.is_empty());
    }

    #[test]
    fn unknown_words_are_not_written() {
        let found = of(LOWER, &["▁UNK", "▁stop", "▁UNK", "▁UNK", "▁please"], &[0.1, 0.5, 0.9, 1.0, 1.5]);
        assert_eq!((found.text.as_str(), found.unknown), ("stop please", 3));
        assert_eq!(found.words[0].span, 8_000..8_640);
        assert_eq!(of(CAPITALS, &[" <unk>", " A"], &[]).text, "a");
        assert!(of(LOWER, &["▁UNK"], &[0.1]).is_empty());
    }

    #[test]
    fn a_real_piece_is_not_taken_for_unknown() {
        assert_eq!(of(CAPITALS, &[" CH", "UNK"], &[]).text, "chunk");
        assert_eq!(of(CAPITALS, &[" F", "UNK"], &[]).unknown, 0);
    }

    #[test]
    fn a_piece_after_an_unknown_word_does_not_join_the_one_before() {
        assert_eq!(of(LOWER, &["▁go", "▁UNK", "ing"], &[]).text, "go ing");
    }

    #[test]
    fn words_do_not_overlap_or_outlast_the_audio() {
        let found = of(LOWER, &["▁a", "▁b", "c", "▁d"], &[0.10, 0.11, 0.5, 9.999]);
        let spans: Vec<_> = found.words.iter().map(|w| w.span.clone()).collect();
        assert_eq!(spans, [1_600..1_760, 1_760..8_640, 159_984..160_000]);
    }

    #[test]
    fn a_style_is_not_guessed_from_special_tokens() {
        assert_eq!(Style::of("<blk> 0\n<sos/eos> 1\n▁THE 2\nS 3"), CAPITALS);
        assert_eq!(Style::of("▁yes 0\n▁UNK 1\n<blk> 2"), LOWER);
        assert_eq!(Style::of("▁Yes 0\n▁no 1"), LOWER);
    }

    #[test]
    fn text_without_marks_is_not_lost() {
        let tokens = ["你".to_owned(), "好".to_owned()];
        assert_eq!(transcript(LOWER, &tokens, &[0.0, 0.1], "你好", 16_000).text, "你好");
        assert_eq!(transcript(CAPITALS, &[], &[], "HELLO", 16_000).text, "hello");
        assert_eq!(of(LOWER, &["yes"], &[0.1]).words.len(), 1);
    }

    proptest! {
        #[test]
        fn no_tokens_break_the_order(
            tokens in prop::collection::vec("(▁| |)(UNK|<unk>|[a-zA-Z<>]{0,4})", 0..20),
            times in prop::collection::vec(-1.0f32..20.0, 0..20),
            heard in 0u64..200_000,
        ) {
            let found = transcript(LOWER, &tokens, &times, "x", heard);
            let mut floor = 0;
            for word in &found.words {
                prop_assert!(word.span.start >= floor && word.span.start <= word.span.end && word.span.end <= heard);
                prop_assert!(!word.text.is_empty());
                floor = word.span.end;
            }
        }
    }
}
