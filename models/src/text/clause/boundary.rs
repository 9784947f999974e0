//! How well a clause may end between two given places of the text.

use super::ClauseWords;

/// How good a place to end is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Inside a date, a time, a name with a title.
    Glued,
    /// Between two words.
    Word,
    /// Before a conjunction or the like.
    Conjunction,
    /// After a comma, dash, colon, bracket.
    Phrase,
    /// After a sentence.
    Sentence,
    /// After a paragraph, heading or list item.
    Paragraph,
}

/// Marks that may stand between a sentence's point and the blank.
const CLOSERS: [char; 9] = ['"', '\'', '”', '’', ')', ']', '*', '_', '`'];

/// Fewer words do not stand alone.
const FEWEST_WORDS: usize = 3;

/// How a word joins what is before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// It is not whole yet.
    Unknown,
    /// It belongs to it.
    Clings,
    /// As words do.
    Plain,
    /// It begins a phrase.
    Opens,
}

/// `word` in lower case, without marks around it.
fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
}

impl ClauseWords {
    /// Whether `word` (letters only) is one that a clause may start with when it must be cut.
    pub(super) fn is_conjunction(&self, word: &str) -> bool {
        self.conjunctions.contains(&word.to_lowercase().as_str())
    }

    /// How `word` joins what is before it.
    pub(super) fn joint(&self, word: &str) -> Joint {
        let word = plain(word);
        match word.as_str() {
            word if self.clinging.contains(&word) => Joint::Clings,
            word if self.opening.contains(&word) || self.conjunctions.contains(&word) => Joint::Opens,
            _ => Joint::Plain,
        }
    }

    /// Whether `text` may be said before what follows is known: it has some words, and the last of them
    /// leans on none.
    pub(super) fn stands_alone(&self, text: &str) -> bool {
        text.split_whitespace().count() >= FEWEST_WORDS && !self.leans(text)
    }

    /// Whether the last word of `text` belongs to what follows.
    pub(super) fn leans(&self, text: &str) -> bool {
        let last = text.split_whitespace().next_back().map(plain).unwrap_or_default();
        self.leaning.iter().any(|words| words.split(' ').any(|word| word == last))
            || self.is_conjunction(&last)
    }

    /// The rank of the place between `token` (a run without blanks), the `blank` after it and `next`,
    /// the first character of what follows. `line_start` says that `token` starts its line, `marked`
    /// that the line is a heading or list item.
    pub(super) fn rank(&self, token: &str, blank: &str, next: char, line_start: bool, marked: bool) -> Rank {
        let lines = blank.matches('\n').count();
        let list_follows =
            matches!(next, '-' | '*' | '+' | '#' | '>' | '|' | '•' | '`') || next.is_ascii_digit();
        if lines > 1 || lines == 1 && (marked || list_follows) {
            return Rank::Paragraph;
        }
        let bare = token.trim_end_matches(CLOSERS);
        let glue = next.is_ascii_digit() || bare.ends_with(|c: char| c.is_ascii_digit());
        let word = if glue { Rank::Glued } else { Rank::Word };
        let Some(last) = bare.chars().next_back() else { return word };
        match last {
            '.' => self.point(bare, next, line_start),
            '!' | '?' | '…' | '。' | '！' | '？' if next.is_lowercase() => Rank::Phrase,
            '!' | '?' | '…' | '。' | '！' | '？' => Rank::Sentence,
            ',' if next.is_ascii_digit() => Rank::Glued,
            ',' | ';' | ':' | '—' | '–' | '、' | '，' => Rank::Phrase,
            '-' if bare.len() == 1 || bare == "--" => Rank::Phrase,
            _ if token.ends_with(')') && !bare.is_empty() => Rank::Phrase,
            _ => word,
        }
    }

    /// The rank after a token that ends in a point.
    fn point(&self, bare: &str, next: char, line_start: bool) -> Rank {
        if bare.ends_with("..") {
            return if next.is_lowercase() { Rank::Phrase } else { Rank::Sentence };
        }
        let word = bare[..bare.len() - 1].trim_start_matches(|c: char| !c.is_alphanumeric());
        let lower = word.to_lowercase();
        let numbered = line_start && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        let initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase) && word != "I";
        if numbered || initial || self.titles.contains(&lower.as_str()) {
            return Rank::Glued;
        }
        if self.counted.contains(&lower.as_str()) && next.is_ascii_digit() {
            return Rank::Glued;
        }
        match () {
            // "a.m.", "U.S.", "etc." end a sentence only before a capital.
            () if word.contains('.') || self.may_end.contains(&lower.as_str()) => {
                if next.is_uppercase() {
                    Rank::Sentence
                } else {
                    Rank::Word
                }
            }
            () if next.is_lowercase() => Rank::Phrase,
            () => Rank::Sentence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::english::CLAUSE_WORDS;

    #[test]
    fn a_time_or_number_is_not_torn() {
        for number in
            ["It is a quarter", "It is half", "There are seven", "It costs two hundred", "At gate number"]
        {
            assert!(!CLAUSE_WORDS.stands_alone(number), "{number}");
        }
        for (word, want) in [
            ("past", Joint::Clings),
            ("a.m.", Joint::Clings),
            ("o’clock.", Joint::Clings),
            ("messages", Joint::Plain),
            ("for", Joint::Opens),
            ("It's", Joint::Opens),
        ] {
            assert_eq!(CLAUSE_WORDS.joint(word), want, "{word}");
        }
    }

    #[test]
    fn abbreviations_do_not_end_sentences() {
        for (token, next, want) in [
            ("Dr.", 'S', Rank::Glued),
            ("e.g.", 'a', Rank::Glued),
            ("a.m.", 't', Rank::Word),
            ("a.m.", 'T', Rank::Sentence),
            ("No.", '5', Rank::Glued),
            ("No.", 'T', Rank::Sentence),
            ("Nov.", '2', Rank::Glued),
            ("J.", 'S', Rank::Glued),
            ("done.", 'T', Rank::Sentence),
            ("done.\"", 'T', Rank::Sentence),
            ("3.5.", 'T', Rank::Sentence),
            ("what?\"", 's', Rank::Phrase),
            ("wait...", 'n', Rank::Phrase),
            ("21,", '2', Rank::Glued),
            ("yes,", 'I', Rank::Phrase),
            ("10", 'k', Rank::Glued),
            ("word", 'w', Rank::Word),
        ] {
            assert_eq!(CLAUSE_WORDS.rank(token, " ", next, false, false), want, "{token} {next}");
        }
        assert_eq!(CLAUSE_WORDS.rank("1.", " ", 'M', true, true), Rank::Glued);
        assert_eq!(CLAUSE_WORDS.rank("milk", "\n", '-', false, true), Rank::Paragraph);
        assert_eq!(CLAUSE_WORDS.rank("soft", "\n", 'w', false, false), Rank::Word);
    }
}
