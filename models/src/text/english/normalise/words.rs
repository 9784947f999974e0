//! Words: abbreviations, initials, letters, names with humps.

use super::Match;
use super::atoms::{Cursor, Kind, is_capital};
use super::caps::{capitals, is_upper};
use super::tables::{ABBREVIATIONS, Abbreviation, KEPT};

/// Abbreviations: "Dr.", "e.g.", "U.S.", "J. Smith".
pub(super) fn abbreviation(c: &Cursor) -> Option<Match> {
    initials(c).or_else(|| listed(c)).or_else(|| initial(c))
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

fn listed(c: &Cursor) -> Option<Match> {
    let word = c.word(0)?;
    let (_, say, kind) = ABBREVIATIONS.iter().find(|(short, ..)| *short == word)?;
    let pointed = c.is(1, '.');
    let number_follows = c.number(c.skip_space(1 + isize::from(pointed))).is_some()
        || pointed && matches!(word, "No" | "no" | "Nos" | "nos") && c.word_after(2) == Some("of")
        || pointed
            && c.word_after(2)
                .is_some_and(|w| w.len() < 6 && w.chars().all(|l| "IVXLC".contains(l)) && w != "I")
        || pointed
            && matches!(word, "no" | "No")
            && c.word(c.skip_space(2)).is_some_and(|w| w.len() <= 3 && w.chars().all(char::is_uppercase))
            && c.number(c.skip_space(2) + 1).is_some();
    let fits = match kind {
        Abbreviation::Title => pointed || c.capital_after(1),
        Abbreviation::Pointed | Abbreviation::MayEnd => pointed,
        Abbreviation::Always => true,
        Abbreviation::BeforeNumber => number_follows && (pointed || word != "no" && word != "No"),
    };
    if !fits {
        return None;
    }
    if word.eq_ignore_ascii_case("est") && c.number(c.skip_space(2)).is_some_and(|y| y.len() == 4) {
        return Some(Match {
            atoms: 2,
            say: if word == "Est" { "Established" } else { "established" }.to_owned(),
        });
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
    // "rock 'n' roll"
    if word == "n" && c.is(-1, '\'') && c.is(1, '\'') {
        return Some(Match { atoms: 2, say: "and".to_owned() });
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
        && (letters.len() > 1
            || word.ends_with('s') && !word.contains('\'') && !matches!(word, "As" | "Is" | "Us"))
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
        "plan"
            | "vitamin"
            | "grades"
            | "section"
            | "gate"
            | "group"
            | "team"
            | "exhibit"
            | "appendix"
            | "an"
            | "grade"
            | "option"
            | "type"
            | "letter"
            | "part"
            | "hepatitis"
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
