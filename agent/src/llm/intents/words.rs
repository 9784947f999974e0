//! Words as intents compare them: of patterns and of what was heard alike.

use std::collections::HashSet;

use strsim::osa_distance;

/// What the recogniser writes for speech that it does not know.
const UNKNOWN: &str = "unk";
/// Words that say little: they may be missing or be there for almost nothing.
const SMALL: [&str; 17] = [
    "a", "an", "the", "to", "for", "of", "in", "at", "is", "are", "it", "me", "my", "and", "am", "there",
    "that",
];
/// Words that mean nothing between others.
pub(super) const FILLERS: [&str; 29] = [
    "um", "uh", "uhm", "erm", "er", "hmm", "mm", "please", "well", "so", "like", "just", "now", "then",
    "okay", "ok", "hey", "oh", "kindly", "could", "can", "would", "will", "you", "i", "want", "need",
    "actually", "maybe",
];
const CONTRACTIONS: [(&str, [&str; 2]); 14] = [
    ("what's", ["what", "is"]),
    ("whats", ["what", "is"]),
    ("who's", ["who", "is"]),
    ("where's", ["where", "is"]),
    ("when's", ["when", "is"]),
    ("how's", ["how", "is"]),
    ("that's", ["that", "is"]),
    ("there's", ["there", "is"]),
    ("it's", ["it", "is"]),
    ("i'm", ["i", "am"]),
    ("i'd", ["i", "would"]),
    ("i'll", ["i", "will"]),
    ("you're", ["you", "are"]),
    ("let's", ["let", "us"]),
];

/// How alike a heard word is to one of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    /// A letter or two differ, in a word that no pattern knows.
    Near,
    /// The recogniser did not know the word.
    Unknown,
    Different,
}

/// `text` in lower case, without punctuation around words, contractions and hyphens opened, digits
/// parted from letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('’', "'");
    let mut words = Vec::new();
    for raw in lower.split(|c: char| c.is_whitespace() || "-–—/_".contains(c)) {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            continue;
        }
        match CONTRACTIONS.iter().find(|(short, _)| *short == word) {
            Some((_, long)) => words.extend(long.map(str::to_owned)),
            None => words.extend(parted(word)),
        }
    }
    words
}

/// "10min" is two words; "7:30" and "2.5" are one.
fn parted(word: &str) -> Vec<String> {
    let digits = word.starts_with(|c: char| c.is_ascii_digit());
    let end = word.find(|c: char| !(c.is_ascii_digit() || ":.,".contains(c)));
    match end.filter(|_| digits) {
        Some(at) => {
            let number = word[..at].trim_end_matches([':', '.', ',']);
            let unit = word[at..].replace('.', "");
            [number.to_owned(), unit].into_iter().filter(|part| !part.is_empty()).collect()
        }
        None if word.contains('.') && !digits => vec![word.replace('.', "")],
        None => vec![word.to_owned()],
    }
}

pub(super) fn is_unknown(word: &str) -> bool {
    word == UNKNOWN
}

/// How much a word of a pattern matters.
pub(super) fn weight(word: &str) -> f64 {
    if SMALL.contains(&word) { 0.2 } else { 1.0 }
}

/// The words that are known, and those that mean nothing.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    known: HashSet<String>,
    fillers: HashSet<String>,
}

impl Lexicon {
    pub(super) fn new(fillers: impl IntoIterator<Item = String>) -> Self {
        let fillers: HashSet<String> = fillers.into_iter().collect();
        Self { known: fillers.clone(), fillers }
    }

    pub(super) fn learn(&mut self, word: &str) {
        self.known.insert(word.to_owned());
    }

    /// What it costs that `word` was said though no pattern has it there.
    pub(super) fn cost_of_extra(&self, word: &str) -> f64 {
        match word {
            word if self.fillers.contains(word) => 0.05,
            word if SMALL.contains(&word) => 0.1,
            word if is_unknown(word) => 0.4,
            _ => 0.5,
        }
    }

    pub(super) fn likeness(&self, wanted: &str, heard: &str) -> Likeness {
        if wanted == heard {
            return Likeness::Same;
        }
        if is_unknown(heard) {
            return Likeness::Unknown;
        }
        // A word that is known is not a slip of another.
        if self.known.contains(heard) {
            return Likeness::Different;
        }
        let allowed = match wanted.chars().count().min(heard.chars().count()) {
            0..=3 => return Likeness::Different,
            4..=7 => 1,
            _ => 2,
        };
        if osa_distance(wanted, heard) <= allowed { Likeness::Near } else { Likeness::Different }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_does_not_hide_a_word() {
        assert_eq!(words("What’s the time?"), ["what", "is", "the", "time"]);
        assert_eq!(
            words("Twenty-five, 10min. 7:30 p.m. 7pm!"),
            ["twenty", "five", "10", "min", "7:30", "pm", "7", "pm"]
        );
        assert_eq!(words(" ... "), Vec::<String>::new());
    }

    #[test]
    fn a_known_word_is_not_taken_for_another() {
        let mut lexicon = Lexicon::default();
        lexicon.learn("time");
        assert_eq!(lexicon.likeness("timer", "time"), Likeness::Different);
        assert_eq!(lexicon.likeness("timer", "timre"), Likeness::Near);
        assert_eq!(lexicon.likeness("off", "of"), Likeness::Different);
    }
}
