//! Spans: "Mon–Fri", "3–4 pm", "Dec. 24–26", "Jan–Mar 2027", "$1.2M–$1.5M", "20k–30k".

use super::Match;
use super::atoms::Cursor;
use super::calendar::{clock, day, is_year, pointed_month, weekday, year_after};
use super::numbers::{cardinal, ordinal, year};

/// The atoms of a dash between two sides at `k`, blanks around it included; 0 if there is none.
pub(super) fn dash(c: &Cursor, k: isize) -> isize {
    let at = c.skip_space(k);
    match c.symbol(at) {
        Some('-' | '–' | '—') => c.skip_space(at + 1) - k,
        _ => 0,
    }
}

/// Spans of days, months, dates and times.
pub(super) fn span(c: &Cursor) -> Option<Match> {
    weekdays(c)
        .or_else(|| month_days(c))
        .or_else(|| months(c))
        .or_else(|| days_month(c))
        .or_else(|| hours(c))
        .or_else(|| years(c))
        .or_else(|| letters(c))
}

/// The weekday at `k` as written short or in full, and its atoms.
fn day_name<'a>(c: &Cursor<'a>, k: isize) -> Option<(&'a str, isize)> {
    let word = c.word(k)?;
    if let Some(name) = weekday(word) {
        return Some((name, 1 + isize::from(c.is(k + 1, '.') && dash(c, k + 2) > 0)));
    }
    const FULL: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    FULL.contains(&word).then_some((word, 1))
}

/// "Mon–Fri", "Mon/Wed/Fri", "Sat & Sun", "Mon, Wed, Fri".
fn weekdays(c: &Cursor) -> Option<Match> {
    let (first, mut end) = day_name(c, 0)?;
    let mut names = vec![first];
    let mut joint = None;
    while names.len() < 7 {
        let at = c.skip_space(end);
        let (this, next) = match c.symbol(at) {
            Some('-' | '–' | '—') => (" to ", c.skip_space(at + 1)),
            Some('/') => (", ", c.skip_space(at + 1)),
            Some('&') => (" and ", c.skip_space(at + 1)),
            Some(',') if c.is_space(at + 1) => (", ", at + 2),
            None if at > end && matches!(c.word(at), Some("and" | "or" | "to" | "through" | "thru")) => (
                match c.word(at) {
                    Some("and") => " and ",
                    Some("or") => " or ",
                    _ => " to ",
                },
                c.skip_space(at + 1),
            ),
            _ => break,
        };
        if joint.is_some_and(|j| j != this && !(j == ", " && this != " to ")) {
            break;
        }
        let Some((name, atoms)) = day_name(c, next) else { break };
        joint = Some(this);
        end = next + atoms;
        if this == ", " {
            names.push(",");
        } else {
            names.push(this.trim());
        }
        names.push(name);
    }
    joint?;
    let say = names.join(" ").replace(" ,", ",");
    Some(Match { atoms: end, say })
}

/// "Dec. 24–26, 2026", "Nov 3-5", "November 3–December 5".
fn month_days(c: &Cursor) -> Option<Match> {
    let (name, k) = pointed_month(c, 0)?;
    let at = c.skip_space(k);
    let (first, mut end) = day_at(c, at).filter(|_| at > k)?;
    let gap = dash(c, end);
    if gap == 0 {
        return None;
    }
    end += gap;
    if let Some((second, to)) = day_at(c, end) {
        if c.word(to).is_some() || c.is(to, ':') {
            return None;
        }
        let y = year_after(c, to);
        return Some(Match {
            atoms: to + y.atoms,
            say: format!("{name} {} to {}{}", ordinal(first), ordinal(second), y.say),
        });
    }
    let (other, k) = pointed_month(c, end)?;
    let (second, to) = day_at(c, c.skip_space(k))?;
    let y = year_after(c, to);
    Some(Match {
        atoms: to + y.atoms,
        say: format!("{name} {} to {other} {}{}", ordinal(first), ordinal(second), y.say),
    })
}

/// A day of the month at `k`, with or without its ending.
fn day_at<'a>(c: &Cursor<'a>, k: isize) -> Option<(&'a str, isize)> {
    let d = c.number(k).and_then(day)?;
    Some((d, k + 1 + isize::from(matches!(c.word(k + 1), Some("st" | "nd" | "rd" | "th")))))
}

/// "Jan–Mar 2027", "June-August", "Sept. 2026 – Jan. 2027".
fn months(c: &Cursor) -> Option<Match> {
    let (first, mut k) = pointed_month(c, 0)?;
    let mut start = String::new();
    if let Some(y) = c.number(c.skip_space(k)).filter(|y| is_year(y) && dash(c, c.skip_space(k) + 1) > 0) {
        start = format!(" {}", year(y));
        k = c.skip_space(k) + 1;
    }
    let gap = dash(c, k);
    if gap == 0 {
        return None;
    }
    let (second, end) = pointed_month(c, k + gap)?;
    let at = c.skip_space(end);
    let (atoms, tail) = match c.number(at).filter(|y| at > end && is_year(y)) {
        Some(y) => (at + 1, format!(" {}", year(y))),
        None => (end, String::new()),
    };
    Some(Match { atoms, say: format!("{first}{start} to {second}{tail}") })
}

/// "27-29 November 2026".
fn days_month(c: &Cursor) -> Option<Match> {
    let (first, k) = day_at(c, 0)?;
    let gap = dash(c, k);
    if gap == 0 || !c.starts() {
        return None;
    }
    let (second, k) = day_at(c, k + gap)?;
    let at = c.skip_space(k);
    let (name, end) = pointed_month(c, at).filter(|_| at > k)?;
    let y = year_after(c, end);
    Some(Match {
        atoms: end + y.atoms,
        say: format!("{} to {} of {name}{}", ordinal(first), ordinal(second), y.say),
    })
}

/// "3–4pm", "9am–5pm", "6 - 8 pm", "10:00-11:30", "9-5" after days.
fn hours(c: &Cursor) -> Option<Match> {
    if !(c.starts() || c.is(-1, '–')) {
        return None;
    }
    let at = |k: isize| Cursor { at: c.at + k as usize, ..*c };
    if let Some(from) = clock(c) {
        let gap = dash(c, from.atoms);
        let to = clock(&at(from.atoms + gap)).filter(|_| gap > 0)?;
        return Some(Match {
            atoms: from.atoms + gap + to.atoms,
            say: format!("{} to {}", from.say, to.say),
        });
    }
    let hour = c.number(0).filter(|h| h.parse::<u32>().is_ok_and(|h| (1..=12).contains(&h)))?;
    let gap = dash(c, 1);
    let to = clock(&at(1 + gap)).filter(|_| gap > 0)?;
    (to.say.contains("^AM") || to.say.contains("^PM"))
        .then(|| Match { atoms: 1 + gap + to.atoms, say: format!("{} to {}", cardinal(hour), to.say) })
}

/// "2026/27", "2025-26", "1914–18", "1939-1945".
fn years(c: &Cursor) -> Option<Match> {
    let first = c.number(0).filter(|y| y.len() == 4 && ("1500".."2200").contains(y) && c.starts())?;
    let mark = c.symbol(1).filter(|s| matches!(s, '/' | '-' | '–'))?;
    let second = c.number(2)?;
    let follows = second.len() == 2
        && matches!((first[2..].parse::<u32>(), second.parse::<u32>()), (Ok(a), Ok(b)) if b > a || a == 99 && b == 0);
    let full = second.len() == 4 && is_year(second) && second > first;
    if !(follows || full)
        || matches!(c.symbol(3), Some('-' | '/' | '–')) && c.number(4).is_some()
        || c.word(3).is_some()
        || mark == '-' && follows && second <= "12"
    {
        return None;
    }
    let short =
        second.strip_prefix('0').map_or_else(|| cardinal(second), |unit| format!("oh {}", cardinal(unit)));
    let say = format!(
        "{}{}{}",
        year(first),
        if mark == '/' { ", " } else { " to " },
        if full { year(second) } else { short }
    );
    Some(Match { atoms: 3, say })
}

/// "A–Z", "A-F".
fn letters(c: &Cursor) -> Option<Match> {
    let (first, second) = (c.word(0)?, c.word(2).filter(|_| matches!(c.symbol(1), Some('-' | '–')))?);
    let lone = |w: &str| w.len() == 1 && w.chars().all(|l| l.is_ascii_uppercase());
    let ends = c.word(3).is_none() && c.number(3).is_none() && !matches!(c.symbol(3), Some('-'));
    (c.starts() && lone(first) && lone(second) && first < second && ends)
        .then(|| Match { atoms: 3, say: format!("^{first} to ^{second}") })
}
