//! Whether a turn is complete, by its last words alone.

use super::{TurnDetector, TurnStream, dictation};
use crate::Error;

/// Judges by the last words alone, in English: the default where no turn model is loaded.
///
/// It knows words that announce more ("and", "um", "the", "want to"), answers that are complete
/// ("yes", "thank you"), and questions. It does not hear the voice, so a sentence
/// that is grammatical but goes on ("I went to the market … yesterday") is taken as complete. Its
/// probabilities are an ordering of these cases by hand, not measured frequencies: map
/// them to waiting times, don't read them as odds.
///
/// ```
/// use duologue_models::{LastWords, TurnDetector};
///
/// let mut stream = LastWords.stream().unwrap();
/// let mut at = |words| stream.predict(words).unwrap();
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
/// Who says so was asked for something, and gives it next, or did.
const AGREEMENTS: &[&str] = &["sure", "certainly"];
/// The speaker asks for time.
const HOLDS: &[&str] = &[
    "hold on",
    "wait",
    "one second",
    "just a second",
    "one moment",
    "just a moment",
    "give me a moment",
    "give me a second",
    "let me check",
    "let me think",
    "let me look",
    "let me see",
    "first of all",
    "hang on",
    "what was i going to say",
    "how do i put this",
    "where was i",
];
/// Words that turn a sentence round.
const TURNS: &[&str] = &["actually", "but", "anyway", "basically", "otherwise", "however"];
const QUESTIONS: &[&str] = &[
    "what", "who", "when", "where", "why", "how", "which", "whose", "is", "are", "do", "does", "did", "can",
    "could", "will", "would", "should", "may", "what's", "who's", "where's", "how's", "isn't", "aren't",
    "don't", "doesn't", "can't",
];

impl TurnDetector for LastWords {
    fn stream(&self) -> Result<Box<dyn TurnStream>, Error> {
        Ok(Box::new(*self))
    }

    fn hears(&self) -> bool {
        false
    }
}

impl TurnStream for LastWords {
    fn predict(&mut self, words: &str) -> Result<f32, Error> {
        Ok(judge(words))
    }

    fn reset(&mut self) {}
}

fn judge(transcript: &str) -> f32 {
    let lower = transcript.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let Some(&last) = words.last() else { return 0.5 };
    let question = words.len() > 2 && QUESTIONS.contains(&words[0]);
    // Before the marks: recognisers put one at every pause.
    if let Some(dictated) = dictation::judge(&words).filter(|_| !lower.ends_with('?')) {
        return dictated;
    }
    if HOLDS.iter().any(|hold| ends_with(&words, hold)) {
        return 0.05;
    }
    if let Some(by_mark) = judge_mark(&lower) {
        return by_mark;
    }
    if AGREEMENTS.contains(&last) && words.len() == 1 {
        return 0.4;
    }
    if ANSWERS.contains(&words.join(" ").as_str()) {
        return 0.9;
    }
    if question && last == "like" {
        return 0.9;
    }
    if FILLERS.contains(&last) {
        return 0.05;
    }
    if words.len() <= 3 && TURNS.contains(&last) {
        return 0.1;
    }
    let pair = words.len().checked_sub(2).map(|i| (words[i], last));
    if pair.is_some_and(|pair| OPEN_PAIRS.contains(&pair)) || DANGLING.contains(&last) {
        return 0.1;
    }
    // "Turn the lights on", "switch it on".
    let switched = last == "on" && words.len() > 2 && matches!(words[0], "turn" | "switch");
    if USUALLY_DANGLING.contains(&last) && !switched && !pair.is_some_and(|pair| CLOSED_PAIRS.contains(&pair))
    {
        return if question { 0.5 } else { 0.15 };
    }
    match words.len() {
        _ if question => 0.9,
        1 => 0.55,
        2..=3 => 0.7,
        _ => 0.8,
    }
}

fn ends_with(words: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.ends_with(&phrase)
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
            "what does it look like",
            "what's the weather like",
            "is it cold at home",
            "turn on the kitchen lights",
        ] {
            assert!(judge(text) >= 0.7, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn a_number_that_is_dictated_is_not_cut_off() {
        for text in [
            "four one five",
            "my number is four four four",
            "My number is 444.",
            "it is five five five zero one",
            "sure it's four double four",
            "my phone number is five five five one two three four five",
            "the order number is two",
            "my card number is four two four two four two four two",
            "the code is double",
            "nine one one two",
            "is for four four",
            "four four four on two",
            "my zip code is nine four one",
        ] {
            assert!(judge(text) <= 0.05, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn a_spelling_or_an_address_is_not_cut_off() {
        for text in [
            "s m i t h",
            "my last name is smith s m i",
            "my email is j a n e",
            "my email is jane",
            "my email is jane dot",
            "my email address is jane underscore",
            "it's jane dot smith at example",
            "my address is twelve",
            "my address is twelve oak street",
            "a b seven",
            "you spell it c",
            "hold on",
            "okay let me check",
            "give me a moment",
        ] {
            assert!(judge(text) <= 0.05, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn something_that_lacks_its_end_waits() {
        for text in [
            "can you set a timer for ten",
            "twenty five",
            "my birthday is march third",
            "i would like to order two large",
            "yes but",
            "okay so",
            "no actually",
            "jane at example",
        ] {
            assert!(judge(text) <= 0.2, "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn a_number_within_a_sentence_does_not_make_it_wait() {
        for text in [
            "set a timer for ten minutes",
            "book a table for four at seven thirty",
            "there are three",
            "i have two dogs",
            "my email is jane at example dot com",
            "call me at home",
            "a table for two",
            "turn the lights on",
            "It was in 1984.",
            "i was born in march nineteen ninety two",
        ] {
            assert!(judge(text) >= 0.55, "{text:?}: {}", judge(text));
        }
        for text in [
            "my pin is four two four two",
            "my phone number is five five five oh one two three four five six",
        ] {
            assert!((0.3..0.6).contains(&judge(text)), "{text:?}: {}", judge(text));
        }
    }

    #[test]
    fn doubt_is_not_certainty() {
        for text in ["", "  ", "sure", "four", "what are you waiting for", "blue", "wake me up at seven"] {
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
