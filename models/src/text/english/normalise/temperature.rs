//! Degrees, with their sign and without it.

use super::Match;
use super::atoms::Cursor;
use super::context::{follows, near};

/// Near a temperature.
const WARM: &[&str] = &[
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
];
/// Near a seat, a room or a grade, whose letter is no scale.
const SEATS: &[&str] = &[
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
];
/// Behind a temperature.
const PLACES_AND_TIMES: &[&str] = &["outside", "oven", "today", "inside", "tonight", "tomorrow"];

fn scale(word: &str) -> Option<&'static str> {
    match word {
        "F" => Some(" Fahrenheit"),
        "C" => Some(" Celsius"),
        _ => None,
    }
}

/// "68F", "20 C", "98.6 deg. F": degrees without their sign.
pub(super) fn temperature(c: &Cursor, words: &str, k: isize, at: isize) -> Option<Match> {
    let word = c.word(at)?;
    if matches!(word, "deg" | "degs") {
        return Some(abbreviated(c, words, at));
    }
    let kind = scale(word)?;
    let hot = kind == " Fahrenheit" && c.number(k - 1).is_some_and(|d| d.len() == 3)
        || follows(c, at + 1, PLACES_AND_TIMES, 1);
    (at == k && (near(c, WARM, 2) || hot) && !near(c, SEATS, 2) && c.number(at + 1).is_none())
        .then(|| Match { atoms: at + 1, say: format!("{words} degrees{kind}") })
}

/// "20 deg", "98.6 deg. F".
fn abbreviated(c: &Cursor, words: &str, at: isize) -> Match {
    let point = isize::from(c.is(at + 1, '.') && !c.ends(at + 2));
    let next = c.skip_space(at + 1 + point);
    let kind = c.word(next).and_then(scale);
    let keep = point > 0 && c.sentence_ends(at + 2) && kind.is_none();
    let end = kind.map_or(at + 1 + if keep { 0 } else { point }, |_| next + 1);
    Match { atoms: end, say: format!("{words} degrees{}", kind.unwrap_or_default()) }
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
