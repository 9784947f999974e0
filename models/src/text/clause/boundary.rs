//! How well a clause may end between two given places of the text.

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

/// Before these words a long clause may be parted.
const CONJUNCTIONS: &[&str] = &[
    "and", "but", "or", "so", "because", "which", "that", "when", "while", "if", "although", "though",
    "then", "where", "who", "with", "after", "before", "since", "until", "unless", "as", "than", "for",
    "from", "into",
];
/// Their point never ends a sentence: a name or a number follows.
const TITLES: &[&str] = &[
    "dr", "mr", "mrs", "ms", "mx", "prof", "st", "mt", "gen", "sen", "rep", "gov", "capt", "lt", "col",
    "sgt", "rev", "hon", "pres", "vs", "cf", "approx", "eg", "ie", "e.g", "i.e", "ft", "est", "avg", "tel",
    "ext", "esp", "incl",
];
/// Their point ends no sentence before a digit.
const COUNTED: &[&str] = &[
    "no", "nos", "fig", "vol", "ch", "pp", "pg", "sec", "eq", "apt", "jan", "feb", "mar", "apr", "jun",
    "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];
/// Marks that may stand between a sentence's point and the blank.
const CLOSERS: [char; 9] = ['"', '\'', '”', '’', ')', ']', '*', '_', '`'];

/// Whether `word` (letters only) is one that a clause may start with when it must be cut.
pub(super) fn is_conjunction(word: &str) -> bool {
    CONJUNCTIONS.contains(&word.to_lowercase().as_str())
}

/// A clause does not end on these if it can be helped: they belong to what follows.
const LEANING: [&str; 5] =
    [DETERMINERS, PREPOSITIONS, QUALIFIERS, SUBJECTS_AND_AUXILIARIES, NUMBERS_AND_TITLES];
/// Determiners, and what stands before them.
const DETERMINERS: &str = "\
    a an the my your our their his her its this these those some any no every each all both such what \
    how why another other many few several";
/// Prepositions.
const PREPOSITIONS: &str = "\
    to of in on at by about between under over near past around across against among behind besides \
    during like onto per through toward towards upon via within without";
/// What qualifies the next word.
const QUALIFIERS: &str = "\
    very really quite rather too more most less least not just only almost nearly exactly roughly \
    approximately mostly new";
/// Subjects and auxiliary verbs, also run together.
const SUBJECTS_AND_AUXILIARIES: &str = "\
    i you we they he she it there here i'm i'll i've i'd you're you'll you've we're we'll we've they're \
    they'll they've he's she's it's it'll that's there's here's what's let's let am is are was were be \
    been being will would can could should may might must do does did have has had don't doesn't didn't \
    can't cannot couldn't won't wouldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't";
/// Numbers and names go on.
const NUMBERS_AND_TITLES: &str = "\
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred \
    thousand million billion point minus half quarter first second third number doctor mister saint";
/// With these a phrase begins, which the voice may set apart; besides most [`CONJUNCTIONS`].
const OPENING: &[&str] = &[
    "a", "an", "the", "my", "your", "our", "their", "his", "this", "these", "those", "some", "at", "by",
    "in", "near", "about", "during", "between", "through", "within", "without", "i", "we", "they", "he",
    "she", "there", "i'm", "i'll", "you're", "we're", "it's", "is", "are", "was", "were", "will", "would",
    "can", "could", "should", "may", "might", "must", "has", "have", "had",
];
/// These belong to what is before them.
const CLINGING: &[&str] = &[
    "of", "to", "you", "me", "him", "her", "us", "them", "it", "past", "o'clock", "oclock", "am", "pm",
    "a.m", "p.m", "ago", "too", "enough", "else", "as", "than", "on", "off", "up", "down", "out", "away",
    "back", "percent", "degrees", "dollars", "euros", "hundred", "thousand", "million", "billion", "point",
    "half",
];
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

/// How `word` joins what is before it.
pub(super) fn joint(word: &str) -> Joint {
    let word = plain(word);
    match word.as_str() {
        word if CLINGING.contains(&word) => Joint::Clings,
        word if OPENING.contains(&word) || CONJUNCTIONS.contains(&word) => Joint::Opens,
        _ => Joint::Plain,
    }
}

/// Whether `text` may be said before what follows is known: it has some words, and the last of them
/// leans on none.
pub(super) fn stands_alone(text: &str) -> bool {
    text.split_whitespace().count() >= FEWEST_WORDS && !leans(text)
}

/// Whether the last word of `text` belongs to what follows.
pub(super) fn leans(text: &str) -> bool {
    let last = text.split_whitespace().next_back().map(plain).unwrap_or_default();
    LEANING.iter().any(|words| words.split(' ').any(|word| word == last)) || is_conjunction(&last)
}

/// `word` in lower case, without marks around it.
fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase().replace('’', "'")
}

/// The rank of the place between `token` (a run without blanks), the `blank` after it and `next`,
/// the first character of what follows. `line_start` says that `token` starts its line, `marked`
/// that the line is a heading or list item.
pub(super) fn rank(token: &str, blank: &str, next: char, line_start: bool, marked: bool) -> Rank {
    let lines = blank.matches('\n').count();
    let list_follows = matches!(next, '-' | '*' | '+' | '#' | '>' | '|' | '•' | '`') || next.is_ascii_digit();
    if lines > 1 || lines == 1 && (marked || list_follows) {
        return Rank::Paragraph;
    }
    let bare = token.trim_end_matches(CLOSERS);
    let glue = next.is_ascii_digit() || bare.ends_with(|c: char| c.is_ascii_digit());
    let word = if glue { Rank::Glued } else { Rank::Word };
    let Some(last) = bare.chars().next_back() else { return word };
    match last {
        '.' => point(bare, next, line_start),
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
fn point(bare: &str, next: char, line_start: bool) -> Rank {
    if bare.ends_with("..") {
        return if next.is_lowercase() { Rank::Phrase } else { Rank::Sentence };
    }
    let word = bare[..bare.len() - 1].trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = word.to_lowercase();
    let numbered = line_start && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let initial = word.chars().count() == 1 && word.starts_with(char::is_uppercase) && word != "I";
    if numbered || initial || TITLES.contains(&lower.as_str()) {
        return Rank::Glued;
    }
    if COUNTED.contains(&lower.as_str()) && next.is_ascii_digit() {
        return Rank::Glued;
    }
    match () {
        // "a.m.", "U.S.", "etc." end a sentence only before a capital.
        () if word.contains('.')
            || matches!(lower.as_str(), "etc" | "inc" | "jr" | "sr" | "co" | "corp" | "ltd") =>
        {
            if next.is_uppercase() { Rank::Sentence } else { Rank::Word }
        }
        () if next.is_lowercase() => Rank::Phrase,
        () => Rank::Sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_number_is_not_torn() {
        for number in
            ["It is a quarter", "It is half", "There are seven", "It costs two hundred", "At gate number"]
        {
            assert!(!stands_alone(number), "{number}");
        }
        for (word, want) in [
            ("past", Joint::Clings),
            ("a.m.", Joint::Clings),
            ("o’clock.", Joint::Clings),
            ("messages", Joint::Plain),
            ("for", Joint::Opens),
            ("It's", Joint::Opens),
        ] {
            assert_eq!(joint(word), want, "{word}");
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
            assert_eq!(rank(token, " ", next, false, false), want, "{token} {next}");
        }
        assert_eq!(rank("1.", " ", 'M', true, true), Rank::Glued);
        assert_eq!(rank("milk", "\n", '-', false, true), Rank::Paragraph);
        assert_eq!(rank("soft", "\n", 'w', false, false), Rank::Word);
    }
}
