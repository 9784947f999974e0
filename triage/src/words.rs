//! Finding phrases in what was said.

/// Whether `phrase` occurs in `text` as whole words, whatever their case and punctuation.
pub(super) fn contains(text: &str, phrase: &str) -> bool {
    let (text, phrase) = (words(text), words(phrase));
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_keyword_inside_another_word_is_not_found() {
        assert!(!contains("I forgot my hat", "or"));
        assert!(!contains("the billings", "billing"));
        assert!(contains("Billing, please!", "billing"));
    }

    #[test]
    fn a_phrase_is_found_across_punctuation_and_case() {
        assert!(contains("I want to TALK, to a human!", "talk to a human"));
        assert!(contains("C’est l'Addition", "l'addition"));
        assert!(!contains("talk to me about a human", "talk to a human"));
        assert!(!contains("anything", "  "));
    }
}
