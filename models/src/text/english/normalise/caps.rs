//! Words in capitals: initialisms are spelled, acronyms are said as words, shouting is read plainly.

use super::Match;
use super::atoms::Cursor;
use super::tables::{RESPELLED, SHORT_WORDS, SPELLED, WORDS};
use crate::text::english::g2p::is_word;

/// Longest capitals-only word that is spelled when it looks unpronounceable.
const MAX_SPELLED: usize = 6;

/// "AT&T", "Q&A", "M&Ms", "R&D".
pub(super) fn ampersand(c: &Cursor) -> Option<Match> {
    let first = c.word(0).filter(|w| w.len() <= 4 && is_upper(w) && c.starts())?;
    let second = c.word(2).filter(|w| {
        c.is(1, '&') && w.len() <= 5 && w.chars().all(|l| l.is_ascii_uppercase() || l == 's' || l == '\'')
    })?;
    let long = |w: &str| w.len() > 3 && WORDS.contains(&w);
    let said = |w: &str| if long(w) { w.to_owned() } else { format!("^{w}") };
    let mut say = format!("{} and {}", said(first), said(second));
    let mut atoms = 3;
    if let Some(third) = c.word(4).filter(|w| c.is(3, '&') && is_upper(w)) {
        say.push_str(&format!(" and {}", said(third)));
        atoms = 5;
    }
    Some(Match { atoms, say })
}

/// "WHO" where it is no question: "the WHO", "UN and WHO met".
pub(super) fn organisation(c: &Cursor) -> Option<Match> {
    let word = c.word(0).filter(|w| matches!(*w, "WHO" | "US" | "IT" | "AM" | "OR"))?;
    let before = c.word_before().unwrap_or_default().to_lowercase();
    let asked = (0..40).find_map(|k| c.symbol(k).filter(|s| matches!(s, '?' | '!'))).is_some();
    let lower_around = c.text.chars().any(char::is_lowercase);
    let named = match word {
        "WHO" => {
            matches!(
                before.as_str(),
                "the" | "and" | "by" | "from" | "to" | "a" | "with" | "of" | "un" | "at"
            ) || !asked
                && c.word_after(1).is_some_and(|w| {
                    matches!(
                        w,
                        "said"
                            | "says"
                            | "declared"
                            | "met"
                            | "warned"
                            | "recommends"
                            | "reports"
                            | "guidelines"
                            | "has"
                    )
                })
        }
        "OR" => return None,
        _ => return None,
    };
    (named && lower_around).then(|| Match { atoms: 1, say: format!("^{word}") })
}

pub(super) fn is_upper(word: &str) -> bool {
    word.chars().all(char::is_uppercase)
}

/// A word in capitals: spelled, unless it is known or looks like a word. `letters` is `word` without a
/// plural's "s".
pub(super) fn capitals(word: &str, letters: &str, shouted: bool) -> String {
    let ending = word.strip_prefix(letters).unwrap_or_default();
    if let Some((_, say)) = RESPELLED.iter().find(|(short, _)| *short == letters) {
        return format!("{say}{ending}");
    }
    if WORDS.contains(&letters) {
        return word.to_owned();
    }
    if SPELLED.contains(&letters) && !(shouted && SHORT_WORDS.contains(&letters.to_lowercase().as_str())) {
        return format!("^{word}");
    }
    let lower = letters.to_lowercase();
    let voiceless = !lower.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    if !letters.is_ascii() || SHORT_WORDS.contains(&lower.as_str()) {
        return word.to_lowercase();
    }
    if shouted && is_word(&lower) && !voiceless || letters.len() > MAX_SPELLED && !voiceless {
        return word.to_lowercase();
    }
    let known = letters.len() > 3 && is_word(&lower);
    let pronounceable = letters.len() > 3 && looks_like_a_word(&lower);
    if (known || pronounceable) && !voiceless { word.to_lowercase() } else { format!("^{word}") }
}

/// Vowels and consonants mixed as in words, with starts and ends that words have.
fn looks_like_a_word(word: &str) -> bool {
    const STARTS: &[&str] = &[
        "", "b", "bl", "br", "c", "ch", "cl", "cr", "d", "dr", "f", "fl", "fr", "g", "gl", "gr", "h", "j",
        "k", "kl", "kr", "l", "m", "n", "p", "ph", "pl", "pr", "qu", "r", "s", "sc", "sh", "sk", "sl", "sm",
        "sn", "sp", "st", "str", "sw", "t", "th", "tr", "tw", "v", "w", "wh", "wr", "y", "z",
    ];
    let vowel = |c: char| "aeiouy".contains(c);
    let Some(first) = word.find(vowel) else { return false };
    let Some(last) = word.rfind(vowel) else { return false };
    let middle = word[first..=last].split(vowel).map(str::len).max().unwrap_or(0);
    let vowels = word.split(|c| !vowel(c)).map(str::len).max().unwrap_or(0);
    let end = word.len() - last - 1;
    let doubled =
        word.as_bytes().windows(2).any(|w| w[0] == w[1] && !matches!(w[0], b'e' | b'o' | b'l' | b's' | b't'));
    STARTS.contains(&&word[..first])
        && middle < 3
        && vowels < 3
        && end < 2
        && !doubled
        && word.chars().filter(|c| vowel(*c)).count() > 1
}

/// Whether nearly all of several words are in capitals and are words, so that capitals mean nothing.
pub(super) fn is_shouted(text: &str) -> bool {
    let upper = text.chars().filter(|c| c.is_uppercase()).count();
    let lower = text.chars().filter(|c| c.is_lowercase()).count();
    if upper <= 4 * lower {
        return false;
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .filter(|w| w.len() > 1)
        .take(200)
        .map(str::to_lowercase)
        .collect();
    let plain = words
        .iter()
        .filter(|w| {
            SHORT_WORDS.contains(&w.as_str()) || is_word(w) && !SPELLED.contains(&w.to_uppercase().as_str())
        })
        .count();
    words.len() > 1 && plain * 2 > words.len() && (words.len() > 2 || plain == words.len())
}
