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

/// "World War II", "Part I of III", "Elizabeth I", "vol. II".
pub(super) fn roman(c: &Cursor) -> Option<Match> {
    let written = c.word(0).filter(|_| c.starts() || c.is(-1, '-'))?;
    let (word, owner) = written.strip_suffix("'s").map_or((written, ""), |word| (word, "'s"));
    let n = value(word)?;
    let before = named_before(c)?;
    let lower = before.to_lowercase();
    let counted = COUNTED.contains(&lower.as_str());
    let next = c.word_after(1).unwrap_or_default().to_lowercase();
    let speaks = word == "I" && (SPEAKS.contains(&next.as_str()) || written != word);
    let of = matches!(lower.as_str(), "of" | "and" | "or" | "to" | "through")
        && c.is_space(-1)
        && c.is_space(-3)
        && c.word(-4).and_then(value).is_some();
    let king = NAMES_BEFORE_NUMERALS.contains(&before);
    let regnal = ["King", "Queen", "Pope", "Emperor", "Tsar", "Czar", "Prince"]
        .iter()
        .any(|t| c.is_space(-3) && c.word(-4) == Some(t))
        && is_capital(before);
    let say = |say: String| Some(Match { atoms: 1, say: format!("{say}{owner}") });
    if (king || regnal)
        && !speaks
        && !(word == "I"
            && written == "I"
            && c.is_space(-3)
            && c.word(-4).is_some_and(|w| matches!(w, "and" | "but")))
        && word.len() < 6
        && n < 40
    {
        let pronoun = word == "I"
            && (next.is_empty() && !c.ends(1) && c.symbol(1).is_none()
                || matches!(next.as_str(), "was" | "were")
                    && !regnal
                    && !matches!(
                        before,
                        "Elizabeth"
                            | "Charles"
                            | "James"
                            | "Henry"
                            | "Edward"
                            | "George"
                            | "Richard"
                            | "Louis"
                    ));
        return if pronoun { None } else { say(format!("the {}", ordinal(&n.to_string()))) };
    }
    if counted && !speaks || of {
        // "In part I agree", "the class I took": only what follows a heading's noun counts.
        let verb = word == "I"
            && !is_capital(before)
            && !(next.is_empty()
                || matches!(
                    next.as_str(),
                    "of" | "is" | "and" | "to" | "error" | "diabetes" | "trial" | "clinical"
                ));
        return if verb { None } else { say(cardinal_of(n)) };
    }
    let proper = is_capital(before) && before.len() > 1 && c.is_space(-1);
    let unmistakable = word.len() > 1
        && !matches!(
            word,
            "IV" | "MI"
                | "DI"
                | "LI"
                | "CC"
                | "CV"
                | "CD"
                | "DC"
                | "MC"
                | "MD"
                | "CM"
                | "XL"
                | "MM"
                | "XX"
                | "CI"
                | "ID"
                | "DX"
                | "CX"
                | "MX"
                | "DIV"
                | "MIX"
                | "LCD"
                | "DM"
                | "CL"
                | "ML"
                | "VI"
                | "XXX"
                | "DL"
                | "MV"
                | "LV"
                | "CDC"
                | "DVI"
                | "IC"
                | "LC"
                | "MCI"
                | "CCC"
                | "LLC"
                | "MMI"
                | "DVD"
        );
    let titled = matches!(word, "IV" | "VI")
        && proper
        && !matches!(lower.as_str(), "an" | "the" | "a" | "your" | "via" | "by");
    (proper && (unmistakable && before.chars().any(char::is_lowercase) || titled && word == "VI"))
        .then_some(())
        .and_then(|()| say(cardinal_of(n)))
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
