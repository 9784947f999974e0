//! Names made of letters and digits: keys, hashes, serials, model numbers, passwords, versions.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::{near, style};
use super::numbers::{cardinal, each_digit, pairs, year};
use super::places::characters;

/// The run without blanks from here on, closing punctuation left off, and its atoms.
fn chunk<'a>(c: &Cursor<'a>) -> Option<(&'a str, isize)> {
    let mut end = 0;
    while end < 96 && !matches!(c.kind(end), None | Some(Kind::Space | Kind::Break)) {
        end += 1;
    }
    while end > 0
        && matches!(
            c.symbol(end - 1),
            Some('.' | ',' | ';' | ':' | '!' | '?' | ')' | '"' | '”' | '\'' | '*' | '…' | '—')
        )
    {
        end -= 1;
    }
    let last = c.atom(end.checked_sub(1)?)?;
    Some((&c.text[c.atom(0)?.start..last.end], end))
}

/// "Cmd+C", "Ctrl+Shift+Esc", "Alt-F4".
pub(super) fn keys(c: &Cursor) -> Option<Match> {
    let key = |word: &str| {
        Some(match word {
            "Cmd" | "cmd" | "CMD" | "Command" => "command",
            "Ctrl" | "ctrl" | "CTRL" | "Control" => "control",
            "Alt" | "alt" | "ALT" => "alt",
            "Shift" | "shift" | "SHIFT" => "shift",
            "Opt" | "Option" | "opt" => "option",
            "Win" | "Windows" => "windows",
            "Esc" | "esc" | "ESC" => "escape",
            "Del" | "del" | "DEL" | "Delete" => "delete",
            "Ins" => "insert",
            "Tab" | "tab" => "tab",
            "Enter" | "enter" => "enter",
            "Fn" | "fn" => "^FN",
            "PgUp" => "page up",
            "PgDn" => "page down",
            "Space" => "space",
            "Home" => "home",
            "End" => "end",
            "Meta" | "Super" => "super",
            "Backspace" => "backspace",
            _ => return None,
        })
    };
    let first = c.word(0).filter(|_| c.starts())?;
    let mut said = vec![key(first)?.to_owned()];
    let mut k = 1;
    while let Some('+' | '-') = c.symbol(k) {
        let dashed = c.is(k, '-');
        if let Some(word) = c.word(k + 1) {
            match key(word) {
                Some(name) => said.push(name.to_owned()),
                None if word.len() == 1 => said.push(format!("^{}", word.to_uppercase())),
                None if !dashed => said.push(word.to_owned()),
                None => break,
            }
            k += 2;
            if (word == "F" || word == "f")
                && let Some(n) = c.number(k)
            {
                said.push(cardinal(n));
                k += 1;
            }
        } else if let Some(digits) = c.number(k + 1) {
            said.push(cardinal(digits));
            k += 2;
        } else if matches!(c.symbol(k + 1), Some('+' | '-')) {
            said.push(if c.is(k + 1, '+') { "plus" } else { "minus" }.to_owned());
            k += 2;
        } else {
            break;
        }
    }
    let alone = matches!(first, "Cmd" | "Ctrl" | "Esc" | "Del" | "PgUp" | "PgDn" | "CTRL" | "ctrl" | "cmd");
    (said.len() > 1 || alone).then(|| Match { atoms: k, say: said.join(" ") })
}

/// How often letters and digits change places in `part`.
fn changes(part: &str) -> usize {
    part.as_bytes().windows(2).filter(|w| w[0].is_ascii_digit() != w[1].is_ascii_digit()).count()
}

fn mixed(part: &str) -> bool {
    changes(part) > 0
}

const NAMED: &[&str] = &[
    "id",
    "uuid",
    "guid",
    "hash",
    "commit",
    "key",
    "token",
    "serial",
    "code",
    "vin",
    "confirmation",
    "reference",
    "ref",
    "ticket",
    "tracking",
    "invoice",
    "sku",
    "password",
    "passcode",
    "plate",
    "license",
    "booking",
    "reservation",
    "checksum",
    "sha",
    "coupon",
    "promo",
    "voucher",
    "order",
    "passport",
    "pnr",
    "locator",
    "iban",
    "mac",
    "revision",
    "account",
    "policy",
    "claim",
    "badge",
    "case",
    "licence",
    "member",
    "hex",
    "ssid",
    "user",
    "username",
];

/// "550e8400-e29b", "8f3a-22bc", "QX7R2P", "X1234567", "INV-2026-0031".
pub(super) fn identifier(c: &Cursor) -> Option<Match> {
    if !(c.starts() || c.is(-1, '#')) || !matches!(c.kind(0), Some(Kind::Word | Kind::Number)) {
        return None;
    }
    let (text, atoms) = chunk(c)?;
    if atoms < 2 || !text.chars().all(|l| l.is_ascii_alphanumeric() || matches!(l, '-' | '_' | '–')) {
        return None;
    }
    let parts: Vec<&str> = text.split(['-', '_', '–']).filter(|p| !p.is_empty()).collect();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let named = near(c, NAMED, 2) || near(c, NAMED, 4) && near(c, &["is", "number", "no"], 2);
    let lower = |p: &str| p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let hex = |p: &&str| p.len() >= 4 && p.bytes().all(|b| b.is_ascii_hexdigit()) && mixed(p) && lower(p);
    let odd = |p: &&str| {
        p.len() >= 4 && changes(p) >= 2 && !matches!(p.as_bytes()[0], b'v' | b'i')
            || p.len() >= 6
                && mixed(p)
                && p.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && p.bytes().filter(u8::is_ascii_digit).count() >= 5
    };
    let random = parts.iter().any(odd) && !is_unit_like(text)
        || parts.iter().any(hex)
            && (digits > 1 || parts.len() > 1)
            && !is_ordinal(text)
            && !is_unit_like(text);
    let tagged = parts.len() > 1
        && parts[0].chars().all(|l| l.is_ascii_uppercase())
        && parts[0].len() >= 2
        && parts[1..].iter().all(|p| p.bytes().any(|b| b.is_ascii_digit()))
        && (parts.len() > 2 || parts[1].len() >= 4 && parts[0] != "RTX" && parts[0] != "COVID" || named);
    if !(random
        || tagged
        || named && parts.iter().any(|p| mixed(p)) && text.len() >= 4 && !is_ordinal(text)
        || named
            && parts.len() > 1
            && digits > 2
            && parts
                .iter()
                .any(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())))
    {
        return None;
    }
    let said: Vec<String> = parts.iter().map(|part| part_said(part, random, tagged)).collect();
    Some(Match { atoms, say: said.join(", ") })
}

/// A part of an identifier; `random` ones are spelled, `tagged` ones begin with an abbreviation.
fn part_said(part: &str, random: bool, tagged: bool) -> String {
    let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
    match part.bytes().all(|b| b.is_ascii_digit()) {
        true if tagged && part.len() == 4 && ("1990".."2060").contains(&part) => year(part),
        true => each_digit(part),
        false if letters && !random && tagged => super::caps::capitals(part, part, false),
        false if letters && !random && part.len() > 3 => part.to_owned(),
        false => characters(part),
    }
}

fn is_ordinal(text: &str) -> bool {
    ["st", "nd", "rd", "th", "s"]
        .iter()
        .any(|end| text.strip_suffix(end).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())))
}

/// "1920x1080", "2h15m30s", "10k", "3d", "16gb": sizes and lengths of time, no random names.
fn is_unit_like(text: &str) -> bool {
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    matches!(
        letters.to_lowercase().as_str(),
        "x" | "xx"
            | "hm"
            | "ms"
            | "hms"
            | "hs"
            | "dh"
            | "dhm"
            | "k"
            | "kk"
            | "e"
            | "am"
            | "pm"
            | "tz"
            | "t"
            | "ampm"
            | "b"
            | "c"
            | "f"
            | "d"
    )
}

/// "P@ssw0rd!", after what is called a password, character by character.
pub(super) fn password(c: &Cursor) -> Option<Match> {
    if !c.starts() || matches!(c.kind(0), Some(Kind::Symbol('"' | '“' | '(' | '*' | '.' | ':'))) {
        return None;
    }
    let mut end = 0;
    while end < 64 && !matches!(c.kind(end), None | Some(Kind::Space | Kind::Break)) {
        end += 1;
    }
    while end > 0 && matches!(c.symbol(end - 1), Some('.' | ',' | '"' | '”' | ')' | '?' | ';' | ':'))
        || c.is(end - 1, '!') && c.ends(end)
    {
        end -= 1;
    }
    let text = &c.text[c.atom(0)?.start..c.atom(end.checked_sub(1)?)?.end];
    if text.chars().all(char::is_alphabetic) || text.chars().all(|l| l.is_ascii_digit()) {
        return None;
    }
    let told = near(c, &["password", "passphrase", "passcode", "passwort"], 3);
    let symbols = text
        .chars()
        .any(|l| matches!(l, '@' | '$' | '!' | '#' | '%' | '&' | '*' | '^' | '_' | '-' | '+' | '='));
    let leet = text.contains('@')
        && !text.contains('.')
        && !text.starts_with('@')
        && text.chars().any(|l| l.is_ascii_digit());
    let strange = told
        && text.len() >= 4
        && (symbols && text.chars().any(char::is_alphanumeric) || mixed(text))
        && text.chars().any(|l| l.is_ascii_digit() || !l.is_alphanumeric());
    if !(strange || leet) || text.len() > 40 || text.contains("://") {
        return None;
    }
    let said: Vec<String> = text.chars().filter_map(character).collect();
    Some(Match { atoms: end, say: said.join(" ") })
}

/// One character by name.
fn character(l: char) -> Option<String> {
    if l.is_ascii_digit() {
        return Some(each_digit(&l.to_string()));
    }
    if l.is_alphabetic() {
        return Some(format!("^{}", l.to_uppercase()));
    }
    let name = match l {
        '@' => "at",
        '$' => "dollar",
        '!' => "exclamation",
        '#' => "hash",
        '%' => "percent",
        '&' => "and",
        '*' => "star",
        '^' => "caret",
        '_' => "underscore",
        '-' => "dash",
        '+' => "plus",
        '=' => "equals",
        '.' => "dot",
        '/' => "slash",
        '?' => "question",
        _ => return None,
    };
    Some(name.to_owned())
}

/// "i7-12700K", "F-150", "A320", "RTX 4090", "V8", "401(k)", "W-2", "737 MAX".
pub(super) fn model(c: &Cursor) -> Option<Match> {
    if !c.starts() {
        return None;
    }
    if let Some(digits) = c.number(0) {
        return savings_plan(c, digits);
    }
    let word = c.word(0)?;
    codec(c, word).or_else(|| processor(c, word)).or_else(|| numbered(c, word))
}

/// "401k".
fn savings_plan(c: &Cursor, digits: &str) -> Option<Match> {
    let plan = matches!(digits, "401" | "403" | "457" | "529") && c.number(2).is_none();
    let letter = c.word(1).filter(|letter| plan && matches!(*letter, "k" | "b" | "K"))?.to_uppercase();
    Some(Match { atoms: 2, say: format!("{} ^{letter}", pairs(digits)) })
}

/// "H.264".
fn codec(c: &Cursor, word: &str) -> Option<Match> {
    let digits = c.number(2).filter(|digits| digits.len() == 3 && c.is(1, '.'))?;
    (word.len() == 1 && word.chars().all(char::is_uppercase))
        .then(|| Match { atoms: 3, say: format!("^{word} dot {}", pairs(digits)) })
}

/// "i7-12700K", "i5".
fn processor(c: &Cursor, word: &str) -> Option<Match> {
    let tier = c.number(1).filter(|_| word == "i")?;
    let mut say = format!("^I {}", cardinal(tier));
    let Some(digits) = c.number(3).filter(|_| c.is(2, '-')) else { return Some(Match { atoms: 2, say }) };
    say.push_str(&format!(", {}", pairs(digits)));
    let Some(tail) = c.word(4) else { return Some(Match { atoms: 4, say }) };
    say.push_str(&format!(" ^{}", tail.to_uppercase()));
    Some(Match { atoms: 5, say })
}

/// Capitals and a number: "F-150", "A320", "W-2".
fn numbered(c: &Cursor, word: &str) -> Option<Match> {
    let upper = word.len() <= 4 && word.chars().all(|l| l.is_ascii_uppercase());
    let at = 1 + isize::from(c.is(1, '-'));
    let digits = c.number(at).filter(|d| upper && (1..=5).contains(&d.len()))?;
    let goes_on = (c.is(at + 1, '.') || c.is(at + 1, '-')) && c.number(at + 2).is_some();
    let short = at == 1 && digits.len() < 3 || digits.len() < 2 || digits.len() == 2 && word.len() > 1;
    if goes_on || short || matches!(word, "COVID" | "GMT" | "UTC" | "Q" | "FY") {
        return None;
    }
    let head = if word.len() == 1 { format!("^{word}") } else { super::caps::capitals(word, word, false) };
    let tail = c.word(at + 1).filter(|w| w.len() <= 3);
    let coded = style(c, digits.len()) == Some(super::context::Style::Digits);
    let number = if digits.starts_with('0') || coded { each_digit(digits) } else { pairs(digits) };
    let tail_said = match tail {
        Some(t) if t.len() == 1 || t.chars().all(char::is_uppercase) => format!(" ^{}", t.to_uppercase()),
        Some(t) => format!(" {t}"),
        None => String::new(),
    };
    Some(Match { atoms: at + 1 + isize::from(tail.is_some()), say: format!("{head} {number}{tail_said}") })
}

/// "V8", "V12": engines; "v2" is a version.
pub(super) fn engine(c: &Cursor) -> Option<Match> {
    let digits = c.number(1).filter(|d| {
        c.word(0) == Some("V") && c.starts() && d.len() <= 2 && !c.is(2, '.') && c.word(2).is_none()
    })?;
    Some(Match { atoms: 2, say: format!("^V {}", cardinal(digits)) })
}

/// "A .wav file": an ending with its point.
pub(super) fn extension(c: &Cursor) -> Option<Match> {
    let name = c.word(1).filter(|w| c.is(0, '.') && c.starts() && (2..=8).contains(&w.len()))?;
    if !matches!(
        c.kind(2),
        None | Some(Kind::Space | Kind::Break | Kind::Symbol('.' | ',' | '?' | '!' | ')' | '/' | '"'))
    ) || c.is(-1, '.')
    {
        return None;
    }
    Some(Match { atoms: 2, say: format!("dot {}", super::codes::name_part(name)) })
}
