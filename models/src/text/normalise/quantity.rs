//! Numbers with what belongs to them: signs, money, units, percent, fractions, ranges.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, decade, decimal, each_digit, fraction, ordinal, year};
use super::units::{Currency, currency, unit};

/// A number as written: "1,234.5".
pub(super) struct Numeral {
    /// Atoms it takes.
    pub(super) atoms: isize,
    pub(super) whole: String,
    pub(super) fraction: String,
    grouped: bool,
}

impl Numeral {
    /// Reads the number at `k`.
    pub(super) fn at(c: &Cursor, k: isize) -> Option<Self> {
        if c.is(k, '.') {
            // ".5", but not the full stop of a sentence.
            let digits =
                c.number(k + 1).filter(|_| !matches!(c.kind(k - 1), Some(Kind::Word | Kind::Number)))?;
            return Some(Self {
                atoms: 2,
                whole: String::new(),
                fraction: digits.to_owned(),
                grouped: false,
            });
        }
        let mut whole = c.number(k)?.to_owned();
        let mut atoms = 1;
        if whole.len() <= 3 && !whole.starts_with('0') {
            while c.is(k + atoms, ',')
                && let Some(group) = c.number(k + atoms + 1).filter(|group| group.len() == 3)
            {
                whole.push_str(group);
                atoms += 2;
            }
        }
        let grouped = atoms > 1;
        let mut fraction = String::new();
        if c.is(k + atoms, '.')
            && let Some(digits) = c.number(k + atoms + 1)
        {
            fraction.push_str(digits);
            atoms += 2;
        }
        Some(Self { atoms, whole, fraction, grouped })
    }

    pub(super) fn is_one(&self) -> bool {
        self.whole == "1" && self.fraction.is_empty()
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        if self.fraction.is_empty() {
            return if self.whole.len() > 1 && self.whole.starts_with('0') {
                each_digit(&self.whole)
            } else {
                cardinal(&self.whole)
            };
        }
        if self.whole.is_empty() {
            return format!("point {}", each_digit(&self.fraction));
        }
        decimal(&self.whole, &self.fraction)
    }
}

/// A minus or plus right before a number: its atoms and its word.
fn sign(c: &Cursor) -> Option<(isize, &'static str)> {
    let word = match c.symbol(0)? {
        '-' => "minus ",
        '+' => "plus ",
        '±' => "plus or minus ",
        '~' | '≈' => "about ",
        _ => return None,
    };
    let glued = matches!(c.kind(1), Some(Kind::Number | Kind::Symbol('.' | '$' | '£' | '€')));
    (c.starts() && glued).then_some((1, word))
}

/// Numbers of all sorts; the dates, times and codes have been tried before.
pub(super) fn quantity(c: &Cursor) -> Option<Match> {
    let (signed, word) = sign(c).unwrap_or((0, ""));
    let c = Cursor { at: c.at + signed as usize, ..*c };
    let found = money(&c).or_else(|| number(&c))?;
    Some(Match { atoms: found.atoms + signed, say: format!("{word}{}", found.say) })
}

/// "$3.50", "€5 million", "$5/month", "$5–10", "50¢", "20 USD".
fn money(c: &Cursor) -> Option<Match> {
    // "US$5", "C$5"
    let prefixed = isize::from(matches!(c.word(0), Some("US" | "C" | "A")) && c.is(1, '$'));
    if let Some(unit) = c.symbol(prefixed).and_then(|s| currency(&s.to_string())) {
        let start = c.skip_space(prefixed + 1);
        let start = if c.is(start, '-') { start + 1 } else { start };
        let minus = if start > prefixed + 1 && c.is(start - 1, '-') { "minus " } else { "" };
        let mut amount = Numeral::at(c, start)?;
        let mut atoms = start + amount.atoms;
        let mut range = String::new();
        let second = atoms + 1 + isize::from(c.symbol(atoms + 1) == c.symbol(prefixed));
        if matches!(c.symbol(atoms), Some('-' | '–'))
            && let Some(upper) = Numeral::at(c, second)
        {
            range = format!("{} to ", amount.words());
            atoms = second + upper.atoms;
            amount = upper;
        }
        let (scaled, more) = scale(c, atoms);
        atoms += more;
        let per = per(c, atoms);
        let say = format!("{minus}{range}{}{}", amount_of(&amount, scaled, &unit), per.say);
        return Some(Match { atoms: atoms + per.atoms, say });
    }
    let amount = Numeral::at(c, 0)?;
    let (scaled, more) = scale(c, amount.atoms);
    let at = c.skip_space(amount.atoms + more);
    let name = c.symbol(at).map(|s| s.to_string()).or_else(|| c.word(at).map(str::to_owned))?;
    if name == "$" && c.number(at + 1).is_some() {
        return None;
    }
    let unit = currency(&name)?;
    Some(Match { atoms: at + 1, say: amount_of(&amount, scaled, &unit) })
}

/// "million" and the like after an amount, and the atoms they take.
fn scale(c: &Cursor, k: isize) -> (&'static str, isize) {
    let at = c.skip_space(k);
    let glued = at == k;
    let word = match c.word(at) {
        Some("thousand") => "thousand",
        Some("million") => "million",
        Some("billion") => "billion",
        Some("trillion") => "trillion",
        Some("k" | "K") if glued => "thousand",
        Some("m" | "M" | "mn" | "mm") if glued => "million",
        Some("b" | "B" | "bn") if glued => "billion",
        Some("bn") => "billion",
        Some("T" | "tn") if glued => "trillion",
        _ => return ("", 0),
    };
    (word, at - k + 1)
}

fn amount_of(amount: &Numeral, scaled: &str, unit: &Currency) -> String {
    if !scaled.is_empty() {
        return format!("{} {scaled} {}", amount.words(), unit.many);
    }
    let name = |one: bool| if one { unit.one } else { unit.many };
    let cents = match amount.fraction.len() {
        0 => return format!("{} {}", amount.words(), name(amount.is_one())),
        1 => format!("{}0", amount.fraction),
        2 => amount.fraction.clone(),
        _ => return format!("{} {}", amount.words(), unit.many),
    };
    if unit.cents.is_empty() {
        return format!("{} {}", amount.words(), unit.many);
    }
    let cents = cents.trim_start_matches('0');
    let coin = if cents == "1" { unit.cent } else { unit.cents };
    let whole = amount.whole.trim_start_matches('0');
    let notes = format!("{} {}", cardinal(&amount.whole), name(whole == "1"));
    match (whole, cents) {
        (_, "") => notes,
        ("", cents) => format!("{} {coin}", cardinal(cents)),
        (_, cents) => format!("{notes} and {} {coin}", cardinal(cents)),
    }
}

/// "/month", "/kg" after an amount.
fn per(c: &Cursor, k: isize) -> Match {
    let none = Match { atoms: 0, say: String::new() };
    let Some(word) = c.word(k + 1).filter(|_| c.is(k, '/')) else { return none };
    let long = if word == "mo" { "month" } else { unit(word, true).map_or(word, |u| u.one) };
    Match { atoms: 2, say: format!(" per {long}") }
}

/// A number and what follows it: ordinal, percent, unit, range, fraction.
fn number(c: &Cursor) -> Option<Match> {
    if let Some(found) = fractions(c).or_else(|| ordinals(c)).or_else(|| range(c)).or_else(|| feet(c)) {
        return Some(found);
    }
    let amount = Numeral::at(c, 0)?;
    let k = amount.atoms;
    if let Some(found) = measured(c, &amount.words(), k, amount.is_one()) {
        return Some(found);
    }
    let (scaled, more) = scale(c, k);
    if more == 1 && !matches!(c.word(k), Some("k" | "bn" | "tn")) {
        // "4K", "2B": a size or a name, said as it is written.
        return Some(Match {
            atoms: k + 1,
            say: format!("{} ^{}", amount.words(), c.word(k)?.to_uppercase()),
        });
    }
    if more > 0 {
        return Some(Match { atoms: k + more, say: format!("{} {scaled}", amount.words()) });
    }
    if c.word(k) == Some("x") && !matches!(c.kind(k + 1), Some(Kind::Number)) {
        return Some(Match { atoms: k + 1, say: format!("{} times", amount.words()) });
    }
    if (c.word(k) == Some("x") || c.is(k, '×'))
        && let Some(other) = Numeral::at(c, k + 1)
    {
        let say = format!("{} by {}", amount.words(), other.words());
        return Some(Match { atoms: k + 1 + other.atoms, say });
    }
    Some(Match { atoms: k, say: plain(c, &amount) })
}

/// A bare number: a year, a decade's start, a code, or how many.
fn plain(c: &Cursor, amount: &Numeral) -> String {
    if !amount.fraction.is_empty() {
        // "Python 3.11" is three point eleven.
        let named = c.word_before().is_some_and(is_versioned);
        let short = (2..=3).contains(&amount.fraction.len()) && !amount.fraction.starts_with('0');
        if named && short && !amount.whole.is_empty() {
            return format!("{} point {}", cardinal(&amount.whole), cardinal(&amount.fraction));
        }
        return amount.words();
    }
    if amount.grouped {
        return amount.words();
    }
    let before = c.word_before().unwrap_or_default().to_lowercase();
    let length = amount.whole.len();
    if is_coded(&before, length) || (length > 9 && !c.is(-1, '-')) {
        return each_digit(&amount.whole);
    }
    // "RTX 4090", "flight UA 1234": models and flights are said like years.
    let named = |word: &str| (2..=4).contains(&word.len()) && word.chars().all(char::is_uppercase);
    if length == 4 && c.word_before().is_some_and(named) {
        return year(&amount.whole);
    }
    if length == 4 && (is_yearly(&before) || ("1900".."2100").contains(&amount.whole.as_str())) {
        return year(&amount.whole);
    }
    amount.words()
}

fn is_versioned(word: &str) -> bool {
    const NAMES: [&str; 16] = [
        "python", "version", "ubuntu", "node", "java", "android", "macos", "ios", "windows", "release",
        "rust", "kernel", "linux", "chrome", "firefox", "debian",
    ];
    NAMES.contains(&word.to_lowercase().as_str())
}

/// Whether a number after `word` is said digit by digit.
fn is_coded(word: &str, length: usize) -> bool {
    match word {
        "code" | "pin" | "zip" | "id" | "extension" | "ext" | "passcode" | "password" => length >= 3,
        "call" | "dial" | "text" => length == 3,
        "account" | "order" | "ticket" | "confirmation" | "case" | "tracking" => length >= 5,
        "flight" => false,
        _ => false,
    }
}

fn is_yearly(word: &str) -> bool {
    matches!(
        word,
        "in" | "since"
            | "year"
            | "circa"
            | "until"
            | "till"
            | "spring"
            | "summer"
            | "autumn"
            | "fall"
            | "winter"
            | "early"
            | "late"
            | "by"
    )
}

/// A unit, percent or degree sign after a number said as `words`.
fn measured(c: &Cursor, words: &str, k: isize, one: bool) -> Option<Match> {
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
    let first = unit(c.word(at)?, at == k || combined)?;
    let mut atoms = at + 1;
    let mut name = if one || hyphened { first.one.to_owned() } else { first.many.to_owned() };
    if let Some(power) = power(c, atoms) {
        name = format!("{} {name}", power.say);
        atoms += power.atoms;
    }
    if c.is(atoms, '/')
        && let Some(second) = c.word(atoms + 1).and_then(|w| unit(w, true))
    {
        name = format!("{name} per {}", second.one);
        atoms += 2;
        if let Some(power) = power(c, atoms) {
            name = format!("{name} {}", if power.say == "square" { "squared" } else { "cubed" });
            atoms += power.atoms;
        }
    }
    // The point of an abbreviated unit: "5 ft. long".
    if c.is(atoms, '.') && c.is_space(atoms + 1) && !c.sentence_ends(atoms + 1) {
        atoms += 1;
    }
    Some(Match { atoms, say: format!("{words} {name}") })
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

fn degrees(c: &Cursor, words: &str, at: isize, one: bool) -> Match {
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

/// "21st", "1990s", "'90s", "90s".
fn ordinals(c: &Cursor) -> Option<Match> {
    let digits = c.number(0)?;
    let mut digits = digits.to_owned();
    let mut k = 1;
    while c.is(k, ',')
        && let Some(group) = c.number(k + 1).filter(|g| g.len() == 3)
    {
        digits.push_str(group);
        k += 2;
    }
    let say = match (c.word(k)?, digits.len()) {
        ("st" | "nd" | "rd" | "th", _) => ordinal(&digits),
        ("s", 4) if digits.ends_with('0') => decade(&digits),
        ("s", 2) if digits.ends_with('0') && digits.as_str() > "10" && of_an_age(c) => {
            super::numbers::plural_of(&cardinal(&digits))
        }
        _ => return None,
    };
    Some(Match { atoms: k + 1, say })
}

/// Whether "20s" here are the twenties and not seconds.
fn of_an_age(c: &Cursor) -> bool {
    let before = c.word_before().unwrap_or_default();
    let before = if c.is(-1, '-') { c.word(-2).unwrap_or_default() } else { before };
    c.is(-1, '\'')
        || matches!(
            before,
            "the" | "his" | "her" | "their" | "my" | "your" | "our" | "early" | "mid" | "late"
        )
}

/// "1/2", "3 1/2", "½", "3½".
fn fractions(c: &Cursor) -> Option<Match> {
    let whole = c.number(0);
    if let Some(whole) = whole {
        let at = c.skip_space(1);
        if let Some(part) = c.symbol(at).and_then(vulgar) {
            return Some(Match { atoms: at + 1, say: mixed(whole, part) });
        }
        if at == 2
            && let Some((part, atoms)) = slashed(c, 2)
        {
            return Some(Match { atoms: 2 + atoms, say: mixed(whole, part) });
        }
    } else if let Some((over, under)) = c.symbol(0).and_then(vulgar) {
        return Some(Match { atoms: 1, say: fraction(over, under) });
    }
    let ((over, under), atoms) = slashed(c, 0)?;
    Some(Match { atoms, say: fraction(over, under) })
}

fn mixed(whole: &str, (over, under): (u64, u64)) -> String {
    let part = if over == 1 && matches!(under, 2 | 4) {
        format!("a {}", if under == 2 { "half" } else { "quarter" })
    } else {
        fraction(over, under)
    };
    format!("{} and {part}", cardinal(whole))
}

fn slashed(c: &Cursor, k: isize) -> Option<((u64, u64), isize)> {
    let over: u64 = c.number(k).filter(|_| c.is(k + 1, '/'))?.parse().ok()?;
    let under: u64 = c.number(k + 2)?.parse().ok()?;
    let proper = over > 0 && over < under && matches!(under, 2..=10 | 12 | 16 | 20 | 32 | 64 | 100);
    (proper && !c.is(k + 3, '/') && c.number(k + 4).is_none_or(|_| !c.is(k + 3, '/')))
        .then_some(((over, under), 3))
}

fn vulgar(c: char) -> Option<(u64, u64)> {
    Some(match c {
        '½' => (1, 2),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}

/// "10-20", "2019–2023", "5–10 km", "5-10%".
fn range(c: &Cursor) -> Option<Match> {
    let lower = Numeral::at(c, 0)?;
    let k = lower.atoms;
    if !matches!(c.symbol(k), Some('-' | '–')) {
        return None;
    }
    let upper = Numeral::at(c, k + 1)?;
    let end = k + 1 + upper.atoms;
    if matches!(c.symbol(end), Some('-' | '–' | '/')) {
        return None;
    }
    let years = [&lower, &upper].iter().all(|n| n.fraction.is_empty() && n.whole.len() == 4 && !n.grouped);
    let (low, high) =
        if years { (year(&lower.whole), year(&upper.whole)) } else { (lower.words(), upper.words()) };
    let say = format!("{low} to {high}");
    Some(measured(c, &say, end, false).unwrap_or(Match { atoms: end, say }))
}

/// 5'10" and 6".
fn feet(c: &Cursor) -> Option<Match> {
    let feet = c.number(0)?;
    if c.is(1, '\'')
        && let Some(inches) = c.number(2)
        && matches!(c.symbol(3), Some('"' | '”'))
    {
        return Some(Match { atoms: 4, say: format!("{} foot {}", cardinal(feet), cardinal(inches)) });
    }
    None
}
