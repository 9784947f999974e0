//! Roman numerals, where what is before them says that they are numbers.

use super::Match;
use super::atoms::{Cursor, is_capital};
use super::numbers::{cardinal_of, ordinal};
use super::tables::NAMES_BEFORE_NUMERALS;

/// Nouns that are counted in Roman numerals.
const COUNTED: &[&str] = &[
    "war",
    "wars",
    "parts",
    "chapters",
    "acts",
    "volumes",
    "books",
    "phases",
    "titles",
    "sections",
    "chapter",
    "part",
    "act",
    "phase",
    "volume",
    "type",
    "title",
    "section",
    "bowl",
    "book",
    "class",
    "level",
    "stage",
    "scene",
    "article",
    "appendix",
    "tier",
    "schedule",
    "figure",
    "table",
    "exhibit",
    "division",
    "group",
    "episode",
    "season",
    "unit",
    "game",
    "vatican",
    "rocky",
    "mark",
    "factor",
    "vol",
    "ch",
    "pt",
    "no",
    "fig",
    "sec",
    "art",
    "grade",
    "category",
    "cat",
    "wrestlemania",
    "fantasy",
    "quest",
    "games",
    "olympiad",
    "dynasty",
    "angioplasty",
    "step",
    "module",
    "lesson",
    "canto",
    "sonata",
    "symphony",
    "movement",
    "annex",
    "form",
    "apollo",
    "gemini",
    "saturn",
    "warcraft",
    "trial",
    "diabetes",
    "calculus",
    "algebra",
    "physics",
    "chemistry",
    "economics",
    "latin",
    "spanish",
    "french",
    "german",
    "statistics",
];
/// After these "I" is the speaker.
const SPEAKS: &[&str] = &[
    "am", "have", "had", "will", "would", "think", "want", "agree", "can", "could", "do", "did", "know",
    "believe", "like", "need", "should", "don't", "didn't", "can't", "won't", "feel", "mean", "guess", "see",
    "saw", "said", "say", "love", "use", "used", "get", "got", "just", "really", "also", "hope", "went",
    "may", "might", "must", "never", "always",
];

/// Numerals that are words, abbreviations or initials as well.
const DOUBTFUL: &[&str] = &[
    "IV", "MI", "DI", "LI", "CC", "CV", "CD", "DC", "MC", "MD", "CM", "XL", "MM", "XX", "CI", "ID", "DX",
    "CX", "MX", "DIV", "MIX", "LCD", "DM", "CL", "ML", "VI", "XXX", "DL", "MV", "LV", "CDC", "DVI", "IC",
    "LC", "MCI", "CCC", "LLC", "MMI", "DVD",
];
/// Before a name whose numeral tells which one.
const TITLES: [&str; 7] = ["King", "Queen", "Pope", "Emperor", "Tsar", "Czar", "Prince"];
/// Names of which one "was" more often than a speaker "I was" behind them.
const MONARCHS: &[&str] = &["Elizabeth", "Charles", "James", "Henry", "Edward", "George", "Richard", "Louis"];

/// A numeral with its neighbours.
struct Numeral<'a> {
    /// As written, without an "'s".
    word: &'a str,
    /// Whether there is an "'s".
    owns: bool,
    value: u64,
    before: &'a str,
    /// In lower case, too; empty if there is none.
    next: String,
}

impl Numeral<'_> {
    /// "I", which may be the speaker.
    fn is_i(&self) -> bool {
        self.word == "I"
    }

    /// Whether what follows says that it is the speaker.
    fn speaks(&self) -> bool {
        self.is_i() && (SPEAKS.contains(&self.next.as_str()) || self.owns)
    }

    fn say(&self, words: String) -> Option<Match> {
        Some(Match { atoms: 1, say: format!("{words}{}", if self.owns { "'s" } else { "" }) })
    }
}

/// "World War II", "Part I of III", "Elizabeth I", "vol. II".
pub(super) fn roman(c: &Cursor) -> Option<Match> {
    let written = c.word(0).filter(|_| c.starts() || c.is(-1, '-'))?;
    let (word, owns) = written.strip_suffix("'s").map_or((written, false), |word| (word, true));
    let value = value(word)?;
    let before = named_before(c)?;
    let next = c.word_after(1).unwrap_or_default().to_lowercase();
    let numeral = Numeral { word, owns, value, before, next };
    let lower = before.to_lowercase();
    if names_somebody(c, &numeral) {
        let pronoun = is_pronoun_behind_a_name(c, &numeral);
        return if pronoun { None } else { numeral.say(format!("the {}", ordinal(&value.to_string()))) };
    }
    if COUNTED.contains(&lower.as_str()) && !numeral.speaks() || joins_numerals(c, &lower) {
        return if is_pronoun_behind_a_noun(&numeral) { None } else { numeral.say(cardinal_of(value)) };
    }
    let proper = is_capital(before) && before.len() > 1 && c.is_space(-1);
    let unmistakable = word.len() > 1 && !DOUBTFUL.contains(&word);
    let titled = word == "VI" && !matches!(lower.as_str(), "an" | "the" | "a" | "your" | "via" | "by");
    let read = proper && (unmistakable && before.chars().any(char::is_lowercase) || titled);
    if read { numeral.say(cardinal_of(value)) } else { None }
}

/// "II and III": "and" stands between two numerals.
fn joins_numerals(c: &Cursor, before: &str) -> bool {
    matches!(before, "of" | "and" | "or" | "to" | "through")
        && c.is_space(-1)
        && c.is_space(-3)
        && c.word(-4).and_then(value).is_some()
}

/// Whether a title stands before the name: "King Alfred I".
fn is_regnal(c: &Cursor, before: &str) -> bool {
    TITLES.iter().any(|title| c.is_space(-3) && c.word(-4) == Some(title)) && is_capital(before)
}

/// "Elizabeth II", "Pope Francis I".
fn names_somebody(c: &Cursor, numeral: &Numeral) -> bool {
    let Numeral { word, before, value, owns, .. } = numeral;
    // "Henry and Elizabeth I think".
    let clause =
        *word == "I" && !owns && c.is_space(-3) && c.word(-4).is_some_and(|w| matches!(w, "and" | "but"));
    (NAMES_BEFORE_NUMERALS.contains(before) || is_regnal(c, before))
        && !numeral.speaks()
        && !clause
        && word.len() < 6
        && *value < 40
}

/// "Before Charles I was …".
fn is_pronoun_behind_a_name(c: &Cursor, numeral: &Numeral) -> bool {
    let Numeral { before, next, .. } = numeral;
    let goes_on = next.is_empty() && !c.ends(1) && c.symbol(1).is_none();
    let was = matches!(next.as_str(), "was" | "were") && !is_regnal(c, before) && !MONARCHS.contains(before);
    numeral.is_i() && (goes_on || was)
}

/// "In part I agree", "the class I took": only what follows a heading's noun counts.
fn is_pronoun_behind_a_noun(numeral: &Numeral) -> bool {
    let heading = matches!(
        numeral.next.as_str(),
        "" | "of" | "is" | "and" | "to" | "error" | "diabetes" | "trial" | "clinical"
    );
    numeral.is_i() && !is_capital(numeral.before) && !heading
}

/// The word that a numeral counts: across a blank, an abbreviation's point or a hyphen.
fn named_before<'a>(c: &Cursor<'a>) -> Option<&'a str> {
    if c.is_space(-1) && c.is(-2, '.') {
        c.word(-3)
    } else if c.is(-1, '-') {
        c.word(-2)
    } else {
        c.word_before()
    }
}

/// The value of a well-formed numeral.
fn value(numeral: &str) -> Option<u64> {
    if numeral.is_empty() || numeral.len() > 9 {
        return None;
    }
    let digit = |c: char| {
        Some(match c {
            'I' => 1,
            'V' => 5,
            'X' => 10,
            'L' => 50,
            'C' => 100,
            'D' => 500,
            'M' => 1000,
            _ => return None,
        })
    };
    let digits: Vec<i64> = numeral.chars().map(digit).collect::<Option<_>>()?;
    let value: i64 = digits
        .iter()
        .enumerate()
        .map(|(i, &d)| if digits.get(i + 1).is_some_and(|&next| next > d) { -d } else { d })
        .sum();
    let n = u64::try_from(value).ok().filter(|n| *n > 0)?;
    (written(n) == numeral).then_some(n)
}

fn written(mut n: u64) -> String {
    const PARTS: [(u64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    for (value, letters) in PARTS {
        while n >= value {
            out.push_str(letters);
            n -= value;
        }
    }
    out
}
