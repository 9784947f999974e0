//! American English: dictionary, homographs, endings, compounds, and letter-to-sound rules.
//!
//! A word is looked up in this order: the user's lexicon; words chosen in context (a, the, to, in);
//! homographs; the dictionary; the dictionary's word with a regular ending (-s, -ed, -ing, -ly, …);
//! two dictionary words in one ("chatroom"); letter-to-sound rules. Invariant: a word with a
//! Latin letter always gets phonemes; words of other scripts get none.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::homographs::Homographs;
use super::letters::Letters;
use super::lexicon::Lexicon;
use super::spelling::spelled;
use crate::text::{Phonemes, SpokenWord, UserLexicon, WordKind};

const VOWELS: &str = "AIOWYiuæɑɐəɛɜɔɪʊʌᵻᵊ";
/// Longest word for which endings, compounds and rules are tried whole, in letters.
const MAX_WORD: usize = 40;
/// Most letters that are guessed of one word.
const MAX_GUESSED: usize = 5 * MAX_WORD;
/// Longest word without a vowel letter that is spelled; longer ones are noise.
const MAX_VOWELLESS: usize = 6;

/// Guesses of one clause: the same unknown word is not worked out twice.
type Guesses = HashMap<String, String>;

/// American English out of a compact dictionary, with rules for unknown words.
///
/// Costs no start-up worth naming: the dictionary is read in place.
#[derive(Clone, Debug)]
pub(crate) struct Pronouncer {
    lexicon: Lexicon,
    letters: Letters,
    homographs: Homographs,
    user: UserLexicon,
}

impl Pronouncer {
    /// The shipped dictionary and rules.
    pub(crate) fn new() -> Self {
        Self {
            lexicon: Lexicon::shipped(),
            letters: Letters::shipped(),
            homographs: Homographs::shipped(),
            user: UserLexicon::default(),
        }
    }

    /// Puts the user's pronunciations before all others.
    pub(crate) fn set_user_lexicon(&mut self, user: UserLexicon) {
        self.user = user;
    }

    /// The phonemes of one clause's words, with their punctuation and sources.
    pub(crate) fn phonemes(&self, words: &[SpokenWord]) -> Phonemes {
        let lower: Vec<String> = words.iter().map(|word| word.spoken.to_lowercase()).collect();
        let mut sounds = vec![String::new(); words.len()];
        let mut guesses = Guesses::new();
        // From the back: "the" and "to" depend on how the next word starts.
        for index in (0..words.len()).rev() {
            let next = if words[index].after.is_empty() {
                sounds.get(index + 1).and_then(|sound| sound.chars().find(|c| !"ˈˌ".contains(*c)))
            } else {
                None
            };
            sounds[index] = self.word(words, &lower, index, next, &mut guesses);
        }
        let mut phonemes = Phonemes::default();
        for (word, sound) in words.iter().zip(&sounds) {
            phonemes.push_word(&word.before, sound, &word.after, word.source.clone());
        }
        phonemes
    }

    /// The phonemes of the word at `index`; `next` is what the following word starts with, or
    /// `None` at the clause's end and before punctuation.
    fn word(
        &self,
        clause: &[SpokenWord],
        lower: &[String],
        index: usize,
        next: Option<char>,
        guesses: &mut Guesses,
    ) -> String {
        let word = &clause[index];
        if let Some(sound) = self.user.get(&word.spoken) {
            return sound.to_owned();
        }
        if word.kind == WordKind::Spelled {
            return spelled(&word.spoken);
        }
        if let Some(sound) = in_context(&word.spoken, next) {
            return sound.to_owned();
        }
        if let Some(sound) = self.homographs.get(clause, lower, index) {
            return sound.to_owned();
        }
        if let Some(sound) = guesses.get(&lower[index]) {
            return sound.clone();
        }
        let (sound, guessed) = self.unambiguous(&lower[index]);
        if guessed {
            guesses.insert(lower[index].clone(), sound.clone());
        }
        sound
    }

    /// How `word` sounds anywhere, and whether that had to be guessed.
    fn unambiguous(&self, word: &str) -> (String, bool) {
        if let Some(sound) = self.lexicon.get(word) {
            return (sound, false);
        }
        let plain: String = word.nfd().filter(|c| c.is_ascii_lowercase() || *c == '\'').collect();
        let plain = plain.trim_matches('\'');
        let known = self.known(plain).or_else(|| self.with_ending(plain)).or_else(|| self.compound(plain));
        known.map_or_else(|| (self.guessed(plain), true), |sound| (sound, false))
    }

    fn known(&self, word: &str) -> Option<String> {
        self.lexicon.get(word).or_else(|| {
            let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix('s').filter(|s| s.len() > 1))?;
            if stem.ends_with('s') && !word.ends_with("'s") {
                return None;
            }
            self.lexicon.get(stem).map(|sound| plural(&sound))
        })
    }

    /// A dictionary word with a regular ending.
    fn with_ending(&self, word: &str) -> Option<String> {
        if word.len() > MAX_WORD {
            return None;
        }
        if let Some(stem) = word.strip_suffix("'s") {
            return self.with_ending(stem).or_else(|| self.compound(stem)).map(|sound| plural(&sound));
        }
        let stemmed = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() > 2);
        if let Some(sound) = stemmed("ies").and_then(|stem| self.lexicon.get(&format!("{stem}y"))) {
            return Some(plural(&sound));
        }
        if let Some(sound) = stemmed("es").and_then(|stem| self.lexicon.get(stem)) {
            return Some(plural(&sound));
        }
        if let Some(sound) = stemmed("ed").and_then(|stem| self.stem(stem)) {
            return Some(past(&sound));
        }
        if let Some(sound) = stemmed("ing").and_then(|stem| self.stem(stem)) {
            return Some(format!("{}ɪŋ", flapped(&sound)));
        }
        for (ending, sound) in
            [("ness", "nəs"), ("less", "ləs"), ("ful", "fᵊl"), ("ly", "li"), ("ment", "mənt")]
        {
            if let Some(stem) = stemmed(ending).and_then(|stem| self.lexicon.get(stem)) {
                return Some(stem + sound);
            }
        }
        for (ending, sound) in [("er", "əɹ"), ("ers", "əɹz"), ("able", "əbᵊl")] {
            if let Some(stem) = stemmed(ending).and_then(|stem| self.stem(stem)) {
                return Some(flapped(&stem) + sound);
            }
        }
        for (start, sound) in
            [("un", "ˌʌn"), ("re", "ɹi"), ("non", "nˌɑn"), ("anti", "ˌænti"), ("pre", "pɹi")]
        {
            if let Some(rest) = word.strip_prefix(start).filter(|rest| rest.len() > 3)
                && let Some(rest) = self.known(rest)
            {
                return Some(format!("{sound}{rest}"));
            }
        }
        None
    }

    /// What an ending was put to: "stop" of "stopp", "use" of "us".
    fn stem(&self, stem: &str) -> Option<String> {
        let bytes = stem.as_bytes();
        let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
        let single = doubled.then(|| self.lexicon.get(&stem[..stem.len() - 1])).flatten();
        single.or_else(|| self.lexicon.get(&format!("{stem}e"))).or_else(|| self.lexicon.get(stem))
    }

    /// Two dictionary words written as one, the first stressed: the split with the longest shorter half.
    fn compound(&self, word: &str) -> Option<String> {
        if !(7..=MAX_WORD).contains(&word.len()) || !word.is_ascii() {
            return None;
        }
        let mut splits: Vec<usize> = (3..=word.len() - 3).collect();
        splits.sort_by_key(|&at| std::cmp::Reverse(at.min(word.len() - at)));
        splits.into_iter().find_map(|at| {
            let (first, second) = word.split_at(at);
            let first = self.lexicon.get(first).filter(|s| s.contains('ˈ'))?;
            let second = self.known(second).filter(|s| s.contains('ˈ'))?;
            Some(format!("{first}{}", second.replace('ˈ', "ˌ")))
        })
    }

    /// Rules; long words are guessed in pieces, and of endless ones only the start is said.
    fn guessed(&self, word: &str) -> String {
        if word.len() <= MAX_VOWELLESS && !word.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            return spelled(word);
        }
        let letters: Vec<u8> = word.bytes().filter(u8::is_ascii_lowercase).take(MAX_GUESSED).collect();
        let pieces = letters.chunks(MAX_WORD).filter_map(|piece| std::str::from_utf8(piece).ok());
        pieces.map(|piece| self.letters.sounds(piece)).collect()
    }
}

/// Words whose sound depends on what follows: `next` is the first sound, `None` at an end.
fn in_context(word: &str, next: Option<char>) -> Option<&'static str> {
    let vowel = next.map(|sound| VOWELS.contains(sound));
    Some(match (word, vowel) {
        ("a", Some(_)) => "ə",
        ("a" | "A", None) => "ˈA",
        ("A", Some(_)) => "ə",
        ("an" | "An", _) => "ən",
        ("the" | "The" | "THE", Some(true)) => "ði",
        ("the" | "The" | "THE", _) => "ðə",
        ("to" | "To" | "TO", Some(true)) => "tʊ",
        ("to" | "To" | "TO", Some(false)) => "tə",
        ("to" | "To" | "TO", None) => "tu",
        ("in" | "In", Some(_)) => "ɪn",
        ("in" | "In", None) => "ˈɪn",
        ("I", _) => "ˌI",
        // At an end these carry stress: "yes, I can."
        ("am", None) => "ˈæm",
        ("be", None) => "bˈi",
        ("by", None) => "bˈI",
        ("can", None) => "kˈæn",
        ("could", None) => "kˈʊd",
        ("had", None) => "hˈæd",
        ("has", None) => "hˈæz",
        ("have", None) => "hˈæv",
        ("is", None) => "ˈɪz",
        ("that", None) => "ðˈæt",
        ("will", None) => "wˈɪl",
        ("would", None) => "wˈʊd",
        _ => return None,
    })
}

/// The regular plural, possessive or third person of `stem`.
pub(crate) fn plural(stem: &str) -> String {
    let ending = match stem.chars().last() {
        Some('p' | 't' | 'k' | 'f' | 'θ') => "s",
        Some('s' | 'z' | 'ʃ' | 'ʒ' | 'ʧ' | 'ʤ') => "ᵻz",
        _ => "z",
    };
    format!("{stem}{ending}")
}

/// The regular past of `stem`.
fn past(stem: &str) -> String {
    match stem.chars().last() {
        Some('p' | 'k' | 'f' | 'θ' | 'ʃ' | 's' | 'ʧ') => format!("{stem}t"),
        Some('t' | 'd') => format!("{}ᵻd", flapped(stem)),
        _ => format!("{stem}d"),
    }
}

/// `stem` with a final t between vowels flapped, for an ending that starts with a vowel.
fn flapped(stem: &str) -> String {
    match stem.strip_suffix('t') {
        Some(rest) if rest.ends_with(|c| VOWELS.contains(c) || c == 'ɹ') => format!("{rest}T"),
        _ => stem.to_owned(),
    }
}
