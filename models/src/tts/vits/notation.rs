//! Our phonemes in espeak-ng's notation for American English, which Piper's voices were trained on.
//!
//! Ours is Kokoro's: one letter for each diphthong and affricate, `ɹ` after every vowel that it colours.
//! espeak-ng writes diphthongs out, marks long vowels, and has letters for coloured ones.

use std::ops::Range;

/// One of our symbols, or two that are one to espeak-ng, rewritten.
#[derive(Debug, PartialEq)]
pub(super) struct Symbol {
    /// Symbols of espeak-ng.
    pub(super) text: &'static str,
    /// Bytes of our text.
    pub(super) from: Range<usize>,
}

const VOWELS: &str = "AIOWYæɑɔəɛɜɪʊʌiuᵊᵻ";

/// Rewrites `text`; a symbol that espeak-ng has no word for becomes nothing.
pub(super) fn espeak(text: &str) -> Vec<Symbol> {
    let symbols: Vec<(usize, char)> = text.char_indices().collect();
    let mut out = Vec::with_capacity(symbols.len());
    let mut i = 0;
    while i < symbols.len() {
        let at = |n: isize| symbols.get(i.checked_add_signed(n)?).map(|(_, symbol)| *symbol);
        let (written, taken) = one([at(-1), at(0), at(1), at(2), at(3)], || is_only_vowel(&symbols, i));
        let end = symbols.get(i + taken).map_or(text.len(), |(at, _)| *at);
        out.push(Symbol { text: written, from: symbols[i].0..end });
        i += taken;
    }
    out
}

/// What the second of five symbols becomes, with those around it, and how many of them it takes.
fn one(around: [Option<char>; 5], only_vowel: impl Fn() -> bool) -> (&'static str, usize) {
    let [before, Some(symbol), after, then, later] = around else { return ("", 1) };
    let is_vowel = |c: Option<char>| c.is_some_and(|c| VOWELS.contains(c));
    // A vowel follows, also behind its stress mark.
    let vowel_follows = is_vowel(then) || matches!(then, Some('ˈ' | 'ˌ')) && is_vowel(later);
    let stressed = matches!(before, Some('ˈ' | 'ˌ'));
    let begins = before.is_none_or(|c| !c.is_alphabetic() && c != 'ˈ' && c != 'ˌ');
    let written = match (symbol, after) {
        ('ɜ', Some('ɹ')) if vowel_follows => return ("ɜːɹ", 2),
        ('ɜ', Some('ɹ')) => return ("ɜː", 2),
        ('ɜ', _) => "ɜː",
        ('ə', Some('ɹ')) if !vowel_follows => return ("ɚ", 2),
        ('ə', _) if begins => "ɐ",
        ('i', _) if stressed || only_vowel() => "iː",
        ('u', _) => "uː",
        ('ɑ', _) => "ɑː",
        ('ɔ', _) => "ɔː",
        ('A', _) => "eɪ",
        ('I', _) => "aɪ",
        ('O', _) => "oʊ",
        ('W', _) => "aʊ",
        ('Y', _) => "ɔɪ",
        ('Q', _) => "əʊ",
        ('ʧ', _) => "tʃ",
        ('ʤ', _) => "dʒ",
        ('T', _) => "ɾ",
        ('ᵊ', _) => "ə",
        ('…', _) => ".",
        ('—', _) => ",",
        ('“' | '”' | '(' | ')' | '"', _) => "",
        (other, _) => same(other),
    };
    (written, 1)
}

/// Symbols that both notations share.
fn same(symbol: char) -> &'static str {
    const SHARED: [&str; 39] = [
        " ", "!", ",", ".", ":", ";", "?", "ˈ", "ˌ", "b", "d", "f", "h", "i", "j", "k", "l", "m", "n", "p",
        "s", "t", "v", "w", "z", "æ", "ð", "ŋ", "ə", "ɛ", "ɡ", "ɪ", "ɹ", "ʃ", "ʊ", "ʌ", "ʒ", "θ", "ᵻ",
    ];
    SHARED.into_iter().find(|shared| shared.starts_with(symbol)).unwrap_or("")
}

/// Whether the vowel at `i` is the only one of its word.
fn is_only_vowel(symbols: &[(usize, char)], i: usize) -> bool {
    let vowels = |part: &mut dyn Iterator<Item = &(usize, char)>| {
        part.take_while(|(_, symbol)| *symbol != ' ').any(|(_, symbol)| VOWELS.contains(*symbol))
    };
    !vowels(&mut symbols[..i].iter().rev()) && !vowels(&mut symbols[i + 1..].iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{English, phonemise};

    fn written(ours: &str) -> String {
        espeak(ours).into_iter().map(|symbol| symbol.text).collect()
    }

    #[test]
    fn words_are_written_as_espeak_writes_them() {
        for (ours, theirs) in [
            ("həlˈO", "həlˈoʊ"),
            ("wˈɔTəɹ", "wˈɔːɾɚ"),
            ("bˈɜɹd", "bˈɜːd"),
            ("hˈɜɹi", "hˈɜːɹi"),
            ("əbˈWt", "ɐbˈaʊt"),
            ("hi hæd", "hiː hæd"),
            ("ʧˈʌɹʧ ʤˈʌʤ", "tʃˈʌɹtʃ dʒˈʌdʒ"),
            ("bˈɑTᵊl", "bˈɑːɾəl"),
            ("ju", "juː"),
            ("əɹˈWnd", "ɐɹˈaʊnd"),
            ("“nˈO…”", "nˈoʊ."),
        ] {
            assert_eq!(written(ours), theirs, "{ours}");
        }
    }

    #[test]
    fn no_sound_of_ours_is_lost() {
        for symbol in crate::text::phonemes::SYMBOLS.chars().filter(|c| !"“”()\"".contains(*c)) {
            assert!(!written(&symbol.to_string()).is_empty(), "{symbol:?}");
        }
        let phonemes =
            phonemise("Thirty-three thieves thought that they thrilled the throne.", &English::new());
        let from: usize = espeak(phonemes.text()).iter().map(|symbol| symbol.from.len()).sum();
        assert_eq!(from, phonemes.text().len());
    }
}
