//! Money: "$3.50", "€5 million", "3,50 €", "₹1,50,000", "CA$20", "$1.2M–$1.5M", "$5/month".

use super::Match;
use super::atoms::{Cursor, Kind};
use super::numbers::{cardinal, cardinal_of, plural_of};
use super::numeral::Numeral;
use super::units::{Currency, currency, unit};

/// A currency before its amount, and the atoms of its sign.
fn sign(c: &Cursor, k: isize) -> Option<(Currency, isize)> {
    if let Some(symbol) = c.symbol(k).and_then(|s| currency(&s.to_string())) {
        return Some((symbol, 1));
    }
    let word = c.word(k)?;
    if c.is(k + 1, '$') {
        let code = match word {
            "US" => "$",
            "CA" | "C" | "CAD" => "CAD",
            "A" | "AU" | "AUD" => "AUD",
            "NZ" => "NZD",
            "HK" => "HKD",
            "S" | "SG" => "SGD",
            "MX" | "Mex" => "MXN",
            "R" => "BRL",
            "NT" => "TWD",
            _ => return None,
        };
        return Some((currency(code)?, 2));
    }
    if matches!(word, "Rs" | "Re") {
        let point = isize::from(c.is(k + 1, '.'));
        c.number(c.skip_space(k + 1 + point))?;
        return Some((currency("₹")?, 1 + point));
    }
    let code = currency(word).filter(|_| word.len() == 3 && word.chars().all(char::is_uppercase))?;
    let at = c.skip_space(k + 1);
    (c.number(at).is_some()).then_some((code, 1))
}

/// Money of all sorts.
pub(super) fn money(c: &Cursor) -> Option<Match> {
    let (minus, shift) = match c.symbol(0) {
        Some('-' | '–') if c.starts() && sign(c, 1).is_some() => ("minus ", 1),
        Some('+') if c.starts() && sign(c, 1).is_some() => ("plus ", 1),
        Some('~' | '≈') if c.starts() && sign(c, 1).is_some() => ("about ", 1),
        _ => ("", 0),
    };
    let c = &Cursor { at: c.at + shift as usize, ..*c };
    let found = before(c).or_else(|| after(c))?;
    Some(Match { atoms: found.atoms + shift, say: format!("{minus}{}", found.say) })
}

/// What a price stands before, as in "a $5 bill".
const PRICED: &[&str] = &[
    "bill", "tip", "fee", "coupon", "gift", "deposit", "discount", "credit", "charge", "fine", "ticket",
    "payment", "voucher", "copay", "minimum", "bonus", "refund", "loan", "note", "rebate", "co", "budget",
    "limit", "fund", "house", "car",
];

/// The currency first.
fn before(c: &Cursor) -> Option<Match> {
    let (unit, signed) = sign(c, 0)?;
    let mut start = c.skip_space(signed);
    let mut minus = "";
    if matches!(c.symbol(start), Some('-' | '–')) {
        start += 1;
        minus = "minus ";
    }
    let bracket = c.is(start, '(') && c.number(start + 1).is_some();
    start += isize::from(bracket);
    let mut amount = amount_at(c, start)?;
    let mut atoms = start + amount.atoms;
    if bracket {
        atoms += isize::from(c.is(atoms, ')'));
    }
    if c.word(atoms) == Some("s") && amount.fraction.is_empty() && amount.whole.ends_with('0') {
        return Some(Match { atoms: atoms + 1, say: plural_of(&cardinal(&amount.whole)) });
    }
    let (mut scaled, more) = scale(c, atoms);
    atoms += more;
    let mut range = String::new();
    if let Some(upper) = upper(c, atoms, &amount, scaled, &unit) {
        (range, atoms, scaled, amount) = (upper.lower_said, upper.atoms, upper.scaled, upper.amount);
    }
    let per = per(c, atoms);
    // "$5 USD", "$20 CAD": the code names the currency.
    let at = c.skip_space(atoms);
    let coded = c
        .word(at)
        .filter(|w| w.len() == 3 && c.symbol(signed - 1) == Some('$') && w.chars().all(char::is_uppercase))
        .and_then(currency)
        .filter(|_| per.atoms == 0);
    let (unit, atoms) = coded.map_or((unit, atoms), |code| (code, at + 1));
    let plus =
        if c.is(atoms, '+') && !matches!(c.kind(atoms + 1), Some(Kind::Number)) { " plus" } else { "" };
    // "a $5 bill" is a five dollar bill.
    let noun = c.is_space(atoms)
        && per.atoms == 0
        && c.word(atoms + 1).is_some_and(|w| PRICED.contains(&w))
        && amount.fraction.is_empty();
    let unit = if noun { Currency { many: unit.one, ..unit } } else { unit };
    let say = format!("{minus}{range}{}{}{plus}", amount_of(&amount, scaled, &unit), per.say);
    Some(Match { atoms: atoms + per.atoms + isize::from(!plus.is_empty()), say })
}

/// The upper end of a range.
struct Upper {
    /// The lower end, up to "to".
    lower_said: String,
    /// Where the range ends.
    atoms: isize,
    scaled: &'static str,
    amount: Numeral,
}

/// "–$20", "-20k" behind `lower`.
fn upper(c: &Cursor, atoms: isize, lower: &Numeral, scaled: &'static str, unit: &Currency) -> Option<Upper> {
    let gap = super::spans::dash(c, atoms);
    if gap == 0 {
        return None;
    }
    let second = sign(c, atoms + gap).map_or(0, |(_, atoms)| atoms);
    let at = atoms + gap + second;
    let amount = amount_at(c, at).filter(|_| second > 0 || gap == 1)?;
    let (upper_scale, more) = scale(c, at + amount.atoms);
    let cents = !lower.fraction.is_empty() && scaled.is_empty() && upper_scale.is_empty();
    let lower_said = if cents {
        format!("{} to ", amount_of(lower, scaled, unit))
    } else if scaled.is_empty() || scaled == upper_scale {
        format!("{} to ", words(lower))
    } else {
        format!("{} {scaled} to ", words(lower))
    };
    Some(Upper { lower_said, atoms: at + amount.atoms + more, scaled: upper_scale, amount })
}

/// The amount first: "10€", "3,50 €", "20 USD", "99¢".
fn after(c: &Cursor) -> Option<Match> {
    if !c.starts() {
        return None;
    }
    let plain = Numeral::at(c, 0);
    let amount = european(c).or(plain)?;
    let (scaled, more) = scale(c, amount.atoms);
    let at = c.skip_space(amount.atoms + more);
    let gap = super::spans::dash(c, amount.atoms + more);
    if gap == 1
        && let Some(upper) = Numeral::at(c, amount.atoms + more + 1)
    {
        let end = c.skip_space(amount.atoms + more + 1 + upper.atoms);
        let unit = c
            .symbol(end)
            .filter(|s| matches!(s, '€' | '£' | '¢' | '¥'))
            .and_then(|s| currency(&s.to_string()))?;
        return Some(Match {
            atoms: end + 1,
            say: format!("{} to {}", words(&amount), amount_of(&upper, "", &unit)),
        });
    }
    let name = c.symbol(at).map(|s| s.to_string()).or_else(|| c.word(at).map(str::to_owned))?;
    if name == "$" && (c.number(at + 1).is_some() || at > amount.atoms)
        || name == "Rs" && c.number(c.skip_space(at + 2)).is_some()
    {
        return None;
    }
    let unit = currency(&name)?;
    let per = per(c, at + 1);
    Some(Match {
        atoms: at + 1 + per.atoms,
        say: format!("{}{}", amount_of(&amount, scaled, &unit), per.say),
    })
}

/// The amount at `k`, in whatever grouping.
fn amount_at(c: &Cursor, k: isize) -> Option<Numeral> {
    let at = Cursor { at: c.at + k as usize, ..*c };
    indian(&at).or_else(|| european(&at)).or_else(|| Numeral::at(c, k))
}

/// "1,50,000": groups of two before the last of three.
fn indian(c: &Cursor) -> Option<Numeral> {
    let mut whole = c.number(0).filter(|d| d.len() <= 2)?.to_owned();
    let mut k = 1;
    let mut twos = 0;
    while c.is(k, ',')
        && let Some(group) = c.number(k + 1)
        && (2..=3).contains(&group.len())
    {
        whole.push_str(group);
        k += 2;
        if group.len() == 3 {
            break;
        }
        twos += 1;
    }
    (twos > 0 && c.number(k - 1)?.len() == 3).then(|| {
        let fraction = c.number(k + 1).filter(|_| c.is(k, '.')).unwrap_or_default().to_owned();
        let atoms = if fraction.is_empty() { k } else { k + 2 };
        Numeral { atoms, whole, fraction, grouped: true }
    })
}

/// "3,50", "1.500,00": a comma before the cents.
fn european(c: &Cursor) -> Option<Numeral> {
    let mut whole = c.number(0).filter(|d| d.len() <= 6)?.to_owned();
    let mut k = 1;
    while c.is(k, '.')
        && whole.len() <= 9
        && let Some(group) = c.number(k + 1).filter(|group| group.len() == 3)
    {
        whole.push_str(group);
        k += 2;
    }
    let cents = c.number(k + 1).filter(|d| c.is(k, ',') && (d.len() == 2 || d.len() == 1 && k > 1));
    if cents.is_none() {
        // "1.500 €": thousands, as nobody writes three decimals of a euro.
        return (k > 1 && c.symbol(c.skip_space(k)) == Some('€')).then_some(Numeral {
            atoms: k,
            whole,
            fraction: String::new(),
            grouped: true,
        });
    }
    Some(Numeral { atoms: k + 2, whole, fraction: cents?.to_owned(), grouped: k > 1 })
}

/// "million" and the like after an amount, and the atoms they take.
pub(super) fn scale(c: &Cursor, k: isize) -> (&'static str, isize) {
    let at = c.skip_space(k);
    let glued = at == k;
    let word = match c.word(at) {
        Some("thousand") => "thousand",
        Some("million") => "million",
        Some("billion") => "billion",
        Some("trillion") => "trillion",
        Some("lakh") => "lakh",
        Some("crore" | "crores") => "crore",
        Some("k" | "K") if glued => "thousand",
        Some("m" | "M" | "mn" | "mm" | "MM") if glued => "million",
        Some("b" | "B" | "bn") if glued => "billion",
        Some("bn") => "billion",
        Some("T" | "tn") if glued => "trillion",
        _ => return ("", 0),
    };
    (word, at - k + 1)
}

/// The amount's number in words; rupees by lakh and crore.
fn words(amount: &Numeral) -> String {
    amount.words()
}

fn lakhs(whole: &str) -> Option<String> {
    let n: u64 = whole.parse().ok()?;
    let mut said = Vec::new();
    let parts = [(n / 10_000_000, " crore"), (n / 100_000 % 100, " lakh"), (n % 100_000, "")];
    for (part, name) in parts {
        if part > 0 {
            said.push(format!("{}{name}", cardinal_of(part)));
        }
    }
    (n >= 100_000).then(|| said.join(" "))
}

fn amount_of(amount: &Numeral, scaled: &str, unit: &Currency) -> String {
    if !scaled.is_empty() {
        return format!("{} {scaled} {}", amount.words(), unit.many);
    }
    let indian = unit.many.ends_with("rupees") && amount.grouped;
    let whole_words = || {
        if indian {
            lakhs(&amount.whole).unwrap_or_else(|| cardinal(&amount.whole))
        } else {
            cardinal(&amount.whole)
        }
    };
    let name = |one: bool| if one { unit.one } else { unit.many };
    let cents = match amount.fraction.len() {
        0 => return format!("{} {}", whole_words(), name(amount.is_one())),
        1 if amount.fraction != "0" => format!("{}0", amount.fraction),
        1 | 2 => amount.fraction.clone(),
        _ => return format!("{} {}", amount.words(), unit.many),
    };
    if unit.cents.is_empty() {
        return format!("{} {}", amount.words(), unit.many);
    }
    let cents = cents.trim_start_matches('0');
    let coin = if cents == "1" { unit.cent } else { unit.cents };
    let whole = amount.whole.trim_start_matches('0');
    let notes = || {
        format!("{} {}", if whole.is_empty() { "zero".to_owned() } else { whole_words() }, name(whole == "1"))
    };
    match (whole, cents) {
        (_, "") => notes(),
        ("", cents) => format!("{} {coin}", cardinal(cents)),
        (_, cents) => format!("{} and {} {coin}", notes(), cardinal(cents)),
    }
}

/// "/month", "/kg" after an amount.
pub(super) fn per(c: &Cursor, k: isize) -> Match {
    let none = Match { atoms: 0, say: String::new() };
    let at = c.skip_space(k);
    let Some(word) = c.word(c.skip_space(at + 1)).filter(|_| c.is(at, '/')) else { return none };
    if word == "sq" && c.is_space(at + 2) && c.word(at + 3) == Some("ft") {
        return Match { atoms: at + 4 - k, say: " per square foot".to_owned() };
    }
    if at > k && super::slash::per_name(word).is_none() {
        return none;
    }
    let long = super::slash::per_name(word).or_else(|| unit(word, true).map(|u| u.one)).unwrap_or(word);
    Match { atoms: c.skip_space(at + 1) + 1 - k, say: format!(" per {long}") }
}
