//! Feet, inches and sizes: 5'10", a 27" monitor, 4" x 6", 3-1/2 inches, 8½ x 11.

use super::Match;
use super::atoms::{Cursor, Kind};
use super::context::follows;
use super::fractions::{mixed, slashed, vulgar};
use super::numbers::{cardinal, fraction};
use super::numeral::Numeral;
use super::units::unit;

/// A length's number: whole, decimal, fraction or mixed.
struct Size {
    atoms: isize,
    say: String,
    /// A fraction below one: "five eighths of an inch".
    part: bool,
    one: bool,
}

fn size(c: &Cursor, k: isize) -> Option<Size> {
    let at = Cursor { at: c.at.checked_add_signed(k)?, ..*c };
    if let Some((over, under)) = at.symbol(0).and_then(vulgar) {
        return Some(Size { atoms: 1, say: fraction(over, under), part: true, one: false });
    }
    let whole = at.number(0)?;
    if let Some(part) = at.symbol(1).and_then(vulgar) {
        return Some(Size { atoms: 2, say: mixed(whole, part), part: false, one: false });
    }
    let joined =
        at.is(1, '-') || at.is_space(1) && at.number(2).is_some_and(|d| d.len() <= 2) && at.is(3, '/');
    if joined && let Some((part, atoms)) = slashed(&at, 2) {
        return Some(Size { atoms: 2 + atoms, say: mixed(whole, part), part: false, one: false });
    }
    if let Some(((over, under), atoms)) = slashed(&at, 0) {
        return Some(Size { atoms, say: fraction(over, under), part: true, one: false });
    }
    let numeral = Numeral::at(&at, 0)?;
    Some(Size { atoms: numeral.atoms, say: numeral.words(), part: false, one: numeral.is_one() })
}

/// Whether the quote at `k` closes one that was opened before, and so marks no inches.
fn closes(c: &Cursor, k: isize) -> bool {
    let mut open = false;
    let mut at = k - 1;
    while at > k - 64 {
        match c.kind(at) {
            None | Some(Kind::Break) => break,
            Some(Kind::Symbol('"')) => {
                let opens = matches!(
                    c.kind(at - 1),
                    None | Some(Kind::Space | Kind::Break | Kind::Symbol('(' | '—'))
                ) && !c.is_space(at + 1);
                open = opens;
                break;
            }
            Some(Kind::Symbol('“')) => return true,
            _ => {}
        }
        at -= 1;
    }
    open
}

fn inch_mark(c: &Cursor, k: isize) -> bool {
    match c.symbol(k) {
        Some('"' | '”') => !closes(c, k),
        Some('\'') => c.is(k + 1, '\''),
        _ => false,
    }
}

/// Sizes with marks or with an "x" between.
pub(super) fn inches(c: &Cursor) -> Option<Match> {
    if !(c.starts() || c.is(-1, '-')) {
        return None;
    }
    feet(c).or_else(|| by(c)).or_else(|| marked(c)).or_else(|| named(c))
}

/// 5'10", 5'11½", 6' tall, 5 ft 11 in.
fn feet(c: &Cursor) -> Option<Match> {
    let feet = c.number(0)?;
    if c.is(1, '\'') && !c.is(2, '\'') {
        if let Some(inches) = size(c, c.skip_space(2)).filter(|_| !c.is(2, '"')) {
            let end = c.skip_space(2) + inches.atoms;
            if matches!(c.symbol(end), Some('"' | '”')) || c.is(end, '\'') && c.is(end + 1, '\'') {
                let marks = if c.is(end, '\'') { 2 } else { 1 };
                return Some(Match {
                    atoms: end + marks,
                    say: format!("{} foot {}", cardinal(feet), inches.say),
                });
            }
            if c.skip_space(2) == 2 && inches.atoms == 1 && feet.len() == 1 && c.word(end).is_none() {
                return Some(Match { atoms: end, say: format!("{} foot {}", cardinal(feet), inches.say) });
            }
        }
        let tall = follows(
            c,
            2,
            &["tall", "wide", "long", "deep", "high", "away", "ladder", "ceiling", "ceilings"],
            1,
        );
        let noun = follows(c, 2, &["ladder", "ceiling", "ceilings"], 1);
        return (tall && c.is_space(2) || c.ends(2) && feet.len() < 3 && !c.is(-1, '\'')).then(|| Match {
            atoms: 2,
            say: format!("{} {}", cardinal(feet), if noun || feet == "1" { "foot" } else { "feet" }),
        });
    }
    let at = c.skip_space(1);
    if matches!(c.word(at), Some("ft" | "feet" | "foot")) {
        let point = isize::from(c.is(at + 1, '.'));
        let second = c.skip_space(at + 1 + point);
        let inches = size(c, second)?;
        let end = c.skip_space(second + inches.atoms);
        if matches!(c.word(end), Some("in" | "inches" | "inch" | "ins")) {
            let point = isize::from(c.is(end + 1, '.') && !c.sentence_ends(end + 2));
            let name = if inches.one { "inch" } else { "inches" };
            return Some(Match {
                atoms: end + 1 + point,
                say: format!(
                    "{} {} {} {name}",
                    cardinal(feet),
                    if feet == "1" { "foot" } else { "feet" },
                    inches.say
                ),
            });
        }
    }
    None
}

/// 4" x 6", 8½ x 11, 2 x 4, 10x12 ft.
fn by(c: &Cursor) -> Option<Match> {
    let mut said: Vec<String> = Vec::new();
    let mut k = 0;
    let mut end = 0;
    let mut marked = "";
    let mut product = false;
    let mut times = false;
    while said.len() < 4 {
        let Some(this) = size(c, k) else { break };
        if this.say.is_empty() || this.part && said.is_empty() && !inch_mark(c, k + this.atoms) {
            return None;
        }
        end = k + this.atoms;
        said.push(this.say);
        if inch_mark(c, end) {
            marked = "inches";
            end += 1 + isize::from(c.is(end, '\''));
        } else if c.is(end, '\'') {
            marked = "feet";
            end += 1;
        } else if let Some(name) =
            c.word(c.skip_space(end)).filter(|w| matches!(*w, "in" | "ft" | "cm" | "mm" | "m")).filter(|_| {
                matches!(c.word(c.skip_space(c.skip_space(end) + 1)), Some("x" | "X"))
                    || c.is(c.skip_space(c.skip_space(end) + 1), '×')
            })
        {
            marked = unit(name, true)?.many;
            end = c.skip_space(end) + 1;
        }
        let at = c.skip_space(end);
        if c.is(at, '×') || matches!(c.word(at), Some("x" | "X")) {
            product |= c.is(at, '×');
            times |= at > end;
            k = c.skip_space(at + 1);
        } else if c.word(at) == Some("by") && !marked.is_empty() {
            k = c.skip_space(at + 1);
        } else {
            break;
        }
    }
    if said.len() < 2 || c.word(end).is_some_and(|w| unit(w, true).is_none()) {
        return None;
    }
    let at = c.skip_space(end);
    let equals = c.is(at, '=') || product && c.is(end, '^');
    if equals || product && marked.is_empty() && c.is(at, '^') {
        return None;
    }
    // "5 × 3" is a product, "5×7 photo" a size.
    if product && times && marked.is_empty() && c.word(at).and_then(|w| unit(w, true)).is_none() {
        return None;
    }
    let (atoms, name) = unit_behind(c, at, marked).unwrap_or((end, marked));
    let joined = said.join(" by ");
    Some(Match { atoms, say: if name.is_empty() { joined } else { format!("{joined} {name}") } })
}

/// The unit at `at`, behind sizes that are `marked` already or not, and where it ends.
fn unit_behind(c: &Cursor, at: isize, marked: &'static str) -> Option<(isize, &'static str)> {
    let unit = c.word(at).and_then(|word| unit(word, true))?;
    let preposition = unit.many == "inches" && follows(c, at + 1, &["the", "a", "my", "this"], 1);
    let reads = marked.is_empty() && !preposition || unit.many == marked;
    reads.then_some((at + 1, unit.many))
}

/// 27", 5/8", 1".
fn marked(c: &Cursor) -> Option<Match> {
    let size = size(c, 0)?;
    if !inch_mark(c, size.atoms) {
        return None;
    }
    let atoms = size.atoms + 1 + isize::from(c.is(size.atoms, '\''));
    if size.part {
        return Some(Match { atoms, say: format!("{} of an inch", size.say) });
    }
    const AFTER: &[&str] = &[
        "thick", "wide", "long", "tall", "deep", "high", "apart", "by", "and", "of", "in", "is", "to", "on",
        "from", "above", "below", "or", "away", "at", "for", "with", "are", "was", "across", "taller",
        "longer", "wider", "shorter", "x",
    ];
    let noun = c.is_space(atoms)
        && c.word(atoms + 1).is_some_and(|w| !AFTER.contains(&w.to_lowercase().as_str()))
        || c.is(atoms, '-');
    let name = if size.one || noun { "inch" } else { "inches" };
    Some(Match { atoms, say: format!("{} {name}", size.say) })
}

/// "3-1/2 inches", "1-1/2 tsp", "2 1/4 cups".
fn named(c: &Cursor) -> Option<Match> {
    let whole = c.number(0)?;
    let (part, atoms) = slashed(c, 2).filter(|_| c.is(1, '-'))?;
    let say = mixed(whole, part);
    Some(super::measures::measured(c, &say, 2 + atoms, false).unwrap_or(Match { atoms: 2 + atoms, say }))
}
