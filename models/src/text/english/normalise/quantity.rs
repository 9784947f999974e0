//! Numbers with what belongs to them: signs, scales, ranges, years, versions.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::near;
use super::fractions::fractions;
use super::measures::measured;
use super::money::scale;
use super::numbers::{cardinal, each_digit, pairs, year};
use super::numeral::Numeral;
use super::ordinals::ordinals;

/// A minus or plus right before a number: its atoms and its word.
fn sign(c: &Cursor) -> Option<(isize, &'static str)> {
    let word = match c.symbol(0)? {
        '-' | '–' => "minus ",
        '—' if c.is_space(-1) || c.kind(-1).is_none() => "minus ",
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
    let found = spaced_thousands(&c).or_else(|| number(&c))?;
    Some(Match { atoms: found.atoms + signed, say: format!("{word}{}", found.say) })
}

/// "12 000", "1 500 000": thousands parted by blanks.
fn spaced_thousands(c: &Cursor) -> Option<Match> {
    let mut whole = c.number(0).filter(|d| d.len() <= 3 && !d.starts_with('0') && c.starts())?.to_owned();
    let mut k = 1;
    while k < 16
        && c.is_space(k)
        && let Some(group) = c.number(k + 1).filter(|d| d.len() == 3)
    {
        whole.push_str(group);
        k += 2;
    }
    let plain = k > 1
        && (whole.ends_with("000") || k > 3)
        && c.word(k).is_none()
        && !matches!(c.symbol(k), Some('-' | '/' | ':'));
    let words = cardinal(&whole);
    plain.then(|| measured(c, &words, k, false).unwrap_or(Match { atoms: k, say: words }))
}

/// A number and what follows it: ordinal, percent, unit, range, fraction.
fn number(c: &Cursor) -> Option<Match> {
    if let Some(found) = fractions(c).or_else(|| ordinals(c)).or_else(|| range(c)) {
        return Some(found);
    }
    let amount = Numeral::at(c, 0)?;
    let k = amount.atoms;
    if let Some(found) = measured(c, &amount.words(), k, amount.is_one()) {
        return Some(found);
    }
    if let Some(found) = scaled_range(c, &amount) {
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
    let formula = |k: isize| {
        matches!(c.symbol(c.skip_space(k)), Some('+' | '-' | '=' | '^' | '²' | '³'))
            || c.is(if c.is_space(-1) { -2 } else { -1 }, '=')
    };
    if let Some(letter) = c.word(k).filter(|w| matches!(*w, "x" | "y" | "n") && formula(k + 1)) {
        return Some(Match { atoms: k + 1, say: format!("{} ^{}", amount.words(), letter.to_uppercase()) });
    }
    if c.word(k) == Some("x") && !matches!(c.kind(k + 1), Some(Kind::Number)) {
        return Some(Match { atoms: k + 1, say: format!("{} times", amount.words()) });
    }
    Some(Match { atoms: k, say: plain(c, &amount) })
}

/// "20k–30k", "20-30k", "1.5–2 million".
fn scaled_range(c: &Cursor, low: &Numeral) -> Option<Match> {
    let (first, more) = scale(c, low.atoms);
    let gap = super::spans::dash(c, low.atoms + more);
    if gap == 0 || gap > 1 && first.is_empty() {
        return None;
    }
    let at = low.atoms + more + gap;
    let high = Numeral::at(c, at)?;
    let (second, more) = scale(c, at + high.atoms);
    if second.is_empty() || c.word(at + high.atoms) == Some("m") {
        return None;
    }
    let low =
        if first.is_empty() || first == second { low.words() } else { format!("{} {first}", low.words()) };
    Some(Match { atoms: at + high.atoms + more, say: format!("{low} to {} {second}", high.words()) })
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
    if length > 9 && !c.is(-1, '-') {
        return each_digit(&amount.whole);
    }
    if length > 2
        && let Some(said) = super::phone::named(c, &amount.whole)
    {
        return said;
    }
    // "RTX 4090", "flight UA 1234": models and flights are said like years.
    let named = |word: &str| (2..=4).contains(&word.len()) && word.chars().all(char::is_uppercase);
    if length == 4 && c.word_before().is_some_and(named) {
        return pairs(&amount.whole);
    }
    if (length == 3 || length == 4)
        && near(c, &["boeing", "airbus", "flight", "xbox", "porsche", "peugeot"], 2)
    {
        return pairs(&amount.whole);
    }
    let counted = super::context::follows(c, 1, COUNTED, 1);
    if length == 4
        && !counted
        && (is_yearly(&before) && ("1000".."2200").contains(&amount.whole.as_str())
            || ("1900".."2100").contains(&amount.whole.as_str()))
    {
        return year(&amount.whole);
    }
    amount.words()
}

/// What is counted, so that a number before it is no year.
const COUNTED: &[&str] = &[
    "people",
    "steps",
    "calories",
    "users",
    "miles",
    "points",
    "words",
    "times",
    "members",
    "employees",
    "square",
    "votes",
    "items",
    "units",
    "customers",
    "students",
    "seats",
    "feet",
    "meters",
    "pounds",
    "dollars",
    "euros",
    "rpm",
    "watts",
    "requests",
    "tokens",
    "pages",
    "kilometers",
    "hours",
    "minutes",
    "seconds",
    "days",
    "years",
    "cases",
    "jobs",
    "homes",
    "units",
    "acres",
    "guests",
    "rows",
    "files",
];

fn is_versioned(word: &str) -> bool {
    const NAMES: [&str; 16] = [
        "python", "version", "ubuntu", "node", "java", "android", "macos", "ios", "windows", "release",
        "rust", "kernel", "linux", "chrome", "firefox", "debian",
    ];
    NAMES.contains(&word.to_lowercase().as_str())
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

/// "10-20", "2019–2023", "5–10 km", "5-10%".
fn range(c: &Cursor) -> Option<Match> {
    let lower = Numeral::at(c, 0)?;
    let k = lower.atoms;
    // "6 - 8 pounds" is a span, "5 - 3 = 2" a difference.
    let gap = super::spans::dash(c, k);
    let spaced = gap > 1;
    if gap == 0 || c.is(c.skip_space(k), '—') {
        return None;
    }
    let upper = Numeral::at(c, k + gap)?;
    let end = k + gap + upper.atoms;
    if spaced
        && (c.is(c.skip_space(end), '=')
            || measured(c, "", end, false).is_none()
            || c.is(if c.is_space(-1) { -2 } else { -1 }, '='))
    {
        return None;
    }
    if matches!(c.symbol(end), Some('-' | '–' | '/')) {
        return None;
    }
    let years = [&lower, &upper].iter().all(|n| n.fraction.is_empty() && n.whole.len() == 4 && !n.grouped);
    let (low, high) =
        if years { (year(&lower.whole), year(&upper.whole)) } else { (lower.words(), upper.words()) };
    // "50-50" is fifty fifty.
    let say = if low == high { format!("{low} {high}") } else { format!("{low} to {high}") };
    Some(measured(c, &say, end, false).unwrap_or(Match { atoms: end, say }))
}
