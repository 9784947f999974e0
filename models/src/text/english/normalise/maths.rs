//! Powers of ten, powers, differences and letters of formulas.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::near;
use super::numbers::cardinal;
use super::numeral::Numeral;

fn negative(c: &Cursor, k: isize) -> isize {
    isize::from(matches!(c.symbol(k), Some('-' | '–')))
}

/// "1e-5", "2.5e6": scientific notation.
pub(super) fn scientific(c: &Cursor) -> Option<Match> {
    let amount = Numeral::at(c, 0).filter(|_| c.starts() || c.is(-1, '-'))?;
    let k = amount.atoms;
    if !matches!(c.word(k), Some("e" | "E")) {
        return None;
    }
    let signed = negative(c, k + 1) + isize::from(c.is(k + 1, '+'));
    let power = c.number(k + 1 + signed)?;
    if c.word(k + 2 + signed).is_some()
        || matches!(c.symbol(k + 2 + signed), Some('-')) && c.number(k + 3 + signed).is_some()
        || signed == 0 && (amount.whole.len() > 2 || power.len() > 2)
    {
        return None;
    }
    let minus = if negative(c, k + 1) > 0 { "minus " } else { "" };
    let mantissa = if amount.is_one() { String::new() } else { format!("{} times ", amount.words()) };
    Some(Match { atoms: k + 2 + signed, say: format!("{mantissa}ten to the {minus}{}", cardinal(power)) })
}

/// "10^-3 m", "1.5×10^8", "x^2", "2^8".
pub(super) fn power(c: &Cursor) -> Option<Match> {
    if c.is(0, '^') {
        return after_base(c);
    }
    // "1.5×10^8"
    if let Some(amount) = Numeral::at(c, 0)
        && let at = c.skip_space(amount.atoms)
        && (matches!(c.symbol(at), Some('×' | '*' | '⋅')) || c.word(at) == Some("x"))
        && let ten = c.skip_space(at + 1)
        && c.number(ten) == Some("10")
        && c.is(ten + 1, '^')
    {
        let rest = power(&Cursor { at: c.at + ten as usize, ..*c })?;
        return Some(Match {
            atoms: ten + rest.atoms,
            say: format!("{} times {}", amount.words(), rest.say),
        });
    }
    let base = c.number(0).filter(|d| *d == "10" && c.is(1, '^'))?;
    let signed = negative(c, 2);
    let exponent = c.number(2 + signed)?;
    let say =
        format!("{} to the {}{}", cardinal(base), if signed > 0 { "minus " } else { "" }, cardinal(exponent));
    let end = 3 + signed;
    Some(super::measures::measured(c, &say, end, false).unwrap_or(Match { atoms: end, say }))
}

fn after_base(c: &Cursor) -> Option<Match> {
    let letter = c.word(-1).is_some() || c.is(-1, ')');
    let signed = negative(c, 1);
    let braces = isize::from(c.is(1, '{'));
    let at = 1 + signed + braces;
    let power = c.number(at).or_else(|| c.word(at).filter(|w| w.len() == 1))?;
    let close = isize::from(braces > 0 && c.is(at + 1, '}'));
    let number = power.starts_with(|d: char| d.is_ascii_digit());
    let say = match power {
        "2" if letter && signed == 0 => "squared".to_owned(),
        "3" if letter && signed == 0 => "cubed".to_owned(),
        _ => {
            let minus = if signed > 0 { "minus " } else { "" };
            let power = if number { cardinal(power) } else { format!("^{}", power.to_uppercase()) };
            if letter { format!("to the {minus}{power}") } else { format!("to the power of {minus}{power}") }
        }
    };
    Some(Match { atoms: at + 1 + close, say })
}

/// "mc^2", "E = mc²": letters before a power are said one by one.
pub(super) fn letters(c: &Cursor) -> Option<Match> {
    let word = c.word(0).filter(|w| w.len() <= 4 && w.is_ascii())?;
    let powered = c.is(1, '^') || matches!(c.symbol(1), Some('²' | '³'));
    let short = word.len() == 1 || !word.contains(['a', 'e', 'i', 'o', 'u']) || word.len() == 2;
    if powered
        && short
        && super::units::unit(word, true)
            .filter(|_| c.number(-1).is_some() || c.is_space(-1) && c.number(-2).is_some())
            .is_none()
    {
        let said: Vec<String> = word.chars().map(|l| format!("^{}", l.to_ascii_uppercase())).collect();
        return Some(Match { atoms: 1, say: said.join(" ") });
    }
    // "f(x)"
    let call = matches!(word, "f" | "g" | "h")
        && c.is(1, '(')
        && c.word(2).is_some_and(|w| w.len() == 1)
        && c.is(3, ')');
    call.then(|| Match {
        atoms: 4,
        say: format!("^{} of ^{}", word.to_uppercase(), c.word(2).unwrap_or_default().to_uppercase()),
    })
}

/// "(5-3)*2", "8-3=5": a difference, not a span.
pub(super) fn difference(c: &Cursor) -> Option<Match> {
    let first = Numeral::at(c, 0)?;
    let k = first.atoms;
    let operator = c.symbol(k)?;
    let second = Numeral::at(c, k + 1)?;
    let end = k + 1 + second.atoms;
    let closes = c.is(-1, '(') && c.is(end, ')');
    let goes_on = closes
        && matches!(c.symbol(c.skip_space(end + 1)), Some('*' | '×' | '/' | '+' | '-' | '=' | '^' | '÷'));
    let led = closes
        && matches!(
            c.symbol(if c.is_space(-2) { -3 } else { -2 }),
            Some('*' | '×' | '/' | '+' | '-' | '=' | '÷')
        );
    let equals = c.is(c.skip_space(end), '=')
        || c.is(if c.is_space(-1) { -2 } else { -1 }, '=')
        || near(c, &["calculate", "compute"], 1);
    if !(goes_on || led || equals) {
        return None;
    }
    let word = match operator {
        '-' | '–' => "minus",
        '+' => "plus",
        '*' | '×' | '⋅' => "times",
        '/' | '÷' => "divided by",
        _ => return None,
    };
    Some(Match { atoms: end, say: format!("{} {word} {}", first.words(), second.words()) })
}

/// "*" after a bracket: "(5-3)*2".
pub(super) fn operator(c: &Cursor) -> Option<Match> {
    let symbol = c.symbol(0)?;
    let before = c.is(-1, ')') || c.is_space(-1) && c.is(-2, ')');
    let after = matches!(c.kind(c.skip_space(1)), Some(Kind::Number | Kind::Symbol('(')));
    let numbers = c.number(-1).is_some() && c.is(1, '(') || before && after;
    let say = match symbol {
        '*' | '×' => "times",
        '+' => "plus",
        '/' | '÷' => "divided by",
        '-' if c.is(-1, ')') || c.is(1, '(') => "minus",
        _ => return None,
    };
    numbers.then(|| Match { atoms: 1, say: say.to_owned() })
}

/// "a B- grade", "an A+".
pub(super) fn grade(c: &Cursor) -> Option<Match> {
    let letter = c.word(0).filter(|w| matches!(*w, "A" | "B" | "C" | "D" | "F") && c.starts())?;
    let sign = match c.symbol(1)? {
        '-' | '–' => "minus",
        '+' => "plus",
        _ => return None,
    };
    let ends = !matches!(c.kind(2), Some(Kind::Word | Kind::Number | Kind::Symbol('-' | '+')));
    (ends && !(c.is(1, '+') && c.is(2, '+'))).then(|| Match { atoms: 2, say: format!("^{letter} {sign}") })
}
