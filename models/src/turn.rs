//! End-of-turn detection: the [`TurnDetector`] trait, and one that looks at the last words.

use crate::Error;

/// What is known when the user falls silent.
#[derive(Clone, Copy, Debug)]
pub struct TurnContext<'a> {
    /// What was recognised of this turn so far.
    pub transcript: &'a str,
    /// The latest audio of the turn (mono, 16 kHz), at most 8 s.
    pub audio: &'a [f32],
}

/// Estimates whether the user has finished their turn.
pub trait TurnDetector: Send {
    /// The probability, in `0.0..=1.0`, that the turn is complete.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Inference`] if the model fails; the caller then waits the longest time.
    fn predict(&mut self, context: TurnContext<'_>) -> Result<f32, Error>;
}

/// Judges by the last words alone, in English: the default where no turn model is loaded.
///
/// It knows words that announce more ("and", "um", "the", "want to"), answers that are complete
/// ("yes", "thank you"), and questions. It does not hear the voice, so a sentence
/// that is grammatical but goes on ("I went to the market … yesterday") is taken as complete. Its
/// probabilities are an ordering of these cases by hand, not measured frequencies: map
/// them to waiting times, don't read them as odds.
///
/// ```
/// use duologue_models::turn::{LastWords, TurnContext, TurnDetector};
///
/// let mut detector = LastWords;
/// let mut at = |transcript| detector.predict(TurnContext { transcript, audio: &[] }).unwrap();
/// assert!(at("what time is it") > 0.8);
/// assert!(at("what time is it in") < 0.6);
/// assert!(at("i would like a table and") < 0.2);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LastWords;

/// The speaker is looking for words.
const FILLERS: &[&str] = &["um", "uh", "uhm", "er", "erm", "hmm", "hm", "mm", "like", "well", "umm", "eh"];
/// No English sentence ends on these.
const DANGLING: &[&str] = &[
    "a", "an", "the", "and", "or", "but", "because", "if", "whether", "although", "unless", "until", "while",
    "than", "my", "your", "our", "their", "every", "i", "i'm", "i'd", "i'll", "i've", "we're", "they're",
    "you're", "he's", "she's", "it's", "there's", "that's", "what's", "let's", "gonna", "wanna", "from",
    "of", "into", "between", "very", "really", "also", "maybe", "am", "mister", "mr", "mrs", "doctor",
];
/// Statements rarely end on these; questions may ("what are you waiting for").
const USUALLY_DANGLING: &[&str] = &[
    "to", "in", "on", "at", "for", "with", "by", "about", "as", "is", "are", "was", "were", "be", "been",
    "have", "has", "had", "would", "could", "should", "will", "can", "may", "might", "must", "do", "does",
    "did", "when", "where", "which", "who", "how", "what", "why", "his", "her", "its", "so", "then", "get",
    "want", "need", "this", "these", "some", "any", "no",
];
/// Ends of two words that announce more.
const OPEN_PAIRS: &[(&str, &str)] = &[
    ("i", "mean"),
    ("you", "know"),
    ("let", "me"),
    ("me", "see"),
    ("for", "example"),
    ("such", "as"),
    ("kind", "of"),
    ("sort", "of"),
    ("i", "think"),
    ("i", "guess"),
    ("i", "want"),
    ("i", "need"),
];
/// Ends of two words that complete a sentence although their last word usually dangles.
const CLOSED_PAIRS: &[(&str, &str)] = &[
    ("think", "so"),
    ("hope", "so"),
    ("it", "is"),
    ("there", "is"),
    ("i", "do"),
    ("i", "have"),
    ("i", "can"),
    ("i", "did"),
    ("we", "do"),
    ("we", "are"),
    ("you", "are"),
    ("they", "are"),
    ("it", "was"),
    ("i", "was"),
    ("i", "will"),
    ("like", "this"),
    ("do", "this"),
    ("do", "it"),
    ("about", "this"),
    ("or", "no"),
    ("that", "is"),
    ("log", "in"),
    ("turn", "on"),
    ("go", "on"),
    ("come", "on"),
    ("come", "in"),
];
/// Complete by themselves.
const ANSWERS: &[&str] = &[
    "yes",
    "no",
    "yeah",
    "yep",
    "nope",
    "ok",
    "okay",
    "sure",
    "right",
    "correct",
    "exactly",
    "stop",
    "cancel",
    "thanks",
    "thank you",
    "hello",
    "hi",
    "goodbye",
    "bye",
    "please",
    "go ahead",
    "never mind",
    "that's it",
    "that's all",
    "of course",
    "no thanks",
    "no thank you",
    "yes please",
    "i don't know",
    "not really",
    "go on",
];
const DIGITS: &[&str] =
    &["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double"];
const QUESTIONS: &[&str] = &[
    "what", "who", "when", "where", "why", "how", "which", "whose", "is", "are", "do", "does", "did", "can",
    "could", "will", "would", "should", "may", "what's", "who's", "where's", "how's", "isn't", "aren't",
    "don't", "doesn't", "can't",
];

impl TurnDetector for LastWords {
    fn predict(&mut self, context: TurnContext<'_>) -> Result<f32, Error> {
        Ok(judge(context.transcript))
    }
}

fn judge(transcript: &str) -> f32 {
    let lower = transcript.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let Some(&last) = words.last() else { return 0.5 };
    if let Some(by_mark) = judge_mark(&lower) {
        return by_mark;
    }
    if ANSWERS.contains(&words.join(" ").as_str()) {
        return 0.9;
    }
    if FILLERS.contains(&last) {
        return 0.05;
    }
    let pair = words.len().checked_sub(2).map(|i| (words[i], last));
    if pair.is_some_and(|pair| OPEN_PAIRS.contains(&pair)) || DANGLING.contains(&last) {
        return 0.1;
    }
    let question = words.len() > 2 && QUESTIONS.contains(&words[0]);
    if USUALLY_DANGLING.contains(&last) && !pair.is_some_and(|pair| CLOSED_PAIRS.contains(&pair)) {
        return if question { 0.5 } else { 0.15 };
    }
    if words.iter().all(|word| DIGITS.contains(word)) {
        // More digits may follow, as in a telephone number.
        return 0.4;
    }
    match words.len() {
        _ if question => 0.9,
        1 => 0.55,
        2..=3 => 0.7,
        _ => 0.8,
    }
}

/// What the last mark says, if the recogniser writes marks.
fn judge_mark(text: &str) -> Option<f32> {
    if text.ends_with("...") || text.ends_with(['…', ',', '-', '–', '—', ':', ';']) {
        return Some(0.1);
    }
    text.ends_with(['.', '?', '!']).then_some(0.95)
}

/// A word without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_who_goes_on_is_not_cut_off() {
        for text in [
            "i would like to book a table and",
            "um",
            "so the thing is um",
            "i want to",
            "turn on the",
            "because",
            "we should meet at",
            "i mean",
            "Well,",
            "My number is...",
            "there are two things i need",
        ] {
            assert!(judge(text) <= 0.2, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn a_complete_sentence_does_not_wait_long() {
        for text in [
            "yes",
            "Okay.",
            "no thank you",
            "what time is it",
            "what's the weather like today",
            "turn the lights off in the kitchen",
            "i think so",
            "can you help me with my homework?",
            "ask what you can do for your country",
        ] {
            assert!(judge(text) >= 0.7, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn doubt_is_not_certainty() {
        for text in ["", "  ", "four one five", "what are you waiting for", "blue"] {
            assert!((0.2..0.7).contains(&judge(text)), "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn odd_text_does_not_panic() {
        for text in ["'", "\u{0}", "é", "ＡＮＤ", "-", "a\u{300}", "🙂"] {
            assert!((0.0..=1.0).contains(&judge(text)), "{text:?}");
        }
        assert!((0.0..=1.0).contains(&judge(&"and ".repeat(10_000))));
    }
}
