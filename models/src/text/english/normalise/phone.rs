//! Phone numbers in the groupings of many countries, and what else is written in groups of digits.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::{Style, near, of_phones, style};
use super::numbers::{cardinal, each_digit, pairs, short_code, year};

/// Most atoms of a grouped number: keeps the time linear.
const REACH: isize = 64;

/// Digits in groups, and the atoms they take.
struct Groups<'a> {
    digits: Vec<&'a str>,
    end: isize,
    plus: bool,
    /// A group stands in parentheses.
    bracketed: bool,
    spaced: bool,
    hyphened: bool,
}

impl<'a> Groups<'a> {
    fn at(c: &Cursor<'a>) -> Option<Self> {
        let plus = c.is(0, '+');
        let mut found =
            Self { digits: Vec::new(), end: 0, plus, bracketed: false, spaced: false, hyphened: false };
        let mut k = isize::from(plus);
        while k < REACH {
            let open = isize::from(c.is(k, '('));
            let Some(digits) = c.number(k + open).filter(|_| open == 0 || c.is(k + 2, ')')) else { break };
            found.bracketed |= open > 0;
            k += open + 1 + open;
            found.digits.push(digits);
            found.end = k;
            let next = |k: isize| {
                c.number(k).is_some() || c.is(k, '(') && c.number(k + 1).is_some() && c.is(k + 2, ')')
            };
            k += match c.kind(k) {
                Some(Kind::Symbol('-' | '.' | '/' | '–'))
                    if c.number(k + 1).is_some() || c.is(k + 1, '(') =>
                {
                    found.hyphened |= c.is(k, '-');
                    1
                }
                Some(Kind::Symbol('(')) if next(k) => 0,
                Some(Kind::Number) if open > 0 => 0,
                Some(Kind::Space) if next(k + 1) => {
                    found.spaced = true;
                    1
                }
                Some(Kind::Space)
                    if c.is(k + 1, '-') && c.is_space(k + 2) && found.bracketed && next(k + 3) =>
                {
                    3
                }
                _ => break,
            };
        }
        (found.digits.len() > 1 || plus && found.digits.len() == 1).then_some(found)
    }

    fn lengths(&self) -> Vec<usize> {
        self.digits.iter().map(|group| group.len()).collect()
    }

    fn total(&self) -> usize {
        self.digits.iter().map(|group| group.len()).sum()
    }
}

fn starts(c: &Cursor) -> bool {
    (c.starts() || c.is(0, '(') || c.is(0, '+'))
        && !matches!(c.symbol(-1), Some('-' | '.' | '/' | '–' | '$' | '€' | '£'))
}

/// "(555) 123-4567", "+1 555 123 4567", "0800 123 4567", "212.555.0100", "01 23 45 67 89".
pub(super) fn phone(c: &Cursor) -> Option<Match> {
    if !starts(c) {
        return None;
    }
    let groups = Groups::at(c)?;
    if c.word(groups.end).is_some() || matches!(c.symbol(groups.end), Some('%' | '€' | '°')) {
        return None;
    }
    if c.is(groups.end, '-')
        && let Some(word) = c.word(groups.end + 1)
    {
        return vanity(&groups, word);
    }
    let first = groups.digits[0];
    let zero = first.starts_with('0');
    let spoken_of = of_phones(c);
    let uniform = c.text[c.atom(0)?.start..c.atom(groups.end - 1)?.end].contains(['-', '.', '(', ' ']);
    let slashed = (0..groups.end).any(|k| c.is(k, '/') || c.is(k, '–'));
    let known = match groups.lengths()[..] {
        [3, 4] => {
            c.is(1, '-') || groups.bracketed || groups.spaced && spoken_of && c.number(2) != Some("000")
        }
        [3, 3, 4] | [1, 3, 3, 4] => !slashed,
        [3, 7] | [1, 10] => !slashed && (!groups.spaced || spoken_of || groups.bracketed),
        [4, 3, 3]
        | [4, 3, 4]
        | [5, 6]
        | [5, 5]
        | [5, 3, 3]
        | [3, 4, 4]
        | [4, 6]
        | [4, 7]
        | [4, 8]
        | [3, 8]
        | [2, 8]
        | [2, 4, 4]
        | [3, 3, 3]
        | [2, 3, 4]
        | [2, 3, 2, 2]
        | [3, 3, 2, 2]
        | [2, 2, 2, 2, 2]
        | [3, 2, 2, 2]
        | [3, 2, 2, 2, 2]
        | [3, 7, ..]
        | [4, 2, 2, 2]
        | [4, 4] => zero || spoken_of && !slashed,
        _ => false,
    };
    let long = groups.plus && (7..=15).contains(&groups.total());
    if !(known && uniform || long) || slashed && !zero && !groups.plus {
        return None;
    }
    let said: Vec<String> = groups.digits.iter().map(|g| group(g)).collect();
    Some(Match {
        atoms: groups.end,
        say: format!("{}{}", if groups.plus { "plus " } else { "" }, said.join(", ")),
    })
}

/// "1-800-FLOWERS".
fn vanity(groups: &Groups, word: &str) -> Option<Match> {
    let fits = matches!(groups.lengths()[..], [1, 3] | [3] | [1, 3, 3])
        && word.len() >= 2
        && word.chars().all(char::is_uppercase);
    let said: Vec<String> = groups.digits.iter().map(|g| group(g)).collect();
    fits.then(|| Match { atoms: groups.end, say: said.join(", ") })
}

fn group(digits: &str) -> String {
    match digits {
        "800" => "eight hundred".to_owned(),
        "900" => "nine hundred".to_owned(),
        _ => each_digit(digits),
    }
}

/// "9-1-1", "911" where nothing else is said, "dial 311".
pub(super) fn emergency(c: &Cursor) -> Option<Match> {
    let digits = c.number(0).filter(|d| {
        matches!(*d, "911" | "311" | "411" | "511" | "611" | "711" | "811" | "211" | "988" | "999" | "112")
    })?;
    if !c.starts()
        || matches!(c.kind(1), Some(Kind::Word))
        || matches!(c.symbol(1), Some(',' | '.' | ':' | '-' | '/' | '%')) && c.number(2).is_some()
    {
        return None;
    }
    let alone = digits != "999"
        && digits != "112"
        && c.ends(if c.is(1, '.') || c.is(1, '!') { 2 } else { 1 })
        && matches!(c.kind(-1), None | Some(Kind::Break));
    let dialled = near(c, &["call", "dial", "text", "called", "calling", "dialed", "phone", "dialing"], 3);
    let emergency = digits == "911"
        && !super::context::follows(
            c,
            1,
            &[
                "people", "users", "items", "calories", "points", "miles", "times", "votes", "turbo",
                "carrera",
            ],
            1,
        )
        && !near(c, &["porsche", "about", "over"], 1);
    (alone
        || dialled
        || emergency
            && c.word(2).is_none_or(|w| {
                matches!(
                    w,
                    "right"
                        | "immediately"
                        | "if"
                        | "now"
                        | "and"
                        | "or"
                        | "for"
                        | "operator"
                        | "dispatcher"
                        | "call"
                        | "calls"
                        | "center"
                )
            }))
    .then(|| Match { atoms: 1, say: each_digit(digits) })
}

/// Groups of digits that are no phone number: cards, accounts, orders, ZIP+4, codes.
pub(super) fn grouped(c: &Cursor) -> Option<Match> {
    c.number(0).filter(|_| starts(c))?;
    let groups = Groups::at(c)?;
    let lengths = groups.lengths();
    let slashed = (0..groups.end).any(|k| c.is(k, '/') || c.is(k, '.') || c.is(k, '–') || c.is(k, '('));
    if slashed || c.word(groups.end).is_some() || matches!(c.symbol(groups.end), Some('-' | '–' | '%' | '/'))
    {
        return None;
    }
    if groups.hyphened {
        let all = groups.spaced;
        return if all { None } else { hyphened(c, &groups, &lengths) };
    }
    let coded =
        style(c, groups.total()).is_some_and(|s| s != Style::Pairs) || of_phones(c) && groups.total() >= 7;
    let card = matches!(lengths[..], [4, 4, 4, 4] | [4, 6, 5] | [3, 2, 4]);
    let even = lengths.iter().all(|n| (2..=5).contains(n)) && groups.total() >= 6;
    (groups.spaced && (card || coded && even)).then(|| by_group(&groups))
}

fn by_group(groups: &Groups) -> Match {
    let single = groups.digits.iter().all(|group| group.len() == 1);
    let said: Vec<String> = groups.digits.iter().map(|group| each_digit(group)).collect();
    Match { atoms: groups.end, say: said.join(if single { " " } else { ", " }) }
}

/// Digits with hyphens between: which are no ranges.
fn hyphened(c: &Cursor, groups: &Groups, lengths: &[usize]) -> Option<Match> {
    if lengths.len() > 2 {
        return Some(by_group(groups));
    }
    let (first, second) = (groups.digits[0], groups.digits[1]);
    let years = [first, second].iter().all(|g| g.len() == 4 && ("1000".."2200").contains(g));
    let zero = first.starts_with('0') && first.len() > 1 || second.starts_with('0') && second.len() > 1;
    let planes = near(c, &["boeing", "airbus", "embraer", "plane", "jet", "aircraft"], 2);
    if planes && (first.len() == 3 || first.len() == 4) {
        return Some(Match { atoms: groups.end, say: format!("{} {}", pairs(first), pairs(second)) });
    }
    let coded = style(c, groups.total()).is_some_and(|s| s != Style::Pairs) && groups.total() >= 5;
    let zip = lengths == [5, 4] && first.parse::<u32>().is_ok();
    let long = first.len() >= 4 && second.len() >= 4 && !years && first.len() + second.len() > 8;
    let clock = lengths == [4, 4] && zero;
    (zip || coded || long || zero && !clock && !years && groups.total() > 3).then(|| by_group(groups))
}

/// "TX 78701", "DC 20500": a state's letters and its ZIP.
pub(super) fn zip(c: &Cursor) -> Option<Match> {
    let digits = c.number(0).filter(|d| d.len() == 5 && c.is_space(-1))?;
    let state = c.word(-2).is_some_and(|word| STATES.contains(&word));
    let named = c.word(-2).is_some_and(|word| matches!(word.to_lowercase().as_str(), "zip" | "zipcode"));
    let next = c.word(c.skip_space(1)).is_none_or(|w| !w.ends_with('s'));
    (state && next || named).then(|| Match { atoms: 1, say: each_digit(digits) })
}

/// The letters of American states and Canadian provinces.
pub(super) const STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY",
    "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND",
    "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC",
    "PR", "ON", "QC", "BC", "AB", "MB", "SK", "NS", "NB", "NL", "PE", "YT", "NT", "NU",
];

/// A bare number that is a code, a room, a form: said by what it is called.
pub(super) fn named(c: &Cursor, digits: &str) -> Option<String> {
    if matches!(digits.len(), 3 | 4)
        && super::context::follows(c, 1, &["form", "forms", "plan", "error", "errors"], 1)
        && digits.len() + 1 > 3
        && !matches!(digits, "100" | "200" | "300")
        && !near(c, &["of", "over", "about", "all"], 1)
    {
        return Some(pairs(digits));
    }
    Some(match style(c, digits.len())? {
        Style::Digits => each_digit(digits),
        Style::Short => short_code(digits),
        Style::Pairs if ("1900".."2100").contains(&digits) && digits.len() == 4 => year(digits),
        Style::Pairs => pairs(digits),
    })
}

/// "...4242", "****4242", "xxxx4242", "x1234": the last digits of a card or an account.
pub(super) fn masked(c: &Cursor) -> Option<Match> {
    let marked = matches!(c.symbol(0), Some('.' | '…' | '*' | '•'))
        || c.word(0).is_some_and(|w| w.chars().all(|l| matches!(l, 'x' | 'X')));
    if !marked {
        return None;
    }
    let mut k = 0;
    while matches!(c.symbol(k), Some('.' | '…' | '*' | '•' | '-' | ',')) && k < 24
        || c.is_space(k) && k > 0 && matches!(c.symbol(k + 1), Some('*' | '•'))
    {
        k += 1;
    }
    let dots = (0..k).filter(|k| matches!(c.symbol(*k), Some('.' | '*' | '•' | ','))).count();
    let crossed = c.word(k).filter(|w| w.chars().all(|l| matches!(l, 'x' | 'X')));
    let masked = dots >= 2 || c.is(0, '…') && k == 1 || crossed.is_some_and(|w| w.len() > 1);
    let spoken_of = near(
        c,
        &["ending", "ends", "account", "card", "acct", "visa", "mastercard", "amex", "checking", "savings"],
        4,
    );
    if !(masked || crossed.is_some() && spoken_of) {
        return None;
    }
    let mut end = k + isize::from(crossed.is_some());
    while matches!(c.symbol(end), Some('-'))
        || c.word(end).is_some_and(|w| w.len() > 1 && w.chars().all(|l| matches!(l, 'x' | 'X')))
        || c.is_space(end) && masked && c.number(end + 1).is_some()
    {
        end += 1;
    }
    let digits = c.number(end).filter(|d| (3..=6).contains(&d.len()))?;
    if c.word(end + 1).is_some() || !masked && end > 2 {
        return None;
    }
    let told = super::context::before(c).take(2).any(|w| w == "ending" || w == "ends");
    Some(Match {
        atoms: end + 1,
        say: format!("{}{}", if told { "" } else { "ending in " }, each_digit(digits)),
    })
}

/// "Press #", "*9", "0#", "the * key".
pub(super) fn keypad(c: &Cursor) -> Option<Match> {
    if !(matches!(c.symbol(0), Some('#' | '*'))
        || c.number(0).is_some() && matches!(c.symbol(1), Some('#' | '*')))
    {
        return None;
    }
    let pressed = near(
        c,
        &[
            "press", "hit", "dial", "push", "enter", "pressing", "key", "button", "type", "followed", "then",
            "tap", "use", "with",
        ],
        5,
    );
    let name = |symbol: char| if symbol == '#' { "pound" } else { "star" };
    let mut k = 0;
    let mut said: Vec<String> = Vec::new();
    let mut marks = 0;
    while k < 12 {
        match (c.symbol(k), c.number(k)) {
            (Some(symbol @ ('#' | '*')), _) => {
                marks += 1;
                said.push(name(symbol).to_owned());
            }
            (_, Some(digits)) => said.push(each_digit(digits)),
            _ => break,
        }
        k += 1;
    }
    if marks == 0 || c.word(k).is_some() || !(c.starts() || c.is(-1, '"')) {
        return None;
    }
    let key = super::context::follows(c, k, &["key", "sign", "button", "symbol"], 1);
    let starred = c.is(0, '*') && c.number(1).is_some_and(|d| d.len() <= 3);
    let ended = c.number(0).is_some() && c.is(k - 1, '#');
    let alone = k == 1 && (pressed || key);
    let dialled = k > 1
        && (starred
            || ended
            || pressed && !(k == 2 && c.is(0, '#') && !near(c, &["press", "dial", "hit"], 2)));
    (alone || dialled).then(|| Match { atoms: k, say: said.join(" ") })
}

/// How a house number is said: "sixteen hundred", "two twenty one", longer ones digit by digit.
pub(super) fn house(digits: &str) -> String {
    match digits.len() {
        0..=2 => cardinal(digits),
        3 | 4 => pairs(digits),
        _ => each_digit(digits),
    }
}
