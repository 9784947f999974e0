//! Degrees, with their sign and without it.

use super::Match;
use super::atoms::Cursor;
use super::context::near;

/// "68F", "20 C", "98.6 deg. F": degrees without their sign.
pub(super) fn temperature(c: &Cursor, words: &str, k: isize, at: isize) -> Option<Match> {
    let scale = |word: &str| match word {
        "F" => Some(" Fahrenheit"),
        "C" => Some(" Celsius"),
        _ => None,
    };
    let word = c.word(at)?;
    if matches!(word, "deg" | "degs") {
        let point = isize::from(c.is(at + 1, '.') && !c.ends(at + 2));
        let next = c.skip_space(at + 1 + point);
        let kind = c.word(next).and_then(scale);
        let keep = point > 0 && c.sentence_ends(at + 2) && kind.is_none();
        let end = kind.map_or(at + 1 + if keep { 0 } else { point }, |_| next + 1);
        return Some(Match { atoms: end, say: format!("{words} degrees{}", kind.unwrap_or_default()) });
    }
    let kind = scale(word)?;
    let warm = near(
        c,
        &[
            "set",
            "temperature",
            "temp",
            "thermostat",
            "high",
            "low",
            "highs",
            "lows",
            "oven",
            "fever",
            "heat",
            "cool",
            "it's",
            "about",
            "around",
            "to",
            "at",
            "degrees",
            "preheat",
            "is",
            "of",
            "weather",
            "near",
            "between",
            "and",
            "reach",
            "outside",
            "now",
            "was",
            "currently",
            "below",
            "above",
        ],
        2,
    );
    let seat = near(
        c,
        &[
            "seat",
            "gate",
            "room",
            "row",
            "apartment",
            "unit",
            "section",
            "grade",
            "plan",
            "bus",
            "exit",
            "terminal",
        ],
        2,
    );
    let hot = kind == " Fahrenheit" && c.number(k - 1).is_some_and(|d| d.len() == 3)
        || super::context::follows(
            c,
            at + 1,
            &["outside", "oven", "today", "inside", "tonight", "tomorrow"],
            1,
        );
    (at == k && (warm || hot) && !seat && c.number(at + 1).is_none())
        .then(|| Match { atoms: at + 1, say: format!("{words} degrees{kind}") })
}

pub(super) fn degrees(c: &Cursor, words: &str, at: isize, one: bool) -> Match {
    let name = if one { "degree" } else { "degrees" };
    let scale = c.skip_space(at + 1);
    let (atoms, kind) = match c.word(scale) {
        Some("C") => (scale + 1, " Celsius"),
        Some("F") => (scale + 1, " Fahrenheit"),
        Some("N") if scale == at + 1 => (scale + 1, " north"),
        Some("S") if scale == at + 1 => (scale + 1, " south"),
        Some("E") if scale == at + 1 => (scale + 1, " east"),
        Some("W") if scale == at + 1 => (scale + 1, " west"),
        _ => (at + 1, ""),
    };
    Match { atoms, say: format!("{words} {name}{kind}") }
}
