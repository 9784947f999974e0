//! Fractions, with a whole number before them and without: "3 1/2", "½".

use super::Match;
use super::atoms::Cursor;
use super::measures::measured;
use super::numbers::{cardinal, fraction};

/// "1/2", "3 1/2", "½", "3½".
pub(super) fn fractions(c: &Cursor) -> Option<Match> {
    let whole = c.number(0);
    if let Some(whole) = whole {
        let at = c.skip_space(1);
        if let Some(part) = c.symbol(at).and_then(vulgar) {
            let say = mixed(whole, part);
            return Some(measured(c, &say, at + 1, false).unwrap_or(Match { atoms: at + 1, say }));
        }
        if at == 2
            && let Some((part, atoms)) = slashed(c, 2)
        {
            let say = mixed(whole, part);
            return Some(measured(c, &say, 2 + atoms, false).unwrap_or(Match { atoms: 2 + atoms, say }));
        }
    } else if let Some((over, under)) = c.symbol(0).and_then(vulgar) {
        return Some(Match { atoms: 1, say: fraction(over, under) });
    }
    let ((over, under), atoms) = slashed(c, 0)?;
    let say = fraction(over, under);
    Some(measured(c, &say, atoms, true).unwrap_or(Match { atoms, say }))
}

/// "3 1/2" is three and a half.
pub(super) fn mixed(whole: &str, (over, under): (u64, u64)) -> String {
    let part = if over == 1 && matches!(under, 2 | 4) {
        format!("a {}", if under == 2 { "half" } else { "quarter" })
    } else {
        fraction(over, under)
    };
    format!("{} and {part}", cardinal(whole))
}

pub(super) fn slashed(c: &Cursor, k: isize) -> Option<((u64, u64), isize)> {
    let over: u64 = c.number(k).filter(|_| c.is(k + 1, '/'))?.parse().ok()?;
    let under: u64 = c.number(k + 2)?.parse().ok()?;
    let proper = over > 0 && over < under && matches!(under, 2..=10 | 12 | 16 | 20 | 32 | 64 | 100);
    (proper && !c.is(k + 3, '/') && c.number(k + 4).is_none_or(|_| !c.is(k + 3, '/')))
        .then_some(((over, under), 3))
}

pub(super) fn vulgar(c: char) -> Option<(u64, u64)> {
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
