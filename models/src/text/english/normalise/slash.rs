//! What a slash means: a ratio, a choice, a rate, a short form, or nothing said.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::{follows, near};
use super::numbers::{cardinal, pairs};

/// What follows "per", from its short form.
pub(super) fn per_name(word: &str) -> Option<&'static str> {
    Some(match word {
        "mo" | "mth" | "month" => "month",
        "yr" | "year" | "y" | "annum" => "year",
        "wk" | "week" => "week",
        "d" | "day" => "day",
        "hr" | "h" | "hour" => "hour",
        "min" | "minute" => "minute",
        "s" | "sec" | "second" => "second",
        "night" => "night",
        "person" | "pp" => "person",
        "user" => "user",
        "seat" => "seat",
        "unit" => "unit",
        "ea" => "each",
        "lb" => "pound",
        "oz" => "ounce",
        "gal" => "gallon",
        "sqft" => "square foot",
        "kg" => "kilogram",
        "mi" => "mile",
        "km" => "kilometer",
        "dozen" => "dozen",
        "piece" => "piece",
        "serving" => "serving",
        "share" => "share",
        _ => return None,
    })
}

/// Whether what is before speaks of scores: "rated 4/5".
pub(super) fn rated(c: &Cursor) -> bool {
    near(
        c,
        &[
            "rated",
            "rating",
            "score",
            "scored",
            "scoring",
            "scores",
            "grade",
            "got",
            "stars",
            "review",
            "pain",
            "about",
            "solid",
            "gave",
            "give",
            "answered",
            "correct",
            "passed",
            "completed",
        ],
        4,
    ) && !near(c, &["on", "by", "due"], 1)
}

/// "120/80", "20/20", "8 / 2", "8/10" where something is rated, "24/7".
pub(super) fn numbers(c: &Cursor) -> Option<Match> {
    let first = c.number(0).filter(|_| c.starts())?;
    if c.is_space(1) {
        let second = c.number(4).filter(|_| c.is(2, '/') && c.is_space(3))?;
        let clock = c.symbol(1).is_some();
        return (!clock).then(|| Match {
            atoms: 5,
            say: format!("{} divided by {}", cardinal(first), cardinal(second)),
        });
    }
    let second = c.number(2).filter(|_| c.is(1, '/'))?;
    if matches!(c.symbol(3), Some('/')) && c.number(4).is_some()
        || c.word(3).is_some()
        || c.is(3, '.') && c.number(4).is_some()
    {
        return None;
    }
    let (over, under): (u64, u64) = (first.parse().ok()?, second.parse().ok()?);
    let said =
        |joint: &str| Some(Match { atoms: 3, say: format!("{}{joint}{}", pairs(first), pairs(second)) });
    if matches!(
        (first, second),
        ("24", "7")
            | ("9", "11")
            | ("50", "50")
            | ("20", "20")
            | ("60", "40")
            | ("70", "30")
            | ("80", "20")
            | ("90", "10")
            | ("7", "11")
    ) && !near(c, &["on", "due"], 1)
        || follows(c, 3, &["vision"], 1)
    {
        return said(" ");
    }
    let pressure = follows(c, 3, &["mmhg", "mm"], 1) || near(c, &["bp", "pressure", "systolic"], 5);
    let alone = (90..=220).contains(&over) && (40..=130).contains(&under);
    if (pressure || alone) && over > 60 && under > 30 {
        let at = c.skip_space(3);
        let unit = c.word(at) == Some("mmHg");
        let tail = if unit { " millimeters of mercury" } else { "" };
        return Some(Match {
            atoms: if unit { at + 1 } else { 3 },
            say: format!("{} over {}{tail}", pairs(first), pairs(second)),
        });
    }
    if over <= under && (rated(c) || follows(c, 3, &["stars", "rating", "score"], 1)) {
        return Some(Match { atoms: 3, say: format!("{} out of {}", cardinal(first), cardinal(second)) });
    }
    // "4/4 time", "3/4 time".
    if follows(c, 3, &["time", "beat", "signature", "meter"], 1) && matches!(under, 2 | 4 | 8) && over < 13 {
        return Some(Match { atoms: 3, say: format!("{} {}", cardinal(first), cardinal(second)) });
    }
    if math(c, 3) {
        return Some(Match { atoms: 3, say: format!("{} divided by {}", cardinal(first), cardinal(second)) });
    }
    None
}

fn math(c: &Cursor, k: isize) -> bool {
    matches!(c.symbol(c.skip_space(k)), Some('=' | '+' | '×' | '*')) && !matches!(c.symbol(k), Some('*'))
}

/// "w/", "w/o", "b/c", "c/o", "n/a", "24/7 days/yr", "2x/day".
pub(super) fn short(c: &Cursor) -> Option<Match> {
    if let Some(times) = c.number(0)
        && c.starts()
        && matches!(c.word(1), Some("x" | "X"))
        && c.is(2, '/')
    {
        let unit = per_name(c.word(3)?)?;
        let times = match times {
            "1" => "once".to_owned(),
            "2" => "twice".to_owned(),
            n => format!("{} times", cardinal(n)),
        };
        return Some(Match {
            atoms: 4,
            say: format!("{times} {} {unit}", if unit == "hour" { "an" } else { "a" }),
        });
    }
    let first = c.word(0).filter(|_| c.is(1, '/') && c.starts())?;
    let second = c.word(2);
    let say = match (first.to_lowercase().as_str(), second.map(str::to_lowercase).as_deref()) {
        ("w", Some("o")) => "without",
        ("w", Some("in")) => "within",
        ("b", Some("c")) => "because",
        ("b", Some("w")) => "between",
        ("c", Some("o")) => "care of",
        ("n", Some("a")) => "^N ^A",
        ("s", Some("o")) if !first.chars().all(char::is_uppercase) => "someone",
        ("a", Some("k")) => return None,
        ("w", _) => {
            return Some(Match {
                atoms: 2 - isize::from(c.is_space(2) || c.word(2).is_none() && c.number(2).is_none())
                    + isize::from(c.is_space(2)),
                say: "with".to_owned(),
            });
        }
        _ => return None,
    };
    Some(Match { atoms: 3, say: say.to_owned() })
}

/// What one chooses between.
const PAIRS: &[(&str, &str)] = &[
    ("he", "she"),
    ("she", "he"),
    ("him", "her"),
    ("his", "her"),
    ("his", "hers"),
    ("her", "his"),
    ("her", "him"),
    ("yes", "no"),
    ("no", "yes"),
    ("true", "false"),
    ("on", "off"),
    ("am", "pm"),
    ("pass", "fail"),
    ("win", "lose"),
    ("male", "female"),
    ("mr", "mrs"),
    ("husband", "wife"),
    ("mother", "father"),
    ("boyfriend", "girlfriend"),
    ("son", "daughter"),
    ("either", "or"),
    ("left", "right"),
    ("day", "night"),
    ("morning", "evening"),
    ("spring", "summer"),
    ("and", "or"),
    ("man", "woman"),
    ("boy", "girl"),
    ("black", "white"),
    ("s", "he"),
    ("all", "none"),
    ("today", "tomorrow"),
    ("and", "but"),
    ("lunch", "dinner"),
    ("delete", "edit"),
    ("parent", "guardian"),
    ("credit", "debit"),
    ("pickup", "delivery"),
    ("coffee", "tea"),
];

/// "he/she", "and/or", "yes/no", "days/yr".
pub(super) fn choice(c: &Cursor) -> Option<Match> {
    let (first, second) = (c.word(0).filter(|_| c.starts())?, c.word(2).filter(|_| c.is(1, '/'))?);
    if c.is(3, '/') || c.is(3, '.') && c.word(4).is_some() {
        return None;
    }
    let pair = (first.to_lowercase(), second.to_lowercase());
    if pair == ("and".to_owned(), "or".to_owned()) {
        return Some(Match { atoms: 3, say: format!("{first} {second}") });
    }
    if pair == ("s".to_owned(), "he".to_owned()) {
        return Some(Match { atoms: 3, say: "she or he".to_owned() });
    }
    if PAIRS.contains(&(pair.0.as_str(), pair.1.as_str())) {
        return Some(Match { atoms: 3, say: format!("{first} or {second}") });
    }
    if let Some(unit) = super::units::unit(first, true)
        .filter(|_| matches!(first, "km" | "mi" | "m" | "kg" | "mg" | "GB" | "MB" | "lb" | "ft" | "kWh"))
        && let Some(per) = per_name(second)
    {
        return Some(Match { atoms: 3, say: format!("{} per {per}", unit.many) });
    }
    let rate = per_name(second).filter(|_| {
        first.ends_with('s') && first.len() > 3 || second == "yr" || matches!(second, "mo" | "hr" | "wk")
    })?;
    Some(Match { atoms: 3, say: format!("{first} per {rate}") })
}

/// "I/O", "TCP/IP", "EUR/USD", "HIV/AIDS": capitals on both sides, the slash not said.
pub(super) fn capitals(c: &Cursor) -> Option<Match> {
    let upper = |k: isize| c.word(k).filter(|w| w.chars().all(|l| l.is_ascii_uppercase()) && w.len() <= 5);
    let first = upper(0).filter(|_| c.starts())?;
    let mut parts = vec![first];
    let mut k = 1;
    while c.is(k, '/')
        && let Some(part) = upper(k + 1)
    {
        parts.push(part);
        k += 2;
    }
    if parts.len() < 2 || c.is(k, '.') && c.word(k + 1).is_some() || c.number(k).is_some() {
        return None;
    }
    let currencies: Vec<&str> = parts.iter().filter_map(|p| money_name(p)).collect();
    if currencies.len() == parts.len() {
        return Some(Match { atoms: k, say: currencies.join(" ") });
    }
    let said: Vec<String> = parts
        .iter()
        .map(|p| if p.len() == 1 { format!("^{p}") } else { super::caps::capitals(p, p, false) })
        .collect();
    Some(Match { atoms: k, say: said.join(" ") })
}

fn money_name(code: &str) -> Option<&'static str> {
    Some(match code {
        "EUR" => "euro",
        "USD" => "dollar",
        "GBP" => "pound",
        "JPY" => "yen",
        "CHF" => "franc",
        "CAD" => "Canadian dollar",
        "AUD" => "Aussie dollar",
        "NZD" => "New Zealand dollar",
        "CNY" => "yuan",
        "BTC" => "bitcoin",
        "ETH" => "ether",
        "INR" => "rupee",
        "MXN" => "peso",
        _ => return None,
    })
}

/// "5PM EDT / 2PM PDT": a slash between blanks is a pause.
pub(super) fn parted(c: &Cursor) -> Option<Match> {
    (c.is(0, '/') && c.is_space(-1) && c.is_space(1) && !matches!(c.kind(-2), Some(Kind::Symbol('='))))
        .then(|| Match { atoms: 1, say: ",".to_owned() })
}
