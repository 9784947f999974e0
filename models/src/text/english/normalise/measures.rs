//! What a number is followed by when it measures: percent, units, areas, powers and rates.

use super::Match;
use super::atoms::Cursor;
use super::context::near;
use super::temperature::{degrees, temperature};
use super::units::unit;

/// A unit, percent or degree sign after a number said as `words`.
pub(super) fn measured(c: &Cursor, words: &str, k: isize, one: bool) -> Option<Match> {
    let at = c.skip_space(k);
    match c.symbol(at) {
        Some('%') => return Some(Match { atoms: at + 1, say: format!("{words} percent") }),
        Some('‰') => return Some(Match { atoms: at + 1, say: format!("{words} per thousand") }),
        Some('°') => return Some(degrees(c, words, at, one)),
        Some('"') if at == k && one => return None,
        _ => {}
    }
    let hyphened = c.is(k, '-') && c.word(k + 1).is_some();
    let at = if hyphened { k + 1 } else { at };
    let combined = matches!(c.symbol(at + 1), Some('/' | '²' | '³' | '^'));
    let written = c.word(at)?;
    if let Some(found) = temperature(c, words, k, at) {
        return Some(found);
    }
    if let Some((area, end)) = area(c, at, one) {
        return Some(Match { atoms: end, say: format!("{words} {area}") });
    }
    let mut first = unit(
        written,
        at == k
            || combined
            || hyphened && written != "s" && written.len() > 1
            || written == "in" && of_inches(c, at),
    )?;
    if written == "bps" && near(c, &["speed", "bandwidth", "modem", "baud", "data", "link"], 6) {
        first = super::units::Unit { one: "bit per second", many: "bits per second" };
    }
    // "a 5 m" may be five million; "V" alone may be five volts, but not before a postal code.
    if written.len() == 1 && at == k && c.number(at + 1).is_some() && !combined {
        return None;
    }
    let mut atoms = at + 1;
    let single = one || hyphened || describes(c, k, at);
    let mut name = if single { first.one.to_owned() } else { first.many.to_owned() };
    if let Some(power) = power(c, atoms) {
        name = format!("{} {name}", power.say);
        atoms += power.atoms;
    }
    let (more, end) = per(c, atoms);
    name.push_str(&more);
    atoms = end;
    // The point of an abbreviated unit: "5 ft. long".
    if c.is(atoms, '.') && c.is_space(atoms + 1) && !c.sentence_ends(atoms + 1) {
        atoms += 1;
    }
    Some(Match { atoms, say: format!("{words} {name}") })
}

/// "/s", "/m²", "/day" behind a unit, and where it ends.
fn per(c: &Cursor, k: isize) -> (String, isize) {
    if !c.is(k, '/') {
        return (String::new(), k);
    }
    let Some(written) = c.word(k + 1) else { return (String::new(), k) };
    let Some(second) = unit(written, true) else {
        let named = super::slash::per_name(written);
        return named.map_or((String::new(), k), |name| (format!(" per {name}"), k + 2));
    };
    let per = format!(" per {}", second.one);
    match power(c, k + 2) {
        Some(power) => {
            let squared = if power.say == "square" { "squared" } else { "cubed" };
            (format!("{per} {squared}"), k + 2 + power.atoms)
        }
        None => (per, k + 2),
    }
}

/// Whether the number and its unit describe what follows: "the 3.5 mm jack", "a 4.0L V8".
fn describes(c: &Cursor, k: isize, unit: isize) -> bool {
    const NO_NOUN: &[&str] = &[
        "of", "in", "at", "on", "is", "are", "was", "were", "and", "or", "to", "from", "for", "per", "a",
        "the", "away", "ago", "long", "wide", "tall", "high", "deep", "thick", "each", "apart", "below",
        "above", "faster", "slower", "more", "less", "with", "that", "which", "it", "by", "as", "than",
        "then", "into", "later", "before", "after", "left", "i", "you", "we", "they",
    ];
    const NOUNS: &[&str] = &[
        "jack", "lens", "cable", "monitor", "display", "screen", "drill", "socket", "engine", "bottle",
        "tank", "battery", "charger", "adapter", "ssd", "drive", "ram", "film", "gun", "bit", "pipe", "hose",
        "wrench", "plug", "nozzle", "run", "race",
    ];
    let _ = k;
    if !c.is_space(unit + 1) {
        return false;
    }
    let Some(next) = c.word(unit + 2) else { return false };
    let lower = next.to_lowercase();
    let before = if c.is_space(-1) { c.word(-2) } else { None };
    let led = before.is_some_and(|w| {
        matches!(
            w.to_lowercase().as_str(),
            "a" | "an" | "the" | "this" | "that" | "my" | "your" | "its" | "our" | "their"
        )
    });
    NOUNS.contains(&lower.as_str()) && led
        || led
            && !NO_NOUN.contains(&lower.as_str())
            && !matches!(before.map(str::to_lowercase).as_deref(), Some("the"))
            && !lower.ends_with("ly")
}

/// Whether "in" after a number is inches: "12 in. wide", "5 in tall".
fn of_inches(c: &Cursor, at: isize) -> bool {
    let sized = |k: isize| {
        super::context::follows(
            c,
            k,
            &["wide", "tall", "long", "thick", "deep", "high", "across", "apart", "diameter", "x"],
            1,
        )
    };
    sized(at + 1)
        || c.is(at + 1, '.')
            && c.is_space(at + 2)
            && c.word(at + 3).is_some_and(|w| w.starts_with(char::is_lowercase))
}

/// "sq. ft.", "cu ft", "fl. oz.": two abbreviations in one, and where they end.
fn area(c: &Cursor, at: isize, one: bool) -> Option<(String, isize)> {
    let first = match c.word(at)? {
        "sq" | "Sq" => "square ",
        "cu" => "cubic ",
        "fl" => "fluid ",
        _ => return None,
    };
    let next = c.skip_space(at + 1 + isize::from(c.is(at + 1, '.')));
    let name = unit(c.word(next)?, true).map(|unit| if one { unit.one } else { unit.many })?;
    let point = isize::from(c.is(next + 1, '.') && !c.sentence_ends(next + 2));
    Some((format!("{first}{name}"), next + 1 + point))
}

fn power(c: &Cursor, k: isize) -> Option<Match> {
    let (power, atoms) = match (c.symbol(k)?, c.number(k + 1)) {
        ('²', _) => ("square", 1),
        ('³', _) => ("cubic", 1),
        ('^', Some("2")) => ("square", 2),
        ('^', Some("3")) => ("cubic", 2),
        _ => return None,
    };
    Some(Match { atoms, say: power.to_owned() })
}
