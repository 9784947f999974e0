//! Words said letter by letter ("FBI", "CDs"), the last letter stressed most.

/// Names of the letters a–z, without stress marks.
const LETTERS: [&str; 26] = [
    "A",
    "bi",
    "si",
    "di",
    "i",
    "ɛf",
    "ʤi",
    "Aʧ",
    "I",
    "ʤA",
    "kA",
    "ɛl",
    "ɛm",
    "ɛn",
    "O",
    "pi",
    "kju",
    "ɑɹ",
    "ɛs",
    "ti",
    "ju",
    "vi",
    "dʌbᵊlju",
    "ɛks",
    "wI",
    "zi",
];
const VOWELS: &str = "AIOWYiuæɑəɛɜɔɪʊʌᵻ";

/// The phonemes of `word` spelled out; a lower-case "s" or "'s" after capitals is said as an ending.
pub(crate) fn spelled(word: &str) -> String {
    let (letters, ending) = split_ending(word);
    let names: Vec<&str> = letters.chars().filter_map(name).collect();
    let mut sounds = String::new();
    for (i, name) in names.iter().enumerate() {
        let mark = if i + 1 == names.len() { 'ˈ' } else { 'ˌ' };
        stress(&mut sounds, name, mark);
    }
    if !ending.is_empty() && !sounds.is_empty() {
        sounds = super::pronounce::plural(&sounds);
    }
    sounds
}

fn split_ending(word: &str) -> (&str, &str) {
    for ending in ["'s", "s"] {
        if let Some(letters) = word.strip_suffix(ending)
            && letters.ends_with(|c: char| c.is_ascii_uppercase())
        {
            return (letters, ending);
        }
    }
    (word, "")
}

fn name(letter: char) -> Option<&'static str> {
    let index = u32::from(letter.to_ascii_lowercase()).checked_sub(u32::from('a'))?;
    LETTERS.get(index as usize).copied()
}

/// Appends `name` with `mark` before its first vowel.
fn stress(sounds: &mut String, name: &str, mark: char) {
    let mut marked = false;
    for c in name.chars() {
        if !marked && VOWELS.contains(c) {
            sounds.push(mark);
            marked = true;
        }
        sounds.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acronym_is_not_read_as_a_word() {
        for (word, sound) in [
            ("FBI", "ˌɛfbˌiˈI"),
            ("W", "dˈʌbᵊlju"),
            ("a", "ˈA"),
            ("CDs", "sˌidˈiz"),
            ("BMW's", "bˌiˌɛmdˈʌbᵊljuz"),
            ("", ""),
        ] {
            assert_eq!(spelled(word), sound, "{word}");
        }
    }
}
