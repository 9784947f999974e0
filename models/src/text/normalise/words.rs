//! Words: abbreviations, initials, acronyms, Roman numerals, joined words.

use super::Match;
use super::atoms::{Cursor, Kind, is_capital};
use super::numbers::{cardinal_of, ordinal};
use super::tables::{ABBREVIATIONS, Abbreviation, KEPT, NAMES_BEFORE_NUMERALS, SHORT_WORDS, SPELLED, WORDS};

/// Longest capitals-only word that is spelled when it looks unpronounceable.
const MAX_SPELLED: usize = 6;

/// Abbreviations: "Dr.", "e.g.", "U.S.", "J. Smith".
pub(super) fn abbreviation(c: &Cursor) -> Option<Match> {
    initials(c).or_else(|| saint_or_street(c)).or_else(|| listed(c)).or_else(|| initial(c))
}

/// "e.g.", "U.S.", "Ph.D.": letters with points between.
fn initials(c: &Cursor) -> Option<Match> {
    let mut letters = String::new();
    let mut k = 0;
    while let Some(word) = c.word(k).filter(|w| w.chars().count() == 1 || *w == "Ph")
        && c.is(k + 1, '.')
        && letters.len() < 16
    {
        letters.push_str(word);
        k += 2;
    }
    if letters.chars().count() < 2 {
        return None;
    }
    // "U.S" without its last point.
    if let Some(last) = c.word(k).filter(|w| w.chars().count() == 1) {
        letters.push_str(last);
        k += 1;
    }
    let pointed = c.is(k - 1, '.');
    let known = match letters.to_lowercase().as_str() {
        "eg" => Some("for example"),
        "ie" => Some("that is"),
        "aka" => Some("also known as"),
        _ => None,
    };
    if let Some(say) = known {
        let comma = isize::from(c.is(k, ','));
        return Some(Match { atoms: k + comma, say: format!("{say}{}", if comma > 0 { "," } else { "" }) });
    }
    let say = format!("^{}", letters.to_uppercase());
    // Names go on with a capital ("J.R.R. Tolkien"); "U.S." or "p.m." before one ends a sentence only at the end.
    let end = if pointed && c.ends(k) { k - 1 } else { k };
    Some(Match { atoms: end, say })
}

/// "J. Smith": one capital, a point and a capital.
fn initial(c: &Cursor) -> Option<Match> {
    let letter = c.word(0).filter(|w| w.chars().count() == 1 && is_capital(w))?;
    let named = c.is(1, '.') && c.is_space(2) && c.capital_after(2);
    (named && letter != "I").then(|| Match { atoms: 2, say: format!("^{letter}") })
}

/// "St." and "Dr." before a name or after one.
fn saint_or_street(c: &Cursor) -> Option<Match> {
    let (before, after) = match c.word(0)? {
        "St" => ("Saint", "Street"),
        "Dr" => ("Doctor", "Drive"),
        _ => return None,
    };
    let point = isize::from(c.is(1, '.'));
    let named = c.is_space(-1) && c.word(-2).is_some_and(is_capital);
    let names = c.is_space(1 + point) && c.capital_after(1 + point);
    let placed = named && (!names || numbered_before(c));
    if placed {
        let keep = point > 0 && c.sentence_ends(1 + point) && !names;
        return Some(Match { atoms: if keep { 1 } else { 1 + point }, say: after.to_owned() });
    }
    (names || point > 0).then(|| Match { atoms: 1 + point, say: before.to_owned() })
}

/// "12 Elm St": a house number before the name.
fn numbered_before(c: &Cursor) -> bool {
    c.is_space(-3) && (c.number(-4).is_some() || c.is_space(-5) && c.number(-6).is_some())
}

fn listed(c: &Cursor) -> Option<Match> {
    let word = c.word(0)?;
    let (_, say, kind) = ABBREVIATIONS.iter().find(|(short, ..)| *short == word)?;
    let pointed = c.is(1, '.');
    let number_follows = c.number(c.skip_space(1 + isize::from(pointed))).is_some();
    let fits = match kind {
        Abbreviation::Title => pointed || c.capital_after(1),
        Abbreviation::Pointed | Abbreviation::MayEnd => pointed,
        Abbreviation::Always => true,
        Abbreviation::BeforeNumber => number_follows && (pointed || word != "no" && word != "No"),
    };
    if !fits {
        return None;
    }
    let ends = pointed && (c.ends(2) || matches!(kind, Abbreviation::MayEnd) && c.sentence_ends(2));
    let atoms = if pointed && !ends { 2 } else { 1 };
    Some(Match { atoms, say: (*say).to_owned() })
}

/// Any other word.
pub(super) fn word(c: &Cursor, shouted: bool) -> Option<Match> {
    let word = c.word(0)?;
    if word == "x" && c.is_space(-1) && c.number(-2).is_some() && c.is_space(1) && c.number(2).is_some() {
        return Some(Match { atoms: 1, say: "times".to_owned() });
    }
    if let Some(number) = roman(c, word) {
        return Some(Match { atoms: 1, say: number });
    }
    if c.is(1, '/') && c.word(2) == Some("or") && word == "and" {
        return Some(Match { atoms: 3, say: "and or".to_owned() });
    }
    if c.is(1, '/') && matches!(word, "w" | "W") {
        let without = c.word(2) == Some("o");
        return Some(Match {
            atoms: if without { 3 } else { 2 },
            say: if without { "without" } else { "with" }.to_owned(),
        });
    }
    Some(Match { atoms: 1, say: spoken(c, word, shouted) })
}

fn spoken(c: &Cursor, word: &str, shouted: bool) -> String {
    let letters = word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or(word);
    if word.chars().count() == 1 {
        return single(c, word);
    }
    if KEPT.contains(&word) {
        return word.to_owned();
    }
    if is_upper(letters)
        && (letters.len() > 1 || word.ends_with('s') && !word.contains('\''))
        && letters != word
        || is_upper(word)
    {
        return capitals(word, if is_upper(word) { word } else { letters }, shouted);
    }
    if is_camel(word) {
        return camel(c, word);
    }
    word.to_owned()
}

/// A lone letter: "a" and "I" are words, the others names of letters.
fn single(c: &Cursor, letter: &str) -> String {
    match letter {
        "I" | "i" if !matches!(c.kind(-1), Some(Kind::Number)) => "I".to_owned(),
        "a" if c.starts() => "a".to_owned(),
        "A" if c.starts()
            && c.is_space(1)
            && c.word(2).is_some()
            && !c.word_before().is_some_and(names_letters) =>
        {
            "A".to_owned()
        }
        "O" | "o" if c.is_space(1) => "oh".to_owned(),
        l if l.is_ascii() => format!("^{}", l.to_uppercase()),
        l => greek(l).unwrap_or(l).to_owned(),
    }
}

fn names_letters(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "plan" | "vitamin" | "grade" | "option" | "type" | "letter" | "part" | "hepatitis"
    )
}

fn greek(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "α" => "alpha",
        "β" => "beta",
        "γ" => "gamma",
        "δ" | "Δ" => "delta",
        "ε" => "epsilon",
        "θ" => "theta",
        "λ" => "lambda",
        "μ" | "µ" => "mu",
        "π" => "pi",
        "σ" | "Σ" => "sigma",
        "τ" => "tau",
        "φ" => "phi",
        "ω" | "Ω" => "omega",
        _ => return None,
    })
}

fn is_upper(word: &str) -> bool {
    word.chars().all(|c| c.is_uppercase())
}

/// A word in capitals: spelled, unless it is known or looks like a word.
fn capitals(word: &str, letters: &str, shouted: bool) -> String {
    if WORDS.contains(&letters) {
        return word.to_owned();
    }
    if SPELLED.contains(&letters) {
        return format!("^{word}");
    }
    let lower = letters.to_lowercase();
    let voiceless = !lower.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    if !letters.is_ascii()
        || (shouted && !voiceless)
        || letters.len() > MAX_SPELLED
        || SHORT_WORDS.contains(&lower.as_str())
    {
        return word.to_lowercase();
    }
    let pronounceable = letters.len() > 3 && looks_like_a_word(&lower);
    if pronounceable { word.to_lowercase() } else { format!("^{word}") }
}

/// Vowels and consonants mixed as in words: no run of four consonants, no odd start.
fn looks_like_a_word(word: &str) -> bool {
    let vowel = |c: char| "aeiouy".contains(c);
    let run = word.split(vowel).map(str::len).max().unwrap_or(0);
    let start = word.find(vowel).unwrap_or(word.len());
    word.contains(vowel) && run < 4 && start < 4 && !word.split(|c| !vowel(c)).any(|run| run.len() > 2)
}

fn is_camel(word: &str) -> bool {
    let mut before = None;
    word.chars().any(|c| {
        let humped = c.is_uppercase() && before.is_some_and(char::is_lowercase);
        before = Some(c);
        humped
    }) && !word.starts_with("Mc")
        && !word.starts_with("Mac")
        && !word.contains('\'')
}

/// "camelCase" → "camel Case", "ChatGPT" → "Chat ^GPT", "IoT" → "^IOT".
fn camel(c: &Cursor, word: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in word.chars() {
        if parts.is_empty() || (c.is_uppercase() && before.is_lowercase()) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        before = c;
    }
    if parts.iter().all(|part| part.chars().count() < 3) && word.len() < 6 && is_capital(word) {
        return format!("^{}", word.to_uppercase());
    }
    let inner = Cursor { at: c.atoms.len(), ..*c };
    let said: Vec<String> = parts
        .iter()
        .map(|part| match part.chars().count() {
            1 => format!("^{}", part.to_uppercase()),
            _ => spoken(&inner, part, false),
        })
        .collect();
    said.join(" ")
}

/// "World War II" → two, "Henry VIII" → the eighth.
fn roman(c: &Cursor, word: &str) -> Option<String> {
    let (word, owner) = word.strip_suffix("'s").map_or((word, ""), |word| (word, "'s"));
    if word.len() < 2 && word != "V" && word != "X"
        || word.len() > 6
        || !word.chars().all(|c| "IVX".contains(c))
    {
        return None;
    }
    let before = c.word_before().filter(|w| c.is_space(-1) && is_capital(w) && w.len() > 1)?;
    let n = value(word)?;
    if NAMES_BEFORE_NUMERALS.contains(&before) {
        return Some(format!("the {}{owner}", ordinal(&n.to_string())));
    }
    let counted = matches!(
        before,
        "War"
            | "Chapter"
            | "Part"
            | "Act"
            | "Phase"
            | "Volume"
            | "Type"
            | "Title"
            | "Section"
            | "Bowl"
            | "Book"
            | "Class"
            | "Level"
    );
    (counted || word.len() > 1 && word != "IV").then(|| format!("{}{owner}", cardinal_of(n)))
}

fn value(numeral: &str) -> Option<u64> {
    let digit = |c: char| match c {
        'I' => 1,
        'V' => 5,
        _ => 10,
    };
    let digits: Vec<u64> = numeral.chars().map(digit).collect();
    let value = digits.iter().enumerate().fold(0_i64, |sum, (i, &d)| {
        let before_greater = digits.get(i + 1).is_some_and(|&next| next > d);
        sum + if before_greater { -(d as i64) } else { d as i64 }
    });
    u64::try_from(value).ok().filter(|n| *n > 0)
}
