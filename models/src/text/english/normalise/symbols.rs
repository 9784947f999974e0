//! Symbols that are said: "&", "+", "=", "@", "/", …

use super::Match;
use super::atoms::{Cursor, Kind};

/// A symbol as a word.
pub(super) fn symbol(c: &Cursor) -> Option<Match> {
    let symbol = c.symbol(0)?;
    let say = match symbol {
        '&' => "and",
        '=' if c.is(1, '=') => return Some(Match { atoms: 2, say: "equals".to_owned() }),
        '=' => "equals",
        '+' if c.number(-1).is_some() || number_around(c) => "plus",
        '+' if c.word(-1).is_some()
            || c.is(-1, '+') && c.word(-2).is_some()
            || c.is_space(-1) && c.is_space(1) =>
        {
            "plus"
        }
        '-' | '–' if c.is_space(-1) && c.is_space(1) && operand(c, -2) && operand(c, 2) => "minus",
        '*' | '×' | '⋅' if number_around(c) => "times",
        '×' => "times",
        '÷' => "divided by",
        '/' => return slash(c),
        '<' if c.is(1, '=') => return Some(Match { atoms: 2, say: "less than or equal to".to_owned() }),
        '>' if c.is(1, '=') => return Some(Match { atoms: 2, say: "greater than or equal to".to_owned() }),
        '<' if compares(c) => "less than",
        '>' if compares(c) => "greater than",
        '≤' => "less than or equal to",
        '≥' => "greater than or equal to",
        '≠' => "not equal to",
        '≈' => "approximately",
        '±' => "plus or minus",
        '√' => "square root of",
        '∞' => "infinity",
        '%' => "percent",
        '°' => "degrees",
        '§' => "section",
        '@' => "at",
        '!' if c.is(1, '=') => return Some(Match { atoms: 2, say: "not equal to".to_owned() }),
        '#' if matches!(c.word(-1), Some("C" | "F" | "G" | "D" | "A")) && c.word(1).is_none() => "sharp",
        '#' if c.word(1).is_some() => "hashtag",
        '²' => "squared",
        '³' => "cubed",
        '→' | '⇒' => "to",
        '*' if c.is_space(-1) && c.is_space(1) && (c.is(-2, ')') || c.is(2, '(')) => "times",
        '$' => "dollars",
        '€' => "euros",
        '£' => "pounds",
        '~' if matches!(c.kind(1), Some(Kind::Number)) => "about",
        '\'' => return elided(c),
        _ => return None,
    };
    Some(Match { atoms: 1, say: say.to_owned() })
}

/// Whether a number or a lone small letter stands at `k`, as in a formula.
fn operand(c: &Cursor, k: isize) -> bool {
    c.number(k).is_some()
        || c.word(k).is_some_and(|w| w.len() == 1 && w != "a" && w.chars().all(|l| l.is_ascii_lowercase()))
}

/// Whether a number or a lone letter stands on either side: "x > 5", not "Settings > Wi-Fi".
fn compares(c: &Cursor) -> bool {
    let value = |k| c.number(k).is_some() || c.word(k).is_some_and(|w| w.chars().count() == 1);
    c.is_space(-1) && c.is_space(1) && (value(-2) || value(2))
}

/// Whether numbers stand on both sides, blanks allowed.
fn number_around(c: &Cursor) -> bool {
    let before = if c.is_space(-1) { -2 } else { -1 };
    c.number(before).is_some() && c.number(c.skip_space(1)).is_some()
}

/// "/" between two words or numbers; elsewhere silent.
fn slash(c: &Cursor) -> Option<Match> {
    let joins = |kind: Option<Kind>| matches!(kind, Some(Kind::Word | Kind::Number));
    let glued = joins(c.kind(1)) && (joins(c.kind(-1)) || c.starts());
    if c.number(-1).is_some() && c.number(1).is_some() {
        let proper = c.number(-1).map(str::len) < c.number(1).map(str::len)
            || c.number(-1).map(str::len) == c.number(1).map(str::len) && c.number(-1) <= c.number(1);
        return Some(Match { atoms: 1, say: if proper { "out of" } else { "over" }.to_owned() });
    }
    glued.then(|| Match { atoms: 1, say: "slash".to_owned() })
}

/// "'tis", "'em", "'90s".
fn elided(c: &Cursor) -> Option<Match> {
    let word = c.word(1)?;
    let known =
        matches!(word.to_lowercase().as_str(), "tis" | "twas" | "em" | "cause" | "til" | "bout" | "round");
    (known && c.starts()).then(|| Match { atoms: 2, say: format!("'{word}") })
}
