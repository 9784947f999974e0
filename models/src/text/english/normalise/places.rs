//! Addresses: house numbers, streets and saints, directions, rooms, highways, postal codes.

use super::Match;
use super::atoms::{Cursor, is_capital};
use super::context::near;
use super::numbers::{cardinal, each_digit, pairs};
use super::phone::{STATES, house};

/// What a street's name ends with, in full and short.
const STREETS: &[&str] = &[
    "St",
    "Street",
    "Ave",
    "Avenue",
    "Av",
    "Blvd",
    "Boulevard",
    "Rd",
    "Road",
    "Ln",
    "Lane",
    "Dr",
    "Drive",
    "Ct",
    "Court",
    "Pl",
    "Place",
    "Way",
    "Hwy",
    "Highway",
    "Pkwy",
    "Parkway",
    "Sq",
    "Square",
    "Ter",
    "Terrace",
    "Cir",
    "Circle",
    "Trl",
    "Trail",
    "Broadway",
    "Plaza",
    "Alley",
    "Row",
    "Loop",
    "Walk",
    "Pike",
    "Route",
    "Crescent",
    "Close",
];
const DIRECTIONS: &[(&str, &str)] = &[
    ("N", "north"),
    ("S", "south"),
    ("E", "east"),
    ("W", "west"),
    ("NE", "north east"),
    ("NW", "north west"),
    ("SE", "south east"),
    ("SW", "south west"),
];

/// The atoms to the street's word after a name that starts at `k`, if there is one.
fn street_after(c: &Cursor, k: isize) -> Option<isize> {
    let mut k = k;
    for words in 0..4 {
        let word = c.word(k).map(str::to_owned).or_else(|| c.number(k).map(str::to_owned))?;
        if (words > 0 || matches!(word.as_str(), "Hwy" | "Highway" | "Route" | "Rte" | "Broadway"))
            && STREETS.contains(&word.as_str())
        {
            return Some(k);
        }
        if c.number(k).is_none() && !is_capital(&word) {
            return None;
        }
        k += 1;
        if c.number(k - 1).is_some() && matches!(c.word(k), Some("st" | "nd" | "rd" | "th")) {
            k += 1;
        }
        k += isize::from(c.is(k, '.'));
        if !c.is_space(k) {
            return None;
        }
        k += 1;
    }
    None
}

/// "1600 Pennsylvania Ave.", "221B Baker St", "12 W 42nd St".
pub(super) fn house_number(c: &Cursor) -> Option<Match> {
    let digits = c.number(0).filter(|d| d.len() <= 6 && c.starts())?;
    let letter = c.word(1).filter(|w| w.len() == 1 && is_capital(w));
    let k = 1 + isize::from(letter.is_some());
    let ranged = matches!(c.symbol(k), Some('-')) && c.number(k + 1).is_some();
    if ranged {
        return None;
    }
    if !c.is_space(k)
        || c.number(k + 1).is_some_and(|_| !matches!(c.word(k + 2), Some("st" | "nd" | "rd" | "th")))
    {
        return None;
    }
    street_after(c, k + 1)?;
    let letter = letter.map(|l| format!(" ^{l}")).unwrap_or_default();
    Some(Match { atoms: k, say: format!("{}{letter}", house(digits)) })
}

/// "W 42nd St", "Head NE", "N. Main St".
pub(super) fn direction(c: &Cursor) -> Option<Match> {
    let (_, name) = DIRECTIONS.iter().find(|(short, _)| c.word(0) == Some(short))?;
    let point = isize::from(c.is(1, '.'));
    let ended = c.ends(1) || c.is(1, '.') && c.ends(2);
    if point > 0 || c.is_space(1) {
        let lands = matches!(
            c.word_after(1 + point),
            Some("Korea" | "Dakota" | "Carolina" | "America" | "Africa" | "Virginia" | "Sudan")
        ) && name.len() < 6;
        let winds =
            matches!(c.word_after(1 + point), Some("winds" | "wind" | "corner" | "side" | "entrance"));
        if c.starts() && (lands || winds) {
            return Some(Match {
                atoms: 1 + point,
                say: if lands { capitalised(name) } else { (*name).to_owned() },
            });
        }
    }
    if !c.starts() || !(c.is_space(1 + point) || ended) {
        return None;
    }
    let next = c.skip_space(1 + point);
    let ordinal = c.number(next).is_some() && matches!(c.word(next + 1), Some("st" | "nd" | "rd" | "th"));
    let led = near(
        c,
        &[
            "head", "heading", "go", "turn", "drive", "walk", "continue", "facing", "wind", "winds", "bound",
            "miles", "merge", "keep", "travel", "blocks",
        ],
        if c.number(-2).is_some() { 3 } else { 2 },
    );
    if ordinal && street_after(c, next).is_some() || street_after(c, next).is_some() || led {
        return Some(Match { atoms: if ended { 1 } else { 1 + point }, say: (*name).to_owned() });
    }
    None
}

/// "42nd St", "Rm. 210", "Rte. 9", "Ste. 400", "I-95", "US-101", "P.O. Box 123".
pub(super) fn numbered(c: &Cursor) -> Option<Match> {
    if let Some("St") = c.word(0)
        && c.is_space(-1)
        && matches!(c.word(-2), Some("st" | "nd" | "rd" | "th"))
    {
        let point = isize::from(c.is(1, '.') && !c.sentence_ends(2));
        return Some(Match { atoms: 1 + point, say: "Street".to_owned() });
    }
    if let Some(road) = c.word(0).filter(|w| matches!(*w, "I" | "US" | "SR" | "CR") && c.starts())
        && (c.is(1, '-') || *road != *"I" && c.is_space(1))
        && let Some(digits) = c.number(2).filter(|d| d.len() <= 3)
        && (c.is(1, '-') || near(c, &["take", "on", "highway", "along", "via", "route"], 1))
        && c.word(3).is_none()
    {
        return Some(Match { atoms: 3, say: format!("^{road} {}", pairs(digits)) });
    }
    const SHORT: &[(&str, &str)] = &[
        ("rm", "room"),
        ("rte", "route"),
        ("rt", "route"),
        ("ste", "suite"),
        ("apt", "apartment"),
        ("bldg", "building"),
        ("fl", "floor"),
        ("hwy", "highway"),
        ("flr", "floor"),
        ("qty", "quantity"),
        ("p", "page"),
        ("ln", "line"),
        ("ex", "exercise"),
        ("ver", "version"),
        ("art", "article"),
        ("dept", "department"),
        ("ext", "extension"),
        ("pg", "page"),
        ("pt", "part"),
        ("num", "number"),
        ("vol", "volume"),
        ("ed", "edition"),
    ];
    let word = c.word(0)?;
    let lower = word.to_lowercase();
    let (short, long) = SHORT.iter().find(|(short, _)| *short == lower)?;
    let point = isize::from(c.is(1, '.'));
    let at = c.skip_space(1 + point);
    let numbered =
        c.number(at).is_some() || c.word(at).is_some_and(|w| w.chars().all(|l| "IVXLC".contains(l)));
    let bare =
        matches!(*short, "p" | "pt" | "fl" | "rt" | "ln" | "ed" | "ex" | "art" | "ver" | "num" | "vol");
    if !numbered || at == 1 || !c.starts() || bare && point == 0 {
        return None;
    }
    let said = if word.starts_with(char::is_uppercase) { capitalised(long) } else { (*long).to_owned() };
    Some(Match { atoms: 1 + point, say: said })
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// "M5V 2T6", "SW1A 1AA".
pub(super) fn postcode(c: &Cursor) -> Option<Match> {
    let start = c.atom(0)?.start;
    let near = &c.text[start..c.text.floor_char_boundary(start + 12)];
    let text = near.split([' ', super::clean::BREAK]).take(2).collect::<Vec<_>>();
    let (first, second) = (*text.first()?, text.get(1)?.trim_end_matches(|l: char| !l.is_alphanumeric()));
    if !c.starts() || second.len() != 3 || !(2..=4).contains(&first.len()) {
        return None;
    }
    let shape = |s: &str| -> String {
        s.chars()
            .map(|l| {
                if l.is_ascii_uppercase() {
                    'A'
                } else if l.is_ascii_digit() {
                    '9'
                } else {
                    '?'
                }
            })
            .collect()
    };
    let canadian = shape(first) == "A9A" && shape(second) == "9A9";
    let british = shape(second) == "9AA"
        && matches!(shape(first).as_str(), "A9" | "A99" | "AA9" | "AA99" | "AA9A" | "A9A");
    if !(canadian || british) {
        return None;
    }
    let length = first.len() + 1 + second.len();
    let atoms = c.atoms_within(length)?;
    Some(Match { atoms, say: format!("{}, {}", characters(first), characters(second)) })
}

/// Letters and digits one by one.
pub(super) fn characters(text: &str) -> String {
    let said: Vec<String> = text
        .chars()
        .filter_map(|l| match l {
            l if l.is_ascii_digit() => Some(each_digit(&l.to_string())),
            l if l.is_alphabetic() => Some(format!("^{}", l.to_uppercase())),
            _ => None,
        })
        .collect();
    said.join(" ")
}

/// A state's letters after a city: "Toronto, ON", "Austin, TX 78701".
pub(super) fn state(c: &Cursor) -> Option<Match> {
    let word = c.word(0).filter(|w| STATES.contains(w))?;
    let city = c.is_space(-1) && c.is(-2, ',') && c.word(-3).is_some_and(is_capital);
    let coded = c.is_space(1)
        && (c.number(2).is_some_and(|d| d.len() == 5)
            || c.word(2).is_some_and(|w| w.len() == 1) && c.number(3).is_some());
    let ends = c.ends(1) || matches!(c.symbol(1), Some('.' | ',' | '!' | '?' | ';' | ')'));
    (city && (coded || ends) || coded && word != "IN").then(|| Match { atoms: 1, say: format!("^{word}") })
}

/// "St. Louis", "Main St.", "Dr. Smith", "Elm Dr.", "Sr. Gómez".
pub(super) fn saint_or_street(c: &Cursor) -> Option<Match> {
    let word = c.word(0)?;
    let (before, after) = match word {
        "St" => ("Saint", "Street"),
        "Dr" => ("Doctor", "Drive"),
        "Sr" => ("Señor", "Senior"),
        "Ct" => ("", "Court"),
        "Pl" => ("", "Place"),
        "Cir" => ("", "Circle"),
        "Ter" => ("", "Terrace"),
        "Trl" => ("", "Trail"),
        "Ave" | "Av" => ("", "Avenue"),
        "Rd" => ("", "Road"),
        "Ln" => ("", "Lane"),
        "Blvd" => ("", "Boulevard"),
        _ => return None,
    };
    let point = isize::from(c.is(1, '.'));
    let named = c.is_space(-1) && c.word(-2).is_some_and(|w| is_capital(w) && w.len() > 1)
        || c.is_space(-1) && c.is(-2, ',') && word == "Sr" && c.word(-3).is_some();
    let names = c.is_space(1 + point) && c.capital_after(1 + point);
    if before.is_empty() {
        let housed = named && (numbered_before(c) || matches!(word, "Ave" | "Rd" | "Ln" | "Blvd"))
            || c.is_space(-1) && matches!(c.word(-2), Some("st" | "nd" | "rd" | "th"));
        return housed.then(|| Match {
            atoms: if point > 0 && c.sentence_ends(1 + point) { 1 } else { 1 + point },
            say: after.to_owned(),
        });
    }
    let verb = c.word(-2).is_some_and(|w| {
        matches!(
            w,
            "At" | "In"
                | "Near"
                | "On"
                | "The"
                | "From"
                | "To"
                | "Visit"
                | "See"
                | "Ask"
                | "Call"
                | "With"
                | "Hi"
                | "Hello"
                | "Dear"
                | "Thanks"
                | "And"
                | "Mount"
        )
    });
    let compass = c.word_after(1 + point).is_some_and(|w| DIRECTIONS.iter().any(|(short, _)| *short == w));
    let placed = named && !verb && (!names || numbered_before(c) || compass || word == "Sr");
    if placed {
        let keep = point > 0 && c.sentence_ends(1 + point) && (!names || !numbered_before(c) && !compass);
        return Some(Match { atoms: if keep { 1 } else { 1 + point }, say: after.to_owned() });
    }
    (names || point > 0 && word != "Sr").then(|| Match { atoms: 1 + point, say: before.to_owned() })
}

/// "12 Elm St": a house number before the name.
fn numbered_before(c: &Cursor) -> bool {
    let mut k = -3;
    for _ in 0..3 {
        if !c.is_space(k) {
            return false;
        }
        if c.number(k - 1).is_some() || matches!(c.word(k - 1), Some("st" | "nd" | "rd" | "th")) {
            return true;
        }
        if c.word(k - 1).is_none_or(|w| !is_capital(w)) {
            return false;
        }
        k -= 2;
    }
    false
}

/// "the 5th floor" needs nothing; "Lot 12A", "gate B12": a letter beside a short number.
pub(super) fn gate(c: &Cursor) -> Option<Match> {
    let glued = c.number(0).is_some() && c.word(1).is_some()
        || c.word(0).is_some_and(|w| w.len() == 1) && c.number(1).is_some();
    if !glued {
        return None;
    }
    let near_seat = near(
        c,
        &[
            "room",
            "gate",
            "seat",
            "unit",
            "apartment",
            "apt",
            "lot",
            "row",
            "terminal",
            "suite",
            "platform",
            "building",
            "rm",
            "aisle",
            "section",
            "hall",
            "door",
            "exit",
            "bay",
            "locker",
            "zone",
            "table",
            "booth",
            "pier",
            "rooms",
            "seats",
        ],
        1,
    );
    if !near_seat {
        return None;
    }
    if let (Some(digits), Some(letter)) = (c.number(0), c.word(1).filter(|w| w.len() == 1 && w.is_ascii()))
        && c.starts()
        && c.number(2).is_none()
    {
        return Some(Match { atoms: 2, say: format!("{} ^{}", house(digits), letter.to_uppercase()) });
    }
    let (letter, digits) = (c.word(0).filter(|w| w.len() == 1)?, c.number(1)?);
    (c.starts() && c.word(2).is_none()).then(|| Match {
        atoms: 2,
        say: format!(
            "^{} {}",
            letter.to_uppercase(),
            if digits.len() > 2 { pairs(digits) } else { cardinal(digits) }
        ),
    })
}
