//! Dates and times of day.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, ordinal, year};

const MONTHS: [(&str, &str); 23] = [
    ("jan", "January"),
    ("feb", "February"),
    ("mar", "March"),
    ("apr", "April"),
    ("jun", "June"),
    ("jul", "July"),
    ("aug", "August"),
    ("sep", "September"),
    ("sept", "September"),
    ("oct", "October"),
    ("nov", "November"),
    ("dec", "December"),
    ("january", "January"),
    ("february", "February"),
    ("march", "March"),
    ("april", "April"),
    ("may", "May"),
    ("june", "June"),
    ("july", "July"),
    ("august", "August"),
    ("october", "October"),
    ("november", "November"),
    ("december", "December"),
];
const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The month written `word`, with a capital, and whether that is an abbreviation.
pub(super) fn month(word: &str) -> Option<(&'static str, bool)> {
    let lower = word.to_lowercase();
    if !super::atoms::is_capital(word) {
        return None;
    }
    if lower == "september" {
        return Some(("September", false));
    }
    let (short, long) = MONTHS.iter().find(|(short, _)| *short == lower)?;
    Some((long, short.len() < long.len()))
}

pub(super) fn weekday(word: &str) -> Option<&'static str> {
    Some(match word {
        "Mon" => "Monday",
        "Tue" | "Tues" => "Tuesday",
        "Wed" => "Wednesday",
        "Thu" | "Thur" | "Thurs" => "Thursday",
        "Fri" => "Friday",
        "Sat" => "Saturday",
        "Sun" => "Sunday",
        _ => return None,
    })
}

/// Whether `digits` can be a day of the month.
pub(super) fn day(digits: &str) -> Option<&str> {
    let n: u32 = digits.parse().ok().filter(|_| digits.len() <= 2)?;
    (1..=31).contains(&n).then_some(digits.trim_start_matches('0'))
}

fn month_number(digits: &str) -> Option<&'static str> {
    let n: usize = digits.parse().ok().filter(|_| digits.len() <= 2)?;
    NAMES.get(n.checked_sub(1)?).copied()
}

pub(super) fn is_year(digits: &str) -> bool {
    digits.len() == 4 && ("1000".."3000").contains(&digits)
}

/// The month at `k` with its point, and where it ends.
pub(super) fn pointed_month(c: &Cursor, k: isize) -> Option<(&'static str, isize)> {
    let (name, short) = month(c.word(k)?)?;
    Some((name, k + 1 + isize::from(short && c.is(k + 1, '.'))))
}

/// Any date.
pub(super) fn date(c: &Cursor) -> Option<Match> {
    iso(c)
        .or_else(|| hyphened(c))
        .or_else(|| month_year(c))
        .or_else(|| slashed(c))
        .or_else(|| pointed(c))
        .or_else(|| month_first(c))
        .or_else(|| day_first(c))
        .or_else(|| week(c))
}

/// "2026-11-21", also before "T10:45".
fn iso(c: &Cursor) -> Option<Match> {
    let y = c.number(0).filter(|d| is_year(d))?;
    let separator = c.symbol(1).filter(|s| matches!(s, '-' | '/'))?;
    let m = c.number(2).filter(|m| m.len() == 2).and_then(month_number)?;
    let d = c.number(4).filter(|_| c.is(3, separator)).and_then(day)?;
    let clock = c.word(5) == Some("T") && c.number(6).is_some();
    let comma = if clock { "," } else { "" };
    Some(Match { atoms: 5 + isize::from(clock), say: format!("{m} {}, {}{comma}", ordinal(d), year(y)) })
}

/// "11/21/2026" (the American way, unless only the other makes sense), "11/21".
fn slashed(c: &Cursor) -> Option<Match> {
    let (first, second) = (c.number(0)?, c.number(2).filter(|_| c.is(1, '/'))?);
    if !c.starts() {
        return None;
    }
    let (m, d) = match (month_number(first), day(second)) {
        (Some(m), Some(d)) => (m, d),
        _ => (month_number(second)?, day(first)?),
    };
    if let Some(y) = c.number(4).filter(|y| c.is(3, '/') && (is_year(y) || y.len() == 2)) {
        return Some(Match { atoms: 5, say: format!("{m} {}, {}", ordinal(d), year(&century(y))) });
    }
    if matches!((first, second), ("24", "7") | ("9", "11") | ("50", "50")) {
        return None;
    }
    let dated = c.word_before().is_some_and(|w| {
        weekday(w).is_some()
            || w.ends_with("day") && w.starts_with(char::is_uppercase)
            || matches!(
                w.to_lowercase().as_str(),
                "on" | "by"
                    | "since"
                    | "until"
                    | "due"
                    | "date"
                    | "from"
                    | "before"
                    | "after"
                    | "dated"
                    | "starting"
                    | "through"
            )
    }) || c.is(-1, '.') && c.word(-2).is_some_and(|w| weekday(w).is_some())
        || c.is_space(-1)
            && (c.is(-2, ',') || c.is(-2, '.'))
            && c.word(-3).is_some_and(|w| weekday(w).is_some() || w.ends_with("day"));
    if super::slash::rated(c) {
        return None;
    }
    let odd = !matches!(second.parse(), Ok(2..=10 | 12 | 16 | 20 | 32))
        && second.len() <= 2
        && !(first == second && first.len() == 2);
    let fits = month_number(first).is_some() && first.parse::<u32>().unwrap_or(0) < 13;
    (fits && !c.is(3, '/') && (dated || odd)).then(|| Match { atoms: 3, say: format!("{m} {}", ordinal(d)) })
}

/// "12-31-2026", "31-12-2026".
fn hyphened(c: &Cursor) -> Option<Match> {
    let (first, second) = (c.number(0)?, c.number(2).filter(|_| c.starts() && c.is(1, '-'))?);
    let y = c
        .number(4)
        .filter(|y| c.is(3, '-') && (is_year(y) || y.len() == 2 && first.len() == 2 && second.len() == 2))?;
    if matches!(c.symbol(5), Some('-')) || c.word(5).is_some() {
        return None;
    }
    let (m, d) = match (month_number(first), day(second)) {
        (Some(m), Some(d)) => (m, d),
        _ => (month_number(second)?, day(first)?),
    };
    Some(Match { atoms: 5, say: format!("{m} {}, {}", ordinal(d), year(&century(y))) })
}

/// A year of two digits in full.
fn century(y: &str) -> String {
    if y.len() == 2 { format!("{}{y}", if y < "50" { "20" } else { "19" }) } else { y.to_owned() }
}

/// "08/2027", "2026-11", and "08/27" where something expires.
fn month_year(c: &Cursor) -> Option<Match> {
    if !c.starts() {
        return None;
    }
    let (first, second) = (c.number(0)?, c.number(2)?);
    let mark = c.symbol(1).filter(|s| matches!(s, '/' | '-'))?;
    if matches!(c.symbol(3), Some('/' | '-' | '–')) && c.number(4).is_some() || c.word(3).is_some() {
        return None;
    }
    let expires = super::context::near(
        c,
        &["expires", "expiry", "expiration", "exp", "expired", "valid", "expiring", "thru"],
        4,
    );
    let (m, y) = if is_year(first) && second.len() == 2 && mark == '-' {
        (month_number(second)?, first.to_owned())
    } else if mark == '/'
        && first.len() <= 2
        && (is_year(second) || expires && second.len() == 2 && first.len() == 2 && second > "12")
    {
        (month_number(first)?, century(second))
    } else {
        return None;
    };
    Some(Match { atoms: 3, say: format!("{m} {}", year(&y)) })
}

/// "c. 1850", "ca. 1900", "1850 CE", "'09", "80s music", "the class of 09".
pub(super) fn era(c: &Cursor) -> Option<Match> {
    if matches!(c.word(0), Some("c" | "ca" | "C" | "Ca")) && c.is(1, '.') {
        let y = c.number(c.skip_space(2)).filter(|y| y.len() == 4 || y.len() == 3)?;
        return Some(Match { atoms: c.skip_space(2) + 1, say: format!("circa {}", year(y)) });
    }
    if c.is(0, '\'') && c.starts() {
        let digits = c.number(1).filter(|d| d.len() == 2 && !matches!(c.kind(2), Some(Kind::Word)))?;
        let say = if let Some(ones) = digits.strip_prefix('0') {
            format!("oh {}", cardinal(ones))
        } else {
            cardinal(digits)
        };
        return (!c.is(2, '\'') || c.is_space(-1)).then_some(Match { atoms: 2, say });
    }
    let digits = c.number(0).filter(|_| c.starts())?;
    if (3..=4).contains(&digits.len()) {
        let at = c.skip_space(1);
        let letters: String = (at..at + 6)
            .step_by(2)
            .map_while(|k| c.word(k).filter(|w| w.len() == 1 && c.is(k + 1, '.')))
            .collect();
        let era =
            c.word(at).filter(|w| matches!(*w, "CE" | "BCE" | "BC" | "AD")).or(match letters.as_str() {
                "BC" => Some("BC"),
                "AD" => Some("AD"),
                "CE" => Some("CE"),
                "BCE" => Some("BCE"),
                _ => None,
            })?;
        let atoms = if letters.is_empty() {
            at + 1
        } else {
            at + 2 * letters.len() as isize - isize::from(c.ends(at + 2 * letters.len() as isize))
        };
        let said = if digits.len() == 4 { year(digits) } else { super::numbers::pairs(digits) };
        return Some(Match { atoms, say: format!("{said} ^{era}") });
    }
    None
}

/// "Q3 2026", "FY26", "H1".
pub(super) fn fiscal(c: &Cursor) -> Option<Match> {
    let name = c.word(0).filter(|w| matches!(*w, "Q" | "FY" | "H"))?;
    let digits = c.number(1)?;
    let quarter =
        name == "Q" && matches!(digits, "1" | "2" | "3" | "4") || name == "H" && matches!(digits, "1" | "2");
    let fiscal = name == "FY" && matches!(digits.len(), 2 | 4);
    if !(quarter || fiscal) || matches!(c.kind(2), Some(Kind::Word)) {
        return None;
    }
    let said = if digits.len() == 4 { year(digits) } else { cardinal(digits) };
    let at = c.skip_space(2);
    if quarter && let Some(y) = c.number(at).filter(|y| is_year(y)) {
        return Some(Match { atoms: at + 1, say: format!("^{name} {said}, {}", year(y)) });
    }
    (!c.is(2, '.') || c.number(3).is_none()).then(|| Match { atoms: 2, say: format!("^{name} {said}") })
}

/// "21.11.2026".
fn pointed(c: &Cursor) -> Option<Match> {
    let d = c.number(0).and_then(day)?;
    let m = c.number(2).filter(|_| c.is(1, '.')).and_then(month_number)?;
    let y = c.number(4).filter(|y| c.is(3, '.') && is_year(y))?;
    Some(Match { atoms: 5, say: format!("{m} {}, {}", ordinal(d), year(y)) })
}

/// "Nov. 21, 2026", "November 21st", "March 2026", "Nov."
fn month_first(c: &Cursor) -> Option<Match> {
    let (name, short) = month(c.word(0)?)?;
    // "APR" is a rate and "SEP" a pension, unless a day or a year is beside it.
    let shouted = short && c.word(0)?.chars().all(char::is_uppercase);
    let counted = c.number(c.skip_space(1 + isize::from(c.is(1, '.')))).is_some();
    if shouted && !counted {
        return None;
    }
    let mut k = 1;
    if short && c.is(k, '.') {
        k += 1;
    }
    let pointed = k > 1;
    let at = c.skip_space(k);
    if at > k || pointed {
        if let Some(d) = c.number(at).and_then(day) {
            let mut end = at + 1;
            if matches!(c.word(end), Some("st" | "nd" | "rd" | "th")) {
                end += 1;
            }
            let glued =
                matches!(c.kind(end), Some(Kind::Word)) || (c.is(end, ':') && c.number(end + 1).is_some());
            if !glued {
                let y = year_after(c, end);
                return Some(Match { atoms: y.atoms + end, say: format!("{name} {}{}", ordinal(d), y.say) });
            }
        }
        if let Some(y) = c.number(at).filter(|y| is_year(y)) {
            return Some(Match { atoms: at + 1, say: format!("{name} {}", year(y)) });
        }
    }
    // Alone: only what can't be a word, and keep the point that ends a sentence.
    let keep = pointed && (c.ends(k) || c.capital_after(k));
    (short && (pointed || !matches!(name, "March" | "January" | "May" | "June")))
        .then(|| Match { atoms: if keep { 1 } else { k }, say: name.to_owned() })
}

/// ", 2026" or " 2026" after a day.
pub(super) fn year_after(c: &Cursor, end: isize) -> Match {
    let comma = isize::from(c.is(end, ','));
    let at = c.skip_space(end + comma);
    match c.number(at).filter(|y| is_year(y) && at > end + comma && !c.is(at + 1, ':')) {
        Some(y) => Match { atoms: at + 1 - end, say: format!(", {}", year(y)) },
        None => Match { atoms: 0, say: String::new() },
    }
}

/// "21 November 2026", "21st of Nov."
fn day_first(c: &Cursor) -> Option<Match> {
    let d = c.number(0).and_then(day)?;
    let k = 1 + isize::from(matches!(c.word(1), Some("st" | "nd" | "rd" | "th")));
    let at = c.skip_space(k);
    let (name, short) = c.word(at).and_then(month).filter(|_| at > k)?;
    let mut end = at + 1;
    // "21 May be" is no date; "21 May" followed by a year, a point or the end is.
    if name == "May" && c.number(c.skip_space(end)).is_none() && !c.ends(end) && c.symbol(end).is_none() {
        return None;
    }
    if short && c.is(end, '.') && !c.ends(end + 1) && !c.capital_after(end + 1) {
        end += 1;
    }
    let y = year_after(c, end);
    Some(Match { atoms: end + y.atoms, say: format!("{} {name}{}", ordinal(d), y.say) })
}

/// "Tue", "Mon, Nov. 3", "Sat. 5".
fn week(c: &Cursor) -> Option<Match> {
    let word = c.word(0)?;
    let name = weekday(word)?;
    let point = isize::from(c.is(1, '.'));
    let comma = isize::from(c.is(1 + point, ','));
    let at = c.skip_space(1 + point + comma);
    let dated = c.word(at).and_then(month).is_some() || c.number(at).is_some();
    let unmistakable = !matches!(word, "Mon" | "Wed" | "Sat" | "Sun");
    let pointed = point > 0 && word != "Sun" && word != "Sat" && !c.ends(2);
    if !(dated || unmistakable || pointed) {
        return None;
    }
    let keep = point > 0 && !dated && (c.ends(2) || c.capital_after(2));
    let slashed = comma == 0 && c.number(at).is_some() && c.is(at + 1, '/');
    Some(Match {
        atoms: if keep { 1 } else { 1 + point },
        say: format!("{name}{}", if slashed { "," } else { "" }),
    })
}

/// "10:45 a.m.", "14:30", "9 pm", "10:45:30", "16:9".
pub(super) fn clock(c: &Cursor) -> Option<Match> {
    let hour = c.number(0).filter(|h| h.len() <= 2)?;
    let minutes = c.number(2).filter(|_| c.is(1, ':'));
    let Some(minutes) = minutes else {
        let half = day_half(c, 1)?;
        let n: u32 = hour.parse().ok().filter(|n| (1..=12).contains(n))?;
        return Some(Match {
            atoms: 1 + half.atoms,
            say: format!("{} {}", cardinal(&n.to_string()), half.say),
        });
    };
    if c.is(-1, ':') || c.is(-1, '.') {
        return None;
    }
    let clock = hour.parse::<u32>().is_ok_and(|h| h <= 24) && minutes.len() == 2 && minutes < "60";
    if !clock {
        return Some(Match { atoms: 3, say: format!("{} to {}", cardinal(hour), cardinal(minutes)) });
    }
    let seconds = c.number(4).filter(|s| c.is(3, ':') && s.len() == 2 && *s < "60");
    let mut end = if seconds.is_some() { 5 } else { 3 };
    let seconds = seconds.filter(|s| *s != "00");
    let half = day_half(c, end);
    let hours = cardinal(hour.trim_start_matches('0').trim_start());
    let hours =
        if hours.is_empty() || hour.trim_start_matches('0').is_empty() { "zero".to_owned() } else { hours };
    let mut say = match (minutes, half.is_some(), hour.parse().unwrap_or(0)) {
        ("00", true, _) => hours,
        ("00", false, 1..=12) => format!("{hours} o'clock"),
        ("00", false, _) => format!("{hours} hundred"),
        (m, _, _) if m.starts_with('0') => format!("{hours} oh {}", cardinal(&m[1..])),
        (m, _, _) => format!("{hours} {}", cardinal(m)),
    };
    if let Some(seconds) = seconds {
        let name = if seconds == "01" { "second" } else { "seconds" };
        say = format!("{say} and {} {name}", cardinal(&cardinal_digits(seconds)));
    }
    if let Some(half) = half {
        say = format!("{say} {}", half.say);
        end += half.atoms;
    } else if c.word(end) == Some("Z") {
        say.push_str(" ^UTC");
        end += 1;
    }
    Some(Match { atoms: end, say })
}

fn cardinal_digits(digits: &str) -> String {
    let plain = digits.trim_start_matches('0');
    if plain.is_empty() { "0".to_owned() } else { plain.to_owned() }
}

/// "am", "p.m." after a time; the point that also ends the sentence stays.
pub(super) fn day_half(c: &Cursor, k: isize) -> Option<Match> {
    let at = c.skip_space(k);
    let word = c.word(at)?;
    let name = |letter: &str| match letter {
        "a" | "A" => Some("^AM"),
        "p" | "P" => Some("^PM"),
        _ => None,
    };
    if word.len() == 2 && word.ends_with(['m', 'M']) {
        return Some(Match { atoms: at + 1 - k, say: name(&word[..1])?.to_owned() });
    }
    let say = name(word).filter(|_| c.is(at + 1, '.') && matches!(c.word(at + 2), Some("m" | "M")))?;
    let mut end = at + 3;
    if c.is(end, '.') && !c.sentence_ends(end + 1) {
        end += 1;
    }
    Some(Match { atoms: end - k, say: say.to_owned() })
}
